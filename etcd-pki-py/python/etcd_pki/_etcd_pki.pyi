from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from os import PathLike
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Any, Final, Literal, SupportsIndex, Union, final

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.x509 import Certificate as _Certificate
from cryptography.x509 import CertificateSigningRequest as _CertificateSigningRequest
from typing_extensions import Self, TypeAlias

from etcd_pki._signer import Signer
from etcd_pki._words import (
    Action,
    CaKind,
    Compatibility,
    KeyAlgorithm,
    KeyFormat,
    KeyMatch,
    Layout,
    Outcome,
    Peers,
    Role,
    Severity,
)
from etcd_pki.errors import Error

__all__ = [
    "READ_LIMIT",
    "Adoption",
    "Bundle",
    "Certificate",
    "CertificateAuthority",
    "CertificateRequest",
    "Check",
    "Checked",
    "Claim",
    "Cluster",
    "ClusterAdmin",
    "ClusterAuthority",
    "ClusterDefaults",
    "ClusterEntry",
    "ClusterFiles",
    "CurrentPair",
    "DeniedClaims",
    "Desired",
    "DesiredCa",
    "DesiredPair",
    "Directory",
    "Exported",
    "Finding",
    "Identity",
    "Issued",
    "KubesprayScript",
    "LockedStore",
    "PairPaths",
    "Plan",
    "PrivateKey",
    "Profile",
    "PublicKey",
    "Refusal",
    "Remark",
    "Renewal",
    "Report",
    "Settings",
    "ShortenedValidity",
    "Step",
    "StepReport",
    "Store",
    "TrustBundle",
    "Verdict",
    "Verifier",
    "__version__",
    "ca_paths",
    "has_further_names",
    "inspect_directory",
    "member_client_paths",
    "pair_paths",
    "peer_pair_paths",
    "read_file",
    "run",
    "write_files",
]

_Contents: TypeAlias = Union[bytes, bytearray, memoryview, str]
_Path: TypeAlias = Union[str, PathLike[str]]
_Passphrase: TypeAlias = Union[bytes, bytearray, memoryview, str]
_Name: TypeAlias = Union[str, IPv4Address, IPv6Address]
_Validity: TypeAlias = Union[timedelta, datetime, str]
_Before: TypeAlias = Union[timedelta, str]
_Identity: TypeAlias = Union[Identity, str]
_Entry: TypeAlias = Union[ClusterEntry, Identity, str]
_Role: TypeAlias = Union[Role, Literal["member", "node", "client"]]
_Profile: TypeAlias = Union[Profile, _Role]
_Certificates: TypeAlias = Union[Certificate, Iterable[Certificate]]
_KeyAlgorithm: TypeAlias = Union[KeyAlgorithm, Literal["ec-p256", "ec-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"]]
_KeyFormat: TypeAlias = Union[KeyFormat, Literal["pkcs8", "pkcs1", "sec1"]]
_Compatibility: TypeAlias = Union[Compatibility, Literal["strict", "kubespray"]]
_Layout: TypeAlias = Union[Layout, Literal["kubespray", "kubeadm", "cfssl", "k3s", "etcdadm"]]
_CaKind: TypeAlias = Union[CaKind, Literal["client", "peer"]]
_Action: TypeAlias = Union[
    Action,
    Literal["keep", "chmod", "renew", "re-issue", "create", "request", "wait", "install", "sign", "trust", "remove", "blocked"],
]
_Store: TypeAlias = Union[Store, str, PathLike[str]]
_Peers: TypeAlias = Union[Peers, Literal["shared", "separate"]]
_Progress: TypeAlias = Callable[[int, int], object]

READ_LIMIT: Final[int]
__version__: Final[str]

@final
class PrivateKey:
    """A private key that signs.

    It equals itself only, however often a bundle or an authority gives it, shows nothing of itself, and can be
    neither copied nor pickled; its bytes come out only through methods whose name says `secret`. What Python is given
    of it cannot be wiped.

    >>> from etcd_pki import PrivateKey
    >>> key = PrivateKey.generate()
    >>> key.algorithm
    <KeyAlgorithm.EC_P256: 'ec-p256'>
    >>> PrivateKey.from_pem(key.to_secret_pem()).public_key == key.public_key
    True
    """
    @staticmethod
    def generate(algorithm: _KeyAlgorithm = "ec-p256") -> PrivateKey:
        """Generates a key. RSA takes a tenth of a second to seconds."""
    @staticmethod
    def from_pem(pem: _Contents, *, passphrase: _Passphrase | None = None) -> PrivateKey:
        """Reads the only private key in a PEM file, whatever else is in it: PKCS#8, encrypted or not, PKCS#1 or SEC1."""
    @staticmethod
    def from_der(der: _Contents, *, passphrase: _Passphrase | None = None) -> PrivateKey:
        """Reads a private key in DER: PKCS#8, encrypted or not, PKCS#1 or SEC1."""
    @staticmethod
    def from_file(path: _Path, *, passphrase: _Passphrase | None = None) -> PrivateKey:
        """Reads a private key from a file, PEM or DER, encrypted or not."""
    @staticmethod
    def from_cryptography(key: PrivateKeyTypes) -> PrivateKey:
        """Takes a key of the package cryptography."""
    @property
    def algorithm(self) -> KeyAlgorithm:
        """What kind of key it is."""
    @property
    def public_key(self) -> PublicKey:
        """The public key that belongs to it."""
    def sign(self, message: _Contents) -> bytes:
        """Signs: ECDSA as `Ecdsa-Sig-Value`, RSA as PKCS#1 v1.5, each with the digest of its algorithm."""
    def to_secret_pem(self, *, format: _KeyFormat = "pkcs8") -> bytes:
        """The key in PEM: as PKCS#8, or in the format of another tool's habit. Whoever reads it can pose as the key's
        owner.
        """
    def to_secret_der(self) -> bytes:
        """The key as PKCS#8 in DER. Whoever reads it can pose as the key's owner."""
    def to_encrypted_pem(self, passphrase: _Passphrase) -> bytes:
        """The key as encrypted PKCS#8 in PEM. etcd itself reads no encrypted key."""
    def to_cryptography(self) -> PrivateKeyTypes:
        """The key as an object of the package cryptography."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class PublicKey:
    """A public key, of any algorithm: certificates may have keys that etcd-pki itself does not sign with."""
    @staticmethod
    def from_pem(pem: _Contents) -> PublicKey:
        """Reads the only `PUBLIC KEY` block in a PEM file."""
    @staticmethod
    def from_der(der: _Contents) -> PublicKey:
        """Reads a `SubjectPublicKeyInfo` (RFC 5280, section 4.1)."""
    @staticmethod
    def from_cryptography(key: PublicKeyTypes) -> PublicKey:
        """Takes a key of the package cryptography."""
    @property
    def algorithm(self) -> KeyAlgorithm | None:
        """The algorithm, if it is one that etcd-pki signs with."""
    @property
    def algorithm_name(self) -> str:
        """The algorithm by its name, whatever it is: `ec-p256`, `rsa-1024`, `ec-p521`, or an object identifier."""
    @property
    def fingerprint_sha256(self) -> str:
        """SHA-256 of the key's DER, in upper-case hexadecimal."""
    def to_pem(self) -> bytes:
        """The key as `PUBLIC KEY` in PEM."""
    def to_der(self) -> bytes:
        """The key as a `SubjectPublicKeyInfo` in DER."""
    def to_cryptography(self) -> PublicKeyTypes:
        """The key as an object of the package cryptography."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Identity:
    """Who a certificate is for: a name, and by which names and addresses it is reached.

    What is not said comes from the role: the common name of member `etcd-1` is `etcd-member-etcd-1`, a member's own
    name and the loopback names are among its alternative names, a node or client that serves nothing has the address
    0.0.0.0.

    `name` is a host's or a user's; without it, `common_name` or `organization` is needed. `names` are alternative
    names, as text or objects of `ipaddress`: what reads as an address is an address, anything else a DNS name, and
    `DNS:`, `IP:` and `URI:` before it say which. A text may list several with commas, as OpenSSL does. `common_name`
    takes the place of the role's, and `organization` is the subject's, a group for Kubernetes.

    `without_common_name` and `without_alternative_names` leave these out, whatever the role has.

    >>> from etcd_pki import Identity
    >>> Identity("etcd-1", names=["etcd-1.lan", "10.0.0.11"]).alternative_names
    ['etcd-1.lan', IPv4Address('10.0.0.11')]
    >>> try:
    ...     Identity("etcd-1", names=["10.0.0.300"])
    ... except ValueError as error:
    ...     print(error)
    "10.0.0.300" is no DNS name, IP address or URI: it ends in a number, as addresses do
    """
    def __new__(
        cls,
        name: str | None = None,
        *,
        names: Iterable[_Name] = (),
        common_name: str | None = None,
        organization: str | None = None,
        without_common_name: bool = False,
        without_alternative_names: bool = False,
    ) -> Self: ...
    @property
    def name(self) -> str | None:
        """The name that it was made with."""
    @property
    def organization(self) -> str | None:
        """The organization."""
    @property
    def alternative_names(self) -> list[_Name] | None:
        """The alternative names that were given, addresses as objects of `ipaddress`; `None` if they are to be left out."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Identity: ...
    def __deepcopy__(self, memo: object, /) -> Identity: ...

