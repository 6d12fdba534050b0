//! The links of a record, and what breaks them.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
};

use super::*;
use crate::{
    ca::CertificateAuthority,
    layout::Layout,
    test_certificates::{self, Made},
    text::upper_hex,
    x509::{certificate::Certificate, identity::Identity},
};

/// A directory with a CA, and a client of each name.
struct Place {
    directory: tempfile::TempDir,
    ca: CertificateAuthority,
}

impl Place {
    fn new(clients: &[&str]) -> Self {
        let place = Self {
            directory: tempfile::tempdir().unwrap(),
            ca: CertificateAuthority::create("etcd-ca").unwrap(),
        };
        let locked = place.store().lock().unwrap();
        locked.write_ca(CaKind::Client, &place.ca, None).unwrap();
        drop(locked);
        place.issue(clients).unwrap();
        place
    }

    fn store(&self) -> Store {
        Store::new(self.directory.path(), Layout::Kubespray)
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(RECORD_FILE)
    }

    fn issue(&self, clients: &[&str]) -> Result<()> {
        let locked = self.store().lock()?;
        clients.iter().try_for_each(|name| {
            let identity = Identity::new(name)?;
            locked.write(&self.ca.issue(Role::Client, identity)?)?;
            Ok(())
        })
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn put(&self, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.path(), text).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let record = self.store().record().unwrap().unwrap();
        let names = record.entries().iter();
        names
            .filter_map(|entry| entry.common_name.clone())
            .collect()
    }

    fn damaged_lines(&self) -> Vec<usize> {
        let record = self.store().record().unwrap().unwrap();
        record.damage().iter().map(|damage| damage.line).collect()
    }

    fn incomplete_end(&self) -> Option<usize> {
        self.store().record().unwrap().unwrap().incomplete_end()
    }
}

#[test]
fn a_new_ca_starts_a_record_and_each_line_has_the_hash_of_the_line_before() {
    let place = Place::new(&["a", "b"]);
    assert_eq!(place.names(), ["etcd-ca", "a", "b"]);
    assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o777, 0o600);
    let mut previous = serde_json::Value::Null;
    for line in place.lines() {
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["previous"], previous);
        previous = upper_hex(&crate::signing::sha256(format!("{line}\n").as_bytes())).into();
    }
    let record = place.store().record().unwrap().unwrap();
    assert!(record.damage().is_empty());
    let [ca] = record.cas() else { panic!() };
    assert!(ca.is_from_beginning && ca.certificates == 3);
    assert_eq!(ca.complete_since, Some(place.ca.certificate().not_before()));
    assert_eq!(record.issued_by(place.ca.certificate()).count(), 3);
    let client = &record.entries()[1];
    assert_eq!(client.role, Some(Role::Client));
    let file = fs::read(place.directory.path().join("client-a.pem")).unwrap();
    let certificate = Certificate::from_bytes(&file).unwrap();
    assert_eq!(client.serial, *certificate.serial_number());
    assert_eq!(client.fingerprint, Fingerprint::of(&certificate));
    assert_eq!(client.not_after, certificate.not_after());
    assert!(client.is_valid_at(SystemTime::now()));
    assert!(!client.is_valid_at(certificate.not_after() + std::time::Duration::from_secs(1)));
}

#[test]
fn every_change_before_the_last_line_is_noticed() {
    let place = Place::new(&["a", "b", "c"]);
    let whole = place.lines();
    // The removed tail and an older copy are whole records
    for end in 1..whole.len() {
        place.put(&whole[..end]);
        assert!(place.damaged_lines().is_empty(), "{end}");
    }
    for line in 0..whole.len() - 1 {
        let mut changed = whole.clone();
        changed[line] = changed[line].replacen("2027-", "2028-", 1);
        changed[line] = changed[line].replacen("2036-", "2037-", 1);
        assert_ne!(changed, whole);
        place.put(&changed);
        assert_eq!(place.damaged_lines(), [line + 2], "{line}");
        let mut removed = whole.clone();
        removed.remove(line);
        place.put(&removed);
        assert_eq!(place.damaged_lines(), [line + 1], "{line}");
        let mut swapped = whole.clone();
        swapped.swap(line, line + 1);
        place.put(&swapped);
        assert!(!place.damaged_lines().is_empty(), "{line}");
        let mut inserted = whole.clone();
        inserted.insert(line + 1, whole[0].clone());
        place.put(&inserted);
        assert!(!place.damaged_lines().is_empty(), "{line}");
        for absurd in [
            "",
            "{}",
            "[1]",
            "\u{0}\u{0}",
            "{\"serial\": 1}",
            &"x".repeat(3_000_000),
        ] {
            let mut inserted = whole.clone();
            inserted.insert(line + 1, absurd.to_owned());
            place.put(&inserted);
            assert_eq!(place.damaged_lines(), [line + 2], "{line}");
            assert_eq!(place.names(), ["etcd-ca", "a", "b", "c"]);
        }
    }
    // A damaged record does not stop the CA, and the damage stays visible
    let mut removed = whole;
    removed.remove(1);
    place.put(&removed);
    place.issue(&["d"]).unwrap();
    assert_eq!(place.damaged_lines(), [2]);
    assert_eq!(place.names(), ["etcd-ca", "b", "c", "d"]);
}

