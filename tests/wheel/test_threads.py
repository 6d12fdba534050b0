"""Several threads at once: the interpreter is released while work is done."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from etcd_pki import CertificateAuthority, Check, Cluster, PrivateKey, Role, Store, Verifier


def steps_beside(work):
    """How far this thread comes while another one works."""
    began, ended, steps = threading.Event(), threading.Event(), 0

    def run():
        began.set()
        try:
            work()
        finally:
            ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    began.wait()
    while not ended.is_set():
        steps += 1
        time.sleep(0.0005)
    thread.join()
    return steps


def test_this_would_see_an_interpreter_that_is_kept():
    """A call that keeps it, which is what the tests below would find."""
    assert steps_beside(lambda: sorted(range(3_000_000), key=None)) < 20


@pytest.mark.parametrize("algorithm", ["rsa-3072", "rsa-4096"])
def test_another_thread_goes_on_while_a_key_is_found(algorithm):
    assert steps_beside(lambda: PrivateKey.generate(algorithm)) > 20


def test_another_thread_goes_on_during_long_work(tmp_path):
    cluster = Cluster(members=[f"etcd-{number}" for number in range(300)])
    assert steps_beside(lambda: cluster.apply(tmp_path)) > 20
    assert steps_beside(lambda: [cluster.plan(tmp_path) for _ in range(5)]) > 20
    assert steps_beside(lambda: [Check().run([tmp_path]) for _ in range(5)]) > 20
    key = PrivateKey.generate()
    assert steps_beside(lambda: [key.to_encrypted_pem("correct horse") for _ in range(3)]) > 20


def test_one_authority_serves_many_threads(ca):
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
    assert sorted(report.created for report in reports) == [0, 0, 0, 6]


def test_threads_that_share_a_lock(ca, tmp_path):
    with Store(tmp_path).lock() as files, ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda number: files.write(ca.issue(Role.CLIENT, f"c-{number}")), range(20)))
    assert len({pairs[0].key for pairs in written}) == 20


def test_one_plan_for_two_threads(tmp_path):
    """One carries it out, and the other is told so."""
    plan = Cluster(members=["etcd-1"]).plan(tmp_path)
    outcomes = []

    def apply():
        try:
            outcomes.append(plan.apply().created)
        except ValueError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=apply) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["3", "this plan has been carried out: plan anew"]


def test_a_signer_in_python_is_called_from_a_thread_of_the_work(ca, tmp_path):
    """It takes the interpreter back while other threads use it."""

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