@final
class Profile:
    """What a certificate of a role has. Wherever a role is taken, a profile is too.

    It begins as that of its `role` under the habits of `compatibility`: `strict` ones, with keys of ec-p256 and
    certificates for a year, or those of `kubespray`, with RSA of 2048 bits and 36500 days. `algorithm` is another one
    for a key that is made, and `validity` another time: a `timedelta`, text such as `90d`, or the `datetime` of its
    end.

    `allow_member_common_name` lets a node or client have a common name that begins as a member's does, which a list
    of allowed common names (`--peer-cert-allowed-cn`) would take for a member.

    >>> from datetime import timedelta
    >>> from etcd_pki import Profile, Role
    >>> Profile(Role.CLIENT, validity=timedelta(days=90)).algorithm
    <KeyAlgorithm.EC_P256: 'ec-p256'>
    >>> Profile("member", compatibility="kubespray").algorithm
    <KeyAlgorithm.RSA_2048: 'rsa-2048'>
    """
    def __new__(
        cls,
        role: _Role,
        *,
        compatibility: _Compatibility = "strict",
        algorithm: _KeyAlgorithm | None = None,
        validity: _Validity | None = None,
        allow_member_common_name: bool = False,
    ) -> Self: ...
    @property
    def role(self) -> Role:
        """The role."""
    @property
    def algorithm(self) -> KeyAlgorithm:
        """The algorithm of the key that is made."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Profile: ...
    def __deepcopy__(self, memo: object, /) -> Profile: ...

@final
class Claim:
    """One thing that a request asks for. `str` of it is a line such as `organization system:masters`."""
    @property
    def kind(self) -> str:
        """The name of the kind, which never changes: `organization`."""
    @property
    def value(self) -> str | IPv4Address | IPv6Address | None:
        """What is asked for: text, or an address as an object of `ipaddress`; `None` for a certificate that may sign
        others.
        """
    @property
    def attribute(self) -> str | None:
        """The attribute of the subject that has the value, if it is neither the common name nor an organization."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Claim: ...
    def __deepcopy__(self, memo: object, /) -> Claim: ...

@final
class CertificateRequest:
    """A certificate request (PKCS#10, RFC 2986) whose own signature has been checked: a value that exists is good.

    What it says of its maker are claims. The names of a certificate come from whoever signs it.

    >>> from etcd_pki import CertificateRequest, PrivateKey, Role
    >>> request = CertificateRequest.create(PrivateKey.generate(), Role.CLIENT, "backup")
    >>> [str(claim) for claim in request.claims][:2]
    ['common name backup', 'key usage digitalSignature']
    """
    @staticmethod
    def create(key: PrivateKey, role: _Profile, identity: _Identity, *, names: Iterable[_Name] = ()) -> CertificateRequest:
        """Makes a request for a key, with the subject, the names and the usages that a certificate of this role has."""
    @staticmethod
    def from_pem(pem: _Contents) -> CertificateRequest:
        """Reads the only request in a PEM file, and checks its signature."""
    @staticmethod
    def from_der(der: _Contents) -> CertificateRequest:
        """Reads a request in DER, and checks its signature."""
    @staticmethod
    def from_file(path: _Path) -> CertificateRequest:
        """Reads a request from a file, PEM or DER, and checks its signature."""
    @staticmethod
    def from_cryptography(request: _CertificateSigningRequest) -> CertificateRequest:
        """Takes a request of the package cryptography."""
    @property
    def public_key(self) -> PublicKey:
        """The key that asks."""
    @property
    def subject(self) -> str:
        """The subject as RFC 4514 text: `CN=etcd-member-etcd-1`."""
    @property
    def claims(self) -> list[Claim]:
        """All that it asks for."""
    def claimed(self, accepts: Callable[[Claim], object] | None = None) -> Identity:
        """The identity that it claims. To sign it is to trust the requester. With `accepts`, a function of a `Claim`,
        those claims alone are taken for which it is true.
        """
    def to_pem(self) -> bytes:
        """The request as `CERTIFICATE REQUEST` in PEM."""
    def to_der(self) -> bytes:
        """The request in DER."""
    def to_cryptography(self) -> _CertificateSigningRequest:
        """The request as an object of the package cryptography."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Certificate:
    """A certificate (RFC 5280), whoever made it.

    >>> from etcd_pki import CertificateAuthority, Role
    >>> ca = CertificateAuthority.create("etcd-ca")
    >>> certificate = ca.issue(Role.MEMBER, "etcd-1", names=["10.0.0.11"]).certificate
    >>> certificate.subject, certificate.role, certificate.dns_names
    ('CN=etcd-member-etcd-1', <Role.MEMBER: 'member'>, ['etcd-1', 'localhost'])
    >>> certificate.not_valid_after_utc.tzinfo
    datetime.timezone.utc
    """
    @staticmethod
    def from_pem(pem: _Contents) -> Certificate:
        """Reads the only certificate in a PEM file, whatever else is in it."""
    @staticmethod
    def from_der(der: _Contents) -> Certificate:
        """Reads a certificate in DER."""
    @staticmethod
    def from_file(path: _Path) -> Certificate:
        """Reads the first certificate in a file, PEM or DER: a leaf stands before its chain."""
    @staticmethod
    def from_cryptography(certificate: _Certificate) -> Certificate:
        """Takes a certificate of the package cryptography."""
    @staticmethod
    def all_from_bytes(contents: _Contents) -> list[Certificate]:
        """Reads all certificates of a bundle in PEM, or the one in DER, in their order. There is at least one."""
    @staticmethod
    def all_from_file(path: _Path) -> list[Certificate]:
        """Reads all certificates in a file, PEM or DER, in their order. There is at least one."""
    @property
    def fingerprint_sha256(self) -> str:
        """SHA-256 of the certificate's DER, in upper-case hexadecimal."""
    @property
    def subject(self) -> str:
        """The subject as RFC 4514 text: `CN=etcd-ca`."""
    @property
    def issuer(self) -> str:
        """The issuer as RFC 4514 text."""
    @property
    def common_name(self) -> str | None:
        """The subject's common name: the user that etcd sees."""
    @property
    def issuer_common_name(self) -> str | None:
        """The issuer's common name."""
    @property
    def organizations(self) -> list[str]:
        """The subject's organizations."""
    @property
    def serial_number(self) -> int:
        """The serial number."""
    @property
    def not_valid_before_utc(self) -> datetime:
        """When it begins."""
    @property
    def not_valid_after_utc(self) -> datetime:
        """When it ends, that second included."""
    @property
    def public_key(self) -> PublicKey:
        """The public key."""
    @property
    def signature_algorithm(self) -> str:
        """How it is signed: `ecdsa-with-SHA256`, `sha256WithRSAEncryption`, ..."""
    @property
    def is_authority(self) -> bool:
        """Whether its basicConstraints make it a certificate authority."""
    @property
    def path_length(self) -> int | None:
        """How many authorities may stand below it, if that is limited."""
    @property
    def key_usages(self) -> list[str] | None:
        """What its key may be used for, as RFC 5280 calls it: `digitalSignature`, `keyCertSign`, ... `None` if it has no
        keyUsage, which limits nothing.
        """
    @property
    def extended_key_usages(self) -> list[str] | None:
        """What it may be used for: `serverAuth`, `clientAuth`, or an object identifier. `None` if it has no extKeyUsage,
        which limits nothing.
        """
    @property
    def role(self) -> Role | None:
        """The role that its usages fit: both ways a member, dialling alone a client, or a node if its common name says
        so.
        """
    @property
    def peer_port(self) -> Finding | None:
        """Why etcd's peer port accepts this certificate of a client or node, as long as peers have no CA of their own;
        `None` if it refuses the certificate, or if that is a member's.
        """
    @property
    def dns_names(self) -> list[str]:
        """The DNS names among its alternative names."""
    @property
    def ip_addresses(self) -> list[IPv4Address | IPv6Address]:
        """The addresses among its alternative names."""
    @property
    def uris(self) -> list[str]:
        """The URIs among its alternative names."""
    @property
    def other_names(self) -> list[str]:
        """Alternative names of other kinds (e-mail addresses, directory names, ...), described."""
    @property
    def subject_key_identifier(self) -> bytes | None:
        """The subject key identifier."""
    @property
    def authority_key_identifier(self) -> bytes | None:
        """The key identifier of the issuer."""
    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same, as in a root."""
    def check_issued_by(self, issuer: Certificate) -> None:
        """Checks that this certificate was signed by the issuer's key, and names it; raises `SignatureError` if not."""
    def to_pem(self) -> bytes:
        """The certificate in PEM."""
    def to_der(self) -> bytes:
        """The certificate in DER."""
    def to_cryptography(self) -> _Certificate:
        """The certificate as an object of the package cryptography."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Bundle:
    """A private key, the certificate for it, and the intermediate certificates between it and the root.

    The key matches the certificate, and each certificate is signed by the next.

    `key` and `certificate` are put together; `chain` begins with the issuer of the certificate, if that is an
    intermediate.

    >>> from etcd_pki import CertificateAuthority, Role
    >>> bundle = CertificateAuthority.create("etcd-ca").issue(Role.CLIENT, "backup")
    >>> bundle.name, bundle.certificate.common_name
    ('backup', 'backup')
    """
    def __new__(cls, key: PrivateKey, certificate: Certificate, chain: _Certificates = ()) -> Self: ...
    @staticmethod
    def from_pem(certificates: _Contents, key: _Contents, *, passphrase: _Passphrase | None = None) -> Bundle:
        """Reads a key, and a certificate with its chain behind it, from PEM."""
    @staticmethod
    def from_files(certificate: _Path, key: _Path, *, passphrase: _Passphrase | None = None) -> Bundle:
        """Reads a certificate with its chain behind it, and its key, from files, PEM or DER."""
    @property
    def key(self) -> PrivateKey:
        """The private key."""
    @property
    def certificate(self) -> Certificate:
        """The certificate."""
    @property
    def chain(self) -> list[Certificate]:
        """The intermediate certificates, the certificate's issuer first; empty under a root."""
    @property
    def role(self) -> Role | None:
        """The role it was issued for; `None` if it was read."""
    @property
    def name(self) -> str | None:
        """The name it was issued for; `None` if it was read, or issued without one."""
    @property
    def validity_cut(self) -> datetime | None:
        """The end that was asked for, if the authority's own end cut it short."""
    def certificate_pem(self) -> bytes:
        """What etcd's certificate file holds: the certificate and behind it the chain, in PEM."""
    def secret_key_pem(self) -> bytes:
        """What etcd's key file holds: the key as PKCS#8 in PEM."""
    def write(self, directory: _Path, *, layout: _Layout = "kubespray", overwrite: bool = False) -> list[PairPaths]:
        """Writes both files under the role and the name that it was issued for: the certificate with its chain, mode
        0644, and the key, mode 0600, whole or not at all. Nothing that exists is replaced, unless `overwrite` says
        so. Returns where.
        """
    def ssl_context_server(self, trusted: _Certificates | None = None, *, client_cert_auth: bool = True) -> SSLContext:
        """A context for a server of clients: it serves with this certificate, and takes clients whose certificates
        `trusted` has signed; with `client_cert_auth=False`, also those without one. `trusted` is the root of the
        authority that issued the bundle; one that was read needs it said. No key file is left on the disk.
        """
    def ssl_context_client(self, trusted: _Certificates | None = None) -> SSLContext:
        """A context for a client: it dials with this certificate, and takes a server whose certificate `trusted` has
        signed for the host that is dialled. No key file is left on the disk.
        """
    def ssl_context_peer(self, trusted: _Certificates | None = None, *, server_side: bool) -> SSLContext:
        """A context for a member that speaks with members, for one end of a connection: both present a certificate and
        check the other's. The bundle's own has to be for a server and for a client (serverAuth and clientAuth), as a
        member's is. The serving end takes every certificate for a client that `trusted` has signed, whatever names
        are in it; etcd itself also looks at the address that the other end dials from. No key file is left on the
        disk.
        """

