//! The record of checks in a large directory: it saves work, and only the CA's key can vouch for
//! it.
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use etcd_pki_core::{Certificate, PrivateKey};
use etcd_pki_tests::{Scratch, command::etcd_pki, openssl::hmac_sha256, run};
use serde_json::Value;

const RECORD: &str = ".etcd-pki-checked";
const FIRST_LINE: &str = "etcd-pki: marks of the pairs that were checked; it may be removed\n";
const PURPOSE: &str = "etcd-pki: the key is the certificate's, and the CA has signed it";
/// With the member and its admin, more pairs than the minimum for a record
const NODES: usize = 260;
const MARKS: usize = NODES + 2;

/// A cluster with this number of nodes.
struct Large(Scratch);

impl Large {
    fn with_nodes(nodes: usize) -> Self {
        let large = Self(Scratch::new("record"));
        let nodes: String = (0..nodes)
            .map(|number| format!("  - n{number}\n"))
            .collect();
        let text = format!("directory: ssl\nmembers: [{{name: m}}]\nnodes:\n{nodes}");
        fs::write(large.0.path().join("cluster.yaml"), text).unwrap();
        large.apply();
        large
    }

    /// A copy of one that is created once.
    fn new() -> Self {
        static FIRST: OnceLock<Large> = OnceLock::new();
        let first = FIRST.get_or_init(|| Self::with_nodes(NODES));
        let large = Self(Scratch::new("record"));
        run(Command::new("cp")
            .args(["-a", "cluster.yaml", "ssl"])
            .arg(large.0.path())
            .current_dir(first.0.path()))
        .expect_success();
        large
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("ssl").join(name)
    }

    fn call(&self, verb: &str) -> Value {
        let mut command = Command::new(etcd_pki());
        command.current_dir(self.0.path());
        let output = run(command.args([verb, "-f", "cluster.yaml", "--json"])).expect_success();
        serde_json::from_str(output.stdout()).unwrap()
    }

    fn apply(&self) -> Value {
        self.call("apply")
    }

    /// The due changes. Each is a line such as
    /// `renew node-n7.pem: not signed by ca.pem, which has the name CN=etcd-ca and another key`.
    fn due(&self) -> Vec<String> {
        let plan = self.call("plan");
        let changes = plan["changes"].as_array().unwrap().iter();
        changes
            .map(|change| {
                let file = Path::new(change["certificate"].as_str().unwrap()).file_name();
                let reasons = change["reasons"].as_array().unwrap().iter();
                let reasons: Vec<_> = reasons
                    .map(|reason| reason["message"].as_str().unwrap())
                    .collect();
                format!(
                    "{} {}: {}",
                    change["action"].as_str().unwrap(),
                    file.unwrap().to_str().unwrap(),
                    reasons.join("; ")
                )
            })
            .collect()
    }

    /// The recorded marks, in hexadecimal digits.
    fn marks(&self) -> Vec<String> {
        let bytes = fs::read(self.file(RECORD)).unwrap();
        let marks = bytes.strip_prefix(FIRST_LINE.as_bytes()).unwrap();
        assert_eq!(marks.len() % 32, 0);
        marks.chunks_exact(32).map(hex).collect()
    }

    /// The mark of a pair, computed by OpenSSL: HMAC-SHA256 over both files, each after its length.
    /// HKDF derives the key from the CA's PKCS#8 (RFC 5869: extract with an empty salt, then the
    /// first block of expand).
    fn mark(&self, stem: &str) -> String {
        let ca = PrivateKey::from_pem(fs::read(self.file("ca-key.pem")).unwrap()).unwrap();
        let extracted = hmac_sha256(&"00".repeat(32), &ca.to_secret_der());
        let key = hmac_sha256(&extracted, &[PURPOSE.as_bytes(), &[1]].concat());
        let mut message = Vec::new();
        for name in [format!("{stem}.pem"), format!("{stem}-key.pem")] {
            let contents = fs::read(self.file(&name)).unwrap();
            message.extend((contents.len() as u64).to_be_bytes());
            message.extend(contents);
        }
        hmac_sha256(&key, &message)
    }

