//! Python's verdict: a strict handshake of the standard library's `ssl`, and pyca's verifier.

use etcd_pki_core::{KeyAlgorithm, Role};
use etcd_pki_tests::{Credentials, certificates, each, pyca, python};

#[test]
fn shakes_hands_with_a_member_as_every_role() {
    for (what, role, certificates) in each() {
        let member = certificates.credentials(Role::Member);
        let client = certificates.credentials(role);
        for host in ["etcd-1.lan", "127.0.0.1", "::1"] {
            python::handshake(&member, &client, host).assert_accepted(format!("{what}: {host}"));
        }
        python::handshake(&member, &client, "10.0.0.12")
            .assert_refused(&what, "IP address mismatch");
        if role != Role::Member {
            python::handshake(&client, &client, "0.0.0.0")
                .assert_refused(&what, "unsuitable certificate purpose");
        }
    }
}

#[test]
fn refuses_no_certificate_and_another_ca() {
    let [one, other, ..] = certificates() else {
        panic!("fewer than two CAs");
    };
    let member = one.credentials(Role::Member);
    let nobody = Credentials::without_certificate(one.ca());
    python::handshake(&member, &nobody, "etcd-1")
        .assert_refused("no certificate", "peer did not return a certificate");
    let stranger = Credentials {
        ca: one.ca(),
        ..other.credentials(Role::Client)
    };
    python::handshake(&member, &stranger, "etcd-1")
        .assert_refused("another CA's", "unable to get local issuer certificate");
}

#[test]
fn pyca_verifies_every_certificate_for_the_usages_of_its_role() {
    for (what, role, certificates) in each() {
        let (ca, leaf) = (certificates.ca(), &certificates.pair(role).certificate);
        let client = pyca::verify_client(&ca, leaf);
        if certificates.algorithm() == KeyAlgorithm::Ed25519 {
            client.assert_refused(&what, "Forbidden public key algorithm");
            continue;
        }
        client.assert_accepted(&what);
        if role == Role::Member {
            for host in ["etcd-1.lan", "10.0.0.11"] {
                pyca::verify_server(&ca, leaf, host).assert_accepted(&what);
            }
        } else {
            pyca::verify_server(&ca, leaf, "0.0.0.0")
                .assert_refused(&what, "required EKU not found");
        }
    }
}

#[test]
fn pyca_verifies_every_request() {
    for (what, role, certificates) in each() {
        pyca::request(&certificates.request(role)).assert_accepted(what);
    }
}
