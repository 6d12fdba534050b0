//! Private keys that the openssl command writes: etcd-pki reads them and writes them back, or
//! refuses them by name.
use std::{fs, path::Path};

use etcd_pki_core::{
    CertificateAuthority, CertificateRequest, Error, Identity, Passphrase, PrivateKey, Role,
    key::KeyFormat,
};
use etcd_pki_tests::{Scratch, Tool, go, run};
use pem_rfc7468::LineEnding;

/// A key that openssl generated, in the scratch folder.
struct Made {
    scratch: Scratch,
}

impl Made {
    /// Runs openssl commands one after the other. The last one writes `key`.
    fn by(commands: &[&str]) -> Self {
        let scratch = Scratch::new("import");
        for command in commands {
            openssl(scratch.path(), command);
        }
        Self { scratch }
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.scratch.path().join("key")).unwrap()
    }

    fn read(&self) -> Result<PrivateKey, Error> {
        PrivateKey::from_bytes(&self.bytes(), Some(&Passphrase::new("secret")))
    }

    /// The public key that openssl reads, with an uncompressed point. `key` may have been converted
    /// from another file.
    fn public_key(&self) -> Vec<u8> {
        let first = self.scratch.path().join("first");
        public_key(
            self.scratch.path(),
            if first.exists() { "first" } else { "key" },
        )
    }
}

fn openssl(directory: &Path, command: &str) {
    let mut openssl = Tool::OPENSSL.command();
    openssl
        .current_dir(directory)
        .args(command.split_whitespace());
    let _ = run(&mut openssl).expect_success();
}

fn public_key(directory: &Path, file: &str) -> Vec<u8> {
    openssl(
        directory,
        &format!("pkey -in {file} -passin pass:secret -pubout -outform DER -out public"),
    );
    fs::read(directory.join("public")).unwrap()
}

const P256: &str = "ecparam -name prime256v1 -genkey -noout -out first";
const P384: &str = "ecparam -name secp384r1 -genkey -noout -out first";
const P521: &str = "ecparam -name secp521r1 -genkey -noout -out first";
const ED25519: &str = "genpkey -algorithm ED25519 -out first";
const RSA: &str = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out first";

