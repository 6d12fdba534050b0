//! Objects that block a pair are never replaced. The plan reports them, and they block no other
//! pair.
use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt as _, chown, symlink},
        net::UnixListener,
    },
    path::Path,
    process::Command,
};

use etcd_pki_tests::{
    LOCK_FILE, Scratch,
    cluster::Cluster,
    command::etcd_pki_in,
    machines::{Machines, SPECIFICATION},
    run, stderr_of,
};
use serde_json::Value;

/// An object in place of a file, and the messages of plan and apply about it.
struct Obstacle {
    put: fn(&Path),
    planned: &'static str,
    said: &'static str,
}

const OBSTACLES: [Obstacle; 6] = [
    Obstacle {
        put: |path| fs::create_dir(path).unwrap(),
        planned: "no regular file",
        said: "no regular file",
    },
    Obstacle {
        put: |path| drop(run(Command::new("mkfifo").arg(path)).expect_success()),
        planned: "no regular file",
        said: "no regular file",
    },
    Obstacle {
        put: |path| drop(UnixListener::bind(path).unwrap()),
        planned: "no regular file",
        said: "no regular file",
    },
    Obstacle {
        put: |path| symlink("/dev/null", path).unwrap(),
        planned: "no regular file",
        said: "is a symbolic link",
    },
    Obstacle {
        put: |path| symlink("nowhere", path).unwrap(),
        planned: "is a link that leads nowhere",
        said: "is a symbolic link",
    },
    Obstacle {
        put: |path| symlink(path.file_name().unwrap(), path).unwrap(),
        planned: "is a link that leads nowhere",
        said: "is a symbolic link",
    },
];

#[test]
fn what_is_no_file_stays_and_holds_up_no_other_pair() {
    let cluster = Cluster::applied();
    for file in ["client-root.pem", "client-root-key.pem"] {
        for Obstacle { put, planned, said } in OBSTACLES {
            let place = cluster.file(file);
            fs::remove_file(&place).unwrap();
            put(&place);
            let kind = || place.symlink_metadata().unwrap().file_type();
            let before = kind();
            fs::remove_file(cluster.file("node-kube-1.pem")).unwrap();

            let due = cluster.due();
            assert_eq!(due.len(), 2, "{due:?}");
            assert!(due["client-root.pem"].contains(planned), "{due:?}");
            let noted = stderr_of(&cluster.command("plan").output().unwrap(), 0);
            let note = format!(
                "note: {} blocks its pair",
                Path::new("ssl").join(file).display()
            );
            assert!(noted.contains(&note), "{noted}");

            let told = stderr_of(&cluster.command("apply").output().unwrap(), 1);
            assert!(told.contains(said) && told.contains(file), "{told}");
            assert_eq!(kind(), before, "{file}");
            assert!(cluster.file("node-kube-1.pem").is_file());

            let _ = fs::remove_file(&place).or_else(|_| fs::remove_dir(&place));
            let _ = cluster.apply();
            cluster.assert_whole();
        }
    }
}

/// A user who may write in the directory could have any key certified, with a link to it.
#[test]
fn a_key_behind_a_link_is_not_certified() {
    for target in ["../elsewhere/key.pem", "other-key.pem"] {
        let cluster = Cluster::applied();
        let key = cluster.file("client-root-key.pem");
        let moved = cluster.file(target);
        fs::create_dir_all(moved.parent().unwrap()).unwrap();
        fs::rename(&key, &moved).unwrap();
        symlink(target, &key).unwrap();
        // Nothing is due, so nothing is written through the link
        assert!(cluster.due().is_empty());

        fs::remove_file(cluster.file("client-root.pem")).unwrap();
        let due = cluster.due();
        let reason = &due["client-root.pem"];
        assert!(reason.contains("client-root-key.pem is a "), "{reason}");
        let told = stderr_of(&cluster.command("apply").output().unwrap(), 1);
        assert!(
            told.contains("client-root-key.pem is a symbolic link"),
            "{told}"
        );
        assert!(!cluster.file("client-root.pem").exists());
        assert!(key.is_symlink());
    }
}

/// A linked folder is another directory, which does not belong to this one.
#[test]
fn nothing_is_changed_behind_a_linked_folder() {
    let scratch = Scratch::new("linked-folder");
    let specification = "layout: kubeadm\ndirectory: ssl\nmembers: [etcd-1]\n";
    fs::write(scratch.path().join("cluster.yaml"), specification).unwrap();
    let _ = etcd_pki_in(scratch.path(), "apply -f cluster.yaml").expect_success();
    let [folder, away] = ["ssl/etcd", "away"].map(|path| scratch.path().join(path));
    fs::rename(&folder, &away).unwrap();
    symlink("../away", &folder).unwrap();
    let key = away.join("peer.key");
    let damages: [&dyn Fn(); 2] = [
        &|| fs::remove_file(away.join("server.crt")).unwrap(),
        &|| fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap(),
    ];
    for damage in damages {
        damage();
        let told = etcd_pki_in(scratch.path(), "plan -f cluster.yaml").expect_success();
        let told = told.stdout();
        assert!(told.contains("ssl/etcd is a link that leads to"), "{told}");
        let told = etcd_pki_in(scratch.path(), "apply -f cluster.yaml");
        assert_eq!(told.code(), Some(1));
        let told = told.stderr();
        assert!(told.contains("ssl/etcd is a symbolic link"), "{told}");
    }
    assert!(!away.join("server.crt").exists());
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o644);
}

