# Existing directories.

from pathlib import Path
from typing import final

from etcd_pki._etcd_pki._types import LayoutLike, StrPath
from etcd_pki._etcd_pki.certificates import Certificate
from etcd_pki._etcd_pki.cluster import Cluster
from etcd_pki._etcd_pki.findings import Checked, Finding
from etcd_pki._etcd_pki.keys import PublicKey
from etcd_pki._etcd_pki.store import PairPaths
from etcd_pki._words import CaKind, Layout

@final
class Directory:
    @property
    def path(self) -> Path: ...
    @property
    def layout(self) -> Layout | None: ...
    @property
    def bundles(self) -> list[TrustBundle]: ...
    @property
    def pairs(self) -> list[CurrentPair]: ...
    @property
    def other_files(self) -> list[Path]: ...
    @property
    def results(self) -> list[Checked]: ...
    @property
    def findings(self) -> list[Finding]: ...

@final
class TrustBundle:
    @property
    def kind(self) -> CaKind: ...
    @property
    def paths(self) -> PairPaths: ...
    @property
    def certificates(self) -> list[Certificate]: ...
    @property
    def signing_ca(self) -> Certificate | None: ...

@final
class CurrentPair:
    @property
    def paths(self) -> PairPaths: ...
    @property
    def certificate(self) -> Certificate | None: ...
    @property
    def key(self) -> PublicKey | None: ...

def inspect_directory(path: StrPath) -> Directory: ...

@final
class Adoption:
    @staticmethod
    def read(directory: StrPath, *, layout: LayoutLike | None = None) -> Adoption: ...
    @property
    def cluster(self) -> Cluster: ...
    @property
    def remarks(self) -> list[Remark]: ...

@final
class Remark:
    @property
    def path(self) -> Path: ...
    @property
    def text(self) -> str: ...
