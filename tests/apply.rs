//! A cluster's directory, planned and applied: what is due, and nothing else.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use etcd_pki_core::{READ_LIMIT, Store};
use etcd_pki_tests::{
    cluster::{Cluster, PAIRS, SPECIFICATION},
    run, stderr_of,
};

#[test]
fn a_second_time_there_is_nothing_to_do() {
    let cluster = Cluster::applied();
    cluster.assert_whole();
    let before = cluster.contents();
    let again = cluster.apply();
    assert_eq!(
        (&again["created"], &again["kept"]),
        (&0.into(), &PAIRS.into())
    );
    assert_eq!(cluster.contents(), before);
    assert!(run(cluster.command("plan").arg("--check")).success());
}

#[test]
fn plan_writes_nothing_and_says_whether_something_is_due() {
    let cluster = Cluster::new(SPECIFICATION);
    let output = cluster.command("plan").arg("--check").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(!cluster.directory().exists());
}

#[test]
fn each_fault_is_named_and_mended_alone() {
    let cluster = Cluster::applied();

    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    assert_eq!(
        cluster.due()["client-root.pem"],
        "renew: the certificate is missing"
    );
    cluster.assert_mended(&["client-root.pem"]);

    fs::remove_file(cluster.file("client-root-key.pem")).unwrap();
    assert_eq!(
        cluster.due()["client-root.pem"],
        "re-issue: the key is missing"
    );
    cluster.assert_mended(&["client-root-key.pem", "client-root.pem"]);

    // An exchange of both files that was cut off between the two
    fs::copy(
        cluster.file("client-backup.pem"),
        cluster.file("client-root.pem"),
    )
    .unwrap();
    let due = cluster.due();
    assert!(
        due["client-root.pem"].starts_with("renew: the certificate is of another key"),
        "{due:?}"
    );
    cluster.assert_mended(&["client-root.pem"]);

    // A key that two pairs have, both of which get a new one; and the authority's, which is kept
    for (key, mended) in [
        (
            "node-kube-1-key.pem",
            &["node-kube-1-key.pem", "node-kube-1.pem"][..],
        ),
        ("ca-key.pem", &[]),
    ] {
        fs::copy(cluster.file(key), cluster.file("client-root-key.pem")).unwrap();
        let due = cluster.due();
        assert!(
            due["client-root.pem"].starts_with("re-issue: another pair has the same key"),
            "{due:?}"
        );
        let own = ["client-root-key.pem", "client-root.pem"];
        cluster.assert_mended(&[&own[..], mended].concat());
    }

    fs::write(cluster.file("client-root.pem"), "nonsense").unwrap();
    assert!(cluster.due()["client-root.pem"].starts_with("renew: unreadable: "));
    cluster.assert_mended(&["client-root.pem"]);

    fs::write(cluster.file("client-root-key.pem"), "nonsense").unwrap();
    assert!(cluster.due()["client-root.pem"].starts_with("re-issue: unreadable: "));
    cluster.assert_mended(&["client-root-key.pem", "client-root.pem"]);

    // Larger than whatever is read
    for (file, action, mended) in [
        ("client-root.pem", "renew", &["client-root.pem"][..]),
        (
            "client-root-key.pem",
            "re-issue",
            &["client-root-key.pem", "client-root.pem"],
        ),
    ] {
        let planted = fs::File::create(cluster.file(file)).unwrap();
        planted.set_len(READ_LIMIT + 1).unwrap();
        let due = cluster.due();
        let what = format!("{action}: unreadable: ssl/{file}: larger than 16 MiB");
        assert_eq!((due.len(), due["client-root.pem"].as_str()), (1, &*what));
        cluster.assert_mended(mended);
    }

    let key = cluster.file("node-kube-1-key.pem");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        cluster.due()["node-kube-1.pem"],
        "mode: node-kube-1-key.pem has mode 0644, should be 0600"
    );
    cluster.assert_mended(&[]);
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // As Kubespray's copies have
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    cluster.assert_whole();
}

#[test]
fn another_specification_changes_what_it_must() {
    let cluster = Cluster::applied();
    let edit = |from: &str, to: &str| {
        assert!(SPECIFICATION.contains(from));
        cluster.specify(&SPECIFICATION.replace(from, to));
    };
    edit("10.0.0.12", "10.0.0.99");
    assert_eq!(
        cluster.due()["member-etcd-2.pem"],
        "renew: 10.0.0.99 is missing; 10.0.0.12 is surplus"
    );
    cluster.assert_mended(&["member-etcd-2.pem"]);
    edit(
        "root, ",
        "{name: root, common_name: administrator, organization: operators}, ",
    );
    assert_eq!(
        cluster.due()["client-root.pem"],
        "renew: common name root, should be administrator; organization none, should be operators"
    );
    let _ = cluster.apply();
    edit("[root, ", "[{name: root, algorithm: ed25519}, ");
    assert!(
        cluster.due()["client-root.pem"]
            .starts_with("re-issue: the key is ec-p256, should be ed25519")
    );
    let _ = cluster.apply();
    cluster.assert_whole();
    cluster.specify(SPECIFICATION);
    let _ = cluster.apply();
    // One that is due from its first day would be made anew each time: never before the last third of its life
    cluster.specify(&format!(
        "defaults: {{renew_before: 300d}}\n{SPECIFICATION}"
    ));
    assert!(cluster.due().is_empty());
}

