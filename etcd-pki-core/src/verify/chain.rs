//! Builds chains from a certificate to a trusted one.

use std::{collections::HashSet, time::SystemTime};

use der::oid::AssociatedOid as _;
use x509_cert::{
    certificate::Version,
    ext::pkix::{PolicyConstraints, SubjectAltName},
};

use super::{Verifier, check_extensions, check_time, name_constraints};
use crate::{
    error::Error,
    finding::Finding,
    x509::{certificate::Certificate, extensions::KeyUsage},
};

/// The limit of signature checks in Go's `crypto/x509`. No normal set of certificates needs as
/// many.
const SIGNATURE_CHECKS: usize = 100;

/// The search for a chain: depth first, trusted certificates before intermediates, as Go searches
/// (`buildChains`).
pub(super) struct Search<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) now: SystemTime,
    pub(super) signature_checks: usize,
    /// All chains
    pub(super) chains: Vec<Vec<Certificate>>,
    /// The first problem that stopped the search
    pub(super) failure: Option<Finding>,
}

impl Search<'_> {
    /// Finds every chain from a leaf: two roots may have the same key, and only one of them may
    /// allow the chain.
    pub(super) fn run(&mut self, leaf: &Certificate) {
        let leaf = leaf.clone();
        if self.verifier.roots.contains(&leaf) {
            self.chains.push(vec![leaf]);
        } else {
            self.climb(vec![leaf]);
        }
    }

    /// Extends the chain `below` at its last certificate.
    fn climb(&mut self, below: Vec<Certificate>) {
        let Some(top) = below.last() else { return };
        let verifier = self.verifier;
        let roots = candidates(&verifier.roots, top).into_iter();
        let intermediates = candidates(&verifier.intermediates, top).into_iter();
        let roots = roots.map(|root| (root, true));
        for (issuer, trusted) in roots.chain(intermediates.map(|middle| (middle, false))) {
            // Certificates that are already in the chain count too
            self.signature_checks += 1;
            if self.signature_checks > SIGNATURE_CHECKS {
                self.failure.get_or_insert_with(|| Finding::Signature {
                    subject: top.subject(),
                    reason: "there are too many candidates for its issuer".to_owned(),
                });
                return;
            }
            if is_in(issuer, &below) {
                continue;
            }
            if let Err(reason) = self.check_step(&below, top, issuer, trusted) {
                self.failure.get_or_insert(reason);
                continue;
            }
            let mut longer = below.clone();
            longer.push(issuer.clone());
            if trusted {
                self.chains.push(longer);
            } else {
                self.climb(longer);
            }
        }
    }

    /// Whether `issuer` may follow `top`, which ends the chain `below`.
    fn check_step(
        &self,
        below: &[Certificate],
        top: &Certificate,
        issuer: &Certificate,
        trusted: bool,
    ) -> Result<(), Finding> {
        check_signature(top, issuer)?;
        check_ca(issuer, trusted)?;
        check_time(issuer, self.now)?;
        check_extensions(issuer)?;
        if !trusted {
            check_policies(issuer)?;
        }
        check_path_length(issuer, below.len() - 1)?;
        let names = below.iter().filter_map(Certificate::alternative_names);
        name_constraints::check(issuer, names)
    }
}

/// Since version 1.24 Go requires a valid policy if policyConstraints do, except those of the
/// trusted CA (`policiesValid` in `crypto/x509/verify.go`). etcd-pki cannot judge policies.
pub(super) fn check_policies(certificate: &Certificate) -> Result<(), Finding> {
    let extensions = certificate.as_x509().tbs_certificate().extensions();
    let mut extensions = extensions.into_iter().flatten();
    if extensions.any(|extension| extension.extn_id == PolicyConstraints::OID) {
        return Err(Finding::NotSupported {
            subject: Some(certificate.subject()),
            what: "policyConstraints".to_owned(),
        });
    }
    Ok(())
}

