//! The way from a certificate to a trusted one.

use std::{collections::HashSet, time::SystemTime};

use x509_cert::certificate::Version;

use super::{Reason, Verifier, check_extensions, check_time, name_constraints};
use crate::{certificate::Certificate, error::Error, extensions::KeyUsage};

/// More signature checks than any honest set of certificates needs; the limit of Go's `crypto/x509`.
const SIGNATURE_CHECKS: usize = 100;

/// The search for a chain: depth first, trusted certificates before intermediates, as Go searches.
pub(super) struct Search<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) now: SystemTime,
    pub(super) signature_checks: usize,
    /// The chains that were found
    pub(super) chains: Vec<Vec<Certificate>>,
    /// What stopped the search first
    pub(super) failure: Option<Reason>,
}

impl Search<'_> {
    /// Climbs from the uppermost certificate `below`, and gathers every way to a trusted one: what one root does not allow,
    /// another with the same key may.
    pub(super) fn climb(&mut self, below: Vec<Certificate>) {
        let Some(top) = below.last() else { return };
        if self.verifier.roots.contains(top) {
            self.chains.push(below);
            return;
        }
        let verifier = self.verifier;
        let candidates = verifier.roots.iter().map(|root| (root, true));
        let candidates =
            candidates.chain(verifier.intermediates.iter().map(|middle| (middle, false)));
        let mut seen = HashSet::new();
        for (issuer, trusted) in candidates {
            let is_candidate = issuer.as_x509().tbs_certificate().subject()
                == top.as_x509().tbs_certificate().issuer()
                && !below.contains(issuer)
                && seen.insert(issuer.as_der());
            if !is_candidate {
                continue;
            }
            if let Err(reason) = self.check_step(&below, issuer, trusted) {
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

    /// Whether `issuer` may stand above the certificates `below`, the leaf first.
    fn check_step(
        &mut self,
        below: &[Certificate],
        issuer: &Certificate,
        trusted: bool,
    ) -> Result<(), Reason> {
        let Some(top) = below.last() else {
            return Ok(());
        };
        self.signature_checks += 1;
        if self.signature_checks > SIGNATURE_CHECKS {
            return Err(Reason::Signature {
                subject: top.subject(),
                reason: "there are too many candidates for its issuer".to_owned(),
            });
        }
        check_signature(top, issuer)?;
        check_authority(issuer, trusted)?;
        check_time(issuer, self.now)?;
        check_extensions(issuer)?;
        if let Some(path_length) = issuer.path_length().filter(|_| issuer.is_authority())
            && below.len() - 1 > usize::from(path_length)
        {
            return Err(Reason::PathTooLong {
                authority: issuer.subject(),
                path_length,
            });
        }
        name_constraints::check(issuer, below)
    }
}

fn check_signature(subject: &Certificate, issuer: &Certificate) -> Result<(), Reason> {
    let failed = |reason| Reason::Signature {
        subject: subject.subject(),
        reason,
    };
    match subject.check_issued_by(issuer) {
        Ok(()) => Ok(()),
        Err(Error::Signature { .. }) if is_another_of_the_name(subject, issuer) => {
            Err(Reason::UnknownAuthority {
                issuer: format!(
                    "{}; the trusted one has the same name and another key",
                    subject.issuer()
                ),
            })
        }
        Err(Error::Signature { reason, .. }) => Err(failed(reason)),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Whether the key identifiers say that another CA of the same name has signed: the usual end of a CA that was made anew.
fn is_another_of_the_name(subject: &Certificate, issuer: &Certificate) -> bool {
    match (
        subject.authority_key_identifier(),
        issuer.subject_key_identifier(),
    ) {
        (Some(wanted), Some(found)) => wanted != found,
        _ => false,
    }
}

/// Go takes a CA without keyUsage, and a trusted one of X.509's first version, which had no extensions; else it must say CA:TRUE
/// and, where it has keyUsage, keyCertSign (`CheckSignatureFrom`, `isValid`).
fn check_authority(issuer: &Certificate, trusted: bool) -> Result<(), Reason> {
    let is_of_third_version = issuer.as_x509().tbs_certificate().version() == Version::V3;
    let needs_constraints = !trusted || is_of_third_version;
    let reason = if needs_constraints && !issuer.is_authority() {
        "its basicConstraints do not say CA:TRUE"
    } else if issuer
        .key_usages()
        .is_some_and(|usages| !usages.contains(&KeyUsage::KeyCertSign))
    {
        "its keyUsage lacks keyCertSign"
    } else {
        return Ok(());
    };
    Err(Reason::NotAnAuthority {
        subject: issuer.subject(),
        reason: reason.to_owned(),
    })
}
