//! Tests plans of a directory.

use std::{fs, os::unix::fs::symlink, time::Duration};

use super::*;
use crate::{
    cluster::{ClusterSpec, EntrySpec},
    layout::{CaKind, Layout},
    plan::ApplyOptions,
};

/// A cluster with one member and these clients.
fn cluster(clients: &[&str]) -> Cluster {
    let spec = ClusterSpec {
        members: vec![EntrySpec::new("m").with_names(["m.lan"]).unwrap()],
        clients: clients.iter().copied().map(EntrySpec::new).collect(),
        ..ClusterSpec::default()
    };
    Cluster::try_from(spec).unwrap()
}

/// A directory with all files of this cluster.
fn applied(cluster: &Cluster) -> (tempfile::TempDir, Store) {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::new(scratch.path().join("ssl"), Layout::Kubespray);
    let report = cluster.apply(&store, &PlanOptions::new(), &ApplyOptions::new());
    assert!(report.is_ok());
    (scratch, store)
}

/// The step for a file.
fn step<'a>(plan: &'a Plan, file: &str) -> &'a Step {
    let mut steps = plan.steps().iter();
    let is_it = |step: &&Step| step.relative_paths().certificate == Path::new(file);
    steps.find(is_it).unwrap()
}

/// A plan for one host or name lists only the unmanaged pairs that it removes.
#[test]
fn unmanaged_pairs_that_a_plan_lists() {
    let (_scratch, store) = applied(&cluster(&["a", "b", "m"]));
    let cluster = cluster(&[]);
    let new = PlanOptions::new;
    for (options, expected) in [
        (new(), &["client-a", "client-b", "client-m"][..]),
        (new().with_prune(), &["client-a", "client-b", "client-m"]),
        (
            new().with_prune_names(["a"]),
            &["client-a", "client-b", "client-m"],
        ),
        (new().with_part_only(), &[]),
        (new().with_part_only().with_host("m").with_prune(), &[]),
        (new().with_host("m"), &[]),
        (new().with_host("m").with_prune(), &[]),
        (new().with_host("m").with_prune_names(["a"]), &["client-a"]),
        (new().with_only("m"), &[]),
        (new().with_only("m").with_prune(), &["client-m"]),
        (new().with_only("a").with_prune(), &["client-a"]),
        (new().with_only("m").with_prune_names(["a"]), &["client-a"]),
        (new().with_host("m").with_only("m").with_prune(), &[]),
    ] {
        let plan = cluster.plan_with(&store, &options).unwrap();
        let unmanaged = plan.unmanaged().iter();
        let stems = unmanaged.map(|paths| paths.certificate.with_extension(""));
        let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(stems.collect::<Vec<_>>(), expected, "{options:?}");
    }
}

/// A plan for one name renews no CA.
#[test]
fn a_plan_for_one_name_keeps_the_ca() {
    let cluster = cluster(&["a"]);
    let (_scratch, store) = applied(&cluster);
    let ca = store.ca(CaKind::Client, None).unwrap();
    let late = ca.certificate().not_after() - Duration::from_secs(86_400);
    for (options, action) in [
        (PlanOptions::new(), Action::Renew),
        (PlanOptions::new().with_only("a"), Action::Keep),
    ] {
        let plan = cluster.plan_with(&store, &options.at(late)).unwrap();
        assert_eq!(step(&plan, "ca.pem").action(), action);
        assert_eq!(step(&plan, "client-a.pem").action(), Action::Renew);
    }
}

/// The certificates after a leaf in its file are kept if it is renewed.
#[test]
fn certificates_after_a_leaf() {
    let cluster = cluster(&["a"]);
    let (_scratch, store) = applied(&cluster);
    let path = store.directory().join("client-a.pem");
    let ca = store.ca(CaKind::Client, None).unwrap();
    let text = fs::read_to_string(&path).unwrap() + &ca.certificate().to_pem();
    fs::write(&path, text).unwrap();
    let plan = cluster.plan(&store).unwrap();
    let following = &step(&plan, "client-a.pem").following;
    assert_eq!(following, std::slice::from_ref(ca.certificate()));
    assert!(step(&plan, "member-m.pem").following.is_empty());
}

/// A CA with a key behind a symbolic link signs nothing. What needs no signature stays.
#[test]
fn a_ca_that_must_not_sign() {
    let cluster = cluster(&["a", "b"]);
    let (_scratch, store) = applied(&cluster);
    let key = store.directory().join("ca-key.pem");
    fs::rename(&key, key.with_extension("moved")).unwrap();
    symlink("ca-key.moved", &key).unwrap();
    for file in ["client-a.pem", "client-a-key.pem"] {
        fs::remove_file(store.directory().join(file)).unwrap();
    }
    let plan = cluster.plan(&store).unwrap();
    let blocked = step(&plan, "client-a.pem");
    assert_eq!(blocked.action(), Action::Blocked);
    assert_eq!(blocked.reasons()[0].code(), "EP018");
    assert_eq!(step(&plan, "client-b.pem").action(), Action::Keep);
}

/// A renewed CA has a new serial number, unless a leaf names the old one.
#[test]
fn the_serial_number_of_a_renewed_ca() {
    let cluster = cluster(&["a"]);
    let (_scratch, store) = applied(&cluster);
    let ca = store.ca(CaKind::Client, None).unwrap();
    let options = PlanOptions::new().at(ca.certificate().not_after());
    let plan = cluster.plan_with(&store, &options).unwrap();
    assert!(matches!(
        step(&plan, "ca.pem").work,
        Work::RenewCa {
            keeps_serial: false
        }
    ));
}
