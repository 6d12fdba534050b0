//! Describes the CAs of a directory.

use std::path::Path;

use super::{
    Remark,
    admin::is_organization,
    habits::{self, Habits},
    pair::Pair,
    recognize,
};
use crate::{
    ca::base_name,
    cluster::{CaSpec, CommonName, Peers},
    error::{Error, Result},
    inspect::issuer,
    key::KeyAlgorithm,
    layout::{CaKind, FileKind},
    store::{Store, read_ca, read_certificates, read_regular_file},
    time::clock,
    x509::certificate::Certificate,
};

/// The part of the specification on the CAs.
pub(super) fn describe(
    store: &Store,
    pairs: &[Pair],
    habits: &Habits,
    remarks: &mut Vec<Remark>,
) -> Result<CaSpec> {
    let certificate =
        of_kind(store, pairs, CaKind::Client, remarks)?.ok_or_else(|| missing(store, None))?;
    let algorithm = certificate.public_key().algorithm().map(KeyAlgorithm::made);
    let usual = habits.compatibility.ca().validity();
    let mut ca = CaSpec {
        common_name: described_name(&certificate),
        algorithm: algorithm.filter(|algorithm| *algorithm != habits.ca_algorithm()),
        validity: habits::validity(&certificate).filter(|validity| *validity != usual),
        ..CaSpec::default()
    };
    if let [organization] = certificate.organizations().as_slice()
        // An organization that no new certificate can have becomes a remark on the subject
        && is_organization(organization)
    {
        ca.organization = Some(organization.clone());
    }
    if let Some(certificate) = of_kind(store, pairs, CaKind::Peer, remarks)? {
        ca.peers = Some(Peers::Separate);
        let common_name = described_name(&certificate);
        if ca.peer_common_name() != common_name {
            ca.peer_common_name = common_name.map_or(CommonName::Absent, CommonName::Given);
        }
    }
    Ok(ca)
}

/// The common name of a CA, without the time that a rotation adds: the specification stays valid
/// during and after a rotation.
fn described_name(certificate: &Certificate) -> Option<String> {
    let name = certificate.common_name()?;
    match base_name(&name) {
        "" => None,
        base => Some(base.to_owned()),
    }
}

/// A CA's certificate; `None` if its file is missing.
fn of_kind(
    store: &Store,
    pairs: &[Pair],
    kind: CaKind,
    remarks: &mut Vec<Remark>,
) -> Result<Option<Certificate>> {
    let relative = store.layout().ca(kind);
    let paths = relative.below(store.directory());
    let Some(pair) = pairs.iter().find(|pair| pair.kind == FileKind::Ca(kind)) else {
        if paths.certificate.exists() {
            // Returns the error of the file
            read_certificates(&paths.certificate)?;
        }
        return Ok(None);
    };
    let certificates = read_certificates(&paths.certificate)?;
    // The signing CA, at any position in the bundle
    let Some(certificate) = pair.certificate.clone() else {
        return Ok(None);
    };
    if certificates.len() > 1 {
        let text = format!(
            "has {} certificates; {} is described",
            certificates.len(),
            certificate.subject()
        );
        remarks.push(Remark::new(pair.file(), text));
    }
    for idle in entries_without_signature(&certificates, pairs) {
        let text = format!(
            "also has {}, serial {}, which has signed nothing here; it stays",
            idle.subject(),
            idle.serial_number()
        );
        remarks.push(Remark::new(pair.file(), text));
    }
    if !certificate.is_ca() {
        let reason = "its basicConstraints do not say CA:TRUE".to_owned();
        let subject = certificate.subject();
        return Err(Error::NotACa { subject, reason }.in_file(&paths.certificate));
    }
    if read_regular_file(&paths.key).is_err() {
        let text = "is not here, or cannot be read: without it nothing can be renewed";
        remarks.push(Remark::new(&pair.paths.key, text));
    } else if let Err(Error::File { error, .. }) =
        read_ca(&paths.certificate, &paths.key, None, clock::now())
    {
        remarks.push(Remark::new(
            &pair.paths.key,
            format!("cannot sign: {error}"),
        ));
    }
    Ok(Some(certificate))
}

/// The entries of a trust bundle that signed neither a leaf of the directory nor another entry. If
/// there is only one entry, it is the CA.
fn entries_without_signature<'a>(
    bundle: &'a [Certificate],
    pairs: &[Pair],
) -> impl Iterator<Item = &'a Certificate> {
    let leaves = pairs.iter().filter_map(|pair| pair.certificate.as_ref());
    let leaves = leaves.filter(|certificate| !certificate.is_ca());
    let leaves: Vec<&Certificate> = leaves.collect();
    let has_signed = move |ca: &Certificate| {
        let is_signed = |one: &&Certificate| {
            one.public_key() != ca.public_key() && issuer::is_signed_by(one, [ca])
        };
        let mut others = leaves.iter().copied().chain(bundle);
        others.any(|one| is_signed(&one))
    };
    let several = bundle.iter().filter(|_| bundle.len() > 1);
    several.filter(move |ca| !has_signed(ca))
}

/// The error for a directory without the CA's certificate. It names a subdirectory that may have
/// it.
pub(super) fn missing(store: &Store, below: Option<&Path>) -> Error {
    let path = store.layout().ca(CaKind::Client).certificate;
    let hint = match below {
        Some(below) => recognize::did_you_mean(store.directory(), below),
        None => "copy the certificate of the CA that signed the certificates into the directory"
            .to_owned(),
    };
    Error::NotAdoptable {
        directory: store.directory().to_owned(),
        reason: format!("{} is missing", path.display()),
        hint,
    }
}
