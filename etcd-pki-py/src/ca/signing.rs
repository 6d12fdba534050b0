//! Signing by a CA.

use std::time::SystemTime;

use etcd_pki_core::{
    CertificateAuthority, Identity, KeyAlgorithm, Profile, Result, ca::Issued,
    cluster::RenewBefore, plan,
};
use pyo3::prelude::*;

use super::{PyCertificateAuthority, PyIssued};
use crate::{
    bundle::PyBundle,
    certificate::PyCertificate,
    error::work,
    finding::PyFinding,
    identity::IdentityArgument,
    key::{PyPrivateKey, PyPublicKey},
    profile::ProfileArgument,
    request::PyCertificateRequest,
    signer::signing,
    text::Names,
    time::{Before, Instant, ValidityArgument, instant},
    words::Word,
};

#[pymethods]
impl PyCertificateAuthority {
    /// Generates a key, unless one is given, and issues its certificate.
    ///
    /// With RBAC, the common name is the user, and etcd's JSON gateway refuses every client
    /// certificate that has one, also with a valid token. Its clients need an identity such as
    /// `Identity("app", organization="etcd-gateway", without_common_name=True)`, and a token.
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
        let asked = Asked::of(role.with(algorithm, validity), identity, names, now);
        let key = key.map(Bound::get);
        let bundle = signing(py, || match key {
            Some(key) => {
                let key = key.imported()?;
                self.0
                    .at(asked.now)
                    .issue_for(key, asked.profile, &asked.identity)
            }
            None => self.0.at(asked.now).issue(asked.profile, &asked.identity),
        })?;
        Ok(PyBundle::issued(bundle, self.0.root().clone()))
    }

    /// Signs a request for the requester's key. The names come from `identity`, the usages from
    /// `role`. Further claims of the request are denied, and listed in `Issued.denied_claims`. To
    /// accept the requester's names, use `identity=request.claimed()`.
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
        let asked = Asked::of(role.with(None, validity), identity, names, now);
        self.signed(py, |ca| {
            ca.at(asked.now)
                .sign(request, asked.profile, &asked.identity)
        })
    }

    /// Issues a certificate for a public key without a request. Use it only if you know the owner
    /// of the key, for example for the key of an earlier certificate.
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
        let asked = Asked::of(role.with(None, validity), identity, names, now);
        self.signed(py, |ca| {
            ca.at(asked.now)
                .certify(key, asked.profile, &asked.identity)
        })
    }

    /// Every reason to sign a certificate again: it differs from what the CA would sign now for
    /// this key and identity, or it expires soon. There is none if it is up to date. `renew_before`
    /// is a `timedelta` or text such as `30d` and `33%`, and never more than a third of a
    /// certificate's life.
    #[pyo3(
        signature = (
            certificate, public_key, role, identity, *, names=Names::default(),
            renew_before=Before(RenewBefore::days(30)), now=None
        ),
        text_signature = "($self, certificate, public_key, role, identity, *, names=(), renew_before='30d', now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn reasons(
        &self,
        py: Python<'_>,
        certificate: &Bound<'_, PyCertificate>,
        public_key: &Bound<'_, PyPublicKey>,
        role: ProfileArgument,
        identity: IdentityArgument,
        names: Names,
        renew_before: Before<RenewBefore>,
        now: Option<Instant>,
    ) -> PyResult<Vec<PyFinding>> {
        let (certificate, key) = (&certificate.get().0, &public_key.get().0);
        let asked = Asked::of(role.with(None, None), identity, names, now);
        let Before(before) = renew_before;
        let reasons = work(py, || {
            plan::reasons(
                &self.0,
                certificate,
                key,
                asked.profile,
                &asked.identity,
                before,
                asked.now,
            )
        })?;
        Ok(PyFinding::all(&reasons))
    }

    /// Issues a certificate with the subject, the names and the usages of another one, for its key
    /// or for a new one. By default it is valid for as long as the other one was.
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
        let now = instant(now);
        self.signed(py, |ca| {
            let ca = ca.at(now);
            match validity {
                Some(validity) => ca.renew_for(certificate, key, validity),
                None => ca.renew(certificate, key),
            }
        })
    }

    /// Renews the certificate of a bundle for the same key. The bundle keeps its role and name. By
    /// default it is valid for as long as the old one was.
    #[pyo3(signature = (bundle, *, validity=None, now=None))]
    fn renew_bundle(
        &self,
        py: Python<'_>,
        bundle: &Bound<'_, PyBundle>,
        validity: Option<ValidityArgument>,
        now: Option<Instant>,
    ) -> PyResult<PyBundle> {
        let bundle = bundle.get().get();
        let validity = validity.map(|ValidityArgument(validity)| validity);
        let now = instant(now);
        let renewed = signing(py, || {
            let ca = self.0.at(now);
            match validity {
                Some(validity) => ca.renew_bundle_for(bundle, validity),
                None => ca.renew_bundle(bundle),
            }
        })?;
        Ok(PyBundle::issued(renewed, self.0.root().clone()))
    }
}

impl PyCertificateAuthority {
    /// Signs for a key outside this process.
    fn signed(
        &self,
        py: Python<'_>,
        sign: impl FnOnce(&CertificateAuthority) -> Result<Issued> + Send,
    ) -> PyResult<PyIssued> {
        signing(py, || sign(&self.0)).map(PyIssued)
    }
}

/// The requested certificate, and the time at which it becomes valid.
struct Asked {
    profile: Profile,
    identity: Identity,
    now: SystemTime,
}

impl Asked {
    fn of(
        profile: Profile,
        identity: IdentityArgument,
        names: Names,
        now: Option<Instant>,
    ) -> Self {
        Self {
            profile,
            identity: identity.with(names),
            now: instant(now),
        }
    }
}
