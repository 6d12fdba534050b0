//! Signatures of every kind that the openssl command creates: Go decides which of them are valid.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    Certificate, CertificateAuthority, CertificateRequest, Error, KeyAlgorithm, PrivateKey,
    PublicKey, Role, Validity,
};
use etcd_pki_tests::{Scratch, Tool, Verdict, command::etcd_pki_in, go, openssl, run};
use pem_rfc7468::LineEnding;

/// Keys, and the commands that write them into `key`.
const KEYS: [(&str, &str); 15] = [
    (
        "ec-p224",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-224",
    ),
    (
        "ec-p256",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    ),
    (
        "ec-p384",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    ),
    (
        "ec-p521",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
    ),
    (
        "ec-secp256k1",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
    ),
    (
        "ec-brainpoolP256r1",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1",
    ),
    (
        "rsa-1024",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024",
    ),
    (
        "rsa-1025",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1025",
    ),
    (
        "rsa-1536",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1536",
    ),
    (
        "rsa-2047",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2047",
    ),
    (
        "rsa-2048",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    ),
    (
        "rsa-2050",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2050",
    ),
    (
        "rsa-2048 with the exponent 3",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3",
    ),
    (
        "rsa-4160",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4160",
    ),
    (
        "rsa-pss",
        "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
    ),
];

/// Signatures that Go checks and etcd-pki does not; each has a separate result.
const UNSUPPORTED: [&str; 1] = ["ec-p224"];

/// The options with which openssl signs with a key.
fn ways(key: &str) -> Vec<String> {
    let digests = [
        "-md5",
        "-sha1",
        "-sha224",
        "-sha256",
        "-sha384",
        "-sha512",
        "-sha3-256",
    ];
    let plain = digests.map(str::to_owned);
    if !key.starts_with("rsa") {
        return plain.to_vec();
    }
    let pss = ["-sha1", "-sha256", "-sha384", "-sha512"].map(|digest| {
        format!("{digest} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest")
    });
    let other_salt = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20".to_owned();
    let other_mask = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest \
                      -sigopt rsa_mgf1_md:sha512"
        .to_owned();
    let mut ways = pss.to_vec();
    ways.extend([other_salt, other_mask]);
    if key != "rsa-pss" {
        ways.extend(plain);
    }
    ways
}

/// Whether openssl can sign: a key of 1024 bits is too short for some digests and salts.
fn can(directory: &Path, line: &str) -> bool {
    let mut command = Tool::OPENSSL.command();
    command.current_dir(directory).args(line.split_whitespace());
    run(&mut command).success()
}

fn make_request(directory: &Path, options: &str) -> bool {
    let line = format!("req -new -key key -subj /CN=x -out request {options}");
    can(directory, &line)
}

/// The numbers of answers by Go and etcd-pki.
#[derive(Debug, Default)]
struct Answers {
    accepted: usize,
    refused: usize,
}

impl Answers {
    /// Compares two answers. If Go refuses the digest, our reason contains its name.
    fn compare(&mut self, (key, way): (&str, &str), go: &Verdict, ours: Result<(), Error>) {
        let what = format!("{key} {way}");
        let named = match way.split(' ').next() {
            Some("-md5") => Some("it is signed with MD5, which Go refuses"),
            Some("-sha1") => Some("it is signed with SHA-1, which Go refuses"),
            _ => None,
        };
        match (go, ours) {
            (Verdict::Accepted, Ok(())) => self.accepted += 1,
            (Verdict::Accepted, Err(Error::Unsupported { .. })) if UNSUPPORTED.contains(&key) => {}
            (Verdict::Accepted, Err(error)) => panic!("{what}: Go accepts it, and: {error}"),
            (Verdict::Refused(reason), Ok(())) => panic!("{what}: Go refuses it: {reason}"),
            (Verdict::Refused(_), Err(error)) => {
                self.refused += 1;
                let message = error.to_string();
                assert!(
                    named.is_none_or(|named| message.contains(named)),
                    "{what}: {message}"
                );
            }
        }
    }
}

