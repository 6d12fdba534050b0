# The CA.

from collections.abc import Iterable
from datetime import datetime
from typing import final

from etcd_pki._etcd_pki._types import (
    Before,
    Certificates,
    CompatibilityLike,
    Contents,
    IdentityLike,
    KeyAlgorithmLike,
    LayoutLike,
    NameLike,
    Passphrase,
    ProfileLike,
    StrPath,
    Validity,
)
from etcd_pki._etcd_pki.certificates import Bundle, Certificate, Issued
from etcd_pki._etcd_pki.findings import Finding
from etcd_pki._etcd_pki.keys import PrivateKey, PublicKey
from etcd_pki._etcd_pki.requests import CertificateRequest
from etcd_pki._etcd_pki.revocation import RevocationList, Revoked
from etcd_pki._etcd_pki.store import PairPaths
from etcd_pki._signer import Signer

@final
class CertificateAuthority:
    @staticmethod
    def create(
        common_name: str,
        *,
        organization: str | None = None,
        compatibility: CompatibilityLike = "strict",
        algorithm: KeyAlgorithmLike | None = None,
        validity: Validity | None = None,
        key: PrivateKey | None = None,
        now: datetime | None = None,
    ) -> CertificateAuthority: ...
    @staticmethod
    def load(
        certificates: Certificates, key: PrivateKey, *, member_common_names: Iterable[str] = (), now: datetime | None = None
    ) -> CertificateAuthority: ...
    @staticmethod
    def from_pem(
        certificates: Contents, key: Contents, *, passphrase: Passphrase | None = None, now: datetime | None = None
    ) -> CertificateAuthority: ...
    @staticmethod
    def from_files(
        certificate: StrPath,
        key: StrPath,
        *,
        passphrase: Passphrase | None = None,
        member_common_names: Iterable[str] = (),
        for_renewal: bool = False,
        now: datetime | None = None,
    ) -> CertificateAuthority: ...
    @staticmethod
    def from_signer(
        certificates: Certificates, signer: Signer, *, member_common_names: Iterable[str] = (), now: datetime | None = None
    ) -> CertificateAuthority: ...
    @property
    def certificate(self) -> Certificate: ...
    @property
    def chain(self) -> list[Certificate]: ...
    @property
    def root(self) -> Certificate: ...
    @property
    def key(self) -> PrivateKey | None: ...
    @property
    def lacks_key_usage(self) -> bool: ...
    def sign_revocation_list(
        self,
        entries: Iterable[Revoked] = (),
        *,
        following: Iterable[RevocationList] = (),
        number: int | None = None,
        indirect: bool = False,
        validity: Validity | None = None,
        now: datetime | None = None,
    ) -> RevocationList: ...
    def issue(
        self,
        role: ProfileLike,
        identity: IdentityLike,
        *,
        names: Iterable[NameLike] = (),
        algorithm: KeyAlgorithmLike | None = None,
        validity: Validity | None = None,
        key: PrivateKey | None = None,
        now: datetime | None = None,
    ) -> Bundle: ...
    def sign(
        self,
        request: CertificateRequest,
        role: ProfileLike,
        identity: IdentityLike,
        *,
        names: Iterable[NameLike] = (),
        validity: Validity | None = None,
        now: datetime | None = None,
    ) -> Issued: ...
    def certify(
        self,
        public_key: PublicKey,
        role: ProfileLike,
        identity: IdentityLike,
        *,
        names: Iterable[NameLike] = (),
        validity: Validity | None = None,
        now: datetime | None = None,
    ) -> Issued: ...
    def reasons(
        self,
        certificate: Certificate,
        public_key: PublicKey,
        role: ProfileLike,
        identity: IdentityLike,
        *,
        names: Iterable[NameLike] = (),
        renew_before: Before = "30d",
        now: datetime | None = None,
    ) -> list[Finding]: ...
    def renew(
        self,
        certificate: Certificate,
        *,
        public_key: PublicKey | None = None,
        validity: Validity | None = None,
        now: datetime | None = None,
    ) -> Issued: ...
    def renew_bundle(self, bundle: Bundle, *, validity: Validity | None = None, now: datetime | None = None) -> Bundle: ...
    def renewed(
        self,
        *,
        validity: Validity | None = None,
        keeps_serial: bool = False,
        path_length: int | None = None,
        now: datetime | None = None,
    ) -> CertificateAuthority: ...
    def renewal_request(self) -> CertificateRequest: ...
    def write(
        self,
        directory: StrPath,
        *,
        layout: LayoutLike = "kubespray",
        passphrase: Passphrase | None = None,
        replace_ca: bool = False,
    ) -> PairPaths: ...