@final
class Issued:
    """A certificate for somebody else's key."""
    @property
    def certificate(self) -> Certificate:
        """The certificate."""
    @property
    def chain(self) -> list[Certificate]:
        """The intermediate certificates, the certificate's issuer first; empty under a root."""
    @property
    def refused(self) -> list[Claim]:
        """What the request claimed and did not get."""
    @property
    def validity_cut(self) -> datetime | None:
        """The end that was asked for, if the authority's own end cut it short."""
    def certificate_pem(self) -> bytes:
        """What etcd's certificate file holds: the certificate and behind it the chain, in PEM."""

@final
class CertificateAuthority:
    """A certificate authority: it issues a key and its certificate at once, and signs what others request for their own
    keys.

    A `role` is one, or a `Profile` where a certificate has something other than usual; an `identity` is an
    `Identity`, or the name alone, and `names` are further alternative names. `algorithm` is that of a key that is
    made; `validity` is how long a certificate is valid, a `timedelta`, text such as `90d`, or the `datetime` of its
    end; `now` is the time to count from, the present one unless said otherwise.

    >>> from etcd_pki import CertificateAuthority, Role
    >>> ca = CertificateAuthority.create("etcd-ca")
    >>> bundle = ca.issue(Role.MEMBER, "etcd-1", names=["etcd-1.lan", "10.0.0.11"])
    >>> bundle.certificate.ip_addresses
    [IPv4Address('10.0.0.11'), IPv4Address('127.0.0.1'), IPv6Address('::1')]
    """
    @staticmethod
    def create(
        common_name: str,
        *,
        organization: str | None = None,
        compatibility: _Compatibility = "strict",
        algorithm: _KeyAlgorithm | None = None,
        validity: _Validity | None = None,
        key: PrivateKey | None = None,
        now: datetime | None = None,
    ) -> CertificateAuthority:
        """Makes an authority with a certificate of its own and, unless one is given, a new key: ec-p256, ten years, no
        authorities below it, unless said otherwise. `compatibility="kubespray"` makes it RSA of 2048 bits and 36500
        days.
        """
    @staticmethod
    def load(
        certificates: _Certificates, key: PrivateKey, *, member_common_names: Iterable[str] = (), now: datetime | None = None
    ) -> CertificateAuthority:
        """Loads an authority from its certificate and key.

        Of several certificates, the one of this key is the authority's, and the others are those above it. It is
        taken only if it may sign certificates, is not expired, and its key matches.

        Nodes and clients are refused `member_common_names`, as they are refused one that begins as a member's does,
        unless a profile says `allow_member_common_name`. `Store.ca` knows those of its directory.
        """
    @staticmethod
    def from_pem(certificates: _Contents, key: _Contents, *, passphrase: _Passphrase | None = None) -> CertificateAuthority:
        """Loads an authority from PEM, as `load` does."""
    @staticmethod
    def from_files(
        certificate: _Path,
        key: _Path,
        *,
        passphrase: _Passphrase | None = None,
        member_common_names: Iterable[str] = (),
        to_renew: bool = False,
    ) -> CertificateAuthority:
        """Loads an authority from its two files, PEM or DER, as `load` does; `to_renew=True` takes one that has expired,
        so that it can be renewed.
        """
    @staticmethod
    def from_signer(
        certificates: _Certificates, signer: Signer, *, member_common_names: Iterable[str] = ()
    ) -> CertificateAuthority:
        """Takes an authority whose key is elsewhere: any object with `public_key` and `sign(message)`. Each of its
        signatures is checked before it is used.
        """
    @property
    def certificate(self) -> Certificate:
        """The authority's certificate."""
    @property
    def chain(self) -> list[Certificate]:
        """The certificates that a leaf carries behind its own: this authority's, unless it is a root, and the
        intermediates above.
        """
    @property
    def root(self) -> Certificate:
        """What etcd is to trust: the root above this authority, or the authority itself where none is known."""
    @property
    def key(self) -> PrivateKey | None:
        """The authority's key, if it is in this process."""
    @property
    def lacks_key_usage(self) -> bool:
        """Whether the certificate lacks keyUsage, as Kubespray's does: Go, and so etcd, does not mind, but Python 3.13
        refuses every chain that ends there. `renewed` mends it.
        """
    def issue(
        self,
        role: _Profile,
        identity: _Identity,
        *,
        names: Iterable[_Name] = (),
        algorithm: _KeyAlgorithm | None = None,
        validity: _Validity | None = None,
        key: PrivateKey | None = None,
        now: datetime | None = None,
    ) -> Bundle:
        """Makes a key, unless one is given, and its certificate at once."""
    def sign(
        self,
        request: CertificateRequest,
        role: _Profile,
        identity: _Identity,
        *,
        names: Iterable[_Name] = (),
        validity: _Validity | None = None,
        now: datetime | None = None,
    ) -> Issued:
        """Signs somebody else's key. The names come from `identity`, the usages from `role`; what the request claims
        beyond them is refused, and told in `Issued.refused`. To take the requester's names is a word:
        `identity=request.claimed()`.
        """
    def certify(
        self,
        public_key: PublicKey,
        role: _Profile,
        identity: _Identity,
        *,
        names: Iterable[_Name] = (),
        validity: _Validity | None = None,
        now: datetime | None = None,
    ) -> Issued:
        """Makes a certificate for a public key of which it is known otherwise whose it is, such as the one that a
        certificate had before.
        """
    def reasons(
        self,
        certificate: Certificate,
        public_key: PublicKey,
        role: _Profile,
        identity: _Identity,
        *,
        names: Iterable[_Name] = (),
        renew_before: _Before = "30d",
        now: datetime | None = None,
    ) -> list[Finding]:
        """Every reason to sign a certificate again: it differs from what the CA would sign now for this key and
        identity, or it expires soon. There is none if it is up to date. `renew_before` is a `timedelta` or text such
        as `30d` and `33%`, and never more than a third of a certificate's life.
        """
    def renew(
        self,
        certificate: Certificate,
        *,
        public_key: PublicKey | None = None,
        validity: _Validity | None = None,
        now: datetime | None = None,
    ) -> Issued:
        """Makes a certificate with the subject, the names and the usages of another one, for its key or for a new one.
        It is valid as long as the other was, unless said otherwise.
        """
    def renewed(
        self,
        *,
        validity: _Validity | None = None,
        keeps_serial: bool = False,
        path_length: int | None = None,
        now: datetime | None = None,
    ) -> CertificateAuthority:
        """The same CA with a new certificate: same key, same subject, and every extension, so that what it has signed
        stays valid. Missing extensions that a CA needs are added, such as the keyUsage that Kubespray's CA lacks.
        `keeps_serial=True` where leaves name their issuer by its serial number; `path_length` changes how many CAs
        may be below it. A CA that another one issued is refused: `renewal_request` makes a request for its issuer.
        """
    def renewal_request(self) -> CertificateRequest:
        """A request to the issuer of an intermediate CA for its next certificate: same key, same subject, and every
        extension but the one that names the issuer.
        """
    def write(
        self,
        directory: _Path,
        *,
        layout: _Layout = "kubespray",
        passphrase: _Passphrase | None = None,
        replace_ca: bool = False,
    ) -> PairPaths:
        """Writes the certificate, mode 0644, and the key, mode 0600, encrypted if there is a passphrase, whole or not at
        all. Where an authority is, or what one has signed, nothing is written, unless `replace_ca` says so: what the
        old one signed is worth nothing then, and its files are kept as `ca-replaced-SERIAL.pem` and `ca-replaced-
        SERIAL-key.pem`. Returns where.
        """

