"""Certificates, bundles and their verification."""

import copy
import hashlib
import pickle
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address, IPv6Address

import etcd_pki
import pytest
from cryptography import x509
from etcd_pki import Bundle, Certificate, PrivateKey, Role, Verifier
from tools import openssl


@pytest.mark.parametrize("number", [0, 1, 0x80, -1, -0x1234, 0x9C << 160, int("7f" * 60, 16)])
def test_any_serial_number_is_an_int(tmp_path, number):
    """Negative numbers and long ones, which RFC 5280 does not allow, are ints too."""
    sign = "-" if number < 0 else ""
    line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c.pem -days 9 -subj /CN=x -set_serial"
    openssl(*line.split(), f"{sign}0x{abs(number):x}", cwd=tmp_path)
    assert Certificate.from_file(tmp_path / "c.pem").serial_number == number


def test_facts_are_those_that_cryptography_reads(ca, member):
    for ours in (ca.certificate, member.certificate):
        theirs = x509.load_der_x509_certificate(ours.to_der())
        assert ours.serial_number == theirs.serial_number
        assert ours.not_valid_before_utc == theirs.not_valid_before_utc
        assert ours.not_valid_after_utc == theirs.not_valid_after_utc
        assert ours.not_valid_after_utc.tzinfo is timezone.utc
        assert ours.subject == theirs.subject.rfc4514_string()
        assert ours.issuer == theirs.issuer.rfc4514_string()
        constraints = theirs.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert (ours.is_ca, ours.path_length) == (constraints.ca, constraints.path_length)
        identifier = theirs.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        assert ours.subject_key_identifier == identifier.digest
    theirs = x509.load_der_x509_certificate(member.certificate.to_der())
    names = theirs.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert member.certificate.dns_names == names.get_values_for_type(x509.DNSName)
    assert member.certificate.ip_addresses == names.get_values_for_type(x509.IPAddress)
    assert member.certificate.authority_key_identifier == ca.certificate.subject_key_identifier


def test_facts(ca, member):
    certificate = member.certificate
    assert certificate.fingerprint_sha256 == hashlib.sha256(certificate.to_der()).hexdigest().upper()
    assert certificate.subject == "CN=etcd-member-etcd-1"
    assert (certificate.common_name, certificate.issuer_common_name) == ("etcd-member-etcd-1", "etcd-ca")
    assert certificate.organizations == []
    assert set(certificate.dns_names) == {"etcd-1.lan", "etcd-1", "localhost"}
    assert set(certificate.ip_addresses) == {IPv4Address("127.0.0.1"), IPv6Address("::1")}
    assert (certificate.uris, certificate.other_names) == ([], [])
    assert certificate.key_usages == ["digitalSignature"]
    assert certificate.extended_key_usages == ["serverAuth", "clientAuth"]
    assert certificate.role is Role.MEMBER
    assert certificate.signature_algorithm == "ecdsa-with-SHA256"
    assert certificate.public_key == member.key.public_key
    assert not certificate.is_self_issued and ca.certificate.is_self_issued
    certificate.check_issued_by(ca.certificate)
    with pytest.raises(etcd_pki.errors.SignatureError):
        ca.certificate.check_issued_by(certificate)


def test_goes_out_and_comes_in(member, ca, tmp_path):
    certificate = member.certificate
    pem = certificate.to_pem()
    assert openssl("x509", input=pem) == pem
    assert Certificate.from_pem(pem) == Certificate.from_pem(pem.decode()) == Certificate.from_der(certificate.to_der())
    assert Certificate.all_from_bytes(pem + ca.certificate.to_pem()) == [certificate, ca.certificate]
    file = tmp_path / "chain.pem"
    file.write_bytes(pem + ca.certificate.to_pem())
    assert Certificate.from_file(file) == certificate
    assert Certificate.all_from_file(str(file)) == [certificate, ca.certificate]


def test_equal_and_hashable_by_its_bytes(member, ca):
    again = Certificate.from_der(member.certificate.to_der())
    assert again == member.certificate and hash(again) == hash(member.certificate)
    assert {again, member.certificate, ca.certificate} == {member.certificate, ca.certificate}
    assert member.certificate != ca.certificate
    assert member.certificate != member.certificate.to_der()


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_is_copied_and_pickled(member, take):
    assert take(member.certificate) == member.certificate


def test_repr(ca, member):
    until = member.certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert repr(member.certificate) == f"<Certificate CN=etcd-member-etcd-1, issued by CN=etcd-ca, until {until}>"
    assert repr(member) == f"<Bundle CN=etcd-member-etcd-1, until {until}>"
    until = ca.certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert repr(ca) == f"<CertificateAuthority CN=etcd-ca, until {until}>"


