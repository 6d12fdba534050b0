//! `check`, a plan and a verdict agree with Go about every form of a file.

use std::fs;

use etcd_pki_core::{
    Certificate, Cluster, Layout, PrivateKey, Store,
    inspect::Check,
    plan::{Action, ApplyOptions, PlanOptions},
    verify::{self, Verifier},
};
use etcd_pki_tests::{
    Scratch, Verdict,
    go::{self, Files},
    openssl,
};

use super::pem;

/// Damaged files that only one of two readers accepts: the lenient one of etcd-pki, or the strict
/// one of etcd.
const FORMS: [&str; 19] = [
    "nothing",
    "a byte order mark",
    "a space before",
    "text before",
    "text after",
    "indented",
    "spaces at the ends",
    "CRLF",
    "two CRs",
    "CR alone",
    "a body of one line",
    "no line end at the end",
    "blank lines in the body",
    "two blocks",
    "another block before",
    "another block after",
    "END and BEGIN on one line",
    "DER",
    "another label",
];

struct Directory {
    scratch: Scratch,
    cluster: Cluster,
    store: Store,
}

impl Directory {
    fn new() -> Self {
        let scratch = Scratch::new("commands");
        let cluster = Cluster::from_yaml("clients: [root]\n").unwrap();
        let store = Store::new(scratch.path().join("ssl"), Layout::Kubespray);
        let options = (PlanOptions::new(), ApplyOptions::new());
        let report = cluster.apply(&store, &options.0, &options.1).unwrap();
        assert!(report.is_complete());
        Self {
            scratch,
            cluster,
            store,
        }
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.scratch.path().join("ssl").join(file)).unwrap()
    }

    fn text(&self, file: &str) -> String {
        String::from_utf8(self.read(file)).unwrap()
    }

    fn write(&self, file: &str, bytes: &[u8]) {
        fs::write(self.scratch.path().join("ssl").join(file), bytes).unwrap();
    }

    /// Whether `check` has no critical finding, which means that etcd reads every file.
    fn check_is_good(&self) -> bool {
        let checked = Check::new().run([self.scratch.path().join("ssl")]);
        let mut findings = checked.iter().flat_map(|one| one.findings());
        !findings.any(|finding| matches!(finding.code(), "EP012" | "EP041"))
    }

    fn verdict_is_good(&self) -> bool {
        let read = |file: &str| (self.scratch.path().join("ssl").join(file), self.read(file));
        let ((ca_path, ca), (path, certificate)) = (read("ca.pem"), read("client-root.pem"));
        let verifier = Verifier::trusting(ca_path, &ca);
        let verdict = verifier.and_then(|verifier| verifier.verify_file(path, &certificate));
        verdict.is_ok_and(|verdict| verdict.is_accepted())
    }
}

fn go(question: Files) -> bool {
    go::files(&[question])[0] == Verdict::Accepted
}

fn form(name: &str, pem: &str, other: &str) -> Vec<u8> {
    if name == "another label" {
        return pem
            .replace("BEGIN ", "BEGIN NEW ")
            .replace("END ", "END NEW ")
            .into();
    }
    let mut damages = pem::damages(pem, other).into_iter();
    damages.find(|(known, _)| *known == name).unwrap().1
}

/// A pair that etcd cannot read is repaired with the same key, and only such a pair is written.
#[test]
fn pairs() {
    let directory = Directory::new();
    let (certificate, key) = (
        directory.text("client-root.pem"),
        directory.text("client-root-key.pem"),
    );
    let public = |bytes: &[u8]| verify::private_key(bytes).unwrap();
    let mut unread = 0;
    for name in FORMS {
        for is_key in [false, true] {
            directory.write("client-root.pem", certificate.as_bytes());
            directory.write("client-root-key.pem", key.as_bytes());
            let (file, bytes) = if is_key {
                ("client-root-key.pem", form(name, &key, &certificate))
            } else {
                // A certificate file with a key is never replaced, whether etcd can read it or not
                (
                    "client-root.pem",
                    form(
                        name,
                        &certificate,
                        "-----BEGIN X-----\nAAEC\n-----END X-----\n",
                    ),
                )
            };
            directory.write(file, &bytes);
            let pair = (
                directory.read("client-root.pem"),
                directory.read("client-root-key.pem"),
            );
            let is_read = go(Files::Pair(pair.0, pair.1));
            let what = format!("{file}, {name}: Go reads it: {is_read}");
            assert_eq!(directory.check_is_good(), is_read, "{what}");
            if !is_key {
                assert_eq!(directory.verdict_is_good(), is_read, "{what}");
            }
            let plan = directory.cluster.plan(&directory.store).unwrap();
            let step = plan.steps().last().unwrap();
            assert_eq!(step.action() == Action::Keep, is_read, "{what}: {step:?}");
            if is_read || step.action() == Action::Blocked {
                // A file that neither can read may be the only copy
                let lenient = PrivateKey::from_bytes(&bytes, None).is_ok();
                assert!(is_read || !lenient, "{what}");
                continue;
            }
            unread += 1;
            assert!(
                step.reasons().iter().any(|reason| reason.code() == "EP041"),
                "{what}: {step:?}"
            );
            assert!(plan.apply().unwrap().is_complete(), "{what}");
            let repaired = directory.read("client-root-key.pem");
            assert_eq!(public(&repaired), public(key.as_bytes()), "{what}");
            assert!(
                go(Files::Pair(directory.read("client-root.pem"), repaired)),
                "{what}"
            );
            if !is_key {
                assert_eq!(directory.text("client-root-key.pem"), key, "{what}");
            }
        }
    }
    assert!(unread >= 8, "{unread}");
}

