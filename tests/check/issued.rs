//! The record of what a CA issued: every way to sign adds to it, and Python reads it.
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{chown, symlink},
    path::{Path, PathBuf},
    thread,
};

use etcd_pki_tests::{
    Scratch,
    command::etcd_pki_in,
    openssl,
    record::{RECORD_FILE, judge},
};
use serde_json::Value;

const SPECIFICATION: &str =
    "members: [{name: m, addresses: [10.0.0.1]}]\nclients: [app]\nadmin: none\n";

/// A scratch directory with the specification, in which commands run.
struct Place(Scratch);

impl Place {
    fn new(specification: &str) -> Self {
        let scratch = Scratch::new("issued");
        fs::write(scratch.path().join("c.yaml"), specification).unwrap();
        // With another client
        let more = specification.replace("clients: [app]", "clients: [app, more]");
        fs::write(scratch.path().join("more.yaml"), more).unwrap();
        Self(scratch)
    }

    /// With the directory `pki`.
    fn applied() -> Self {
        let place = Self::new(SPECIFICATION);
        place.run("apply -f c.yaml -d pki");
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    fn run(&self, line: &str) -> String {
        let output = etcd_pki_in(self.0.path(), line);
        output.expect_success().stdout().to_owned()
    }

    /// Runs a command that fails with this exit code; returns its messages.
    #[track_caller]
    fn fail(&self, line: &str, code: i32) -> String {
        let output = etcd_pki_in(self.0.path(), line);
        assert_eq!(output.code(), Some(code), "{}", output.stderr());
        output.stderr().to_owned()
    }

    /// The judged record of a directory.
    fn record(&self, directory: &str) -> Value {
        judge(&self.file(directory), &[])
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file("pki").join(RECORD_FILE)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn put(&self, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.file("pki").join(RECORD_FILE), text).unwrap();
    }

    /// The certificate files of a directory.
    fn certificates(&self, directory: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.file(directory)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let is_certificate = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".pem") && !name.ends_with("-key.pem")
        };
        paths.filter(is_certificate).collect()
    }

    /// Asserts that each of these files is in the whole record of a directory; returns the number
    /// of entries.
    #[track_caller]
    fn assert_recorded(&self, directory: &str, certificates: &[PathBuf]) -> usize {
        let judged = judge(&self.file(directory), certificates);
        assert_eq!(judged["whole"], true, "{judged}");
        assert_eq!(judged["unrecorded"], Value::Array(Vec::new()), "{judged}");
        judged["entries"].as_array().unwrap().len()
    }
}

fn entries(judged: &Value) -> &[Value] {
    judged["entries"].as_array().unwrap()
}