@final
class Verdict:
    """Whether a certificate is accepted, and why not. It is true if the certificate is accepted."""
    @property
    def is_accepted(self) -> bool:
        """Whether the certificate is accepted."""
    @property
    def reasons(self) -> list[Finding]:
        """Every reason against it. Go names only the first."""
    @property
    def chain(self) -> list[Certificate]:
        """The chain from the certificate to a trusted one; empty if there is none."""
    def raise_for_reasons(self) -> None:
        """Raises `VerificationError`, with the `reasons` of the verdict, unless the certificate is accepted."""
    def __bool__(self) -> bool: ...

@final
class Verifier:
    """Judges certificates as Go's `crypto/x509` does, which decides in etcd: chain, time, usages, host.

    `roots` are the CAs of `ETCD_TRUSTED_CA_FILE`, `intermediates` the certificates after the first one in etcd's
    certificate file. `at` is the time to judge at, the present one by default.

    Without `role`, no usage is required; without `host`, no name. `strict` also requires what RFC 5280 does and Go
    does not, as Python 3.13 does.

    >>> from etcd_pki import CertificateAuthority, Role, Verifier
    >>> ca = CertificateAuthority.create("etcd-ca")
    >>> member = ca.issue(Role.MEMBER, "etcd-1").certificate
    >>> bool(Verifier(ca.certificate, role=Role.MEMBER, host="etcd-1").verify(member))
    True
    >>> verdict = Verifier(ca.certificate, host="10.0.0.11").verify(member)
    >>> [str(reason) for reason in verdict.reasons]
    ['it is valid for etcd-1, localhost, 127.0.0.1 and ::1, not for 10.0.0.11']
    """
    def __new__(
        cls,
        roots: _Certificates,
        *,
        intermediates: _Certificates = (),
        at: datetime | None = None,
        role: _Role | None = None,
        host: _Name | None = None,
        strict: bool = False,
    ) -> Self: ...
    @staticmethod
    def next_to(
        path: _Path,
        *,
        intermediates: _Certificates = (),
        at: datetime | None = None,
        role: _Role | None = None,
        host: _Name | None = None,
        strict: bool = False,
    ) -> Verifier:
        """Trusts the CA that etcd trusts for the certificate in a file, by the file's place and name: the CA file of the
        layout, that of peers for a member's certificate for peers, or else the CAs next to it. The options are those
        of `Verifier`.

        >>> from etcd_pki import CertificateAuthority, Role, Verifier
        >>> ca = CertificateAuthority.create("etcd-ca")
        >>> paths = ca.write("verified")
        >>> member = ca.issue(Role.MEMBER, "etcd-1")
        >>> [written] = member.write("verified")
        >>> bool(Verifier.next_to(written.certificate, host="etcd-1").verify(member.certificate))
        True
        """
    def verify(self, certificate: Certificate) -> Verdict:
        """The verdict on a certificate."""

@final
class PairPaths:
    """Where a key and its certificate are.

    `certificate` is the file of the one, and `key` that of the other.
    """
    def __new__(cls, certificate: _Path, key: _Path) -> Self: ...
    @property
    def certificate(self) -> Path:
        """The certificate's file."""
    @property
    def key(self) -> Path:
        """The key's file."""
    def below(self, directory: _Path) -> PairPaths:
        """The same files below a directory."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> PairPaths: ...
    def __deepcopy__(self, memo: object, /) -> PairPaths: ...

@final
class Store:
    """A directory of keys and certificates, in a layout. It need not exist yet.

    `directory` is where, and `layout` whose names the files have: Kubespray's, unless said otherwise.

    >>> from etcd_pki import CertificateAuthority, Role, Store
    >>> store = Store("pki")
    >>> ca = CertificateAuthority.create("etcd-ca")
    >>> with store.lock() as files:
    ...     files.write_ca(ca)
    ...     written = files.write(ca.issue(Role.CLIENT, "backup"))
    >>> written[0].certificate.name
    'client-backup.pem'
    >>> store.ca().certificate == ca.certificate
    True
    """
    def __new__(cls, directory: _Path, *, layout: _Layout = "kubespray") -> Self: ...
    @property
    def directory(self) -> Path:
        """The directory."""
    @property
    def layout(self) -> Layout:
        """The layout."""
    def ca_paths(self, kind: _CaKind = "client") -> PairPaths:
        """Where the files of a CA are, which need not exist."""
    def ca(
        self, kind: _CaKind = "client", *, passphrase: _Passphrase | None = None, for_renewal: bool = False
    ) -> CertificateAuthority:
        """Loads a CA from its certificate and key, the latter with its passphrase if it has one. The CA refuses the
        common names of the directory's members to nodes and clients. `for_renewal=True` loads it even if it has
        expired, so that it can be renewed.
        """
    def is_named(self, path: _Path) -> bool:
        """Whether the layout has a leaf's certificate under this name in the directory; others may lie there too."""
    def other_layout(self) -> tuple[Path, Layout] | None:
        """The other layout whose files are here, if there are more of its than of this one's; and one of them."""
    def certificates(self) -> list[tuple[Path, Certificate]]:
        """The files that hold certificates, by name, each with the first certificate in it."""
    def member_common_names(self) -> list[str]:
        """The common names of the members whose certificates are in the directory. What `ca` loads refuses them to nodes
        and clients.
        """
    def trusts(self, authority: CertificateAuthority) -> bool | None:
        """Whether who trusts the directory's authority trusts what this one signs: it is the same, with this certificate
        or another, or it stands below. `None` if the directory has no authority's certificate.
        """
    def lock(self) -> LockedStore:
        """Takes the directory's lock, and makes the directory if there is none. Another etcd-pki that holds it is waited
        for, up to a minute, or until Ctrl-C. `with` lets it go.
        """

@final
class LockedStore:
    """A directory that no other etcd-pki writes to meanwhile."""
    def write(self, bundle: Bundle) -> list[PairPaths]:
        """Writes a bundle that an authority issued under its role and name: the certificate with its chain, mode 0644,
        and the key, mode 0600. Nothing that exists is replaced. Returns where.
        """
    def write_pairs(self, bundles: Sequence[tuple[Bundle, PairPaths]], *, overwrite: bool = False) -> None:
        """Writes bundles, each to the files of its pair below the directory: all of them or none."""
    def write_ca(self, ca: CertificateAuthority, *, kind: _CaKind = "client", passphrase: _Passphrase | None = None) -> None:
        """Writes a new CA: its certificate, mode 0644, and its key, mode 0600, encrypted if there is a passphrase.
        Nothing that exists is replaced.
        """
    def replace_ca(
        self, ca: CertificateAuthority, *, kind: _CaKind = "client", passphrase: _Passphrase | None = None
    ) -> PairPaths | None:
        """Writes a new CA and replaces the old one. Nobody who trusts the new one accepts what the old one has signed.
        Its files are kept as `ca-replaced-SERIAL.pem` and `ca-replaced-SERIAL-key.pem`, or what the layout has for
        these names. Returns where.
        """
    def renew_ca(self, ca: CertificateAuthority, *, kind: _CaKind = "client") -> None:
        """Writes the renewed certificate of an existing CA, which keeps its key, in place of the old one. The rest of
        the trust bundle stays.
        """
    def names_ca_by_serial(self, ca: Certificate) -> bool:
        """Whether a certificate in the directory names a CA by its serial number, so that the CA has to keep the number
        when it is renewed.
        """
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class ClusterAdmin:
    """The client that a layout's tools expect next to each member, where it differs from other clients: Kubespray's
    `admin-HOST`, kubeadm's `etcd/healthcheck-client`.

    `organization` is the subject's, a group for Kubernetes; `algorithm` and `validity` are as those of
    `ClusterEntry`. `without_alternative_names` leaves them out as kubeadm does, and etcd's peer port then accepts the
    certificate as a member's.
    """
    def __new__(
        cls,
        *,
        organization: str | None = None,
        algorithm: _KeyAlgorithm | None = None,
        validity: _Validity | None = None,
        without_alternative_names: bool = False,
    ) -> Self: ...
    @property
    def organization(self) -> str | None:
        """The organization."""
    @property
    def algorithm(self) -> KeyAlgorithm | None:
        """The algorithm of its key, if it is specified."""
    @property
    def validity(self) -> str | None:
        """How long its certificate is valid, if that is specified, as text: `90d`."""
    @property
    def has_alternative_names(self) -> bool:
        """Whether its certificate has alternative names."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterAdmin: ...
    def __deepcopy__(self, memo: object, /) -> ClusterAdmin: ...

@final
class ClusterAuthority:
    """The CA of a cluster, and whether peers have a separate one: `ca` in YAML.

    By default the `common_name` is `etcd-ca`, there is no `organization`, the `algorithm` of the key is that of the
    defaults, the `validity` is ten years, and `peers` are `shared`, one CA for all. With `separate` there is a second
    one for peers, with the name `peer_common_name`. `without_common_name` and `without_peer_common_name` describe CAs
    that have none.
    """
    def __new__(
        cls,
        common_name: str | None = None,
        *,
        peer_common_name: str | None = None,
        organization: str | None = None,
        algorithm: _KeyAlgorithm | None = None,
        validity: _Validity | None = None,
        peers: _Peers | None = None,
        without_common_name: bool = False,
        without_peer_common_name: bool = False,
    ) -> Self: ...
    @property
    def common_name(self) -> str | None:
        """Its common name, unless it has none."""
    @property
    def peer_common_name(self) -> str | None:
        """The common name of the separate peer CA, unless it has none."""
    @property
    def organization(self) -> str | None:
        """The organization."""
    @property
    def algorithm(self) -> KeyAlgorithm | None:
        """The algorithm of its key, if it is specified."""
    @property
    def validity(self) -> str | None:
        """How long its certificate is valid, if that is specified, as text: `10y`."""
    @property
    def has_separate_peers(self) -> bool:
        """Whether peers have a separate CA."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterAuthority: ...
    def __deepcopy__(self, memo: object, /) -> ClusterAuthority: ...

