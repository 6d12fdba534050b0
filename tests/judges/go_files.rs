//! Whether etcd reads a file: our answer is the same as Go's, for good and damaged files.
mod commands;
mod der;
mod keys;
mod material;
mod mutation;
mod pem;

use etcd_pki_core::{finding::Finding, verify};
use etcd_pki_tests::{
    Verdict,
    go::{self, Files},
};

use self::material::Material;

fn ours(question: &Files) -> Result<(), Finding> {
    match question {
        Files::TrustedCa(file) => verify::trusted_ca(file).map(drop),
        Files::Certificate(file) => verify::certificate_chain(file).map(drop),
        Files::Key(file) => verify::private_key(file).map(drop),
        Files::Pair(certificate, key) => verify::key_pair(certificate, key),
    }
}

/// Asks both about every file. Returns the number of accepted files, and the files that we cannot
/// judge.
#[track_caller]
fn compare(questions: Vec<(String, Files)>) -> (usize, Vec<String>) {
    let (names, questions): (Vec<_>, Vec<_>) = questions.into_iter().unzip();
    let answers = go::files(&questions);
    assert_eq!(answers.len(), questions.len());
    let mut wrong = Vec::new();
    let (mut undecided, mut accepted) = (Vec::new(), 0);
    for ((name, question), go) in names.iter().zip(&questions).zip(answers) {
        let ours = ours(question);
        accepted += usize::from(ours.is_ok());
        let is_accepted = match &ours {
            Ok(()) => true,
            Err(finding) => match finding {
                Finding::NotSupported { what, .. } => {
                    undecided.push(format!("{name}: {finding}"));
                    if ["P-224", "primes"].iter().any(|part| what.contains(part)) {
                        continue;
                    }
                    // We follow Go's own rules nevertheless: only our types cannot represent the
                    // certificate
                    true
                }
                _ => false,
            },
        };
        if is_accepted != (go == Verdict::Accepted) {
            let file = shown(question);
            wrong.push(format!("{name}: ours {ours:?}, Go {go:?}\n{file}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        questions.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
    (accepted, undecided)
}

fn shown(question: &Files) -> String {
    let files = match question {
        Files::TrustedCa(file) | Files::Certificate(file) | Files::Key(file) => vec![file],
        Files::Pair(certificate, key) => vec![certificate, key],
    };
    let texts = files
        .iter()
        .map(|file| String::from_utf8_lossy(file).into_owned());
    texts.collect::<Vec<_>>().join("\n---\n")
}

/// Every use of a file.
fn uses(name: &str, file: &[u8]) -> Vec<(String, Files)> {
    vec![
        (format!("{name}, as CA"), Files::TrustedCa(file.to_vec())),
        (
            format!("{name}, as certificate"),
            Files::Certificate(file.to_vec()),
        ),
        (format!("{name}, as key"), Files::Key(file.to_vec())),
    ]
}

/// Keys and certificates of all algorithms, whole; each with each.
#[test]
fn algorithms() {
    let material = Material::get();
    let mut questions = Vec::new();
    for (name, file) in material.certificates.iter().chain(&material.keys) {
        questions.extend(uses(name, file.as_bytes()));
    }
    for (certificate, certificate_pem) in &material.certificates {
        for (key, key_pem) in &material.keys {
            questions.push((
                format!("{certificate} with {key}"),
                Files::Pair(certificate_pem.clone().into(), key_pem.clone().into()),
            ));
        }
    }
    let (accepted, undecided) = compare(questions);
    assert!(accepted > 60, "{accepted}");
    for question in undecided {
        assert!(
            question.contains("p224") || question.contains("three-primes"),
            "{question}"
        );
    }
}

/// Every kind of damage to PEM, for each kind of file.
#[test]
fn damaged_pem() {
    let material = Material::get();
    let mut questions = Vec::new();
    for name in ["ec-p256", "rsa-2048", "ed25519"] {
        let certificate = material.certificate(name);
        let key = material.key(name);
        for (damage, damaged) in pem::damages(certificate, key) {
            let name = format!("{name}, {damage}");
            questions.extend(uses(&name, &damaged));
            questions.push((
                format!("{name}, certificate of a pair"),
                Files::Pair(damaged.clone(), key.into()),
            ));
        }
        for (damage, damaged) in pem::damages(key, certificate) {
            let name = format!("{name} key, {damage}");
            questions.extend(uses(&name, &damaged));
            questions.push((
                format!("{name}, key of a pair"),
                Files::Pair(certificate.into(), damaged.clone()),
            ));
        }
    }
    assert!(pem::damages("", "").len() >= 40);
    let (accepted, undecided) = compare(questions);
    assert!(
        accepted > 60 && undecided.is_empty(),
        "{accepted}, {undecided:?}"
    );
}

/// Certificates with one unusual or wrong element.
#[test]
fn certificates() {
    let questions = der::certificates().into_iter().map(|(name, certificate)| {
        (
            name,
            Files::TrustedCa(pem::encode("CERTIFICATE", &certificate)),
        )
    });
    let (accepted, undecided) = compare(questions.collect());
    assert!(accepted > 200, "{accepted}");
    assert!(undecided.len() < 100, "{}: {undecided:?}", undecided.len());
}

/// Private keys with one unusual or wrong element.
#[test]
fn private_keys() {
    let material = Material::get();
    let whole = pem::decode(material.key("rsa-2048")).unwrap();
    // The contents of PKCS#8's last field begin after three headers
    let pkcs1 = &whole[26..];
    let questions = keys::private_keys(pkcs1)
        .into_iter()
        .map(|(name, key)| (name, Files::Key(pem::encode("PRIVATE KEY", &key))));
    let (accepted, undecided) = compare(questions.collect());
    assert!(accepted > 12 && undecided.is_empty(), "{accepted}");
}

/// The numbers of RSA keys must match as Go requires, and no further.
#[test]
fn small_rsa_keys() {
    let questions = keys::small_rsa_keys()
        .into_iter()
        .map(|(name, key)| (name, Files::Key(pem::encode("RSA PRIVATE KEY", &key))));
    let (accepted, _) = compare(questions.collect());
    assert!(accepted > 100, "{accepted}");
}

/// Random changes of bytes, lines and DER elements.
#[test]
fn mutations() {
    let material = Material::get();
    let mut random = mutation::Random::new(0x5eed);
    let mut questions = Vec::new();
    for round in 0..2500 {
        let (name, file) = random.choice(&material.certificates);
        let (key_name, key) = random.choice(&material.keys);
        let certificate = mutation::text(&mut random, file, key);
        let damaged_key = mutation::text(&mut random, key, file);
        questions.extend(uses(&format!("{round}: {name}"), &certificate));
        questions.extend(uses(&format!("{round}: {key_name}"), &damaged_key));
        let pair = material.pair(&mut random);
        questions.push((
            format!("{round}: a pair"),
            match round % 2 {
                0 => Files::Pair(mutation::text(&mut random, pair.0, pair.1), pair.1.into()),
                _ => Files::Pair(pair.0.into(), mutation::text(&mut random, pair.1, pair.0)),
            },
        ));
        for (name, text, label) in [(name, file, "CERTIFICATE"), (key_name, key, "PRIVATE KEY")] {
            let Some(contents) = pem::decode(text) else {
                continue;
            };
            let mutated = pem::encode(label, &mutation::der(&mut random, &contents));
            let question = if label == "CERTIFICATE" {
                Files::TrustedCa(mutated)
            } else {
                Files::Key(mutated)
            };
            questions.push((format!("{round}: DER of {name}"), question));
        }
    }
    let total = questions.len();
    let (accepted, undecided) = compare(questions);
    assert!(
        undecided.len() < total / 6,
        "{} of {total}",
        undecided.len()
    );
    assert!(
        accepted > total / 20 && accepted < total * 3 / 4,
        "{accepted} of {total}"
    );
}

/// Every refusal names the fault, its place, and a way to repair it.
#[test]
fn reasons() {
    let material = Material::get();
    let certificate = material.certificate("ec-p256");
    let key = material.key("ec-p256");
    let lines = certificate.lines().count();
    let encrypted = material.key("ec-p256, encrypted");
    let old_encrypted = material.key("ec-p256, Proc-Type");
    let refused = |question: Files| ours(&question).unwrap_err();
    let ca = |text: &str| refused(Files::TrustedCa(text.into()));
    let leaf = |text: &str| refused(Files::Certificate(text.into()));
    let private = |text: &str| refused(Files::Key(text.into()));
    let damage = |name: &str| {
        let all = pem::damages(certificate, key);
        let found = all.into_iter().find(|(known, _)| *known == name);
        refused(Files::Certificate(found.unwrap().1))
    };
    let twice = der::certificates()
        .into_iter()
        .find(|(name, _)| name == "an unknown extension twice");
    for (finding, text, fix) in [
        (
            ca(&format!("{certificate}{key}")),
            format!(
                "block 2 (line {}) is a PRIVATE KEY, and every block of a trusted CA file must be a certificate",
                lines + 1
            ),
            "remove that block",
        ),
        (
            refused(Files::TrustedCa(pem::encode(
                "CERTIFICATE",
                &twice.unwrap().1,
            ))),
            "block 1 (line 1) has the extension 1.2.3.1 twice".to_owned(),
            "issue a new one",
        ),
        (
            leaf(key),
            "it has no certificate, only a PRIVATE KEY".to_owned(),
            "swapped",
        ),
        (
            private(certificate),
            "it has no private key, only a CERTIFICATE".to_owned(),
            "swapped",
        ),
        (private(""), "it is empty".to_owned(), "restore"),
        (
            private("\0\0\0"),
            "it has only zero bytes".to_owned(),
            "restore",
        ),
        (
            private(encrypted),
            "the private key in block 1 (line 1) is encrypted".to_owned(),
            "without a passphrase",
        ),
        (
            private(old_encrypted),
            "the private key in block 1 (line 1) is encrypted".to_owned(),
            "without a passphrase",
        ),
        (
            private(material.key("ec-secp256k1")),
            "the key in block 1 (line 1) is of secp256k1, which Go does not use for TLS".to_owned(),
            "new key",
        ),
        (
            damage("a byte order mark"),
            "it begins with a byte order mark".to_owned(),
            "without a byte order mark",
        ),
        (
            damage("CR alone"),
            "its lines end in carriage returns alone".to_owned(),
            "line feed",
        ),
        (
            damage("indented"),
            "a BEGIN or END line is indented or has other text on it".to_owned(),
            "a line of its own",
        ),
        (
            damage("END and BEGIN on one line"),
            "a BEGIN or END line is indented or has other text on it".to_owned(),
            "a line of its own",
        ),
        (damage("DER"), "it is DER, not PEM".to_owned(), "PEM"),
        (
            damage("no END line"),
            "its block has no END line".to_owned(),
            "restore",
        ),
        (damage("UTF-16"), "it is text in UTF-16".to_owned(), "ASCII"),
    ] {
        assert_eq!(finding.code(), "EP041");
        assert_eq!(
            finding.to_string(),
            format!("etcd does not read it: {text}")
        );
        assert_eq!(finding.facts().reason.as_deref(), Some(&*text));
        assert!(finding.fix().contains(fix), "{text}: {}", finding.fix());
    }
    let other_key = Files::Pair(certificate.into(), material.key("ec-p384").into());
    assert_eq!(refused(other_key), Finding::KeyMismatch { key: None });
    // Parts of a file that etcd does not read
    let cut = format!("{certificate}  {certificate}{certificate}");
    assert!(verify::trusted_ca(cut.as_bytes()).is_ok_and(|all| all.len() == 2));
    let skipped = verify::skipped_blocks(cut.as_bytes()).unwrap();
    assert_eq!(
        skipped.to_string(),
        format!("etcd skips blocks of it, which begin on line {}", lines + 1)
    );
    assert_eq!(
        verify::skipped_blocks(certificate.repeat(3).as_bytes()),
        None
    );
}

/// The public half of a key is the key of its certificate.
#[test]
fn public_halves() {
    let material = Material::get();
    for name in [
        "ec-p256", "ec-p384", "ec-p521", "ed25519", "rsa-1024", "rsa-2049",
    ] {
        let certificate =
            &verify::certificate_chain(material.certificate(name).as_bytes()).unwrap()[0];
        let key = verify::private_key(material.key(name).as_bytes()).unwrap();
        assert_eq!(&key, certificate.public_key(), "{name}");
    }
}