#[test]
fn every_format_is_read_as_openssl_reads_it() {
    let formats: [(&str, &[&str]); 47] = [
        ("rsa-2048", &[RSA, "pkey -in first -out key"]),
        ("rsa-2048", &[RSA, "rsa -in first -traditional -out key"]),
        (
            "rsa-2048",
            &[RSA, "pkcs8 -topk8 -nocrypt -in first -outform DER -out key"],
        ),
        (
            "rsa-2048",
            &[RSA, "rsa -in first -traditional -outform DER -out key"],
        ),
        ("rsa-3072", &["genrsa -out key 3072"]),
        ("rsa-4096", &["genrsa -out key 4096"]),
        ("rsa-2050", &["genrsa -out key 2050"]),
        ("rsa-2560", &["genrsa -out key 2560"]),
        ("rsa-3000", &["genrsa -traditional -out key 3000"]),
        (
            "rsa-3584",
            &[
                "genrsa -out first 3584",
                "pkcs8 -topk8 -in first -passout pass:secret -out key",
            ],
        ),
        ("rsa-4160", &["genrsa -out key 4160"]),
        ("rsa-5120", &["genrsa -traditional -out key 5120"]),
        ("rsa-2048", &["genrsa -3 -out key 2048"]),
        ("rsa-2050", &["genrsa -3 -traditional -out key 2050"]),
        (
            "ec-p256",
            &["ecparam -name prime256v1 -genkey -noout -out key"],
        ),
        ("ec-p256", &["ecparam -name prime256v1 -genkey -out key"]),
        (
            "ec-p256",
            &[P256, "ec -in first -conv_form hybrid -out key"],
        ),
        ("ec-p521", &["ecparam -name secp521r1 -genkey -out key"]),
        ("ec-p521", &[P521, "ec -in first -no_public -out key"]),
        (
            "ec-p521",
            &[P521, "ec -in first -conv_form compressed -out key"],
        ),
        ("ec-p521", &[P521, "ec -in first -outform DER -out key"]),
        (
            "ec-p521",
            &[
                P521,
                "pkcs8 -topk8 -nocrypt -in first -outform DER -out key",
            ],
        ),
        (
            "ec-p521",
            &[
                P521,
                "pkcs8 -topk8 -scrypt -in first -passout pass:secret -out key",
            ],
        ),
        (
            "rsa-2048",
            &[
                RSA,
                "rsa -in first -traditional -aes128 -passout pass:secret -out key",
            ],
        ),
        (
            "rsa-2048",
            &[
                RSA,
                "rsa -in first -traditional -aes256 -passout pass:secret -out key",
            ],
        ),
        (
            "rsa-2048",
            &[
                RSA,
                "rsa -in first -traditional -des3 -passout pass:secret -out key",
            ],
        ),
        (
            "ec-p256",
            &[P256, "ec -in first -aes192 -passout pass:secret -out key"],
        ),
        (
            "ec-p521",
            &[P521, "ec -in first -aes256 -passout pass:secret -out key"],
        ),
        ("ec-p256", &[P256, "ec -in first -no_public -out key"]),
        (
            "ec-p256",
            &[P256, "ec -in first -conv_form compressed -out key"],
        ),
        ("ec-p256", &[P256, "ec -in first -outform DER -out key"]),
        (
            "ec-p256",
            &[P256, "pkcs8 -topk8 -nocrypt -in first -out key"],
        ),
        (
            "ec-p256",
            &[
                P256,
                "ec -in first -no_public -out second",
                "pkcs8 -topk8 -nocrypt -in second -out key",
            ],
        ),
        ("ec-p384", &["ecparam -name secp384r1 -genkey -out key"]),
        ("ec-p384", &[P384, "ec -in first -no_public -out key"]),
        (
            "ec-p384",
            &[P384, "ec -in first -conv_form compressed -out key"],
        ),
        (
            "ec-p384",
            &[
                P384,
                "pkcs8 -topk8 -nocrypt -in first -outform DER -out key",
            ],
        ),
        ("ed25519", &["genpkey -algorithm ED25519 -out key"]),
        (
            "ed25519",
            &["genpkey -algorithm ED25519 -outform DER -out key"],
        ),
        (
            "rsa-2048",
            &[RSA, "pkcs8 -topk8 -in first -passout pass:secret -out key"],
        ),
        (
            "ec-p256",
            &[
                P256,
                "pkcs8 -topk8 -v2 aes-128-cbc -in first -passout pass:secret -out key",
            ],
        ),
        (
            "ec-p256",
            &[
                P256,
                "pkcs8 -topk8 -v2 aes-256-cbc -in first -passout pass:secret -outform DER -out key",
            ],
        ),
        (
            "ec-p256",
            &[
                P256,
                "pkcs8 -topk8 -v2 des3 -in first -passout pass:secret -out key",
            ],
        ),
        (
            "ec-p256",
            &[
                P256,
                "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA1 -in first -passout pass:secret -out key",
            ],
        ),
        (
            "ec-p256",
            &[
                P256,
                "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA512 -in first -passout pass:secret -out key",
            ],
        ),
        (
            "ec-p384",
            &[
                P384,
                "pkcs8 -topk8 -scrypt -in first -passout pass:secret -out key",
            ],
        ),
        (
            "ed25519",
            &[
                ED25519,
                "pkcs8 -topk8 -scrypt -in first -passout pass:secret -out key",
            ],
        ),
    ];
    for (algorithm, commands) in formats {
        let made = Made::by(commands);
        let key = made
            .read()
            .unwrap_or_else(|error| panic!("{commands:?}: {error}"));
        let name = key.public_key().algorithm_name();
        assert_eq!(name, algorithm, "{commands:?}");
        assert_eq!(key.public_key().as_der(), made.public_key(), "{commands:?}");
        let directory = made.scratch.path();
        fs::write(directory.join("message"), algorithm).unwrap();
        let signature = key.sign(algorithm.as_bytes()).unwrap();
        fs::write(directory.join("signature"), signature).unwrap();
        let verify = match algorithm {
            "ed25519" => "pkeyutl -verify -rawin -in message -sigfile signature -pubin -inkey",
            "ec-p384" => "dgst -sha384 -signature signature -verify",
            "ec-p521" => "dgst -sha512 -signature signature -verify",
            _ => "dgst -sha256 -signature signature -verify",
        };
        let key = key.public_key().to_pem();
        fs::write(directory.join("public.pem"), key).unwrap();
        let message = if algorithm == "ed25519" {
            ""
        } else {
            "message"
        };
        openssl(directory, &format!("{verify} public.pem {message}"));
    }
}

