//! Decides which CA certificates a host trusts, including those that arrive in the exchange
//! directory.
//!
//! Anyone who handles an exchange directory may have changed it. Therefore the first certificates
//! of a CA are trusted only if the user gives their fingerprints. Later certificates are trusted if
//! the owner of a trusted key vouches for them.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::SystemTime,
};

use der::{asn1::ObjectIdentifier, oid::AssociatedOid as _};
use x509_cert::ext::pkix::{
    ExtendedKeyUsage, InhibitAnyPolicy, NameConstraints, PolicyConstraints,
};

use super::{PlanOptions, ca::check_ca, current::Current, exchange::Refusal};
use crate::{
    cluster::{DesiredCa, DesiredPair},
    error::{Error, Result},
    finding::Finding,
    inspect::{CurrentCa, issuer, rules, signing_place},
    layout::{PairPaths, RotationFile},
    limits,
    store::{Attributes, Exchange, Store, read_certificates, unless_too_large},
    verify::{self, Verifier},
    x509::{bundle::all_pem, certificate::Certificate, fingerprint::Fingerprint},
};

/// The certificates that a host trusts for one of the cluster's CAs.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) desired: DesiredCa,
    pub(super) current: CurrentCa,
    /// The certificates that will be trusted. Leaves are compared with them. Empty if the host has
    /// no CA yet
    pub(super) bundle: Vec<Certificate>,
    /// The index of the signing CA in the bundle
    signing: usize,
    /// The necessary change
    pub(super) change: Option<Change>,
    /// The certificates of the first CA that arrived, if none of them is trusted
    pub(super) untrusted: Vec<Finding>,
    /// The symbolic link that replaces its file, or a folder above it
    link: Option<Finding>,
    /// The other CAs of a rotation: those with the name of the CA and another time
    pub(super) rotated: Vec<Certificate>,
    /// The fingerprints of the current certificates and of the arrived ones
    known: HashSet<Fingerprint>,
}

/// A change of the trust bundle.
#[derive(Debug)]
pub(super) struct Change {
    /// The new bundle, in PEM
    pub(super) text: String,
    /// The CA certificates that are no longer trusted
    pub(super) removed: Vec<Certificate>,
}

/// The data for judging a host's CA certificates.
pub(super) struct Arrival<'a> {
    pub(super) store: &'a Store,
    pub(super) exchange: &'a Exchange,
    pub(super) host: &'a str,
    pub(super) permissions: &'a Attributes,
    pub(super) options: &'a PlanOptions,
    /// The current pairs of the host
    pub(super) pairs: &'a [(DesiredPair, Current)],
    pub(super) now: SystemTime,
}

impl Trust {
    /// Reads a CA on its host and in the exchange directory. Decides which certificates will be
    /// trusted.
    pub(super) fn read(
        desired: DesiredCa,
        arrival: &Arrival<'_>,
        refused: &mut Vec<Refusal>,
    ) -> Result<Self> {
        let paths = desired.paths.below(arrival.store.directory());
        let common_name = desired.common_name();
        let permissions = arrival.permissions;
        let common_name = common_name.as_deref();
        let current = CurrentCa::read(&paths, &desired.paths, common_name, permissions)?;
        if let Some(certificate) = current.certificate() {
            check_ca(&desired, &paths, certificate, None)?;
        }
        let mut trust = Self {
            signing: signing_place(&current.bundle, common_name),
            bundle: current.bundle.clone(),
            link: rules::link(&paths.certificate, &desired.paths.certificate),
            desired,
            change: None,
            untrusted: Vec::new(),
            rotated: Vec::new(),
            known: current.bundle.iter().map(Fingerprint::of).collect(),
            current,
        };
        let path = arrival.path_of(&trust.desired.paths.certificate);
        let mut refuse = |reason: String| refused.push(Refusal::new(path.clone(), reason));
        let arrived = match arrival.certificates(&trust.desired.paths.certificate) {
            Ok(arrived) => arrived,
            Err(error) => {
                refused.push(Refusal::of(path, error));
                return Ok(trust.with_rotated());
            }
        };
        let certificates = arrived.iter().flatten();
        trust.known.extend(certificates.map(Fingerprint::of));
        let links = arrival.links(&trust.desired.paths);
        let judged = Judged::of(arrived, &trust.current.bundle, &links, arrival);
        judged
            .damaged
            .iter()
            .for_each(|error| refuse(error.to_string()));
        if trust.current.bundle.is_empty() && judged.accepted.is_empty() {
            let untrusted = judged.refused.iter();
            trust.untrusted = untrusted.map(|(one, _)| untrusted_ca(one, &path)).collect();
            return Ok(trust.with_rotated());
        }
        for (certificate, reason) in &judged.refused {
            refuse(format!("{}: {reason}", untrusted_ca(certificate, &path)));
        }
        if let Some(reason) = trust.adopt(judged, arrival)? {
            refuse(reason);
        }
        Ok(trust.with_rotated())
    }

