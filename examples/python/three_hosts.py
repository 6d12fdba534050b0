"""Creates the certificates of three etcd hosts, as Kubespray's make-ssl-etcd.sh does.

    python three_hosts.py DIRECTORY

A second run creates missing certificates, renews due ones, and changes nothing else.
"""

import sys
from pathlib import Path

from etcd_pki import Cluster, ClusterEntry, Settings, Store

HOSTS = {"etcd-1": "127.0.0.1", "etcd-2": "127.0.0.2", "etcd-3": "127.0.0.3"}

if len(sys.argv) != 2:
    sys.exit("usage: python three_hosts.py DIRECTORY")
directory = Path(sys.argv[1])
cluster = Cluster(
    members=[ClusterEntry(name, names=[address]) for name, address in HOSTS.items()],
    nodes=list(HOSTS),
    clients=["root"],
)
for step in cluster.plan(directory).changes:
    print(step)
report = cluster.apply(directory)
print(report)
report.raise_for_failures()
for name in HOSTS:
    (directory / f"{name}.env").write_text(str(Settings.etcd(Store(directory), name)))
