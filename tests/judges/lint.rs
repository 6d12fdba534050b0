//! pkilint's verdict on the encoding of a certificate.

use etcd_pki_core::Role;
use etcd_pki_tests::{certificates, each, pkilint};

#[test]
fn finds_nothing_but_names_of_one_label() {
    for (what, role, certificates) in each() {
        let findings = pkilint::lint(&certificates.pair(role).certificate);
        for finding in &findings {
            // etcd's clients connect to names such as `localhost` and `etcd-1`; only public CAs may
            // not certify them.
            assert_eq!(
                (role, finding.code.as_str()),
                (Role::Member, "pkix.invalid_domain_name_syntax"),
                "{what}: {findings:?}"
            );
        }
    }
}

#[test]
fn finds_nothing_in_a_ca() {
    for certificates in certificates() {
        assert_eq!(
            pkilint::lint(&certificates.ca()),
            [],
            "{}",
            certificates.algorithm()
        );
    }
}
