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
    Compatibility,
    HostAction,
    Issuer,
    KeyAlgorithm,
    KeyFormat,
    KeyMatch,
    Layout,
    Peers,
    Role,
    Severity,
)

__all__ = [
    "READ_LIMIT",
    "Adoption",
    "Bundle",
    "Cause",
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
    "Exported",
    "Finding",
    "HostPlan",
    "HostReport",
    "HostStep",
    "Identity",
    "Issued",
    "KubesprayScript",
    "LockedStore",
    "NotGranted",
    "PairPaths",
    "Plan",
    "PrivateKey",
    "Profile",
    "PublicKey",
    "Reason",
    "Refusal",
    "Remark",
    "Report",
    "Settings",
    "SigningPlan",
    "SigningReport",
    "SigningStep",
    "Step",
    "Store",
    "ValidityCut",
    "Verdict",
    "Verifier",
    "Wanted",
    "__version__",
    "authority_paths",
    "has_further_names",
    "member_client_paths",
    "pair_paths",
    "peer_authority_paths",
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
        """What kind it is, by a word that stays."""
    @property
    def facts(self) -> dict[str, Any]:
        """What it knows, by name."""
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
        unless a profile says `allow_member_common_name`. `Store.authority` knows those of its directory.
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
    def causes(
        self,
        certificate: Certificate,
        public_key: PublicKey,
        role: _Profile,
        identity: _Identity,
        *,
        names: Iterable[_Name] = (),
        renew_before: _Before = "30d",
        now: datetime | None = None,
    ) -> list[Cause]:
        """Every reason to sign anew what is there; none if it is as `sign` would make it for this key and identity, and
        does not end soon. `renew_before` is a `timedelta` or text such as `30d` and `33%`, and never more than a
        third of a certificate's life.
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
        self, *, validity: _Validity | None = None, keeps_serial: bool = False, now: datetime | None = None
    ) -> CertificateAuthority:
        """The same authority with a new certificate: same key, same subject and same key identifier, so that what it has
        signed stays good; and keyUsage, which Kubespray's lacks. `keeps_serial=True` where leaves name their issuer
        by its serial number.
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
        old one signed is worth nothing then. Returns where.
        """

@final
class Reason:
    """What speaks against a certificate. `str` of it is a line such as `CN=etcd-ca expired on 2026-01-01T00:00:00Z`."""
    @property
    def kind(self) -> str:
        """What kind it is, by a word that stays."""
    @property
    def facts(self) -> dict[str, Any]:
        """What it knows, by name."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Reason: ...
    def __deepcopy__(self, memo: object, /) -> Reason: ...

@final
class Verdict:
    """Whether a certificate would be taken, and why not. It is true if the certificate would be."""
    @property
    def is_accepted(self) -> bool:
        """Whether nothing speaks against the certificate."""
    @property
    def reasons(self) -> list[Reason]:
        """All that speaks against it. Go names the first alone."""
    @property
    def chain(self) -> list[Certificate]:
        """The chain from the certificate to a trusted one; empty if there is none."""
    def raise_for_reasons(self) -> None:
        """Raises `VerificationError`, whose `reasons` are those of the verdict, unless the certificate would be taken."""
    def __bool__(self) -> bool: ...

@final
class Verifier:
    """Judges certificates as Go's `crypto/x509` does, which decides in etcd: chain, time, usages, host.

    `roots` are what `ETCD_TRUSTED_CA_FILE` holds, `intermediates` what stands behind the first certificate in etcd's
    certificate file. `at` is the time to judge at, the present one unless said otherwise.

    Without `role`, no usage is asked for; without `host`, no name; `strict` asks also for what RFC 5280 demands and
    Go does not, as Python 3.13 does.

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
    ...     files.write_authority(ca)
    ...     written = files.write(ca.issue(Role.CLIENT, "backup"))
    >>> written[0].certificate.name
    'client-backup.pem'
    >>> store.authority().certificate == ca.certificate
    True
    """
    def __new__(cls, directory: _Path, *, layout: _Layout = "kubespray") -> Self: ...
    @property
    def directory(self) -> Path:
        """The directory."""
    @property
    def layout(self) -> Layout:
        """The layout."""
    @property
    def authority_paths(self) -> PairPaths:
        """Where the authority's files are."""
    @property
    def peer_authority_paths(self) -> PairPaths:
        """Where the files of the authority are that peers may have apart."""
    def authority(self, *, passphrase: _Passphrase | None = None, to_renew: bool = False) -> CertificateAuthority:
        """Loads the authority from its certificate and key, the latter with its passphrase if it has one;
        `to_renew=True` takes one that has expired, so that it can be renewed.
        """
    def peer_authority(self, *, passphrase: _Passphrase | None = None, to_renew: bool = False) -> CertificateAuthority:
        """Loads the authority that peers have apart, as `authority` does the other one."""
    def is_named(self, path: _Path) -> bool:
        """Whether the layout has a leaf's certificate under this name in the directory; others may lie there too."""
    def other_layout(self) -> tuple[Path, Layout] | None:
        """The other layout whose files are here, if there are more of its than of this one's; and one of them."""
    def certificates(self) -> list[tuple[Path, Certificate]]:
        """The files that hold certificates, by name, each with the first certificate in it."""
    def member_common_names(self) -> list[str]:
        """The common names of the members whose certificates are in the directory. What `authority` loads refuses them
        to nodes and clients.
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
    def write_authority(self, authority: CertificateAuthority, *, passphrase: _Passphrase | None = None) -> None:
        """Writes a new authority: its certificate, mode 0644, and its key, mode 0600, encrypted if there is a
        passphrase.
        """
    def replace_authority(self, authority: CertificateAuthority, *, passphrase: _Passphrase | None = None) -> None:
        """Writes a new authority over whatever is there: what the old one signed is worth nothing then."""
    def renew_authority(self, authority: CertificateAuthority) -> None:
        """Writes the renewed certificate of the authority that is there, whose key stays."""
    def renew_peer_authority(self, authority: CertificateAuthority) -> None:
        """Writes the renewed certificate of the authority that peers have apart, whose key stays."""
    def names_authority_by_serial(self, authority: Certificate) -> bool:
        """Whether a certificate in the directory names the authority by its serial number, so that this has to stay when
        the authority is renewed.
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
    """The client that a layout's tools expect beside each member, and what its certificate has other than all others:
    Kubespray's `admin-HOST`, kubeadm's `etcd/healthcheck-client`.

    `organization` is the subject's, a group for Kubernetes; `algorithm` and `validity` are as those of
    `ClusterEntry`. `without_alternative_names` leaves them out as kubeadm does, and etcd's peer port takes the
    certificate for a member's then.
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
        """The algorithm of its key, if it was said."""
    @property
    def validity(self) -> str | None:
        """How long its certificate is valid, if it was said, as text: `90d`."""
    @property
    def has_alternative_names(self) -> bool:
        """Whether its certificate has alternative names."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterAdmin: ...
    def __deepcopy__(self, memo: object, /) -> ClusterAdmin: ...

@final
class ClusterAuthority:
    """The authority of a cluster, and whether peers have one of their own: `ca` in YAML.

    What is not said is as usual: the `common_name` is `etcd-ca`, there is no `organization`, the `algorithm` of the
    key is that of the defaults, the `validity` ten years, and `peers` are `shared`, one authority for all. With
    `separate` there is a second one for peers, of the name `peer_common_name`.
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
    ) -> Self: ...
    @property
    def common_name(self) -> str:
        """Its common name."""
    @property
    def peer_common_name(self) -> str:
        """The common name of the authority that peers have apart."""
    @property
    def organization(self) -> str | None:
        """The organization."""
    @property
    def algorithm(self) -> KeyAlgorithm | None:
        """The algorithm of its key, if it was said."""
    @property
    def validity(self) -> str | None:
        """How long its certificate is valid, if it was said, as text: `10y`."""
    @property
    def has_separate_peers(self) -> bool:
        """Whether peers have an authority of their own."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterAuthority: ...
    def __deepcopy__(self, memo: object, /) -> ClusterAuthority: ...

@final
class ClusterDefaults:
    """What entries have that do not say it themselves.

    `algorithm` and `validity` are as those of `ClusterEntry`: `ec-p256` and a year, unless `compatibility` says
    otherwise, `strict` or `kubespray`, whose habits are RSA of 2048 bits and 36500 days; in YAML it is called
    `profile`. `renew_before` is a `timedelta` or text such as `30d` and `33%`: thirty days, unless said otherwise,
    and never more than a third of a certificate's life. `take_names_as_given` leaves alternative names as they are
    given, without those of members and loopback's, as Kubespray's script does; in YAML it is `san: given`.
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
        """The algorithm of keys, if it was said."""
    @property
    def validity(self) -> str | None:
        """How long certificates are valid, if it was said, as text: `1y`."""
    @property
    def renew_before(self) -> str:
        """How long before their end certificates are due, as text: `30d`, `33%`."""
    @property
    def compatibility(self) -> Compatibility:
        """Whose habits certificates follow."""
    @property
    def takes_names_as_given(self) -> bool:
        """Whether alternative names are as they are given, without those of members and loopback's."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterDefaults: ...
    def __deepcopy__(self, memo: object, /) -> ClusterDefaults: ...

@final
class ClusterEntry:
    """A member, a node or a client of a cluster, and what it has other than the defaults.

    `identity` is who it is, or the name alone, and `names` are further alternative names. `peer_common_name` is that
    of a member's pair for peers, where it has one apart. `algorithm` is that of its key, and `validity` how long its
    certificate is valid: a `timedelta`, text such as `90d`, or the `datetime` of its end. `allow_member_common_name`
    lets a node or client have a member's common name.
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
        """Who it is."""
    @property
    def peer_common_name(self) -> str | None:
        """The common name of a member's pair for peers, if it was said."""
    @property
    def algorithm(self) -> KeyAlgorithm | None:
        """The algorithm of its key, if it was said."""
    @property
    def validity(self) -> str | None:
        """How long its certificate is valid, if it was said, as text: `90d`."""
    @property
    def may_have_member_common_name(self) -> bool:
        """Whether a node or client may have a member's common name."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterEntry: ...
    def __deepcopy__(self, memo: object, /) -> ClusterEntry: ...

@final
class ClusterFiles:
    """Whose the files of a cluster are, and who may read them, as far as it was said: a new key has mode 0600, a new
    certificate 0644, a new directory 0700, and what exists keeps what it has.

    `owner` and `group` are names, or numbers as text; `key_mode`, `certificate_mode` and `directory_mode` are numbers
    such as `0o640`.
    """
    def __new__(
        cls,
        *,
        owner: str | None = None,
        group: str | None = None,
        key_mode: SupportsIndex | None = None,
        certificate_mode: SupportsIndex | None = None,
        directory_mode: SupportsIndex | None = None,
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
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ClusterFiles: ...
    def __deepcopy__(self, memo: object, /) -> ClusterFiles: ...

@final
class Cluster:
    """The specification of a cluster: its authority, members, nodes and clients, and where their files are.

    A value that exists is free of contradictions: names are unique, addresses are one member's, no two pairs share a
    file, and every certificate could be made.

    `members`, `nodes` and `clients` are entries, or names where a name is all there is to say. `shared_names` are in
    every member's certificate. Files lie in `directory` as `layout` has them; without it, `plan` and `apply` are told
    where. `authority`, `defaults` and `files` say what is other than usual, for the authority, for all entries and
    for who may read the files. `admin` is what the client beside each member has other than all others, and `False`
    leaves it out.

    In YAML, `authority` is called `ca`, the `compatibility` of the defaults `profile`, and addresses stand apart from
    names.

    >>> from etcd_pki import Cluster, ClusterEntry
    >>> cluster = Cluster(
    ...     members=[ClusterEntry("etcd-1", names=["10.0.0.11"]), ClusterEntry("etcd-2", names=["10.0.0.12"])],
    ...     clients=["root"],
    ... )
    >>> [wanted.paths.certificate.name for wanted in cluster.wanted()]
    ['ca.pem', 'member-etcd-1.pem', 'admin-etcd-1.pem', 'member-etcd-2.pem', 'admin-etcd-2.pem', 'client-root.pem']
    >>> report = cluster.apply("ssl")
    >>> report.created
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
        """Reads a specification from a file. Its `directory` is seen from there."""
    @staticmethod
    def from_mapping(mapping: dict[str, Any]) -> Cluster:
        """Takes a specification as a dictionary of what YAML would hold. Other objects, such as those of `ipaddress`,
        stand for their text.
        """
    def to_yaml(self) -> str:
        """The specification in YAML, which says the same when it is read."""
    @property
    def layout(self) -> Layout:
        """The layout."""
    @property
    def directory(self) -> Path | None:
        """The directory, if the specification says one."""
    @property
    def authority(self) -> ClusterAuthority:
        """The authority."""
    @property
    def defaults(self) -> ClusterDefaults:
        """What entries have that do not say it themselves."""
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
        """What the client beside each member has other than all others; `None` if there is none."""
    @property
    def files(self) -> ClusterFiles:
        """Owner, group and modes of the files."""
    @property
    def hosts(self) -> list[str]:
        """The hosts: members and nodes by name, each once."""
    def wanted(self, host: str | None = None) -> list[Wanted]:
        """What must exist, in the order in which it is made; with `host`, what that host uses, as it lies there."""
    def plan(
        self,
        directory: _Path | None = None,
        *,
        host: str | None = None,
        only: str | None = None,
        rekey: bool = False,
        prune: bool = False,
        backup: bool = False,
        replace_links: bool = False,
        now: datetime | None = None,
    ) -> Plan:
        """Reads what is in a directory and decides what is to be done there. Nothing is written.

        `host` plans that host's own directory, `only` leaves all but one name as it is, `rekey` makes a new key
        wherever a certificate is renewed, `prune` removes what the specification does not have, and `backup` keeps
        what is replaced. `replace_links` puts pairs of their own in the place of links from one file of the directory
        to another, at which `apply` stops otherwise. `now` is the time to judge at, the present one unless said
        otherwise.
        """
    def apply(
        self,
        directory: _Path | None = None,
        *,
        host: str | None = None,
        only: str | None = None,
        rekey: bool = False,
        prune: bool = False,
        backup: bool = False,
        replace_links: bool = False,
        passphrase: _Passphrase | None = None,
        progress: _Progress | None = None,
    ) -> Report:
        """Plans and carries it out at once, under the directory's lock, so that several at once do each thing once.
        Ctrl-C ends it between two changes, and what is done is whole. `progress` is called with how many changes are
        done, and of how many.
        """
    def plan_host(self, directory: _Path | None = None, *, host: str, requests: _Path, now: datetime | None = None) -> HostPlan:
        """Reads what a host has, and what has come for it into its folder of a travelling directory, and decides what is
        to be done there: which keys to make, which certificates to request, which to install. Nothing is written.
        """
    def plan_signing(self, directory: _Path | None = None, *, requests: _Path, now: datetime | None = None) -> SigningPlan:
        """Reads the requests in a travelling directory, where the authority's key is, and decides which are to be
        signed. Nothing is written.
        """
    def export(self, out: _Path, *, host: str, directory: _Path | None = None, overwrite: bool = False) -> Exported:
        """Copies what one host uses into a directory of its own, as it is to lie on that host, never the authority's
        key. Returns where each file is, and whose it is not yet.
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
        """The owner and the group that the specification says and that could not be given here: they are unknown on this
        host, or only root may give files away. The files are to be given to them where they go.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Exported: ...
    def __deepcopy__(self, memo: object, /) -> Exported: ...

@final
class Wanted:
    """A key and its certificate that must exist."""
    @property
    def paths(self) -> PairPaths:
        """Where, below the cluster's directory."""
    @property
    def common_name(self) -> str | None:
        """The common name that its certificate has, if it has one."""
    @property
    def alternative_names(self) -> list[_Name]:
        """All alternative names that its certificate has, those that come from its role with them: text, and addresses
        as objects of `ipaddress`. An authority has none.
        """
    @property
    def identity(self) -> Identity:
        """For whom, with the names that were given."""
    @property
    def issuer(self) -> Issuer:
        """Which authority signs it; an authority is its own."""
    @property
    def role(self) -> Role | None:
        """The role; an authority has none."""
    @property
    def is_authority(self) -> bool:
        """Whether it is an authority."""
    @property
    def algorithm(self) -> KeyAlgorithm | None:
        """The algorithm of its key."""
    @property
    def renew_before(self) -> str:
        """How long before its end it is due, as text: `30d`, `33%`."""
    @property
    def host(self) -> str | None:
        """The host on which it is used; an authority and a client of its own are of no host."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Wanted: ...
    def __deepcopy__(self, memo: object, /) -> Wanted: ...

@final
class Cause:
    """Why something is to be done with a pair of files. `str` of it is a line such as `10.0.0.99 is missing`."""
    @property
    def kind(self) -> str:
        """What kind it is, by a word that stays."""
    @property
    def facts(self) -> dict[str, Any]:
        """What it knows, by name."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Cause: ...
    def __deepcopy__(self, memo: object, /) -> Cause: ...

@final
class Plan:
    """What is to be done in a directory, each step with its reasons. It was made by reading, and `apply` consumes it.

    >>> from etcd_pki import Cluster
    >>> plan = Cluster(members=["etcd-1"], clients=["root"]).plan("ssl")
    >>> for step in plan.changes:
    ...     print(step.action, step.paths.certificate.name)
    create ca.pem
    create member-etcd-1.pem
    create admin-etcd-1.pem
    create client-root.pem
    >>> plan.apply().changed
    4
    """
    @property
    def directory(self) -> Path:
        """Where."""
    @property
    def steps(self) -> list[Step]:
        """Every pair, also those that are kept: the authorities, then members, nodes and clients."""
    @property
    def changes(self) -> list[Step]:
        """The pairs that are not as they should be."""
    @property
    def surplus(self) -> list[PairPaths]:
        """Pairs that the authority has signed and the specification does not have: of hosts and users that are gone."""
    @property
    def surplus_authority(self) -> PairPaths | None:
        """The authority of peers, where the specification has none apart any more. It stays even with `prune`: a key by
        which members were made to trust each other is removed by nobody but its owner.
        """
    @property
    def authorities_without_key(self) -> list[Step]:
        """The authorities that are to sign something and whose keys are not there. Where a key is elsewhere on purpose,
        the plan is right and is carried out there, or requests travel.
        """
    @property
    def has_work(self) -> bool:
        """Whether carrying it out changes anything."""
    @property
    def first_due(self) -> Step | None:
        """The pair that is kept and will be due first."""
    def apply(self, *, passphrase: _Passphrase | None = None, progress: _Progress | None = None) -> Report:
        """Does what the plan says, and nothing else, under the directory's lock. It raises `ChangedError`, and has done
        nothing, if a file that is to be changed is not as it was when the plan was made. After a wrong passphrase the
        plan is as it was. Ctrl-C ends it between two changes, and what is done is whole. `progress` is called with
        how many changes are done, and of how many. An error in the middle tells in `done` which are.
        """

@final
class Step:
    """What is to be done with one pair. `str` of it is a line such as `renew member-etcd-1.pem expires in 12 days;
    10.0.0.99 is missing`.
    """
    @property
    def wanted(self) -> Wanted:
        """What is wanted."""
    @property
    def paths(self) -> PairPaths:
        """Where the pair is."""
    @property
    def action(self) -> Action:
        """What is to be done."""
    @property
    def causes(self) -> list[Cause]:
        """Every reason for it."""
    @property
    def due_utc(self) -> datetime | None:
        """From when on a certificate that is kept will be due."""
    @property
    def not_valid_before_utc(self) -> datetime | None:
        """From when on the certificate that is there is valid. One that is not valid yet is kept all the same: it is the
        clock of this host, or of the one that signed it, that is wrong.
        """

    @property
    def not_valid_after_utc(self) -> datetime | None:
        """When the certificate that is there ends."""
    @property
    def hard_links(self) -> list[Path]:
        """Files with further names, such as Calico's copies: those keep the old content when the file is replaced."""

@final
class Report:
    """What carrying out a plan has changed."""
    @property
    def changed(self) -> int:
        """How many pairs were changed."""
    @property
    def created(self) -> int:
        """Pairs that are new."""
    @property
    def renewed(self) -> int:
        """Certificates that are new, for the keys that were there."""
    @property
    def reissued(self) -> int:
        """Pairs that took the place of others."""
    @property
    def modes(self) -> int:
        """Pairs of which modes or owners were set."""
    @property
    def removed(self) -> int:
        """Pairs that were surplus and are gone."""
    @property
    def validity_cut(self) -> list[ValidityCut]:
        """Certificates that end with their authority, before the end that the specification asks for."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Report: ...
    def __deepcopy__(self, memo: object, /) -> Report: ...

@final
class ValidityCut:
    """A certificate that ends with its authority, before the end that the specification asks for."""
    @property
    def path(self) -> Path:
        """The certificate's file."""
    @property
    def asked_utc(self) -> datetime:
        """The end that was asked for."""
    @property
    def not_valid_after_utc(self) -> datetime:
        """The end that it has."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> ValidityCut: ...
    def __deepcopy__(self, memo: object, /) -> ValidityCut: ...

@final
class Refusal:
    """A file among what travels that is not taken, and why."""
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
class HostPlan:
    """What is to be done on a host whose keys stay there. It was made by reading, and `apply` consumes it."""
    @property
    def folder(self) -> Path:
        """The host's folder among what travels."""
    @property
    def steps(self) -> list[HostStep]:
        """Every pair of the host, also those that are kept."""
    @property
    def changes(self) -> list[HostStep]:
        """The pairs that are not as they should be, those that wait for their certificates among them."""
    @property
    def trusted(self) -> list[tuple[Path, str]]:
        """The authorities' certificates that came and are to be trusted from now on: where each goes, and its SHA-256."""
    @property
    def refused(self) -> list[Refusal]:
        """What came and is not taken."""
    @property
    def is_done(self) -> bool:
        """Whether carrying it out would change nothing."""
    def apply(self, *, progress: _Progress | None = None) -> HostReport:
        """Does what the plan says, and nothing else: each key is in its place and on the disk before its request
        travels, and each certificate takes its place whole. A pair that fails holds up no other. Ctrl-C ends it
        between two changes, and what is done is whole. `progress` is called with how many changes are done, and of
        how many. An error in the middle tells in `done` what was changed.
        """

@final
class HostStep:
    """What is to be done with one pair on its host. `str` of it is a line."""
    @property
    def wanted(self) -> Wanted:
        """What is wanted."""
    @property
    def paths(self) -> PairPaths:
        """Where the pair is."""
    @property
    def request(self) -> Path:
        """Where its request is."""
    @property
    def action(self) -> HostAction:
        """What is to be done."""
    @property
    def causes(self) -> list[Cause]:
        """Every reason for another certificate."""
    @property
    def makes_key(self) -> bool:
        """Whether a key is to be made."""
    @property
    def hard_links(self) -> list[Path]:
        """Files with further names: those keep the old content when the file is replaced."""

@final
class HostReport:
    """What was done on a host."""
    @property
    def trusted(self) -> int:
        """Authorities whose certificates are trusted from now on."""
    @property
    def keys(self) -> int:
        """Keys that were made."""
    @property
    def requested(self) -> int:
        """Requests that were written."""
    @property
    def installed(self) -> int:
        """Certificates that were put in their places."""
    @property
    def modes(self) -> int:
        """Pairs of which modes or owners were set."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> HostReport: ...
    def __deepcopy__(self, memo: object, /) -> HostReport: ...

@final
class SigningPlan:
    """What is to be done with the requests in a travelling directory. It was made by reading, and `apply` consumes it."""
    @property
    def steps(self) -> list[SigningStep]:
        """Every request that is good, also those that have their certificate."""
    @property
    def changes(self) -> list[SigningStep]:
        """The requests that are to be signed."""
    @property
    def refused(self) -> list[Refusal]:
        """The requests that are not signed, and why."""
    @property
    def created(self) -> list[Path]:
        """The authorities that are to be made, because there are none: their certificates' files."""
    @property
    def without_request(self) -> list[str]:
        """The hosts of the specification from which no request has come, not even one that is refused."""
    def apply(self, *, passphrase: _Passphrase | None = None, progress: _Progress | None = None) -> SigningReport:
        """Signs what the plan says, and nothing else. Names, usages and validity are the specification's; what a request
        claims beyond them is told. After a wrong passphrase the plan is as it was. Ctrl-C ends it between two hosts,
        each of which has all its certificates or none of them. `progress` is called with how many changes are done,
        and of how many. An error in the middle tells in `done` which requests were signed.
        """

@final
class SigningStep:
    """A request that is good, and what is to be done with it. `str` of it is a line."""
    @property
    def host(self) -> str:
        """The host that asks."""
    @property
    def wanted(self) -> Wanted:
        """What it gets."""
    @property
    def path(self) -> Path:
        """The request's file."""
    @property
    def causes(self) -> list[Cause]:
        """Every reason for a certificate; none if the one beside it is as it should be."""

@final
class SigningReport:
    """What was done with the requests in a travelling directory."""
    @property
    def created(self) -> int:
        """Authorities that were made."""
    @property
    def signed(self) -> int:
        """Certificates that were put beside their requests."""
    @property
    def trusted(self) -> int:
        """Authorities' certificates that were put into the folders of hosts."""
    @property
    def not_granted(self) -> list[NotGranted]:
        """What requests claimed and did not get."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> SigningReport: ...
    def __deepcopy__(self, memo: object, /) -> SigningReport: ...

@final
class NotGranted:
    """What a request claimed and did not get."""
    @property
    def path(self) -> Path:
        """The request's file."""
    @property
    def claims(self) -> list[Claim]:
        """What it claimed."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> NotGranted: ...
    def __deepcopy__(self, memo: object, /) -> NotGranted: ...

@final
class KubesprayScript:
    """What Kubespray's `make-ssl-etcd.sh` is told: an openssl.conf, the members in `MASTERS`, and the nodes in `HOSTS`.

    `openssl_conf` is the file's text, of which the section `[alt_names]` has the names, read as OpenSSL reads it with
    the variables of the environment; `masters` and `hosts` are lists. Keys are of `algorithm` and certificates for `validity`, as Kubespray's unless said otherwise: RSA of 2048
    bits and 36500 days.

    >>> from etcd_pki import KubesprayScript
    >>> script = KubesprayScript("[alt_names]\\nIP.1 = 10.0.0.11\\n", masters=["etcd-1"], hosts=["kube-1"])
    >>> [wanted.paths.certificate.name for wanted in script.cluster().wanted()]
    ['ca.pem', 'member-etcd-1.pem', 'admin-etcd-1.pem', 'node-kube-1.pem']
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
    """What is wrong with a certificate or a file. `str` of it is a line such as `expires in 12 days (threshold 30d)`."""
    @property
    def kind(self) -> str:
        """What kind it is, by a word that stays."""
    @property
    def facts(self) -> dict[str, Any]:
        """What it knows, by name."""
    @property
    def code(self) -> str:
        """Its code, which stays the same whatever it says: `EP001` and so on."""
    @property
    def severity(self) -> Severity:
        """How bad it is."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Finding: ...
    def __deepcopy__(self, memo: object, /) -> Finding: ...

@final
class Check:
    """Looks at certificates for whoever watches them: monitoring, and people before they go on holiday.

    `warning` and `critical` say how long before its end a certificate is told of, as a `timedelta` or text such as
    `30d` and `33%`: thirty days, and seven, unless said otherwise, and less for certificates that are short. `at` is
    the time to judge at, the present one unless said otherwise. `ignore` has the codes of findings that are not told,
    such as `EP011`.

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
        at: datetime | None = None,
        ignore: Iterable[str] = (),
    ) -> Self: ...
    def run(self, paths: Iterable[_Path]) -> list[Checked]:
        """Looks at files and at all that is in directories: in them, in those one level below, and in an `etcd` within
        these. It always comes to an answer, in the order of the files: what cannot be read is a finding.
        """

