#!/usr/bin/env bash
# Runs the tests of the Python package against an installed wheel: bash tests/wheel.sh WHEEL [PYTEST
# ARGUMENTS...]
#
# The tests run twice: on the oldest and on the newest available CPython, 3.9 or later, of those on
# PATH and among the versions of pyenv. They need the programs that tests/setup.sh installs, and the
# command: $ETCD_PKI_TEST_COMMAND, or the binary that this script builds with cargo.
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$tests")
tools=${ETCD_PKI_TEST_TOOLS:-target/test-tools}
[[ $tools = /* ]] || tools=$root/$tools
export ETCD_PKI_TEST_TOOLS=$tools

say() { echo "wheel: $*" >&2; }
stop() {
    say "$*"
    exit 1
}

[[ $# -ge 1 && -f $1 ]] || stop "say which: bash tests/wheel.sh WHEEL"
wheel=$(realpath "$1")
shift

# interpreters : prints the version and the path of each CPython, the oldest first, each version
# once.
interpreters() {
    local program
    for program in $(compgen -c python3 | grep --extended-regexp '^python3(\.[0-9]+)?$' | sort --unique) \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3; do
        # Neither a shim for a missing version nor a free-threaded build, which has other wheels
        "$program" -c 'import sys, sysconfig
if sys.implementation.name == "cpython" and sys.version_info >= (3, 9) and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("%d.%d" % sys.version_info[:2], sys._base_executable)' 2>/dev/null || true
    done | sort --version-sort --key=1,1 --unique
}

mapfile -t found < <(interpreters)
[[ ${#found[@]} -gt 0 ]] || stop "there is no CPython of 3.9 or later"
say "CPython at hand: $(printf '%s\n' "${found[@]%% *}" | paste --serial --delimiters=' ')"
oldest=${found[0]} newest=${found[-1]}
if [[ $(printf '%s\n' 3.13 "${newest%% *}" | sort --version-sort | head --lines=1) != 3.13 ]]; then
    say "NONE IS 3.13 OR NEWER: its default TLS context is imitated"
fi
chosen=("$oldest")
[[ $oldest = "$newest" ]] || chosen+=("$newest")

if [[ -z ${ETCD_PKI_TEST_COMMAND:-} ]]; then
    (cd "$root" && cargo build --quiet --locked --package etcd-pki)
    export ETCD_PKI_TEST_COMMAND=${CARGO_TARGET_DIR:-$root/target}/debug/etcd-pki
fi

for interpreter in "${chosen[@]}"; do
    version=${interpreter%% *}
    venv=$tools/wheel-$version
    stamp=$tools/stamps/wheel-$version
    inputs="$interpreter $(sha256sum "$tests/wheel/requirements.txt")"
    if [[ ! -f $stamp || $(<"$stamp") != "$inputs" ]]; then
        say "making a venv of CPython $version"
        rm -f "$stamp"
        "${interpreter#* }" -m venv --clear "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$tests/wheel/requirements.txt"
        mkdir -p "$tools/stamps"
        echo "$inputs" >"$stamp"
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
    say "CPython $version: ${wheel##*/}"
    # Runs in the folder of the tests. In the root, the source packages could be imported in place
    # of the installed one
    (cd "$tests/wheel" && "$venv/bin/python" -m pytest "$@")
done
