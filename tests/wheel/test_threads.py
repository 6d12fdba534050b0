"""Several threads: the interpreter is released during the work."""

import sys
import sysconfig
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import etcd_pki
import pytest
from etcd_pki import CertificateAuthority, Check, Cluster, PrivateKey, Role, Store, Verifier


def longest_wait_beside(work):
    """Returns the longest time for which this thread waits for the interpreter while another one
    works, as a fraction of the time of that work."""
    began, times = threading.Event(), []

    def run():
        began.set()
        times.append(time.perf_counter())
        work()
        times.append(time.perf_counter())

    thread = threading.Thread(target=run)
    steps = []
    thread.start()
    began.wait()
    while thread.is_alive():
        steps.append(time.perf_counter())
        time.sleep(0.0005)
    thread.join()
    begin, end = times
    steps = [begin, *(step for step in steps if begin < step < end), end]
    return max(after - before for before, after in zip(steps, steps[1:])) / (end - begin)


HAS_A_GLOBAL_LOCK = getattr(sys, "_is_gil_enabled", lambda: True)()
with_a_global_lock = pytest.mark.skipif(not HAS_A_GLOBAL_LOCK, reason="nothing keeps an interpreter without a global lock")


def test_a_free_threaded_build_stays_free():
    """The module declares that it needs no global lock. Otherwise, its import would enable the
    lock again."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert not HAS_A_GLOBAL_LOCK


@with_a_global_lock
def test_this_would_see_an_interpreter_that_is_kept():
    """The measured call keeps the interpreter from its start to its end."""
    assert longest_wait_beside(lambda: sum(range(10_000_000))) > 0.5


LONG = {
    "rsa-3072": lambda cluster, directory: PrivateKey.generate("rsa-3072"),
    "rsa-4096": lambda cluster, directory: PrivateKey.generate("rsa-4096"),
    "encryption": lambda cluster, directory: PrivateKey.generate().to_encrypted_pem("correct horse"),
    "apply": lambda cluster, directory: cluster.apply(directory / "new"),
    "plan": lambda cluster, directory: cluster.plan(directory),
    "check": lambda cluster, directory: Check().run([directory]),
}


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    cluster, directory = Cluster(members=[f"etcd-{number}" for number in range(500)]), tmp_path_factory.mktemp("large")
    cluster.apply(directory)
    return cluster, directory


@with_a_global_lock
@pytest.mark.parametrize("work", LONG.values(), ids=LONG.keys())
def test_another_thread_goes_on_meanwhile(work, large):
    # Other work may slow the machine down once; an interpreter that is not released is slow each
    # time
    assert min(longest_wait_beside(lambda: work(*large)) for _ in range(3)) < 0.5


def test_one_ca_serves_many_threads(ca):
    def issue(number):
        bundle = ca.issue(Role.CLIENT, f"client-{number}")
        assert Verifier(ca.certificate, role=Role.CLIENT).verify(bundle.certificate)
        return bundle.certificate

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(issue, range(400)))
    assert [one.common_name for one in made] == [f"client-{number}" for number in range(400)]
    assert len({one.serial_number for one in made}) == 400
    assert len({one.public_key for one in made}) == 400


def test_threads_that_write_to_one_directory(tmp_path):
    cluster = Cluster(members=["etcd-1", "etcd-2"], clients=["root"])
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: cluster.apply(tmp_path), range(4)))
    assert sorted(report.changed for report in reports) == [0, 0, 0, 6]


def test_threads_that_share_a_lock(ca, tmp_path):
    with Store(tmp_path).lock() as files, ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda number: files.write(ca.issue(Role.CLIENT, f"c-{number}")), range(20)))
    assert len({pairs[0].key for pairs in written}) == 20


def test_one_plan_for_two_threads(tmp_path):
    """One thread applies it, and the other gets an exception."""
    plan = Cluster(members=["etcd-1"]).plan(tmp_path)
    outcomes = []

    def apply():
        try:
            outcomes.append(plan.apply().changed)
        except etcd_pki.errors.FileChangedError:
            outcomes.append("changed")

    threads = [threading.Thread(target=apply) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["3", "changed"]


def test_a_signer_in_python_is_called_from_a_thread_of_the_work(ca, tmp_path):
    """The signer acquires the interpreter while other threads use it."""

    class Elsewhere:
        public_key = ca.key.public_key

        def sign(self, message):
            time.sleep(0.001)
            return ca.key.sign(message)

    elsewhere = CertificateAuthority.from_signer(ca.certificate, Elsewhere())
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: elsewhere.issue(Role.CLIENT, f"c-{number}"), range(40)))
    for bundle in made:
        bundle.certificate.check_issued_by(ca.certificate)
