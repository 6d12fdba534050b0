//! A plan belongs to its store, and to the files from which it was created.
use std::{collections::BTreeMap, fs, path::Path};

use etcd_pki_core::{
    CaKind, Cluster, Error, Layout, Plan, Store,
    plan::{Action, PlanOptions, Renewal, Report},
};
use etcd_pki_tests::{Scratch, is_own_file};

const ONE: &str = "members: [etcd-1]\n";
const TWO: &str = "members: [etcd-1, etcd-2]\n";
const SEPARATE: &str = "ca: {peers: separate}\nmembers: [etcd-1]\n";

fn cluster(specification: &str) -> Cluster {
    Cluster::from_yaml(specification).unwrap()
}

/// A store with the certificates of a specification.
fn applied(path: &Path, specification: &str) -> Store {
    let store = Store::new(path, Layout::Kubespray);
    let report = cluster(specification).plan(&store).unwrap().apply();
    let _ = report.unwrap().into_result().unwrap();
    store
}

fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file() && !is_own_file(path))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

/// Replaces the CA of one store by the CA of another.
fn exchange_ca(from: &Store, to: &Store, kind: CaKind, parts: &[&str]) {
    let (from, to) = (from.ca_paths(kind), to.ca_paths(kind));
    for part in parts {
        match *part {
            "certificate" => fs::copy(&from.certificate, &to.certificate).unwrap(),
            _ => fs::copy(&from.key, &to.key).unwrap(),
        };
    }
}

#[track_caller]
fn assert_changed(plan: &Plan, directory: &Path) {
    let before = contents(directory);
    let error = plan.apply().and_then(Report::into_result).unwrap_err();
    assert!(matches!(error, Error::FileChanged { .. }), "{error}");
    assert_eq!(contents(directory), before);
}

#[test]
fn another_layout_is_refused() {
    let scratch = Scratch::new("plan");
    let store = Store::new(scratch.path().join("pki"), Layout::Kubeadm);
    for options in [
        PlanOptions::new(),
        PlanOptions::new().with_exchange(scratch.path().join("exchange")),
        PlanOptions::new()
            .with_exchange(scratch.path().join("exchange"))
            .with_host("etcd-1"),
    ] {
        let error = cluster(ONE).plan_with(&store, &options).unwrap_err();
        assert!(matches!(error, Error::LayoutMismatch { .. }), "{error}");
    }
    assert!(!store.directory().exists());
}

#[test]
fn a_plan_changes_its_own_store_alone() {
    let scratch = Scratch::new("plan");
    let one = applied(&scratch.path().join("one"), TWO);
    let other = applied(&scratch.path().join("other"), TWO);
    let options = PlanOptions::new().with_prune();
    let plan = cluster(ONE).plan_with(&one, &options).unwrap();
    assert_eq!(plan.directory(), one.directory());
    let before = contents(other.directory());
    let report = plan.apply().unwrap().into_result().unwrap();
    assert_eq!(report.count(Action::Remove), 2);
    assert_eq!(contents(other.directory()), before);
}

#[test]
fn a_ca_that_is_exchanged_after_planning_signs_nothing() {
    for parts in [&["certificate", "key"][..], &["certificate"], &["key"]] {
        let scratch = Scratch::new("plan");
        let store = applied(&scratch.path().join("own"), ONE);
        let other = applied(&scratch.path().join("other"), ONE);
        let plan = cluster(TWO).plan(&store).unwrap();
        assert_eq!(plan.steps()[0].action(), Action::Keep);
        exchange_ca(&other, &store, CaKind::Client, parts);
        assert_changed(&plan, store.directory());
    }
}

#[test]
fn a_peer_ca_that_is_exchanged_after_planning_signs_nothing() {
    let scratch = Scratch::new("plan");
    let store = applied(&scratch.path().join("own"), SEPARATE);
    let other = applied(&scratch.path().join("other"), SEPARATE);
    fs::remove_file(store.directory().join("peer-etcd-1.pem")).unwrap();
    let plan = cluster(SEPARATE).plan(&store).unwrap();
    assert_eq!(plan.changes().count(), 1);
    exchange_ca(&other, &store, CaKind::Peer, &["certificate", "key"]);
    assert_changed(&plan, store.directory());
}

#[test]
fn where_the_ca_is_an_exchanged_ca_signs_no_request() {
    let scratch = Scratch::new("plan");
    let exchange = scratch.path().join("exchange");
    let ca = applied(&scratch.path().join("ca"), "clients: [backup]\n");
    let other = applied(&scratch.path().join("other"), "clients: [backup]\n");
    let host = Store::new(scratch.path().join("etcd-1"), Layout::Kubespray);
    let signing = PlanOptions::new().with_exchange(&exchange);
    let requesting = signing.clone().with_host("etcd-1");
    let requests = cluster(ONE).plan_with(&host, &requesting).unwrap();
    let _ = requests.apply().unwrap().into_result().unwrap();

    let plan = cluster(ONE).plan_with(&ca, &signing).unwrap();
    assert!(plan.changes().count() > 0);
    exchange_ca(&other, &ca, CaKind::Client, &["certificate", "key"]);
    assert_changed(&plan, &exchange.join("etcd-1"));
    assert!(!exchange.join("etcd-1/ca.pem").exists());
}

#[test]
fn a_ca_that_is_exchanged_after_planning_renews_nothing() {
    let scratch = Scratch::new("plan");
    let store = applied(&scratch.path().join("own"), ONE);
    let other = applied(&scratch.path().join("other"), ONE);
    let renewal = Renewal::with_cas_of(store.clone());
    // In the directory of the CA, and in another one
    let copied = scratch.path().join("member.pem");
    let own = store.directory().join("member-etcd-1.pem");
    fs::copy(&own, &copied).unwrap();
    let plans = [&own, &copied].map(|file| {
        let mut plans = renewal.plan_files(std::slice::from_ref(file)).unwrap();
        plans.remove(0)
    });
    let due = renewal.plan_due("33%".parse().unwrap()).unwrap();
    assert_eq!(due.changes().count(), 0);
    exchange_ca(&other, &store, CaKind::Client, &["certificate", "key"]);
    for plan in plans {
        assert_eq!(plan.changes().count(), 1);
        let directory = plan.directory().to_owned();
        assert_changed(&plan, &directory);
    }
}

#[test]
fn a_pair_that_is_changed_after_planning_is_not_replaced() {
    let scratch = Scratch::new("plan");
    let store = applied(&scratch.path().join("own"), TWO);
    let file = |name: &str| store.directory().join(name);
    fs::remove_file(file("member-etcd-1.pem")).unwrap();
    let plan = cluster(TWO).plan(&store).unwrap();
    assert_eq!(plan.changes().count(), 1);
    fs::copy(file("member-etcd-2.pem"), file("member-etcd-1.pem")).unwrap();
    assert_changed(&plan, store.directory());
}
