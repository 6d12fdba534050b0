"""CAs: their creation, the certificates that they sign, and the requests that they refuse."""

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import etcd_pki
import pytest
from etcd_pki import (
    CertificateAuthority,
    CertificateRequest,
    Identity,
    KeyAlgorithm,
    PrivateKey,
    Profile,
    Role,
    Settings,
    Store,
    Verifier,
)
from tools import openssl


def test_create():
    now = datetime(2030, 1, 1, tzinfo=timezone.utc)
    made = CertificateAuthority.create("etcd-ca", organization="etcd", algorithm="ec-p384", validity=timedelta(days=30), now=now)
    certificate = made.certificate
    assert certificate.subject in ("O=etcd,CN=etcd-ca", "CN=etcd-ca,O=etcd")
    assert certificate.public_key.algorithm is KeyAlgorithm.EC_P384
    assert (certificate.is_ca, certificate.path_length) == (True, 1)
    assert certificate.not_valid_after_utc - now in (timedelta(days=30), timedelta(days=30, seconds=-1))
    assert (made.root, made.chain, made.lacks_key_usage) == (certificate, [], False)
    key = PrivateKey.generate("ed25519")
    assert CertificateAuthority.create("etcd-ca", key=key).certificate.public_key == key.public_key


def test_habits_of_kubespray():
    made = CertificateAuthority.create("etcd-ca", compatibility="kubespray")
    assert made.key.algorithm is KeyAlgorithm.RSA_2048
    bundle = made.issue(Profile(Role.NODE, compatibility="kubespray"), "kube-1")
    assert bundle.key.algorithm is KeyAlgorithm.RSA_2048
    assert bundle.certificate.extended_key_usages == ["serverAuth", "clientAuth"]


def test_a_ca_without_key_usage(tmp_path):
    """Such as the CA of Kubespray's script."""
    (tmp_path / "openssl.conf").write_text(
        "[req]\ndistinguished_name = name\nx509_extensions = ca\n[name]\n[ca]\nbasicConstraints = CA:true\n"
    )
    key = PrivateKey.generate()
    (tmp_path / "ca-key.pem").write_bytes(key.to_secret_pem())
    pem = openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        "ca-key.pem",
        "-days",
        "9",
        "-subj",
        "/CN=etcd-ca",
        "-config",
        "openssl.conf",
        cwd=tmp_path,
    )
    found = CertificateAuthority.from_pem(pem, key.to_secret_pem())
    assert found.lacks_key_usage
    renewed = found.renewed()
    assert not renewed.lacks_key_usage
    assert renewed.certificate.key_usages == ["keyCertSign", "cRLSign"]


def test_issue(ca, tmp_path):
    bundle = ca.issue(Role.CLIENT, Identity("backup", organization="ops"), algorithm="ed25519", validity="90d")
    assert bundle.key.algorithm is KeyAlgorithm.ED25519
    assert bundle.certificate.organizations == ["ops"]
    assert bundle.certificate.extended_key_usages == ["clientAuth"]
    (tmp_path / "ca.pem").write_bytes(ca.certificate.to_pem())
    (tmp_path / "leaf.pem").write_bytes(bundle.to_pem())
    told = openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "ca.pem", "leaf.pem", cwd=tmp_path)
    assert told == b"leaf.pem: OK\n"
    key = PrivateKey.generate()
    assert ca.issue("node", "kube-1", key=key).certificate.public_key == key.public_key
    profile = Profile(Role.MEMBER, algorithm="ec-p384", validity=timedelta(days=9))
    assert ca.issue(profile, "etcd-2").key.algorithm is KeyAlgorithm.EC_P384
    with pytest.raises(etcd_pki.errors.InvalidChoiceError) as raised:
        ca.issue("king", "etcd-2")
    assert raised.value.choices == ["member", "node", "client"]
    for wrong in (None, 3, b"etcd-1", ["etcd-1"]):
        with pytest.raises(TypeError):
            ca.issue(Role.MEMBER, wrong)