/// Go, and so etcd, tries all three structures under every label that ends in `PRIVATE KEY`.
#[test]
fn whatever_its_label_says_a_key_is_read_where_go_reads_it() {
    let keys: [(&[&str], &str); 6] = [
        (&[RSA, "pkey -in first -outform DER -out key"], "PKCS#8"),
        (
            &[RSA, "rsa -in first -traditional -outform DER -out key"],
            "PKCS#1",
        ),
        (
            &[
                P256,
                "pkcs8 -topk8 -nocrypt -in first -outform DER -out key",
            ],
            "PKCS#8",
        ),
        (&[P384, "ec -in first -outform DER -out key"], "SEC1"),
        (
            &[
                "genrsa -out first 2560",
                "rsa -in first -traditional -outform DER -out key",
            ],
            "PKCS#1",
        ),
        (&[ED25519, "pkey -in first -outform DER -out key"], "PKCS#8"),
    ];
    let labels = [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "ANY PRIVATE KEY",
    ];
    for (commands, structure) in keys {
        let made = Made::by(commands);
        let directory = made.scratch.path();
        openssl(
            directory,
            "req -x509 -new -key first -subj /CN=x -out certificate",
        );
        for label in labels {
            let pem = pem_rfc7468::encode_string(label, LineEnding::LF, &made.bytes()).unwrap();
            fs::write(directory.join("labelled"), &pem).unwrap();
            go::key_pair(&directory.join("certificate"), &directory.join("labelled"))
                .assert_accepted(format_args!("{structure} under {label}"));
            let key = PrivateKey::from_pem(&pem)
                .unwrap_or_else(|error| panic!("{structure} under {label}: {error}"));
            assert_eq!(key.public_key().as_der(), made.public_key());
        }
    }
}

/// Keys with which ring cannot sign: the key of a CA, of a leaf, and of a request.
#[test]
fn keys_that_ring_does_not_have_sign() {
    for generate in [
        "genrsa 2050",
        "genrsa 2560",
        "genrsa 3584",
        "genrsa 4160",
        "genrsa -3 2048",
        "genrsa -3 2050",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
    ] {
        let (command, options) = generate.split_once(' ').unwrap();
        let made = Made::by(&[
            &format!("{command} -out key {options}"),
            "req -x509 -new -key key -subj /CN=etcd-ca -addext keyUsage=critical,keyCertSign -days 30 -out ca",
            &format!("{command} -out own {options}"),
            "req -new -key own -subj /CN=app -out request",
        ]);
        let directory = made.scratch.path();
        let read = |name: &str| fs::read(directory.join(name)).unwrap();
        let ca = CertificateAuthority::from_pem(read("ca"), read("key")).unwrap();
        let request = CertificateRequest::from_pem(read("request")).unwrap();
        let identity = Identity::new("backup").unwrap();
        let signed = ca.sign(&request, Role::Client, &identity).unwrap();
        fs::write(directory.join("leaf"), signed.to_pem()).unwrap();
        openssl(directory, "verify -x509_strict -CAfile ca leaf");
        let leaf = directory.join("leaf");
        go::verify(&directory.join("ca"), &leaf)
            .client()
            .assert_accepted(generate);

        let own = PrivateKey::from_pem(read("own")).unwrap();
        let request = CertificateRequest::create(&own, Role::Client, &identity).unwrap();
        fs::write(directory.join("ours"), request.to_pem()).unwrap();
        openssl(directory, "req -verify -noout -in ours");
        assert!(CertificateRequest::from_pem(read("ours")).is_ok());
        fs::write(directory.join("again"), &*own.to_secret_pem()).unwrap();
        openssl(directory, "pkey -in again -check -noout");
        go::key_pair(&leaf, &directory.join("again")).assert_accepted("the key as we write it");
    }
}