    /// Finds the other CAs of a rotation. Without the keys, the names show them.
    fn with_rotated(mut self) -> Self {
        let signing = self.bundle.get(self.signing);
        let rotated = signing.map(|signing| {
            let others = self.bundle.iter().filter(|one| {
                one.is_ca()
                    && self.desired.is_named(one)
                    && one.public_key() != signing.public_key()
                    && one.subject() != signing.subject()
            });
            others.cloned().collect()
        });
        self.rotated = rotated.unwrap_or_default();
        self
    }

    /// Takes over the accepted certificates. Returns the reason if a part of that is impossible.
    fn adopt(&mut self, judged: Judged, arrival: &Arrival<'_>) -> Result<Option<String>> {
        let is_complete = judged.is_complete();
        let accepted = judged.accepted;
        if accepted.is_empty() {
            return Ok(None);
        }
        let is_missing = |one: &&Certificate| !accepted.contains(one);
        let is_replaced = |old: &&Certificate| accepted.iter().any(|new| is_later(new, old));
        let missing = self.current.bundle.iter().filter(is_missing);
        let missing: Vec<Certificate> = missing.filter(|old| !is_replaced(old)).cloned().collect();
        let mut refusal = None;
        let mut bundle = accepted;
        let mut removed = Vec::new();
        if let Some(first) = missing.first() {
            let necessary = match is_complete {
                true => self.necessary(&bundle, arrival)?,
                // A part of the file is refused or old, so missing certificates are not a removal
                false => None,
            };
            if is_complete && necessary.is_none() {
                removed = missing;
            } else {
                refusal = necessary.map(|why| {
                    format!(
                        "it lacks {}, SHA-256 {}, {why}: that CA stays trusted",
                        first.subject(),
                        first.fingerprint_sha256(),
                    )
                });
                bundle.extend(missing);
            }
        }
        if bundle == self.current.bundle {
            return Ok(refusal);
        }
        let signing = signing_place(&bundle, self.desired.common_name().as_deref());
        let paths = self.desired.paths.below(&arrival.folder());
        if let Some(certificate) = bundle.get(signing)
            && let Err(error) = check_ca(&self.desired, &paths, certificate, None)
        {
            return Ok(Some(match error {
                Error::OtherCa { found, wanted, .. } => {
                    format!("it is {found}, and the specification gives {wanted}")
                }
                error => error.to_string(),
            }));
        }
        self.change = Some(Change {
            text: all_pem(&bundle),
            removed,
        });
        self.bundle = bundle;
        self.signing = signing;
        Ok(refusal)
    }

    /// The reason why a bundle without some current CAs is not enough for the leaves of the
    /// directory. It also considers leaves that are not in the specification, because another
    /// program's server may trust the same file.
    fn necessary(&self, bundle: &[Certificate], arrival: &Arrival<'_>) -> Result<Option<String>> {
        let without = |path: &Path| format!("without which {} is not valid", path.display());
        if let Some(path) = self.unverified_by(bundle, arrival) {
            return Ok(Some(without(path)));
        }
        let mut is_enough_for_any = false;
        for (path, certificate) in arrival.store.certificates()? {
            if certificate.is_ca() {
                continue;
            }
            let chain = read_certificates(&path).unwrap_or_default();
            // The CA that signed an expired leaf also renews it
            let end = certificate.not_after().max(certificate.not_before());
            let instant = arrival.now.clamp(certificate.not_before(), end);
            let is_valid_with = |roots: &[Certificate]| {
                let verifier = Verifier::new(roots.iter().cloned()).at(instant);
                let verifier = verifier.with_intermediates(chain.iter().skip(1).cloned());
                verifier.verify(&certificate).is_accepted()
            };
            if is_valid_with(bundle) {
                is_enough_for_any = true;
            } else if is_valid_with(&self.current.bundle) {
                let path = path.strip_prefix(arrival.store.directory());
                return Ok(Some(without(path.unwrap_or_else(|_| Path::new("")))));
            }
        }
        let reason = "and no certificate here is valid with the others alone";
        Ok((!is_enough_for_any).then(|| reason.to_owned()))
    }

