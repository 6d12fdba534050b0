//! Measures each operation: `cargo bench --bench operations`. For figures that can be compared, see
//! `ratios.rs`.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot do its job must stop"
)]

use divan::Bencher;
use etcd_pki_core::{
    Certificate, CertificateAuthority, CertificateRequest, Identity, KeyAlgorithm, PrivateKey,
    Profile, Role, verify::Verifier,
};

const ALL: [KeyAlgorithm; 6] = KeyAlgorithm::ALL;
/// RSA is left out: generating a key takes so long that the time to issue a certificate does not
/// matter.
const QUICK: [KeyAlgorithm; 3] = [
    KeyAlgorithm::EcP256,
    KeyAlgorithm::EcP384,
    KeyAlgorithm::Ed25519,
];

fn main() {
    divan::main();
}

fn ca(algorithm: KeyAlgorithm) -> CertificateAuthority {
    let profile = Profile::ca().with_algorithm(algorithm);
    CertificateAuthority::create_with("etcd-ca", profile).unwrap()
}

fn identity() -> Identity {
    let names = ["etcd-1.lan", "10.0.0.11"];
    Identity::new("etcd-1").unwrap().with_names(names).unwrap()
}

#[divan::bench(args = ALL, max_time = 10)]
fn generate_key(algorithm: KeyAlgorithm) -> PrivateKey {
    PrivateKey::generate_with(algorithm).unwrap()
}

#[divan::bench(args = ALL)]
fn load_key(bencher: Bencher<'_, '_>, algorithm: KeyAlgorithm) {
    let key = PrivateKey::generate_with(algorithm).unwrap();
    let pem = key.to_secret_pem();
    bencher.bench(|| PrivateKey::from_pem(pem.as_bytes()).unwrap());
}

#[divan::bench(args = QUICK)]
fn issue(bencher: Bencher<'_, '_>, algorithm: KeyAlgorithm) {
    let (ca, identity) = (ca(algorithm), identity());
    let profile = Role::Member.profile().with_algorithm(algorithm);
    bencher.bench(|| {
        let bundle = ca.issue(profile, &identity).unwrap();
        (bundle.to_pem(), bundle.to_secret_pem())
    });
}

#[divan::bench(args = QUICK)]
fn issue_through_a_request(bencher: Bencher<'_, '_>, algorithm: KeyAlgorithm) {
    let (ca, identity) = (ca(algorithm), identity());
    bencher.bench(|| {
        let key = PrivateKey::generate_with(algorithm).unwrap();
        let request = CertificateRequest::create(&key, Role::Member, &identity).unwrap();
        let request = CertificateRequest::from_der(request.as_der()).unwrap();
        let issued = ca.sign(&request, Role::Member, &identity).unwrap();
        (issued.to_pem(), key.to_secret_pem())
    });
}

#[divan::bench(args = ALL)]
fn sign_a_request(bencher: Bencher<'_, '_>, algorithm: KeyAlgorithm) {
    let (ca, identity) = (ca(algorithm), identity());
    let key = PrivateKey::generate_with(algorithm).unwrap();
    let request = CertificateRequest::create(&key, Role::Member, &identity).unwrap();
    bencher.bench(|| ca.sign(&request, Role::Member, &identity).unwrap());
}

#[divan::bench(args = ALL)]
fn read_and_check_a_request(bencher: Bencher<'_, '_>, algorithm: KeyAlgorithm) {
    let key = PrivateKey::generate_with(algorithm).unwrap();
    let request = CertificateRequest::create(&key, Role::Member, identity()).unwrap();
    bencher.bench(|| CertificateRequest::from_der(request.as_der()).unwrap());
}

#[divan::bench]
fn read_a_certificate(bencher: Bencher<'_, '_>) {
    let bundle = ca(KeyAlgorithm::EcP256)
        .issue(Role::Member, identity())
        .unwrap();
    let pem = bundle.to_pem();
    bencher.bench(|| Certificate::from_pem(&pem).unwrap());
}

#[divan::bench]
fn write_a_certificate_as_pem(bencher: Bencher<'_, '_>) {
    let bundle = ca(KeyAlgorithm::EcP256)
        .issue(Role::Member, identity())
        .unwrap();
    bencher.bench(|| bundle.to_pem());
}

#[divan::bench(args = ALL)]
fn verify(bencher: Bencher<'_, '_>, algorithm: KeyAlgorithm) {
    let ca = ca(algorithm);
    let bundle = ca.issue(Role::Member, identity()).unwrap();
    let verifier = Verifier::new([ca.certificate().clone()])
        .with_role(Role::Member)
        .with_host("10.0.0.11".parse().unwrap());
    bencher.bench(|| verifier.verify(bundle.certificate()).is_accepted());
}
