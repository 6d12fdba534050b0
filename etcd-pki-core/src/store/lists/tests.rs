//! Tests of the revocation lists of a directory.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;
use crate::{
    error::Error,
    layout::Layout,
    role::Role,
    test_certificates::{self, Made},
    x509::identity::Identity,
};

struct Scratch {
    directory: tempfile::TempDir,
    ca: CertificateAuthority,
}

impl Scratch {
    fn new() -> Self {
        let scratch = Self {
            directory: tempfile::tempdir().unwrap(),
            ca: CertificateAuthority::create("etcd-ca").unwrap(),
        };
        let files = scratch.store().lock().unwrap();
        files.write_ca(CaKind::Client, &scratch.ca, None).unwrap();
        scratch
    }

    fn store(&self) -> Store {
        Store::new(self.directory.path(), Layout::Kubespray)
    }

    fn client(&self, name: &str) -> Certificate {
        let client = self.ca.issue(Role::Client, Identity::new(name).unwrap());
        client.unwrap().certificate().clone()
    }

    fn change(&self, added: &[&Certificate], now: SystemTime) -> Result<WrittenLists> {
        let store = self.store();
        let signers = store.list_signers(None, now).unwrap();
        let added = added
            .iter()
            .map(|one| Known::of(one, Revoked::at(one, now).unwrap()));
        let change = ListChange {
            signers: &signers,
            added: added.collect(),
            validity: Validity::days(90),
            now,
        };
        let files = store.lock().unwrap();
        files.change_lists(change, &Attributes::default())
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.directory.path().join(name)).ok()
    }

    fn write(&self, name: &str, contents: &[u8]) {
        fs::write(self.directory.path().join(name), contents).unwrap();
    }
}

fn serials(known: &[Known]) -> Vec<String> {
    let serials = known
        .iter()
        .map(|one| one.entry.serial_number().to_string());
    serials.collect()
}

#[test]
fn entries_stay_until_a_day_after_their_certificates() {
    let scratch = Scratch::new();
    let (alice, bob) = (scratch.client("alice"), scratch.client("bob"));
    let now = clock::now();
    let first = scratch.change(&[&alice], now).unwrap();
    assert_eq!(serials(&first.added), [alice.serial_number().to_string()]);
    for file in &first.files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }
    let second = scratch.change(&[&alice, &bob], now).unwrap();
    assert_eq!(
        serials(&second.already),
        [alice.serial_number().to_string()]
    );
    assert_eq!(serials(&second.added), [bob.serial_number().to_string()]);
    assert!(second.list.number() > first.list.number());
    // The certificates are in no file, so only the file in PEM shows when they expire
    let end = alice.not_after().max(bob.not_after());
    let day = Duration::from_secs(86_400);
    let third = scratch.change(&[], end + day).unwrap();
    assert_eq!((third.dropped.len(), third.list.entries().len()), (0, 2));
    let late = scratch
        .change(&[], end + day + Duration::from_secs(1))
        .unwrap();
    assert_eq!((late.dropped.len(), late.list.entries().len()), (2, 0));
    let subjects = late.dropped.iter().map(|one| one.subject.as_deref());
    assert!(subjects.into_iter().any(|one| one == Some("CN=alice")));
}

/// A killed run leaves the new file in PEM and the old list for etcd. The next one completes it.
#[test]
fn an_interrupted_run() {
    let scratch = Scratch::new();
    let (alice, bob) = (scratch.client("alice"), scratch.client("bob"));
    let now = clock::now();
    scratch.change(&[&alice], now).unwrap();
    let old = scratch.read("revoked.crl").unwrap();
    let whole = scratch.change(&[&bob], now).unwrap();
    scratch.write("revoked.crl", &old);
    let again = scratch.change(&[&bob], now).unwrap();
    assert_eq!(serials(&again.added), [bob.serial_number().to_string()]);
    assert_eq!(again.list.entries(), whole.list.entries());
    assert!(again.list.number() > whole.list.number());
}

/// A list that etcd cannot read, and one of another CA, are refused, and nothing is written.
#[test]
fn lists_that_are_refused() {
    let other = Scratch::new();
    let foreign = other.change(&[], clock::now()).unwrap().list;
    let namesake = CertificateAuthority::create("other-ca").unwrap();
    let unknown = namesake.sign_revocation_list(&NewRevocationList::new([]));
    let unknown = unknown.unwrap();
    let scratch = Scratch::new();
    let good = scratch.change(&[], clock::now()).unwrap().list;
    let alice = scratch.client("alice");
    for (what, name, contents, reason) in [
        (
            "PEM",
            "revoked.crl",
            good.to_pem().into_bytes(),
            "it is PEM",
        ),
        (
            "damage",
            "revoked.crl",
            good.as_der()[..99].to_vec(),
            "not a valid",
        ),
        ("text", "revoked.crl", b"notes".to_vec(), "not a valid"),
        (
            "key",
            "revoked.crl",
            foreign.as_der().to_vec(),
            "does not hold",
        ),
        (
            "name",
            "revoked.crl",
            unknown.as_der().to_vec(),
            "is no CA of this",
        ),
        ("text", "revoked.pem", b"notes".to_vec(), "no -----BEGIN"),
        (
            "name",
            "revoked.pem",
            unknown.to_pem().into_bytes(),
            "is no CA of this",
        ),
    ] {
        let before = (scratch.read("revoked.crl"), scratch.read("revoked.pem"));
        scratch.write(name, &contents);
        let error = scratch.change(&[&alice], clock::now()).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{what}: {error}");
        assert!(error.to_string().contains(reason), "{what}: {error}");
        assert!(error.hint().is_some());
        assert_eq!(scratch.read(name), Some(contents), "{what}");
        scratch.write("revoked.crl", &before.0.unwrap());
        scratch.write("revoked.pem", &before.1.unwrap());
    }
    // An empty file counts as missing: a system crash leaves such files
    scratch.write("revoked.crl", b"");
    assert_eq!(
        scratch.change(&[&alice], clock::now()).unwrap().added.len(),
        1
    );
}

