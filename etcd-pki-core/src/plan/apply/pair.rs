//! Changes one pair: issues, certifies, renews by path, or sets permissions. A certificate is signed
//! first, and written after it is recorded.

use zeroize::Zeroizing;

use super::{
    host,
    shared::{Changed, Recorded, Shared, requested_end},
};
use crate::{
    ca::{CertificateAuthority, Issued},
    cluster::DesiredPair,
    error::{Error, Result},
    key::PublicKey,
    plan::{Action, Step, Target, file_renewal::Renewed, report::Product, work::Work},
    store::{Issuance, Overwrite, PairTexts},
    verify,
    x509::{bundle::Bundle, certificate::Certificate},
};

/// What a step has signed. It is written after it is recorded.
pub(super) enum Signed {
    Bundle(Box<Bundle>, Overwrite),
    Certificate(Box<Issued>),
    File(Box<Renewed>),
    Nothing,
}

/// Signs the certificate of a step. Also returns its entry in the record. Writes nothing.
pub(super) fn sign(shared: &Shared<'_>, step: &Step) -> Result<(Signed, Option<Recorded>)> {
    let signed = match (&step.work, &step.target) {
        (Work::Issue, Target::Pair(pair)) => issue(shared, step, pair),
        (Work::Certify { key, rewrites_key }, Target::Pair(pair)) => {
            certify(shared, step, pair, key, *rewrites_key)
        }
        (Work::RenewFile(renewal), Target::Files(paths)) => {
            let ca = shared.renewal_signer(renewal)?;
            let renewed = renewal.sign(paths, &ca, shared.files, shared.plan.now);
            renewed.map(|renewed| {
                let recorded = renewal.recorded_at().map(|ca_certificate| Recorded {
                    issuance: Issuance::new(renewed.issued.certificate(), &ca),
                    ca_certificate: Some(ca_certificate),
                });
                (Signed::File(Box::new(renewed)), recorded)
            })
        }
        _ => Ok((Signed::Nothing, None)),
    };
    signed.map_err(|error: Error| error.in_file(step.paths().certificate))
}

/// Makes the change of one pair, or of one certificate that is renewed by path.
pub(super) fn write(shared: &Shared<'_>, step: &Step, signed: &Signed) -> Result<Changed> {
    let changed = match (&step.work, &step.target, signed) {
        (Work::Chmod, target, _) => {
            let paths = match target {
                Target::Ca(ca) => &ca.paths,
                Target::Pair(pair) => &pair.paths,
                Target::Files(paths) => paths,
            };
            let permissions = shared.permissions(step);
            let permissions = match target {
                Target::Ca(_) => permissions.for_ca(),
                _ => permissions,
            };
            shared.files.mend(paths, &permissions)?;
            // The plan already has the mark of this pair
            Ok(Changed::default())
        }
        (_, Target::Pair(pair), Signed::Bundle(bundle, overwrite)) => {
            write_bundle(shared, step, pair, bundle, *overwrite)
        }
        (Work::Rechain { certificates }, Target::Pair(pair), _) => {
            rechain(shared, pair, certificates)
        }
        (Work::Certify { key, .. }, Target::Pair(pair), Signed::Certificate(issued)) => {
            write_certificate(shared, step, pair, key, issued)
        }
        (Work::Request { key }, Target::Pair(pair), _) => host::request(shared, step, pair, *key),
        (Work::Install { certificates, key }, Target::Pair(pair), _) => {
            host::install(shared, pair, certificates, *key)
        }
        (Work::RenewFile(renewal), Target::Files(paths), Signed::File(renewed)) => {
            let permissions = &shared.plan.permissions;
            renewed.write(paths, shared.files, permissions).map(|()| {
                let issued = &renewed.issued;
                let certificate = issued.certificate().clone();
                Changed {
                    mark: None,
                    product: Product {
                        requested_end: renewal.validity.and(issued.requested_end()),
                        not_after: Some(certificate.not_after()),
                        denied: Vec::new(),
                        certificate: Some(certificate),
                    },
                }
            })
        }
        _ => Ok(Changed::default()),
    };
    changed.map_err(|error: Error| error.in_file(step.paths().certificate))
}

