# Findings.

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import final

from etcd_pki._etcd_pki._types import Before, Certificates, NameLike, RoleLike, StrPath
from etcd_pki._etcd_pki.certificates import Certificate
from etcd_pki._etcd_pki.revocation import RevocationList
from etcd_pki._words import FindingCode, KeyMatch, Severity
from typing_extensions import Self

@final
class Finding:
    @property
    def code(self) -> FindingCode: ...
    @property
    def kind(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def message(self) -> str: ...
    @property
    def fix(self) -> str: ...
    @property
    def path(self) -> Path | None: ...
    @property
    def target(self) -> Path | None: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def current(self) -> list[str]: ...
    @property
    def desired(self) -> list[str]: ...
    @property
    def not_before(self) -> datetime | None: ...
    @property
    def not_after(self) -> datetime | None: ...
    @property
    def days(self) -> int | None: ...
    @property
    def reason(self) -> str | None: ...

@final
class Check:
    def __new__(
        cls,
        *,
        warning: Before | None = None,
        critical: Before | None = None,
        ca_warning: Before | None = None,
        ca_critical: Before | None = None,
        at: datetime | None = None,
        ignore: Iterable[str] = (),
    ) -> Self: ...
    def run(self, paths: Iterable[StrPath]) -> list[Checked]: ...

@final
class Checked:
    @property
    def path(self) -> Path: ...
    @property
    def number(self) -> int: ...
    @property
    def certificate(self) -> Certificate | None: ...
    @property
    def key(self) -> Path | None: ...
    @property
    def key_match(self) -> KeyMatch: ...
    @property
    def signed_here(self) -> bool | None: ...
    @property
    def seconds_left(self) -> int | None: ...
    @property
    def days_left(self) -> int | None: ...
    @property
    def findings(self) -> list[Finding]: ...
    @property
    def is_as_a_member(self) -> bool: ...
    @property
    def severity(self) -> Severity: ...

@final
class Verdict:
    @property
    def is_accepted(self) -> bool: ...
    @property
    def reasons(self) -> list[Finding]: ...
    @property
    def chain(self) -> list[Certificate]: ...
    def raise_for_reasons(self) -> None: ...
    def __bool__(self) -> bool: ...

@final
class Verifier:
    def __new__(
        cls,
        roots: Certificates,
        *,
        intermediates: Certificates = (),
        at: datetime | None = None,
        role: RoleLike | None = None,
        host: NameLike | None = None,
        strict: bool = False,
        revoked: RevocationList | None = None,
    ) -> Self: ...
    @staticmethod
    def next_to(
        path: StrPath,
        *,
        intermediates: Certificates = (),
        at: datetime | None = None,
        role: RoleLike | None = None,
        host: NameLike | None = None,
        strict: bool = False,
        revoked: RevocationList | None = None,
    ) -> Verifier: ...
    def verify(self, certificate: Certificate) -> Verdict: ...