#[test]
fn one_name_alone_and_new_keys_when_asked_for() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("10.0.0.1", "10.0.9.1"));
    let before = cluster.contents();
    let _ = run(cluster
        .command("apply")
        .args(["--only", "etcd-2", "--rekey"]))
    .expect_success();
    let after = cluster.contents();
    let changed: Vec<_> = after
        .keys()
        .filter(|name| before[*name] != after[*name])
        .collect();
    assert_eq!(changed, ["member-etcd-2-key.pem", "member-etcd-2.pem"]);
    assert_eq!(
        cluster.due().keys().collect::<Vec<_>>(),
        ["member-etcd-1.pem"]
    );
    let said = stderr_of(
        &cluster
            .command("apply")
            .args(["--only", "etcd"])
            .output()
            .unwrap(),
        1,
    );
    assert!(said.contains("\"etcd\" is no host and no user"), "{said}");
}

/// What is not there is not named as if it went.
#[test]
fn a_certificate_without_its_key_is_pruned() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("[kube-1]", "[]"));
    let prune = || cluster.command("plan").arg("--prune").output().unwrap();
    let line = || {
        let printed = String::from_utf8(prune().stdout).unwrap();
        let mut lines = printed.lines();
        lines
            .find(|line| line.contains("remove"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        line(),
        "  remove    node-kube-1.pem               and node-kube-1-key.pem"
    );
    fs::remove_file(cluster.file("node-kube-1-key.pem")).unwrap();
    assert_eq!(line(), "  remove    node-kube-1.pem");
    let applied = run(cluster.command("apply").args(["--prune", "--json"])).expect_success();
    let facts: serde_json::Value = serde_json::from_str(applied.stdout()).unwrap();
    assert_eq!(facts["remove"][0]["key"], serde_json::Value::Null);
    assert!(!cluster.file("node-kube-1.pem").exists());
}

#[test]
fn who_is_gone_stays_until_it_is_pruned() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("root, ", ""));
    let plan = cluster.command("plan").output().unwrap();
    let said = stderr_of(&plan, 0);
    assert!(said.contains("client-root.pem is surplus"), "{said}");
    let _ = cluster.apply();
    let secret = fs::read(cluster.file("client-root-key.pem")).unwrap();
    // Somebody else's file, and another authority's, are nobody's surplus
    fs::write(cluster.file("notes.pem"), "mine").unwrap();
    fs::write(
        cluster.file("client-other.pem"),
        include_str!("python/requirements.txt"),
    )
    .unwrap();
    let _ = run(cluster.command("apply").args(["--prune", "--backup"])).expect_success();
    let left = cluster.contents();
    assert!(!left.contains_key("client-root.pem") && !left.contains_key("client-root-key.pem"));
    assert!(left.contains_key("notes.pem") && left.contains_key("client-other.pem"));
    let backups: Vec<_> = left
        .iter()
        .filter(|(name, _)| name.ends_with(".bak"))
        .collect();
    assert_eq!(backups.len(), 2);
    assert!(
        backups
            .iter()
            .any(|(name, contents)| name.starts_with(".client-root-key.pem.")
                && **contents == secret)
    );
    let (name, _) = backups[0];
    assert_eq!(
        cluster.file(name).metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// A clock that is set back makes nothing due, and an authority from its future signs nothing.
#[test]
fn a_clock_that_jumps_back() {
    let cluster = Cluster::applied();
    let yesterday = std::time::SystemTime::now() - Duration::from_secs(86_400);
    let specification = etcd_pki_core::Cluster::from_yaml(SPECIFICATION).unwrap();
    let store = Store::open(cluster.directory(), specification.layout());
    let plan = specification.plan_for(&store, None, yesterday).unwrap();
    assert_eq!(plan.changes().count(), 0);
    let ca = store.authority(None).unwrap();
    let identity = etcd_pki_core::Identity::new("x").unwrap();
    let early = ca.issue_at(etcd_pki_core::Role::Client, identity, yesterday);
    assert!(
        early
            .unwrap_err()
            .to_string()
            .contains("is not valid before")
    );
}
