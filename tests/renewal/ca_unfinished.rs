//! A CA with one missing file: `ca new` completes the result of a killed run, or names the next
//! step.
use std::{fs, os::unix::fs::chown, path::Path, time::SystemTime};

use etcd_pki_core::{
    CaKind, CertificateAuthority, Error, Identity, Layout, PrivateKey, Profile, Store,
};
use etcd_pki_tests::openssl;

use super::place::Place;

impl Place {
    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    /// Has openssl verify a new leaf of the CA.
    #[track_caller]
    fn check_works(&self, certificate: &Path, options: &str) {
        let _ = self.done(&format!("cert issue client works {options} --force"));
        let pairs = if options.contains("kubeadm") {
            "p/etcd/client-works.crt"
        } else {
            "p/client-works.pem"
        };
        let ca = certificate.display();
        let line = format!("verify -x509_strict -purpose sslclient -CAfile p/{ca} {pairs}");
        let _ = openssl::call(self.path(), &line);
    }
}

/// The files of a killed run: the key, and no certificate or an empty one.
#[test]
fn a_key_without_its_certificate() {
    for (layout, algorithm) in [
        (Layout::Kubespray, "ec-p256"),
        (Layout::Kubespray, "ed25519"),
        (Layout::Kubeadm, "ec-p384"),
    ] {
        for left in [None, Some(&b""[..]), Some(&[0; 64][..])] {
            let place = Place::new("unfinished-ca");
            let options = format!("-d p --layout {layout}");
            let _ = place.done(&format!("ca new {options} --algorithm {algorithm}"));
            let ca = layout.ca(CaKind::Client);
            let key = fs::read(place.file(&ca.key)).unwrap();
            match left {
                None => fs::remove_file(place.file(&ca.certificate)).unwrap(),
                Some(left) => fs::write(place.file(&ca.certificate), left).unwrap(),
            }
            let completed = place.done(&format!("ca new {options} --json"));
            assert!(
                completed.stderr().contains("had no certificate"),
                "{completed:?}"
            );
            assert!(!completed.stdout().contains("private key"), "{completed:?}");
            assert_eq!(fs::read(place.file(&ca.key)).unwrap(), key);
            place.check_works(&ca.certificate, &options);
            let _ = place.pki(&format!("ca new {options}")).expect_code(1);
        }
    }
}

#[test]
fn the_options_of_the_interrupted_run_hold() {
    for (first, second, refusal) in [
        ("--algorithm ed25519", "--algorithm ed25519", None),
        (
            "--algorithm ed25519",
            "--algorithm ec-p256",
            Some("its algorithm is ed25519"),
        ),
        ("", "--profile kubespray", None),
        ("--passphrase-file secret", "--passphrase-file secret", None),
        ("--passphrase-file secret", "", Some("encrypted")),
        (
            "--passphrase-file secret",
            "--passphrase-file other",
            Some("passphrase"),
        ),
        ("", "--passphrase-file secret", Some("is not encrypted")),
    ] {
        let place = Place::new("unfinished-ca");
        fs::write(place.path().join("secret"), "correct\n").unwrap();
        fs::write(place.path().join("other"), "wrong\n").unwrap();
        let _ = place.done(&format!("ca new -d p {first}"));
        fs::remove_file(place.file("ca.pem")).unwrap();
        let key = place.read("ca-key.pem");
        let answer = place.pki(&format!("ca new -d p {second}"));
        assert_eq!(place.read("ca-key.pem"), key);
        let Some(refusal) = refusal else {
            let _ = answer.expect_success();
            continue;
        };
        let answer = answer.expect_code(1);
        assert!(answer.stderr().contains(refusal), "{answer:?}");
        assert!(answer.stderr().contains("ca-key.pem"), "{answer:?}");
        assert!(!place.file("ca.pem").exists());
    }
}