/// Go and etcd-pki give the same answer for every certificate that openssl signs.
#[test]
fn go_and_etcd_pki_agree_on_certificates() {
    let mut answers = Answers::default();
    for (name, generate) in KEYS {
        let scratch = Scratch::new("certificates");
        let directory = scratch.path();
        let call = |line: &str| openssl::call(directory, line);
        let _ = call(&format!("{generate} -out key"));
        let _ = call(
            "req -x509 -new -key key -subj /CN=etcd-ca -days 30 -out ca \
             -addext keyUsage=critical,keyCertSign",
        );
        let _ = call("genpkey -algorithm ED25519 -out leaf-key");
        let _ = call("req -new -key leaf-key -subj /CN=x -out request");
        let (ca, leaf) = (directory.join("ca"), directory.join("leaf"));
        let issuer = Certificate::from_pem(fs::read(&ca).unwrap()).unwrap();
        for way in ways(name) {
            let line = format!("x509 -req -in request -CA ca -CAkey key -days 9 -out leaf {way}");
            if !can(directory, &line) {
                continue;
            }
            let certificate = Certificate::from_pem(fs::read(&leaf).unwrap()).unwrap();
            let ours = certificate.check_issued_by(&issuer);
            answers.compare((name, &way), &go::verify(&ca, &leaf).client(), ours);
        }
    }
    assert!(answers.accepted > 50 && answers.refused > 30, "{answers:?}");
}

/// The same for requests, in which Go allows SHA-1 (`CertificateRequest.CheckSignature`) and
/// etcd-pki does not.
#[test]
fn go_and_etcd_pki_agree_on_requests() {
    let mut answers = Answers::default();
    for (name, generate) in KEYS {
        let scratch = Scratch::new("requests");
        let directory = scratch.path();
        let _ = openssl::call(directory, &format!("{generate} -out key"));
        let request = directory.join("request");
        for way in ways(name) {
            if way.starts_with("-sha1") || !make_request(directory, &way) {
                continue;
            }
            let ours = CertificateRequest::from_pem(fs::read(&request).unwrap()).map(|_| ());
            answers.compare((name, &way), &go::request(&request), ours);
        }
    }
    assert!(answers.accepted > 50 && answers.refused > 20, "{answers:?}");
}

/// A signature over other contents is refused with that reason, by every function that checks one.
#[test]
fn a_changed_request_is_refused() {
    for (name, generate) in KEYS {
        let scratch = Scratch::new("changed");
        let directory = scratch.path();
        let _ = openssl::call(directory, &format!("{generate} -out key"));
        for way in ways(name) {
            if !make_request(directory, &way) {
                continue;
            }
            let bytes = fs::read(directory.join("request")).unwrap();
            if CertificateRequest::from_pem(&bytes).is_err() {
                continue;
            }
            let (_, mut der) = pem_rfc7468::decode_vec(&bytes).unwrap();
            let length = der.len();
            for at in [length - 1, length - 30] {
                der[at] ^= 1;
                let error = CertificateRequest::from_der(&der).unwrap_err();
                assert!(
                    matches!(error, Error::Signature { .. }),
                    "{name} {way}: {error}"
                );
                der[at] ^= 1;
            }
            // The x of the common name
            let name_at = der.windows(3).position(|bytes| bytes == [0x0c, 1, b'x']);
            der[name_at.unwrap() + 2] = b'y';
            let error = CertificateRequest::from_der(&der).unwrap_err();
            assert!(
                error.to_string().contains("another key"),
                "{name} {way}: {error}"
            );
        }
    }
}

