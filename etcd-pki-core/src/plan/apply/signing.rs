//! Signs requests on the CA's side of an exchange.

use std::path::{Path, PathBuf};

use super::shared::{Changed, Recorded, Shared, requested_end};
use crate::{
    ca::CertificateAuthority,
    error::{Error, Result},
    inspect::Stamps,
    plan::{
        Step, Target,
        report::Product,
        work::{TrustText, Work},
    },
    store::Exchange,
    x509::{
        bundle::{all_pem, place_of_key},
        certificate::Certificate,
    },
};

/// Fails if a file of the exchange directory has changed since planning.
pub(super) fn check_exchanged(exchange: &Exchange, step: &Step) -> Result<()> {
    let path = exchanged_path(step);
    let now = Stamps::of_certificate(exchange.stamp(&path)?);
    step.stamps.check_now(&now, &step.paths())
}

/// The certificate of a step, relative to the exchange directory.
fn exchanged_path(step: &Step) -> PathBuf {
    let host = step.directory.file_name().unwrap_or_default();
    Path::new(host).join(&step.relative_paths().certificate)
}

/// The trust bundle in PEM, with the current certificate of a CA.
fn with_made(bundle: &[Certificate], ca: &CertificateAuthority) -> String {
    let mut bundle = bundle.to_vec();
    let made = ca.certificate().clone();
    match place_of_key(&bundle, made.public_key()).and_then(|place| bundle.get_mut(place)) {
        Some(old) => *old = made,
        None => bundle.insert(0, made),
    }
    all_pem(&bundle)
}

/// The answer to a request, or a trust bundle for a host. It is written after it is recorded.
pub(super) struct Answer {
    /// The certificates in PEM
    pub(super) text: String,
    pub(super) changed: Changed,
}

/// Signs a request. Also returns the entry of its certificate in the record. Writes nothing.
pub(super) fn sign(shared: &Shared<'_>, step: &Step) -> Result<(Answer, Option<Recorded>)> {
    let (text, product, recorded) = match (&step.work, &step.target) {
        (Work::Trust { certificates, .. }, Target::Ca(ca)) => {
            let text = match certificates {
                TrustText::Known(text) => text.clone(),
                TrustText::Made(bundle) => with_made(bundle, shared.signer(ca.kind)?),
            };
            (text, Product::default(), None)
        }
        (Work::Sign(request), Target::Pair(pair)) => {
            let ca = shared.signer(pair.ca)?;
            let issued = ca
                .at(shared.plan.now)
                .sign(request, pair.profile, &pair.identity)
                .map_err(|error| error.in_file(step.file()))?;
            let product = Product {
                requested_end: requested_end(pair, issued.requested_end()),
                not_after: Some(issued.certificate().not_after()),
                denied: issued.denied_claims().to_vec(),
                certificate: None,
            };
            let recorded = shared.recorded(issued.certificate(), ca);
            let recorded = recorded.map(|one| match &pair.host {
                Some(host) => Recorded {
                    issuance: one.issuance.with_requester(host),
                    ..one
                },
                None => one,
            });
            (issued.to_pem(), product, recorded)
        }
        _ => return Err(Error::Interrupted),
    };
    let changed = Changed {
        mark: None,
        product,
    };
    Ok((Answer { text, changed }, recorded))
}
