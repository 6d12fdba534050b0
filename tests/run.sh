#!/usr/bin/env bash
# Runs every check, and first installs the tools for them: bash tests/run.sh
#
# It needs Rust (with rustfmt and clippy), a C compiler, Python 3 and a Debian-like system.
# tests/setup.sh installs the programs that judge, or prints what to install. No check is skipped: a
# missing tool is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() {
    printf '\n==> %s\n' "$*"
    SECONDS=0
}

# A component of Rust's toolchain that is missing
need_component() {
    cargo "$1" --version >/dev/null 2>&1 && return
    if command -v rustup >/dev/null && rustup component add "$2"; then
        return
    fi
    echo "tests/run.sh: cargo $1 is missing: install $2 for $(rustc --version)" >&2
    exit 1
}

command -v cargo >/dev/null || {
    echo "tests/run.sh: cargo is missing: install Rust 1.89 or newer" >&2
    exit 1
}
command -v cc >/dev/null || {
    echo "tests/run.sh: the C compiler cc is missing: run as root: apt-get install --no-install-recommends gcc libc6-dev" >&2
    exit 1
}
need_component fmt rustfmt
need_component clippy clippy

step "format"
cargo fmt --all --check

step "the programs that judge"
bash tests/setup.sh

step "dependencies: licences, duplicates, sources"
# The folder of tests/setup.sh
tools=${ETCD_PKI_TEST_TOOLS:-target/test-tools}
"$tools/bin/cargo-deny" --locked check bans licenses sources

step "lints"
cargo clippy --locked --workspace --all-targets -- -D warnings
cargo clippy --locked --package etcd-pki-core --no-default-features --lib -- -D warnings
cargo clippy --locked --package etcd-pki-core --no-default-features --features store --lib -- -D warnings
cargo clippy --locked --package etcd-pki-core --no-default-features --features probe --lib -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

step "packages, as they would be published"
# cargo keeps the unpacked files of a version, and would use them for the package of the next run
rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry/{src,cache}/*/etcd-pki{,-core}-[0-9]*
# Uncommitted changes are part of the packages: this checks the packages, not the state of the
# checkout
cargo publish --locked --workspace --dry-run --allow-dirty

step "without the features rsa and yaml, and with rustls"
cargo test --locked --package etcd-pki-core --no-default-features --features store,rustls-pki-types --lib

step "all tests"
cargo test --locked --workspace --no-fail-fast

step "the Python package, as it would be published"
bash tests/package.sh

step "tests of the Python package"
bash tests/wheel.sh target/dist/*.whl

step "tests of the Ansible collection"
bash tests/ansible.sh target/dist/*.whl

step "done"