fn hex(text: &str) -> [u8; 32] {
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

/// Any person can sign with an Ed25519 key of small order: Go's verifier accepts the signature, and
/// it does not prove possession of a key.
#[test]
fn an_ed25519_key_of_small_order_is_no_proof() {
    let scratch = Scratch::new("small-order");
    let directory = scratch.path();
    let _ = openssl::call(directory, "genpkey -algorithm ED25519 -out key");
    assert!(make_request(directory, ""));
    let bytes = fs::read(directory.join("request")).unwrap();
    let (_, good) = pem_rfc7468::decode_vec(&bytes).unwrap();
    let own = CertificateRequest::from_der(&good).unwrap();
    let key = own.public_key().as_der();
    let key = &key[key.len() - 32..];
    let at = good.windows(32).position(|bytes| bytes == key).unwrap();
    // The points of order 1, 2, 4, 4, 8, 8, 8 and 8 (RFC 7748 and RFC 8032 give the curve), then
    // every encoding that is not canonical: its number is p to 2^255 - 1, with either sign
    let order_1 = hex("0100000000000000000000000000000000000000000000000000000000000000");
    let order_2 = hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    let order_8 = [
        hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];
    let signed = |mut key: [u8; 32]| {
        key[31] |= 0x80;
        key
    };
    let canonical = [order_1, order_2, [0; 32], order_8[0], order_8[1]];
    let mut keys: Vec<[u8; 32]> = canonical
        .iter()
        .flat_map(|key| [*key, signed(*key)])
        .collect();
    for last in 0xed..=0xff {
        let mut key = order_2;
        key[0] = last;
        keys.extend([key, signed(key)]);
    }
    let mut go_accepts = 0;
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let own_der = own.public_key().as_der().to_vec();
    for key in keys {
        let mut der = good.clone();
        der[at..at + 32].copy_from_slice(&key);
        // The identity and zero: the identity is a valid signature of every message
        let signature = der.len() - 64;
        der[signature..].fill(0);
        der[signature] = 1;
        let pem = pem_rfc7468::encode_string("CERTIFICATE REQUEST", LineEnding::LF, &der).unwrap();
        fs::write(directory.join("request"), pem).unwrap();
        go_accepts += usize::from(go::request(&directory.join("request")) == Verdict::Accepted);
        let error = CertificateRequest::from_der(&der).unwrap_err();
        assert!(matches!(error, Error::Signature { .. }), "{error}");
        if canonical.contains(&key) {
            let is_signed = error.to_string().contains("small order");
            assert!(is_signed || key != order_1, "{error}");
        }
        // No certificate is issued for such a key, whatever its source is
        let info = [&own_der[..own_der.len() - 32], &key].concat();
        let public = PublicKey::from_der(&info).unwrap();
        let backup = etcd_pki_core::Identity::new("backup").unwrap();
        let issued = ca
            .at(SystemTime::now())
            .certify(&public, Role::Client, &backup);
        let error = issued.unwrap_err().to_string();
        assert!(error.contains("small order"), "{error}");
    }
    assert!(go_accepts > 0, "the test signs nothing");
    // The key of the request itself has no small order
    assert!(
        ca.at(SystemTime::now())
            .certify(
                own.public_key(),
                Role::Client,
                etcd_pki_core::Identity::new("a").unwrap()
            )
            .is_ok()
    );
}

/// `openssl dgst` verifies a signature of our key, with the digest of its algorithm.
#[test]
fn openssl_verifies_what_each_key_signs() {
    let scratch = Scratch::new("signs");
    let directory = scratch.path();
    fs::write(directory.join("message"), "a message").unwrap();
    for (name, generate, digest) in [
        ("ec-p256", KEYS[1].1, "-sha256"),
        ("ec-p384", KEYS[2].1, "-sha384"),
        ("ec-p521", KEYS[3].1, "-sha512"),
        ("rsa-2048", KEYS[10].1, "-sha256"),
        ("rsa-2050", KEYS[11].1, "-sha256"),
        ("rsa-2048", KEYS[12].1, "-sha256"),
        ("rsa-4160", KEYS[13].1, "-sha256"),
        ("ed25519", "genpkey -algorithm ED25519", ""),
    ] {
        let _ = openssl::call(directory, &format!("{generate} -out key"));
        let _ = openssl::call(directory, "pkey -in key -pubout -out public");
        let key = PrivateKey::from_pem(fs::read(directory.join("key")).unwrap()).unwrap();
        assert_eq!(key.public_key().algorithm_name(), name);
        fs::write(directory.join("signature"), key.sign(b"a message").unwrap()).unwrap();
        let _ = openssl::call(
            directory,
            &if digest.is_empty() {
                "pkeyutl -verify -pubin -inkey public -rawin -in message -sigfile signature"
                    .to_owned()
            } else {
                format!("dgst {digest} -verify public -signature signature message")
            },
        );
    }
}

/// A CA with another kind of signature than ours is loaded, signs, and is renewed with our kind.
#[test]
fn cas_signed_in_any_way_are_renewed() {
    let pss = "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    for (generate, options, ours) in [
        (KEYS[1].1, "-sha512", "ecdsa-with-SHA256"),
        (KEYS[2].1, "-sha512", "ecdsa-with-SHA384"),
        (KEYS[2].1, "-sha256", "ecdsa-with-SHA384"),
        (KEYS[3].1, "-sha256", "ecdsa-with-SHA512"),
        (KEYS[3].1, "-sha512", "ecdsa-with-SHA512"),
        (KEYS[10].1, "-sha512", "sha256WithRSAEncryption"),
        (KEYS[10].1, pss, "sha256WithRSAEncryption"),
        (KEYS[11].1, pss, "sha256WithRSAEncryption"),
    ] {
        let scratch = Scratch::new("renewed");
        let directory = scratch.path();
        let write = |name: &str, text: String| fs::write(directory.join(name), text).unwrap();
        let _ = openssl::call(directory, &format!("{generate} -out key"));
        let _ = openssl::call(
            directory,
            &format!(
                "req -x509 -new -key key -subj /CN=etcd-ca -days 30 -out ca {options} \
                 -addext keyUsage=critical,keyCertSign"
            ),
        );
        // A leaf that openssl signs in the same way
        let _ = openssl::call(directory, "genpkey -algorithm ED25519 -out leaf-key");
        let _ = openssl::call(directory, "req -new -key leaf-key -subj /CN=x -out request");
        let _ = openssl::call(
            directory,
            &format!("x509 -req -in request -CA ca -CAkey key -days 9 -out leaf {options}"),
        );
        let read = |name: &str| fs::read(directory.join(name)).unwrap();
        let certificate = Certificate::from_pem(read("ca")).unwrap();
        certificate.check_issued_by(&certificate).unwrap();
        let leaf = Certificate::from_pem(read("leaf")).unwrap();
        leaf.check_issued_by(&certificate).unwrap();

        let ca = CertificateAuthority::from_pem(read("ca"), read("key")).unwrap();
        let now = SystemTime::now() + Duration::from_secs(1);
        let renewed = ca.at(now).renew_ca(Validity::days(60)).unwrap();
        let certificate = renewed.certificate();
        assert_eq!(certificate.signature_algorithm(), ours);
        leaf.check_issued_by(certificate).unwrap();
        write("renewed", certificate.to_pem());
        let _ = openssl::call(directory, "verify -CAfile renewed -check_ss_sig renewed");
        let _ = openssl::call(directory, "verify -CAfile renewed leaf");
        let request = CertificateRequest::from_pem(read("request")).unwrap();
        let identity = etcd_pki_core::Identity::new("app").unwrap();
        let ours = renewed.sign(&request, Role::Client, &identity).unwrap();
        write("ours", ours.to_pem());
        go::verify(&directory.join("renewed"), &directory.join("ours"))
            .client()
            .assert_accepted(format_args!("{generate} {options}"));
    }
}

