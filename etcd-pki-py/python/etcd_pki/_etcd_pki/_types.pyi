# The types of arguments. Most arguments have several possible types.

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from os import PathLike
from typing import Literal, Union

from etcd_pki._etcd_pki.certificates import Certificate
from etcd_pki._etcd_pki.cluster import ClusterEntry
from etcd_pki._etcd_pki.identity import Identity, Profile
from etcd_pki._etcd_pki.store import Store
from etcd_pki._words import (
    Action,
    CaKind,
    Compatibility,
    KeyAlgorithm,
    KeyFormat,
    Layout,
    Peers,
    RevocationReason,
    Role,
    Strategy,
)
from typing_extensions import TypeAlias

Contents: TypeAlias = Union[bytes, bytearray, memoryview, str]
StrPath: TypeAlias = Union[str, PathLike[str]]
Passphrase: TypeAlias = Union[bytes, bytearray, memoryview, str]
NameLike: TypeAlias = Union[str, IPv4Address, IPv6Address]
Validity: TypeAlias = Union[timedelta, datetime, str]
Before: TypeAlias = Union[timedelta, str]
IdentityLike: TypeAlias = Union[Identity, str]
EntryLike: TypeAlias = Union[ClusterEntry, Identity, str]
RoleLike: TypeAlias = Union[Role, Literal["member", "node", "client"]]
ProfileLike: TypeAlias = Union[Profile, RoleLike]
Certificates: TypeAlias = Union[Certificate, Iterable[Certificate]]
KeyAlgorithmLike: TypeAlias = Union[KeyAlgorithm, Literal["ec-p256", "ec-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"]]
KeyFormatLike: TypeAlias = Union[KeyFormat, Literal["pkcs8", "pkcs1", "sec1"]]
CompatibilityLike: TypeAlias = Union[Compatibility, Literal["strict", "kubespray"]]
LayoutLike: TypeAlias = Union[Layout, Literal["kubespray", "kubeadm", "cfssl", "k3s", "etcdadm"]]
CaKindLike: TypeAlias = Union[CaKind, Literal["client", "peer"]]
ActionLike: TypeAlias = Union[
    Action,
    Literal[
        "keep",
        "chmod",
        "renew",
        "re-issue",
        "create",
        "request",
        "wait",
        "install",
        "sign",
        "trust",
        "revoke",
        "remove",
        "blocked",
    ],
]
StoreLike: TypeAlias = Union[Store, str, PathLike[str]]
RevocationReasonLike: TypeAlias = Union[
    RevocationReason,
    Literal[
        "unspecified",
        "keyCompromise",
        "cACompromise",
        "affiliationChanged",
        "superseded",
        "cessationOfOperation",
        "privilegeWithdrawn",
        "aACompromise",
    ],
]
StrategyLike: TypeAlias = Union[Strategy, Literal["link", "bundle"]]
PeersLike: TypeAlias = Union[Peers, Literal["shared", "separate"]]
Progress: TypeAlias = Callable[[int, int], object]
