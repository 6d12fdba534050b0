# Settings of programs.

from typing import final

from etcd_pki._etcd_pki._types import RoleLike, StrPath
from etcd_pki._etcd_pki.cluster import Cluster
from etcd_pki._etcd_pki.store import Store

@final
class Settings:
    @staticmethod
    def etcd(store: Store, host: str, *, at: StrPath | None = None, cluster: Cluster | None = None) -> Settings: ...
    @staticmethod
    def etcdctl(store: Store, role: RoleLike, name: str, *, at: StrPath | None = None) -> Settings: ...
    @staticmethod
    def etcdctl_admin(store: Store, host: str, *, at: StrPath | None = None) -> Settings: ...
    @staticmethod
    def apiserver(store: Store, host: str, *, at: StrPath | None = None) -> Settings: ...
    @property
    def entries(self) -> list[tuple[str, str]]: ...
    @property
    def optional(self) -> list[tuple[str, str]]: ...
