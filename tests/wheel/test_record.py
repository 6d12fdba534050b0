"""The record of what the CAs of a directory issued."""

import hashlib
import json
from datetime import datetime, timedelta, timezone

import etcd_pki
import pytest
from etcd_pki import (
    BlockedError,
    CertificateAuthority,
    CertificateRequest,
    Cluster,
    ClusterCa,
    FindingCode,
    PrivateKey,
    Renewal,
    Role,
    Store,
    record_issued,
    record_path,
)


def judged(store):
    """Returns the entries of a record. Each has the hash of the line before."""
    entries, previous = [], None
    for line in store.record_path.read_bytes().splitlines(keepends=True):
        entry = json.loads(line)
        assert entry["previous"] == previous
        previous = hashlib.sha256(line).hexdigest().upper()
        entries.append(entry)
    return entries


@pytest.fixture
def store(ca, tmp_path):
    store = Store(tmp_path / "pki")
    with store.lock() as files:
        files.write_ca(ca)
    return store


def test_what_a_locked_store_writes(store, ca, other_ca):
    bundle = ca.issue(Role.CLIENT, "backup")
    with store.lock() as files:
        files.write(bundle)
        files.write(other_ca.issue(Role.CLIENT, "stranger"))
        files.renew_ca(ca.renewed())
        assert files.without_record() is files
        files.write(ca.issue(Role.CLIENT, "unrecorded"))
    record = store.record()
    assert [entry.common_name for entry in record.entries] == ["etcd-ca", "backup", "etcd-ca"]
    assert [entry["common_name"] for entry in judged(store)] == ["etcd-ca", "backup", "etcd-ca"]
    entry, certificate = record.entries[1], bundle.certificate
    assert (entry.serial_number, entry.fingerprint_sha256) == (certificate.serial_number, certificate.fingerprint_sha256)
    assert (entry.subject, entry.issuer, entry.role) == ("CN=backup", "CN=etcd-ca", Role.CLIENT)
    assert (entry.not_valid_before_utc, entry.not_valid_after_utc) == (
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )
    assert entry.names == ["0.0.0.0"] and (entry.more_names, entry.requester, entry.is_ca) == (0, None, False)
    assert abs(entry.recorded_utc - datetime.now(timezone.utc)) < timedelta(hours=1)
    assert entry.is_valid() and not entry.is_valid(certificate.not_valid_after_utc + timedelta(seconds=1))
    assert entry.is_issued_by(ca.certificate) and not entry.is_issued_by(other_ca.certificate)
    assert entry.issuer_key == ca.certificate.public_key.fingerprint_sha256
    assert record.issued_by(ca.certificate) == record.entries and record.issued_by(other_ca.certificate) == []
    (own,) = record.cas
    assert (own.subject, own.key, own.certificates, own.is_from_beginning) == ("CN=etcd-ca", entry.issuer_key, 3, True)
    assert own.complete_since_utc == ca.certificate.not_valid_before_utc
    assert (record.path, record.damage, record.incomplete_end) == (store.record_path, [], None)
    assert repr(record) == "<Record of 3 certificates>" and repr(entry).startswith('<RecordEntry "CN=backup", serial ')
    assert len({entry, entry}) == 1


def test_without_a_record(tmp_path):
    assert Store(tmp_path / "missing").record() is None
    Cluster(clients=["root"], ca=ClusterCa(record=False)).apply(tmp_path / "pki")
    assert Store(tmp_path / "pki").record() is None
    assert ClusterCa().record and not ClusterCa(record=False).record


def test_plans_and_renewals(tmp_path):
    store = Store(tmp_path / "pki")
    Cluster(clients=["root"]).apply(store.directory)
    file = store.directory / "client-root.pem"
    Renewal(store).apply_files([file])
    Renewal(store, record=False).apply_files([file])
    ca = store.ca()
    Renewal(ca).apply_files([file])
    Renewal(ca, record_of=store.ca_paths().certificate).apply_files([file])
    assert [entry["common_name"] for entry in judged(store)] == ["etcd-ca", "root", "root", "root"]
    assert etcd_pki.Certificate.from_file(file).fingerprint_sha256 == store.record().entries[-1].fingerprint_sha256


def test_a_certificate_that_is_written_elsewhere(store, ca, tmp_path):
    request = CertificateRequest.create(PrivateKey.generate(), Role.CLIENT, "app")
    issued = ca.sign(request, Role.CLIENT, "app")
    paths = store.ca_paths()
    assert record_path(paths.certificate, paths.key) == store.record_path
    assert record_path(tmp_path / "x.pem", tmp_path / "y.pem") is None
    record_issued(paths.certificate, issued.certificate, ca, requester=request.subject)
    assert judged(store)[-1]["requester"] == request.subject == store.record().entries[-1].requester


def test_damage(store, ca):
    with store.lock() as files:
        files.write(ca.issue(Role.CLIENT, "a"))
        files.write(ca.issue(Role.CLIENT, "b"))
    text = store.record_path.read_text()
    store.record_path.write_text(text.replace('"CN=a"', '"CN=x"', 1))
    (damage,) = store.record().damage
    assert damage.line == 3 and "does not continue line 2" in damage.reason
    findings = [finding for one in etcd_pki.Check().run([store.directory]) for finding in one.findings]
    assert [(finding.code, finding.path) for finding in findings] == [(FindingCode.DAMAGED_RECORD, store.record_path)]
    store.record_path.write_text(text[:-10])
    record = store.record()
    assert (record.damage, record.incomplete_end, len(record.entries)) == ([], 3, 2)


def test_what_cannot_be_recorded_is_not_written(store, ca, tmp_path):
    store.record_path.unlink()
    (tmp_path / "elsewhere").write_text("kept")
    store.record_path.symlink_to(tmp_path / "elsewhere")
    with store.lock() as files, pytest.raises(BlockedError):
        files.write(ca.issue(Role.CLIENT, "a"))
    assert not (store.directory / "client-a.pem").exists()
    assert (tmp_path / "elsewhere").read_text() == "kept"


def test_a_ca_in_memory_records_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    CertificateAuthority.create("etcd-ca").issue(Role.CLIENT, "a")
    assert list(tmp_path.iterdir()) == []