@final
class ClusterDefaults:
    """The defaults of entries.

    `algorithm` and `validity` are as those of `ClusterEntry`: by default `ec-p256` and a year. `compatibility` is
    `strict`, or `kubespray` with RSA keys of 2048 bits and 36500 days; in YAML it is called `profile`. `renew_before`
    is a `timedelta` or text such as `30d` and `33%`: by default thirty days, and never more than a third of a
    certificate's life. `take_names_as_given` leaves alternative names as they are given, without those of members and
    of loopback, as Kubespray's script does; in YAML it is `san: given`.
    """
    def __new__(
        cls,
        *,
        algorithm: _KeyAlgorithm | None = None,
        validity: _Validity | None = None,
        renew_before: _Before | None = None,
        compatibility: _Compatibility = "strict",
        take_names_as_given: bool = False,
    ) -> Self: ...
    @property
    def algorithm(self) -> KeyAlgorithm | None:
        """The algorithm of keys, if it is specified."""
    @property
    def validity(self) -> str | None:
        """How long certificates are valid, if that is specified, as text: `1y`."""
    @property
    def renew_before(self) -> str:
        """How long before they expire certificates are renewed, as text: `30d`, `33%`."""
    @property
    def compatibility(self) -> Compatibility:
        """Which tool's certificates they are compatible with."""
    @property
    def takes_names_as_given(self) -> bool:
        """Whether alternative names are as they are given, without those of members and of loopback."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterDefaults: ...
    def __deepcopy__(self, memo: object, /) -> ClusterDefaults: ...

@final
class ClusterEntry:
    """A member, a node or a client of a cluster, and where it differs from the defaults.

    `identity` is an `Identity`, or the name alone, and `names` are further alternative names. `peer_common_name` is
    that of a member's pair for peers, where it has a separate one. `algorithm` is that of its key, and `validity` how
    long its certificate is valid: a `timedelta`, text such as `90d`, or the `datetime` at which it expires.
    `allow_member_common_name` lets a node or client have a member's common name.
    """
    def __new__(
        cls,
        identity: _Identity,
        *,
        names: Iterable[_Name] = (),
        peer_common_name: str | None = None,
        algorithm: _KeyAlgorithm | None = None,
        validity: _Validity | None = None,
        allow_member_common_name: bool = False,
    ) -> Self: ...
    @property
    def identity(self) -> Identity:
        """Its identity."""
    @property
    def peer_common_name(self) -> str | None:
        """The common name of a member's pair for peers, if it is specified."""
    @property
    def algorithm(self) -> KeyAlgorithm | None:
        """The algorithm of its key, if it is specified."""
    @property
    def validity(self) -> str | None:
        """How long its certificate is valid, if that is specified, as text: `90d`."""
    @property
    def may_have_member_common_name(self) -> bool:
        """Whether a node or client may have a member's common name."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterEntry: ...
    def __deepcopy__(self, memo: object, /) -> ClusterEntry: ...

@final
class ClusterFiles:
    """Ownership and permissions of a cluster's files. By default a new key has mode 0600, a new certificate 0644, a new
    directory 0700, and existing files keep what they have.

    `owner` and `group` are names, or numbers as text; `key_mode`, `certificate_mode` and `directory_mode` are numbers
    such as `0o640`. They do not apply to a CA's key: `ca_owner` and `ca_group` are for a CA's files, `ca_key_mode`
    for its key.
    """
    def __new__(
        cls,
        *,
        owner: str | None = None,
        group: str | None = None,
        key_mode: SupportsIndex | None = None,
        certificate_mode: SupportsIndex | None = None,
        directory_mode: SupportsIndex | None = None,
        ca_owner: str | None = None,
        ca_group: str | None = None,
        ca_key_mode: SupportsIndex | None = None,
    ) -> Self: ...
    @property
    def owner(self) -> str | None:
        """The owner."""
    @property
    def group(self) -> str | None:
        """The group."""
    @property
    def key_mode(self) -> int | None:
        """The mode of keys."""
    @property
    def certificate_mode(self) -> int | None:
        """The mode of certificates."""
    @property
    def directory_mode(self) -> int | None:
        """The mode of directories."""
    @property
    def ca_owner(self) -> str | None:
        """The owner of a CA's files."""
    @property
    def ca_group(self) -> str | None:
        """The group of a CA's files."""
    @property
    def ca_key_mode(self) -> int | None:
        """The mode of a CA's key."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterFiles: ...
    def __deepcopy__(self, memo: object, /) -> ClusterFiles: ...

@final
class Cluster:
    """The specification of a cluster: its CA, members, nodes and clients, and where their files are.

    A value that exists has no contradictions: names are unique, addresses belong to one member, no two pairs share a
    file, and every certificate can be issued.

    `members`, `nodes` and `clients` are entries, or names where a name is enough. `shared_names` are in every
    member's certificate. Files are in `directory` with the names of `layout`; without it, `plan` and `apply` need
    one. `authority`, `defaults` and `files` change the defaults of the CA, of all entries, and of the files'
    permissions. `admin` is the client next to each member, and `False` leaves it out.

    In YAML, `authority` is called `ca`, the `compatibility` of the defaults `profile`, and addresses are separate
    from names.

    >>> from etcd_pki import Cluster, ClusterEntry
    >>> cluster = Cluster(
    ...     members=[ClusterEntry("etcd-1", names=["10.0.0.11"]), ClusterEntry("etcd-2", names=["10.0.0.12"])],
    ...     clients=["root"],
    ... )
    >>> [pair.paths.certificate.name for pair in cluster.desired().pairs]
    ['member-etcd-1.pem', 'admin-etcd-1.pem', 'member-etcd-2.pem', 'admin-etcd-2.pem', 'client-root.pem']
    >>> cluster.apply("ssl").changed
    6
    >>> cluster.plan("ssl").has_work
    False
    """
    def __new__(
        cls,
        *,
        members: Iterable[_Entry] = (),
        nodes: Iterable[_Entry] = (),
        clients: Iterable[_Entry] = (),
        shared_names: Iterable[_Name] = (),
        layout: _Layout = "kubespray",
        directory: _Path | None = None,
        authority: ClusterAuthority | None = None,
        defaults: ClusterDefaults | None = None,
        admin: ClusterAdmin | bool = True,
        files: ClusterFiles | None = None,
    ) -> Self: ...
    @staticmethod
    def from_yaml(text: str) -> Cluster:
        """Reads a specification in YAML, and so in JSON."""
    @staticmethod
    def from_file(path: _Path) -> Cluster:
        """Reads a specification from a file. Its `directory` is relative to that of the file."""
    @staticmethod
    def from_mapping(mapping: dict[str, Any]) -> Cluster:
        """Takes a specification as a dictionary with the contents of the YAML. Other objects, such as those of
        `ipaddress`, are converted to text.
        """
    def to_yaml(self) -> str:
        """The specification in YAML. Reading it gives an equal cluster."""
    @property
    def layout(self) -> Layout:
        """The layout."""
    @property
    def directory(self) -> Path | None:
        """The directory, if the specification has one."""
    @property
    def authority(self) -> ClusterAuthority:
        """The CA."""
    @property
    def defaults(self) -> ClusterDefaults:
        """The defaults of entries."""
    @property
    def shared_names(self) -> list[_Name]:
        """The names in every member's certificate."""
    @property
    def members(self) -> list[ClusterEntry]:
        """The members."""
    @property
    def nodes(self) -> list[ClusterEntry]:
        """The nodes."""
    @property
    def clients(self) -> list[ClusterEntry]:
        """The clients."""
    @property
    def admin(self) -> ClusterAdmin | None:
        """The client next to each member; `None` if there is none."""
    @property
    def files(self) -> ClusterFiles:
        """Owner, group and modes of the files."""
    @property
    def hosts(self) -> list[str]:
        """The hosts: members and nodes by name, each once."""
    def desired(self, *, host: str | None = None) -> Desired:
        """Everything that must exist for the cluster, in the order in which it is made; with `host`, what that host
        needs, with the paths that the files have on it.
        """
    def plan(
        self,
        store: _Store | None = None,
        *,
        host: str | None = None,
        exchange: _Path | None = None,
        trust: Sequence[str] | None = None,
        only: str | None = None,
        rekey: bool = False,
        prune: bool | Iterable[str] | None = None,
        part_only: bool = False,
        backup: bool = False,
        replace_links: bool = False,
        now: datetime | None = None,
    ) -> Plan:
        """Reads a directory, a `Store` or a path, and decides what must change. It writes nothing.

        `host` plans the files of one host, with the paths that they have on that host. With `exchange`, keys stay on
        their hosts, and requests and certificates are exchanged through this directory: with `host` the plan is for
        that host, without it for the requests of all hosts, where the CA is. `trust` has the SHA-256 fingerprints of
        CA certificates that the host may trust if they arrive in it: without them it trusts the CAs in its own CA
        file, and those that they vouch for. `only` plans the pairs of one host or client. `rekey` makes a new key for
        each certificate that is renewed, and for a key that cannot be read. `prune=True` removes the pairs that are
        not in the specification, with `only` those of that name; names remove the pairs of these hosts and clients
        alone. What is removed stays valid until it expires. `part_only` ignores these pairs: the specification covers
        a part of the directory. `backup` keeps what is replaced or removed. `replace_links` replaces links from one
        file of the directory to another with pairs of their own. `now` is the time to judge at, the present one by
        default.
        """
    def apply(
        self,
        store: _Store | None = None,
        *,
        host: str | None = None,
        exchange: _Path | None = None,
        trust: Sequence[str] | None = None,
        only: str | None = None,
        rekey: bool = False,
        prune: bool | Iterable[str] | None = None,
        part_only: bool = False,
        backup: bool = False,
        replace_links: bool = False,
        now: datetime | None = None,
        passphrase: _Passphrase | None = None,
        progress: _Progress | None = None,
    ) -> Report:
        """Plans and applies under the lock of the directory, so that of several processes at once each change is made by
        one. The keywords are those of `plan` and of `Plan.apply`. A failing step does not stop the others: it is in
        the report. Ctrl-C stops it between two changes, and what is done is complete.
        """
    def export(self, out: _Path, *, host: str, store: _Store | None = None, overwrite: bool = False) -> Exported:
        """Copies what one host uses into a directory of its own, with the paths that the files have on that host, and
        never a CA's key.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Exported:
    """What was copied for one host."""
    @property
    def files(self) -> list[Path]:
        """Where each file is."""
    @property
    def not_given(self) -> list[str]:
        """The owner and the group of the specification that could not be set here: they are unknown on this host, or
        only root may change owners. Change them where the files are used.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Exported: ...
    def __deepcopy__(self, memo: object, /) -> Exported: ...

