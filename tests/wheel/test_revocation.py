"""Revocation lists: sign, read, and those of a directory."""

import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from etcd_pki import (
    CertificateAuthority,
    Cluster,
    ClusterRevoked,
    Layout,
    RevocationList,
    RevocationReason,
    Revoked,
    Role,
    Store,
    Verifier,
    errors,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)


@pytest.fixture
def ca():
    return CertificateAuthority.create("etcd-ca")


@pytest.fixture
def store(tmp_path, ca):
    store = Store(tmp_path / "pki")
    with store.lock() as files:
        files.write_ca(ca)
        for name in ("alice", "bob"):
            files.write(ca.issue(Role.CLIENT, name))
    return store


def test_a_list_is_read_by_cryptography(ca):
    alice = ca.issue(Role.CLIENT, "alice").certificate
    other = CertificateAuthority.create("etcd-peer-ca")
    member = other.issue(Role.MEMBER, "etcd-1").certificate
    entries = [Revoked(alice, reason="keyCompromise", at=NOW), Revoked(member)]
    signed = ca.sign_revocation_list(entries, indirect=True, validity=timedelta(days=30))
    theirs = x509.load_der_x509_crl(signed.to_der())
    assert theirs.is_signature_valid(ca.certificate.to_cryptography().public_key())
    assert theirs.next_update_utc == signed.next_update_utc
    assert theirs.last_update_utc == signed.last_update_utc
    assert theirs.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == signed.number
    found = theirs.get_revoked_certificate_by_serial_number(alice.serial_number)
    assert found.revocation_date_utc == NOW
    assert found.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise
    point = theirs.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert point.critical and point.value.indirect_crl


def test_a_list_is_read(ca):
    alice = ca.issue(Role.CLIENT, "alice").certificate
    signed = ca.sign_revocation_list([Revoked(alice, reason=RevocationReason.SUPERSEDED, at=NOW)])
    for read in (RevocationList.from_der(signed.to_der()), RevocationList.from_pem(signed.to_pem())):
        assert read == signed
        assert (read.issuer, len(read), read.is_indirect) == ("CN=etcd-ca", 1, False)
        [entry] = read.entries
        assert entry == read.revoked(alice) == read.revoked_serial(alice.serial_number)
        assert (entry.reason, entry.revocation_date_utc) == (RevocationReason.SUPERSEDED, NOW)
        assert entry.issuer == alice.issuer
        assert read.authority_key_identifier == ca.certificate.subject_key_identifier
        assert read.signature_algorithm == "ecdsa-with-SHA256"
        read.check_issued_by(ca.certificate)
        assert read.revoked(ca.certificate) is None
    with pytest.raises(errors.SignatureError):
        signed.check_issued_by(CertificateAuthority.create("etcd-ca").certificate)
    with pytest.raises(errors.MalformedError):
        RevocationList.from_der(b"0\x00")


def test_a_number_only_rises(ca):
    first = ca.sign_revocation_list()
    second = ca.sign_revocation_list(following=[first])
    assert second.number > first.number
    with pytest.raises(errors.MalformedError, match="is not above"):
        ca.sign_revocation_list(following=[second], number=7)


def test_a_plain_list_has_the_certificates_of_its_ca(ca):
    other = CertificateAuthority.create("other").issue(Role.CLIENT, "alice").certificate
    with pytest.raises(errors.MalformedError):
        ca.sign_revocation_list([Revoked(other)])


def test_the_verifier_refuses_what_is_revoked(ca):
    alice, bob = (ca.issue(Role.CLIENT, name).certificate for name in ("alice", "bob"))
    verifier = Verifier(ca.certificate, revoked=ca.sign_revocation_list([Revoked(alice)]))
    assert verifier.verify(bob)
    assert [reason.code for reason in verifier.verify(alice).reasons] == ["EP055"]


def test_the_lists_of_a_directory(store):
    assert store.revocation_list() is None
    with store.lock() as files:
        empty = files.create_revocation_lists(validity="30d")
        with pytest.raises(errors.ExistingFileError):
            files.create_revocation_lists()
        alice = files.revoke(clients=["alice"], reason="keyCompromise")
        again = files.revoke(clients=["alice"], serials=["4A1C", 0x4A1D])
        renewed = files.renew_revocation_lists()
    assert [path.name for path in empty.files] == ["revoked.crl", "revoked.pem"]
    assert tuple(empty.files) == store.list_paths()
    assert [one.subject for one in alice.added] == ["CN=alice"]
    assert not alice.added[0].is_member
    assert [one.entry.serial_number for one in again.added] == [0x4A1C, 0x4A1D]
    assert [one.subject for one in again.already] == ["CN=alice"]
    assert [changed.revocation_list.number for changed in (empty, alice, again, renewed)] == sorted(
        {changed.revocation_list.number for changed in (empty, alice, again, renewed)}
    )
    assert store.revocation_list() == renewed.revocation_list
    known = {one.subject: one for one in store.revoked_certificates()}
    assert known.keys() == {"CN=alice", None}
    assert known["CN=alice"].not_valid_after_utc > datetime.now(timezone.utc)
    assert known[None].not_valid_after_utc is None
    assert renewed.dropped == []
    [pem] = RevocationList.all_from_file(store.list_paths()[1])
    assert pem.entries == renewed.revocation_list.entries
    assert RevocationList.from_file(store.list_paths()[0]) == renewed.revocation_list
    verified = subprocess.run(
        ["openssl", "verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "revoked.pem", "client-alice.pem"],
        cwd=store.directory,
        capture_output=True,
        text=True,
    )
    assert "revoked" in verified.stdout + verified.stderr


def test_what_is_required_is_not_revoked(tmp_path):
    cluster = Cluster(members=["etcd-1"], clients=["root"])
    cluster.apply(tmp_path / "pki")
    store = Store(tmp_path / "pki", layout=Layout.KUBESPRAY)
    with store.lock() as files:
        with pytest.raises(errors.StillRequiredError) as refused:
            files.revoke(clients=["root"], required=cluster)
        assert refused.value.subject == "CN=root"
        with pytest.raises(errors.InvalidNameError):
            files.revoke(clients=["nobody"])
        with pytest.raises(errors.MissingFileError):
            files.renew_revocation_lists()
    assert not store.list_paths()[0].exists()


def test_a_cluster_revokes(tmp_path):
    Cluster(members=["etcd-1"], clients=["root", "alice"]).apply(tmp_path / "pki")
    cluster = Cluster(
        members=["etcd-1"],
        clients=["root"],
        revoked=[ClusterRevoked(client="alice", reason="keyCompromise"), ClusterRevoked(serial=0x4A1C)],
    )
    assert Cluster.from_yaml(cluster.to_yaml()) == cluster
    assert [(one.client, one.host, one.serial, one.reason) for one in cluster.revoked] == [
        ("alice", None, None, RevocationReason.KEY_COMPROMISE),
        (None, None, 0x4A1C, None),
    ]
    plan = cluster.plan(tmp_path / "pki", prune=True, revoke=True)
    actions = {str(step.action): step for step in plan.changes}
    assert actions.keys() == {"revoke", "remove"}
    assert actions["revoke"].is_of_revocation_lists
    assert {reason.code for reason in actions["revoke"].reasons} == {"EP055"}
    plan.apply().raise_for_failures()
    assert len(Store(tmp_path / "pki").revocation_list()) == 2
    assert not cluster.plan(tmp_path / "pki").has_work
    for wrong in ({}, {"client": "a", "host": "b"}):
        with pytest.raises(errors.SpecificationError):
            ClusterRevoked(**wrong)