@final
class Checked:
    """A certificate that was looked at; or a file or a directory, of which something else is to be said."""
    @property
    def path(self) -> Path:
        """The file, or the directory."""
    @property
    def number(self) -> int:
        """Which certificate of the file it is, counted from 1."""
    @property
    def certificate(self) -> Certificate | None:
        """The certificate, if it could be read."""
    @property
    def key(self) -> Path | None:
        """The file of its key, if there is one."""
    @property
    def key_match(self) -> KeyMatch:
        """Whether that key is the certificate's."""
    @property
    def seconds_left(self) -> int | None:
        """Seconds until its end, negative if that has passed."""
    @property
    def findings(self) -> list[Finding]:
        """What is wrong with it."""
    @property
    def severity(self) -> Severity:
        """How bad the worst of it is."""

@final
class Adoption:
    """A directory that somebody else made, and the specification that describes it."""
    @staticmethod
    def read(directory: _Path, *, layout: _Layout | None = None) -> Adoption:
        """Reads a directory, of whichever layout it is unless that is said. Nothing is written."""
    @property
    def cluster(self) -> Cluster:
        """The specification."""
    @property
    def remarks(self) -> list[Remark]:
        """What the specification does not say, or what is amiss, file by file."""

@final
class Remark:
    """Something to know about a file of a directory that is adopted."""
    @property
    def path(self) -> Path:
        """The file."""
    @property
    def text(self) -> str:
        """What there is to know."""
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
    def etcd(store: Store, host: str) -> Settings:
        """The `ETCD_*` lines of a member: the certificates for clients and for peers, and that both must present one."""
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