#[test]
fn what_we_write_openssl_reads() {
    for (first, formats) in [
        (P256, &[KeyFormat::Pkcs8, KeyFormat::Sec1][..]),
        (P384, &[KeyFormat::Pkcs8, KeyFormat::Sec1]),
        (P521, &[KeyFormat::Pkcs8, KeyFormat::Sec1]),
        (ED25519, &[KeyFormat::Pkcs8]),
        (RSA, &[KeyFormat::Pkcs8, KeyFormat::Pkcs1]),
    ] {
        let made = Made::by(&[first, "pkey -in first -out key"]);
        let key = made.read().unwrap();
        let directory = made.scratch.path();
        for format in formats {
            fs::write(
                directory.join("ours"),
                &*key.to_secret_pem_as(*format).unwrap(),
            )
            .unwrap();
            openssl(directory, "pkey -in ours -check -noout");
            assert_eq!(public_key(directory, "ours"), made.public_key());
        }
        let encrypted = key.to_encrypted_pem(&Passphrase::new("secret")).unwrap();
        fs::write(directory.join("ours"), encrypted).unwrap();
        assert_eq!(public_key(directory, "ours"), made.public_key());
    }
}

#[test]
fn keys_of_ours_pass_openssls_check() {
    let scratch = Scratch::new("generated");
    for algorithm in etcd_pki_core::KeyAlgorithm::ALL {
        let key = PrivateKey::generate_with(algorithm).unwrap();
        fs::write(scratch.path().join("ours"), &*key.to_secret_pem()).unwrap();
        openssl(scratch.path(), "pkey -in ours -check -noout");
        assert_eq!(
            public_key(scratch.path(), "ours"),
            key.public_key().as_der()
        );
    }
}

#[test]
fn whatever_surrounds_a_key_it_is_found() {
    let made = Made::by(&[
        P256,
        "pkey -in first -out key",
        "req -x509 -new -key key -subj /CN=x -out certificate",
    ]);
    let text = String::from_utf8(made.bytes()).unwrap();
    let certificate = fs::read_to_string(made.scratch.path().join("certificate")).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    for variant in [
        format!("{certificate}{text}"),
        format!("{text}{certificate}"),
        format!("\u{feff}{text}"),
        format!("Bag Attributes\n    friendlyName: x\n{text}"),
        text.replace('\n', "\r\n"),
        text.replace('\n', " \n"),
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"),
    ] {
        let key =
            PrivateKey::from_pem(&variant).unwrap_or_else(|error| panic!("{variant}: {error}"));
        assert_eq!(key.public_key().as_der(), made.public_key());
    }
    let twice = format!("{text}{text}");
    assert!(matches!(
        PrivateKey::from_pem(twice),
        Err(Error::SeveralBlocks { .. })
    ));
    let error = PrivateKey::from_pem(certificate).unwrap_err();
    assert_eq!(error.to_string(), "no private key in it, but a certificate");
}