#[test]
fn what_an_interrupted_write_left_is_skipped_and_stays_checked() {
    let whole = {
        let place = Place::new(&["a"]);
        fs::read(place.path()).unwrap()
    };
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for left in [
        b"{".to_vec(),
        b"\n".to_vec(),
        b"\n\n{\"serial\":\"".to_vec(),
        vec![0; 5000],
        whole[first..whole.len() - 2].to_vec(),
        vec![b'x'; 2_000_000],
    ] {
        let place = Place::new(&["a"]);
        let mut file = fs::File::options().append(true).open(place.path()).unwrap();
        file.write_all(&left).unwrap();
        assert!(place.damaged_lines().is_empty());
        assert_eq!(place.incomplete_end(), Some(3));
        place.issue(&["b"]).unwrap();
        assert_eq!(place.names(), ["etcd-ca", "a", "b"]);
        assert!(place.damaged_lines().is_empty());
        assert_eq!(place.incomplete_end(), None);
        // The rest cannot be changed or removed later
        let bytes = fs::read(place.path()).unwrap();
        let begin = whole_lines(&bytes, 2);
        let mut changed = bytes.clone();
        changed[begin] ^= 1;
        fs::write(place.path(), &changed).unwrap();
        // Another byte instead of a line feed joins it with the entry
        if left != b"\n" {
            assert_eq!(place.damaged_lines(), [3], "{}", left.len());
        }
    }
    // An editor may remove the last line feed
    let place = Place::new(&["a"]);
    let mut bytes = fs::read(place.path()).unwrap();
    bytes.pop();
    fs::write(place.path(), &bytes).unwrap();
    assert_eq!(place.names(), ["etcd-ca", "a"]);
    place.issue(&["b"]).unwrap();
    assert_eq!(place.names(), ["etcd-ca", "a", "b"]);
    assert_eq!(
        (place.damaged_lines(), place.incomplete_end()),
        (vec![], None)
    );
    // An empty file, as `touch` creates it
    let place = Place::new(&[]);
    fs::write(place.path(), "").unwrap();
    place.issue(&["a"]).unwrap();
    assert_eq!(
        (place.names(), place.damaged_lines()),
        (vec!["a".to_owned()], vec![])
    );
}

/// The bytes of the first lines.
fn whole_lines(bytes: &[u8], count: usize) -> usize {
    let feeds = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    feeds.map(|(place, _)| place + 1).nth(count - 1).unwrap()
}

