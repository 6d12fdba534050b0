//! Signs requests on the CA's side of an exchange.

use std::path::{Path, PathBuf};

use super::shared::{Changed, Shared, requested_end};
use crate::{
    ca::CertificateAuthority,
    error::{Error, Result},
    inspect::Stamps,
    plan::{
        Step, Target,
        report::Product,
        step::{TrustText, Work},
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

/// Signs a request. Returns the certificates for the host in PEM.
pub(super) fn sign(shared: &Shared<'_>, step: &Step) -> Result<(String, Changed)> {
    let (text, product) = match (&step.work, &step.target) {
        (Work::Trust { certificates, .. }, Target::Ca(ca)) => {
            let text = match certificates {
                TrustText::Known(text) => text.clone(),
                TrustText::Made(bundle) => with_made(bundle, shared.signer(ca.kind)?),
            };
            (text, Product::default())
        }
        (Work::Sign(request), Target::Pair(pair)) => {
            let issued = shared
                .signer(pair.ca)?
                .at(shared.plan.now)
                .sign(request, pair.profile, &pair.identity)
                .map_err(|error| error.in_file(step.file()))?;
            let product = Product {
                requested_end: requested_end(pair, issued.requested_end()),
                not_after: Some(issued.certificate().not_after()),
                denied: issued.denied_claims().to_vec(),
                certificate: None,
            };
            (issued.to_pem(), product)
        }
        _ => return Err(Error::Interrupted),
    };
    let changed = Changed {
        mark: None,
        product,
    };
    Ok((text, changed))
}
