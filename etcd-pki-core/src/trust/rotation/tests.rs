//! Whole rotations in the files of one directory.

use std::fs;

use super::*;
use crate::{
    cluster::{ClusterSpec, EntrySpec},
    layout::Layout,
    plan::{Action, ApplyOptions, PlanOptions},
    store::read_certificates,
    test_certificates::{self, Made},
    verify::Verifier,
    x509::AdvertisedCa,
};

struct Place {
    _scratch: tempfile::TempDir,
    store: Store,
    cluster: Cluster,
}

impl Place {
    fn new(layout: Layout) -> Self {
        let place = Self::empty(layout);
        let _ = place.cluster.plan(&place.store).unwrap().apply().unwrap();
        place
    }

    fn empty(layout: Layout) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let spec = ClusterSpec {
            layout,
            members: vec![EntrySpec::new("etcd-1"), EntrySpec::new("etcd-2")],
            clients: vec!["root".into()],
            ..ClusterSpec::default()
        };
        Self {
            store: Store::new(scratch.path().join("ssl"), layout),
            _scratch: scratch,
            cluster: Cluster::try_from(spec).unwrap(),
        }
    }

    /// A CA of another tool, with this path length.
    fn with_ca(path_length: Option<u8>) -> Self {
        let place = Self::empty(Layout::Kubespray);
        let mut params = test_certificates::ca("etcd-ca", path_length);
        params.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let made = Made::root(params);
        let paths = place.store.ca_paths(CaKind::Client);
        fs::create_dir_all(place.store.directory()).unwrap();
        fs::write(&paths.certificate, made.certificate.to_pem()).unwrap();
        fs::write(&paths.key, made.private_key().to_secret_pem().as_bytes()).unwrap();
        let _ = place.cluster.plan(&place.store).unwrap().apply().unwrap();
        place
    }

    fn rotation(&self) -> Rotation {
        Rotation::read(&self.store).unwrap()
    }

    fn apply(&self) -> crate::plan::Report {
        let report = self
            .cluster
            .apply(&self.store, &PlanOptions::new(), &ApplyOptions::new())
            .unwrap();
        assert!(report.is_complete(), "{report:?}");
        let plan = self.cluster.plan(&self.store).unwrap();
        let changes: Vec<String> = plan.changes().map(ToString::to_string).collect();
        assert_eq!(changes, [""; 0]);
        report
    }

    /// The leaf and the chain of each pair.
    fn leaves(&self) -> Vec<(Certificate, Vec<Certificate>)> {
        let desired = self.cluster.desired().unwrap();
        let leaves = desired.pairs.iter().map(|pair| {
            let path = self.store.directory().join(&pair.paths.certificate);
            let mut all = read_certificates(&path).unwrap();
            let chain = all.split_off(1);
            (all.swap_remove(0), chain)
        });
        leaves.collect()
    }

    /// Asserts that verifiers that trust only this CA accept all leaves, or none.
    #[track_caller]
    fn assert_accepted_by(&self, ca: &Certificate, expected: bool) {
        for (leaf, chain) in self.leaves() {
            let verifier = Verifier::new([ca.clone()]).with_intermediates(chain);
            let accepted = verifier.verify(&leaf).is_accepted();
            assert_eq!(accepted, expected, "{} by {}", leaf.subject(), ca.subject());
        }
    }

    fn bundle(&self) -> Vec<String> {
        let path = self.store.ca_paths(CaKind::Client).certificate;
        let all = read_certificates(&path).unwrap();
        all.iter()
            .map(|ca| ca.serial_number().to_string())
            .collect()
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.store.directory()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("ca")).collect();
        names.sort();
        names
    }
}

fn advertising(cas: &[&Certificate]) -> Seen {
    Seen::Advertised(cas.iter().map(|ca| AdvertisedCa::of(ca).unwrap()).collect())
}

fn members(cas: &[&Certificate]) -> Evidence {
    let report = |name| MemberReport::new(name, advertising(cas), advertising(cas));
    Evidence::new().with_members(["etcd-1", "etcd-2"].map(report))
}

fn confirmed() -> Evidence {
    let members = ["etcd-1", "etcd-2"].map(MemberReport::confirmed);
    Evidence::new()
        .with_members(members)
        .with_clients_confirmed()
}