/// If keys stay on their hosts, the other pairs of a host get their keys, requests and
/// certificates.
#[test]
fn what_is_no_file_on_a_host_holds_up_no_other_pair() {
    let machines = Machines::installed(SPECIFICATION);
    let other = machines.path("etcd-1/admin-etcd-1.pem");
    for file in ["member-etcd-1.pem", "member-etcd-1-key.pem"] {
        for Obstacle { put, planned, said } in OBSTACLES {
            let place = machines.path("etcd-1").join(file);
            fs::remove_file(&place).unwrap();
            put(&place);
            let kind = || place.symlink_metadata().unwrap().file_type();
            let before = kind();
            // Its certificate is in the exchange directory, and is installed from there
            fs::remove_file(&other).unwrap();

            let output = machines.command("plan", "etcd-1").output().unwrap();
            let plan = String::from_utf8(output.stdout.clone()).unwrap();
            assert!(plan.contains(planned), "{plan}");
            assert_eq!(plan.lines().count(), 4, "{plan}");
            let note = format!("note: etcd-1/{file} blocks its pair");
            let noted = stderr_of(&output, 0);
            assert!(noted.contains(&note), "{noted}");

            told_on_host(&machines, &format!("etcd-1/{file}"), said);
            assert_eq!(kind(), before, "{file}");
            assert!(other.is_file());

            let _ = fs::remove_file(&place).or_else(|_| fs::remove_dir(&place));
            machines.round();
            machines.assert_whole();
        }
    }
}

/// The same for files that are not part of a pair yet: a request, and a waiting key.
#[test]
fn what_is_no_file_where_a_request_would_be() {
    let machines = Machines::new(SPECIFICATION);
    for Obstacle { put, said, .. } in OBSTACLES {
        let place = machines.path("travel/etcd-1/member-etcd-1.csr");
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        put(&place);
        told_on_host(&machines, "travel/etcd-1/member-etcd-1.csr", said);
        let other = machines.path("travel/etcd-1/admin-etcd-1.csr");
        fs::remove_file(&other).unwrap();
        fs::remove_file(&place)
            .or_else(|_| fs::remove_dir(&place))
            .unwrap();
    }
    machines.round();
    machines.assert_whole();

    machines.specify(&SPECIFICATION.replace("{validity", "{algorithm: ed25519, validity"));
    let place = machines.path("etcd-1/.member-etcd-1-key.pem.next");
    fs::create_dir(&place).unwrap();
    told_on_host(
        &machines,
        place.file_name().unwrap().to_str().unwrap(),
        "no regular file",
    );
    assert!(machines.path("etcd-1/.admin-etcd-1-key.pem.next").is_file());
    fs::remove_dir(&place).unwrap();
    machines.round();
    machines.assert_whole();
}

/// Checks the messages of an apply on a host that does all but one of its changes.
fn told_on_host(machines: &Machines, file: &str, said: &str) {
    let output = machines.command("apply", "etcd-1").output().unwrap();
    let told = stderr_of(&output, 1);
    assert!(told.contains(said) && told.contains(file), "{told}");
    let done = String::from_utf8(output.stdout).unwrap();
    assert!(done.contains("1 of 2 changes done"), "{done}");
}

/// An unreadable file may contain a good key, so it is not replaced.
#[test]
fn what_may_not_be_read_stays() {
    let cluster = Cluster::applied();
    let as_nobody = cluster.given_to_nobody();
    let key = cluster.file("client-root-key.pem");
    let certificate = cluster.file("client-backup.pem");
    for path in [&key, &certificate] {
        chown(path, Some(0), Some(0)).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }
    let before = cluster.contents();

    let planned = as_nobody(&["plan", "--json"]);
    let plan: Value = serde_json::from_slice(&planned.stdout).unwrap();
    let reasons: Vec<&str> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["reasons"][0]["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        [
            "cannot read ssl/client-root-key.pem: Permission denied (os error 13)",
            "cannot read ssl/client-backup.pem: Permission denied (os error 13)",
        ]
    );
    let told = stderr_of(&as_nobody(&["apply"]), 1);
    assert!(
        told.contains("cannot read ssl/client-root-key.pem: Permission denied"),
        "{told}"
    );
    assert!(told.contains("hint: run it as the files' owner"), "{told}");
    assert_eq!(cluster.contents(), before);
    cluster.assert_whole();

    // A CA key that the user may not read is not damaged
    let ca = cluster.file("ca-key.pem");
    chown(&ca, Some(0), Some(0)).unwrap();
    let told = stderr_of(&as_nobody(&["plan"]), 1);
    assert_eq!(
        told,
        "etcd-pki: cannot read ssl/ca-key.pem: Permission denied (os error 13)\n\
         hint: run it as the files' owner, or with sudo\n"
    );
}

/// An object in place of the lock file has a separate hint.
#[test]
fn what_is_no_lock_file() {
    let put: [fn(&Path); 3] = [
        |lock| fs::hard_link(lock.with_file_name("cluster.yaml"), lock).unwrap(),
        |lock| symlink("elsewhere", lock).unwrap(),
        |lock| fs::create_dir(lock).unwrap(),
    ];
    for put in put {
        let cluster = Cluster::applied();
        fs::remove_file(cluster.file("client-root.pem")).unwrap();
        let lock = cluster.file(LOCK_FILE);
        fs::remove_file(&lock).unwrap();
        fs::write(lock.with_file_name("cluster.yaml"), "").unwrap();
        put(&lock);
        let printed = stderr_of(&cluster.command("apply").output().unwrap(), 1);
        assert!(
            printed.contains("remove it while no etcd-pki runs"),
            "{printed}"
        );
        assert!(!printed.contains("--rekey"), "{printed}");
        let _ = fs::remove_file(&lock).or_else(|_| fs::remove_dir(&lock));
        let _ = cluster.apply();
    }
}
