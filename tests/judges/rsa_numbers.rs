//! RSA keys with wrong or weak numbers: Go refuses them, and so does this crate.
use std::fs;

use etcd_pki_core::{Error, PrivateKey, verify};
use etcd_pki_tests::{
    Scratch, Verdict,
    go::{self, Files},
    openssl,
};
use pem_rfc7468::LineEnding;
use pkcs1::{EncodeRsaPrivateKey as _, RsaPrivateKeyOwned, der::Decode as _};

/// Go's answer about a key file. The reader that is as strict as Go gives the same.
#[track_caller]
fn go_reads(name: &str, file: &[u8]) -> bool {
    let answers = go::files(&[Files::Key(file.to_vec())]);
    let go = answers == [Verdict::Accepted];
    let ours = verify::private_key(file);
    assert_eq!(ours.is_ok(), go, "{name}: ours {ours:?}, Go {answers:?}");
    go
}

fn made() -> RsaPrivateKeyOwned {
    let scratch = Scratch::new("rsa-numbers");
    let call = |line: &str| openssl::call(scratch.path(), line);
    call("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out first");
    call("rsa -in first -traditional -outform DER -out key");
    RsaPrivateKeyOwned::from_der(&fs::read(scratch.path().join("key")).unwrap()).unwrap()
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let text = pem_rfc7468::encode_string(label, LineEnding::LF, der);
    text.unwrap().into_bytes()
}

/// Takes one number of a key from another key.
type Damage = fn(&mut RsaPrivateKeyOwned, &RsaPrivateKeyOwned);

#[test]
fn numbers_that_do_not_belong_together() {
    let (good, other) = (made(), made());
    let damages: [(&str, Damage); 9] = [
        ("d", |key, other| {
            key.private_exponent = other.private_exponent.clone();
        }),
        ("e", |key, other| {
            key.public_exponent = other.prime1.clone();
        }),
        ("dp", |key, other| key.exponent1 = other.exponent1.clone()),
        ("dq", |key, other| key.exponent2 = other.exponent2.clone()),
        ("the coefficient", |key, other| {
            key.coefficient = other.coefficient.clone();
        }),
        ("n", |key, other| key.modulus = other.modulus.clone()),
        ("p", |key, other| key.prime1 = other.prime1.clone()),
        ("q", |key, other| key.prime2 = other.prime2.clone()),
        ("p and q exchanged", |key, _| {
            std::mem::swap(&mut key.prime1, &mut key.prime2);
        }),
    ];
    let whole = |key: &RsaPrivateKeyOwned| key.to_pkcs1_der().unwrap().as_bytes().to_vec();
    assert!(go_reads("whole", &pem("RSA PRIVATE KEY", &whole(&good))));
    PrivateKey::from_der(&whole(&good)).unwrap();
    for (name, damage) in damages {
        let mut key = good.clone();
        damage(&mut key, &other);
        let der = whole(&key);
        let Err(error) = PrivateKey::from_der(&der) else {
            panic!("the wrong {name} was not noticed");
        };
        assert!(matches!(error, Error::Malformed { .. }), "{name}: {error}");
        assert!(!go_reads(name, &pem("RSA PRIVATE KEY", &der)));
    }
}

/// Keys with numbers that match, but are too weak or not of prime numbers.
#[test]
fn weak_numbers() {
    const DAMAGED: &str = "its numbers do not belong together; the file is damaged";
    const NO_CRT: &str =
        "a key of rsa without its exponents and coefficient for each prime is not supported";
    for (name, key, is_read_by_go, reason) in [
        (
            "close primes",
            &include_bytes!("rsa_numbers/close-primes.pem")[..],
            false,
            "its primes are too close to each other, so everyone can compute it",
        ),
        (
            "a small private exponent",
            include_bytes!("rsa_numbers/small-private-exponent.pem"),
            false,
            "its private exponent is too small, so everyone can compute it",
        ),
        (
            "a large public exponent",
            include_bytes!("rsa_numbers/large-public-exponent.pem"),
            false,
            "its public exponent has more than 31 bits, which Go does not use",
        ),
        // Go reads it, and signs with it wrongly
        (
            "a composite prime",
            include_bytes!("rsa_numbers/composite-prime.pem"),
            true,
            DAMAGED,
        ),
        (
            "a composite prime without CRT values",
            include_bytes!("rsa_numbers/composite-prime-without-crt-values.pem"),
            false,
            NO_CRT,
        ),
        (
            "a composite second prime without CRT values",
            include_bytes!("rsa_numbers/composite-second-prime-without-crt-values.pem"),
            true,
            NO_CRT,
        ),
        (
            "a good key without CRT values",
            include_bytes!("rsa_numbers/without-crt-values.pem"),
            true,
            NO_CRT,
        ),
    ] {
        assert_eq!(go_reads(name, key), is_read_by_go, "{name}");
        let error = PrivateKey::from_pem(key).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
}

/// A key with numbers of any length is judged in bounded time.
#[test]
fn long_numbers() {
    let number = |bytes: usize| pkcs1::der::asn1::Uint::new(&vec![0x7f; bytes]).unwrap();
    let long = 300_000;
    let key = RsaPrivateKeyOwned {
        modulus: number(long),
        public_exponent: number(3),
        private_exponent: number(long),
        prime1: number(long / 2),
        prime2: number(long / 2),
        exponent1: number(long / 2),
        exponent2: number(long / 2),
        coefficient: number(long / 2),
        other_prime_infos: None,
    };
    let der = key.to_pkcs1_der().unwrap();
    let begin = std::time::Instant::now();
    let finding = verify::private_key(&pem("RSA PRIVATE KEY", der.as_bytes())).unwrap_err();
    assert!(finding.to_string().contains("16384 bits"), "{finding}");
    PrivateKey::from_der(der.as_bytes()).unwrap_err();
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}