def test_sign_grants_what_is_said_and_tells_the_rest(ca):
    key = PrivateKey.generate()
    request = CertificateRequest.create(key, Role.MEMBER, Identity("etcd-9", organization="system:masters"))
    issued = ca.sign(request, Role.CLIENT, "backup", validity=timedelta(days=90))
    assert issued.certificate.public_key == key.public_key
    assert issued.certificate.subject == "CN=backup"
    refused = {(claim.kind, claim.value) for claim in issued.denied_claims}
    assert ("organization", "system:masters") in refused
    assert ("extended_key_usage", "serverAuth") in refused
    assert ("common_name", "etcd-member-etcd-9") in refused
    claimed = ca.sign(request, Role.MEMBER, request.claimed())
    assert claimed.denied_claims == []
    assert claimed.certificate.organizations == ["system:masters"]
    until = issued.certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert repr(issued) == f"<Issued CN=backup, until {until}>"


def test_the_end_is_cut_to_that_of_the_ca(ca):
    bundle = ca.issue(Role.CLIENT, "backup", validity=timedelta(days=5000))
    assert bundle.certificate.not_valid_after_utc == ca.certificate.not_valid_after_utc
    assert bundle.requested_utc > ca.certificate.not_valid_after_utc
    assert ca.issue(Role.CLIENT, "backup").requested_utc is None


def test_a_members_name_is_kept_from_others(ca):
    with pytest.raises(etcd_pki.errors.MemberCommonNameError) as raised:
        ca.issue(Role.CLIENT, Identity("backup", common_name="etcd-member-etcd-1"))
    assert raised.value.common_name == "etcd-member-etcd-1"
    profile = Profile(Role.CLIENT, allow_member_common_name=True)
    assert ca.issue(profile, Identity("backup", common_name="etcd-member-etcd-1"))


def test_renew(ca, member):
    renewed = ca.renew(member.certificate)
    assert renewed.certificate.public_key == member.certificate.public_key
    assert renewed.certificate.dns_names == member.certificate.dns_names
    assert renewed.certificate.serial_number != member.certificate.serial_number
    key = PrivateKey.generate()
    assert ca.renew(member.certificate, public_key=key.public_key).certificate.public_key == key.public_key
    new = ca.renewed(validity=timedelta(days=4000))
    assert new.certificate.public_key == ca.certificate.public_key
    assert Verifier(new.certificate, role=Role.MEMBER).verify(member.certificate)
    assert ca.renewed(keeps_serial=True).certificate.serial_number == ca.certificate.serial_number
    assert (new.certificate.path_length, ca.renewed(path_length=3).certificate.path_length) == (1, 3)


