//! Renewals with a separate peer CA: each of the two CAs renews the certificates that it signed,
//! and neither blocks the other.
use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    CertificateAuthority, Identity, Passphrase, PrivateKey, Profile, Role, Validity,
};
use etcd_pki_tests::{
    Scratch,
    command::etcd_pki_in,
    openssl::{self, Purpose},
    read_certificate,
};

const DAY: Duration = Duration::from_secs(86_400);

/// A directory with a separate peer CA, in which both CAs have signed certificates that are due
/// tomorrow.
fn peers_apart() -> Scratch {
    let scratch = Scratch::new("peers");
    let then = SystemTime::now() - 20 * DAY;
    let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
    for (stem, common_name, leaf) in [
        ("ca", "etcd-ca", "member-etcd-1"),
        ("peer-ca", "etcd-peer-ca", "peer-etcd-1"),
    ] {
        let identity = Identity::from_common_name(common_name).unwrap();
        let key = PrivateKey::generate().unwrap();
        let profile = Profile::ca();
        let ca = CertificateAuthority::create_for(key, &identity, profile, then).unwrap();
        let short = Role::Member.profile().with_validity(Validity::days(21));
        let member = Identity::new("etcd-1").unwrap();
        let bundle = ca.at(then).issue(short, member).unwrap();
        write(&format!("{stem}.pem"), &ca.certificate().to_pem());
        write(
            &format!("{stem}-key.pem"),
            &ca.key().unwrap().to_secret_pem(),
        );
        write(&format!("{leaf}.pem"), &bundle.to_pem());
        write(&format!("{leaf}-key.pem"), &bundle.to_secret_pem());
    }
    scratch
}

/// Members would refuse a peer certificate that the other CA signed.
#[test]
fn each_is_renewed_by_the_ca_that_signed_it() {
    for lines in [
        &["cert renew -d ."][..],
        &["cert renew peer-etcd-1.pem member-etcd-1.pem -d ."],
        &[
            "cert renew peer-etcd-1.pem --ca peer-ca.pem --ca-key peer-ca-key.pem",
            "cert renew -d .",
        ],
    ] {
        let scratch = peers_apart();
        for line in lines {
            let said = etcd_pki_in(scratch.path(), line).expect_success();
            assert!(!said.stderr().contains("note"), "{}", said.stderr());
        }
        for (ca, leaf) in [
            ("ca.pem", "member-etcd-1.pem"),
            ("peer-ca.pem", "peer-etcd-1.pem"),
        ] {
            let leaf = scratch.path().join(leaf);
            openssl::verify_strict(&scratch.path().join(ca), &leaf, Purpose::Server)
                .assert_accepted(leaf.display());
            assert!(read_certificate(leaf).not_after() > SystemTime::now() + 10 * DAY);
        }
        let again = etcd_pki_in(scratch.path(), "cert renew -d . --due 10d").expect_success();
        assert!(again.stderr().contains("nothing is due"));
    }
}

