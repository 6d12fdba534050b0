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


class CaKind(_Word):
    """One of the CAs of a cluster: of clients, and of peers unless they have a separate one; and the separate one."""

    CLIENT = "client"
    PEER = "peer"


class Layout(_Word):
    """How the files are called, for the tools that look for them."""

    KUBESPRAY = "kubespray"
    KUBEADM = "kubeadm"
    CFSSL = "cfssl"
    K3S = "k3s"
    ETCDADM = "etcdadm"

    def ca(self, kind: CaKind | str = CaKind.CLIENT) -> PairPaths:
        """Where a CA is, below the directory."""
        return _etcd_pki.ca_paths(self, kind)

    def pairs(self, role: Role | str, name: str) -> list[PairPaths]:
        """Where the pairs of a role are: one, or two where a member has one for clients and one for peers."""
        return _etcd_pki.pair_paths(self, role, name)

    def peer_pair(self, name: str) -> PairPaths:
        """Where a member's pair for peers is, if peers have a separate CA."""
        return _etcd_pki.peer_pair_paths(self, name)

    def member_client(self, name: str) -> PairPaths | None:
        """Where the client's pair is that the layout's own tools expect next to a member."""
        return _etcd_pki.member_client_paths(self, name)


class Peers(_Word):
    """Whose authority the peers have: the one of clients, or one of their own."""

    SHARED = "shared"
    SEPARATE = "separate"


class Action(_Word):
    """What a step of a plan does. ``RENEW`` keeps the key, ``REISSUE`` makes a new one; ``KEEP``, ``WAIT`` and ``BLOCKED`` change
    nothing.
    """

    KEEP = "keep"
    CHMOD = "chmod"
    RENEW = "renew"
    REISSUE = "re-issue"
    CREATE = "create"
    REQUEST = "request"
    WAIT = "wait"
    INSTALL = "install"
    SIGN = "sign"
    TRUST = "trust"
    REMOVE = "remove"
    BLOCKED = "blocked"


class Outcome(_Word):
    """What happened to a step; one is ``SKIPPED`` if an error stopped the run, and ``BLOCKED`` if it was so in the plan."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"


class Severity(_Word):
    """How serious a finding is, the worst last."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"


class KeyMatch(_Word):
    """Whether the key next to a certificate matches it."""

    ABSENT = "absent"
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
