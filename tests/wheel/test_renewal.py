"""Renewing certificates by path, without a specification."""

from datetime import datetime, timedelta, timezone

import etcd_pki
import pytest
from etcd_pki import Action, Bundle, Certificate, CertificateAuthority, Cluster, Renewal, Role, Store


@pytest.fixture
def directory(tmp_path):
    directory = tmp_path / "pki"
    Cluster(members=["etcd-1"], clients=["root"], admin=False).apply(directory)
    return directory


def later(days):
    return datetime.now(timezone.utc) + timedelta(days=days)


def test_what_is_due(directory):
    assert Renewal(Store(directory)).plan_due().steps == []
    renewal = Renewal(Store(directory), now=later(350))
    plan = renewal.plan_due(timedelta(days=30))
    assert plan.directory == directory
    assert sorted(step.paths.certificate.name for step in plan.changes) == ["client-root.pem", "member-etcd-1.pem"]
    assert {step.action for step in plan.changes} == {Action.RENEW}
    (reason,) = plan.changes[0].reasons
    assert reason.kind == "expires" and reason.days in (14, 15)
    before = {path: path.read_bytes() for path in directory.glob("[!.]*")}
    told = []
    report = renewal.apply_due("30d", progress=lambda done, all: told.append((done, all)))
    assert report.count(Action.RENEW) == 2 and report.keys == 0 and told[-1] == (2, 2)
    now = {path: path.read_bytes() for path in directory.glob("[!.]*")}
    assert {path.name for path in now if now[path] != before.get(path, now[path])} == {"client-root.pem", "member-etcd-1.pem"}
    assert {done.certificate for done in report.done} == {Certificate.from_file(done.path) for done in report.done}
    assert renewal.plan_due().steps == []


def test_files_of_several_directories(directory, tmp_path):
    other = tmp_path / "other"
    Cluster(clients=["app"]).apply(other)
    files = [directory / "client-root.pem", directory / "member-etcd-1.pem"]
    old = [Bundle.from_files(file, str(file).replace(".pem", "-key.pem")) for file in files]
    (plan,) = Renewal(Store(directory)).plan_files(files)
    assert len(plan.changes) == 2
    (report,) = Renewal(Store(directory), rekey=True, validity="90d").apply_files(files)
    assert report.count(Action.REISSUE) == report.keys == 2
    for file, before in zip(files, old):
        after = Bundle.from_files(file, str(file).replace(".pem", "-key.pem"))
        assert after.certificate.public_key != before.certificate.public_key
        assert after.certificate.not_valid_after_utc < later(91)
    one, two = Renewal(Store(directory)).plan_files([directory / "client-root.pem", other / "client-app.pem"])
    assert {one.directory, two.directory} == {directory, other}
    (blocked,) = [step for plan in (one, two) for step in plan.blocked]
    assert blocked.paths.certificate == other / "client-app.pem" and blocked.reasons[0].kind == "other_ca"


def test_another_ca(directory):
    ca = CertificateAuthority.create("another-ca")
    renewal = Renewal(ca)
    (plan,) = renewal.plan_files([directory / "client-root.pem"])
    assert plan.changes[0].changes_ca
    (report,) = renewal.apply_files([directory / "client-root.pem"])
    assert report.is_complete
    Certificate.from_file(directory / "client-root.pem").check_issued_by(ca.certificate)
    assert repr(renewal) == "<Renewal by CN=another-ca>"
    with pytest.raises(etcd_pki.errors.MissingBlockError):
        renewal.plan_due()


def test_an_encrypted_ca(tmp_path):
    ca = CertificateAuthority.create("etcd-ca")
    ca.write(tmp_path, passphrase="correct horse")
    ca.issue(Role.CLIENT, "root").write(tmp_path)
    renewal = Renewal(Store(tmp_path))
    with pytest.raises(etcd_pki.errors.EncryptedKeyError):
        (report,) = renewal.apply_files([tmp_path / "client-root.pem"])
        report.raise_for_failures()
    (report,) = renewal.apply_files([tmp_path / "client-root.pem"], passphrase="correct horse")
    assert report.is_complete


@pytest.mark.parametrize("wrong", ["pki", None, 7])
def test_wrong_types(wrong):
    with pytest.raises(TypeError, match="expected Store or CertificateAuthority"):
        Renewal(wrong)


def test_files_are_a_list(directory):
    with pytest.raises(TypeError, match="expected an iterable such as a list"):
        Renewal(Store(directory)).plan_files(str(directory / "client-root.pem"))
