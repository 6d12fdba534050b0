//! Checks rules of RFC 5280 that Go does not check.

use der::oid::AssociatedOid as _;
use x509_cert::{certificate::Version, ext::pkix::BasicConstraints};

use crate::{
    finding::Finding,
    x509::{certificate::Certificate, extensions::KeyUsage},
};

/// All violations of a chain, from the certificate upwards.
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
                "is a CA with basicConstraints that are not critical (RFC 5280, section 4.2.1.9)",
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

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CustomExtension, DistinguishedName, IsCa, KeyUsagePurpose};

    use super::*;
    use crate::test_certificates::{self, Made};

    /// Compares the reasons without their verb phrases.
    fn check(certificate: &Certificate, expected: &[&str]) {
        let found = shortcomings(certificate);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (reason, expected) in found.iter().zip(expected) {
            assert!(reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn cas() {
        let make = |change: &dyn Fn(&mut CertificateParams)| {
            let mut params = test_certificates::ca("ca", None);
            change(&mut params);
            Made::root(params).certificate
        };
        check(&make(&|_| {}), &[]);
        check(
            &make(&|params| params.key_usages.clear()),
            &["without keyUsage"],
        );
        let other = vec![KeyUsagePurpose::CrlSign];
        check(
            &make(&|params| params.key_usages.clone_from(&other)),
            &["without keyCertSign"],
        );
        check(
            &make(&|params| params.distinguished_name = DistinguishedName::new()),
            &["without a subject"],
        );
        // basicConstraints without the critical flag, and no key identifier
        let constraints = [0x30, 3, 1, 1, 0xff];
        check(
            &make(&|params| {
                params.is_ca = IsCa::NoCa;
                let id = [2, 5, 29, 19];
                let extension = CustomExtension::from_oid_content(&id, constraints.to_vec());
                params.custom_extensions = vec![extension];
            }),
            &["are not critical", "without a subject key identifier"],
        );
    }

    #[test]
    fn leaves() {
        let ca = Made::root(test_certificates::ca("ca", None));
        let sign = |change: &dyn Fn(&mut CertificateParams)| {
            let mut params = test_certificates::member("leaf");
            change(&mut params);
            ca.sign(params).certificate
        };
        check(&sign(&|_| {}), &[]);
        check(
            &sign(&|params| params.use_authority_key_identifier_extension = false),
            &["no authority key identifier"],
        );
        check(
            &sign(&|params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]),
            &["keyCertSign and is no CA"],
        );
        check(
            &sign(&|params| {
                // CA:FALSE and a path length
                let value = vec![0x30, 3, 2, 1, 0];
                let extension = CustomExtension::from_oid_content(&[2, 5, 29, 19], value);
                params.custom_extensions = vec![extension];
            }),
            &["a path length and is no CA"],
        );
        // A self-signed certificate needs no identifier of its issuer
        let mut own = test_certificates::leaf("leaf");
        own.use_authority_key_identifier_extension = false;
        check(&Made::root(own).certificate, &[]);
    }

    #[test]
    fn each_certificate_of_a_chain() {
        let mut params = test_certificates::ca("ca", None);
        params.key_usages.clear();
        let ca = Made::root(params);
        let leaf = ca.sign(test_certificates::member("leaf"));
        let found = super::check(&[leaf.certificate, ca.certificate.clone()]);
        let subject = ca.certificate.subject();
        assert!(matches!(&found[..], [Finding::Strict { subject: of, .. }] if *of == subject));
    }
}