/// An operator's cron job gets it from the exit code, and the certificates of the other CA are
/// renewed nevertheless.
#[test]
fn what_is_due_and_cannot_be_signed_is_reported() {
    let scratch = peers_apart();
    let path = |name: &str| scratch.path().join(name);
    let peer = fs::read(path("peer-etcd-1.pem")).unwrap();
    fs::rename(path("peer-ca-key.pem"), path("elsewhere")).unwrap();
    let expected = "etcd-pki: ./peer-etcd-1.pem: ./peer-ca.pem is here, and its key is not\n\
                hint: name both with --ca and --ca-key, or exchange requests with the host that has it (--requests)\n";
    for renewed in [1, 0] {
        let output = etcd_pki_in(scratch.path(), "cert renew -d . --json");
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr().contains(expected), "{}", output.stderr());
        assert!(!output.stderr().contains("nothing is due"));
        let facts: serde_json::Value = serde_json::from_str(output.stdout()).unwrap();
        assert_eq!(facts["written"].as_array().unwrap().len(), renewed);
        assert_eq!(facts["left"][0]["file"], "./peer-etcd-1.pem");
    }
    let named = etcd_pki_in(scratch.path(), "cert renew peer-etcd-1.pem -d .");
    assert_eq!(named.code(), Some(1));
    let expected =
        "./peer-ca.pem is here, and its key is not\nhint: name both with --ca and --ca-key";
    assert!(named.stderr().contains(expected), "{}", named.stderr());
    // If no file of a CA is here, only its name is known
    let peer_ca = fs::read(path("peer-ca.pem")).unwrap();
    fs::remove_file(path("peer-ca.pem")).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d .");
    assert_eq!(output.code(), Some(1));
    let expected = "./peer-etcd-1.pem: signed by CN=etcd-peer-ca, not by ./ca.pem\nhint: it was left as it is; name the CA that must sign it with --ca and --ca-key";
    assert!(output.stderr().contains(expected), "{}", output.stderr());
    let named = etcd_pki_in(scratch.path(), "cert renew peer-etcd-1.pem -d .");
    assert_eq!(named.code(), Some(1));
    let expected = expected.replace("./peer", "peer");
    assert!(named.stderr().contains(&expected), "{}", named.stderr());
    fs::write(path("peer-ca.pem"), peer_ca).unwrap();

    // An existing key that cannot be used
    let key = PrivateKey::from_pem(fs::read(path("elsewhere")).unwrap()).unwrap();
    let passphrase = Passphrase::new("secret");
    let encrypted = key.to_encrypted_pem(&passphrase).unwrap();
    fs::write(path("peer-ca-key.pem"), encrypted).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d .");
    assert_eq!(output.code(), Some(1));
    let expected = "./peer-etcd-1.pem: ./peer-ca-key.pem: the private key is encrypted";
    assert!(output.stderr().contains(expected), "{}", output.stderr());
    let named = etcd_pki_in(scratch.path(), "cert renew peer-etcd-1.pem -d .");
    assert!(named.stderr().contains("the private key is encrypted"));
    assert!(named.stderr().contains("--passphrase-file"));
    assert_eq!(fs::read(path("peer-etcd-1.pem")).unwrap(), peer);
    fs::write(path("passphrase"), "secret\n").unwrap();
    let line = "cert renew -d . --passphrase-file passphrase";
    let _ = etcd_pki_in(scratch.path(), line).expect_success();
    assert_ne!(fs::read(path("peer-etcd-1.pem")).unwrap(), peer);

    // A due certificate without a name of the layout is reported, and not renewed
    fs::rename(path("peer-ca-key.pem"), path("elsewhere")).unwrap();
    fs::write(path("theirs.pem"), peer).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d . --due 10d").expect_success();
    assert!(output.stderr().contains("theirs.pem is due"));
}

/// The other way round: the key that is elsewhere is that of the directory's own CA.
#[test]
fn peers_are_renewed_without_the_other_ca() {
    let scratch = peers_apart();
    let path = |name: &str| scratch.path().join(name);
    let (own, peer) = ("member-etcd-1.pem", "peer-etcd-1.pem");
    let before = [own, peer].map(|name| fs::read(path(name)).unwrap());
    fs::rename(path("ca-key.pem"), path("elsewhere")).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d .");
    assert_eq!(output.code(), Some(1));
    let expected = "./member-etcd-1.pem: ./ca.pem is here, and its key is not\n\
                hint: name it with --ca-key, or exchange requests with the host that has it (--requests)";
    assert!(output.stderr().contains(expected), "{}", output.stderr());
    let after = [own, peer].map(|name| fs::read(path(name)).unwrap());
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);
    let line = "cert renew -d . --ca-key elsewhere";
    let _ = etcd_pki_in(scratch.path(), line).expect_success();
    assert_ne!(fs::read(path(own)).unwrap(), before[0]);
    // Without both keys nothing can be renewed
    fs::remove_file(path("peer-ca-key.pem")).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d .");
    assert_eq!(output.code(), Some(1));
    let expected = "./ca.pem is here, and its key is not\nhint: name it with --ca-key";
    assert!(output.stderr().contains(expected), "{}", output.stderr());
}

