# The native module. Each topic has its own stub; at run time all of them are in this module. The
# docstrings are in the module itself: help(etcd_pki.Cluster) shows them.

from collections.abc import Sequence
from typing import Final

from etcd_pki._etcd_pki.ca import CertificateAuthority
from etcd_pki._etcd_pki.certificates import Bundle, Certificate, Issued
from etcd_pki._etcd_pki.cluster import (
    Cluster,
    ClusterAdmin,
    ClusterCa,
    ClusterDefaults,
    ClusterEntry,
    ClusterFiles,
    ClusterRevoked,
    Desired,
    DesiredCa,
    DesiredPair,
    ExportChanges,
    Exported,
    ExportFile,
    KubesprayScript,
    MemberEndpoints,
)
from etcd_pki._etcd_pki.findings import Check, Checked, Finding, Verdict, Verifier
from etcd_pki._etcd_pki.identity import Identity, Profile
from etcd_pki._etcd_pki.inspect import (
    Adoption,
    CurrentPair,
    Directory,
    Remark,
    TrustBundle,
    inspect_ca,
    inspect_directory,
)
from etcd_pki._etcd_pki.keys import PrivateKey, PublicKey
from etcd_pki._etcd_pki.plan import DeniedClaims, Plan, Refusal, Renewal, Report, ShortenedValidity, Step, StepReport
from etcd_pki._etcd_pki.requests import CertificateRequest, Claim
from etcd_pki._etcd_pki.revocation import ChangedLists, RevocationList, Revoked, RevokedCertificate
from etcd_pki._etcd_pki.settings import Settings
from etcd_pki._etcd_pki.store import (
    READ_LIMIT,
    Installed,
    LockedStore,
    PairPaths,
    Record,
    RecordDamage,
    RecordedCa,
    RecordEntry,
    Store,
    ca_paths,
    has_further_names,
    install_certificate,
    member_client_paths,
    pair_paths,
    peer_pair_paths,
    read_file,
    record_issued,
    record_path,
    staged_key_path,
    write_files,
)
from etcd_pki._etcd_pki.trust import Gate, MemberState, Rotation

__all__ = [
    "READ_LIMIT",
    "Adoption",
    "Bundle",
    "Certificate",
    "CertificateAuthority",
    "CertificateRequest",
    "ChangedLists",
    "Check",
    "Checked",
    "Claim",
    "Cluster",
    "ClusterAdmin",
    "ClusterCa",
    "ClusterDefaults",
    "ClusterEntry",
    "ClusterFiles",
    "ClusterRevoked",
    "CurrentPair",
    "DeniedClaims",
    "Desired",
    "DesiredCa",
    "DesiredPair",
    "Directory",
    "ExportChanges",
    "ExportFile",
    "Exported",
    "Finding",
    "Gate",
    "Identity",
    "Installed",
    "Issued",
    "KubesprayScript",
    "LockedStore",
    "MemberEndpoints",
    "MemberState",
    "PairPaths",
    "Plan",
    "PrivateKey",
    "Profile",
    "PublicKey",
    "Record",
    "RecordDamage",
    "RecordEntry",
    "RecordedCa",
    "Refusal",
    "Remark",
    "Renewal",
    "Report",
    "RevocationList",
    "Revoked",
    "RevokedCertificate",
    "Rotation",
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
    "inspect_ca",
    "inspect_directory",
    "install_certificate",
    "member_client_paths",
    "pair_paths",
    "peer_pair_paths",
    "read_file",
    "record_issued",
    "record_path",
    "run",
    "staged_key_path",
    "write_files",
]

__version__: Final[str]

def run(arguments: Sequence[str]) -> int: ...
