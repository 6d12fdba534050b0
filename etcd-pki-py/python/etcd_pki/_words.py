"""Enumerations. A member is also its text."""

from __future__ import annotations

from enum import Enum

from etcd_pki import _etcd_pki

# The same name as in typing, without its import
TYPE_CHECKING = False
if TYPE_CHECKING:
    from etcd_pki._etcd_pki import PairPaths


class _Word(str, Enum):
    """A member is equal to its text: ``Role.MEMBER == "member"``."""

    def __str__(self) -> str:
        return str(self.value)


class Role(_Word):
    """The purpose of a certificate. A member is a server and a client, others are only clients."""

    MEMBER = "member"
    NODE = "node"
    CLIENT = "client"


class KeyAlgorithm(_Word):
    """Kinds of keys that can sign. All of them can be generated, except ``RSA``, which means RSA of
    another size, and ``EC_P521``.
    """

    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    ED25519 = "ed25519"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    RSA = "rsa"
    EC_P521 = "ec-p521"


class KeyFormat(_Word):
    """Formats of private keys in PEM: PKCS#8 for every key, PKCS#1 for RSA, SEC1 for elliptic
    curves.
    """

    PKCS8 = "pkcs8"
    PKCS1 = "pkcs1"
    SEC1 = "sec1"


class Compatibility(_Word):
    """The tool that certificates are compatible with: none, so that each role has only the usages
    that it needs, or Kubespray's script.

    In YAML and on the command line it is called `profile`.
    """

    STRICT = "strict"
    KUBESPRAY = "kubespray"


class CaKind(_Word):
    """The CA of clients, which is also that of peers unless they have a separate one; or the
    separate peer CA.
    """

    CLIENT = "client"
    PEER = "peer"


class Layout(_Word):
    """The names of the files, for the tools that use them."""

    KUBESPRAY = "kubespray"
    KUBEADM = "kubeadm"
    CFSSL = "cfssl"
    K3S = "k3s"
    ETCDADM = "etcdadm"

    def ca(self, kind: CaKind | str = CaKind.CLIENT) -> PairPaths:
        """The paths of a CA, below the directory."""
        return _etcd_pki.ca_paths(self, kind)

    def pairs(self, role: Role | str, name: str) -> list[PairPaths]:
        """The paths of the pairs of a role: one pair, or two if a member has one for clients and
        one for peers.
        """
        return _etcd_pki.pair_paths(self, role, name)

    def peer_pair(self, name: str) -> PairPaths:
        """The paths of a member's pair for peers, if peers have a separate CA."""
        return _etcd_pki.peer_pair_paths(self, name)

    def member_client(self, name: str) -> PairPaths | None:
        """The paths of the client's pair that the layout's own tools expect next to a member."""
        return _etcd_pki.member_client_paths(self, name)


class Peers(_Word):
    """Whether peers have the CA of clients, or a separate one."""

    SHARED = "shared"
    SEPARATE = "separate"


class Action(_Word):
    """The action of a step. ``RENEW`` keeps the key, ``REISSUE`` makes a new one; ``KEEP``,
    ``WAIT`` and ``BLOCKED`` change nothing.
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
    REVOKE = "revoke"
    REMOVE = "remove"
    BLOCKED = "blocked"


class Outcome(_Word):
    """The outcome of a step. It is ``SKIPPED`` if an error stopped the run, and ``BLOCKED`` if the
    step was blocked in the plan.
    """

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"


class RevocationReason(_Word):
    """The reason for which a certificate is revoked (RFC 5280, section 5.3.1). etcd ignores it."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    CERTIFICATE_HOLD = "certificateHold"
    REMOVE_FROM_CRL = "removeFromCRL"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"
    AA_COMPROMISE = "aACompromise"


