//! Plans and the file system: links, full disks, missing directories, files of other users.
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    process::Command,
};

use etcd_pki_core::{
    Error, Store,
    plan::{Action, ApplyOptions, PlanOptions, Report, Step},
};
use etcd_pki_tests::{
    cluster::{Cluster, PAIRS, SPECIFICATION},
    command::etcd_pki,
    stderr_of,
};
use serde_json::Value;

#[test]
fn never_through_a_symbolic_link() {
    let cluster = Cluster::applied();
    let outside = cluster.path().join("outside");
    // A link is kept if its target matches, such as Kubespray's links
    fs::rename(cluster.file("node-kube-1.pem"), &outside).unwrap();
    symlink(&outside, cluster.file("node-kube-1.pem")).unwrap();
    assert!(cluster.due().is_empty());
    fs::write(&outside, "precious").unwrap();
    let said = stderr_of(&cluster.command("apply").output().unwrap(), 1);
    assert!(said.contains("symbolic link"), "{said}");
    assert_eq!(fs::read(&outside).unwrap(), b"precious");
}

#[test]
fn hard_links_are_named() {
    let cluster = Cluster::applied();
    fs::hard_link(
        cluster.file("node-kube-1.pem"),
        cluster.path().join("cert.crt"),
    )
    .unwrap();
    cluster.specify(&SPECIFICATION.replace("[kube-1]", "[{name: kube-1, organization: hosts}]"));
    let output = cluster.command("apply").output().unwrap();
    let said = stderr_of(&output, 0);
    assert!(said.contains("node-kube-1.pem has further names"), "{said}");
}

#[test]
fn a_full_disk_changes_nothing_that_was_there() {
    let cluster = Cluster::applied();
    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    let before = cluster.contents();
    let output = Command::new("sh")
        .current_dir(cluster.path())
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 0; exec \"$0\" apply -f cluster.yaml",
        ])
        .arg(etcd_pki())
        .output()
        .unwrap();
    let _ = stderr_of(&output, 1);
    assert_eq!(cluster.contents(), before);
    cluster.assert_mended(&["client-root.pem"]);
}

