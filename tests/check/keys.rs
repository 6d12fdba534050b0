//! A passphrase is checked before a plan is applied.
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    CaKind, Cluster, Error, Layout, Passphrase, Plan, Store,
    plan::{Action, ApplyOptions, PlanOptions, Report},
};
use etcd_pki_tests::Scratch;

const ONE: &str = "members: [etcd-1]\n";
const TWO: &str = "members: [etcd-1, etcd-2]\n";

/// A directory in which the CA key has a passphrase.
fn locked_away(specification: &str) -> (Scratch, Store) {
    let scratch = Scratch::new("check-keys");
    let store = Store::new(scratch.path().join("ssl"), Layout::Kubespray);
    let plan = plan(specification, &store, SystemTime::now());
    // A CA that the plan will create has no key yet
    plan.check_keys(None).unwrap();
    let _ = apply(&plan);
    (scratch, store)
}

fn right() -> Passphrase {
    Passphrase::new("correct horse")
}

fn wrong() -> Passphrase {
    Passphrase::new("battery staple")
}

fn apply(plan: &Plan) -> Report {
    let passphrase = right();
    let options = ApplyOptions::new().with_passphrase(&passphrase);
    plan.apply_with(&options).unwrap().into_result().unwrap()
}

fn plan(specification: &str, store: &Store, now: SystemTime) -> Plan {
    let cluster = Cluster::from_yaml(specification).unwrap();
    let options = PlanOptions::new().at(now);
    cluster.plan_with(store, &options).unwrap()
}

/// The error about the CA key.
fn fault(checked: Result<(), Error>, store: &Store) -> Error {
    match checked.unwrap_err() {
        Error::File { path, error } => {
            assert_eq!(path, store.ca_paths(CaKind::Client).key);
            *error
        }
        error => error,
    }
}

#[test]
fn where_something_is_to_be_signed() {
    let (_scratch, store) = locked_away(ONE);
    let plan = plan(TWO, &store, SystemTime::now());
    let none = fault(plan.check_keys(None), &store);
    assert!(matches!(none, Error::EncryptedKey), "{none:?}");
    let wrong = fault(plan.check_keys(Some(&wrong())), &store);
    assert!(matches!(wrong, Error::WrongPassphrase), "{wrong:?}");
    // The same plan can be applied afterwards
    plan.check_keys(Some(&right())).unwrap();
    assert_eq!(apply(&plan).count(Action::Create), 2);
}

#[test]
fn where_nothing_is_to_be_signed() {
    let (_scratch, store) = locked_away(ONE);
    plan(ONE, &store, SystemTime::now())
        .check_keys(Some(&wrong()))
        .unwrap();
    // Modes can be set without it
    let key = store.directory().join("member-etcd-1-key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let plan = plan(ONE, &store, SystemTime::now());
    assert_eq!(plan.changes().count(), 1);
    plan.check_keys(None).unwrap();
}

#[test]
fn where_only_the_ca_is_renewed() {
    let (_scratch, store) = locked_away("ca: {validity: 300d}\n");
    let later = SystemTime::now() + Duration::from_secs(290 * 86_400);
    let plan = plan("ca: {validity: 300d}\n", &store, later);
    assert_eq!(plan.changes().count(), 1);
    let none = fault(plan.check_keys(None), &store);
    assert!(matches!(none, Error::EncryptedKey), "{none:?}");
    plan.check_keys(Some(&right())).unwrap();
}

#[test]
fn where_the_key_is_elsewhere() {
    let (_scratch, store) = locked_away(ONE);
    fs::remove_file(store.ca_paths(CaKind::Client).key).unwrap();
    let plan = plan(TWO, &store, SystemTime::now());
    let missing = fault(plan.check_keys(Some(&right())), &store);
    assert!(matches!(missing, Error::Io { .. }), "{missing:?}");
}

#[test]
fn where_requests_are_to_be_signed() {
    let (scratch, store) = locked_away(ONE);
    let exchange = scratch.path().join("exchange");
    let cluster = Cluster::from_yaml(ONE).unwrap();
    let signing = PlanOptions::new().with_exchange(&exchange);
    let plan = || cluster.plan_with(&store, &signing).unwrap();
    fs::create_dir(&exchange).unwrap();
    plan().check_keys(None).unwrap();

    let host = Store::new(scratch.path().join("etcd-1"), Layout::Kubespray);
    let requesting = signing.clone().with_host("etcd-1");
    let requests = cluster.plan_with(&host, &requesting).unwrap();
    let _ = requests.apply().unwrap().into_result().unwrap();
    let plan = plan();
    let none = fault(plan.check_keys(None), &store);
    assert!(matches!(none, Error::EncryptedKey), "{none:?}");
    let wrong = fault(plan.check_keys(Some(&wrong())), &store);
    assert!(matches!(wrong, Error::WrongPassphrase), "{wrong:?}");
    plan.check_keys(Some(&right())).unwrap();
    assert_eq!(apply(&plan).count(Action::Sign), 2);
}