/// A fault of one CA does not block the certificates of the other.
#[test]
fn peers_are_renewed_whatever_is_wrong_with_the_other_ca() {
    type Harm = fn(&Path);
    let harms: [(Harm, &str); 3] = [
        (expire, "the CA CN=etcd-ca expired on"),
        (
            |ca| fs::write(ca, "no certificate").unwrap(),
            "its CA cannot sign: not a valid CA: ./ca.pem: not a valid certificate: it has no -----BEGIN line, so it is no PEM\n\
             hint: restore that file, or name the CA with --ca and --ca-key\n",
        ),
        (
            |ca| {
                let other = fs::read(ca.with_file_name("peer-ca-key.pem")).unwrap();
                fs::write(ca.with_file_name("ca-key.pem"), other).unwrap();
            },
            "./ca-key.pem: the key does not match",
        ),
    ];
    for (harm, expected) in harms {
        let scratch = peers_apart();
        let path = |name: &str| scratch.path().join(name);
        let names = ["member-etcd-1.pem", "peer-etcd-1.pem"];
        let before = names.map(|name| fs::read(path(name)).unwrap());
        harm(&path("ca.pem"));
        let output = etcd_pki_in(scratch.path(), "cert renew -d .");
        assert_eq!(output.code(), Some(1), "{}", output.stderr());
        let expected = format!("./member-etcd-1.pem: {expected}");
        assert!(output.stderr().contains(&expected), "{}", output.stderr());
        let after = names.map(|name| fs::read(path(name)).unwrap());
        assert_eq!(after[0], before[0]);
        assert_ne!(after[1], before[1]);
        openssl::verify(&path("peer-ca.pem"), &path(names[1]), Purpose::Server)
            .assert_accepted(names[1]);
    }
}

/// Gives a CA a certificate that expired yesterday, with the same key.
fn expire(ca: &Path) {
    let key = fs::read(ca.with_file_name("ca-key.pem")).unwrap();
    let identity = Identity::from_common_name("etcd-ca").unwrap();
    let profile = Profile::ca().with_validity(Validity::days(19));
    let then = SystemTime::now() - 20 * DAY;
    let key = PrivateKey::from_pem(key).unwrap();
    let expired = CertificateAuthority::create_for(key, &identity, profile, then).unwrap();
    fs::write(ca, expired.certificate().to_pem()).unwrap();
}

#[test]
fn the_peer_ca_is_renewed_on_its_own() {
    let scratch = peers_apart();
    let here = |name: &str| scratch.path().join(name);
    let (old, other) = (
        read_certificate(here("peer-ca.pem")),
        fs::read(here("ca.pem")),
    );
    let renewed = etcd_pki_in(scratch.path(), "ca renew -d . --peers").expect_success();
    assert!(renewed.stderr().contains("./peer-ca.pem: CA etcd-peer-ca"));
    let new = read_certificate(here("peer-ca.pem"));
    assert_eq!(
        (new.subject(), new.public_key()),
        (old.subject(), old.public_key())
    );
    assert!(new.not_after() > old.not_after());
    assert_ne!(new.serial_number(), old.serial_number());
    assert_eq!(fs::read(here("ca.pem")).unwrap(), other.unwrap());
    openssl::verify_strict(
        &here("peer-ca.pem"),
        &here("peer-etcd-1.pem"),
        Purpose::Server,
    )
    .assert_accepted("what it signed before");

    // A serial number that a leaf contains stays
    let call = |line: &str| {
        openssl::call(scratch.path(), line);
    };
    fs::write(here("ext"), "authorityKeyIdentifier=keyid,issuer:always\n").unwrap();
    call("req -new -key peer-etcd-1-key.pem -subj /CN=x -out x.csr");
    call(
        "x509 -req -in x.csr -CA peer-ca.pem -CAkey peer-ca-key.pem -CAcreateserial -days 9 -extfile ext -out peer-etcd-1.pem",
    );
    let _ = etcd_pki_in(scratch.path(), "ca renew -d . --peers").expect_success();
    let kept = read_certificate(here("peer-ca.pem"));
    assert_eq!(kept.serial_number(), new.serial_number());

    fs::remove_file(here("peer-ca.pem")).unwrap();
    let refused = etcd_pki_in(scratch.path(), "ca renew -d . --peers");
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused
            .stderr()
            .contains("peers have no separate CA: ./peer-ca.pem")
    );
}