#[test]
fn what_is_not_used_is_refused_by_its_name() {
    let refused: [(&str, &[&str]); 15] = [
        (
            "ec-secp256k1",
            &["ecparam -name secp256k1 -genkey -noout -out key"],
        ),
        (
            "ec-brainpoolP256r1",
            &["genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1 -out key"],
        ),
        (
            "ec-brainpoolP384r1",
            &["ecparam -name brainpoolP384r1 -genkey -out key"],
        ),
        (
            "explicit curve parameters",
            &[
                "ecparam -name secp521r1 -param_enc explicit -genkey -noout -out first",
                "ec -in first -aes256 -passout pass:secret -out key",
            ],
        ),
        (
            "explicit curve parameters",
            &["ecparam -name prime256v1 -param_enc explicit -genkey -noout -out key"],
        ),
        (
            "explicit curve parameters",
            &["ecparam -name prime256v1 -param_enc explicit -genkey -out key"],
        ),
        (
            "explicit curve parameters",
            &[
                "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -out key",
            ],
        ),
        ("ed448", &["genpkey -algorithm ED448 -out key"]),
        ("x25519", &["genpkey -algorithm X25519 -out key"]),
        (
            "rsa-pss",
            &["genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out key"],
        ),
        ("rsa-1024", &["genrsa -out key 1024"]),
        ("rsa-2046", &["genrsa -out key 2046"]),
        ("more than two primes", &["genrsa -primes 3 -out key 2048"]),
        (
            "CAMELLIA-256-CBC",
            &[
                RSA,
                "rsa -in first -traditional -camellia256 -passout pass:secret -out key",
            ],
        ),
        (
            "PBES1",
            &[
                P256,
                "pkcs8 -topk8 -v1 PBE-SHA1-3DES -in first -passout pass:secret -out key",
            ],
        ),
    ];
    for (name, commands) in refused {
        let error = Made::by(commands).read().unwrap_err();
        assert!(
            matches!(error, Error::Unsupported { .. }),
            "{commands:?}: {error}"
        );
        assert!(error.to_string().contains(name), "{commands:?}: {error}");
        assert!(error.hint().is_some(), "{commands:?}");
    }
}

#[test]
fn passphrases() {
    for encrypt in [
        "pkcs8 -topk8 -in first -passout pass:secret -out key",
        "ec -in first -aes256 -passout pass:secret -out key",
        "ec -in first -des3 -passout pass:secret -out key",
    ] {
        let bytes = Made::by(&[P256, encrypt]).bytes();
        assert!(matches!(
            PrivateKey::from_pem(&bytes),
            Err(Error::EncryptedKey)
        ));
        let wrong = Passphrase::new("wrong");
        assert!(matches!(
            PrivateKey::from_encrypted_pem(&bytes, &wrong),
            Err(Error::WrongPassphrase)
        ));
    }
}

/// One of 256 wrong passphrases decrypts to valid padding: none may be accepted, whatever the
/// result is.
#[test]
fn no_wrong_passphrase_opens_a_key() {
    let made = Made::by(&[P256, "ec -in first -aes128 -passout pass:secret -out key"]);
    let bytes = made.bytes();
    for number in 0..2000 {
        let wrong = Passphrase::new(format!("wrong {number}"));
        let error = PrivateKey::from_encrypted_pem(&bytes, &wrong).unwrap_err();
        assert!(matches!(error, Error::WrongPassphrase), "{number}: {error}");
    }
}