#[test]
fn every_way_to_sign_is_recorded() {
    let place = Place::applied();
    let mut count = 3;
    let mut recorded = |files: &[&str], new: usize| {
        count += new;
        let mut all = place.certificates("pki");
        all.extend(files.iter().map(|file| place.file(file)));
        assert_eq!(place.assert_recorded("pki", &all), count, "{files:?}");
    };
    recorded(&[], 0);
    place.run("apply -f c.yaml -d pki");
    recorded(&[], 0);
    place.run("cert issue client x -d pki");
    recorded(&[], 1);
    place.run("cert issue client y -d pki -o y.pem");
    recorded(&["y.pem"], 1);
    fs::write(
        place.file("z.pem"),
        place.run("cert issue client z -d pki --ca-key pki/ca-key.pem -o - --key-out z-key.pem"),
    )
    .unwrap();
    recorded(&["z.pem"], 1);
    place.run("csr new --role client --cn asked -o asked.csr --key-out asked-key.pem");
    place.run("cert sign asked.csr --role client --cn given -d pki -o given.pem");
    recorded(&["given.pem"], 1);
    place.run("cert sign asked.csr --role client --cn named --ca pki/ca.pem --ca-key pki/ca-key.pem -o named.pem");
    recorded(&["named.pem"], 1);
    place.run("cert renew pki/client-x.pem");
    place.run("cert renew --ca pki/ca.pem --ca-key pki/ca-key.pem y.pem");
    recorded(&["y.pem"], 2);
    place.run("apply -f more.yaml -d pki");
    place.run("ca renew -d pki");
    recorded(&[], 2);
    // A refused command issues nothing
    let _ = place.fail("cert issue client x -d pki", 1);
    let _ = place.fail(
        "cert sign asked.csr --role client --cn given -d pki -o given.pem",
        1,
    );
    recorded(&[], 0);
    let judged = place.record("pki");
    let entry = |name: &str| {
        let found = entries(&judged)
            .iter()
            .find(|one| one["common_name"] == name);
        found.unwrap().clone()
    };
    assert_eq!(entry("given")["requester"], "CN=asked");
    assert_eq!(
        (&entry("etcd-ca")["role"], &entry("etcd-member-m")["role"]),
        (&"ca".into(), &"member".into())
    );
    let names = entry("etcd-member-m")["names"].clone();
    assert_eq!(
        names,
        serde_json::json!(["m", "localhost", "10.0.0.1", "127.0.0.1", "::1"])
    );
    // OpenSSL agrees
    let serial = openssl::call(place.0.path(), "x509 -in given.pem -noout -serial");
    let serial = serial.stdout();
    assert_eq!(
        serial.trim(),
        format!("serial={}", entry("given")["serial"].as_str().unwrap())
    );
    // All entries have the CA's key
    let keys: BTreeSet<&str> = entries(&judged)
        .iter()
        .map(|entry| entry["issuer_key_sha256"].as_str().unwrap())
        .collect();
    assert_eq!(keys.len(), 1);
    let shown: Value = serde_json::from_str(&place.run("ca issued -d pki --json")).unwrap();
    assert_eq!(
        shown["certificates"].as_array().unwrap().len(),
        entries(&judged).len()
    );
    assert_eq!(shown["cas"][0]["from_beginning"], true);
    assert_eq!(shown["damage"], Value::Array(Vec::new()));
}

#[test]
fn requests_of_hosts_kubespray_and_separate_cas_are_recorded() {
    let place = Place::new(&format!("{SPECIFICATION}ca: {{peers: separate}}\n"));
    place.run("apply -f c.yaml -d pki");
    place.assert_recorded("pki", &place.certificates("pki"));
    let judged = place.record("pki");
    let keys = |judged: &Value| -> BTreeSet<String> {
        let keys = entries(judged)
            .iter()
            .map(|one| one["issuer_key_sha256"].to_string());
        keys.collect()
    };
    let since = entries(&judged)
        .iter()
        .filter(|one| one["complete_since"].is_string());
    assert_eq!((keys(&judged).len(), since.count()), (2, 2));
    // A replaced CA keeps its entries
    place.run("ca new -d pki --replace-ca");
    assert_eq!(keys(&place.record("pki")).len(), 3);

    let place = Place::new(SPECIFICATION);
    let _ = etcd_pki_in(
        place.0.path(),
        "apply -f c.yaml --host m -d host --requests exchange",
    );
    place.run("apply -f c.yaml -d ca --requests exchange");
    assert!(!place.file("host").join(RECORD_FILE).exists());
    let signed = place.file("exchange/m/member-m.pem");
    assert_eq!(place.assert_recorded("ca", &[signed]), 2);
    assert_eq!(entries(&place.record("ca"))[1]["requester"], "m");

    fs::write(place.file("openssl.conf"), "[alt_names]\nDNS.1 = a\n").unwrap();
    let output = etcd_pki_tests::run(
        std::process::Command::new(etcd_pki_tests::command::etcd_pki())
            .current_dir(place.0.path())
            .env("MASTERS", "a")
            .args([
                "kubespray",
                "-f",
                "openssl.conf",
                "-d",
                "ks",
                "--algorithm",
                "ec-p256",
            ]),
    );
    let _ = output.expect_success();
    assert_eq!(place.assert_recorded("ks", &place.certificates("ks")), 3);
}