fn serial(certificate: Option<&Certificate>) -> String {
    certificate.unwrap().serial_number().to_string()
}

#[test]
fn a_rotation_with_a_link() {
    for layout in [Layout::Kubespray, Layout::Kubeadm, Layout::Cfssl] {
        let place = Place::new(layout);
        let options = RotationOptions::new();
        let before = place.rotation();
        assert_eq!(before.stage(), Stage::Steady);
        let old = before.signing_ca().clone();
        let keys = |place: &Place| -> Vec<_> {
            let leaves = place.leaves().into_iter();
            leaves.map(|(leaf, _)| leaf.public_key().clone()).collect()
        };
        let keys_before = keys(&place);
        // Every member has accepted the trial certificate
        let accepting = |name| {
            let seen = || advertising(&[&old]);
            MemberReport::new(name, seen(), seen()).with_link_accepted(true)
        };
        let evidence = Evidence::new().with_members(before.members().iter().map(accepting));
        let gate = before.gate(&evidence, &options);
        assert_eq!(
            (gate.next(), gate.strategy()),
            (Stage::Switched, Strategy::Link)
        );
        let switched = before.next(&evidence, &options).unwrap();
        assert_eq!(switched.stage(), Stage::Switched);
        let new = switched.signing_ca().clone();
        assert_ne!(new.subject(), old.subject());
        assert!(new.common_name().unwrap().starts_with("etcd-ca@"));
        assert_eq!(place.bundle(), [serial(Some(&new)), serial(Some(&old))]);
        assert_eq!(switched.leaves_of_other_ca().len(), place.leaves().len());
        // The leaves are signed again with the same keys
        let report = place.apply();
        assert_eq!(report.count(Action::Renew), place.leaves().len());
        assert_eq!(report.hosts_to_restart(), [""; 0]);
        assert_eq!(keys(&place), keys_before);
        place.assert_accepted_by(&old, true);
        place.assert_accepted_by(&new, true);
        // The old CA is not dropped before all members trust the new one
        let switched = place.rotation();
        assert_eq!(switched.leaves_of_other_ca(), [""; 0].map(PathBuf::from));
        let report =
            |name: &String| MemberReport::new(name, advertising(&[&old]), advertising(&[&old]));
        let early = Evidence::new().with_members(switched.members().iter().map(report));
        let refused = switched.next(&early.with_clients_confirmed(), &options);
        assert!(
            matches!(refused, Err(Error::GateClosed { reasons }) if reasons.len() == switched.members().len())
        );
        let report = |name: &String| {
            MemberReport::new(name, advertising(&[&new, &old]), advertising(&[&new, &old]))
        };
        let late = Evidence::new().with_members(switched.members().iter().map(report));
        assert!(!switched.gate(&late, &options).is_open());
        let leaves = place.leaves();
        let steady = switched
            .next(&late.with_clients_confirmed(), &options)
            .unwrap();
        assert_eq!(steady.stage(), Stage::Steady);
        assert!(steady.keeps_previous());
        assert_eq!(place.bundle(), [serial(Some(&new))]);
        // The same certificates without the link certificate
        let _ = place.apply();
        let after = place.leaves();
        for ((one, link), (other, chain)) in leaves.iter().zip(&after) {
            assert_eq!((one, link.len(), chain.len()), (other, 1, 0));
        }
        place.assert_accepted_by(&new, true);
        place.assert_accepted_by(&old, false);
        assert!(!steady.gate(&confirmed(), &options).is_open());
        let forgotten = steady.forget(&options).unwrap();
        assert!(!forgotten.keeps_previous() && forgotten.forget(&options).is_err());
        // Another rotation follows
        let prepared = forgotten.prepare(&options).unwrap();
        assert_eq!(prepared.stage(), Stage::Trusted);
        assert!(prepared.new_ca().unwrap().common_name() > new.common_name());
    }
}