def test_is_frozen(member):
    for value, name in (member.certificate, "subject"), (member, "key"), (member.certificate, "anything"):
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_a_bundle_holds_together(ca, other_ca, member):
    bundle = Bundle(member.certificate, member.key)
    assert bundle.certificate == member.certificate
    assert (bundle.role, bundle.name, bundle.chain) == (None, None, [])
    assert (member.role, member.name) == (Role.MEMBER, "etcd-1")
    with pytest.raises(etcd_pki.errors.KeyMismatchError) as raised:
        Bundle(member.certificate, PrivateKey.generate())
    assert raised.value.expected == member.certificate.public_key.fingerprint_sha256
    again = Bundle.from_pem(member.to_pem(), member.to_secret_pem())
    assert again.certificate == member.certificate
    encrypted = member.key.to_encrypted_pem("correct horse")
    assert Bundle.from_pem(member.to_pem(), encrypted, passphrase="correct horse").certificate == member.certificate
    with pytest.raises(etcd_pki.Error):
        Bundle(member.certificate, member.key, [other_ca.certificate])


def test_a_bundle_in_files(member, tmp_path):
    written = member.write(tmp_path)
    assert [pair.certificate.name for pair in written] == ["member-etcd-1.pem"]
    assert written[0].key.stat().st_mode & 0o777 == 0o600
    assert written[0].certificate.stat().st_mode & 0o777 == 0o644
    again = Bundle.from_files(written[0].certificate, str(written[0].key))
    assert again.certificate == member.certificate
    with pytest.raises(FileExistsError) as raised:
        member.write(tmp_path)
    assert isinstance(raised.value, etcd_pki.errors.ExistingFileError)
    assert member.write(tmp_path, overwrite=True) == written


def test_the_verdict(ca, other_ca, member):
    verdict = Verifier(ca.certificate, role="member", host="127.0.0.1", strict=True).verify(member.certificate)
    assert verdict and verdict.is_accepted and verdict.reasons == []
    assert verdict.chain == [member.certificate, ca.certificate]
    assert repr(verdict) == "<Verdict accepted>"
    told = Verifier(ca.certificate, role="member", host="10.0.0.11", strict=True, at=datetime(2030, 1, 2, tzinfo=timezone.utc))
    assert repr(told) == "<Verifier 1 roots, 0 intermediates, at 2030-01-02T00:00:00Z, role member, host 10.0.0.11, strict>"
    assert repr(Verifier([ca.root], intermediates=[ca.certificate])) == "<Verifier 1 roots, 1 intermediates>"
    verdict.raise_for_reasons()
    refused = Verifier([other_ca.certificate]).verify(member.certificate)
    assert not refused
    assert repr(refused) == f"<Verdict refused: {'; '.join(map(str, refused.reasons))}>"
    with pytest.raises(etcd_pki.errors.VerdictError) as raised:
        refused.raise_for_reasons()
    assert raised.value.reasons == refused.reasons
    assert isinstance(raised.value, ValueError)
    later = datetime.now(timezone.utc) + timedelta(days=4000)
    late = Verifier(ca.certificate, at=later).verify(member.certificate)
    assert {reason.kind for reason in late.reasons} == {"expired"}
    assert late.reasons[0].not_after in (
        member.certificate.not_valid_after_utc,
        ca.certificate.not_valid_after_utc,
    )
    assert late.reasons[0] == Verifier(ca.certificate, at=later).verify(member.certificate).reasons[0]


def test_the_verdict_on_hosts(ca, member):
    for host in ("etcd-1", "127.0.0.1", IPv4Address("127.0.0.1"), IPv6Address("::1")):
        assert Verifier(ca.certificate, host=host).verify(member.certificate), host
    refused = Verifier(ca.certificate, host=IPv4Address("10.9.9.9")).verify(member.certificate)
    assert [reason.kind for reason in refused.reasons] == ["wrong_host"]
    with pytest.raises(TypeError):
        Verifier(ca.certificate, host=7)


@pytest.mark.parametrize("wrong", [None, 5, "certificate", b"certificate", [b"certificate"], {"a": 1}])
def test_what_is_no_certificate(member, wrong):
    with pytest.raises(TypeError):
        Verifier(wrong)
    with pytest.raises(TypeError):
        Bundle(member.certificate, member.key, wrong)


def test_damaged(member):
    pem = member.certificate.to_pem()
    with pytest.raises(etcd_pki.errors.MalformedError) as raised:
        Certificate.all_from_bytes(pem + pem.replace(b"MII", b"NII"))
    assert (raised.value.what, raised.value.block) == ("certificate", 2)
    assert raised.value.line == pem.count(b"\n") + 1
    with pytest.raises(etcd_pki.errors.MissingBlockError, match="no certificate in it"):
        Certificate.from_pem(member.certificate.public_key.to_pem())
    with pytest.raises(etcd_pki.errors.MalformedError, match="not a valid certificate: it is empty"):
        Certificate.from_pem("")
