//! Authorities.

mod issued;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    CertificateAuthority, Compatibility, Identity, KeyAlgorithm, Layout, PrivateKey, RenewBefore,
    Result, Store, Validity, read_authority, read_authority_to_renew,
};
use pyo3::prelude::*;

pub(crate) use self::issued::PyIssued;
use crate::{
    bundle::PyBundle,
    certificate::{Certificates, PyCertificate, wrapped},
    described::{PyCause, causes},
    error::work,
    identity::IdentityArgument,
    key::{PyPrivateKey, PyPublicKey, not_copied},
    layout::PyPairPaths,
    profile::{self, ProfileArgument},
    request::PyCertificateRequest,
    signer::{PySigner, Raised},
    text::{Contents, Listed, Names, PassphraseArgument, Text, passphrase},
    time::{Before, Instant, ValidityArgument},
    words::Word,
};

/// A certificate authority: it issues a key and its certificate at once, and signs what others request for their own keys.
///
/// A `role` is one, or a `Profile` where a certificate has something other than usual; an `identity` is an `Identity`, or
/// the name alone, and `names` are further alternative names. `algorithm` is that of a key that is made; `validity` is how
/// long a certificate is valid, a `timedelta`, text such as `90d`, or the `datetime` of its end; `now` is the time to count
/// from, the present one unless said otherwise.
///
/// >>> from etcd_pki import CertificateAuthority, Role
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> bundle = ca.issue(Role.MEMBER, "etcd-1", names=["etcd-1.lan", "10.0.0.11"])
/// >>> bundle.certificate.ip_addresses
/// [IPv4Address('10.0.0.11'), IPv4Address('127.0.0.1'), IPv6Address('::1')]
#[pyclass(frozen, name = "CertificateAuthority", module = "etcd_pki")]
pub(crate) struct PyCertificateAuthority {
    authority: Arc<CertificateAuthority>,
    /// What its signer raised, if that is an object of Python
    raised: Raised,
}

impl PyCertificateAuthority {
    pub(crate) fn new(authority: CertificateAuthority) -> Self {
        Self {
            authority: Arc::new(authority),
            raised: Raised::default(),
        }
    }

    /// One that refuses these common names to nodes and clients.
    fn refusing(authority: CertificateAuthority, member_common_names: Listed<Text>) -> Self {
        let names = member_common_names.0.into_iter().map(|Text(name)| name);
        Self::new(authority.with_member_common_names(names))
    }

    pub(crate) fn get(&self) -> &CertificateAuthority {
        &self.authority
    }
}

