"""Use after fork: a child process does not have the threads of its parent."""

import multiprocessing

import pytest
from etcd_pki import CertificateAuthority, Role
from tools import python

CODE = """
import os, signal, sys, threading, time, warnings
from etcd_pki import Check, Cluster, PrivateKey
warnings.simplefilter("ignore")
# A child that waits forever is killed, and its exit code shows it
def child(work):
    process = os.fork()
    if process == 0:
        signal.alarm(40)
        try:
            work()
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    assert status == 0, status
cluster = Cluster(members=["etcd-1", "etcd-2"], clients=["root"])
directory = sys.argv[1]
"""


def forked(code, directory):
    done = python(CODE + code, directory)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_after_the_parent_has_worked(tmp_path):
    forked(
        """
cluster.apply(f"{directory}/parent")
cluster.plan(f"{directory}/parent")
Check().run([f"{directory}/parent"])
PrivateKey.generate("rsa-2048")
plan = cluster.plan(f"{directory}/plan")

def work():
    assert cluster.apply(f"{directory}/child").changed == 6
    assert not cluster.plan(f"{directory}/child").has_work
    assert len(Check().run([f"{directory}/parent"])) == 6
    assert plan.apply().changed == 6
    exchange = f"{directory}/exchange"
    assert cluster.apply(f"{directory}/host", host="etcd-1", exchange=exchange).keys == 2
    assert cluster.apply(f"{directory}/parent", exchange=exchange).count("sign") == 2
    PrivateKey.generate("rsa-2048")

child(work)
child(work and (lambda: cluster.plan(f"{directory}/child")))
cluster.apply(f"{directory}/parent")
print("done")
""",
        tmp_path,
    )


def test_while_the_parent_works(tmp_path):
    forked(
        """
ended = threading.Event()
def busy():
    number = 0
    while not ended.is_set():
        number += 1
        cluster.apply(f"{directory}/busy-{number}")
thread = threading.Thread(target=busy)
thread.start()
for number in range(10):
    time.sleep(0.01)
    child(lambda: cluster.apply(f"{directory}/child-{number}"))
ended.set()
thread.join()
print("done")
""",
        tmp_path,
    )


def test_a_lock_of_the_parents_is_not_the_childs(tmp_path):
    """The child waits for the lock like any other process, and gets it when the parent releases
    it."""
    forked(
        """
from etcd_pki import Store
files = Store(directory).lock()
files.__enter__()
threading.Timer(1, lambda: files.__exit__(None, None, None)).start()
child(lambda: cluster.apply(directory))
assert not cluster.plan(directory).has_work
print("done")
""",
        tmp_path,
    )


def test_keys_differ_on_both_sides_of_a_fork():
    forked(
        """
PrivateKey.generate()
read, write = os.pipe()
child(lambda: os.write(write, PrivateKey.generate().public_key.to_der()))
assert os.read(read, 1000) != PrivateKey.generate().public_key.to_der()
print("done")
""",
        "",
    )


def in_a_worker(name):
    """The key of a worker is returned as bytes, because keys cannot be pickled."""
    ca = CertificateAuthority.create("etcd-ca")
    return ca.issue(Role.CLIENT, name).certificate


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        made = pool.map(in_a_worker, ["one", "two"])
    assert [certificate.common_name for certificate in made] == ["one", "two"]
