"""Output of openssl as input, and output of the package as input for openssl."""

import etcd_pki
import pytest
from etcd_pki import Bundle, Certificate, CertificateAuthority, CertificateRequest, PrivateKey, Role, Verifier
from tools import openssl

GENERATED = {
    "ec-p256": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    "ec-p384": "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    "ed25519": "genpkey -algorithm ED25519",
    "rsa-2048": "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
}
CONFIGURATION = """\
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[member]
basicConstraints = CA:false
keyUsage = digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:etcd-1.lan, IP:10.0.0.11
"""


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "openssl.conf").write_text(CONFIGURATION)
    return tmp_path


@pytest.mark.parametrize("algorithm", GENERATED)
def test_keys(algorithm, tmp_path):
    pem = openssl(*GENERATED[algorithm].split())
    key = PrivateKey.from_pem(pem)
    assert key.algorithm == algorithm
    assert openssl("pkey", "-pubout", input=pem) == key.public_key.to_pem()
    assert openssl("pkey", "-pubout", input=key.to_secret_pem()) == key.public_key.to_pem()
    der = openssl("pkey", "-outform", "DER", input=pem)
    assert PrivateKey.from_der(der).public_key == key.public_key


@pytest.mark.parametrize("cipher", ["-aes256", "-aes128", "-des3"])
def test_encrypted_keys(cipher):
    pem = openssl(*GENERATED["ec-p256"].split())
    encrypted = openssl("pkcs8", "-topk8", "-v2", cipher[1:], "-passout", "pass:correct horse", input=pem)
    assert PrivateKey.from_pem(encrypted, passphrase="correct horse").public_key == PrivateKey.from_pem(pem).public_key
    with pytest.raises(etcd_pki.errors.WrongPassphraseError):
        PrivateKey.from_pem(encrypted, passphrase="wrong")


def test_formats_of_old():
    rsa = openssl("genrsa", "-traditional", "2048")
    assert rsa.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    key = PrivateKey.from_pem(rsa)
    assert key.to_secret_pem(format="pkcs1") == rsa
    sec1 = openssl("ecparam", "-name", "prime256v1", "-genkey")
    assert PrivateKey.from_pem(sec1).algorithm == "ec-p256"


def test_a_ca_a_request_and_a_certificate(directory):
    for name in ("ca", "etcd-1"):
        (directory / f"{name}-key.pem").write_bytes(openssl(*GENERATED["rsa-2048"].split()))
    signed = "-CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 5 -extfile openssl.conf -extensions member"
    for command in (
        "req -x509 -new -key ca-key.pem -days 9 -subj /CN=etcd-ca -config openssl.conf -extensions ca -out ca.pem",
        "req -new -key etcd-1-key.pem -subj /CN=etcd-member-etcd-1 -config openssl.conf -reqexts member -out etcd-1.csr",
        f"x509 -req -in etcd-1.csr -out etcd-1.pem {signed}",
    ):
        openssl(*command.split(), cwd=directory)
    theirs = Bundle.from_files(directory / "etcd-1.pem", directory / "etcd-1-key.pem")
    assert theirs.certificate.role is Role.MEMBER
    root = Certificate.from_file(directory / "ca.pem")
    assert Verifier(root, role="member", host="10.0.0.11").verify(theirs.certificate)

    ca = CertificateAuthority.from_files(directory / "ca.pem", directory / "ca-key.pem")
    request = CertificateRequest.from_file(directory / "etcd-1.csr")
    issued = ca.sign(request, Role.MEMBER, request.claimed())
    assert issued.denied_claims == []
    (directory / "ours.pem").write_bytes(issued.to_pem())
    told = openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.pem", "ours.pem", cwd=directory)
    assert told == b"ours.pem: OK\n"
    renewed = ca.renew(theirs.certificate)
    assert renewed.certificate.dns_names == theirs.certificate.dns_names
    assert renewed.certificate.public_key == theirs.certificate.public_key


def test_a_chain_file_with_talk_around_it(directory):
    """A file in the form that `openssl x509 -text` writes."""
    ca = CertificateAuthority.create("etcd-ca")
    text = openssl("x509", "-text", input=ca.certificate.to_pem())
    assert text.startswith(b"Certificate:")
    assert Certificate.from_pem(text) == ca.certificate
    assert Certificate.from_pem(text.replace(b"\n", b"\r\n")) == ca.certificate


def test_a_request_of_ours(directory):
    request = CertificateRequest.create(PrivateKey.generate(), Role.MEMBER, "etcd-1", names=["10.0.0.11"])
    text = openssl("req", "-text", "-noout", "-verify", input=request.to_pem()).decode()
    assert "IP Address:10.0.0.11" in text
    assert "TLS Web Server Authentication, TLS Web Client Authentication" in text
