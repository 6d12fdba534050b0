//! rustls-webpki's verdict, with ring: an etcd client in Rust decides like this.
#![allow(clippy::expect_used, reason = "a failing step fails the test")]

use std::{fs, path::Path};

use etcd_pki_core::{Certificate, CertificateAuthority, Identity, Role};
use etcd_pki_tests::{Verdict, each};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

fn read(path: &Path) -> Vec<CertificateDer<'static>> {
    let text = fs::read(path).expect("a file");
    CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .expect("certificates in PEM")
}

fn check(ca: &Path, leaf: &Path, usage: KeyUsage, host: Option<&str>) -> Result<(), Error> {
    let (roots, chain) = (read(ca), read(leaf));
    let anchors = roots
        .iter()
        .map(anchor_from_trusted_cert)
        .collect::<Result<Vec<_>, _>>()?;
    let (leaf, intermediates) = chain.split_first().expect("a certificate in the file");
    let leaf = EndEntityCert::try_from(leaf)?;
    let now = UnixTime::now();
    leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        intermediates,
        now,
        usage,
        None,
        None,
    )?;
    match host {
        Some(host) => leaf.verify_is_valid_for_subject_name(
            &ServerName::try_from(host).expect("a name or an address"),
        ),
        None => Ok(()),
    }
}

fn verify(ca: &Path, leaf: &Path, usage: KeyUsage, host: Option<&str>) -> Verdict {
    match check(ca, leaf, usage, host) {
        Ok(()) => Verdict::Accepted,
        Err(error) => Verdict::Refused(format!("{error:?}")),
    }
}

#[test]
fn verifies_every_certificate_for_the_usages_of_its_role() {
    for (what, role, certificates) in each() {
        let (ca, leaf) = (certificates.ca(), &certificates.pair(role).certificate);
        verify(&ca, leaf, KeyUsage::client_auth(), None).assert_accepted(&what);
        for host in ["etcd-1.lan", "10.0.0.11", "fd00::11", "::1"] {
            let server = verify(&ca, leaf, KeyUsage::server_auth(), Some(host));
            if role == Role::Member {
                server.assert_accepted(format!("{what}: {host}"));
            } else {
                server.assert_refused(&what, "RequiredEkuNotFound");
            }
        }
        verify(&ca, leaf, KeyUsage::client_auth(), Some("10.0.0.12"))
            .assert_refused(&what, "CertNotValidForName");
    }
}

/// rustls takes the chain and the key of a bundle as they are.
#[test]
fn a_bundle_for_rustls() {
    let ca = CertificateAuthority::create("etcd-ca").expect("a CA");
    let identity = Identity::new("etcd-1").expect("an identity");
    let bundle = ca.issue(Role::Member, identity).expect("a bundle");
    let (own, secret) = (bundle.certificate().clone(), bundle.key().to_secret_der());
    let (chain, key) = bundle.into_rustls();
    assert_eq!(key.secret_der(), secret.as_slice());
    let [leaf] = chain.as_slice() else {
        panic!("{} certificates under a root", chain.len());
    };
    assert_eq!(
        Certificate::try_from(leaf.clone()).expect("a certificate"),
        own
    );

    let root = CertificateDer::from(ca.certificate());
    let anchors = [anchor_from_trusted_cert(&root).expect("a root")];
    let leaf = EndEntityCert::try_from(leaf).expect("a certificate");
    let (now, usage) = (UnixTime::now(), KeyUsage::server_auth());
    let algorithms = ALL_VERIFICATION_ALGS;
    leaf.verify_for_usage(algorithms, &anchors, &[], now, usage, None, None)
        .expect("a valid chain");
}