def test_an_intermediate_ca_is_renewed_by_its_issuer(tmp_path):
    (tmp_path / "ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
    for line in (
        "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout top.key -out top.pem -days 9 -subj /CN=top",
        "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout ca.key -out csr -subj /CN=etcd-ca",
        "x509 -req -in csr -CA top.pem -CAkey top.key -CAcreateserial -days 9 -extfile ext -out ca.pem",
    ):
        openssl(*line.split(), cwd=tmp_path)
    ca = CertificateAuthority.from_files(tmp_path / "ca.pem", tmp_path / "ca.key")
    with pytest.raises(etcd_pki.errors.IssuedByAnotherCaError) as raised:
        ca.renewed()
    assert (raised.value.subject, raised.value.issuer) == ("CN=etcd-ca", "CN=top")
    request = ca.renewal_request()
    assert (request.subject, request.public_key) == ("CN=etcd-ca", ca.certificate.public_key)
    (tmp_path / "renewal.csr").write_bytes(request.to_pem())
    openssl("req", "-in", "renewal.csr", "-noout", "-verify", cwd=tmp_path)


def test_load(ca, other_ca, member, tmp_path):
    pem, key = ca.certificate.to_pem(), ca.key.to_encrypted_pem("correct horse")
    assert CertificateAuthority.from_pem(pem, key, passphrase="correct horse").certificate == ca.certificate
    with pytest.raises(etcd_pki.errors.KeyMismatchError):
        CertificateAuthority.load(ca.certificate, other_ca.key)
    with pytest.raises(etcd_pki.errors.NotACaError):
        CertificateAuthority.load(member.certificate, member.key)
    later = ca.certificate.not_valid_after_utc + timedelta(seconds=1)
    with pytest.raises(etcd_pki.errors.CaExpiredError) as raised:
        CertificateAuthority.load(ca.certificate, ca.key, now=later)
    assert (raised.value.subject, raised.value.not_after) == ("CN=etcd-ca", ca.certificate.not_valid_after_utc)
    earlier = ca.certificate.not_valid_before_utc - timedelta(days=1)
    with pytest.raises(etcd_pki.errors.CaNotYetValidError) as raised:
        CertificateAuthority.load(ca.certificate, ca.key, now=earlier)
    assert raised.value.not_before == ca.certificate.not_valid_before_utc
    paths = ca.write(tmp_path, passphrase="correct horse")
    assert CertificateAuthority.from_files(paths.certificate, paths.key, passphrase="correct horse").key
    with pytest.raises(etcd_pki.errors.EncryptedKeyError):
        CertificateAuthority.from_files(paths.certificate, paths.key)


def test_load_at_a_time(ca, tmp_path):
    """Everything that loads a CA can load it at another time."""
    paths = ca.write(tmp_path)
    signer = SimpleNamespace(public_key=ca.key.public_key, sign=ca.key.sign)
    loading = [
        lambda now: CertificateAuthority.load(ca.certificate, ca.key, now=now),
        lambda now: CertificateAuthority.from_pem(ca.certificate.to_pem(), ca.key.to_secret_pem(), now=now),
        lambda now: CertificateAuthority.from_files(paths.certificate, paths.key, now=now),
        lambda now: CertificateAuthority.from_signer(ca.certificate, signer, now=now),
        lambda now: Store(tmp_path).ca(now=now),
    ]
    begin, end = ca.certificate.not_valid_before_utc, ca.certificate.not_valid_after_utc
    for load in loading:
        assert load(end).certificate == ca.certificate
        with pytest.raises(etcd_pki.errors.CaExpiredError):
            load(end + timedelta(seconds=1))
        with pytest.raises(etcd_pki.errors.CaNotYetValidError):
            load(begin - timedelta(days=1))
    assert Store(tmp_path).ca(for_renewal=True, now=end + timedelta(days=1)).certificate == ca.certificate


def test_write(ca, other_ca, tmp_path):
    directory = tmp_path / "not" / "yet"
    paths = ca.write(directory)
    assert paths.key == directory / "ca-key.pem"
    assert paths.key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError) as raised:
        other_ca.write(directory)
    assert isinstance(raised.value, etcd_pki.errors.ExistingCaError)
    assert raised.value.directory == directory
    assert paths.certificate.read_bytes() == ca.certificate.to_pem()
    other_ca.write(directory, replace_ca=True)
    assert Store(directory).ca().certificate == other_ca.certificate


class Elsewhere:
    """A key that the CA can only call, as if it were in another process."""

    def __init__(self, key):
        self._key = key
        self.asked = 0

    @property
    def public_key(self):
        return self._key.public_key

    def sign(self, message):
        self.asked += 1
        return self._key.sign(message)


def test_a_signer(ca):
    signer = Elsewhere(ca.key)
    elsewhere = CertificateAuthority.from_signer(ca.certificate, signer)
    bundle = elsewhere.issue(Role.CLIENT, "backup")
    assert signer.asked == 1
    assert elsewhere.key is None
    bundle.certificate.check_issued_by(ca.certificate)