#[test]
fn a_rotation_with_a_bundle() {
    for path_length in [Some(0), None] {
        let place = Place::with_ca(path_length);
        let options = RotationOptions::new();
        let options = match path_length {
            Some(_) => options,
            None => options.with_strategy(Strategy::Bundle),
        };
        let steady = place.rotation();
        let old = steady.signing_ca().clone();
        let trusted = steady.next(&Evidence::new(), &options).unwrap();
        let new = trusted.new_ca().unwrap().clone();
        assert_eq!(trusted.stage(), Stage::Trusted);
        assert_eq!(place.bundle(), [serial(Some(&old)), serial(Some(&new))]);
        assert_eq!(
            place.files(),
            ["ca-key.pem", "ca-link.pem", "ca-next-key.pem", "ca.pem"]
        );
        // The old CA still signs
        assert_eq!(place.apply().changed(), 0);
        place.assert_accepted_by(&old, true);
        for evidence in [
            Evidence::new().with_clients_confirmed(),
            members(&[&old]).with_clients_confirmed(),
            members(&[&old, &new]),
        ] {
            let refused = trusted.next(&evidence, &options);
            assert!(
                matches!(refused, Err(Error::GateClosed { .. })),
                "{refused:?}"
            );
        }
        let open = members(&[&old, &new]).with_clients_confirmed();
        let switched = trusted.next(&open, &options).unwrap();
        assert_eq!(switched.stage(), Stage::Switched);
        // The old CA and its key are kept until it is forgotten
        assert_eq!(
            place.files(),
            [
                "ca-key.pem",
                "ca-link.pem",
                "ca-previous-key.pem",
                "ca-previous.pem",
                "ca.pem"
            ]
        );
        let _ = place.apply();
        place.assert_accepted_by(&new, true);
        place.assert_accepted_by(&old, path_length.is_none());
        let switched = place.rotation();
        let steady = switched.next(&open, &options).unwrap();
        assert_eq!(
            place.files(),
            [
                "ca-key.pem",
                "ca-previous-key.pem",
                "ca-previous.pem",
                "ca.pem"
            ]
        );
        steady.forget(&options).unwrap();
        assert_eq!(place.files(), ["ca-key.pem", "ca.pem"]);
    }
}

#[test]
fn the_way_back_from_each_stage() {
    let place = Place::new(Layout::Kubespray);
    let options = RotationOptions::new();
    let before: Vec<_> = place.files();
    let ca = place.bundle();
    let key = || fs::read(place.store.ca_paths(CaKind::Client).key).unwrap();
    let old_key = key();
    let trusted = place.rotation().prepare(&options).unwrap();
    assert_eq!(trusted.prepare(&options).unwrap().stage(), Stage::Trusted);
    assert_eq!(trusted.back(&options).unwrap().stage(), Stage::Steady);
    assert_eq!(
        (place.files(), place.bundle()),
        (before.clone(), ca.clone())
    );
    let nothing = place.rotation().back(&options);
    assert!(
        matches!(nothing, Err(Error::Rotation { .. })),
        "{nothing:?}"
    );
    // From the stage switched, with leaves of the new CA
    let trusted = place.rotation().prepare(&options).unwrap();
    let (old, new) = (trusted.old_ca().cloned(), trusted.new_ca().cloned());
    let switched = trusted.next(&confirmed(), &options).unwrap();
    let _ = place.apply();
    let switched = Rotation {
        leaves: Vec::new(),
        ..switched
    };
    let trusted = switched.back(&options).unwrap();
    assert_eq!(trusted.stage(), Stage::Trusted);
    assert_eq!(place.bundle(), [serial(old.as_ref()), serial(new.as_ref())]);
    assert_eq!(key(), old_key);
    assert_eq!(trusted.leaves_of_other_ca().len(), place.leaves().len());
    let refused = trusted.back(&options);
    assert!(
        matches!(refused, Err(Error::GateClosed { .. })),
        "{refused:?}"
    );
    assert!(place.apply().changed() > 0);
    place.assert_accepted_by(old.as_ref().unwrap(), true);
    let steady = place.rotation().back(&options).unwrap();
    assert_eq!(steady.stage(), Stage::Steady);
    assert_eq!((place.files(), place.bundle()), (before, ca.clone()));
    // From the end
    let trusted = place.rotation().prepare(&options).unwrap();
    let switched = trusted.next(&confirmed(), &options).unwrap();
    let _ = place.apply();
    let steady = place.rotation().next(&confirmed(), &options).unwrap();
    assert_eq!(steady.stage(), Stage::Steady);
    let again = steady.back(&options).unwrap();
    assert_eq!(again.stage(), Stage::Switched);
    assert_eq!(again.signing_ca(), switched.signing_ca());
    let _ = place.apply();
    place.assert_accepted_by(switched.signing_ca(), true);
    assert_eq!(again.back(&options).unwrap().stage(), Stage::Trusted);
}

