//! Changes CAs: creates, renews, and installs trusted certificates.

use super::shared::Shared;
use crate::{
    ca::{CaRenewal, CertificateAuthority},
    cluster::DesiredCa,
    error::Result,
    key::PrivateKey,
    plan::{
        Step,
        cache::Marker,
        work::{TrustText, Work},
    },
    store::{Issuance, Overwrite},
};

/// Makes the change of a CA. Opens the CA if it must sign.
pub(super) fn change(shared: &mut Shared<'_>, step: &Step, ca: &DesiredCa) -> Result<()> {
    let permissions = &shared.plan.permissions;
    let signer = match &step.work {
        Work::CreateCa { has_key } => {
            let created = create(ca, *has_key, shared)?;
            // With a passphrase, the next plan cannot read the key, and marks would be useless
            let key = created.key().filter(|_| shared.passphrase.is_none());
            shared
                .markers
                .extend(key.and_then(Marker::of).map(|marker| (ca.kind, marker)));
            Some(created)
        }
        Work::RenewCa { keeps_serial } => Some(renew(ca, *keeps_serial, shared)?),
        Work::Trust {
            certificates: TrustText::Known(certificates),
            ..
        } => {
            let (path, text) = (&ca.paths.certificate, certificates.as_bytes());
            shared
                .files
                .put_file(path, text, false, Overwrite::Replace, &permissions.for_ca())?;
            let store = shared.files.store();
            let load = || store.at(shared.plan.now).load(&ca.paths, shared.passphrase);
            shared.plan.signs(ca.kind).then(load).transpose()?
        }
        work => {
            if let Work::Chmod = work {
                shared.files.mend(&ca.paths, &permissions.for_ca())?;
            }
            let store = shared.files.store();
            let load = || store.at(shared.plan.now).load(&ca.paths, shared.passphrase);
            shared.plan.signs(ca.kind).then(load).transpose()?
        }
    };
    shared
        .signers
        .extend(signer.map(|signer| (ca.kind, signer)));
    Ok(())
}

/// Creates a CA. Uses the existing key if an earlier creation was interrupted before the
/// certificate was written.
fn create(ca: &DesiredCa, has_key: bool, shared: &Shared<'_>) -> Result<CertificateAuthority> {
    let (files, passphrase, now) = (shared.files, shared.passphrase, shared.plan.now);
    let (paths, permissions) = (&ca.paths, &shared.plan.permissions.for_ca());
    let record = |created: &CertificateAuthority| {
        shared.record(&[Issuance::of_new_ca(created.certificate())])
    };
    if has_key {
        let key = files.store().load_ca_key(paths, passphrase)?;
        let created = CertificateAuthority::create_for(key, &ca.identity, ca.profile, now)?;
        let certificate = created.certificate().to_pem();
        record(&created)?;
        files.put_certificate(paths, &certificate, Overwrite::Refuse, permissions)?;
        return Ok(created);
    }
    let key = PrivateKey::generate_with(ca.profile.algorithm())?;
    let created = CertificateAuthority::create_for(key, &ca.identity, ca.profile, now)?;
    record(&created)?;
    files.put_ca(paths, &created, passphrase, Overwrite::Refuse, permissions)?;
    Ok(created)
}

/// Renews a CA with the same key. Keeps the other certificates of its file.
fn renew(ca: &DesiredCa, keeps_serial: bool, shared: &Shared<'_>) -> Result<CertificateAuthority> {
    let (files, permissions) = (shared.files, &shared.plan.permissions.for_ca());
    let now = shared.plan.now;
    let store = files.store().at(now);
    let current = store.load_for_renewal(&ca.paths, shared.passphrase)?;
    let renewal = CaRenewal::new(ca.profile.validity()).with_serial_kept(keeps_serial);
    let renewed = current.at(now).renew_ca(renewal)?;
    files.put_renewed_ca(&ca.paths, renewed.certificate(), permissions, || {
        shared.record(&[Issuance::of_renewed_ca(renewed.certificate())])
    })?;
    Ok(renewed)
}
