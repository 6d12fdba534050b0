"""Keys, certificate requests, a certificate authority and certificates for etcd, without OpenSSL.

>>> from etcd_pki import CertificateAuthority, Role
>>> ca = CertificateAuthority.create("etcd-ca")
>>> member = ca.issue(Role.MEMBER, "etcd-1", names=["etcd-1.lan", "10.0.0.11"])
>>> written = member.write("ssl", layout="kubespray")
>>> written[0].certificate.name
'member-etcd-1.pem'
"""

from __future__ import annotations

from etcd_pki._etcd_pki import (
    READ_LIMIT,
    Adoption,
    Bundle,
    Cause,
    Certificate,
    CertificateAuthority,
    CertificateRequest,
    Check,
    Checked,
    Claim,
    Cluster,
    ClusterAdmin,
    ClusterAuthority,
    ClusterDefaults,
    ClusterEntry,
    ClusterFiles,
    Exported,
    Finding,
    HostPlan,
    HostReport,
    HostStep,
    Identity,
    Issued,
    KubesprayScript,
    LockedStore,
    NotGranted,
    PairPaths,
    Plan,
    PrivateKey,
    Profile,
    PublicKey,
    Reason,
    Refusal,
    Remark,
    Report,
    Settings,
    SigningPlan,
    SigningReport,
    SigningStep,
    Step,
    Store,
    ValidityCut,
    Verdict,
    Verifier,
    Wanted,
    __version__,
    has_further_names,
    read_file,
    write_files,
)
from etcd_pki.errors import (
    AnotherAuthorityError,
    AuthorityExistsError,
    AuthorityExpiredError,
    AuthorityKeyError,
    AuthorityNotYetValidError,
    ChangedError,
    CommonNameLengthError,
    DirectoryGoneError,
    EncryptedKeyError,
    Error,
    ExistsError,
    InvalidAlternativeNameError,
    InvalidDurationError,
    InvalidNameError,
    IoError,
    IoNotFoundError,
    IoPermissionError,
    IrregularError,
    KeyMismatchError,
    LockedError,
    MalformedError,
    MemberCommonNameError,
    MissingError,
    NoAlternativeNameError,
    NoSubjectError,
    NotAdoptableError,
    NotAnAuthorityError,
    SeveralError,
    SignatureError,
    SignerError,
    SpecificationError,
    StateError,
    SymbolicLinkError,
    TooLargeError,
    UnknownError,
    UnsupportedError,
    ValidityError,
    VerificationError,
    WrongPassphraseError,
)

# As typing has it. That, and the enumerations, are imported when they are asked for: they take longer than all else here
TYPE_CHECKING = False
if TYPE_CHECKING:
    from etcd_pki._signer import Signer
    from etcd_pki._words import (
        Action,
        CaKind,
        Compatibility,
        HostAction,
        KeyAlgorithm,
        KeyFormat,
        KeyMatch,
        Layout,
        Peers,
        Role,
        Severity,
    )


def __getattr__(name: str) -> object:
    """Imports what not every program asks for."""
    if name not in __all__:
        raise AttributeError(f"module 'etcd_pki' has no attribute {name!r}")
    value: object
    if name == "Signer":
        from etcd_pki import _signer

        value = _signer.Signer
    else:
        from etcd_pki import _words

        value = getattr(_words, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What there is, imported or not."""
    return __all__


__all__ = [
    "READ_LIMIT",
    "Action",
    "Adoption",
    "AnotherAuthorityError",
    "AuthorityExistsError",
    "AuthorityExpiredError",
    "AuthorityKeyError",
    "AuthorityNotYetValidError",
    "Bundle",
    "CaKind",
    "Cause",
    "Certificate",
    "CertificateAuthority",
    "CertificateRequest",
    "ChangedError",
    "Check",
    "Checked",
    "Claim",
    "Cluster",
    "ClusterAdmin",
    "ClusterAuthority",
    "ClusterDefaults",
    "ClusterEntry",
    "ClusterFiles",
    "CommonNameLengthError",
    "Compatibility",
    "DirectoryGoneError",
    "EncryptedKeyError",
    "Error",
    "ExistsError",
    "Exported",
    "Finding",
    "HostAction",
    "HostPlan",
    "HostReport",
    "HostStep",
    "Identity",
    "InvalidAlternativeNameError",
    "InvalidDurationError",
    "InvalidNameError",
    "IoError",
    "IoNotFoundError",
    "IoPermissionError",
    "IrregularError",
    "Issued",
    "KeyAlgorithm",
    "KeyFormat",
    "KeyMatch",
    "KeyMismatchError",
    "KubesprayScript",
    "Layout",
    "LockedError",
    "LockedStore",
    "MalformedError",
    "MemberCommonNameError",
    "MissingError",
    "NoAlternativeNameError",
    "NoSubjectError",
    "NotAdoptableError",
    "NotAnAuthorityError",
    "NotGranted",
    "PairPaths",
    "Peers",
    "Plan",
    "PrivateKey",
    "Profile",
    "PublicKey",
    "Reason",
    "Refusal",
    "Remark",
    "Report",
    "Role",
    "Settings",
    "SeveralError",
    "Severity",
    "SignatureError",
    "Signer",
    "SignerError",
    "SigningPlan",
    "SigningReport",
    "SigningStep",
    "SpecificationError",
    "StateError",
    "Step",
    "Store",
    "SymbolicLinkError",
    "TooLargeError",
    "UnknownError",
    "UnsupportedError",
    "ValidityCut",
    "ValidityError",
    "Verdict",
    "VerificationError",
    "Verifier",
    "Wanted",
    "WrongPassphraseError",
    "__version__",
    "has_further_names",
    "read_file",
    "write_files",
]
