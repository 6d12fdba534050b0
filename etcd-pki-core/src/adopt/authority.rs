//! The authority of a directory.

use super::{
    Remark,
    habits::{self, Habits},
    pair::Pair,
};
use crate::{
    certificate::Certificate,
    cluster::{ClusterAuthority, Peers},
    error::{Error, Result},
    key::KeyAlgorithm,
    layout::{CaKind, FileKind},
    store::{Store, read_authority, read_certificates, read_regular_file},
};

/// What there is to say of the authority, and of the one that peers have apart.
pub(super) fn authority(
    store: &Store,
    pairs: &[Pair],
    habits: &Habits,
    remarks: &mut Vec<Remark>,
) -> Result<ClusterAuthority> {
    let (certificate, common_name) = of_kind(store, pairs, FileKind::Ca(CaKind::Client), remarks)?
        .ok_or_else(|| missing(store))?;
    let mut authority = ClusterAuthority::new(&common_name)?;
    if let [organization] = certificate.organizations().as_slice() {
        // One that no new certificate could have is told as what its subject has beside
        authority = authority
            .clone()
            .with_organization(organization)
            .unwrap_or(authority);
    }
    let algorithm = certificate.public_key().algorithm();
    let algorithm = algorithm.map(KeyAlgorithm::made);
    if let Some(algorithm) =
        algorithm.filter(|algorithm| *algorithm != habits.authority_algorithm())
    {
        authority = authority.algorithm(algorithm);
    }
    let usual = habits.compatibility.authority().validity();
    if let Some(validity) = habits::validity(&certificate).filter(|validity| *validity != usual) {
        authority = authority.valid_for(validity);
    }
    if let Some((_, common_name)) = of_kind(store, pairs, FileKind::Ca(CaKind::Peer), remarks)? {
        authority = authority.peers(Peers::Separate);
        if authority.peer_common_name() != common_name {
            authority = authority.with_peer_common_name(&common_name)?;
        }
    }
    Ok(authority)
}

/// An authority's certificate and its common name.
fn of_kind(
    store: &Store,
    pairs: &[Pair],
    kind: FileKind,
    remarks: &mut Vec<Remark>,
) -> Result<Option<(Certificate, String)>> {
    let Some(pair) = pairs.iter().find(|pair| pair.kind == kind) else {
        return Ok(None);
    };
    let paths = pair.paths.below(store.directory());
    // Read again, for the error
    let certificates = read_certificates(&paths.certificate)?;
    if certificates.len() > 1 {
        let text = format!(
            "has {} certificates, of which the first is described",
            certificates.len()
        );
        remarks.push(Remark::new(pair.file(), text));
    }
    let certificate = certificates
        .into_iter()
        .next()
        .ok_or_else(|| missing(store))?;
    if !certificate.is_authority() {
        let reason = "its basicConstraints do not say CA:TRUE".to_owned();
        let subject = certificate.subject();
        return Err(Error::NotAnAuthority { subject, reason }.in_file(&paths.certificate));
    }
    if read_regular_file(&paths.key).is_err() {
        let text = "is not here, or cannot be read: without it nothing can be renewed";
        remarks.push(Remark::new(&pair.paths.key, text));
    } else if let Err(Error::File { error, .. }) =
        read_authority(&paths.certificate, &paths.key, None)
    {
        remarks.push(Remark::new(
            &pair.paths.key,
            format!("cannot sign: {error}"),
        ));
    }
    let Some(common_name) = certificate.common_name() else {
        return Err(Error::NotAdoptable {
            directory: store.directory().to_owned(),
            reason: format!(
                "its authority, {}, has no common name",
                certificate.subject()
            ),
            hint: "a specification names an authority by its common name".to_owned(),
        });
    };
    Ok(Some((certificate, common_name)))
}

fn missing(store: &Store) -> Error {
    let path = store.layout().ca(CaKind::Client).certificate;
    Error::NotAdoptable {
        directory: store.directory().to_owned(),
        reason: format!("{} is not there", path.display()),
        hint: "bring the certificate of the authority that has signed what is there".to_owned(),
    }
}
