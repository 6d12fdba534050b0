"""Ctrl-C: a long apply ends between two changes, and the next one does the rest."""

import signal
import subprocess
import sys
import time

import pytest
from etcd_pki import Bundle, Cluster, Store
from tools import python

APPLY = """
import signal, sys
from etcd_pki import Cluster, ClusterDefaults
signal.signal(signal.SIGINT, signal.default_int_handler)
cluster = Cluster(
    members=[f"etcd-{{number}}" for number in range(500)], admin=False, defaults=ClusterDefaults(algorithm="rsa-2048")
)
def progress(done, all):
    print(done, flush=True)
try:
    {act}
except {caught}:
    print("ended", flush=True)
    sys.exit(7)
"""


def interrupted(directory, act, caught="KeyboardInterrupt", before=""):
    """Sends Ctrl-C after some of the changes, and returns the number of changes that were
    reported."""
    code = before + APPLY.format(act=act, caught=caught)
    process = subprocess.Popen([sys.executable, "-c", code, str(directory)], stdout=subprocess.PIPE, text=True)
    try:
        told = [int(process.stdout.readline())]
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, _ = process.communicate(timeout=60)
        # The rest would take minutes
        assert time.monotonic() - began < 30
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 7
    *more, last = out.split()
    assert last == "ended"
    return [*told, *map(int, more)]


def whole(directory):
    """Returns the number of pairs. Checks that each pair matches, and that no temporary file is
    left."""
    names = {file.name for file in directory.iterdir() if file.suffix == ".pem"}
    keys = {name for name in names if name.endswith("-key.pem")}
    certificates = names - keys
    for name in certificates:
        Bundle.from_files(directory / name, directory / name.replace(".pem", "-key.pem"))
    assert len(keys) >= len(certificates)
    return len(certificates)


def test_apply(tmp_path):
    told = interrupted(tmp_path, "cluster.apply(sys.argv[1], progress=progress)")
    made = whole(tmp_path)
    assert told[-1] <= made < 501
    # With another algorithm, which is faster: existing keys are replaced, and the rest is created
    cluster = Cluster(members=[f"etcd-{number}" for number in range(500)], admin=False)
    report = cluster.apply(tmp_path)
    assert report.changed >= 501 - made
    assert whole(tmp_path) == 501
    assert not cluster.plan(tmp_path).has_work
    assert sum(1 for file in tmp_path.iterdir() if file.suffix == ".pem") == 1002


def test_the_same_specification_again_makes_the_rest(tmp_path):
    cluster = Cluster(members=[f"etcd-{number}" for number in range(300)], admin=False)

    class Enough(Exception):
        pass

    def progress(done, all):
        raise Enough

    with pytest.raises(Enough):
        cluster.apply(tmp_path, progress=progress)
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.name.endswith("-key.pem")}
    made = whole(tmp_path)
    assert cluster.apply(tmp_path).changed == 301 - made
    assert whole(tmp_path) == 301
    # The existing files are unchanged
    assert all((tmp_path / name).read_bytes() == key for name, key in kept.items())
    assert not cluster.plan(tmp_path).has_work


def test_a_plan(tmp_path):
    interrupted(tmp_path, "cluster.plan(sys.argv[1]).apply(progress=progress)")
    assert 1 <= whole(tmp_path) < 501


REQUESTS = """
import os, signal, sys
from etcd_pki import Cluster, ClusterCa, ClusterDefaults
signal.signal(signal.SIGINT, signal.default_int_handler)
def ctrl_c(done, all):
    os.kill(os.getpid(), signal.SIGINT)
directory = sys.argv[1]
def host(cluster, name):
    return cluster.plan(f"{directory}/{name}", host=name, exchange=f"{directory}/exchange")
def signing(cluster):
    return cluster.plan(f"{directory}/ca", exchange=f"{directory}/exchange")
def ended(apply):
    try:
        print(apply(progress=ctrl_c))
    except KeyboardInterrupt:
        return
    sys.exit("it went on")
"""


def test_requests_on_a_host(tmp_path):
    """With large keys, Ctrl-C comes after the first key, during the generation of the second."""
    code = """
cluster = Cluster(members=["etcd-1"], nodes=["etcd-1"], defaults=ClusterDefaults(algorithm="rsa-4096"))
ended(host(cluster, "etcd-1").apply)
left = [step for step in host(cluster, "etcd-1").changes if step.makes_key]
assert 0 < len(left) < 3, left
assert host(cluster, "etcd-1").apply().count("request") == len(left)
print("done")
"""
    done = python(REQUESTS + code, tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_requests_that_are_signed(tmp_path):
    """A host has all its certificates, or none. A new plan finds the others."""
    code = """
hosts = [f"etcd-{number}" for number in range(150)]
cluster = Cluster(members=hosts, ca=ClusterCa(algorithm="rsa-4096"))
for name in hosts:
    host(cluster, name).apply()
ended(signing(cluster).apply)
left = signing(cluster)
signs = [step for step in left.changes if step.action == "sign"]
assert all(step.action in ("sign", "trust") for step in left.changes)
assert 0 < len(signs) <= 300
assert len(signs) % 2 == 0
assert left.apply().count("sign") == len(signs)
assert signing(cluster).changes == []
print("done")
"""
    done = python(REQUESTS + code, tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize(
    "waits",
    [
        "Store(directory).lock()",
        "cluster.apply(directory)",
        "cluster.plan(directory).apply()",
        "cluster.apply(directory, host='etcd-1', exchange=directory + '/../exchange')",
        "CertificateAuthority.create('etcd-ca').write(directory)",
        "CertificateAuthority.create('etcd-ca').issue('client', 'app').write(directory)",
    ],
)
def test_the_wait_for_a_lock(waits, tmp_path):
    code = f"""
import signal, sys
from etcd_pki import CertificateAuthority, Cluster, Store
signal.signal(signal.SIGINT, signal.default_int_handler)
directory = sys.argv[1]
cluster = Cluster(members=["etcd-1"])
print("waiting", flush=True)
try:
    {waits}
except KeyboardInterrupt:
    print("ended")
"""
    directory = tmp_path / "pki"
    with Store(directory).lock():
        process = subprocess.Popen([sys.executable, "-c", code, str(directory)], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout.readline() == "waiting\n"
            time.sleep(0.3)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            # Otherwise it would wait for a minute
            out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait()
    assert out == "ended\n"
    assert list(directory.iterdir()) == [directory / ".etcd-pki.lock"]


def test_a_handler_of_ones_own(tmp_path):
    """An exception that it raises ends the work."""
    before = """
import signal
class Stop(Exception):
    pass
def handler(number, frame):
    raise Stop
signal.default_int_handler = handler
"""
    interrupted(tmp_path, "cluster.apply(sys.argv[1], progress=progress)", caught="Stop", before=before)
    assert 1 <= whole(tmp_path) < 501


def test_a_handler_that_raises_nothing_ends_nothing(tmp_path):
    code = """
import os, signal, sys
from etcd_pki import Cluster
seen = []
signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
def progress(done, all):
    if not seen:
        os.kill(os.getpid(), signal.SIGINT)
report = Cluster(members=[f"etcd-{number}" for number in range(300)], admin=False).apply(sys.argv[1], progress=progress)
print(report.changed, len(seen) > 0)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.stdout == "301 True\n", done.stderr


def test_the_lock_is_let_go(tmp_path):
    interrupted(tmp_path, "cluster.apply(sys.argv[1], progress=progress)")
    began = time.monotonic()
    Cluster(clients=["root"]).apply(tmp_path)
    assert time.monotonic() - began < 50