#[test]
fn an_emergency_in_each_stage() {
    for stage in Stage::ALL {
        let place = Place::new(Layout::Kubespray);
        let options = RotationOptions::new();
        let mut rotation = place.rotation();
        let old = rotation.signing_ca().clone();
        if stage != Stage::Steady {
            rotation = rotation.prepare(&options).unwrap();
        }
        if stage == Stage::Switched {
            rotation = rotation.next(&confirmed(), &options).unwrap();
        }
        let steady = rotation.emergency(&options).unwrap();
        assert_eq!(steady.stage(), Stage::Steady);
        assert_eq!(place.bundle(), [serial(Some(steady.signing_ca()))]);
        assert_ne!(steady.signing_ca(), &old);
        // The leaves of the old CA are signed again
        let _ = place.apply();
        place.assert_accepted_by(steady.signing_ca(), true);
        place.assert_accepted_by(&old, false);
    }
}

/// The gate has the reason for each member.
#[test]
fn what_closes_a_gate() {
    let place = Place::new(Layout::Kubespray);
    let options = RotationOptions::new();
    let trusted = place.rotation().prepare(&options).unwrap();
    let (old, new) = (trusted.old_ca().unwrap(), trusted.new_ca().unwrap());
    let third = CertificateAuthority::create("third").unwrap();
    let both = || advertising(&[old, new]);
    let good = MemberReport::new("etcd-1", both(), both());
    for (client, peer, expected) in [
        (both(), both(), None),
        (
            advertising(&[old]),
            both(),
            Some("not restarted: its client port trusts CN=etcd-ca only"),
        ),
        (
            both(),
            advertising(&[old]),
            Some("not restarted: its peer port"),
        ),
        (
            Seen::Nothing,
            both(),
            Some("its client port does not report"),
        ),
        (
            both(),
            Seen::Unreachable("refused".to_owned()),
            Some("its peer port cannot be reached: refused"),
        ),
        (
            advertising(&[old, new, third.certificate()]),
            both(),
            Some("trusts CN=third, which is not in ca.pem"),
        ),
        (Seen::Confirmed, Seen::Confirmed, None),
    ] {
        let report = MemberReport::new("etcd-2", client, peer);
        let evidence = Evidence::new()
            .with_members([good.clone(), report])
            .with_clients_confirmed();
        let gate = trusted.gate(&evidence, &options);
        let found: Vec<String> = gate.obstacles().iter().map(ToString::to_string).collect();
        match expected {
            None => assert_eq!(found, [""; 0]),
            Some(expected) => {
                assert!(found[0].starts_with("etcd-2: "), "{found:?}");
                assert!(found[0].contains(expected), "{found:?}");
                assert!(!gate.members()[1].is_ready);
            }
        }
        assert!(gate.members()[0].is_ready);
    }
    // A member that refuses link certificates has loaded an earlier certificate of the CA
    let refusing = MemberReport::new("etcd-2", both(), both()).with_link_accepted(false);
    let accepting = good.clone().with_link_accepted(true);
    let evidence = Evidence::new().with_members([accepting, refusing]);
    assert_eq!(
        trusted.gate(&evidence, &options).strategy(),
        Strategy::Bundle
    );
    let options = options.with_strategy(Strategy::Link);
    let gate = trusted.gate(&evidence, &options);
    assert_eq!(gate.strategy(), Strategy::Link);
    assert!(
        gate.obstacles()[0]
            .to_string()
            .contains("it refuses link certificates")
    );
    // After the switch, a member may still serve a leaf of the old CA
    let leaf = place.leaves()[0].0.clone();
    let switched = trusted.next(&confirmed(), &options).unwrap();
    let _ = place.apply();
    let switched = Rotation::read(switched.store()).unwrap();
    let serving = MemberReport::new("etcd-2", both(), both()).with_served([leaf]);
    let issued = IssuedCertificate {
        serial: "4A1C".to_owned(),
        subject: "CN=alice".to_owned(),
    };
    let evidence = Evidence::new()
        .with_members([good, serving])
        .with_issued([issued])
        .with_clients_confirmed();
    let gate = switched.gate(&evidence, &options);
    let found: Vec<String> = gate.obstacles().iter().map(ToString::to_string).collect();
    assert!(
        found[0].contains("still serves a certificate of the old CA"),
        "{found:?}"
    );
    assert!(found[1].contains("4A1C"), "{found:?}");
    assert_eq!(found.len(), 2);
    let gate = switched.gate(&evidence.with_unused("4a1c"), &options);
    assert_eq!(gate.obstacles().len(), 1);
}

