"""Keys, certificate requests, a CA and certificates for etcd, without OpenSSL.

>>> from etcd_pki import CertificateAuthority, Role
>>> ca = CertificateAuthority.create("etcd-ca")
>>> member = ca.issue(Role.MEMBER, "etcd-1", names=["etcd-1.lan", "10.0.0.11"])
>>> written = member.write("ssl", layout="kubespray")
>>> written[0].certificate.name
'member-etcd-1.pem'

What is here, by topic; ``help(etcd_pki.Cluster)`` and so on show each with an example:

- Keys and requests: PrivateKey, PublicKey, Signer, CertificateRequest, Claim
- Certificates: CertificateAuthority, Bundle, Issued, Certificate; Identity and Profile, Role,
  KeyAlgorithm, KeyFormat, Compatibility
- Files: Store, LockedStore, Layout, PairPaths, CaKind; read_file, write_files, has_further_names,
  READ_LIMIT; staged_key_path, install_certificate, Installed
- Clusters: Cluster, ClusterEntry, ClusterCa, ClusterDefaults, ClusterAdmin, ClusterFiles,
  Peers; Desired, DesiredCa, DesiredPair; MemberEndpoints; Exported, ExportChanges, ExportFile;
  KubesprayScript
- Changes: Plan, Step, Action, Refusal; Report, StepReport, Outcome, ShortenedValidity,
  DeniedClaims; Renewal
- Findings: Check, Checked, KeyMatch, Verifier, Verdict, Finding, FindingCode, Severity
- Existing directories: inspect_directory, inspect_ca, Directory, TrustBundle, CurrentPair; Adoption, Remark
- Settings of etcd and its clients: Settings
- Exceptions: Error, and eleven families of it; each kind is in ``etcd_pki.errors``
"""

from __future__ import annotations

from etcd_pki import errors
from etcd_pki._etcd_pki import (
    READ_LIMIT,
    Adoption,
    Bundle,
    Certificate,
    CertificateAuthority,
    CertificateRequest,
    Check,
    Checked,
    Claim,
    Cluster,
    ClusterAdmin,
    ClusterCa,
    ClusterDefaults,
    ClusterEntry,
    ClusterFiles,
    CurrentPair,
    DeniedClaims,
    Desired,
    DesiredCa,
    DesiredPair,
    Directory,
    ExportChanges,
    Exported,
    ExportFile,
    Finding,
    Identity,
    Installed,
    Issued,
    KubesprayScript,
    LockedStore,
    MemberEndpoints,
    PairPaths,
    Plan,
    PrivateKey,
    Profile,
    PublicKey,
    Refusal,
    Remark,
    Renewal,
    Report,
    Settings,
    ShortenedValidity,
    Step,
    StepReport,
    Store,
    TrustBundle,
    Verdict,
    Verifier,
    __version__,
    has_further_names,
    inspect_ca,
    inspect_directory,
    install_certificate,
    read_file,
    staged_key_path,
    write_files,
)
from etcd_pki._signer import Signer
from etcd_pki._words import (
    Action,
    CaKind,
    Compatibility,
    FindingCode,
    KeyAlgorithm,
    KeyFormat,
    KeyMatch,
    Layout,
    Outcome,
    Peers,
    Role,
    Severity,
)
from etcd_pki.errors import (
    AlreadyExistsError,
    BlockedError,
    CaError,
    ConflictError,
    Error,
    FileAccessError,
    FormatError,
    InvalidValueError,
    PassphraseError,
    SignerError,
    SpecificationError,
    VerificationError,
)

__all__ = [
    "READ_LIMIT",
    "Action",
    "Adoption",
    "AlreadyExistsError",
    "BlockedError",
    "Bundle",
    "CaError",
    "CaKind",
    "Certificate",
    "CertificateAuthority",
    "CertificateRequest",
    "Check",
    "Checked",
    "Claim",
    "Cluster",
    "ClusterAdmin",
    "ClusterCa",
    "ClusterDefaults",
    "ClusterEntry",
    "ClusterFiles",
    "Compatibility",
    "ConflictError",
    "CurrentPair",
    "DeniedClaims",
    "Desired",
    "DesiredCa",
    "DesiredPair",
    "Directory",
    "Error",
    "ExportChanges",
    "ExportFile",
    "Exported",
    "FileAccessError",
    "Finding",
    "FindingCode",
    "FormatError",
    "Identity",
    "Installed",
    "InvalidValueError",
    "Issued",
    "KeyAlgorithm",
    "KeyFormat",
    "KeyMatch",
    "KubesprayScript",
    "Layout",
    "LockedStore",
    "MemberEndpoints",
    "Outcome",
    "PairPaths",
    "PassphraseError",
    "Peers",
    "Plan",
    "PrivateKey",
    "Profile",
    "PublicKey",
    "Refusal",
    "Remark",
    "Renewal",
    "Report",
    "Role",
    "Settings",
    "Severity",
    "ShortenedValidity",
    "Signer",
    "SignerError",
    "SpecificationError",
    "Step",
    "StepReport",
    "Store",
    "TrustBundle",
    "Verdict",
    "VerificationError",
    "Verifier",
    "__version__",
    "errors",
    "has_further_names",
    "inspect_ca",
    "inspect_directory",
    "install_certificate",
    "read_file",
    "staged_key_path",
    "write_files",
]


def __dir__() -> list[str]:
    """The public names."""
    return __all__