/// Every command reports a SHA-1 signature as such, and not as that of another CA.
#[test]
fn sha_1_is_named() {
    let scratch = Scratch::new("sha-1");
    let directory = scratch.path();
    let call = |line: &str| openssl::call(directory, line);
    let etcd_pki = |line: &str| etcd_pki_in(directory, line);
    let _ = etcd_pki("ca new -d pki --algorithm rsa-2048").expect_success();
    let by = "-CA pki/ca.pem -CAkey pki/ca-key.pem -CAcreateserial -days 30 -sha1";
    for (name, extensions) in [
        (
            "client-a",
            "extendedKeyUsage=clientAuth\nauthorityKeyIdentifier=keyid\n",
        ),
        ("client-b", "extendedKeyUsage=clientAuth\n"),
    ] {
        fs::write(directory.join("extensions"), extensions).unwrap();
        let _ = call(&format!(
            "req -new -newkey rsa:2048 -nodes -keyout pki/{name}-key.pem -subj /CN={name} -out request -sha1"
        ));
        let _ = call(&format!(
            "x509 -req -in request {by} -extfile extensions -out pki/{name}.pem"
        ));
        let file = directory.join(format!("pki/{name}.pem"));
        go::verify(&directory.join("pki/ca.pem"), &file)
            .client()
            .assert_refused("SHA-1", "SHA1");

        let checked = etcd_pki(&format!("check pki/{name}.pem"));
        assert_eq!(checked.code(), Some(2), "{}", checked.stdout());
        let expected =
            format!("EP031 the signature of CN={name} is not valid: it is signed with SHA-1");
        assert!(checked.stdout().contains(&expected), "{}", checked.stdout());
        for line in [
            "cert verify pki/NAME.pem -d pki",
            "cert renew pki/NAME.pem -d pki",
        ] {
            let output = etcd_pki(&line.replace("NAME", name));
            assert_eq!(output.code(), Some(1), "{line}");
            let all = [output.stdout(), output.stderr()].concat();
            assert!(all.contains("SHA-1"), "{line}: {all}");
            assert!(!all.contains("another key"), "{line}: {all}");
        }
        for line in [
            "csr show request",
            "cert sign request --role client --cn x -d pki",
        ] {
            let output = etcd_pki(line);
            assert_eq!(output.code(), Some(1), "{line}");
            assert!(
                output.stderr().contains("SHA-1"),
                "{line}: {}",
                output.stderr()
            );
        }
    }
    // The specification contains them, so they are signed again, with the same keys
    fs::write(
        directory.join("cluster.yaml"),
        "directory: pki\nclients: [{name: a, common_name: client-a}, {name: b, common_name: client-b}]\n",
    )
    .unwrap();
    let plan = etcd_pki("plan -f cluster.yaml").expect_success();
    assert_eq!(
        plan.stdout().matches("SHA-1").count(),
        2,
        "{}",
        plan.stdout()
    );
    let _ = etcd_pki("apply -f cluster.yaml").expect_success();
    for name in ["client-a", "client-b"] {
        let file = directory.join(format!("pki/{name}.pem"));
        go::verify(&directory.join("pki/ca.pem"), &file)
            .client()
            .assert_accepted(name);
    }
    // A CA with a SHA-1 signature is trusted if it is a trusted certificate itself, as in Go. Its
    // leaf in the chain is not
    let ca = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n";
    fs::write(directory.join("extensions"), ca).unwrap();
    let _ = call(
        "req -new -newkey rsa:2048 -nodes -keyout middle-key.pem -subj /CN=middle -out request",
    );
    let _ = call(&format!(
        "x509 -req -in request {by} -extfile extensions -out middle.pem"
    ));
    let load = |files: &[&str]| {
        let text: String = files
            .iter()
            .map(|file| fs::read_to_string(directory.join(file)).unwrap())
            .collect();
        CertificateAuthority::from_pem(text, fs::read(directory.join("middle-key.pem")).unwrap())
    };
    let middle = load(&["middle.pem", "pki/ca.pem"]).unwrap();
    let issued = middle
        .issue(Role::Client, etcd_pki_core::Identity::new("c").unwrap())
        .unwrap();
    fs::write(directory.join("c.pem"), issued.certificate().to_pem()).unwrap();
    go::verify(&directory.join("middle.pem"), &directory.join("c.pem"))
        .client()
        .assert_accepted("below a trusted CA that SHA-1 signed");
    let error = middle.certificate().check_issued_by(
        &Certificate::from_pem(fs::read(directory.join("pki/ca.pem")).unwrap()).unwrap(),
    );
    assert!(error.unwrap_err().to_string().contains("SHA-1"));
}

/// Kinds of keys that can be used but not generated are refused by name if one must be generated.
#[test]
fn no_key_of_p521_is_made() {
    for error in [
        "ec-p521".parse::<KeyAlgorithm>().unwrap_err(),
        PrivateKey::generate_with(KeyAlgorithm::EcP521).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("ec-p521"), "{error}");
        assert!(error.hint().unwrap().contains("ec-p384"));
    }
}
