//! Other programs read the revocation lists, and refuse what is in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use etcd_pki_core::{
    CaKind, CertificateAuthority, Identity, KeyAlgorithm, Profile, Role, Store,
    layout::PairPaths,
    trust::revocation::{ChangedLists, Revocation, Target},
    x509::{NewRevocationList, RevocationList, RevocationReason, Revoked},
};
use etcd_pki_tests::{
    Directory, Scratch, Verdict, gnutls, go,
    openssl::{accepts, call},
    pyca, read_certificate,
};

fn revoke(store: &Store, targets: &[Target], reason: Option<RevocationReason>) -> ChangedLists {
    let files = store.lock().unwrap();
    Revocation::new().revoke(&files, targets, reason).unwrap()
}

/// A directory with a CA, its peer CA, and a client and a member of each.
struct TwoCas {
    directory: Directory,
    alice: PairPaths,
    bob: PairPaths,
    member: PathBuf,
}

impl TwoCas {
    fn new(algorithm: KeyAlgorithm) -> Self {
        let directory = Directory::create("two-cas", algorithm);
        let peer = Profile::ca().with_algorithm(algorithm);
        let peer = CertificateAuthority::create_with("etcd-peer-ca", peer).unwrap();
        let files = directory.store().lock().unwrap();
        files.write_ca(CaKind::Peer, &peer, None).unwrap();
        drop(files);
        let alice = directory.issue(Role::Client, "alice", &[]);
        let bob = directory.issue(Role::Client, "bob", &[]);
        let member = peer.issue(Role::Member, Identity::new("etcd-1").unwrap());
        let path = directory.path().join("peer-etcd-1.pem");
        fs::write(&path, member.unwrap().to_pem()).unwrap();
        Self {
            directory,
            alice,
            bob,
            member: path,
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Every reader reads both files, with the lists of every algorithm, and with a list that is empty.
#[test]
fn every_reader_reads_both_files() {
    for algorithm in [
        KeyAlgorithm::EcP256,
        KeyAlgorithm::EcP384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ] {
        let place = TwoCas::new(algorithm);
        let (path, ca) = (place.path(), place.directory.ca());
        let both = path.join("both.pem");
        let cas =
            ["ca.pem", "peer-ca.pem"].map(|name| fs::read_to_string(path.join(name)).unwrap());
        fs::write(&both, cas.concat()).unwrap();
        let (der, pem) = (path.join("revoked.crl"), path.join("revoked.pem"));
        let member = Target::from(read_certificate(&place.member));
        let alice = Target::Client("alice".to_owned());
        for (targets, count) in [(vec![], 0), (vec![alice, member], 2)] {
            if count == 0 {
                let files = place.directory.store().lock().unwrap();
                let _ = Revocation::new().create(&files).unwrap();
            } else {
                revoke(place.directory.store(), &targets, None);
            }
            let (verdict, serials) = go::revocation_list(&der, &ca);
            verdict.assert_accepted(algorithm);
            assert_eq!(serials.len(), count, "{algorithm}");
            let (verdict, serials) = go::revocation_lists_in_pem(&pem, &both);
            verdict.assert_accepted(algorithm);
            assert_eq!(serials.len(), count, "{algorithm}");
            for list in [&der, &pem] {
                pyca::revocation_list(list, &ca).assert_accepted(algorithm);
            }
            gnutls::verify_revocation_list(&ca, &pem).assert_accepted(algorithm);
            let shown = gnutls::show_revocation_list(&der);
            assert!(shown.contains("etcd-ca"), "{shown}");
            // `crl -verify` checks the signature
            call(
                path,
                "crl -inform DER -in revoked.crl -CAfile ca.pem -verify -noout",
            );
            call(path, "crl -in revoked.pem -CAfile ca.pem -verify -noout");
        }
    }
}

/// OpenSSL refuses what is revoked, and accepts the rest: by the plain list of a CA, and by the list
/// over all CAs.
#[test]
fn openssl_refuses_what_is_revoked() {
    let place = TwoCas::new(KeyAlgorithm::EcP256);
    let member = read_certificate(&place.member);
    let targets = [Target::Client("alice".to_owned()), Target::from(member)];
    revoke(
        place.directory.store(),
        &targets,
        Some(RevocationReason::KeyCompromise),
    );
    let path = place.path();
    let text = call(path, "crl -inform DER -in revoked.crl -noout -text");
    for part in [
        "Issuing Distribution Point: critical",
        "Indirect CRL",
        "Certificate Issuer: critical",
        "etcd-peer-ca",
        "Key Compromise",
        "CRL Number",
        "Authority Key Identifier",
    ] {
        assert!(text.stdout().contains(part), "{part}: {}", text.stdout());
    }
    call(path, "crl -inform DER -in revoked.crl -out all.pem");
    let plain = "verify -crl_check -CAfile ca.pem -CRLfile revoked.pem";
    let all = "verify -crl_check -extended_crl -CAfile ca.pem -CRLfile all.pem";
    for line in [plain, all] {
        let alice = format!("{line} {}", place.alice.certificate.display());
        let bob = format!("{line} {}", place.bob.certificate.display());
        assert!(!accepts(path, &alice), "{line}");
        assert!(accepts(path, &bob), "{line}");
    }
    let peers = "verify -crl_check -CAfile peer-ca.pem -CRLfile revoked.pem peer-etcd-1.pem";
    assert!(!accepts(path, peers));
    // A list over several CAs is not a list of one
    let line = "verify -crl_check -CAfile ca.pem -CRLfile all.pem";
    assert!(!accepts(
        path,
        &format!("{line} {}", place.bob.certificate.display())
    ));
}

/// Our reader gives the same answers as Go about lists of other programs, and about damaged ones.
#[test]
fn lists_of_openssl() {
    let scratch = Scratch::new("openssl-lists");
    let path = scratch.path();
    let config = "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\ncrlnumber = number\ndefault_md = sha256\ndefault_crl_days = 30\n\
                  crl_extensions = ext\nserial = serial\npolicy = any\nnew_certs_dir = .\ndefault_days = 30\n[ext]\nauthorityKeyIdentifier = keyid\n\
                  [any]\ncommonName = supplied\n[req]\ndistinguished_name = dn\n[dn]\n";
    fs::write(path.join("ca.conf"), config).unwrap();
    fs::write(path.join("index.txt"), "").unwrap();
    fs::write(path.join("number"), "1F\n").unwrap();
    fs::write(path.join("serial"), "01\n").unwrap();
    call(
        path,
        "req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca.pem -subj /CN=old-ca -days 30 -config ca.conf \
         -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign,cRLSign -addext subjectKeyIdentifier=hash",
    );
    call(
        path,
        "req -new -newkey rsa:2048 -nodes -keyout a-key.pem -out a.csr -subj /CN=a -config ca.conf",
    );
    call(
        path,
        "ca -batch -config ca.conf -cert ca.pem -keyfile ca-key.pem -in a.csr -out a.pem -notext",
    );
    call(
        path,
        "ca -config ca.conf -cert ca.pem -keyfile ca-key.pem -revoke a.pem -crl_reason superseded",
    );
    call(
        path,
        "ca -config ca.conf -cert ca.pem -keyfile ca-key.pem -gencrl -out list.pem",
    );
    call(path, "crl -in list.pem -outform DER -out list.crl");
    let list = RevocationList::from_bytes(&fs::read(path.join("list.crl")).unwrap()).unwrap();
    let ca = read_certificate(path.join("ca.pem"));
    let a = read_certificate(path.join("a.pem"));
    list.check_issued_by(&ca).unwrap();
    assert_eq!(list.number().unwrap().to_string(), "1F");
    let entry = list.revoked(&a).unwrap();
    assert_eq!(entry.reason(), Some(RevocationReason::Superseded));
    assert!(!list.is_indirect());
    // Version 1 has no extensions. Go and etcd do not read it
    fs::write(
        path.join("v1.conf"),
        config.replace("crl_extensions = ext\n", ""),
    )
    .unwrap();
    fs::remove_file(path.join("number")).unwrap();
    fs::write(
        path.join("v1.conf"),
        config
            .replace("crl_extensions = ext\n", "")
            .replace("crlnumber = number\n", ""),
    )
    .unwrap();
    call(
        path,
        "ca -config v1.conf -cert ca.pem -keyfile ca-key.pem -gencrl -out v1.pem",
    );
    call(path, "crl -in v1.pem -outform DER -out v1.crl");
    let bytes = fs::read(path.join("v1.crl")).unwrap();
    let text = call(path, "crl -in v1.pem -noout -text");
    if text.stdout().contains("Version 1 (0x0)") {
        let error = RevocationList::from_der(&bytes).unwrap_err().to_string();
        assert!(error.contains("version 1"), "{error}");
        let (verdict, _) = go::revocation_list(&path.join("v1.crl"), &path.join("ca.pem"));
        assert!(!matches!(verdict, Verdict::Accepted));
    }
}

/// Go reads a changed list if we do, and the other way round.
#[test]
fn changed_bytes_as_go_reads_them() {
    let scratch = Scratch::new("changed-lists");
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let leaf = ca.issue(Role::Client, Identity::new("a").unwrap()).unwrap();
    let entry = Revoked::now(leaf.certificate()).unwrap();
    let content = NewRevocationList::new([entry.with_reason(RevocationReason::Superseded)]);
    let list = ca.sign_revocation_list(&content.indirect()).unwrap();
    let der = list.as_der();
    let file = scratch.path().join("list.crl");
    let own = scratch.path().join("ca.pem");
    fs::write(&own, ca.certificate().to_pem()).unwrap();
    // Each byte of the structure, but not of the names and numbers in it
    for place in (0..der.len().min(120)).step_by(3) {
        let mut changed = der.to_vec();
        changed[place] ^= 0x05;
        fs::write(&file, &changed).unwrap();
        let ours = RevocationList::from_der(&changed).and_then(|list| {
            list.check_issued_by(ca.certificate())?;
            Ok(list)
        });
        let (theirs, _) = go::revocation_list(&file, &own);
        let is_accepted = matches!(theirs, Verdict::Accepted);
        assert_eq!(
            ours.is_ok(),
            is_accepted,
            "byte {place}: {ours:?} {theirs:?}"
        );
    }
}

/// The verdict of `verify` is that of etcd: it compares the serial number only.
#[test]
fn the_verdict_of_the_verifier() {
    let place = TwoCas::new(KeyAlgorithm::EcP256);
    revoke(
        place.directory.store(),
        &[Target::Client("alice".to_owned())],
        None,
    );
    let verdict = |file: &Path| {
        let verifier = etcd_pki_core::inspect::verifier(file).unwrap();
        verifier
            .verify_file(file, &fs::read(file).unwrap())
            .unwrap()
    };
    assert!(verdict(&place.bob.certificate).is_accepted());
    let alice = verdict(&place.alice.certificate);
    let codes: Vec<_> = alice.reasons().iter().map(|one| one.code()).collect();
    assert_eq!(codes, ["EP055"]);
    // etcd refuses everyone with a list that it cannot read
    let list = place.path().join("revoked.crl");
    let pem = RevocationList::from_der(&fs::read(&list).unwrap())
        .unwrap()
        .to_pem();
    for contents in [pem.as_bytes(), b"", b"\x30\x03\x02\x01\x01"] {
        fs::write(&list, contents).unwrap();
        let bob = verdict(&place.bob.certificate);
        let codes: Vec<_> = bob.reasons().iter().map(|one| one.code()).collect();
        assert_eq!(codes, ["EP057"]);
        let (theirs, _) = go::revocation_list(&list, &place.directory.ca());
        assert!(!matches!(theirs, Verdict::Accepted));
    }
}
