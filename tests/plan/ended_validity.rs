//! A validity of the specification that ended blocks what uses it, and nothing else.
use std::{
    fs,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    Cluster, Error, Layout, Store,
    plan::{Action, PlanOptions, Step},
};
use etcd_pki_tests::{Scratch, cluster, run};

const DAY: Duration = Duration::from_secs(86_400);

/// The file of each step, its action, and whether its validity is the error.
fn steps<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<(String, Action, bool)> {
    let described = steps.map(|step| {
        let file = step.relative_paths().certificate.display().to_string();
        let is_of_validity = match step.blocking_error() {
            Some(Error::File { error, .. }) => matches!(*error, Error::InvalidValidity { .. }),
            _ => false,
        };
        (file, step.action(), is_of_validity)
    });
    described.collect()
}

fn entry(file: &str, action: Action) -> (String, Action, bool) {
    (file.to_owned(), action, action == Action::Blocked)
}

#[test]
fn one_entry_blocks_no_other() {
    let cluster = cluster::Cluster::new(
        "directory: ssl\nclients: [root, {name: old, validity: \"2021-01-01T00:00:00Z\"}]\n",
    );
    let due = cluster.due();
    let expected =
        "blocked: the validity would end on 2021-01-01T00:00:00Z, which is not after now";
    assert!(due["client-old.pem"].starts_with(expected), "{due:?}");
    assert!(due["client-root.pem"].starts_with("create"), "{due:?}");
    let planned = run(cluster.command("plan").arg("--check")).expect_code(3);
    let note =
        "note: etcd-pki apply leaves client-old.pem as it is: the validity would end on 2021";
    assert!(planned.stderr().contains(note), "{planned:?}");
    let applied = run(&mut cluster.command("apply")).expect_code(1);
    let hint = "give another validity, such as 90d, 10y or an instant to come";
    assert!(applied.stderr().contains(hint), "{applied:?}");
    let names: Vec<String> = cluster.contents().into_keys().collect();
    assert_eq!(
        names,
        [
            "ca-key.pem",
            "ca.pem",
            "client-root-key.pem",
            "client-root.pem"
        ]
    );

    // An existing certificate is kept until it is due
    cluster.specify("directory: ssl\nclients: [root, old]\n");
    let _ = cluster.apply();
    cluster.specify(
        "directory: ssl\nclients: [root, {name: old, validity: \"2021-01-01T00:00:00Z\"}]\n",
    );
    assert!(cluster.due().is_empty(), "{:?}", cluster.due());
}

#[test]
fn the_validity_of_a_ca_that_is_missing_blocks_its_pairs() {
    let cluster = cluster::Cluster::new(
        "directory: ssl\nca: {peers: separate, peer_common_name: peer-ca}\nmembers: [etcd-1]\nclients: [root]\n",
    );
    let _ = cluster.apply();
    let before = cluster.contents();
    cluster.specify(
        "directory: ssl\nca: {validity: \"2021-01-01T00:00:00Z\"}\nmembers: [etcd-1]\nclients: [root]\n",
    );
    assert!(cluster.due().is_empty(), "a CA that is not due stays");
    fs::remove_dir_all(cluster.directory()).unwrap();
    let due = cluster.due();
    assert!(
        due.values().all(|what| what.starts_with("blocked")),
        "{due:?}"
    );
    let planned = run(&mut cluster.command("plan")).expect_success();
    assert_eq!(planned.stderr().matches("note: ").count(), 1, "{planned:?}");
    let applied = run(&mut cluster.command("apply")).expect_code(1);
    assert!(
        applied.stderr().contains("ca.pem cannot be created"),
        "{applied:?}"
    );
    assert!(!cluster.file("ca.pem").exists() && !before.is_empty());
}

/// With keys that stay on their hosts, the validity is judged where the request is signed.
#[test]
fn one_request_blocks_no_other() {
    let scratch = Scratch::new("ended-validity");
    let now = SystemTime::now();
    let end = etcd_pki_core::internal::rfc3339(now + DAY * 30);
    let text = format!("members: [etcd-1]\nnodes: [{{name: kube-1, validity: \"{end}\"}}]\n");
    let cluster = Cluster::from_yaml(&text).unwrap();
    let exchange = scratch.path().join("exchange");
    let signing = Store::new(scratch.path().join("ca"), Layout::Kubespray);
    let options = PlanOptions::new().with_exchange(&exchange);
    for host in ["etcd-1", "kube-1"] {
        let store = Store::new(scratch.path().join(host), Layout::Kubespray);
        let plan = cluster
            .plan_with(&store, &options.clone().with_host(host))
            .unwrap();
        assert!(plan.apply().unwrap().is_complete());
    }
    let later = cluster
        .plan_with(&signing, &options.clone().at(now + DAY * 31))
        .unwrap();
    let pairs = later.changes().filter(|step| step.pair().is_some());
    assert_eq!(
        steps(pairs),
        [
            entry("admin-etcd-1.pem", Action::Sign),
            entry("member-etcd-1.pem", Action::Sign),
            entry("node-kube-1.pem", Action::Blocked),
        ]
    );
    let host = Store::new(scratch.path().join("new-host"), Layout::Kubespray);
    let options = options.with_host("kube-1").at(now + DAY * 31);
    let plan = cluster.plan_with(&host, &options).unwrap();
    let pairs = plan.changes().filter(|step| step.pair().is_some());
    assert_eq!(steps(pairs), [entry("node-kube-1.pem", Action::Blocked)]);
}