class Severity(_Word):
    """How serious a finding is. Severities are ordered, and the worst is last:
    ``max(checked.severity for checked in results)``.
    """

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"

    # The operators of str would compare the text
    def __lt__(self, other: str) -> bool:
        return self._rank() < self._rank_of(other) if isinstance(other, str) else NotImplemented

    def __le__(self, other: str) -> bool:
        return self._rank() <= self._rank_of(other) if isinstance(other, str) else NotImplemented

    def __gt__(self, other: str) -> bool:
        return self._rank() > self._rank_of(other) if isinstance(other, str) else NotImplemented

    def __ge__(self, other: str) -> bool:
        return self._rank() >= self._rank_of(other) if isinstance(other, str) else NotImplemented

    def _rank(self) -> int:
        return list(Severity).index(self)

    @staticmethod
    def _rank_of(other: str) -> int:
        return Severity(other)._rank()


class FindingCode(_Word):
    """The code of a finding, which never changes: ``FindingCode.EXPIRED == "EP001"``. The reference
    describes each code.
    """

    EXPIRED = "EP001"
    EXPIRES_CRITICAL = "EP002"
    EXPIRES = "EP003"
    NOT_YET_VALID = "EP004"
    KEY_MISMATCH = "EP005"
    KEY_READABLE = "EP006"
    OTHER_CA = "EP007"
    NO_KEY_USAGE = "EP008"
    OUTLIVES_CA = "EP009"
    MEMBER_WITHOUT_CLIENT_AUTH = "EP010"
    CLIENT_WITHOUT_NAMES = "EP011"
    UNREADABLE = "EP012"
    NO_CERTIFICATE = "EP013"
    CA_KEY = "EP014"
    WRITABLE = "EP015"
    MISSING_CERTIFICATE = "EP016"
    MISSING_KEY = "EP017"
    BLOCKED = "EP018"
    SYMBOLIC_LINK = "EP019"
    MODE = "EP020"
    OWNER = "EP021"
    ALGORITHM = "EP022"
    COMMON_NAME = "EP023"
    ORGANIZATION = "EP024"
    MISSING_NAME = "EP025"
    EXTRA_NAME = "EP026"
    USAGES = "EP027"
    SHARED_KEY = "EP028"
    EARLIER_CA_CERTIFICATE = "EP029"
    NOT_SUPPORTED = "EP030"
    SIGNATURE = "EP031"
    NOT_CA = "EP032"
    PATH_TOO_LONG = "EP033"
    NAME_CONSTRAINT = "EP034"
    UNKNOWN_EXTENSION = "EP035"
    MALFORMED = "EP036"
    USAGE = "EP037"
    WRONG_HOST = "EP038"
    STRICT = "EP039"
    TOO_MANY_CONSTRAINTS = "EP040"
    NOT_READ_BY_ETCD = "EP041"
    SKIPPED_BLOCKS = "EP042"
    ISSUED_BY_ANOTHER_CA = "EP043"
    CLIENT_WITH_NAMES = "EP044"
    DUE_TOO_EARLY = "EP045"
    UNTRUSTED_CA = "EP046"
    EMPTY_FILE = "EP047"
    MISPLACED = "EP048"
    MEMBER_WITHOUT_NAMES = "EP049"
    ADDRESS_AS_DNS_NAME = "EP050"
    KEY_OWNER = "EP051"
    CA_KEY_OWNER = "EP052"
    SIGNED_BY_OTHER_CA = "EP053"
    CA_OWNER = "EP054"
    REVOKED = "EP055"
    OUTDATED_LIST = "EP056"
    UNUSABLE_LIST = "EP057"
    DAMAGED_RECORD = "EP058"
    ROTATED_CA = "EP059"
    LINK_CERTIFICATE = "EP060"
    ROTATION = "EP061"


class Stage(_Word):
    """The stage of a CA's rotation: one CA; both are trusted and the old one signs; both are trusted
    and the new one signs.
    """

    STEADY = "steady"
    TRUSTED = "trusted"
    SWITCHED = "switched"


class Strategy(_Word):
    """How hosts that trust only the old CA accept the leaves of the new one: each leaf is followed by
    a link certificate; or they do not, and are restarted first.
    """

    LINK = "link"
    BUNDLE = "bundle"


class KeyMatch(_Word):
    """Whether the key next to a certificate matches it."""

    ABSENT = "absent"
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