/// A CA that openssl made has a record since its first certificate.
#[test]
fn the_record_of_an_adopted_ca_says_since_when_it_is_complete() {
    let place = Place::new(SPECIFICATION);
    fs::create_dir(place.file("pki")).unwrap();
    let _ = openssl::call(
        place.0.path(),
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=etcd-ca -days 99 \
         -keyout pki/ca-key.pem -out pki/ca.pem",
    );
    let refused = place.fail("ca issued -d pki", 1);
    assert!(refused.contains("does not exist"), "{refused}");
    place.run("cert issue client a -d pki");
    place.run("cert issue client b -d pki");
    let judged = place.record("pki");
    let first = &entries(&judged)[0];
    assert_eq!(first["complete_since"], first["time"]);
    assert!(entries(&judged)[1].get("complete_since").is_none());
    assert!(
        place
            .run("ca issued -d pki")
            .contains("2 certificates, complete since 20")
    );
    place.run("ca renew -d pki");
    let shown: Value = serde_json::from_str(&place.run("ca issued -d pki --json")).unwrap();
    assert_eq!(shown["cas"][0]["from_beginning"], false);
}

/// Commands that run at the same time lose no line and break no link.
#[test]
fn many_commands_at_once_keep_one_chain() {
    let clients: Vec<String> = (0..60).map(|number| format!("c{number}")).collect();
    let place = Place::new(&format!("clients: [{}]\n", clients.join(", ")));
    place.run("apply -f c.yaml -d pki --only c0");
    place.run("csr new --role client --cn asked -o asked.csr --key-out asked-key.pem");
    thread::scope(|scope| {
        scope.spawn(|| place.run("apply -f c.yaml -d pki"));
        for worker in 0..3 {
            let place = &place;
            scope.spawn(move || {
                for number in 0..6 {
                    place.run(&format!("cert issue client w{worker}-{number} -d pki"));
                    place.run(&format!(
                        "cert sign asked.csr --role client --cn s -d pki -o s{worker}-{number}.pem"
                    ));
                }
            });
        }
    });
    let mut files = place.certificates("pki");
    for worker in 0..3 {
        files.extend((0..6).map(|number| place.file(&format!("s{worker}-{number}.pem"))));
    }
    assert_eq!(place.assert_recorded("pki", &files), 1 + 60 + 2 * 18);
}

#[test]
fn what_cannot_be_recorded_is_not_issued() {
    type Plant = fn(&Path);
    let plants: [(&str, Plant); 4] = [
        ("symbolic link", |record| {
            symlink("elsewhere", record).unwrap()
        }),
        ("is no regular file", |record| {
            fs::create_dir(record).unwrap()
        }),
        ("hard link", |record| {
            fs::hard_link(record.with_file_name("elsewhere"), record).unwrap();
        }),
        ("belongs to 12345", |record| {
            fs::write(record, "").unwrap();
            chown(record, Some(12345), None).unwrap();
        }),
    ];
    for (word, plant) in plants {
        if word.starts_with("belongs") && !rustix::process::geteuid().is_root() {
            continue;
        }
        let place = Place::applied();
        place.run("csr new --role client --cn asked -o asked.csr --key-out asked-key.pem");
        let record = place.file("pki").join(RECORD_FILE);
        fs::write(record.with_file_name("elsewhere"), "kept").unwrap();
        fs::remove_file(&record).unwrap();
        plant(&record);
        let before = place.certificates("pki");
        let contents = |files: &[PathBuf]| -> Vec<Vec<u8>> {
            files.iter().map(|file| fs::read(file).unwrap()).collect()
        };
        let old = contents(&before);
        for line in [
            "cert issue client x -d pki",
            "cert issue client x -d pki -o x.pem",
            "cert sign asked.csr --role client --cn x -d pki",
            "cert sign asked.csr --role client --cn x --ca pki/ca.pem --ca-key pki/ca-key.pem",
            "cert renew pki/client-app.pem",
            "apply -f more.yaml -d pki",
            "ca renew -d pki",
        ] {
            let output = etcd_pki_in(place.0.path(), line);
            let said = output.stderr();
            assert_eq!(output.code(), Some(1), "{line}: {said}");
            assert!(
                said.contains(RECORD_FILE) && said.contains(word),
                "{line}: {said}"
            );
            assert!(said.contains("--no-record"), "{line}: {said}");
            assert!(!output.stdout().contains("BEGIN CERTIFICATE"), "{line}");
        }
        assert!(!place.file("x.pem").exists());
        assert_eq!(
            (place.certificates("pki"), contents(&before)),
            (before.clone(), old)
        );
        assert_eq!(
            fs::read(record.with_file_name("elsewhere")).unwrap(),
            b"kept"
        );
        // Without the record it is issued
        place.run("cert issue client x -d pki --no-record");
        place.run("cert renew pki/client-app.pem --no-record");
        place.run("ca renew -d pki --no-record");
    }
}

