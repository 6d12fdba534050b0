//! `adopt` on directories of other users: new files belong to the same users.
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::Path,
    process::Command,
};

use etcd_pki_tests::{adopted::Adopted, cluster::Cluster, kubespray::Kubespray, run};

const NOBODY: u32 = 65_534;
/// A user and group ID that no account on this host has
const STRANGER: u32 = 3_999_999_999;

/// Gives all files of a directory this owner and group, and these modes for certificates and keys.
fn give(directory: &Path, (owner, group): (u32, u32), (certificate_mode, key_mode): (u32, u32)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_key = path.to_string_lossy().ends_with("-key.pem");
        let mode = if is_key { key_mode } else { certificate_mode };
        chown(&path, Some(owner), Some(group)).unwrap();
        set_mode(&path, mode);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn attributes(path: &Path) -> (u32, u32, u32) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.uid(), metadata.gid(), metadata.mode() & 0o777)
}

/// The `files` section of a specification.
fn files(adopted: &Adopted) -> String {
    let found = adopted.specification.split_once("files:\n");
    found.map_or("", |(_, files)| files).to_owned()
}

/// The notes about a CA key that belongs to this user.
fn ca_key_notes(owner: u32) -> Vec<String> {
    let name = match owner {
        0 => return Vec::new(),
        NOBODY => "nobody".to_owned(),
        owner => owner.to_string(),
    };
    vec![format!(
        "ca-key.pem: belongs to {name}, who can sign certificates: chown the key to root, or keep it on another machine"
    )]
}

/// The same text with the name that this host uses for the group `nogroup` of Debian.
fn on_this_host(text: &str) -> String {
    let known = run(Command::new("getent").args(["group", &NOBODY.to_string()])).expect_success();
    let name = known.stdout().split(':').next().unwrap();
    text.replace("nogroup", name)
}

#[test]
fn what_is_made_is_as_what_is_there() {
    for (account, modes, expected) in [
        ((0, 0), (0o644, 0o600), ""),
        (
            (NOBODY, NOBODY),
            (0o644, 0o600),
            "  owner: nobody\n  group: nogroup\n",
        ),
        ((NOBODY, 0), (0o644, 0o600), "  owner: nobody\n"),
        (
            (0, NOBODY),
            (0o640, 0o640),
            "  group: nogroup\n  key_mode: \"0640\"\n  certificate_mode: \"0640\"\n  ca:\n    group: nogroup\n    key_mode: \"0640\"\n",
        ),
        (
            (STRANGER, STRANGER),
            (0o444, 0o400),
            "  owner: \"3999999999\"\n  group: \"3999999999\"\n  key_mode: \"0400\"\n  certificate_mode: \"0444\"\n",
        ),
        // The modes that Kubespray sets. A specification cannot express them
        ((NOBODY, 0), (0o700, 0o700), "  owner: nobody\n"),
    ] {
        let cluster = Cluster::applied();
        give(&cluster.directory(), account, modes);
        let adopted = Adopted::of(&cluster.directory());
        assert_eq!(
            files(&adopted),
            on_this_host(expected),
            "{account:?} {modes:?}"
        );
        assert_eq!(adopted.notes, ca_key_notes(account.0));
        adopted.assert_due(&[]);

        // One more node, and nothing else has changed
        let before = fs::metadata(cluster.file("ca.pem")).unwrap().ctime_nsec();
        adopted.specify(
            &adopted
                .specification
                .replace("  - kube-1\n", "  - kube-1\n  - kube-9\n"),
        );
        let report = adopted.json("apply");
        assert_eq!(report["created"], 1);
        let made = |name: &str| attributes(&cluster.file(name));
        let executes = 0o111;
        assert_eq!(
            made("node-kube-9-key.pem"),
            (account.0, account.1, modes.1 & !executes)
        );
        if modes.0 & executes == 0 {
            assert_eq!(made("node-kube-9.pem"), (account.0, account.1, modes.0));
        }
        assert_eq!(
            fs::metadata(cluster.file("ca.pem")).unwrap().ctime_nsec(),
            before
        );
        adopted.assert_due(&[]);
    }
}

