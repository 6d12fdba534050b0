# Specifications of clusters.

from collections.abc import Iterable, Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, SupportsIndex, final

from etcd_pki._etcd_pki._types import (
    Before,
    CompatibilityLike,
    EntryLike,
    IdentityLike,
    KeyAlgorithmLike,
    LayoutLike,
    NameLike,
    Passphrase,
    PeersLike,
    Progress,
    RevocationReasonLike,
    StoreLike,
    StrPath,
    Validity,
)
from etcd_pki._etcd_pki.findings import Finding
from etcd_pki._etcd_pki.identity import Identity
from etcd_pki._etcd_pki.plan import Plan, Report
from etcd_pki._etcd_pki.store import PairPaths
from etcd_pki._words import CaKind, Compatibility, KeyAlgorithm, Layout, RevocationReason, Role
from typing_extensions import Self

@final
class ClusterAdmin:
    def __new__(
        cls,
        *,
        organization: str | None = None,
        algorithm: KeyAlgorithmLike | None = None,
        validity: Validity | None = None,
        without_alternative_names: bool = False,
    ) -> Self: ...
    @property
    def organization(self) -> str | None: ...
    @property
    def algorithm(self) -> KeyAlgorithm | None: ...
    @property
    def validity(self) -> str | None: ...
    @property
    def has_alternative_names(self) -> bool: ...

@final
class ClusterCa:
    def __new__(
        cls,
        common_name: str | None = None,
        *,
        peer_common_name: str | None = None,
        organization: str | None = None,
        algorithm: KeyAlgorithmLike | None = None,
        validity: Validity | None = None,
        peers: PeersLike | None = None,
        without_common_name: bool = False,
        without_peer_common_name: bool = False,
        record: bool = True,
    ) -> Self: ...
    @property
    def record(self) -> bool: ...
    @property
    def common_name(self) -> str | None: ...
    @property
    def peer_common_name(self) -> str | None: ...
    @property
    def organization(self) -> str | None: ...
    @property
    def algorithm(self) -> KeyAlgorithm | None: ...
    @property
    def validity(self) -> str | None: ...
    @property
    def has_separate_peers(self) -> bool: ...

@final
class ClusterDefaults:
    def __new__(
        cls,
        *,
        algorithm: KeyAlgorithmLike | None = None,
        validity: Validity | None = None,
        renew_before: Before | None = None,
        compatibility: CompatibilityLike = "strict",
        take_names_as_given: bool = False,
    ) -> Self: ...
    @property
    def algorithm(self) -> KeyAlgorithm | None: ...
    @property
    def validity(self) -> str | None: ...
    @property
    def renew_before(self) -> str: ...
    @property
    def compatibility(self) -> Compatibility: ...
    @property
    def takes_names_as_given(self) -> bool: ...

@final
class ClusterEntry:
    def __new__(
        cls,
        identity: IdentityLike,
        *,
        names: Iterable[NameLike] = (),
        peer_common_name: str | None = None,
        algorithm: KeyAlgorithmLike | None = None,
        validity: Validity | None = None,
        allow_member_common_name: bool = False,
        client_port: SupportsIndex | None = None,
        peer_port: SupportsIndex | None = None,
    ) -> Self: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def peer_common_name(self) -> str | None: ...
    @property
    def algorithm(self) -> KeyAlgorithm | None: ...
    @property
    def validity(self) -> str | None: ...
    @property
    def may_have_member_common_name(self) -> bool: ...
    @property
    def client_port(self) -> int | None: ...
    @property
    def peer_port(self) -> int | None: ...

@final
class ClusterFiles:
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
    def owner(self) -> str | None: ...
    @property
    def group(self) -> str | None: ...
    @property
    def key_mode(self) -> int | None: ...
    @property
    def certificate_mode(self) -> int | None: ...
    @property
    def directory_mode(self) -> int | None: ...
    @property
    def ca_owner(self) -> str | None: ...
    @property
    def ca_group(self) -> str | None: ...
    @property
    def ca_key_mode(self) -> int | None: ...

@final
class ClusterRevoked:
    def __new__(
        cls,
        *,
        client: str | None = None,
        host: str | None = None,
        serial: int | str | None = None,
        reason: RevocationReasonLike | None = None,
    ) -> Self: ...
    @property
    def client(self) -> str | None: ...
    @property
    def host(self) -> str | None: ...
    @property
    def serial(self) -> int | None: ...
    @property
    def reason(self) -> RevocationReason | None: ...