/// Whether a CA allows this number of CAs between itself and a leaf.
pub(super) fn check_path_length(issuer: &Certificate, between: usize) -> Result<(), Finding> {
    match issuer.path_length() {
        Some(path_length) if between > usize::from(path_length) => Err(Finding::PathTooLong {
            ca: issuer.subject(),
            path_length,
        }),
        _ => Ok(()),
    }
}

/// The certificates that may have signed another, each once, in order of likelihood: the key
/// identifiers match, only one of them exists, they differ (`findPotentialParents`).
fn candidates<'a>(pool: &'a [Certificate], signed: &Certificate) -> Vec<&'a Certificate> {
    let mut seen = HashSet::new();
    let mut found: Vec<_> = pool
        .iter()
        .filter(|issuer| signed.names_issuer(issuer) && seen.insert(issuer.as_der()))
        .collect();
    let wanted = signed.authority_key_identifier().unwrap_or_default();
    found.sort_by_key(|issuer| {
        let identifier = issuer.subject_key_identifier().unwrap_or_default();
        match (
            identifier == wanted,
            identifier.is_empty() || wanted.is_empty(),
        ) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        }
    });
    found
}

/// Whether a chain contains a certificate with the same subject, key and alternative names
/// (`alreadyInChain`).
fn is_in(candidate: &Certificate, chain: &[Certificate]) -> bool {
    let names = alternative_names(candidate);
    chain
        .iter()
        .filter(|certificate| {
            let (content, candidate) = (
                certificate.as_x509().tbs_certificate(),
                candidate.as_x509().tbs_certificate(),
            );
            content.subject() == candidate.subject()
                && content.subject_public_key_info() == candidate.subject_public_key_info()
        })
        .any(|certificate| alternative_names(certificate) == names)
}

fn alternative_names(certificate: &Certificate) -> Option<&[u8]> {
    let extensions = certificate.as_x509().tbs_certificate().extensions()?;
    let found = extensions
        .iter()
        .find(|extension| extension.extn_id == SubjectAltName::OID)?;
    Some(found.extn_value.as_bytes())
}

fn check_signature(subject: &Certificate, issuer: &Certificate) -> Result<(), Finding> {
    let failed = |reason| Finding::Signature {
        subject: subject.subject(),
        reason,
    };
    match subject.check_issued_by(issuer) {
        Ok(()) => Ok(()),
        Err(Error::Signature { .. }) if is_another_of_the_name(subject, issuer) => {
            Err(Finding::OtherCa {
                issuer: subject.issuer(),
                ca: None,
                same_name: true,
            })
        }
        Err(Error::Unsupported { what, .. }) => Err(Finding::NotSupported {
            subject: Some(subject.subject()),
            what,
        }),
        Err(Error::Signature { reason, .. }) => Err(failed(reason)),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Whether the key identifiers show that another CA with the same name signed it. This happens
/// after a CA is replaced.
fn is_another_of_the_name(subject: &Certificate, issuer: &Certificate) -> bool {
    match (
        subject.authority_key_identifier(),
        issuer.subject_key_identifier(),
    ) {
        (Some(wanted), Some(found)) => wanted != found,
        _ => false,
    }
}

/// Go accepts a CA with CA:TRUE and, if keyUsage is not empty, keyCertSign. A trusted CA of an
/// X.509 version without extensions needs no CA:TRUE (`CheckSignatureFrom`, `isValid`).
pub(super) fn check_ca(issuer: &Certificate, trusted: bool) -> Result<(), Finding> {
    let is_of_third_version = issuer.as_x509().tbs_certificate().version() == Version::V3;
    let needs_constraints = !trusted || is_of_third_version;
    let usages = issuer.key_usages().unwrap_or_default();
    let constraints = issuer.extensions().basic_constraints;
    let has_constraints = constraints.is_some_and(|found| found.is_ca);
    let reason = if needs_constraints && !has_constraints {
        "its basicConstraints do not say CA:TRUE"
    } else if !usages.is_empty() && !usages.contains(&KeyUsage::KeyCertSign) {
        "its keyUsage lacks keyCertSign"
    } else {
        return Ok(());
    };
    Err(Finding::NotCa {
        subject: issuer.subject(),
        reason: reason.to_owned(),
    })
}
