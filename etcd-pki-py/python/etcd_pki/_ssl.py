"""SSL contexts of the standard library. Their keys are never left on a disk."""

from __future__ import annotations

import os
import secrets
import ssl
import tempfile
from typing import TYPE_CHECKING

from etcd_pki.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from etcd_pki._etcd_pki import Certificate, PrivateKey

# X509_V_FLAG_PARTIAL_CHAIN, which Python names from 3.10 on
_PARTIAL_CHAIN = getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)


def server(*, key: PrivateKey, certificates: bytes, trusted: Iterable[Certificate], client_cert_auth: bool) -> ssl.SSLContext:
    """A context for a server that accepts certificates of clients."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, key, certificates, trusted)
    context.verify_mode = ssl.CERT_REQUIRED if client_cert_auth else ssl.CERT_OPTIONAL
    return context


def client(*, key: PrivateKey, certificates: bytes, trusted: Iterable[Certificate]) -> ssl.SSLContext:
    """A context for a client that checks the host to which it connects."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, key, certificates, trusted)


def _context(protocol: ssl._SSLMethod, key: PrivateKey, certificates: bytes, trusted: Iterable[Certificate]) -> ssl.SSLContext:
    cas = "".join(certificate.to_pem().decode("ascii") for certificate in trusted)
    if not cas:
        raise InvalidValueError(
            "trusted= has no certificate, so no other end would be accepted",
            "give the CA's, or leave trusted= out of a bundle that was issued",
        )
    context = ssl.SSLContext(protocol)
    # etcd's own minimum (tls.VersionTLS12 in client/pkg/transport/listener.go)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 sets both by default. The second accepts an intermediate as trusted if it is given
    # as one, as Go does
    context.verify_flags |= ssl.VERIFY_X509_STRICT | _PARTIAL_CHAIN
    context.load_verify_locations(cadata=cas)
    _load_key(context, key, certificates)
    return context


def _load_key(context: ssl.SSLContext, key: PrivateKey, certificates: bytes) -> None:
    """Loads a key into a context. OpenSSL reads a key only from a file. This file is in memory, or,
    if the system has no such files, it is encrypted.
    """
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("etcd-pki")
        with open(descriptor, "wb") as file:
            file.write(key.to_secret_pem() + certificates)
            file.flush()
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        return
    passphrase = secrets.token_urlsafe(32)
    with tempfile.NamedTemporaryFile() as file:
        file.write(key.to_encrypted_pem(passphrase) + certificates)
        file.flush()
        context.load_cert_chain(file.name, password=passphrase)