    /// A leaf of the specification and of this CA that these certificates do not verify.
    fn unverified_by<'a>(&self, bundle: &[Certificate], arrival: &Arrival<'a>) -> Option<&'a Path> {
        let pairs = arrival.pairs.iter();
        let mut own = pairs.filter(|(pair, _)| pair.ca == self.desired.kind);
        let verifier = Verifier::new(bundle.iter().cloned()).at(arrival.now);
        let unverified = own.find(|(_, current)| {
            let verifier = || {
                verifier
                    .clone()
                    .with_intermediates(current.chain().to_vec())
            };
            let leaf = current.certificate.present();
            leaf.is_some_and(|leaf| !verifier().verify(leaf).is_accepted())
        });
        unverified.map(|(pair, _)| &*pair.paths.certificate)
    }

    /// The reason why the CA's file is not trusted or not changed: an untrusted user owns it,
    /// or it must change and a symbolic link replaces it or a folder above it.
    pub(super) fn obstacle(&self) -> Option<&Finding> {
        let link = self.link.as_ref().filter(|_| self.change.is_some());
        self.current.owner.as_ref().or(link)
    }

    /// The trusted certificates with the name of the CA, each with its file. Without the CA's key,
    /// this host cannot know which of them sign for the cluster: a CA that replaces another one has
    /// the same name.
    pub(super) fn named(&self) -> impl Iterator<Item = (PathBuf, Certificate)> {
        let all = self.bundle.iter().chain(&self.current.bundle);
        all.filter(|one| one.is_ca() && self.desired.is_named(one))
            .map(|one| (self.desired.paths.certificate.clone(), one.clone()))
    }

    /// The certificate of the CA that signs leaves.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        self.bundle.get(self.signing)
    }
}

/// The fingerprints that the user gave and that match no certificate. Before the first CA arrives,
/// they are not reported, because they are for the certificates that are still missing.
pub(super) fn unmatched(trusts: &[Trust], arrival: &Arrival<'_>) -> Vec<Refusal> {
    if trusts.iter().all(|trust| trust.known.is_empty()) {
        return Vec::new();
    }
    let is_known = |given: &&Fingerprint| trusts.iter().any(|trust| trust.known.contains(*given));
    let mut seen = HashSet::new();
    let given = arrival.options.trust.iter();
    let unmatched = given.filter(|given| !is_known(given) && seen.insert(*given));
    let refusals = unmatched.map(|given| {
        let reason = format!(
            "no CA certificate that arrived or is trusted has the given SHA-256 {given}: compare \
             it with that of the CA"
        );
        Refusal::new(arrival.folder(), reason)
    });
    refusals.collect()
}

impl Arrival<'_> {
    /// The host's folder of the exchange directory.
    fn folder(&self) -> PathBuf {
        self.exchange.path().join(self.host)
    }

    /// A file of the host's folder.
    fn path_of(&self, relative: &Path) -> PathBuf {
        self.folder().join(relative)
    }

    /// The certificates that arrived for a CA. Each is read separately.
    fn certificates(&self, relative: &Path) -> Result<Vec<Result<Certificate>>> {
        let Some(bytes) = self.exchange.read(&Path::new(self.host).join(relative))? else {
            return Ok(Vec::new());
        };
        let all = Certificate::each_from_bytes(&bytes)?;
        let limit = limits::EXCHANGE_CAS;
        limits::check("trust bundle", all.len(), limit, "certificates")?;
        Ok(all)
    }

    /// The link certificates that arrived next to a CA's file. A file that cannot be read is
    /// ignored.
    fn links(&self, ca: &PairPaths) -> Vec<Certificate> {
        let link = ca.rotation(RotationFile::Link).certificate;
        let path = Path::new(self.host).join(link);
        let file = unless_too_large(self.exchange.read(&path)).ok().flatten();
        let all = file.and_then(|bytes| Certificate::each_from_bytes(&bytes).ok());
        let all = all.into_iter().flatten().flatten();
        all.take(limits::EXCHANGE_CAS).collect()
    }
}

/// The result of judging the arrived certificates of a CA.
struct Judged {
    /// The trusted certificates, in order
    accepted: Vec<Certificate>,
    /// The refused certificates, each with the reason
    refused: Vec<(Certificate, String)>,
    /// The errors of blocks that are not certificates
    damaged: Vec<Error>,
    /// Whether the file is older than a renewal that this host already has
    is_old: bool,
}

