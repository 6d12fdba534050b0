//! The stage of a rotation, as files show it.

use std::fs;

use super::*;
use crate::{
    ca::CertificateAuthority,
    key::Passphrase,
    test_certificates::{self, Made},
    x509::bundle::all_pem,
};

/// A directory with files of two CAs, A and B, and the link certificate of A for B.
struct Place {
    scratch: tempfile::TempDir,
    layout: Layout,
    a: CertificateAuthority,
    b: CertificateAuthority,
    link: Certificate,
}

impl Place {
    fn new(layout: Layout, names: [&str; 2]) -> Self {
        let [a, b] = names.map(|name| CertificateAuthority::create(name).unwrap());
        let link = a.at(SystemTime::now()).link(b.certificate()).unwrap();
        Self {
            scratch: tempfile::tempdir().unwrap(),
            layout,
            a,
            b,
            link,
        }
    }

    fn write(&self, path: &Path, contents: &[u8]) {
        let path = self.scratch.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// Writes these files, and no others: `a` and `b` are the keys of the CAs. `[key, next,
    /// previous]`
    fn state(&self, bundle: &str, keys: [&str; 3], link: Option<&Certificate>) -> RotationState {
        self.state_with(bundle, keys, link, |key| {
            key.to_secret_pem().as_bytes().to_vec()
        })
    }

    fn state_with(
        &self,
        bundle: &str,
        keys: [&str; 3],
        link: Option<&Certificate>,
        text: impl Fn(&PrivateKey) -> Vec<u8>,
    ) -> RotationState {
        for entry in fs::read_dir(self.scratch.path()).unwrap() {
            let path = entry.unwrap().path();
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
        let ca = self.layout.ca(CaKind::Client);
        let bundle: Vec<Certificate> = bundle
            .chars()
            .map(|name| match name {
                'a' => self.a.certificate().clone(),
                'b' => self.b.certificate().clone(),
                _ => Made::root(test_certificates::ca("other", None)).certificate,
            })
            .collect();
        self.write(&ca.certificate, all_pem(&bundle).as_bytes());
        let files = [
            ca.key.clone(),
            ca.rotation(RotationFile::Next).key,
            ca.rotation(RotationFile::Previous).key,
        ];
        for (path, key) in files.iter().zip(keys) {
            let other = PrivateKey::generate().unwrap();
            let key = match key {
                "a" => self.a.key().unwrap(),
                "b" => self.b.key().unwrap(),
                "other" => &other,
                _ => continue,
            };
            self.write(path, &text(key));
        }
        if let Some(link) = link {
            let path = ca.rotation(RotationFile::Link).certificate;
            self.write(&path, link.to_pem().as_bytes());
        }
        RotationState::read(self.scratch.path(), &ca, &bundle)
    }
}

/// The stages, and what a killed change leaves.
#[test]
fn the_stage_is_read_from_the_files() {
    for layout in Layout::ALL {
        let place = Place::new(layout, ["etcd-ca", "etcd-ca@1"]);
        let link = Some(&place.link);
        for (bundle, keys, link, stage, is_unfinished) in [
            ("a", ["a", "", ""], None, Stage::Steady, false),
            // Preparation
            ("a", ["a", "b", ""], None, Stage::Steady, true),
            ("a", ["a", "b", ""], link, Stage::Steady, true),
            ("a", ["a", "", ""], link, Stage::Steady, true),
            ("ab", ["a", "b", ""], link, Stage::Trusted, false),
            ("abo", ["a", "b", ""], link, Stage::Trusted, false),
            ("oab", ["a", "b", ""], link, Stage::Trusted, false),
            // The switch
            ("ab", ["a", "b", "a"], link, Stage::Trusted, true),
            ("ab", ["b", "b", "a"], link, Stage::Switched, true),
            ("ba", ["b", "b", "a"], link, Stage::Switched, true),
            ("ba", ["b", "", "a"], link, Stage::Switched, false),
            ("boa", ["b", "", "a"], link, Stage::Switched, false),
            // The way back
            ("ba", ["a", "b", "a"], link, Stage::Trusted, true),
            // The end
            ("b", ["b", "", "a"], link, Stage::Steady, true),
            ("b", ["b", "", "a"], None, Stage::Steady, false),
            ("b", ["b", "", ""], None, Stage::Steady, false),
            // The keys are elsewhere
            ("ab", ["", "", ""], link, Stage::Trusted, false),
            ("ba", ["", "", ""], link, Stage::Switched, false),
            // The key of the old CA is elsewhere
            ("ba", ["b", "", ""], link, Stage::Switched, false),
        ] {
            let state = place.state(bundle, keys, link);
            let found = (state.stage, state.is_unfinished, state.fault.clone());
            let expected = (stage, is_unfinished, None);
            assert_eq!(found, expected, "{layout} {bundle} {keys:?}");
            let keeps = (stage != Stage::Steady).then_some(Strategy::Link);
            assert_eq!(state.strategy(), keeps, "{layout} {bundle} {keys:?}");
            assert_eq!(state.keeps_previous, !keys[2].is_empty());
        }
    }
}

/// An encrypted key is recognized by the bytes of its copies.
#[test]
fn the_stage_with_encrypted_keys() {
    let place = Place::new(Layout::Kubespray, ["etcd-ca", "etcd-ca@1"]);
    let passphrase = Passphrase::new("correct");
    let [a, b] = [&place.a, &place.b].map(|ca| {
        let key = ca.key().unwrap();
        key.to_encrypted_pem(&passphrase).unwrap().into_bytes()
    });
    let text = |key: &PrivateKey| match key.public_key() == place.a.certificate().public_key() {
        true => a.clone(),
        false => b.clone(),
    };
    for (bundle, keys, stage) in [
        ("ab", ["a", "b", ""], Stage::Trusted),
        ("ab", ["a", "b", "a"], Stage::Trusted),
        ("ab", ["b", "b", "a"], Stage::Switched),
        ("ba", ["b", "", "a"], Stage::Switched),
    ] {
        let state = place.state_with(bundle, keys, Some(&place.link), text);
        assert_eq!(state.stage, stage, "{bundle} {keys:?}");
        assert_eq!(state.fault, None, "{bundle} {keys:?}");
    }
}

#[test]
fn files_that_fit_no_stage() {
    let place = Place::new(Layout::Kubespray, ["etcd-ca", "etcd-ca@1"]);
    let other = Place::new(Layout::Kubespray, ["other", "other@1"]);
    // The same name and another key: the signature does not verify
    let namesake = Place::new(Layout::Kubespray, ["etcd-ca", "etcd-ca@1"]);
    let wrong = namesake.a.at(SystemTime::now());
    let wrong = wrong.link(place.b.certificate()).unwrap();
    let link = Some(&place.link);
    for (bundle, keys, link, expected) in [
        ("ab", ["a", "b", ""], None, "ca-link.pem is missing"),
        ("ba", ["b", "", "a"], None, "ca-link.pem is missing"),
        (
            "ab",
            ["other", "b", ""],
            link,
            "ca-key.pem is the key of neither",
        ),
        (
            "ab",
            ["a", "other", ""],
            link,
            "ca-next-key.pem is not the key",
        ),
        (
            "ba",
            ["b", "", "other"],
            link,
            "ca-previous-key.pem is not the key",
        ),
        (
            "ab",
            ["a", "", ""],
            link,
            "ca-next-key.pem, the key of CN=etcd-ca@1, is missing",
        ),
        (
            "ab",
            ["a", "b", ""],
            Some(&other.link),
            "ca-link.pem is of CN=other@1",
        ),
        (
            "ab",
            ["a", "b", ""],
            Some(&wrong),
            "ca-link.pem does not verify",
        ),
        (
            "ba",
            ["b", "", "a"],
            Some(&wrong),
            "ca-link.pem does not verify",
        ),
    ] {
        let state = place.state(bundle, keys, link);
        let fault = state.fault.clone().unwrap_or_default();
        assert!(fault.contains(expected), "{bundle} {keys:?}: {fault}");
        assert_eq!(state.stage, Stage::Steady);
        assert_eq!(state.finding(Path::new("ca.pem")).unwrap().code(), "EP061");
    }
    let same = Place::new(Layout::Kubespray, ["etcd-ca", "etcd-ca"]);
    let state = same.state("ab", ["a", "b", ""], Some(&same.link));
    assert!(state.fault.unwrap().contains("the same name"));
    let path = place.scratch.path().join("ca-link.pem");
    let _ = place.state("ab", ["a", "b", ""], None);
    fs::write(&path, "damaged").unwrap();
    let bundle = [&place.a, &place.b].map(|ca| ca.certificate().clone());
    let ca = Layout::Kubespray.ca(CaKind::Client);
    let state = RotationState::read(place.scratch.path(), &ca, &bundle);
    assert!(state.fault.unwrap().contains("ca-link.pem"));
}

#[test]
fn the_strategy_of_an_old_ca() {
    for (length, expected) in [
        (None, Strategy::Link),
        (Some(0), Strategy::Bundle),
        (Some(1), Strategy::Link),
    ] {
        let old = Made::root(test_certificates::ca("old", length)).certificate;
        assert_eq!(Strategy::of(&old), expected);
    }
    for stage in Stage::ALL {
        assert_eq!(stage.to_string().parse::<Stage>().unwrap(), stage);
    }
    for strategy in Strategy::ALL {
        assert_eq!(strategy.to_string().parse::<Strategy>().unwrap(), strategy);
    }
}