def test_signers_that_fail(ca, other_ca):
    class Raises(Elsewhere):
        def sign(self, message):
            raise RuntimeError("the module is locked")

    class Lies(Elsewhere):
        def sign(self, message):
            return other_ca.key.sign(message)

    class Nothing(Elsewhere):
        def sign(self, message):
            return None

    for kind, text in (Raises, "the module is locked"), (Nothing, "NoneType"):
        with pytest.raises(etcd_pki.SignerError, match=text):
            CertificateAuthority.from_signer(ca.certificate, kind(ca.key)).issue(Role.CLIENT, "backup")
    with pytest.raises(etcd_pki.Error):
        CertificateAuthority.from_signer(ca.certificate, Lies(ca.key)).issue(Role.CLIENT, "backup")
    with pytest.raises((TypeError, AttributeError)):
        CertificateAuthority.from_signer(ca.certificate, object())


def test_settings(ca, member, tmp_path):
    ca.write(tmp_path)
    member.write(tmp_path)
    settings = dict(Settings.etcd(Store(tmp_path), "etcd-1").entries)
    elsewhere = dict(Settings.etcd(Store(tmp_path), "etcd-1", at="/etc/ssl/etcd/ssl").entries)
    assert elsewhere == {name: value.replace(str(tmp_path), "/etc/ssl/etcd/ssl") for name, value in settings.items()}
    assert elsewhere["ETCD_KEY_FILE"] == "/etc/ssl/etcd/ssl/member-etcd-1-key.pem"
    assert settings["ETCD_CERT_FILE"] == str(tmp_path / "member-etcd-1.pem")
    assert settings["ETCD_PEER_CLIENT_CERT_AUTH"] == "true"
    with pytest.raises(etcd_pki.Error):
        Settings.etcd(Store(tmp_path), "etcd-2")


def test_no_leaf_has_the_key_of_a_ca():
    ca = CertificateAuthority.create("etcd-ca")
    with pytest.raises(etcd_pki.errors.CaKeyInLeafError, match="could sign certificates") as raised:
        ca.issue(Role.CLIENT, "backup", key=ca.key)
    assert raised.value.subject == "CN=etcd-ca"


def test_renew_a_bundle(ca, other_ca, tmp_path):
    bundle = ca.issue(Role.MEMBER, "etcd-1", names=["10.0.0.11"], validity="90d")
    later = datetime.now(timezone.utc) + timedelta(days=80)
    renewed = ca.renew_bundle(bundle, now=later)
    old, new = bundle.certificate, renewed.certificate
    assert renewed.key.to_secret_pem() == bundle.key.to_secret_pem()
    assert (renewed.role, renewed.name, renewed.chain) == (Role.MEMBER, "etcd-1", [])
    assert (new.subject, new.dns_names, new.ip_addresses) == (old.subject, old.dns_names, old.ip_addresses)
    assert abs(new.not_valid_after_utc - later - timedelta(days=90)) < timedelta(minutes=1)
    assert new.serial_number != old.serial_number
    short = ca.renew_bundle(bundle, validity="1d", now=later)
    assert short.certificate.not_valid_after_utc < new.not_valid_after_utc
    # Without the role, which files do not have
    read = ca.renew_bundle(etcd_pki.Bundle.from_pem(bundle.to_pem(), bundle.to_secret_pem()), validity="20y")
    assert (read.role, read.certificate.not_valid_after_utc) == (None, ca.certificate.not_valid_after_utc)
    assert read.requested_utc > ca.certificate.not_valid_after_utc
    ca.write(tmp_path)
    renewed.write(tmp_path)
    openssl("verify", "-x509_strict", "-no_check_time", "-CAfile", "ca.pem", "member-etcd-1.pem", cwd=tmp_path)
    # Another CA can renew it too
    other_ca.renew_bundle(bundle).certificate.check_issued_by(other_ca.certificate)