#[test]
fn cas_that_are_not_rotated() {
    let options = RotationOptions::new();
    // An intermediate CA
    let root = Made::root(test_certificates::ca("root", None));
    let middle = root.sign(test_certificates::ca("etcd-ca", None));
    let place = Place::empty(Layout::Kubespray);
    let paths = place.store.ca_paths(CaKind::Client);
    fs::create_dir_all(place.store.directory()).unwrap();
    let write = |certificates: &[&Certificate]| {
        let text: String = certificates.iter().map(|one| one.to_pem()).collect();
        fs::write(&paths.certificate, text).unwrap();
    };
    let namesake = Made::root(test_certificates::ca("root", None));
    for (signing, certificates) in [
        (&middle, &[&middle.certificate, &root.certificate][..]),
        (&root, &[&root.certificate, &namesake.certificate]),
    ] {
        write(certificates);
        fs::write(&paths.key, signing.private_key().to_secret_pem().as_bytes()).unwrap();
        let refused = place.rotation().prepare(&options);
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(place.files(), ["ca-key.pem", "ca.pem"]);
    }
    // Without the key of the CA
    write(&[&root.certificate]);
    fs::remove_file(&paths.key).unwrap();
    assert!(place.rotation().prepare(&options).is_err());
    assert_eq!(place.files(), ["ca.pem"]);
    // Another process has changed the stage
    let place = Place::new(Layout::Kubespray);
    let read = place.rotation();
    place.rotation().prepare(&options).unwrap();
    let refused = read.next(&confirmed(), &options);
    assert!(
        matches!(refused, Err(Error::FileChanged { .. })),
        "{refused:?}"
    );
    // A rotation is not replaced by another CA
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let locked = place.store.lock().unwrap();
    let refused = locked.replace_ca(CaKind::Client, &ca, None);
    assert!(
        matches!(refused, Err(Error::Rotation { .. })),
        "{refused:?}"
    );
}

/// The keys stay encrypted.
#[test]
fn a_rotation_with_a_passphrase() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::new(scratch.path().join("ssl"), Layout::Kubespray);
    let passphrase = Passphrase::new("correct");
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let locked = store.lock().unwrap();
    locked
        .write_ca(CaKind::Client, &ca, Some(&passphrase))
        .unwrap();
    drop(locked);
    let read = || Rotation::read(&store).unwrap();
    let without = RotationOptions::new();
    assert!(read().prepare(&without).is_err());
    let options = RotationOptions::new().with_passphrase(&passphrase);
    let trusted = read().prepare(&options).unwrap();
    assert_eq!(trusted.stage(), Stage::Trusted);
    assert!(trusted.trial(&without).is_err());
    assert_eq!(trusted.trial(&options).unwrap().chain().len(), 1);
    // The directory has no certificate of a member
    let evidence = Evidence::new().with_clients_confirmed();
    let refused = trusted.next(&evidence, &without);
    assert!(
        matches!(refused, Err(Error::GateClosed { .. })),
        "{refused:?}"
    );
    let evidence = evidence.with_members([MemberReport::confirmed("etcd-1")]);
    let switched = trusted.next(&evidence, &without).unwrap();
    assert_eq!(switched.stage(), Stage::Switched);
    for name in ["ca-key.pem", "ca-previous-key.pem"] {
        let text = fs::read_to_string(store.directory().join(name)).unwrap();
        assert!(text.contains("ENCRYPTED PRIVATE KEY"), "{name}");
    }
    let signing = store.ca(CaKind::Client, Some(&passphrase)).unwrap();
    assert_eq!(signing.certificate(), switched.signing_ca());
    assert_eq!(switched.back(&without).unwrap().stage(), Stage::Trusted);
}

