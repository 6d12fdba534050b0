"""The interface to the package cryptography, which is optional."""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
except ImportError:
    raise ImportError("this takes the package cryptography: pip install cryptography") from None

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes


def private_key(der: bytes) -> PrivateKeyTypes:
    """Reads a private key from PKCS#8."""
    return serialization.load_der_private_key(der, password=None)


def private_key_der(key: PrivateKeyTypes) -> bytes:
    """Returns the PKCS#8 of a private key."""
    _expect(key, "private_bytes", "private key")
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public_key(der: bytes) -> PublicKeyTypes:
    """Reads a public key from SubjectPublicKeyInfo."""
    return serialization.load_der_public_key(der)


def public_key_der(key: PublicKeyTypes) -> bytes:
    """Returns the SubjectPublicKeyInfo of a public key."""
    _expect(key, "public_bytes", "public key")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate(der: bytes) -> x509.Certificate:
    """Reads a certificate from DER."""
    return x509.load_der_x509_certificate(der)


def certificate_request(der: bytes) -> x509.CertificateSigningRequest:
    """Reads a certificate request from DER."""
    return x509.load_der_x509_csr(der)


def certificate_der(certificate: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """Returns the DER of a certificate or a request."""
    _expect(certificate, "public_bytes", "certificate or request")
    return certificate.public_bytes(serialization.Encoding.DER)


def _expect(value: object, method: str, what: str) -> None:
    """Raises TypeError if a value is no such object of cryptography."""
    if not hasattr(value, method):
        raise TypeError(f"expected a {what} of the package cryptography, not {type(value).__name__}")