/// A CA that signed the lists, and is then dropped from the trust bundle, stays listed. Its own
/// list is left out.
#[test]
fn a_ca_that_is_dropped() {
    let scratch = Scratch::new();
    let alice = scratch.client("alice");
    let old = scratch.read("ca.pem").unwrap();
    let first = scratch.change(&[&alice], clock::now()).unwrap();
    // A new CA signs, and the bundle has both
    let new = CertificateAuthority::create("etcd-ca@2").unwrap();
    let both = [new.certificate().to_pem().into_bytes(), old].concat();
    scratch.write("ca.pem", &both);
    let old_key = scratch.read("ca-key.pem").unwrap();
    scratch.write("ca-key.pem", new.key().unwrap().to_secret_pem().as_bytes());
    scratch.write("ca-previous-key.pem", &old_key);
    let second = scratch.change(&[], clock::now()).unwrap();
    second.list.check_issued_by(new.certificate()).unwrap();
    assert_eq!(second.list.entries(), first.list.entries());
    let issuers = || -> Vec<String> {
        let pem = scratch.read("revoked.pem").unwrap();
        let own = RevocationList::all_from_bytes(&pem).unwrap();
        own.iter().map(RevocationList::issuer).collect()
    };
    assert_eq!(issuers(), ["CN=etcd-ca@2", "CN=etcd-ca"]);
    // The old one is dropped
    scratch.write("ca.pem", new.certificate().to_pem().as_bytes());
    let third = scratch.change(&[], clock::now()).unwrap();
    assert_eq!(third.list.entries(), first.list.entries());
    assert_eq!(issuers(), ["CN=etcd-ca@2"]);
}

/// The list has the certificates of all CAs, and each CA with a key here has its own list.
#[test]
fn the_lists_of_two_cas() {
    let scratch = Scratch::new();
    let peer = CertificateAuthority::create("etcd-peer-ca").unwrap();
    let files = scratch.store().lock().unwrap();
    files.write_ca(CaKind::Peer, &peer, None).unwrap();
    drop(files);
    let member = peer.issue(Role::Member, Identity::new("etcd-1").unwrap());
    let member = member.unwrap().certificate().clone();
    let alice = scratch.client("alice");
    let written = scratch.change(&[&member, &alice], clock::now()).unwrap();
    assert!(written.list.is_indirect());
    assert!(written.list.revoked(&member).is_some() && written.list.revoked(&alice).is_some());
    let own = RevocationList::all_from_bytes(&scratch.read("revoked.pem").unwrap()).unwrap();
    let entries: Vec<_> = own
        .iter()
        .map(|list| (list.issuer(), list.entries().len()))
        .collect();
    assert_eq!(
        entries,
        [
            ("CN=etcd-ca".to_owned(), 1),
            ("CN=etcd-peer-ca".to_owned(), 1)
        ]
    );
    assert!(own.iter().all(|list| !list.is_indirect()));
    assert!(own[1].revoked(&member).is_some());
}

/// Names in certificates cannot change the file in PEM.
#[test]
fn names_that_look_like_a_block() {
    let root = Made::root(test_certificates::ca("root", None));
    let hostile = "x\n-----BEGIN X509 CRL-----\n# 01, -, -, y";
    let leaf = root.sign(test_certificates::leaf(hostile)).certificate;
    let entry = Revoked::now(&leaf).unwrap();
    let known = Known::of(&leaf, entry);
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let list = ca
        .sign_revocation_list(&NewRevocationList::new([]))
        .unwrap();
    let text = pem_file(&[known], std::slice::from_ref(&list));
    assert_eq!(
        RevocationList::all_from_bytes(text.as_bytes()).unwrap(),
        [list]
    );
    assert_eq!(notes(text.as_bytes()).len(), 1);
}

#[test]
fn whose_certificates_they_are() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let files = store.lock().unwrap();
    for (role, name) in [
        (Role::Member, "etcd-1"),
        (Role::Node, "etcd-1"),
        (Role::Client, "etcd-1"),
        (Role::Client, "alice"),
        (Role::Member, "etcd-2"),
    ] {
        let bundle = scratch.ca.issue(role, Identity::new(name).unwrap());
        files.write(&bundle.unwrap()).unwrap();
    }
    let names = |owner| -> Vec<String> {
        let found = store.certificates_of_all(&[owner]).unwrap();
        let names = found.iter().map(|(_, one)| one.common_name());
        names.map(Option::unwrap).collect()
    };
    let host = names(Owner::Host("etcd-1"));
    assert_eq!(host, ["etcd-member-etcd-1", "etcd-node-etcd-1"]);
    assert_eq!(names(Owner::Client("etcd-1")), ["etcd-1"]);
    assert_eq!(names(Owner::Client("alice")), ["alice"]);
    let serial = scratch.ca.certificate().serial_number();
    assert!(names(Owner::Serial(serial)).is_empty());
    assert!(names(Owner::Client("nobody")).is_empty());
}