#[pymethods]
impl PyCertificateAuthority {
    /// Makes an authority with a certificate of its own and, unless one is given, a new key: ec-p256, ten years, no authorities
    /// below it, unless said otherwise. `compatibility="kubespray"` makes it RSA of 2048 bits and 36500 days.
    #[staticmethod]
    #[pyo3(
        signature = (
            common_name, *, organization=None, compatibility=Word(Compatibility::Strict), algorithm=None, validity=None,
            key=None, now=None
        ),
        text_signature = "(common_name, *, organization=None, compatibility='strict', algorithm=None, validity=None, key=None, \
            now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn create(
        py: Python<'_>,
        common_name: Text,
        organization: Option<Text>,
        compatibility: Word<Compatibility>,
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
        key: Option<&Bound<'_, PyPrivateKey>>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let profile = profile::authority(compatibility, algorithm, validity);
        let key = key.map(Bound::get);
        let authority = work(py, || {
            let mut identity = Identity::from_common_name(&common_name.0)?;
            if let Some(Text(organization)) = &organization {
                identity = identity.with_organization(organization)?;
            }
            let key = match key {
                Some(key) => key.imported()?,
                None => PrivateKey::generate_with(profile.key_algorithm())?,
            };
            CertificateAuthority::create_for(key, &identity, profile, instant(now))
        });
        authority.map(Self::new)
    }

    /// Loads an authority from its certificate and key.
    ///
    /// Of several certificates, the one of this key is the authority's, and the others are those above it. It is taken only if
    /// it may sign certificates, is not expired, and its key matches.
    ///
    /// Nodes and clients are refused `member_common_names`, as they are refused one that begins as a member's does, unless a profile
    /// says `allow_member_common_name`. `Store.authority` knows those of its directory.
    #[staticmethod]
    #[pyo3(
        signature = (certificates, key, *, member_common_names=Listed::default(), now=None),
        text_signature = "(certificates, key, *, member_common_names=(), now=None)"
    )]
    fn load(
        py: Python<'_>,
        certificates: Certificates,
        key: &Bound<'_, PyPrivateKey>,
        member_common_names: Listed<Text>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let key = key.get();
        let authority = work(py, || {
            CertificateAuthority::load_at(certificates.0, key.imported()?, instant(now))
        });
        authority.map(|authority| Self::refusing(authority, member_common_names))
    }

    /// Loads an authority from PEM, as `load` does.
    #[staticmethod]
    #[pyo3(signature = (certificates, key, *, passphrase=None))]
    fn from_pem(
        py: Python<'_>,
        certificates: Contents,
        key: Contents,
        passphrase: Option<PassphraseArgument>,
    ) -> PyResult<Self> {
        let passphrase = passphrase.as_ref();
        let authority = work(py, || {
            let all = etcd_pki_core::Certificate::all_from_bytes(certificates.as_bytes())?;
            let passphrase = self::passphrase(passphrase);
            let key = PrivateKey::from_bytes(key.as_bytes(), passphrase)?;
            CertificateAuthority::load(all, key)
        });
        authority.map(Self::new)
    }

    /// Loads an authority from its two files, PEM or DER, as `load` does; `to_renew=True` takes one that has expired, so that it
    /// can be renewed.
    #[staticmethod]
    #[pyo3(
        signature = (certificate, key, *, passphrase=None, member_common_names=Listed::default(), to_renew=false),
        text_signature = "(certificate, key, *, passphrase=None, member_common_names=(), to_renew=False)"
    )]
    fn from_files(
        py: Python<'_>,
        certificate: PathBuf,
        key: PathBuf,
        passphrase: Option<PassphraseArgument>,
        member_common_names: Listed<Text>,
        to_renew: bool,
    ) -> PyResult<Self> {
        let passphrase = passphrase.as_ref();
        let read = if to_renew {
            read_authority_to_renew
        } else {
            read_authority
        };
        let authority = work(py, || {
            read(&certificate, &key, self::passphrase(passphrase))
        });
        authority.map(|authority| Self::refusing(authority, member_common_names))
    }

    /// Takes an authority whose key is elsewhere: any object with `public_key` and `sign(message)`. Each of its signatures is
    /// checked before it is used.
    #[staticmethod]
    #[pyo3(
        signature = (certificates, signer, *, member_common_names=Listed::default()),
        text_signature = "(certificates, signer, *, member_common_names=())"
    )]
    fn from_signer(
        py: Python<'_>,
        certificates: Certificates,
        signer: PySigner,
        member_common_names: Listed<Text>,
    ) -> PyResult<Self> {
        let raised = signer.raised();
        let authority = work(py, || {
            CertificateAuthority::from_signer(certificates.0, signer)
        })?;
        Ok(Self {
            raised,
            ..Self::refusing(authority, member_common_names)
        })
    }

    /// The authority's certificate.
    #[getter]
    fn certificate(&self) -> PyCertificate {
        PyCertificate(self.authority.certificate().clone())
    }

    /// The certificates that a leaf carries behind its own: this authority's, unless it is a root, and the intermediates above.
    #[getter]
    fn chain(&self) -> Vec<PyCertificate> {
        wrapped(self.authority.chain())
    }

    /// What etcd is to trust: the root above this authority, or the authority itself where none is known.
    #[getter]
    fn root(&self) -> PyCertificate {
        PyCertificate(self.authority.root().clone())
    }

    /// The authority's key, if it is in this process.
    #[getter]
    fn key(&self) -> Option<PyPrivateKey> {
        PyPrivateKey::of_authority(Arc::clone(&self.authority))
    }

    /// Whether the certificate lacks keyUsage, as Kubespray's does: Go, and so etcd, does not mind, but Python 3.13 refuses every
    /// chain that ends there. `renewed` mends it.
    #[getter]
    fn lacks_key_usage(&self) -> bool {
        self.authority.lacks_key_usage()
    }

    /// Makes a key, unless one is given, and its certificate at once.
    #[pyo3(
        signature = (role, identity, *, names=Names::default(), algorithm=None, validity=None, key=None, now=None),
        text_signature = "($self, role, identity, *, names=(), algorithm=None, validity=None, key=None, now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn issue(
        &self,
        py: Python<'_>,
        role: ProfileArgument,
        identity: IdentityArgument,
        names: Names,
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
        key: Option<&Bound<'_, PyPrivateKey>>,
        now: Option<Instant>,
    ) -> PyResult<PyBundle> {
        let profile = role.with(algorithm, validity);
        let identity = identity.with(names);
        let key = key.map(Bound::get);
        let bundle = self.work(py, || match key {
            Some(key) => {
                self.authority
                    .issue_for(key.imported()?, profile, &identity, instant(now))
            }
            None => self.authority.issue_at(profile, &identity, instant(now)),
        })?;
        Ok(PyBundle::issued(bundle, self.authority.root().clone()))
    }

    /// Signs somebody else's key. The names come from `identity`, the usages from `role`; what the request claims beyond them is
    /// refused, and told in `Issued.refused`. To take the requester's names is a word: `identity=request.claimed()`.
    #[pyo3(
        signature = (request, role, identity, *, names=Names::default(), validity=None, now=None),
        text_signature = "($self, request, role, identity, *, names=(), validity=None, now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn sign(
        &self,
        py: Python<'_>,
        request: &Bound<'_, PyCertificateRequest>,
        role: ProfileArgument,
        identity: IdentityArgument,
        names: Names,
        validity: Option<ValidityArgument>,
        now: Option<Instant>,
    ) -> PyResult<PyIssued> {
        let request = &request.get().0;
        let (profile, identity) = (role.with(None, validity), identity.with(names));
        self.work(py, || {
            self.authority
                .sign_at(request, profile, &identity, instant(now))
        })
        .map(PyIssued)
    }

    /// Makes a certificate for a public key of which it is known otherwise whose it is, such as the one that a certificate had
    /// before.
    #[pyo3(
        signature = (public_key, role, identity, *, names=Names::default(), validity=None, now=None),
        text_signature = "($self, public_key, role, identity, *, names=(), validity=None, now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn certify(
        &self,
        py: Python<'_>,
        public_key: &Bound<'_, PyPublicKey>,
        role: ProfileArgument,
        identity: IdentityArgument,
        names: Names,
        validity: Option<ValidityArgument>,
        now: Option<Instant>,
    ) -> PyResult<PyIssued> {
        let key = &public_key.get().0;
        let (profile, identity) = (role.with(None, validity), identity.with(names));
        self.work(py, || {
            self.authority
                .certify(key, profile, &identity, instant(now))
        })
        .map(PyIssued)
    }

    /// Every reason to sign anew what is there; none if it is as `sign` would make it for this key and identity, and does not end
    /// soon. `renew_before` is a `timedelta` or text such as `30d` and `33%`, and never more than a third of a certificate's life.
    #[pyo3(
        signature = (
            certificate, public_key, role, identity, *, names=Names::default(),
            renew_before=Before(RenewBefore::days(30)), now=None
        ),
        text_signature = "($self, certificate, public_key, role, identity, *, names=(), renew_before='30d', now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn causes(
        &self,
        py: Python<'_>,
        certificate: &Bound<'_, PyCertificate>,
        public_key: &Bound<'_, PyPublicKey>,
        role: ProfileArgument,
        identity: IdentityArgument,
        names: Names,
        renew_before: Before<RenewBefore>,
        now: Option<Instant>,
    ) -> PyResult<Vec<PyCause>> {
        let (certificate, key) = (&certificate.get().0, &public_key.get().0);
        let (profile, identity) = (role.with(None, None), identity.with(names));
        let Before(before) = renew_before;
        let due = work(py, || {
            self.authority
                .causes(certificate, key, profile, &identity, before, instant(now))
        })?;
        Ok(causes(&due))
    }

    /// Makes a certificate with the subject, the names and the usages of another one, for its key or for a new one. It is valid as
    /// long as the other was, unless said otherwise.
    #[pyo3(signature = (certificate, *, public_key=None, validity=None, now=None))]
    fn renew(
        &self,
        py: Python<'_>,
        certificate: &Bound<'_, PyCertificate>,
        public_key: Option<&Bound<'_, PyPublicKey>>,
        validity: Option<ValidityArgument>,
        now: Option<Instant>,
    ) -> PyResult<PyIssued> {
        let certificate = &certificate.get().0;
        let key = public_key.map_or_else(|| certificate.public_key(), |key| &key.get().0);
        let validity = validity.map(|ValidityArgument(validity)| validity);
        self.work(py, || {
            self.authority
                .renew(certificate, key, validity, instant(now))
        })
        .map(PyIssued)
    }

    /// The same authority with a new certificate: same key, same subject and same key identifier, so that what it has signed stays
    /// good; and keyUsage, which Kubespray's lacks. `keeps_serial=True` where leaves name their issuer by its serial number.
    #[pyo3(signature = (*, validity=None, keeps_serial=false, now=None))]
    fn renewed(
        &self,
        py: Python<'_>,
        validity: Option<ValidityArgument>,
        keeps_serial: bool,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let validity = match validity {
            Some(ValidityArgument(validity)) => validity,
            None => Validity::lasting(self.life()),
        };
        work(py, || {
            self.authority.renewed(validity, keeps_serial, instant(now))
        })
        .map(Self::new)
    }

    /// Writes the certificate, mode 0644, and the key, mode 0600, encrypted if there is a passphrase, whole or not at all. Where an
    /// authority is, or what one has signed, nothing is written, unless `replace_ca` says so: what the old one signed is worth
    /// nothing then. Returns where.
    #[pyo3(
        signature = (directory, *, layout=Word(Layout::Kubespray), passphrase=None, replace_ca=false),
        text_signature = "($self, directory, *, layout='kubespray', passphrase=None, replace_ca=False)"
    )]
    fn write(
        &self,
        py: Python<'_>,
        directory: PathBuf,
        layout: Word<Layout>,
        passphrase: Option<PassphraseArgument>,
        replace_ca: bool,
    ) -> PyResult<PyPairPaths> {
        let passphrase = passphrase.as_ref();
        work(py, || {
            let store = Store::open(directory, layout.0);
            let files = store.lock()?;
            let passphrase = self::passphrase(passphrase);
            if replace_ca {
                files.replace_authority(&self.authority, passphrase)?;
            } else {
                files.write_authority(&self.authority, passphrase)?;
            }
            Ok(PyPairPaths(store.authority_paths()))
        })
    }

    fn __repr__(&self) -> String {
        let certificate = self.authority.certificate();
        let until = etcd_pki_core::rfc3339(certificate.not_after());
        format!(
            "<CertificateAuthority {}, until {until}>",
            certificate.subject()
        )
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_copied("certificate authority"))
    }
}

impl PyCertificateAuthority {
    /// Does work that signs, while other threads of Python run.
    fn work<T: Send>(
        &self,
        py: Python<'_>,
        task: impl FnOnce() -> Result<T> + Send,
    ) -> PyResult<T> {
        py.detach(task)
            .map_err(|error| self.raised.instead_of(error))
    }

    /// How long its certificate was valid in all.
    fn life(&self) -> Duration {
        let certificate = self.authority.certificate();
        let life = certificate
            .not_after()
            .duration_since(certificate.not_before());
        life.unwrap_or_default()
    }
}

/// The instant that was given, or now.
pub(crate) fn instant(now: Option<Instant>) -> SystemTime {
    now.map_or_else(SystemTime::now, |Instant(instant)| instant)
}