@final
class Desired:
    """All that must exist for a cluster, or for one of its hosts."""
    @property
    def cas(self) -> list[DesiredCa]:
        """The CAs."""
    @property
    def pairs(self) -> list[DesiredPair]:
        """The pairs: members, nodes and clients, in this order."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Desired: ...
    def __deepcopy__(self, memo: object, /) -> Desired: ...

@final
class DesiredCa:
    """A CA that must exist."""
    @property
    def kind(self) -> CaKind:
        """Which of the cluster's CAs."""
    @property
    def paths(self) -> PairPaths:
        """The files, relative to the cluster's directory."""
    @property
    def common_name(self) -> str | None:
        """The common name, unless the CA has none."""
    @property
    def identity(self) -> Identity:
        """The subject."""
    @property
    def algorithm(self) -> KeyAlgorithm:
        """The algorithm of a new key. An existing CA keeps its key."""
    @property
    def renew_before(self) -> str:
        """How long before it expires it is renewed, as text: `30d`, `33%`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> DesiredCa: ...
    def __deepcopy__(self, memo: object, /) -> DesiredCa: ...

@final
class DesiredPair:
    """A key and its certificate that must exist."""
    @property
    def paths(self) -> PairPaths:
        """The files, relative to the cluster's directory."""
    @property
    def role(self) -> Role:
        """The role."""
    @property
    def common_name(self) -> str | None:
        """The common name of the certificate, if it has one."""
    @property
    def alternative_names(self) -> list[_Name]:
        """All alternative names of the certificate, with those of the role: text, and addresses as objects of
        `ipaddress`.
        """
    @property
    def identity(self) -> Identity:
        """The subject, with the names of the specification."""
    @property
    def ca(self) -> CaKind:
        """The CA that signs it."""
    @property
    def algorithm(self) -> KeyAlgorithm:
        """The algorithm of its key."""
    @property
    def renew_before(self) -> str:
        """How long before it expires it is renewed, as text: `30d`, `33%`."""
    @property
    def peer_port(self) -> Finding | None:
        """Why etcd's peer port accepts the certificate of this client or node: it has no DNS name and no address, or
        some of its own. `None` if it is a member's, if peers have a separate CA, and for the profile `kubespray`,
        which gives all of them to everyone.
        """
    @property
    def renewed_later(self) -> Finding | None:
        """Why this pair is renewed later than the specification gives: `renew_before` is more than a third of its life."""
    @property
    def host(self) -> str | None:
        """The host that uses it; a client of its own has none."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> DesiredPair: ...
    def __deepcopy__(self, memo: object, /) -> DesiredPair: ...

@final
class Plan:
    """What must change in a directory: steps, each with its reasons. A plan is made by reading and belongs to its
    directory. It can be applied once: afterwards its files have changed, and applying it again raises `ChangedError`.

    >>> from etcd_pki import Action, Cluster
    >>> plan = Cluster(members=["etcd-1"], clients=["root"]).plan("ssl")
    >>> for step in plan.changes:
    ...     print(step.action, step.paths.certificate.name)
    create ca.pem
    create member-etcd-1.pem
    create admin-etcd-1.pem
    create client-root.pem
    >>> report = plan.apply()
    >>> report.count(Action.CREATE)
    4
    """
    @property
    def directory(self) -> Path:
        """The directory that the plan changes."""
    @property
    def exchange(self) -> Path | None:
        """The host's folder of the exchange directory, or the exchange directory where the CA is; `None` if the plan has
        none.
        """
    @property
    def signs_requests(self) -> bool:
        """Whether the plan signs the requests of hosts, where the CA is."""
    @property
    def steps(self) -> list[Step]:
        """All steps, also those that change nothing: CAs, then members, nodes and clients, then removals."""
    @property
    def changes(self) -> list[Step]:
        """The steps that are due: those that change something, wait or are blocked."""
    @property
    def blocked(self) -> list[Step]:
        """The steps that are blocked, each with its reason."""
    @property
    def kept(self) -> list[Step]:
        """The steps that keep a pair as it is."""
    @property
    def has_work(self) -> bool:
        """Whether applying the plan changes something."""
    @property
    def unmanaged(self) -> list[PairPaths]:
        """The pairs that a CA of the directory signed and the specification does not have. With `prune`, the plan has a
        step for each that it removes.
        """
    @property
    def unmanaged_ca(self) -> PairPaths | None:
        """The peer CA, where the specification has no separate one. It is never removed: members may still trust it."""
    @property
    def nothing_to_prune(self) -> list[str]:
        """The names of `prune` that no unmanaged pair has."""
    @property
    def refused(self) -> list[Refusal]:
        """The files of the exchange directory that are refused."""
    @property
    def hosts_without_request(self) -> list[str]:
        """The hosts of the specification without a request in the exchange directory."""
    @property
    def cas_without_key(self) -> list[Step]:
        """The CAs that must sign and whose keys are missing here. Apply the plan where these keys are, or exchange
        requests.
        """
    @property
    def hosts_to_restart(self) -> list[str]:
        """The hosts with a member that must be restarted when the plan is applied: etcd reads the CA when it starts, and
        a pair with each handshake. A member without a certificate has not started yet.
        """
    @property
    def next_renewal(self) -> Step | None:
        """The kept pair that is renewed first."""
    def check_keys(self, *, passphrase: _Passphrase | None = None) -> None:
        """Opens the keys of the CAs that must sign, and changes nothing. It raises what `apply` would raise for them."""
    def apply(self, *, passphrase: _Passphrase | None = None, progress: _Progress | None = None) -> Report:
        """Makes the changes of the plan, and no others, under the lock of its directory. A failing step does not stop
        the others: it is in the report. Nothing was changed if this raises an `Error`, such as `ChangedError` if a
        file is not as it was when the plan was made. Ctrl-C stops it between two changes, and what is done is
        complete. `progress` is called with how many changes are done, and of how many.
        """

@final
class Step:
    """One step of a plan: what is done with a pair, and why. `str` of it is a line such as `renew member-etcd-1.pem
    expires in 12 days; 10.0.0.99 is missing`.
    """
    @property
    def action(self) -> Action:
        """What the step does."""
    @property
    def ca(self) -> DesiredCa | None:
        """The CA of the specification that the step is about."""
    @property
    def pair(self) -> DesiredPair | None:
        """The pair of the specification that the step is about. A step has neither a CA nor a pair if its files are
        given by path.
        """
    @property
    def role(self) -> Role | None:
        """The role of the pair."""
    @property
    def host(self) -> str | None:
        """The host that uses the pair."""
    @property
    def paths(self) -> PairPaths:
        """The files of the pair."""
    @property
    def file(self) -> Path:
        """The file that represents the step in a report: the request where requests are signed, else the certificate."""
    @property
    def request(self) -> Path | None:
        """The request's file in the exchange directory."""
    @property
    def fingerprint_sha256(self) -> str | None:
        """SHA-256 of the signing CA's certificate that will be trusted, in upper-case hexadecimal."""
    @property
    def trusted_sha256(self) -> list[str]:
        """SHA-256 of every CA certificate that will be trusted on the host, that of the signing CA first."""
    @property
    def untrusted_sha256(self) -> list[str]:
        """SHA-256 of every certificate of a CA that will not be trusted on the host any more. One that a later
        certificate of the same CA replaces is not among them.
        """
    @property
    def reasons(self) -> list[Finding]:
        """Every reason for it."""
    @property
    def blocking_error(self) -> Error | None:
        """Why the step is blocked, as an exception that is not raised."""
    @property
    def due_utc(self) -> datetime | None:
        """When a kept certificate is renewed."""
    @property
    def not_valid_before_utc(self) -> datetime | None:
        """When the current certificate becomes valid. One that is not valid yet is kept: the clock of this host, or of
        the one that signed it, is wrong.
        """
    @property
    def not_valid_after_utc(self) -> datetime | None:
        """When the current certificate expires."""
    @property
    def removed_certificate(self) -> Certificate | None:
        """The certificate that the step removes. It stays valid until it expires: etcd accepts it from everyone who has
        a copy of it and of its key.
        """
    @property
    def has_key_file(self) -> bool:
        """Whether the key's path has a file."""
    @property
    def makes_key(self) -> bool:
        """Whether the step makes a key."""
    @property
    def changes_ca(self) -> bool:
        """Whether a renewal by path is signed by another CA than the old certificate: a host that trusts only the old CA
        refuses the new certificate.
        """
    @property
    def hard_links(self) -> list[Path]:
        """Files with further names (hard links), such as Calico's copies: those keep the old content when the file is
        replaced.
        """