/// The record of a CA that we did not create begins with its first certificate. Each CA has its own
/// beginning, at any distance from the end.
#[test]
fn since_when_a_record_is_complete() {
    let place = Place::new(&[]);
    fs::remove_file(place.path()).unwrap();
    let names: Vec<String> = (0..300).map(|number| format!("client-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    place.issue(&names).unwrap();
    let peers = CertificateAuthority::create("etcd-peer-ca").unwrap();
    let locked = place.store().lock().unwrap();
    locked.write_ca(CaKind::Peer, &peers, None).unwrap();
    let of_peers: Vec<_> = (0..300)
        .map(|number| {
            let identity = Identity::new(&format!("p{number}")).unwrap();
            peers.issue(Role::Client, identity).unwrap()
        })
        .collect();
    for bundle in &of_peers {
        locked.write(bundle).unwrap();
    }
    drop(locked);
    place.issue(&["last"]).unwrap();
    let record = place.store().record().unwrap().unwrap();
    let [own, peer] = record.cas() else { panic!() };
    assert!(!own.is_from_beginning && peer.is_from_beginning);
    assert_eq!((own.certificates, peer.certificates), (301, 301));
    assert_eq!(own.complete_since, Some(record.entries()[0].recorded));
    let lines = place.lines();
    let noted = lines.iter().filter(|line| line.contains("complete_since"));
    assert_eq!(noted.count(), 2);
}

#[test]
fn a_record_that_is_not_ours_is_refused() {
    let place = Place::new(&[]);
    let elsewhere = place.directory.path().join("elsewhere");
    fs::write(&elsewhere, "kept").unwrap();
    let refused = |error: Error| {
        assert!(
            error.hint().unwrap().contains("no certificate is issued"),
            "{error}"
        );
        assert!(!place.directory.path().join("client-a.pem").exists());
        assert_eq!(fs::read(&elsewhere).unwrap(), b"kept");
    };
    fs::remove_file(place.path()).unwrap();
    symlink("elsewhere", place.path()).unwrap();
    let error = place.issue(&["a"]).unwrap_err();
    assert!(matches!(error, Error::SymbolicLink { .. }), "{error}");
    refused(error);
    fs::remove_file(place.path()).unwrap();
    fs::hard_link(&elsewhere, place.path()).unwrap();
    refused(place.issue(&["a"]).unwrap_err());
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    refused(place.issue(&["a"]).unwrap_err());
    fs::remove_dir(place.path()).unwrap();
    if crate::store::permissions::may_give() {
        fs::write(place.path(), "").unwrap();
        std::os::unix::fs::chown(place.path(), Some(12345), None).unwrap();
        refused(place.issue(&["a"]).unwrap_err());
        fs::remove_file(place.path()).unwrap();
    }
    // Others may not read it, even if it was open before
    fs::write(place.path(), "").unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o644)).unwrap();
    place.issue(&["a"]).unwrap();
    assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn bundles_of_other_cas_are_not_recorded() {
    let place = Place::new(&[]);
    let other = CertificateAuthority::create("etcd-ca").unwrap();
    let bundle = other
        .issue(Role::Client, Identity::new("a").unwrap())
        .unwrap();
    let locked = place.store().lock().unwrap();
    locked.write(&bundle).unwrap();
    let own = place
        .ca
        .issue(Role::Client, Identity::new("b").unwrap())
        .unwrap();
    locked.without_record().write(&own).unwrap();
    assert_eq!(place.names(), ["etcd-ca"]);
}

/// Names may have any characters, and a line has a limit.
#[test]
fn lines_are_one_line_each_and_bounded() {
    let place = Place::new(&[]);
    let add = |certificate: &Certificate, requester: &str| {
        let issuance = Issuance::new(certificate, &place.ca).with_requester(requester);
        let file = place.store().ca_paths(CaKind::Client).certificate;
        record_issued(&file, &[issuance]).unwrap();
    };
    let odd = "a\"b\\\u{1f600}";
    let identity = Identity::from_common_name(odd).unwrap();
    let issued = place.ca.issue(Role::Client, identity).unwrap();
    add(
        issued.certificate(),
        "x\ny\u{202e}\u{7f}\u{e0001}\",\"issuer_key_sha256\":\"",
    );
    // etcd-pki does not issue a certificate of this size
    let mut many = test_certificates::leaf("many");
    let names = (0..60_000).map(|number| format!("host-{number}.example.org").try_into());
    let names = names.map(|name| rcgen::SanType::DnsName(name.unwrap()));
    many.subject_alt_names = names.collect();
    let many = Made::root(many);
    add(&many.certificate, &"r".repeat(2_000_000));
    let record = place.store().record().unwrap().unwrap();
    assert!(record.damage().is_empty());
    let entry = &record.entries()[1];
    assert_eq!(entry.common_name.as_deref(), Some(odd));
    assert!(
        entry
            .requester
            .as_deref()
            .is_some_and(|text| text.contains("x\ny\u{202e}"))
    );
    assert!(record.entries()[2].more_names >= 60_000);
    let bytes = fs::read(place.path()).unwrap();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 3);
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.chars()
            .all(|letter| letter == '\n' || crate::text::is_printable(letter))
    );
    assert!(
        text.lines()
            .all(|line| line.len() <= crate::limits::RECORD_LINE)
    );
}
