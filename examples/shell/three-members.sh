#!/bin/sh
# Creates working certificates for a three-member etcd cluster on this machine, and prints how to
# start it.
#
#   sh examples/shell/three-members.sh [DIRECTORY]
#
# It builds the command with cargo if `etcd-pki` is not installed. It starts no server and needs no
# root rights.
set -eu

directory=${1:-three-members}
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)

if [ -n "${ETCD_PKI:-}" ]; then
    etcd_pki=$ETCD_PKI
elif command -v etcd-pki >/dev/null 2>&1; then
    etcd_pki=etcd-pki
elif command -v cargo >/dev/null 2>&1; then
    echo "building etcd-pki with cargo; the first time takes a minute or two" >&2
    cargo build --quiet --release --locked --manifest-path "$here/Cargo.toml" --package etcd-pki
    etcd_pki=${CARGO_TARGET_DIR:-$here/target}/release/etcd-pki
else
    echo "install Rust first: https://www.rust-lang.org/tools/install, or the packages cargo and gcc" >&2
    exit 1
fi

"$etcd_pki" apply -f "$here/examples/cluster.yaml" -d "$directory"

# An absolute path, quoted for a shell
directory=$(CDPATH='' cd -- "$directory" && pwd)
quoted=$(printf '%s' "$directory" | sed "s/'/'\\\\''/g; s/^/'/; s/\$/'/")

cluster=
for number in 1 2 3; do
    cluster=$cluster${cluster:+,}etcd-$number=https://127.0.0.$number:2380
done
cat <<TEXT

To start the three members on this machine, each in a terminal of its own:
TEXT
for number in 1 2 3; do
    "$etcd_pki" env etcd --host "etcd-$number" -d "$directory" >"$directory/etcd-$number.env"
    cat <<TEXT

  set -a; . $quoted/etcd-$number.env; set +a
  etcd --name etcd-$number --data-dir $quoted/data-$number \\
    --listen-client-urls https://127.0.0.$number:2379 --advertise-client-urls https://127.0.0.$number:2379 \\
    --listen-peer-urls https://127.0.0.$number:2380 --initial-advertise-peer-urls https://127.0.0.$number:2380 \\
    --initial-cluster $cluster
TEXT
done
cat <<TEXT

And to ask them:

  eval "\$($etcd_pki env etcdctl --client root -d $quoted)"
  etcdctl --endpoints https://127.0.0.1:2379,https://127.0.0.2:2379,https://127.0.0.3:2379 member list
TEXT