    /// Changes bits in the last byte of a certificate, which is part of its signature.
    fn tamper(&self, name: &str, bits: u8) {
        let path = self.file(name);
        let mut der = Certificate::from_pem(fs::read(&path).unwrap())
            .unwrap()
            .as_der()
            .to_vec();
        *der.last_mut().unwrap() ^= bits;
        let tampered = Certificate::from_der(&der).unwrap().to_pem();
        fs::write(&path, tampered).unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}

#[test]
fn what_was_made_is_on_record_once_and_for_its_owner_alone() {
    let large = Large::new();
    let marks = large.marks();
    assert_eq!(marks.len(), MARKS);
    for stem in ["member-m", "admin-m", "node-n0", "node-n259"] {
        assert!(marks.contains(&large.mark(stem)), "{stem}");
    }
    let record = large.file(RECORD).metadata().unwrap();
    assert_eq!(record.permissions().mode() & 0o777, 0o600);

    let again = large.apply();
    assert_eq!(
        (&again["kept"], &again["created"]),
        (&(MARKS + 1).into(), &0.into())
    );
    assert_eq!(large.file(RECORD).metadata().unwrap().ino(), record.ino());
    assert!(!Large::with_nodes(10).file(RECORD).exists());
}

#[test]
fn changes_are_found_whatever_is_on_record() {
    let large = Large::new();
    large.tamper("node-n1.pem", 1);
    let exchange = |one: &str, other: &str| {
        let aside = large.file("aside");
        fs::rename(large.file(one), &aside).unwrap();
        fs::rename(large.file(other), large.file(one)).unwrap();
        fs::rename(&aside, large.file(other)).unwrap();
    };
    exchange("node-n2.pem", "node-n3.pem");
    // Both files of each pair: the pairs match, and are in the record, but in the wrong places
    exchange("node-n4.pem", "node-n5.pem");
    exchange("node-n4-key.pem", "node-n5-key.pem");
    let name =
        |found, wanted| format!("common name etcd-node-n{found}, should be etcd-node-n{wanted}");
    let expected = [
        "renew node-n1.pem: the signature of CN=etcd-node-n1 is not valid: it was made by another key, or the content was changed"
            .to_owned(),
        format!(
            "renew node-n2.pem: node-n2-key.pem does not match the certificate; {}",
            name(3, 2)
        ),
        format!(
            "renew node-n3.pem: node-n3-key.pem does not match the certificate; {}",
            name(2, 3)
        ),
        format!("renew node-n4.pem: {}", name(5, 4)),
        format!("renew node-n5.pem: {}", name(4, 5)),
    ];
    assert_eq!(large.due(), expected);

    assert_eq!(large.apply()["renewed"], 5);
    assert_eq!(large.due(), [""; 0]);
    let marks = large.marks();
    assert_eq!(marks.len(), MARKS);
    assert!(marks.contains(&large.mark("node-n1")));
}

/// Only the CA's own key can forge a mark, and its owner could sign certificates anyway.
#[test]
fn a_mark_is_believed_for_the_very_bytes_and_by_the_ca_alone() {
    let large = Large::new();
    let other = Large::with_nodes(NODES);
    for name in ["node-n6.pem", "node-n6-key.pem"] {
        fs::copy(other.file(name), large.file(name)).unwrap();
    }
    fs::copy(other.file(RECORD), large.file(RECORD)).unwrap();
    let foreign =
        "renew node-n6.pem: not signed by ca.pem, which has the name CN=etcd-ca and another key";
    large.tamper("node-n8.pem", 1);
    let tampered = "renew node-n8.pem: the signature of CN=etcd-node-n8 is not valid: it was made by another key, or the content was changed";
    assert_eq!(large.due(), [foreign, tampered]);

    let mut record = fs::read(large.file(RECORD)).unwrap();
    record.extend(bytes(&large.mark("node-n8")));
    fs::write(large.file(RECORD), record).unwrap();
    assert_eq!(large.due(), [foreign]);
    large.tamper("node-n8.pem", 2);
    assert_eq!(large.due(), [foreign, tampered]);
}

#[test]
fn a_record_of_any_other_kind_is_none() {
    let large = Large::new();
    let good = fs::read(large.file(RECORD)).unwrap();
    large.tamper("node-n7.pem", 1);
    let foreign = "renew node-n7.pem: the signature of CN=etcd-node-n7 is not valid: it was made by another key, or the content was changed";
    let record = large.file(RECORD);
    let mut flipped = good.clone();
    flipped.iter_mut().for_each(|byte| *byte ^= 0x55);
    for damaged in [
        &[][..],
        b"\0",
        &good[..good.len() / 2],
        &good[1..],
        &flipped,
    ] {
        fs::write(&record, damaged).unwrap();
        assert_eq!(large.due(), [foreign]);
    }
    assert_eq!(large.apply()["renewed"], 1);
    assert_eq!(large.marks().len(), MARKS);

    // A missing record is written again even if nothing else is due
    fs::remove_file(&record).unwrap();
    assert_eq!(large.apply()["renewed"], 0);
    assert_eq!(large.marks().len(), MARKS);

    // Other objects in its place stay: a link, whatever it leads to, a pipe, a directory
    let elsewhere = large.0.path().join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    for plant in [
        &|| symlink(&elsewhere, &record).unwrap(),
        &|| drop(run(Command::new("mkfifo").arg(&record)).expect_success()),
        &|| fs::create_dir(&record).unwrap(),
    ] as [&dyn Fn(); 3]
    {
        let _ = fs::remove_file(&record);
        plant();
        assert_eq!(large.due(), [""; 0]);
        assert_eq!(large.apply()["kept"], MARKS + 1);
        assert!(!record.symlink_metadata().unwrap().is_file());
    }
    assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
}

/// If only the record cannot be written, the run succeeds.
#[test]
fn a_directory_that_is_read_only() {
    let large = Large::new();
    fs::remove_file(large.file(RECORD)).unwrap();
    let script =
        "mount --bind ssl ssl && mount -o remount,ro,bind ssl && exec \"$0\" apply -f cluster.yaml";
    let mut command = Command::new("unshare");
    let applied = run(command
        .current_dir(large.0.path())
        .args(["--mount", "sh", "-c", script])
        .arg(etcd_pki()))
    .expect_success();
    assert!(
        applied.stdout().contains("up to date"),
        "{}",
        applied.stdout()
    );
    assert!(!large.file(RECORD).exists());
}

/// Its name begins with a dot, and it does not count among the files of the cluster.
#[test]
fn nobody_else_is_troubled_by_it() {
    let large = Large::new();
    let call = |arguments: &[&str]| {
        let mut command = Command::new(etcd_pki());
        run(command.current_dir(large.0.path()).args(arguments)).expect_success()
    };
    let adopted = call(&["adopt", "ssl"]);
    assert!(
        !adopted.stderr().contains("checked"),
        "{}",
        adopted.stderr()
    );
    assert!(!call(&["check", "ssl"]).stdout().contains("checked"));
    call(&["export", "-f", "cluster.yaml", "--host", "n1", "-o", "out"]);
    assert!(!large.0.path().join("out").join(RECORD).exists());
    call(&["apply", "-f", "cluster.yaml", "--prune"]);
    assert_eq!(large.marks().len(), MARKS);
}
