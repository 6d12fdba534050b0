//! What RFC 5280 demands and Go does not look at.

use der::oid::AssociatedOid as _;
use x509_cert::{certificate::Version, ext::pkix::BasicConstraints};

use crate::{certificate::Certificate, extensions::KeyUsage, finding::Finding};

/// All that a chain lacks, from the certificate up.
pub(super) fn check(chain: &[Certificate]) -> Vec<Finding> {
    chain
        .iter()
        .flat_map(|certificate| {
            shortcomings(certificate)
                .into_iter()
                .map(|reason| Finding::Strict {
                    subject: certificate.subject(),
                    reason,
                })
        })
        .collect()
}

fn shortcomings(certificate: &Certificate) -> Vec<&'static str> {
    let content = certificate.as_x509().tbs_certificate();
    let critical = certificate.extensions().is_critical(BasicConstraints::OID);
    let mut found = Vec::new();
    if content.version() != Version::V3 {
        found.push("is not of version 3 (RFC 5280, section 4.1.2.1)");
    }
    if certificate.is_ca() {
        match certificate.key_usages() {
            None => found.push("is a CA without keyUsage (RFC 5280, section 4.2.1.3)"),
            Some(usages) if !usages.contains(&KeyUsage::KeyCertSign) => {
                found.push("is a CA without keyCertSign (RFC 5280, section 4.2.1.3)");
            }
            Some(_) => {}
        }
        if critical == Some(false) {
            found.push(
                "is a CA whose basicConstraints are not critical (RFC 5280, section 4.2.1.9)",
            );
        }
        if certificate.subject_key_identifier().is_none() {
            found.push("is a CA without a subject key identifier (RFC 5280, section 4.2.1.2)");
        }
        if content.subject().is_empty() {
            found.push("is a CA without a subject (RFC 5280, section 4.1.2.6)");
        }
    } else {
        if certificate.path_length().is_some() {
            found.push("has a path length and is no CA (RFC 5280, section 4.2.1.9)");
        }
        let usages = certificate.key_usages().unwrap_or_default();
        if usages.contains(&KeyUsage::KeyCertSign) {
            found.push("has keyCertSign and is no CA (RFC 5280, section 4.2.1.3)");
        }
    }
    if !certificate.is_self_issued() && certificate.authority_key_identifier().is_none() {
        found.push("has no authority key identifier (RFC 5280, section 4.2.1.1)");
    }
    found
}