#[test]
fn a_specification_can_leave_the_record_out() {
    let place = Place::new(&format!("{SPECIFICATION}ca: {{record: false}}\n"));
    place.run("apply -f c.yaml -d pki");
    assert!(!place.file("pki").join(RECORD_FILE).exists());
    place.run("ca new -d other --no-record");
    assert!(!place.file("other").join(RECORD_FILE).exists());
}

/// A damaged record is a finding, and stops no renewal.
#[test]
fn a_damaged_record_is_reported_and_continued() {
    let place = Place::applied();
    place.run("check pki");
    let whole = place.lines();
    let mut changed = whole.clone();
    changed[1] = changed[1].replace("10.0.0.1", "10.0.0.9");
    let mut gap = whole.clone();
    gap.remove(1);
    for damaged in [changed, gap, vec!["x".to_owned(), whole[0].clone()]] {
        place.put(&damaged);
        let output = etcd_pki_in(place.0.path(), "check pki --json");
        assert_eq!(output.code(), Some(1));
        assert!(output.stdout().contains("EP058"), "{}", output.stdout());
        etcd_pki_in(place.0.path(), "check pki --ignore EP058").expect_success();
        assert!(
            place
                .fail("ca issued -d pki", 1)
                .contains("has a gap or was changed")
        );
        place.run("cert renew pki/client-app.pem");
        assert_eq!(place.record("pki")["whole"], false);
        assert_eq!(etcd_pki_in(place.0.path(), "check pki").code(), Some(1));
    }
    // A cut line is what an interrupted run leaves. The next certificate continues the record
    place.put(&whole);
    let record = place.file("pki").join(RECORD_FILE);
    let text = fs::read(&record).unwrap();
    fs::write(&record, &text[..text.len() - 100]).unwrap();
    place.run("check pki");
    place.run("cert issue client next -d pki");
    place.run("check pki");
    assert_eq!(place.record("pki")["whole"], true);
}

/// No other command takes the record for a certificate or for an unmanaged file.
#[test]
fn the_record_is_no_file_of_the_layout() {
    let place = Place::applied();
    let record = place.file("pki").join(RECORD_FILE);
    let before = fs::read(&record).unwrap();
    place.run("plan -f c.yaml -d pki --check");
    assert!(
        !place
            .run("plan -f c.yaml -d pki --json --prune")
            .contains("issued.jsonl")
    );
    place.run("apply -f c.yaml -d pki --prune");
    assert!(!place.run("adopt pki").contains("jsonl"));
    assert!(!place.run("check pki --json").contains("jsonl"));
    place.run("export -f c.yaml -d pki --host m --out out");
    assert!(!place.file("out").join(RECORD_FILE).exists());
    assert_eq!(fs::read(&record).unwrap(), before);
}