/// A file system that fills up during the run: written files are complete, and with more space the
/// next run finishes.
#[test]
fn a_small_file_system() {
    let cluster = Cluster::new(SPECIFICATION);
    fs::create_dir(cluster.directory()).unwrap();
    // A separate mount, which ends with the shell
    let script = "\
        mount -t tmpfs -o size=40k,mode=0700 tmpfs ssl || exit 90
        \"$0\" apply -f cluster.yaml && exit 91
        for file in ssl/*.pem; do tail -c 6 \"$file\" | grep -q -- ----- || exit 92; done
        cksum ssl/ca-key.pem > before
        mount -o remount,size=1m ssl || exit 93
        \"$0\" apply -f cluster.yaml || exit 94
        cksum ssl/ca-key.pem | cmp - before || exit 95
        \"$0\" plan -f cluster.yaml --check || exit 96
        cp -a ssl whole";
    let output = Command::new("unshare")
        .current_dir(cluster.path())
        .args(["--mount", "sh", "-c", script])
        .arg(etcd_pki())
        .output()
        .unwrap();
    let said = stderr_of(&output, 0);
    assert!(said.contains("No space left on device"), "{said}");
    fs::remove_dir(cluster.directory()).unwrap();
    fs::rename(cluster.path().join("whole"), cluster.directory()).unwrap();
    cluster.assert_whole();
}

/// The system allows that the new key is renamed into place, and then refuses the certificate: the
/// old key is restored.
#[test]
fn a_pair_of_which_one_file_cannot_be_replaced() {
    let cluster = Cluster::applied();
    let before = cluster.contents();
    // The system does not rename over a mount point
    let script = "\
        cp -p ssl/client-root.pem mounted
        mount --bind mounted ssl/client-root.pem || exit 90
        exec \"$0\" apply -f cluster.yaml --rekey --only root";
    cluster.specify(&SPECIFICATION.replace("root, ", "{name: root, organization: operators}, "));
    let output = Command::new("unshare")
        .current_dir(cluster.path())
        .args(["--mount", "sh", "-c", script])
        .arg(etcd_pki())
        .output()
        .unwrap();
    let said = stderr_of(&output, 1);
    assert!(said.contains("cannot write ssl/client-root.pem"), "{said}");
    assert_eq!(cluster.contents(), before);
    cluster.specify(SPECIFICATION);
    cluster.assert_whole();
}

#[test]
fn a_directory_that_may_not_be_written_to() {
    let cluster = Cluster::new(SPECIFICATION);
    // /proc allows no new directories, even for root
    let output = cluster
        .command("apply")
        .args(["-d", "/proc/ssl"])
        .output()
        .unwrap();
    let said = stderr_of(&output, 1);
    assert!(said.contains("/proc/ssl"), "{said}");
}

/// A user who may read everything and write nothing gets a plan. `apply` starts nothing that it
/// cannot finish.
#[test]
fn a_directory_that_others_may_only_read() {
    let cluster = Cluster::applied();
    for due in ["client-root.pem", "node-kube-1-key.pem"] {
        fs::remove_file(cluster.file(due)).unwrap();
    }
    let as_nobody = cluster.given_to_nobody();
    chown(cluster.directory(), Some(0), Some(0)).unwrap();
    fs::set_permissions(cluster.directory(), Permissions::from_mode(0o755)).unwrap();
    let before = cluster.contents();

    let planned = as_nobody(&["plan", "--json"]);
    let _ = stderr_of(&planned, 0);
    let plan: Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!(plan["changes"].as_array().unwrap().len(), 2, "{plan}");
    let _ = stderr_of(&as_nobody(&["plan", "--check"]), 3);
    let applied = as_nobody(&["apply"]);
    let said = stderr_of(&applied, 1);
    assert!(said.contains("Permission denied"), "{said}");
    assert!(said.contains("hint: run it as the files' owner"), "{said}");
    // Nothing was done before that, so nothing is reported as done
    assert_eq!(String::from_utf8_lossy(&applied.stdout), "");
    assert_eq!(cluster.contents(), before);

    chown(cluster.directory(), Some(65_534), Some(65_534)).unwrap();
    let _ = stderr_of(&as_nobody(&["apply"]), 0);
    cluster.assert_whole();
}

#[test]
fn a_directory_that_is_a_link_to_nowhere() {
    let cluster = Cluster::new(SPECIFICATION);
    symlink("nowhere", cluster.directory()).unwrap();
    let said = stderr_of(&cluster.command("apply").output().unwrap(), 1);
    let told = "cannot use the directory ssl: it is a link that leads nowhere";
    assert!(said.contains(told), "{said}");
    assert!(cluster.directory().is_symlink());
    fs::create_dir(cluster.path().join("nowhere")).unwrap();
    let _ = cluster.apply();
    cluster.assert_whole();
}

#[test]
fn a_directory_that_vanishes() {
    let cluster = Cluster::applied();
    fs::remove_dir_all(cluster.directory()).unwrap();
    assert_eq!(cluster.apply()["created"], PAIRS);
    cluster.assert_whole();
}

/// Nothing is created in place of a directory that has vanished: the certificates would be of a CA
/// that has vanished too.
#[test]
fn a_directory_that_vanishes_in_the_middle() {
    let cluster = Cluster::new(SPECIFICATION);
    let gone = cluster.path().join("gone");
    let specification = etcd_pki_core::Cluster::from_yaml(SPECIFICATION).unwrap();
    let store = Store::new(cluster.directory(), specification.layout());
    let plan = specification.plan(&store).unwrap();
    let vanish = |done, _| {
        if done == 1 {
            fs::rename(cluster.directory(), &gone).unwrap();
        }
    };
    let report = plan.apply_with(&ApplyOptions::new().with_progress(&vanish));
    let error = report.unwrap().into_result().unwrap_err();
    assert!(
        matches!(&error, Error::DirectoryGone { path } if *path == cluster.directory()),
        "{error}"
    );
    assert!(!cluster.directory().exists());
    fs::rename(&gone, cluster.directory()).unwrap();
    let _ = cluster.apply();
    cluster.assert_whole();
}

/// Nothing is removed from a directory that another user put in its place.
#[test]
fn another_directory_in_its_place() {
    let cluster = Cluster::applied();
    let other = Cluster::applied();
    let fewer = SPECIFICATION.replace("root, ", "");
    let specification = etcd_pki_core::Cluster::from_yaml(&fewer).unwrap();
    let store = Store::new(cluster.directory(), specification.layout());
    let plan = specification
        .plan_with(&store, &PlanOptions::new().with_prune())
        .unwrap();
    let removed = |step: &&Step| step.action() == Action::Remove;
    assert_eq!(plan.steps().iter().filter(removed).count(), 1);
    fs::rename(cluster.directory(), cluster.path().join("gone")).unwrap();
    fs::rename(other.directory(), cluster.directory()).unwrap();
    let before = cluster.contents();
    let error = plan.apply().and_then(Report::into_result).unwrap_err();
    assert!(matches!(error, Error::FileChanged { .. }), "{error}");
    assert_eq!(cluster.contents(), before);
}

/// Temporary files that an interrupted run left in a folder of the directory are removed with the
/// next change there. They alone are no change.
#[test]
fn what_was_left_behind_in_a_folder() {
    let text = "directory: ssl\nlayout: kubeadm\nmembers: [etcd-1]\n";
    let cluster = Cluster::new(text);
    let _ = cluster.apply();
    let specification = etcd_pki_core::Cluster::from_yaml(text).unwrap();
    let store = Store::new(cluster.directory(), specification.layout());
    let left = cluster.file("etcd/.etcd-pki-x.tmp");
    fs::hard_link(cluster.file("etcd/server.key"), &left).unwrap();
    fs::remove_file(cluster.file("etcd/server.crt")).unwrap();
    let plan = specification.plan(&store).unwrap();
    let report = plan.apply().unwrap().into_result().unwrap();
    assert_eq!(report.count(Action::Renew), 1);
    assert!(!left.exists());
}

/// Files keep their owner, and the specification can set another one.
#[test]
fn files_of_another_user() {
    let cluster = Cluster::applied();
    let owner = |name: &str| {
        let metadata = cluster.file(name).metadata().unwrap();
        (metadata.uid(), metadata.gid())
    };
    chown(cluster.file("client-root.pem"), Some(65_534), Some(65_534)).unwrap();
    cluster.specify(&SPECIFICATION.replace("root, ", "{name: root, organization: operators}, "));
    let _ = cluster.apply();
    assert_eq!(owner("client-root.pem"), (65_534, 65_534));

    cluster.specify(&format!(
        "{SPECIFICATION}files: {{owner: nobody, group: nogroup, key_mode: '0640'}}\n"
    ));
    let due = cluster.due();
    assert_eq!(due.len(), PAIRS, "{due:?}");
    let _ = cluster.apply();
    for name in cluster.contents().keys() {
        // The CA's key does not get the owner of the other files
        let expected = if name == "ca-key.pem" { 0 } else { 65_534 };
        assert_eq!(owner(name), (expected, expected), "{name}");
    }
    assert_eq!(
        cluster
            .file("client-root-key.pem")
            .metadata()
            .unwrap()
            .mode()
            & 0o777,
        0o640
    );
    cluster.assert_whole();
    cluster.specify(&format!(
        "{SPECIFICATION}files: {{owner: nobody-of-this-name}}\n"
    ));
    let said = stderr_of(&cluster.command("plan").output().unwrap(), 1);
    assert!(said.contains("is no user of this host"), "{said}");
}
