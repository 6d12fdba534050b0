//! Making an authority, or what is missing of it.

use std::{path::PathBuf, time::SystemTime};

use super::surplus;
use crate::{
    authority::CertificateAuthority,
    cluster::Wanted,
    error::{Error, Result},
    key::{Passphrase, PrivateKey},
    layout::CaKind,
    profile::AuthorityProfile,
    store::{Attributes, LockedStore, Overwrite, Store},
};

/// Refuses to make an authority without a certificate where something is that one has `signed`: on a host that was rebuilt a new
/// one would stand beside what the old one signed. A key alone is that of an authority whose making was cut off.
pub(crate) fn check_orphans(
    wanted: &Wanted,
    has_key: bool,
    store: &Store,
    signed: Option<PathBuf>,
) -> Result<()> {
    if wanted.issuer == CaKind::Client {
        let common_name = wanted.identity.common_name(str::to_owned)?;
        store.check_other_layout(common_name.as_deref())?;
    }
    let orphan = match (signed, wanted.issuer) {
        (None, CaKind::Client) => surplus::any(store)?,
        (signed, _) => signed,
    };
    let Some(path) = orphan else { return Ok(()) };
    let found = if has_key {
        format!(
            "{} without its certificate, and {}",
            wanted.paths.key.display(),
            path.display()
        )
    } else {
        format!("{}, which another authority has signed", path.display())
    };
    Err(Error::AuthorityExists {
        directory: store.directory().to_owned(),
        found,
        layout: None,
    })
}

/// Makes an authority, of the key that is there if its making was cut off before its certificate.
pub(crate) fn create_authority(
    wanted: &Wanted,
    profile: AuthorityProfile,
    has_key: bool,
    files: &LockedStore,
    passphrase: Option<&Passphrase>,
    attributes: &Attributes,
    now: SystemTime,
) -> Result<CertificateAuthority> {
    let (paths, identity) = (&wanted.paths, &wanted.identity);
    if has_key {
        let key = files.store().load_ca_key(paths, passphrase)?;
        let authority = CertificateAuthority::create_for(key, identity, profile, now)?;
        let certificate = authority.certificate().to_pem()?;
        files.put_certificate(paths, &certificate, Overwrite::Refuse, attributes)?;
        return Ok(authority);
    }
    let key = PrivateKey::generate_with(profile.key_algorithm())?;
    let authority = CertificateAuthority::create_for(key, identity, profile, now)?;
    files.put_ca(paths, &authority, passphrase, Overwrite::Refuse, attributes)?;
    Ok(authority)
}
