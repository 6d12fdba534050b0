//! Issues certificates on request and reports the time: the Rust side of `tests/benches/python.py`,
//! which starts it.
//!
//! The line `call 100` on standard input issues a hundred certificates, each with one call;
//! `request 100` issues them through requests. The answer is a line with the seconds.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step stops the benchmark"
)]

use std::{hint::black_box, io, time::Instant};

use etcd_pki_core::{CertificateAuthority, CertificateRequest, Identity, PrivateKey, Role};

fn main() {
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let (job, times) = line.split_once(' ').unwrap();
        let job: fn(&CertificateAuthority) = if job == "call" { call } else { request };
        let times: u32 = times.parse().unwrap();
        let began = Instant::now();
        for _ in 0..times {
            job(&ca);
        }
        println!("{}", began.elapsed().as_secs_f64());
    }
}

fn identity() -> Identity {
    let identity = Identity::new("etcd-1").unwrap();
    identity.with_names(["etcd-1.lan", "10.0.0.11"]).unwrap()
}

/// Generates a key, signs, and writes PEM.
fn call(ca: &CertificateAuthority) {
    let bundle = ca.issue(Role::Member, identity()).unwrap();
    black_box(bundle.to_pem());
    black_box(bundle.to_secret_pem());
}

/// Generates a key and a request, checks the request, signs, and writes PEM.
fn request(ca: &CertificateAuthority) {
    let key = PrivateKey::generate().unwrap();
    let request = CertificateRequest::create(&key, Role::Member, identity()).unwrap();
    let request = CertificateRequest::from_pem(request.to_pem().as_bytes()).unwrap();
    let issued = ca.sign(&request, Role::Member, identity()).unwrap();
    black_box(issued.to_pem());
    black_box(key.to_secret_pem());
}