impl Judged {
    fn of(
        arrived: Vec<Result<Certificate>>,
        current: &[Certificate],
        links: &[Certificate],
        arrival: &Arrival<'_>,
    ) -> Self {
        let mut judged = Self {
            accepted: Vec::new(),
            refused: Vec::new(),
            damaged: Vec::new(),
            is_old: false,
        };
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        for one in arrived {
            match one {
                Ok(certificate) if seen.insert(Fingerprint::of(&certificate)) => {
                    all.push(certificate);
                }
                Ok(_) => {}
                Err(error) => judged.damaged.push(error),
            }
        }
        let is_given = |one: &Certificate| arrival.options.trusts(&Fingerprint::of(one));
        // A certificate that the user trusts by fingerprint can vouch for others, like a trusted
        // one
        let given = all.iter().filter(|one| is_given(one)).cloned();
        let trusted: Vec<Certificate> = current.iter().cloned().chain(given).collect();
        for certificate in all {
            if current.contains(&certificate) {
                judged.accept(certificate);
            } else if let Some(here) = current.iter().find(|here| {
                // If two certificates begin in the same second, the existing one is kept unless the
                // user gives the other one
                let is_tie = is_as_old(here, &certificate) && !is_given(&certificate);
                is_tie || is_later(here, &certificate)
            }) {
                judged.is_old = true;
                judged.accept(here.clone());
            } else {
                let accepted = if is_given(&certificate) {
                    Ok(())
                } else {
                    vouched(&certificate, &trusted, links, arrival.now)
                };
                match accepted.and_then(|()| check_usable(&certificate)) {
                    Ok(()) => judged.accept(certificate),
                    Err(reason) => judged.refused.push((certificate, reason)),
                }
            }
        }
        judged
    }

    fn accept(&mut self, certificate: Certificate) {
        if !self.accepted.contains(&certificate) {
            self.accepted.push(certificate);
        }
    }

    /// Whether the file contains all CAs that should be trusted, so that missing ones were removed
    /// there.
    fn is_complete(&self) -> bool {
        self.refused.is_empty() && self.damaged.is_empty() && !self.is_old
    }
}

/// Checks whether a trusted key vouches for a certificate. A key vouches for a certificate if it
/// signed it as its own certificate or for the key of a CA that is already trusted, or if it signed
/// a link certificate for the same name and key (NewWithOld in RFC 4210, section 4.4).
fn vouched(
    certificate: &Certificate,
    trusted: &[Certificate],
    links: &[Certificate],
    now: SystemTime,
) -> std::result::Result<(), String> {
    let has_key = |one: &Certificate| one.public_key() == certificate.public_key();
    if trusted.iter().any(has_key) {
        let signers = trusted.iter().chain([certificate]);
        return match issuer::is_signed_by(certificate, signers.filter(|one| one.is_ca())) {
            true => Ok(()),
            false => Err("it has the key of a trusted CA, and another CA signed it".to_owned()),
        };
    }
    // An accepted certificate becomes a root, so the restrictions of the link or of its signer
    // would be lost
    let mut own = links.iter().filter(|link| {
        let is_of_ca = link.is_ca() && certificate.names_issuer(link);
        is_of_ca && has_key(link) && !is_restricted(link)
    });
    let is_linked = own.any(|link| {
        let signers = trusted.iter().filter(|one| !is_restricted(one));
        let verifier = Verifier::new(signers.cloned()).at(now);
        verifier.verify(link).is_accepted()
    });
    if is_linked && issuer::is_signed_by(certificate, [certificate]) {
        return Ok(());
    }
    Err("no trusted CA vouches for it".to_owned())
}

/// Whether a CA certificate limits its chains to some names, usages or policies (RFC 5280, sections
/// 4.2.1.10 to 4.2.1.12 and 4.2.1.14). A path length is not such a restriction: a CA with path
/// length 1 can only sign links with path length 0.
fn is_restricted(ca: &Certificate) -> bool {
    const RESTRICTIONS: [ObjectIdentifier; 4] = [
        NameConstraints::OID,
        PolicyConstraints::OID,
        ExtendedKeyUsage::OID,
        InhibitAnyPolicy::OID,
    ];
    let extensions = ca.extensions();
    RESTRICTIONS
        .into_iter()
        .any(|oid| extensions.is_critical(oid).is_some())
}

/// Checks that a certificate is a CA certificate, and that etcd can read it.
fn check_usable(certificate: &Certificate) -> std::result::Result<(), String> {
    if !certificate.is_ca() {
        return Err("it is no certificate of a CA".to_owned());
    }
    let text = certificate.to_pem();
    let read = verify::trusted_ca(text.as_bytes());
    read.map(drop).map_err(|finding| finding.to_string())
}

/// Whether one certificate of a CA is later than another one with the same name and key.
fn is_later(new: &Certificate, old: &Certificate) -> bool {
    is_same_ca(new, old) && new.not_before() > old.not_before()
}

/// Whether two certificates of a CA begin at the same time.
fn is_as_old(one: &Certificate, other: &Certificate) -> bool {
    is_same_ca(one, other) && one.not_before() == other.not_before()
}

fn is_same_ca(one: &Certificate, other: &Certificate) -> bool {
    one.public_key() == other.public_key() && one.subject() == other.subject()
}

fn untrusted_ca(certificate: &Certificate, path: &Path) -> Finding {
    Finding::UntrustedCa {
        path: path.to_owned(),
        subject: certificate.subject(),
        fingerprint: certificate.fingerprint_sha256(),
    }
}

#[cfg(test)]
mod tests;