def authority_paths(layout: _Layout) -> PairPaths:
    """Where the authority is in a layout, below its directory."""

def peer_authority_paths(layout: _Layout) -> PairPaths:
    """Where the authority of peers is in a layout, if they have one apart."""

def pair_paths(layout: _Layout, role: _Role | str, name: str) -> list[PairPaths]:
    """Where the pairs of a role are in a layout: one, or two where clients and peers are served by different ones, the
    clients' first.
    """

def peer_pair_paths(layout: _Layout, name: str) -> PairPaths:
    """Where a member's pair for peers is in a layout, if they have an authority apart."""

def member_client_paths(layout: _Layout, name: str) -> PairPaths | None:
    """Where the client's pair is in a layout that its own tools expect beside a member."""

def read_file(path: _Path) -> bytes:
    """Reads a whole file, following symbolic links, of 16 MiB at most."""

def has_further_names(path: _Path) -> bool:
    """Whether the file at a path has further names (hard links). They keep the old content when it is replaced."""

def write_files(files: Sequence[tuple[_Path, _Contents, bool]], *, overwrite: bool = False) -> None:
    """Writes files together, given as (path, contents, secret): each is complete and on the disk before the first takes
    its place, none is written through a symbolic link, and a secret one, mode 0600 instead of 0644, is never readable
    by others.
    """

def run(arguments: Sequence[str]) -> int:
    """Runs the command with these arguments, the first of which is its own name, and returns its exit code."""