/// A killed change is finished or undone by the next one.
#[test]
fn interrupted_changes() {
    let options = RotationOptions::new();
    let place = Place::new(Layout::Kubespray);
    let directory = place.store.directory().to_owned();
    let copy = |from: &str, to: &str| {
        fs::copy(directory.join(from), directory.join(to)).unwrap();
    };
    let remove = |name: &str| fs::remove_file(directory.join(name)).unwrap();
    let steady = fs::read(directory.join("ca.pem")).unwrap();
    // The preparation: it is continued with the same key, or undone
    for continues in [true, false] {
        place.rotation().prepare(&options).unwrap();
        fs::write(directory.join("ca.pem"), &steady).unwrap();
        let key = fs::read(directory.join("ca-next-key.pem")).unwrap();
        let unfinished = place.rotation();
        assert!(unfinished.is_unfinished() && unfinished.stage() == Stage::Steady);
        if continues {
            let trusted = unfinished.next(&Evidence::new(), &options).unwrap();
            assert_eq!(trusted.stage(), Stage::Trusted);
            assert_eq!(fs::read(directory.join("ca-next-key.pem")).unwrap(), key);
            trusted.back(&options).unwrap();
        } else {
            let undone = unfinished.back(&options).unwrap();
            assert!(!undone.is_unfinished());
        }
        assert_eq!(place.files(), ["ca-key.pem", "ca.pem"]);
    }
    // The switch, before and after the key is replaced
    let trusted = place.rotation().prepare(&options).unwrap();
    let bundle = place.bundle();
    copy("ca-key.pem", "ca-previous-key.pem");
    let unfinished = place.rotation();
    assert!(unfinished.is_unfinished() && unfinished.stage() == Stage::Trusted);
    let settled = unfinished.next(&Evidence::new(), &options).unwrap();
    assert!(!settled.is_unfinished() && settled.stage() == Stage::Trusted);
    assert_eq!(place.bundle(), bundle);
    copy("ca-key.pem", "ca-previous-key.pem");
    copy("ca-next-key.pem", "ca-key.pem");
    let unfinished = place.rotation();
    assert!(unfinished.is_unfinished() && unfinished.stage() == Stage::Switched);
    let settled = unfinished.next(&Evidence::new(), &options).unwrap();
    assert!(!settled.is_unfinished() && settled.stage() == Stage::Switched);
    assert_eq!(settled.signing_ca(), trusted.new_ca().unwrap());
    assert!(!place.files().contains(&"ca-next-key.pem".to_owned()));
    // The way back from the stage switched is finished, and not continued
    let back = settled.back(&options).unwrap();
    assert_eq!(back.stage(), Stage::Trusted);
    copy("ca-key.pem", "ca-previous-key.pem");
    let again = place.rotation().back(&options).unwrap();
    assert!(!again.is_unfinished() && again.stage() == Stage::Trusted);
    let _ = again.next(&confirmed(), &options).unwrap();
    // The end
    let _ = place.apply();
    let link = fs::read(directory.join("ca-link.pem")).unwrap();
    place.rotation().next(&confirmed(), &options).unwrap();
    fs::write(directory.join("ca-link.pem"), link).unwrap();
    let unfinished = place.rotation();
    assert!(unfinished.is_unfinished() && unfinished.stage() == Stage::Steady);
    // Leaves of the new CA are not followed by the link certificate any more
    let _ = place.apply();
    assert!(place.leaves().iter().all(|(_, chain)| chain.is_empty()));
    let settled = unfinished.next(&Evidence::new(), &options).unwrap();
    assert!(!settled.is_unfinished());
    remove("ca-previous-key.pem");
    remove("ca-previous.pem");
    assert_eq!(place.files(), ["ca-key.pem", "ca.pem"]);
}
