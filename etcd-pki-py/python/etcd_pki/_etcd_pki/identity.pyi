# The identity and the profile of a certificate.

from collections.abc import Iterable
from typing import final

from etcd_pki._etcd_pki._types import CompatibilityLike, KeyAlgorithmLike, NameLike, RoleLike, Validity
from etcd_pki._words import KeyAlgorithm, Role
from typing_extensions import Self

@final
class Identity:
    def __new__(
        cls,
        name: str | None = None,
        *,
        names: Iterable[NameLike] = (),
        common_name: str | None = None,
        organization: str | None = None,
        without_common_name: bool = False,
        without_alternative_names: bool = False,
    ) -> Self: ...
    @property
    def name(self) -> str | None: ...
    @property
    def organization(self) -> str | None: ...
    @property
    def alternative_names(self) -> list[NameLike] | None: ...

@final
class Profile:
    def __new__(
        cls,
        role: RoleLike,
        *,
        compatibility: CompatibilityLike = "strict",
        algorithm: KeyAlgorithmLike | None = None,
        validity: Validity | None = None,
        allow_member_common_name: bool = False,
    ) -> Self: ...
    @property
    def role(self) -> Role: ...
    @property
    def algorithm(self) -> KeyAlgorithm: ...
