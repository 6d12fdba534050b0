//! Changes the keys of one host: writes requests, and installs the signed certificates.

use std::{path::Path, sync::atomic::Ordering};

use super::shared::{Changed, Shared};
use crate::{
    cluster::DesiredPair,
    error::Result,
    key::PrivateKey,
    plan::{Mode, Step, exchange::request_path, work::KeySource},
    request::CertificateRequest,
    store::{Overwrite, PairTexts, staged_key_path},
};

/// Writes a request. A new key is written and synced first.
pub(super) fn request(
    shared: &Shared<'_>,
    step: &Step,
    pair: &DesiredPair,
    source: KeySource,
) -> Result<Changed> {
    let waiting = staged_key_path(&pair.paths.key);
    let new = match source {
        KeySource::Current | KeySource::Waiting => None,
        KeySource::New => Some((&pair.paths.key, Overwrite::Refuse)),
        // The waiting key has another algorithm, or cannot be read as a key
        KeySource::NewWaiting => Some((&waiting, Overwrite::Replace)),
    };
    let key = match new {
        None if source == KeySource::Current => shared.key(&pair.paths.key)?,
        None => shared.key(&waiting)?,
        Some((path, overwrite)) => {
            let key = PrivateKey::generate_with(pair.profile.algorithm())?;
            let text = key.to_secret_pem();
            let permissions = &shared.plan.permissions;
            shared
                .files
                .put_file(path, text.as_bytes(), true, overwrite, permissions)?;
            key
        }
    };
    let written = write_request(shared, step, pair, &key);
    if written.is_err() && step.makes_key() {
        shared.further_keys.fetch_add(1, Ordering::Relaxed);
    }
    written.map(|()| Changed::default())
}

fn write_request(
    shared: &Shared<'_>,
    step: &Step,
    pair: &DesiredPair,
    key: &PrivateKey,
) -> Result<()> {
    let Mode::Host { exchange, host, .. } = &shared.plan.mode else {
        return Ok(());
    };
    if step.request.is_none() {
        return Ok(());
    }
    let request = CertificateRequest::create(key, pair.profile, &pair.identity)?;
    let text = request.to_pem();
    let path = request_path(&pair.paths);
    exchange.write(Path::new(host), &[(&path, text.as_bytes())])
}

/// Installs a certificate, and its key if that was waiting.
pub(super) fn install(
    shared: &Shared<'_>,
    pair: &DesiredPair,
    certificates: &str,
    source: KeySource,
) -> Result<Changed> {
    let permissions = &shared.plan.permissions;
    if source != KeySource::Waiting {
        let replace = Overwrite::Replace;
        shared
            .files
            .put_certificate(&pair.paths, certificates, replace, permissions)?;
        return Ok(Changed::default());
    }
    let waiting = staged_key_path(&pair.paths.key);
    let key = shared.key(&waiting)?;
    let texts = PairTexts {
        key: key.to_secret_pem(),
        certificate: certificates.to_owned(),
    };
    let files = [(&pair.paths, texts)];
    shared
        .files
        .put_pairs(&files, Overwrite::Replace, permissions)?;
    // If the run is interrupted before this, the next run keeps the pair, and the file is harmless
    shared.files.remove_file(&waiting)?;
    Ok(Changed::default())
}
