//! Compares the time to issue with the time of the ring calls that it requires, and with rcgen:
//! `cargo bench --bench ratios`.
//!
//! All contestants do the same job in turn, round by round, so other load on the machine affects
//! all of them alike. The output has the median time of each contestant. It also has a ratio, the
//! median over the rounds of its time divided by ours in the same round. Above 1, etcd-pki is
//! faster.

#![allow(
    missing_docs,
    reason = "a benchmark has no readers of its documentation"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot do its job must stop"
)]

use std::{
    hint::black_box,
    time::{Instant, SystemTime},
};

use etcd_pki_core::{
    CertificateAuthority, CertificateRequest, Identity, KeyAlgorithm, PrivateKey, Profile, Role,
    x509::ExtendedKeyUsage,
};
use ring::{
    rand::SystemRandom,
    signature::{
        self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
        VerificationAlgorithm,
    },
};

const ROUNDS: usize = 41;

/// A job and its times.
struct Contestant<'a> {
    name: &'static str,
    job: Box<dyn FnMut() + 'a>,
    seconds: Vec<f64>,
}

impl<'a> Contestant<'a> {
    fn new(name: &'static str, job: impl FnMut() + 'a) -> Self {
        Self {
            name,
            job: Box::new(job),
            seconds: Vec::new(),
        }
    }

    fn round(&mut self, times: usize) {
        let began = Instant::now();
        for _ in 0..times {
            (self.job)();
        }
        self.seconds
            .push(began.elapsed().as_secs_f64() / times as f64);
    }

    /// The median of its time in each round, divided by the time of another in the same round.
    fn against(&self, other: &[f64]) -> f64 {
        median(
            self.seconds
                .iter()
                .zip(other)
                .map(|(own, other)| own / other),
        )
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Runs the contestants in turn. The first one is ours.
fn compete(title: &str, times: usize, mut contestants: Vec<Contestant<'_>>) {
    for _ in 0..ROUNDS {
        for contestant in &mut contestants {
            contestant.round(times);
        }
    }
    let ours = contestants[0].seconds.clone();
    println!("{title}");
    for contestant in &contestants {
        println!(
            "  {:<28} {:>9.1} µs   ratio {:.2}",
            contestant.name,
            median(contestant.seconds.iter().copied()) * 1e6,
            contestant.against(&ours)
        );
    }
}

fn elliptic(
    algorithm: KeyAlgorithm,
) -> (
    &'static EcdsaSigningAlgorithm,
    &'static dyn VerificationAlgorithm,
) {
    match algorithm {
        KeyAlgorithm::EcP384 => (
            &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            &signature::ECDSA_P384_SHA384_ASN1,
        ),
        _ => (
            &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            &signature::ECDSA_P256_SHA256_ASN1,
        ),
    }
}

/// The ring calls that issuing in one call requires: generate and sign.
fn ring_issue<'a>(algorithm: KeyAlgorithm, random: &'a SystemRandom) -> Box<dyn FnMut() + 'a> {
    let content = [7; 500];
    if algorithm == KeyAlgorithm::Ed25519 {
        let ca = Ed25519KeyPair::generate_pkcs8(random).unwrap();
        let ca = Ed25519KeyPair::from_pkcs8(ca.as_ref()).unwrap();
        return Box::new(move || {
            black_box(Ed25519KeyPair::generate_pkcs8(random).unwrap());
            black_box(ca.sign(&content));
        });
    }
    let (signing, _) = elliptic(algorithm);
    let ca = EcdsaKeyPair::generate_pkcs8(signing, random).unwrap();
    let ca = EcdsaKeyPair::from_pkcs8(signing, ca.as_ref(), random).unwrap();
    Box::new(move || {
        black_box(EcdsaKeyPair::generate_pkcs8(signing, random).unwrap());
        black_box(ca.sign(random, &content).unwrap());
    })
}

/// The ring calls that issuing through a request requires: generate, import, sign, verify, sign.
fn ring_request<'a>(algorithm: KeyAlgorithm, random: &'a SystemRandom) -> Box<dyn FnMut() + 'a> {
    let content = [7; 500];
    if algorithm == KeyAlgorithm::Ed25519 {
        let ca = Ed25519KeyPair::generate_pkcs8(random).unwrap();
        let ca = Ed25519KeyPair::from_pkcs8(ca.as_ref()).unwrap();
        return Box::new(move || {
            let key = Ed25519KeyPair::generate_pkcs8(random).unwrap();
            let key = Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap();
            let signed = key.sign(&content);
            signature::UnparsedPublicKey::new(&signature::ED25519, key.public_key().as_ref())
                .verify(&content, signed.as_ref())
                .unwrap();
            black_box(ca.sign(&content));
        });
    }
    let (signing, verifying) = elliptic(algorithm);
    let ca = EcdsaKeyPair::generate_pkcs8(signing, random).unwrap();
    let ca = EcdsaKeyPair::from_pkcs8(signing, ca.as_ref(), random).unwrap();
    Box::new(move || {
        let key = EcdsaKeyPair::generate_pkcs8(signing, random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(signing, key.as_ref(), random).unwrap();
        let signed = key.sign(random, &content).unwrap();
        signature::UnparsedPublicKey::new(verifying, key.public_key().as_ref())
            .verify(&content, signed.as_ref())
            .unwrap();
        black_box(ca.sign(random, &content).unwrap());
    })
}

