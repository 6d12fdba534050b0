//! Go's verdict, which is etcd's: `tls.X509KeyPair`, `x509.Verify` for both usages, and requests.

use etcd_pki_core::Role;
use etcd_pki_tests::{each, go};

const INCOMPATIBLE: &str = "certificate specifies an incompatible key usage";

#[test]
fn loads_every_pair() {
    for (what, role, certificates) in each() {
        let pair = certificates.pair(role);
        go::key_pair(&pair.certificate, &pair.key).assert_accepted(what);
    }
}

#[test]
fn refuses_a_key_of_another_certificate() {
    for (what, role, certificates) in each() {
        let other = if role == Role::Node {
            Role::Client
        } else {
            Role::Node
        };
        go::key_pair(
            &certificates.pair(role).certificate,
            &certificates.pair(other).key,
        )
        .assert_refused(what, "private key does not match public key");
    }
}

#[test]
fn verifies_every_certificate_for_the_usages_of_its_role() {
    for (what, role, certificates) in each() {
        let (ca, leaf) = (certificates.ca(), &certificates.pair(role).certificate);
        go::verify(&ca, leaf).client().assert_accepted(&what);
        let server = go::verify(&ca, leaf).server();
        if role == Role::Member {
            server.assert_accepted(&what);
        } else {
            server.assert_refused(&what, INCOMPATIBLE);
        }
    }
}

#[test]
fn takes_a_member_by_its_names_alone() {
    for certificates in etcd_pki_tests::certificates() {
        let (ca, leaf) = (
            certificates.ca(),
            &certificates.pair(Role::Member).certificate,
        );
        for host in [
            "etcd-1",
            "etcd-1.lan",
            "10.0.0.11",
            "fd00::11",
            "localhost",
            "127.0.0.1",
            "::1",
        ] {
            go::verify(&ca, leaf)
                .host(host)
                .server()
                .assert_accepted(host);
        }
        go::verify(&ca, leaf)
            .host("10.0.0.12")
            .server()
            .assert_refused(
                "another address",
                "certificate is valid for 10.0.0.11, fd00::11, 127.0.0.1, ::1, not 10.0.0.12",
            );
        go::verify(&ca, leaf)
            .host("etcd-2")
            .server()
            .assert_refused(
                "another name",
                "certificate is valid for etcd-1, etcd-1.lan",
            );
    }
}

#[test]
fn refuses_what_is_over_or_yet_to_come() {
    for (what, role, certificates) in each() {
        let (ca, leaf) = (certificates.ca(), &certificates.pair(role).certificate);
        for instant in ["2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"] {
            go::verify(&ca, leaf)
                .at(instant)
                .client()
                .assert_refused(&what, "certificate has expired or is not yet valid");
        }
    }
}

#[test]
fn verifies_every_request() {
    for (what, role, certificates) in each() {
        go::request(&certificates.request(role)).assert_accepted(what);
    }
}