/// `ca new` completes no key if the result would be a second CA, or if the key belongs to another
/// user.
#[test]
fn what_is_not_completed() {
    let place = Place::new("unfinished-ca");
    let _ = place.done("ca new -d p");
    let _ = place.done("cert issue client c -d p");
    let [certificate, key] = ["ca.pem", "ca-key.pem"].map(|name| place.read(name));
    // The leaves of this CA stay accepted
    fs::remove_file(place.file("ca.pem")).unwrap();
    let _ = place.done("ca new -d p");
    let _ = place.done("check p");
    // With another name it is another CA
    fs::remove_file(place.file("ca.pem")).unwrap();
    let refused = place.pki("ca new -d p --cn other").expect_code(1);
    assert!(refused.stderr().contains("client-c.pem"), "{refused:?}");
    // The key is not the one that signed the leaves
    let _ = place.done("key new -o p/ca-key.pem --force");
    let refused = place.pki("ca new -d p").expect_code(1);
    assert!(refused.stderr().contains("client-c.pem"), "{refused:?}");
    assert!(!place.file("ca.pem").exists());
    fs::write(place.file("ca-key.pem"), &key).unwrap();
    // A key of another user signs nothing
    chown(place.file("ca-key.pem"), Some(12345), None).unwrap();
    let refused = place.pki("ca new -d p").expect_code(1);
    assert!(refused.stderr().contains("12345"), "{refused:?}");
    assert!(!place.file("ca.pem").exists());
    chown(place.file("ca-key.pem"), Some(0), None).unwrap();
    // A damaged key signs nothing
    fs::write(place.file("ca-key.pem"), "damaged").unwrap();
    let refused = place.pki("ca new -d p").expect_code(1);
    assert!(refused.stderr().contains("ca-key.pem"), "{refused:?}");
    assert_eq!(place.read("ca-key.pem"), b"damaged");
    // A certificate without its key
    fs::write(place.file("ca.pem"), &certificate).unwrap();
    for missing in [None, Some("")] {
        match missing {
            None => fs::remove_file(place.file("ca-key.pem")).unwrap(),
            Some(empty) => fs::write(place.file("ca-key.pem"), empty).unwrap(),
        }
        let refused = place.pki("ca new -d p").expect_code(1);
        let message = refused.stderr();
        assert!(
            message.contains("ca.pem, but not its key ca-key.pem"),
            "{refused:?}"
        );
        assert!(message.contains("bring back"), "{refused:?}");
        assert!(message.contains("--replace-ca"), "{refused:?}");
        assert_eq!(place.read("ca.pem"), certificate);
    }
}

/// Empty files count as missing.
#[test]
fn empty_files_are_no_ca() {
    for names in [&["ca.pem"][..], &["ca-key.pem"], &["ca.pem", "ca-key.pem"]] {
        let place = Place::new("unfinished-ca");
        fs::create_dir(place.file("")).unwrap();
        for name in names {
            fs::write(place.file(name), "").unwrap();
        }
        let _ = place.done("ca new -d p");
        place.check_works(Path::new("ca.pem"), "-d p");
    }
}

/// If the files have their own paths, the command in the refusal completes them.
#[test]
fn by_path() {
    let place = Place::new("unfinished-ca");
    fs::create_dir(place.file("")).unwrap();
    let line = "ca new -o p/a.pem --key-out p/k.pem";
    let _ = place.done(line);
    let key = place.read("k.pem");
    let certificate = place.read("a.pem");
    fs::remove_file(place.file("a.pem")).unwrap();
    let refused = place.pki(line).expect_code(1);
    let named = "ca new --key p/k.pem -o p/a.pem";
    assert!(
        refused.stderr().contains(&format!("`etcd-pki {named}`")),
        "{refused:?}"
    );
    let _ = place.done(named);
    assert_eq!(place.read("k.pem"), key);
    fs::remove_file(place.file("k.pem")).unwrap();
    fs::write(place.file("a.pem"), &certificate).unwrap();
    let refused = place.pki(line).expect_code(1);
    assert!(
        refused.stderr().contains("bring back p/k.pem"),
        "{refused:?}"
    );
    assert_eq!(place.read("a.pem"), certificate);
}

/// The library completes a CA with the same key, and replaces no other key.
#[test]
fn by_the_library() {
    for kind in CaKind::ALL {
        let place = Place::new("unfinished-ca");
        let store = Store::new(place.file(""), Layout::Kubespray);
        let files = store.lock().unwrap();
        let paths = store.ca_paths(kind);
        let first = CertificateAuthority::create("etcd-ca").unwrap();
        files.write_ca(kind, &first, None).unwrap();
        let key = fs::read_to_string(&paths.key).unwrap();
        fs::remove_file(&paths.certificate).unwrap();
        let other = CertificateAuthority::create("etcd-ca").unwrap();
        let refused = files.write_ca(kind, &other, None).unwrap_err();
        assert!(
            matches!(&refused, Error::ExistingCa { found, .. } if found.contains("not its certificate")),
            "{refused:?}"
        );
        assert!(refused.hint().unwrap().contains("ca new --key FILE"));
        let again = CertificateAuthority::create_for(
            PrivateKey::from_pem(&key).unwrap(),
            &Identity::from_common_name("etcd-ca").unwrap(),
            Profile::ca(),
            SystemTime::now(),
        )
        .unwrap();
        files.write_ca(kind, &again, None).unwrap();
        assert_eq!(fs::read_to_string(&paths.key).unwrap(), key);
        assert!(store.ca(kind, None).is_ok());
    }
}