@final
class Cluster:
    def __new__(
        cls,
        *,
        members: Iterable[EntryLike] = (),
        nodes: Iterable[EntryLike] = (),
        clients: Iterable[EntryLike] = (),
        shared_names: Iterable[NameLike] = (),
        layout: LayoutLike = "kubespray",
        directory: StrPath | None = None,
        ca: ClusterCa | None = None,
        defaults: ClusterDefaults | None = None,
        admin: ClusterAdmin | bool = True,
        files: ClusterFiles | None = None,
        client_port: SupportsIndex | None = None,
        peer_port: SupportsIndex | None = None,
        revoked: Iterable[ClusterRevoked] = (),
    ) -> Self: ...
    @staticmethod
    def from_yaml(text: str) -> Cluster: ...
    @staticmethod
    def from_file(path: StrPath) -> Cluster: ...
    @staticmethod
    def from_mapping(mapping: dict[str, Any]) -> Cluster: ...
    def to_yaml(self) -> str: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def directory(self) -> Path | None: ...
    @property
    def ca(self) -> ClusterCa: ...
    @property
    def defaults(self) -> ClusterDefaults: ...
    @property
    def shared_names(self) -> list[NameLike]: ...
    @property
    def members(self) -> list[ClusterEntry]: ...
    @property
    def nodes(self) -> list[ClusterEntry]: ...
    @property
    def clients(self) -> list[ClusterEntry]: ...
    @property
    def admin(self) -> ClusterAdmin | None: ...
    @property
    def files(self) -> ClusterFiles: ...
    @property
    def client_port(self) -> int | None: ...
    @property
    def peer_port(self) -> int | None: ...
    @property
    def endpoints(self) -> list[MemberEndpoints]: ...
    def revoked(self) -> list[ClusterRevoked]: ...
    @property
    def hosts(self) -> list[str]: ...
    def desired(self, *, host: str | None = None) -> Desired: ...
    def plan(
        self,
        store: StoreLike | None = None,
        *,
        host: str | None = None,
        exchange: StrPath | None = None,
        trust: Sequence[str] | None = None,
        only: str | None = None,
        rekey: bool = False,
        prune: bool | Iterable[str] | None = None,
        part_only: bool = False,
        backup: bool = False,
        replace_links: bool = False,
        revoke: bool = False,
        now: datetime | None = None,
    ) -> Plan: ...
    def apply(
        self,
        store: StoreLike | None = None,
        *,
        host: str | None = None,
        exchange: StrPath | None = None,
        trust: Sequence[str] | None = None,
        only: str | None = None,
        rekey: bool = False,
        prune: bool | Iterable[str] | None = None,
        part_only: bool = False,
        backup: bool = False,
        replace_links: bool = False,
        revoke: bool = False,
        now: datetime | None = None,
        passphrase: Passphrase | None = None,
        progress: Progress | None = None,
    ) -> Report: ...
    def export(self, out: StrPath, *, host: str, store: StoreLike | None = None, overwrite: bool = False) -> Exported: ...
    def export_changes(self, out: StrPath, *, host: str, store: StoreLike | None = None) -> ExportChanges: ...

@final
class MemberEndpoints:
    @property
    def name(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def peer(self) -> str: ...

@final
class Exported:
    @property
    def files(self) -> list[Path]: ...
    @property
    def unset_owners(self) -> list[str]: ...
    @property
    def other_files(self) -> list[Path]: ...

@final
class ExportChanges:
    @property
    def files(self) -> list[ExportFile]: ...
    @property
    def other_files(self) -> list[Path]: ...
    @property
    def needs_overwrite(self) -> bool: ...
    @property
    def is_changed(self) -> bool: ...

@final
class ExportFile:
    @property
    def path(self) -> Path: ...
    @property
    def source(self) -> Path: ...
    @property
    def is_secret(self) -> bool: ...
    @property
    def state(self) -> str: ...

@final
class Desired:
    @property
    def cas(self) -> list[DesiredCa]: ...
    @property
    def pairs(self) -> list[DesiredPair]: ...

@final
class DesiredCa:
    @property
    def kind(self) -> CaKind: ...
    @property
    def paths(self) -> PairPaths: ...
    @property
    def common_name(self) -> str | None: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def algorithm(self) -> KeyAlgorithm: ...
    @property
    def renew_before(self) -> str: ...

@final
class DesiredPair:
    @property
    def paths(self) -> PairPaths: ...
    @property
    def role(self) -> Role: ...
    @property
    def common_name(self) -> str | None: ...
    @property
    def alternative_names(self) -> list[NameLike]: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def ca(self) -> CaKind: ...
    @property
    def algorithm(self) -> KeyAlgorithm: ...
    @property
    def renew_before(self) -> str: ...
    @property
    def peer_port(self) -> Finding | None: ...
    def renewed_later(self, *, now: datetime | None = None) -> Finding | None: ...
    @property
    def host(self) -> str | None: ...

@final
class KubesprayScript:
    def __new__(
        cls,
        openssl_conf: str,
        *,
        masters: Iterable[str] = (),
        hosts: Iterable[str] = (),
        algorithm: KeyAlgorithmLike | None = None,
        validity: Validity | None = None,
        record: bool = True,
    ) -> Self: ...
    @property
    def names(self) -> list[NameLike]: ...
    @property
    def misplaced_addresses(self) -> list[IPv4Address | IPv6Address]: ...
    @property
    def is_empty(self) -> bool: ...
    def cluster(self) -> Cluster: ...