#[test]
fn rsa_keys_outside_of_the_sizes_are_refused_by_their_size() {
    use pkcs1::{EncodeRsaPrivateKey as _, RsaPrivateKeyOwned, der::Decode as _};
    let made = Made::by(&[RSA, "rsa -in first -traditional -outform DER -out key"]);
    let mut key = RsaPrivateKeyOwned::from_der(&made.bytes()).unwrap();
    for (bytes, name) in [(1025, "rsa-8200"), (2048, "rsa-16384"), (255, "rsa-2040")] {
        let modulus = vec![0xff; bytes];
        key.modulus = pkcs1::der::asn1::Uint::new(&modulus).unwrap();
        let error = PrivateKey::from_der(key.to_pkcs1_der().unwrap().as_bytes()).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

/// A tag, the length, and the content.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [&head, content].concat()
}

/// The contents of a SEQUENCE of less than 64 KiB.
fn content(sequence: &[u8]) -> &[u8] {
    match sequence[1] {
        0x81 => &sequence[3..],
        0x82 => &sequence[4..],
        _ => &sequence[2..],
    }
}

/// PKCS#8 with the public key in it (RFC 5958), which Java and Go's newer libraries write.
#[test]
fn the_second_version_of_pkcs8() {
    for first in [P256, P384, P521, ED25519, RSA] {
        let made = Made::by(&[
            first,
            "pkcs8 -topk8 -nocrypt -in first -outform DER -out key",
        ]);
        let directory = made.scratch.path();
        let public = made.public_key();
        openssl(
            directory,
            "req -x509 -new -key first -subj /CN=x -out certificate",
        );
        // Its bits are the last field of SubjectPublicKeyInfo
        let info = content(&public);
        let algorithm = usize::from(info[1]) + 2;
        let bits = content(&info[algorithm..]);
        let first_version = made.bytes();
        let fields = content(&first_version)
            .strip_prefix(&[0x02, 0x01, 0x00])
            .unwrap();
        let second = tlv(
            0x30,
            &[&[0x02, 0x01, 0x01], fields, &tlv(0x81, bits)].concat(),
        );
        let key = PrivateKey::from_der(&second).unwrap_or_else(|error| panic!("{first}: {error}"));
        assert_eq!(key.public_key().as_der(), public);
        let pem = pem_rfc7468::encode_string("PRIVATE KEY", LineEnding::LF, &second).unwrap();
        fs::write(directory.join("second"), pem).unwrap();
        go::key_pair(&directory.join("certificate"), &directory.join("second"))
            .assert_accepted(first);
    }
}

/// The private number of an elliptic curve key in fewer or more bytes than the standard requires:
/// Go, and so etcd, reads it.
#[test]
fn numbers_of_another_length() {
    for (curve, oid, length) in [
        (
            "prime256v1",
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07][..],
            32,
        ),
        ("secp384r1", &[0x2b, 0x81, 0x04, 0x00, 0x22], 48),
        ("secp521r1", &[0x2b, 0x81, 0x04, 0x00, 0x23], 66),
    ] {
        let scratch = Scratch::new("scalar");
        let directory = scratch.path();
        let sec1 = |number: &[u8]| {
            let curve = tlv(0xa0, &tlv(0x06, oid));
            let key = [&[0x02, 0x01, 0x01], &tlv(0x04, number)[..], &curve].concat();
            tlv(0x30, &key)
        };
        // A number with as many leading zeros as the encoding adds
        for significant in [1, length - 3, length - 1] {
            let number: Vec<u8> = (1..=significant as u8).collect();
            let whole = [&vec![0; length - significant][..], &number].concat();
            fs::write(directory.join("whole.der"), sec1(&whole)).unwrap();
            openssl(directory, "ec -inform DER -in whole.der -out whole");
            openssl(
                directory,
                "req -x509 -new -key whole -subj /CN=x -out certificate",
            );
            let expected = public_key(directory, "whole");
            for zeros in [0, 1, length - significant, length - significant + 1, length] {
                let written = sec1(&[&vec![0; zeros][..], &number].concat());
                let what = format!("{curve}, {significant} bytes after {zeros} zeros");
                let key = PrivateKey::from_der(&written)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(key.public_key().as_der(), expected, "{what}");
                let pem =
                    pem_rfc7468::encode_string("EC PRIVATE KEY", LineEnding::LF, &written).unwrap();
                fs::write(directory.join("written"), pem).unwrap();
                go::key_pair(&directory.join("certificate"), &directory.join("written"))
                    .assert_accepted(what);
            }
        }
        for number in [
            vec![0; length],
            vec![0xff; length],
            vec![1; length + 1],
            vec![],
        ] {
            let error = PrivateKey::from_der(&sec1(&number)).unwrap_err();
            assert!(matches!(error, Error::Malformed { .. }), "{curve}: {error}");
        }
    }
}

#[test]
fn files_without_a_key_say_so() {
    let made = Made::by(&["ecparam -name prime256v1 -out key"]);
    let error = made.read().unwrap_err();
    assert_eq!(
        error.to_string(),
        "no private key in it, but the parameters of an elliptic curve"
    );
    assert!(error.hint().unwrap().contains("-genkey"));
    for (bytes, reason) in [
        (&b""[..], "it is empty"),
        (b"\n\n", "it is empty"),
        (&[0; 227], "it has only zero bytes"),
    ] {
        let error = PrivateKey::from_bytes(bytes, None).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}