#[test]
fn a_mode_that_is_a_fault_is_not_taken_over() {
    let cluster = Cluster::applied();
    give(&cluster.directory(), (0, 0), (0o666, 0o644));
    let adopted = Adopted::of(&cluster.directory());
    assert_eq!(files(&adopted), "");
    assert_eq!(adopted.due().len(), etcd_pki_tests::cluster::PAIRS);

    // One file with another mode does not prevent that the mode of the others is adopted
    give(&cluster.directory(), (0, 0), (0o644, 0o640));
    set_mode(&cluster.file("client-root-key.pem"), 0o644);
    let adopted = Adopted::of(&cluster.directory());
    let expected = "  key_mode: \"0640\"\n  ca:\n    key_mode: \"0640\"\n";
    assert_eq!(files(&adopted), expected);
    adopted.assert_due(&[(
        "client-root.pem",
        "chmod: client-root-key.pem has mode 0644, should be 0640: everyone can read it",
    )]);
}

#[test]
fn what_is_not_the_same_everywhere_is_told() {
    let cluster = Cluster::applied();
    give(&cluster.directory(), (NOBODY, NOBODY), (0o640, 0o640));
    // If the specification names no owner, keys may have the owner of the directory
    chown(cluster.directory(), Some(NOBODY), None).unwrap();
    chown(cluster.file("client-root.pem"), Some(0), None).unwrap();
    let adopted = Adopted::of(&cluster.directory());
    assert_eq!(files(&adopted), "");
    let other = on_this_host(
        "client-root.pem: is of root:nogroup, most files of nobody:nogroup: new ones will belong to the user that runs apply, unless `files` sets an owner",
    );
    assert_eq!(adopted.notes, [&*ca_key_notes(NOBODY), &[other]].concat());
    adopted.assert_due(&[]);

    give(&cluster.directory(), (NOBODY, NOBODY), (0o644, 0o640));
    set_mode(&cluster.file("client-root-key.pem"), 0o600);
    let adopted = Adopted::of(&cluster.directory());
    assert_eq!(
        files(&adopted),
        on_this_host("  owner: nobody\n  group: nogroup\n")
    );
    let key = "member-etcd-1-key.pem: has mode 0640: a new key will have 0600, unless `files` sets a mode";
    assert_eq!(
        adopted.notes,
        [&*ca_key_notes(NOBODY), &[key.to_owned()]].concat()
    );
    adopted.assert_due(&[]);
}

/// The owner of a file that a link leads to does not matter.
#[test]
fn links_do_not_count() {
    let cluster = Cluster::applied();
    give(&cluster.directory(), (NOBODY, NOBODY), (0o644, 0o600));
    let (key, elsewhere) = (cluster.file("ca-key.pem"), cluster.path().join("elsewhere"));
    fs::copy(&key, &elsewhere).unwrap();
    set_mode(&elsewhere, 0o600);
    fs::remove_file(&key).unwrap();
    symlink(elsewhere, key).unwrap();
    let adopted = Adopted::of(&cluster.directory());
    assert_eq!(
        files(&adopted),
        on_this_host("  owner: nobody\n  group: nogroup\n")
    );
    assert!(adopted.notes.is_empty(), "{:?}", adopted.notes);
}

/// Kubespray's play gives the files of its script to the user etcd, with the mode of their
/// directory.
#[test]
fn a_kubespray_directory_of_etcds() {
    let kubespray = Kubespray::create(&["node1"], &["node1"]);
    give(kubespray.path(), (NOBODY, 0), (0o700, 0o700));
    let adopted = Adopted::of(kubespray.path());
    assert_eq!(files(&adopted), "  owner: nobody\n");
    assert_eq!(adopted.notes, ca_key_notes(NOBODY));
    adopted.assert_due(&[(
        "ca.pem",
        "renew: the CA has no keyUsage; ca-key.pem belongs to nobody, who can sign certificates",
    )]);
    adopted.assert_mended(&["ca.pem"]);
}