@final
class Refusal:
    """A file of the exchange directory that is refused, and why."""
    @property
    def path(self) -> Path:
        """The file."""
    @property
    def reason(self) -> str:
        """What is wrong with it."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Refusal: ...
    def __deepcopy__(self, memo: object, /) -> Refusal: ...

@final
class Report:
    """What applying a plan did. A failing step does not stop the others, unless it would fail for all of them, such as a
    full disk. What is done is complete, and planning again finds the rest.

    >>> from etcd_pki import Cluster
    >>> report = Cluster(members=["etcd-1"]).apply("ssl")
    >>> [step.path.name for step in report.done], report.failures
    (['ca.pem', 'member-etcd-1.pem', 'admin-etcd-1.pem'], [])
    >>> report.raise_for_failures()
    """
    @property
    def plan(self) -> Plan:
        """The plan that was applied."""
    @property
    def steps(self) -> list[StepReport]:
        """The outcome of each step that was due, in the order of the plan. Kept and waiting pairs have none."""
    @property
    def done(self) -> list[StepReport]:
        """The steps that are done."""
    @property
    def failures(self) -> list[StepReport]:
        """The steps that failed or were blocked."""
    def count(self, action: _Action) -> int:
        """How many steps with an action are done."""
    @property
    def changed(self) -> int:
        """How many steps are done."""
    @property
    def keys(self) -> int:
        """How many keys were made."""
    @property
    def is_complete(self) -> bool:
        """Whether every step that was due is done."""
    @property
    def hosts_to_restart(self) -> list[str]:
        """The hosts with a member that must be restarted: see `Plan.hosts_to_restart`."""
    @property
    def shortened_validities(self) -> list[ShortenedValidity]:
        """The certificates that expire before the end that the specification gives."""
    @property
    def denied_claims(self) -> list[DeniedClaims]:
        """What requests claimed and did not get."""
    def raise_for_failures(self) -> None:
        """Raises the error of the first failure, if there is one. An error that stopped the run comes first."""

@final
class StepReport:
    """The outcome of one step."""
    @property
    def step(self) -> Step:
        """The step."""
    @property
    def outcome(self) -> Outcome:
        """What happened to it."""
    @property
    def is_done(self) -> bool:
        """Whether it is done."""
    @property
    def error(self) -> Error | None:
        """Why it failed or was blocked, as an exception that is not raised."""
    @property
    def path(self) -> Path:
        """The file that represents the step: the request where requests are signed, else the certificate."""
    @property
    def certificate(self) -> Certificate | None:
        """The new certificate of a renewal by path."""

@final
class ShortenedValidity:
    """A certificate that expires with its CA, before the end that was requested."""
    @property
    def path(self) -> Path:
        """The certificate's file."""
    @property
    def requested_utc(self) -> datetime:
        """The end that was requested."""
    @property
    def not_valid_after_utc(self) -> datetime:
        """The end that it has."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ShortenedValidity: ...
    def __deepcopy__(self, memo: object, /) -> ShortenedValidity: ...

@final
class DeniedClaims:
    """What a request claimed, and the certificate does not have."""
    @property
    def path(self) -> Path:
        """The request's file."""
    @property
    def claims(self) -> list[Claim]:
        """What it claimed."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> DeniedClaims: ...
    def __deepcopy__(self, memo: object, /) -> DeniedClaims: ...

@final
class Renewal:
    """Renews certificates by path: same names, same usages, and the same key unless a new one is requested. A
    certificate is valid as long as the old one was.

    `ca` is a `Store`, in which the CA signs that signed the old certificate, or a `CertificateAuthority`, which signs
    all of them. `rekey` makes a new key for each, `validity` gives the new certificates another validity, and
    `passphrase` decrypts the keys next to the certificates. `now` is the time to judge at, the present one by
    default.

    >>> from etcd_pki import Action, Cluster, Renewal, Store
    >>> report = Cluster(clients=["root"]).apply("ssl")
    >>> renewal = Renewal(Store("ssl"))
    >>> renewal.plan_due("30d").changes
    []
    >>> reports = renewal.apply_files(["ssl/client-root.pem"])
    >>> [report.count(Action.RENEW) for report in reports]
    [1]
    """
    def __new__(
        cls,
        ca: Store | CertificateAuthority,
        *,
        rekey: bool = False,
        validity: _Validity | None = None,
        passphrase: _Passphrase | None = None,
        now: datetime | None = None,
    ) -> Self: ...
    @staticmethod
    def next_to(
        path: _Path,
        *,
        rekey: bool = False,
        validity: _Validity | None = None,
        passphrase: _Passphrase | None = None,
        now: datetime | None = None,
    ) -> Renewal:
        """Renews by the CA next to a certificate's file: that of the layout which the file's name shows, or else that of
        a CA file in the same directory. The options are those of `Renewal`.
        """
    def plan_due(self, renew_before: _Before = "30d") -> Plan:
        """Plans the certificates of the store that are due. `renew_before` is a `timedelta` or text such as `30d` and
        `33%`, and never more than a third of a certificate's life.
        """
    def plan_files(self, files: Iterable[_Path]) -> list[Plan]:
        """Plans these files, whether they are due or not: a plan for each of their directories."""
    def apply_due(
        self, renew_before: _Before = "30d", *, passphrase: _Passphrase | None = None, progress: _Progress | None = None
    ) -> Report:
        """Plans and applies what is due under the lock of the store. `passphrase` is that of the CA's key; `progress` is
        called with how many changes are done, and of how many.
        """
    def apply_files(
        self, files: Iterable[_Path], *, passphrase: _Passphrase | None = None, progress: _Progress | None = None
    ) -> list[Report]:
        """Plans and applies these files under the lock of each of their directories: a report for each. `passphrase` and
        `progress` are as in `apply_due`.
        """

@final
class KubesprayScript:
    """What Kubespray's `make-ssl-etcd.sh` is told: an openssl.conf, the members in `MASTERS`, and the nodes in `HOSTS`.

    `openssl_conf` is the file's text, of which the section `[alt_names]` has the names, read as OpenSSL reads it with
    the variables of the environment; `masters` and `hosts` are lists. Keys are of `algorithm` and certificates for
    `validity`, as Kubespray's unless said otherwise: RSA of 2048 bits and 36500 days.

    >>> from etcd_pki import KubesprayScript
    >>> script = KubesprayScript("[alt_names]\\nIP.1 = 10.0.0.11\\n", masters=["etcd-1"], hosts=["kube-1"])
    >>> [pair.paths.certificate.name for pair in script.cluster().desired().pairs]
    ['member-etcd-1.pem', 'admin-etcd-1.pem', 'node-kube-1.pem']
    """
    def __new__(
        cls,
        openssl_conf: str,
        *,
        masters: Iterable[str] = (),
        hosts: Iterable[str] = (),
        algorithm: _KeyAlgorithm | None = None,
        validity: _Validity | None = None,
    ) -> Self: ...
    @property
    def names(self) -> list[_Name]:
        """The names that all certificates have."""
    @property
    def misplaced_addresses(self) -> list[IPv4Address | IPv6Address]:
        """The addresses that the file has among its DNS names, taken as the addresses that they are."""
    @property
    def is_empty(self) -> bool:
        """Whether there is neither a master nor a host, and so nothing to make."""
    def cluster(self) -> Cluster:
        """The cluster of these masters and hosts. It is a part of what lies in Kubespray's directory: others were named
        at other times.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> KubesprayScript: ...
    def __deepcopy__(self, memo: object, /) -> KubesprayScript: ...

