# The rotation of a CA.

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import final

from etcd_pki._etcd_pki._types import CaKindLike, Passphrase, StrategyLike
from etcd_pki._etcd_pki.certificates import Bundle, Certificate
from etcd_pki._etcd_pki.cluster import Cluster
from etcd_pki._etcd_pki.store import Store
from etcd_pki._words import CaKind, Stage, Strategy
from typing_extensions import Self

@final
class Rotation:
    @staticmethod
    def read(store: Store, kind: CaKindLike = "client") -> Rotation: ...
    @property
    def stage(self) -> Stage: ...
    @property
    def strategy(self) -> Strategy: ...
    @property
    def kind(self) -> CaKind: ...
    @property
    def directory(self) -> Path: ...
    @property
    def signing_ca(self) -> Certificate: ...
    @property
    def old_ca(self) -> Certificate | None: ...
    @property
    def new_ca(self) -> Certificate | None: ...
    @property
    def link(self) -> Certificate | None: ...
    @property
    def keeps_previous(self) -> bool: ...
    @property
    def is_unfinished(self) -> bool: ...
    @property
    def members(self) -> list[str]: ...
    @property
    def leaves_of_other_ca(self) -> list[Path]: ...
    def issued_in_use(self, *, now: datetime | None = None) -> list[tuple[str, str]]: ...
    def trial(self, *, passphrase: Passphrase | None = None, now: datetime | None = None) -> Bundle: ...
    def gate(
        self,
        *,
        cluster: Cluster | None = None,
        confirmed: Iterable[str] | None = None,
        clients_confirmed: bool = False,
        unused: Iterable[str] | None = None,
        strategy: StrategyLike | None = None,
        passphrase: Passphrase | None = None,
        now: datetime | None = None,
    ) -> Gate: ...
    def next(
        self,
        *,
        cluster: Cluster | None = None,
        confirmed: Iterable[str] | None = None,
        clients_confirmed: bool = False,
        unused: Iterable[str] | None = None,
        strategy: StrategyLike | None = None,
        passphrase: Passphrase | None = None,
        now: datetime | None = None,
    ) -> Self: ...
    def prepare(
        self, *, cluster: Cluster | None = None, passphrase: Passphrase | None = None, now: datetime | None = None
    ) -> Self: ...
    def back(
        self, *, cluster: Cluster | None = None, passphrase: Passphrase | None = None, now: datetime | None = None
    ) -> Self: ...
    def emergency(
        self, *, cluster: Cluster | None = None, passphrase: Passphrase | None = None, now: datetime | None = None
    ) -> Self: ...
    def forget(self) -> Self: ...

@final
class Gate:
    @property
    def is_open(self) -> bool: ...
    @property
    def next(self) -> Stage: ...
    @property
    def strategy(self) -> Strategy: ...
    @property
    def obstacles(self) -> list[str]: ...
    @property
    def members(self) -> list[MemberState]: ...

@final
class MemberState:
    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def is_ready(self) -> bool: ...