/// Measures the check of a certificate before it is returned (the goal is 5 % of the time to
/// issue).
fn share_of_checking(
    ca: &CertificateAuthority,
    profile: Profile,
    identity: &Identity,
    times: usize,
) {
    let algorithm = profile.algorithm();
    let bundle = ca.issue(profile, identity).unwrap();
    let usages = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
    let now = SystemTime::now();
    let key = bundle.certificate().public_key();
    let mut check = Contestant::new("check", || {
        ca.check_signed(black_box(bundle.certificate()), &usages, now)
            .unwrap();
    });
    let mut issue = Contestant::new("issue", || {
        black_box(ca.issue(profile, identity).unwrap());
    });
    let mut certify = Contestant::new("certify", || {
        black_box(ca.at(now).certify(key, profile, identity).unwrap());
    });
    for _ in 0..ROUNDS {
        for contestant in [&mut check, &mut issue, &mut certify] {
            contestant.round(times);
        }
    }
    println!("checking what is issued, {algorithm}");
    println!(
        "  {:.2} µs: {:.1} % of issuing in one call, {:.1} % of signing for an existing key",
        median(check.seconds.iter().copied()) * 1e6,
        check.against(&issue.seconds) * 100.0,
        check.against(&certify.seconds) * 100.0,
    );
}

/// Issues the same certificates with rcgen.
mod peer {
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer,
        DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SignatureAlgorithm,
    };

    pub(super) fn algorithm(name: &str) -> &'static SignatureAlgorithm {
        match name {
            "ec-p384" => &rcgen::PKCS_ECDSA_P384_SHA384,
            "ed25519" => &rcgen::PKCS_ED25519,
            _ => &rcgen::PKCS_ECDSA_P256_SHA256,
        }
    }

    pub(super) fn ca(algorithm: &'static SignatureAlgorithm) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params
            .distinguished_name
            .push(DnType::CommonName, "etcd-ca");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        CertifiedIssuer::self_signed(params, KeyPair::generate_for(algorithm).unwrap()).unwrap()
    }

    fn member() -> CertificateParams {
        let names = [
            "etcd-1",
            "etcd-1.lan",
            "10.0.0.11",
            "localhost",
            "127.0.0.1",
            "::1",
        ];
        let mut params = CertificateParams::new(names.map(str::to_owned)).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "etcd-member-etcd-1");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params
    }

    pub(super) fn issue(
        algorithm: &'static SignatureAlgorithm,
        ca: &CertifiedIssuer<'static, KeyPair>,
    ) -> (String, String) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut params = member();
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, ca).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    pub(super) fn request(
        algorithm: &'static SignatureAlgorithm,
        ca: &CertifiedIssuer<'static, KeyPair>,
    ) -> (String, String) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let request = member().serialize_request(&key).unwrap();
        let mut request = CertificateSigningRequestParams::from_der(request.der()).unwrap();
        request.params.use_authority_key_identifier_extension = true;
        let certificate = request.signed_by(ca).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn main() {
    let random = SystemRandom::new();
    let identity = Identity::new("etcd-1")
        .unwrap()
        .with_names(["etcd-1.lan", "10.0.0.11"])
        .unwrap();
    for (algorithm, times) in [
        (KeyAlgorithm::EcP256, 200),
        (KeyAlgorithm::EcP384, 10),
        (KeyAlgorithm::Ed25519, 200),
    ] {
        let ca =
            CertificateAuthority::create_with("etcd-ca", Profile::ca().with_algorithm(algorithm))
                .unwrap();
        let profile = Role::Member.profile().with_algorithm(algorithm);
        share_of_checking(&ca, profile, &identity, times);
        let peer_algorithm = peer::algorithm(algorithm.name());
        let peer_ca = peer::ca(peer_algorithm);
        compete(
            &format!("issue in one call (key, sign, PEM), {algorithm}"),
            times,
            vec![
                Contestant::new("etcd-pki", || {
                    let bundle = ca.issue(profile, &identity).unwrap();
                    black_box(bundle.to_pem());
                    black_box(bundle.to_secret_pem());
                }),
                Contestant::new("ring: generate, sign", ring_issue(algorithm, &random)),
                Contestant::new("rcgen", || {
                    black_box(peer::issue(peer_algorithm, &peer_ca));
                }),
            ],
        );
        compete(
            &format!("issue through a request (key, request, check, sign, PEM), {algorithm}"),
            times,
            vec![
                Contestant::new("etcd-pki", || {
                    let key = PrivateKey::generate_with(algorithm).unwrap();
                    let request = CertificateRequest::create(&key, profile, &identity).unwrap();
                    let request = CertificateRequest::from_der(request.as_der()).unwrap();
                    let issued = ca.sign(&request, profile, &identity).unwrap();
                    black_box(issued.to_pem());
                    black_box(key.to_secret_pem());
                }),
                Contestant::new(
                    "ring: the calls of the job",
                    ring_request(algorithm, &random),
                ),
                Contestant::new("rcgen", || {
                    black_box(peer::request(peer_algorithm, &peer_ca));
                }),
            ],
        );
    }
}
