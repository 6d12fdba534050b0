"""A key outside this process: in a hardware module, a key service, another process."""

from __future__ import annotations

# The same name as in typing, whose import would take longer than that of the package
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from etcd_pki._etcd_pki import PublicKey
else:
    Protocol = object


class Signer(Protocol):
    """The argument of ``CertificateAuthority.from_signer``: any object with these two members. Each
    signature is checked before it is used.
    """

    @property
    def public_key(self) -> PublicKey:
        """The public key that belongs to it."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Signs a message.

        ECDSA on P-256 with SHA-256 and on P-384 with SHA-384, each as the DER of
        ``Ecdsa-Sig-Value``; Ed25519; RSA as PKCS#1 v1.5 with SHA-256.
        """
        ...