@final
class Finding:
    """Something that is wrong with existing files: a check reports it, a plan gives it as the reason of a step, and a
    verdict as the reason of a refusal. `str` of it is a sentence such as `expires in 12 days (threshold 30d)`.

    Its facts are attributes. One that a kind of finding does not have is `None`, or an empty list.

    >>> from etcd_pki import Cluster
    >>> report = Cluster(clients=["root"]).apply("ssl")
    >>> step = Cluster(clients=["root", "backup"]).plan("ssl").changes[0]
    >>> [(finding.code, finding.kind, str(finding)) for finding in step.reasons]
    [('EP017', 'missing_key', 'the key is missing'), ('EP016', 'missing_certificate', 'the certificate is missing')]
    """
    @property
    def code(self) -> str:
        """The code, which never changes: `EP001`."""
    @property
    def kind(self) -> str:
        """The name of the kind, which never changes: `expired`."""
    @property
    def severity(self) -> Severity:
        """How serious it is."""
    @property
    def message(self) -> str:
        """The sentence."""
    @property
    def fix(self) -> str:
        """How to fix it: a sentence without a period."""
    @property
    def path(self) -> Path | None:
        """The file or directory."""
    @property
    def target(self) -> Path | None:
        """A second file: the target of a link, or the file of a CA."""
    @property
    def subject(self) -> str | None:
        """The subject or issuer of a certificate."""
    @property
    def name(self) -> str | None:
        """A name, an address, a host or an extension."""
    @property
    def current(self) -> list[str]:
        """What the files have; modes as `0644`."""
    @property
    def desired(self) -> list[str]:
        """What they should have; modes as `0600`."""
    @property
    def not_before(self) -> datetime | None:
        """When a certificate becomes valid."""
    @property
    def not_after(self) -> datetime | None:
        """When a certificate expires."""
    @property
    def days(self) -> int | None:
        """Whole days until a certificate expires."""
    @property
    def reason(self) -> str | None:
        """Why, in words."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Finding: ...
    def __deepcopy__(self, memo: object, /) -> Finding: ...

@final
class Check:
    """Checks certificates for monitoring, and for people before they go on holiday.

    `warning` and `critical` are the thresholds before a certificate expires, as a `timedelta` or text such as `30d`
    and `33%`: by default thirty days and seven, and less for certificates with a short life. `ca_warning` and
    `ca_critical` are those of CAs: by default 180 days and thirty, or the others if those are longer. `at` is the
    time to judge at, the present one by default. `ignore` has the codes of findings that are left out, such as
    `EP011`.

    >>> from etcd_pki import CertificateAuthority, Check, Role
    >>> ca = CertificateAuthority.create("etcd-ca")
    >>> _ = ca.write("checked")
    >>> _ = ca.issue(Role.MEMBER, "etcd-1").write("checked")
    >>> [checked.severity.value for checked in Check().run(["checked"])]
    ['ok', 'ok']
    >>> [finding.code for finding in Check(warning="400d").run(["checked"])[1].findings]
    ['EP003']
    """
    def __new__(
        cls,
        *,
        warning: _Before | None = None,
        critical: _Before | None = None,
        ca_warning: _Before | None = None,
        ca_critical: _Before | None = None,
        at: datetime | None = None,
        ignore: Iterable[str] = (),
    ) -> Self: ...
    def run(self, paths: Iterable[_Path]) -> list[Checked]:
        """Checks files, and all files of directories: in them, one level below, and in an `etcd` there. The results are
        in the order of the files. A file that cannot be read is a finding.
        """

@final
class Checked:
    """The result for a certificate, or for a file or a directory without one."""
    @property
    def path(self) -> Path:
        """The file, or the directory."""
    @property
    def number(self) -> int:
        """The number of the certificate in its file, counted from 1."""
    @property
    def certificate(self) -> Certificate | None:
        """The certificate; `None` if none can be read."""
    @property
    def key(self) -> Path | None:
        """The file of its key, if it is this file or next to it."""
    @property
    def key_match(self) -> KeyMatch:
        """Whether that key matches."""
    @property
    def signed_here(self) -> bool | None:
        """Whether a CA signed one of the other certificates that were read; `None` for a leaf."""
    @property
    def seconds_left(self) -> int | None:
        """The seconds until the certificate expires, negative afterwards; `None` without a certificate."""
    @property
    def days_left(self) -> int | None:
        """The whole days until the certificate expires, negative after as many days; `None` without a certificate."""
    @property
    def findings(self) -> list[Finding]:
        """What is wrong."""
    @property
    def is_as_a_member(self) -> bool:
        """Whether this is the certificate of a node, client or admin by its file's name, with a member's usages and
        names, as Kubespray gives them: etcd's peer port accepts it from each of them.
        """
    @property
    def severity(self) -> Severity:
        """The severity of the worst finding."""

@final
class Directory:
    """The current state of a directory: what `inspect_directory` returns."""
    @property
    def path(self) -> Path:
        """The directory."""
    @property
    def layout(self) -> Layout | None:
        """The layout of the file names; `None` if no layout has them."""
    @property
    def bundles(self) -> list[TrustBundle]:
        """The trust bundles: that of clients, and that of peers if they have a separate CA."""
    @property
    def pairs(self) -> list[CurrentPair]:
        """The pairs of members, nodes and clients."""
    @property
    def other_files(self) -> list[Path]:
        """The other files, relative to the directory."""
    @property
    def results(self) -> list[Checked]:
        """The result for each certificate and file."""
    @property
    def findings(self) -> list[Finding]:
        """Everything that is wrong."""

@final
class TrustBundle:
    """The CA certificates of a file such as `ca.pem`."""
    @property
    def kind(self) -> CaKind:
        """Which CA it is."""
    @property
    def paths(self) -> PairPaths:
        """The files of the CA, relative to the directory."""
    @property
    def certificates(self) -> list[Certificate]:
        """The CA certificates, in the order of the file."""
    @property
    def signing_ca(self) -> Certificate | None:
        """The CA with the key that is in the directory; `None` if its key is elsewhere."""

@final
class CurrentPair:
    """The two files of a leaf certificate, as they are."""
    @property
    def paths(self) -> PairPaths:
        """The files, relative to the directory."""
    @property
    def certificate(self) -> Certificate | None:
        """The leaf certificate; `None` if it is missing or cannot be read."""
    @property
    def key(self) -> PublicKey | None:
        """The public part of the key; `None` if it is missing or cannot be read."""

@final
class Adoption:
    """An existing directory, and the specification that describes it."""
    @staticmethod
    def read(directory: _Path, *, layout: _Layout | None = None) -> Adoption:
        """Reads a directory. Its layout is recognized unless it is given. It writes nothing."""
    @property
    def cluster(self) -> Cluster:
        """The specification."""
    @property
    def remarks(self) -> list[Remark]:
        """What the specification does not contain, and what is wrong, file by file."""

@final
class Remark:
    """Something to know about a file of a directory that is adopted."""
    @property
    def path(self) -> Path:
        """The file."""
    @property
    def text(self) -> str:
        """The sentence."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Remark: ...
    def __deepcopy__(self, memo: object, /) -> Remark: ...

@final
class Settings:
    """Settings for one program, in the form in which it takes them. `str` of it is what a file or a shell reads: lines
    of an `EnvironmentFile` for etcd, `export` lines for etcdctl, flags for kube-apiserver. Paths are absolute.
    """
    @staticmethod
    def etcd(store: Store, host: str, *, cluster: Cluster | None = None) -> Settings:
        """The `ETCD_*` lines of a member: the certificates for clients and for peers, and that both must present one.
        With `cluster`, `optional` has the names of all its members; without, it has names only if the directory has
        the certificates of several members.
        """
    @staticmethod
    def etcdctl(store: Store, role: _Role, name: str) -> Settings:
        """The `ETCDCTL_*` exports that let etcdctl use a pair."""
    @staticmethod
    def etcdctl_admin(store: Store, host: str) -> Settings:
        """The `ETCDCTL_*` exports for the client's pair that the layout's own tools expect beside a member."""
    @staticmethod
    def apiserver(store: Store, host: str) -> Settings:
        """The flags by which kube-apiserver dials etcd with a node's pair."""
    @property
    def entries(self) -> list[tuple[str, str]]:
        """Names and values, unquoted."""
    @property
    def optional(self) -> list[tuple[str, str]]:
        """Names and values of what may be set as well, unquoted: `ETCD_PEER_CERT_ALLOWED_CN`, by which a member takes
        only the common names of the members for peers.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Settings: ...
    def __deepcopy__(self, memo: object, /) -> Settings: ...

def ca_paths(layout: _Layout, kind: _CaKind | str) -> PairPaths:
    """Where a CA is in a layout, below its directory."""

def pair_paths(layout: _Layout, role: _Role | str, name: str) -> list[PairPaths]:
    """Where the pairs of a role are in a layout: one, or two where a member has one pair for clients and one for peers,
    in this order.
    """

def peer_pair_paths(layout: _Layout, name: str) -> PairPaths:
    """Where a member's pair for peers is in a layout, if peers have a separate CA."""

def member_client_paths(layout: _Layout, name: str) -> PairPaths | None:
    """Where the client's pair is that the layout's own tools expect next to a member."""

def read_file(path: _Path) -> bytes:
    """Reads a whole file, following symbolic links, of 16 MiB at most."""

def inspect_directory(path: _Path) -> Directory:
    """Reads a directory once, and gives its current state. A file that cannot be read is a finding.

    >>> from etcd_pki import CertificateAuthority, inspect_directory
    >>> ca = CertificateAuthority.create("etcd-ca")
    >>> paths = ca.write("ssl")
    >>> state = inspect_directory("ssl")
    >>> state.bundles[0].signing_ca == ca.certificate, state.findings
    (True, [])
    """

def has_further_names(path: _Path) -> bool:
    """Whether the file at a path has further names (hard links). They keep the old content when it is replaced."""

def write_files(files: Sequence[tuple[_Path, _Contents, bool]], *, overwrite: bool = False) -> None:
    """Writes files together, given as (path, contents, secret): each is complete and on the disk before the first takes
    its place, none is written through a symbolic link, and a secret one, mode 0600 instead of 0644, is never readable
    by others.
    """

def run(arguments: Sequence[str]) -> int:
    """Runs the command with these arguments, the first of which is its own name, and returns its exit code."""
