"""Closed lists of words, each an enumeration whose members are also their text."""

from __future__ import annotations

from enum import Enum

from etcd_pki import _etcd_pki

# As typing has it, without its import
TYPE_CHECKING = False
if TYPE_CHECKING:
    from etcd_pki._etcd_pki import PairPaths


class _Word(str, Enum):
    """A word, which is equal to its text: ``Role.MEMBER == "member"``."""

    def __str__(self) -> str:
        return str(self.value)


class Role(_Word):
    """What a certificate is for: a member serves and dials, a node or client only dials."""

    MEMBER = "member"
    NODE = "node"
    CLIENT = "client"


class KeyAlgorithm(_Word):
    """Kinds of keys that are made and that sign. Keys of ``RSA``, of another size, and ``EC_P521`` sign and are never made."""

    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    ED25519 = "ed25519"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    RSA = "rsa"
    EC_P521 = "ec-p521"


class KeyFormat(_Word):
    """Formats of private keys in PEM: PKCS#8 for every key, PKCS#1 for RSA, SEC1 for elliptic curves."""

    PKCS8 = "pkcs8"
    PKCS1 = "pkcs1"
    SEC1 = "sec1"


class Compatibility(_Word):
    """Whose habits certificates follow: each role may do what it needs and no more, or what Kubespray's script lets it.

    In YAML and on the command line it is called `profile`.
    """

    STRICT = "strict"
    KUBESPRAY = "kubespray"


class Layout(_Word):
    """How the files are called, for the tools that look for them."""

    KUBESPRAY = "kubespray"
    KUBEADM = "kubeadm"
    CFSSL = "cfssl"
    K3S = "k3s"
    ETCDADM = "etcdadm"

    def authority(self) -> PairPaths:
        """Where the authority is, below the directory."""
        return _etcd_pki.authority_paths(self)

    def peer_authority(self) -> PairPaths:
        """Where the authority of peers is, if they have one apart."""
        return _etcd_pki.peer_authority_paths(self)

    def pairs(self, role: Role | str, name: str) -> list[PairPaths]:
        """Where the pairs of a role are: one, or two where clients and peers are served by different ones, the clients' first."""
        return _etcd_pki.pair_paths(self, role, name)

    def peer_pair(self, name: str) -> PairPaths:
        """Where a member's pair for peers is, if they have an authority apart."""
        return _etcd_pki.peer_pair_paths(self, name)

    def member_client(self, name: str) -> PairPaths | None:
        """Where the client's pair is that the layout's own tools expect beside a member."""
        return _etcd_pki.member_client_paths(self, name)


class Peers(_Word):
    """Whose authority the peers have: the one of clients, or one of their own."""

    SHARED = "shared"
    SEPARATE = "separate"


class Issuer(_Word):
    """One of the authorities of a cluster."""

    CLUSTER = "cluster"
    PEERS = "peers"


class Action(_Word):
    """What is done with the two files of a pair."""

    KEEP = "keep"
    MODE = "mode"
    RENEW = "renew"
    REISSUE = "re-issue"
    CREATE = "create"


class HostAction(_Word):
    """What is done with a pair whose key stays on its host."""

    KEEP = "keep"
    MODE = "mode"
    INSTALL = "install"
    REQUEST = "request"
    WAIT = "wait"


class Severity(_Word):
    """How bad a finding is."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"


class KeyMatch(_Word):
    """Whether the key beside a certificate is the certificate's."""

    ABSENT = "absent"
    YES = "yes"
    NO = "no"
    UNJUDGED = "unjudged"
