#!/usr/bin/env bash
# Tests the Ansible collection in a wheel, on real files and a real etcd, with the ansible-core that
# Kubespray uses and with the newest one that runs here: bash tests/ansible.sh WHEEL [PYTEST
# ARGUMENTS...]
#
# It needs the tools that tests/setup.sh installs, and Python 3.11 or later, on PATH or among the
# versions of pyenv. If there are several, the newest ansible-core runs on the newest Python, and
# modules also run on 3.9, the oldest that the package supports. The environments are in
# target/test-tools (or $ETCD_PKI_TEST_TOOLS).
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$tests")
tools=${ETCD_PKI_TEST_TOOLS:-target/test-tools}
[[ $tools = /* ]] || tools=$root/$tools

say() { echo "ansible: $*" >&2; }
stop() {
    say "$*"
    exit 1
}

[[ $# -ge 1 && -f $1 ]] || stop "call it with a wheel: bash tests/ansible.sh target/dist/etcd_pki-*.whl"
wheel=$(realpath "$1")
shift
[[ -f $tools/env ]] || stop "$tools/env is missing: run tests/setup.sh"
mkdir -p "$tools/ansible" "$tools/stamps"

# Two runs at once would install into each other's environments.
exec 9>"$tools/ansible/lock"
flock --wait 1800 9 || stop "another run of tests/ansible.sh is still at work"

# find_python MINOR... : sets `python` to the first of these minor versions of Python 3 that works,
# and `minor` to its number.
find_python() {
    local candidate
    for minor in "$@"; do
        for candidate in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python3; do
            if "$candidate" -c "import ensurepip, venv, sys; sys.exit(sys.version_info[:2] != (3, $minor))" 2>/dev/null; then
                python=$candidate
                return
            fi
        done
    done
    stop "no Python 3.$(tr ' ' '/' <<<"$*") on PATH or among pyenv's versions"
}

# environment NAME REQUIREMENTS : creates a virtual environment of `python` with the packages of a
# requirements file, and with the wheel.
environment() {
    local name=$1 requirements=$2 folder=$tools/ansible/$1 stamp=$tools/stamps/ansible-$1 wanted
    wanted="$("$python" --version) $(sha256sum <"$requirements")"
    if [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]] || ! "$folder/bin/python" -c '' 2>/dev/null; then
        say "$name: $("$python" --version), $(grep --invert-match '^#' "$requirements" | tr '\n' ' ')"
        rm -f "$stamp"
        "$python" -m venv --clear "$folder"
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
        echo "$wanted" >"$stamp"
    fi
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
}

find_python 11 12 13
environment oldest "$tests/ansible/oldest-requirements.txt"
find_python 14 13 12 11
environment newest "$tests/ansible/newest-requirements.txt"
find_python 9 10 11 12 13 14
[[ $minor = 9 ]] || say "NO PYTHON 3.9 AT HAND: the target has $("$python" --version)"
environment target "$tests/ansible/target-requirements.txt"

export ETCD_PKI_TEST_TOOLS=$tools
export ETCD_PKI_TEST_WHEEL=$wheel
export ETCD_PKI_TEST_ANSIBLE_OLDEST=$tools/ansible/oldest
export ETCD_PKI_TEST_ANSIBLE_NEWEST=$tools/ansible/newest
export ETCD_PKI_TEST_ANSIBLE_TARGET=$tools/ansible/target
cd "$tests/ansible"
"$tools/ansible/oldest/bin/python" -m pytest --config-file=pytest.ini --numprocesses=2 "$@"
