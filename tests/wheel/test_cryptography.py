"""Objects of the package cryptography, as arguments and as results."""

import datetime
import ipaddress

import etcd_pki
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder
from cryptography.x509.verification import Store as TrustStore
from etcd_pki import Bundle, Certificate, CertificateAuthority, CertificateRequest, PrivateKey, PublicKey, Role, Verifier
from tools import python

KEYS = {
    "ec-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ec-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
}
FORMATS = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def digest(key):
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


@pytest.fixture(scope="module")
def theirs():
    """A CA that is created with the package cryptography."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name("their-ca"))
        .issuer_name(name("their-ca"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


@pytest.mark.parametrize("algorithm", KEYS)
def test_keys(algorithm):
    key = KEYS[algorithm]()
    ours = PrivateKey.from_cryptography(key)
    assert ours.algorithm == algorithm
    assert ours.to_cryptography().private_numbers() == key.private_numbers() if hasattr(key, "private_numbers") else True
    assert ours.to_cryptography().public_key() == key.public_key()
    assert PublicKey.from_cryptography(key.public_key()) == ours.public_key
    assert ours.public_key.to_cryptography() == key.public_key()


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_keys_in_files(algorithm, passphrase):
    key = KEYS[algorithm]()
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, encryption)
    for ours in PrivateKey.from_pem(pem, passphrase=passphrase), PrivateKey.from_der(der, passphrase=passphrase):
        assert ours.public_key.to_cryptography() == key.public_key()
        written = ours.to_encrypted_pem("battery") if passphrase else ours.to_secret_pem()
        read = serialization.load_pem_private_key(written, b"battery" if passphrase else None)
        assert read.public_key() == key.public_key()


@pytest.mark.parametrize("algorithm", KEYS)
def test_requests(ca, algorithm):
    key = KEYS[algorithm]()
    names = [x509.DNSName("etcd-1.lan"), x509.IPAddress(ipaddress.ip_address("10.0.0.11"))]
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name("etcd-member-etcd-1"))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, digest(key))
    )
    ours = CertificateRequest.from_cryptography(request)
    assert ours == CertificateRequest.from_der(request.public_bytes(serialization.Encoding.DER))
    assert ours.to_cryptography() == request
    assert set(ours.claimed().alternative_names) == {"etcd-1.lan", ipaddress.ip_address("10.0.0.11")}
    issued = ca.sign(ours, Role.MEMBER, ours.claimed())
    assert issued.denied_claims == []
    assert issued.certificate.to_cryptography().public_key() == key.public_key()


def test_a_request_of_ours_is_theirs():
    request = CertificateRequest.create(PrivateKey.generate(), Role.MEMBER, "etcd-1", names=["10.0.0.11"])
    read = request.to_cryptography()
    assert read.is_signature_valid
    assert read.subject == name("etcd-member-etcd-1")


def test_a_certificate_of_ours_is_taken_by_their_verifier(ca, member):
    leaf, root = member.certificate.to_cryptography(), ca.root.to_cryptography()
    assert isinstance(leaf, x509.Certificate)
    assert leaf == x509.load_pem_x509_certificates(member.to_pem())[0]
    leaf.verify_directly_issued_by(root)
    verifier = PolicyBuilder().store(TrustStore([root])).build_server_verifier(x509.DNSName("etcd-1.lan"))
    assert verifier.verify(leaf, []) == [leaf, root]
    assert Certificate.from_cryptography(leaf) == member.certificate


def test_a_ca_of_theirs(theirs):
    key, certificate = theirs
    ca = CertificateAuthority.load(Certificate.from_cryptography(certificate), PrivateKey.from_cryptography(key))
    bundle = ca.issue(Role.MEMBER, "etcd-1", names=["10.0.0.11"])
    bundle.certificate.to_cryptography().verify_directly_issued_by(certificate)
    assert bundle.certificate.not_valid_after_utc == certificate.not_valid_after_utc
    assert Verifier(ca.root, role=Role.MEMBER, host="10.0.0.11", strict=True).verify(bundle.certificate)


def test_a_pair_of_theirs(ca):
    key = ec.generate_private_key(ec.SECP256R1())
    issued = ca.certify(PublicKey.from_cryptography(key.public_key()), Role.CLIENT, "backup")
    bundle = Bundle(Certificate.from_cryptography(issued.certificate.to_cryptography()), PrivateKey.from_cryptography(key))
    assert bundle.certificate == issued.certificate


def test_kinds_that_etcd_pki_does_not_use(ca):
    for key in (
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1024),
    ):
        with pytest.raises(etcd_pki.errors.UnsupportedAlgorithmError) as raised:
            PrivateKey.from_cryptography(key)
        assert raised.value.what in str(raised.value)
    public = PublicKey.from_cryptography(ec.generate_private_key(ec.SECP256K1()).public_key())
    assert (public.algorithm, public.algorithm_name) == (None, "ec-secp256k1")


@pytest.mark.parametrize("wrong", [None, b"der", "pem", 7, object()])
def test_what_is_none_of_theirs(wrong, ca):
    for take in (
        PrivateKey.from_cryptography,
        PublicKey.from_cryptography,
        Certificate.from_cryptography,
        CertificateRequest.from_cryptography,
    ):
        with pytest.raises(TypeError, match="of the package cryptography, not "):
            take(wrong)


def test_one_of_theirs_that_is_another(theirs, ca):
    key, certificate = theirs
    for take, other in (
        (PrivateKey.from_cryptography, key.public_key()),
        (PublicKey.from_cryptography, key),
        (Certificate.from_cryptography, key),
        (CertificateRequest.from_cryptography, key),
        (PrivateKey.from_cryptography, certificate),
        (PublicKey.from_cryptography, certificate),
        (Certificate.from_cryptography, key.public_key()),
    ):
        with pytest.raises((TypeError, ValueError)):
            take(other)


def test_without_the_package():
    """The package is imported when it is needed, and the exception shows what to install."""
    done = python(
        """
import sys
sys.modules["cryptography"] = None
import etcd_pki
try:
    etcd_pki.PrivateKey.generate().to_cryptography()
except ImportError as error:
    print(error)
"""
    )
    assert done.stdout == "this takes the package cryptography: pip install cryptography\n", done.stderr


def test_it_is_not_imported_unasked():
    done = python("import sys, etcd_pki; print('cryptography' in sys.modules, 'ssl' in sys.modules)")
    assert done.stdout == "False False\n"