/// An encrypted key may be the right one: it stays, and every command reports it with one code.
#[test]
fn encrypted_keys() {
    let directory = Directory::new();
    let folder = directory.scratch.path();
    for line in [
        "pkcs8 -topk8 -in ssl/client-root-key.pem -passout pass:x -out key.pem",
        "ec -aes128 -in ssl/client-root-key.pem -passout pass:x -out key.pem",
    ] {
        let plain = directory.read("client-root-key.pem");
        let _ = openssl::call(folder, line);
        let encrypted = fs::read(folder.join("key.pem")).unwrap();
        directory.write("client-root-key.pem", &encrypted);
        assert!(!go(Files::Pair(
            directory.read("client-root.pem"),
            encrypted.clone()
        )));
        let checked = Check::new().run([folder.join("ssl/client-root.pem")]);
        let check: Vec<_> = checked[0].findings().iter().collect();
        let plan = directory.cluster.plan(&directory.store).unwrap();
        let step = plan.steps().last().unwrap();
        assert_eq!(step.action(), Action::Blocked);
        let plan: Vec<_> = step.reasons().iter().collect();
        assert_eq!(check, plan);
        assert_eq!(check[0].code(), "EP041");
        directory.write("client-root-key.pem", &plain);
    }
}

/// A CA file that etcd cannot read is a finding. A plan writes its certificates again in the form
/// that etcd reads, unless the file contains something else, which may be the only copy.
#[test]
fn trusted_cas() {
    let directory = Directory::new();
    let (ca, key) = (directory.text("ca.pem"), directory.text("ca-key.pem"));
    let mut repaired = 0;
    for name in FORMS {
        let bytes = form(name, &ca, &key);
        directory.write("ca.pem", &bytes);
        let is_read = go(Files::TrustedCa(bytes.clone()));
        let what = format!("{name}: Go reads it: {is_read}");
        assert_eq!(directory.check_is_good(), is_read, "{what}");
        assert_eq!(directory.verdict_is_good(), is_read, "{what}");
        let lenient = Certificate::all_from_bytes(&bytes);
        let Ok(plan) = directory.cluster.plan(&directory.store) else {
            let is_mixed = lenient.is_err() || bytes_have(&bytes, "PRIVATE KEY");
            assert!(!is_read && is_mixed, "{what}");
            continue;
        };
        let step = plan.steps().first().unwrap();
        assert_eq!(step.action() == Action::Keep, is_read, "{what}: {step:?}");
        if is_read {
            continue;
        }
        repaired += 1;
        assert_eq!(step.action(), Action::Trust, "{what}");
        assert_eq!(step.reasons()[0].code(), "EP041", "{what}");
        assert_eq!(directory.read("ca.pem"), bytes, "{what}");
        assert!(plan.apply().unwrap().is_complete(), "{what}");
        let written = directory.read("ca.pem");
        assert!(go(Files::TrustedCa(written.clone())), "{what}");
        let written = Certificate::all_from_bytes(&written).unwrap();
        assert_eq!(written, lenient.unwrap(), "{what}");
        let plan = directory.cluster.plan(&directory.store).unwrap();
        assert_eq!(plan.changes().count(), 0, "{what}");
    }
    assert!(repaired >= 4, "{repaired}");
}

/// The parameters of a curve can be removed. A request may be the only copy.
#[test]
fn other_blocks_of_a_trusted_ca() {
    let directory = Directory::new();
    let folder = directory.scratch.path();
    let ca = directory.text("ca.pem");
    let _ = openssl::call(folder, "ecparam -name prime256v1 -out parameters");
    let line = "req -new -key ssl/ca-key.pem -subj /CN=x -out request";
    let _ = openssl::call(folder, line);
    for (file, is_repaired) in [("parameters", true), ("request", false)] {
        let other = fs::read_to_string(folder.join(file)).unwrap();
        let bytes = format!("{other}{ca}");
        directory.write("ca.pem", bytes.as_bytes());
        assert!(!go(Files::TrustedCa(bytes.clone().into())), "{file}");
        match directory.cluster.plan(&directory.store) {
            Ok(plan) => assert!(plan.apply().unwrap().is_complete(), "{file}"),
            Err(error) => assert!(
                error.hint().is_some_and(|hint| hint.contains("block")),
                "{error}"
            ),
        }
        let expected = if is_repaired { &ca } else { &bytes };
        assert_eq!(directory.text("ca.pem"), *expected, "{file}");
    }
}

fn bytes_have(bytes: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    bytes.windows(text.len()).any(|window| window == text)
}

/// Blocks that etcd skips are a warning.
#[test]
fn skipped_blocks() {
    let directory = Directory::new();
    let ca = directory.text("ca.pem");
    let bundle = format!("{ca} {ca}");
    directory.write("ca.pem", bundle.as_bytes());
    assert!(go(Files::TrustedCa(bundle.into())));
    let checked = Check::new().run([directory.scratch.path().join("ssl/ca.pem")]);
    let codes: Vec<_> = checked[0].findings().iter().map(|one| one.code()).collect();
    assert_eq!(codes, ["EP042"]);
}