/// Generates a key and issues its certificate.
fn issue(
    shared: &Shared<'_>,
    step: &Step,
    pair: &DesiredPair,
) -> Result<(Signed, Option<Recorded>)> {
    let ca = shared.signer(pair.ca)?;
    let bundle = ca.at(shared.plan.now).issue(pair.profile, &pair.identity)?;
    let bundle = keeping(bundle, step, ca);
    // A path without a file at planning must still have no file
    let overwrite = match step.action {
        Action::Create => Overwrite::Refuse,
        _ => Overwrite::Replace,
    };
    let recorded = shared.recorded(bundle.certificate(), ca);
    Ok((Signed::Bundle(Box::new(bundle), overwrite), recorded))
}

fn write_bundle(
    shared: &Shared<'_>,
    step: &Step,
    pair: &DesiredPair,
    bundle: &Bundle,
    overwrite: Overwrite,
) -> Result<Changed> {
    let texts = PairTexts::of(bundle)?;
    let mark = shared
        .marker(pair.ca)
        .map(|marker| marker.mark(texts.certificate.as_bytes(), texts.key.as_bytes()));
    let files = [(&pair.paths, texts)];
    shared
        .files
        .put_pairs(&files, overwrite, &shared.permissions(step))?;
    Ok(Changed {
        mark,
        product: Product {
            requested_end: requested_end(pair, bundle.requested_end()),
            not_after: Some(bundle.certificate().not_after()),
            ..Product::default()
        },
    })
}

/// Issues a certificate for the current key.
fn certify(
    shared: &Shared<'_>,
    step: &Step,
    pair: &DesiredPair,
    key: &PublicKey,
    rewrites_key: bool,
) -> Result<(Signed, Option<Recorded>)> {
    let ca = shared.signer(pair.ca)?;
    let at = ca.at(shared.plan.now);
    if rewrites_key {
        let current = shared.key(&pair.paths.key)?;
        if current.public_key() != key {
            return Err(Error::FileChanged {
                path: step.paths().key,
            });
        }
        let bundle = at.issue_for(current, pair.profile, &pair.identity)?;
        let bundle = keeping(bundle, step, ca);
        let recorded = shared.recorded(bundle.certificate(), ca);
        return Ok((
            Signed::Bundle(Box::new(bundle), Overwrite::Replace),
            recorded,
        ));
    }
    let issued = at.certify(key, pair.profile, &pair.identity)?;
    let issued = issued.keeping(&step.following, ca);
    let recorded = shared.recorded(issued.certificate(), ca);
    Ok((Signed::Certificate(Box::new(issued)), recorded))
}

/// Writes a certificate for the current key.
fn write_certificate(
    shared: &Shared<'_>,
    step: &Step,
    pair: &DesiredPair,
    key: &PublicKey,
    issued: &Issued,
) -> Result<Changed> {
    let certificate = issued.to_pem();
    shared.files.put_certificate(
        &pair.paths,
        &certificate,
        Overwrite::Replace,
        &shared.permissions(step),
    )?;
    let mut changed = Changed {
        mark: None,
        product: Product {
            requested_end: requested_end(pair, issued.requested_end()),
            not_after: Some(issued.certificate().not_after()),
            ..Product::default()
        },
    };
    if let Some(marker) = shared.marker(pair.ca) {
        let file = shared.files.read(&pair.paths.key)?.unwrap_or_default();
        let file = Zeroizing::new(file);
        let is_same = verify::held_key(&file, None).0?.public_key() == key;
        changed.mark = is_same.then(|| marker.mark(certificate.as_bytes(), &file));
    }
    Ok(changed)
}

/// Writes the same certificate with another chain.
fn rechain(shared: &Shared<'_>, pair: &DesiredPair, certificates: &str) -> Result<Changed> {
    let (paths, permissions) = (&pair.paths, &shared.plan.permissions);
    shared
        .files
        .put_certificate(paths, certificates, Overwrite::Replace, permissions)?;
    let leaf = Certificate::from_bytes(certificates.as_bytes()).ok();
    Ok(Changed {
        mark: None,
        product: Product {
            not_after: leaf.map(|leaf| leaf.not_after()),
            ..Product::default()
        },
    })
}

/// Adds to the bundle the certificates that followed the old one, if they still lead to the CA.
fn keeping(bundle: Bundle, step: &Step, ca: &CertificateAuthority) -> Bundle {
    if step.following.is_empty() {
        return bundle;
    }
    let chain = ca.kept_chain(bundle.certificate(), &step.following);
    bundle.with_chain(chain)
}
