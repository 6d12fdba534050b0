//! An exchange directory that an attacker can write to: a fault in the folder of one host is
//! refused there, and blocks no other host.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{PermissionsExt as _, chown, symlink},
        net::UnixListener,
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use etcd_pki_core::{
    Cluster, Store,
    plan::{Action, Outcome, PlanOptions},
};
use etcd_pki_tests::{
    LOCK_FILE,
    command::etcd_pki,
    machines::{Machines, SPECIFICATION},
    run,
};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, mkdirat, openat};
use serde_json::Value;

const NOBODY: u32 = 65534;

/// Creates something at a path.
type Make = fn(&Path);

/// Objects that an attacker may put in place of a file or a folder.
const KINDS: [(&str, Make); 8] = [
    ("a directory", |path| fs::create_dir(path).unwrap()),
    ("a FIFO", |path| {
        let _ = run(Command::new("mkfifo").arg(path)).expect_success();
    }),
    // The socket file stays when its listener is dropped
    ("a socket", |path| {
        // The path of a socket has at most 108 bytes
        let short = tempfile_name();
        drop(UnixListener::bind(&short).unwrap());
        fs::rename(short, path).unwrap();
    }),
    ("a device", |path| {
        let mut mknod = Command::new("mknod");
        let _ = run(mknod.arg(path).args(["c", "1", "5"])).expect_success();
    }),
    ("a link to a file", |path| {
        fs::write(path.with_file_name("target"), "precious").unwrap();
        symlink("target", path).unwrap();
    }),
    ("a link that leads nowhere", |path| {
        symlink("nowhere", path).unwrap()
    }),
    ("a file of 64 MiB", |path| {
        fs::File::create(path)
            .unwrap()
            .set_len(64 * 1024 * 1024)
            .unwrap();
    }),
    ("a file that is no text", |path| {
        fs::write(path, b"\xff\xfe\x00junk").unwrap()
    }),
];

/// Returns a short path on the same file system as the folders of the tests.
fn tempfile_name() -> PathBuf {
    let folder = etcd_pki().parent().unwrap();
    let name = format!("s{:?}", thread::current().id());
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let path = folder.join(name);
    let _ = fs::remove_file(&path);
    path
}

/// Removes the object at a path.
fn clear(path: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir_all(path);
}

/// The machines after both hosts have requested their certificates.
fn requested() -> Machines {
    let machines = Machines::new(SPECIFICATION);
    for host in ["etcd-1", "etcd-2"] {
        let _ = machines.quietly(host);
    }
    machines
}

/// Runs a command, and fails if it waits for something. Returns the exit code, the document and the
/// standard error.
fn outcome(command: &mut Command) -> (i32, Value, String) {
    let mut limited = Command::new("timeout");
    limited.current_dir(command.get_current_dir().unwrap());
    limited
        .arg("60")
        .arg(command.get_program())
        .args(command.get_args());
    let output = limited.arg("--json").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let facts = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{stderr}"));
    (output.status.code().unwrap(), facts, stderr)
}

fn refused(facts: &Value) -> Vec<String> {
    let refused = facts["refused"].as_array().unwrap().iter();
    refused
        .map(|one| one["file"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_folder_that_is_none_stops_no_other_host() {
    for (what, make) in KINDS {
        if what == "a directory" {
            continue;
        }
        let machines = requested();
        let folder = machines.path("travel/etcd-2");
        clear(&folder);
        make(&folder);
        for (verb, code) in [("plan", 1), ("apply", 1)] {
            let (found, facts, stderr) = outcome(&mut machines.command(verb, "ca"));
            assert_eq!(found, code, "{what}: {stderr}");
            assert_eq!(refused(&facts), ["travel/etcd-2"], "{what}: {stderr}");
            assert!(
                stderr.contains("refused: travel/etcd-2: it is "),
                "{what}: {stderr}"
            );
        }
        assert!(
            machines.path("travel/etcd-1/member-etcd-1.pem").exists(),
            "{what}"
        );
    }
}

#[test]
fn a_file_that_is_none_stops_no_other_host() {
    for file in [
        "member-etcd-2.csr",
        "member-etcd-2.pem",
        "ca.pem",
        "stray.csr",
    ] {
        for (what, make) in KINDS {
            let machines = requested();
            let path = machines.path("travel/etcd-2").join(file);
            clear(&path);
            make(&path);
            let (code, facts, stderr) = outcome(&mut machines.command("apply", "ca"));
            let signed = facts["done"]["signed"].as_u64().unwrap();
            assert!(
                machines.path("travel/etcd-1/member-etcd-1.pem").exists(),
                "{file}: {what}: {stderr}"
            );
            // A regular file is replaced even if it is too large or damaged, unless it is a
            // request. Other objects are never replaced
            let is_file = what.starts_with("a file");
            match file {
                // A directory may have this name
                "stray.csr" if what == "a directory" => assert_eq!((code, signed), (0, 5)),
                "stray.csr" => assert_eq!((code, signed), (1, 5), "{what}: {stderr}"),
                "member-etcd-2.csr" => assert_eq!((code, signed), (1, 4), "{what}: {stderr}"),
                _ if is_file => assert_eq!((code, signed), (0, 5), "{file}: {what}: {stderr}"),
                "ca.pem" => assert_eq!((code, signed), (1, 5), "{what}: {stderr}"),
                _ => assert_eq!((code, signed), (1, 4), "{what}: {stderr}"),
            }
            if code == 1 {
                assert!(
                    refused(&facts)
                        .iter()
                        .all(|one| one.starts_with("travel/etcd-2/")),
                    "{stderr}"
                );
            }
            let target = path.with_file_name("target");
            assert!(!target.exists() || fs::read(target).unwrap() == b"precious");
        }
    }
}

/// The same on a host: a fault of one file does not affect the others.
#[test]
fn a_file_that_is_none_stops_no_other_pair_of_its_host() {
    for file in [
        "member-etcd-1.pem",
        "member-etcd-1.csr",
        "ca.pem",
        "ca-link.pem",
    ] {
        for (what, make) in KINDS {
            let machines = requested();
            let _ = machines.quietly("ca");
            let path = machines.path("travel/etcd-1").join(file);
            fs::copy(machines.path("ca/ca.pem"), machines.path("etcd-1/ca.pem")).unwrap();
            clear(&path);
            make(&path);
            let (code, facts, stderr) = outcome(&mut machines.command("apply", "etcd-1"));
            assert!(
                machines.path("etcd-1/admin-etcd-1.pem").exists(),
                "{file}: {what}: {stderr}"
            );
            let installed = facts["done"]["installed"].as_u64().unwrap();
            let expected = match file {
                "member-etcd-1.pem" => (1, 1),
                "ca.pem" => (1, 2),
                // Its certificate has arrived, so it is not read
                _ => (0, 2),
            };
            assert_eq!((code, installed), expected, "{file}: {what}: {stderr}");
        }
    }
}

#[test]
fn a_folder_of_a_host_that_is_none_is_left_as_it_is() {
    for (what, make) in KINDS {
        if what == "a directory" {
            continue;
        }
        let machines = requested();
        let _ = machines.quietly("ca");
        let folder = machines.path("travel/etcd-1");
        clear(&folder);
        make(&folder);
        let before = machines.files("etcd-1");
        let (code, _, stderr) = outcome(&mut machines.command("apply", "etcd-1"));
        assert_eq!(code, 1, "{what}: {stderr}");
        assert!(stderr.contains("travel/etcd-1"), "{what}: {stderr}");
        assert_eq!(machines.files("etcd-1"), before);
    }
}

#[test]
fn names_that_are_no_text_are_shown_and_harmless() {
    let machines = requested();
    let odd = OsStr::from_bytes(b"odd-\xff\x1b[2J.csr");
    fs::write(machines.path("travel/etcd-2").join(odd), "junk").unwrap();
    let folder = machines
        .path("travel")
        .join(OsStr::from_bytes(b"etcd-\xff"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("member.csr"), "junk").unwrap();
    let (code, facts, stderr) = outcome(&mut machines.command("apply", "ca"));
    assert_eq!(
        (code, facts["done"]["signed"].as_u64()),
        (1, Some(5)),
        "{stderr}"
    );
    assert_eq!(refused(&facts).len(), 2, "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
}

#[test]
fn what_cannot_be_listed_is_refused_alone() {
    let machines = requested();
    // Deeper than a path can be long
    let name = "d".repeat(200);
    let mut at = fs::File::open(machines.path("travel/etcd-2")).unwrap();
    for _ in 0..30 {
        mkdirat(&at, &name, Mode::RWXU).unwrap();
        let below = openat(&at, &name, OFlags::DIRECTORY, Mode::empty());
        at = below.unwrap().into();
    }
    for number in 0..150 {
        fs::write(
            machines.path(&format!("travel/etcd-2/stray-{number}.csr")),
            "junk",
        )
        .unwrap();
    }
    let (code, facts, stderr) = outcome(&mut machines.command("apply", "ca"));
    assert_eq!(
        (code, facts["done"]["signed"].as_u64()),
        (1, Some(5)),
        "{stderr}"
    );
    assert!(stderr.contains("directories deep"), "{stderr}");
    assert!(
        stderr.contains("it has 50 more requests of that kind"),
        "{stderr}"
    );
    let removed = Command::new("rm")
        .arg("-rf")
        .arg(machines.path("travel/etcd-2").join(name))
        .status();
    assert!(removed.unwrap().success());
}

/// The CA's machine works as a user who may not read everything.
#[test]
fn what_is_closed_to_this_user_is_refused_alone() {
    // The whole folder, a folder in it, a request
    for (closed, signed) in [("", 2), ("closed", 5), ("member-etcd-2.csr", 4)] {
        let machines = requested();
        let program = machines.path("etcd-pki");
        let _ = run(Command::new("cp").arg(etcd_pki()).arg(&program)).expect_success();
        let path = machines.path("travel/etcd-2").join(closed);
        if closed == "closed" {
            fs::create_dir(&path).unwrap();
        }
        let given = Command::new("chown")
            .args(["-R", "65534:65534"])
            .arg(machines.path(""))
            .status();
        assert!(given.unwrap().success());
        chown(&path, Some(NOBODY), None).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        let mut command = Command::new(&program);
        command
            .current_dir(machines.path(""))
            .args([
                "apply",
                "-f",
                "cluster.yaml",
                "--requests",
                "travel",
                "-d",
                "ca",
                "--json",
            ])
            .uid(NOBODY)
            .gid(NOBODY);
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let facts: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{stderr}"));
        assert_eq!(output.status.code(), Some(1), "{closed}: {stderr}");
        assert_eq!(facts["done"]["signed"], signed, "{closed}: {stderr}");
        assert!(stderr.contains("Permission denied"), "{closed}: {stderr}");
        assert_eq!(refused(&facts).len(), 1, "{closed}: {stderr}");
    }
}

/// A folder that changes between planning and applying causes one failure.
#[test]
fn a_folder_that_is_changed_meanwhile_stops_no_other_host() {
    let machines = requested();
    let cluster = Cluster::from_yaml(SPECIFICATION).unwrap();
    let store = Store::new(machines.path("ca"), cluster.layout());
    let options = PlanOptions::new().with_exchange(machines.path("travel"));
    let plan = cluster.plan_with(&store, &options).unwrap();
    fs::write(machines.path("travel/etcd-2/member-etcd-2.pem"), "new").unwrap();
    symlink("nowhere", machines.path("travel/etcd-2/ca.pem")).unwrap();
    let report = plan.apply().unwrap();
    let failed: Vec<_> = report.failures().map(|one| one.path()).collect();
    assert!(
        failed
            .iter()
            .all(|path| path.starts_with(machines.path("travel/etcd-2"))),
        "{failed:?}"
    );
    assert_eq!(failed.len(), 2);
    assert!(machines.path("travel/etcd-1/member-etcd-1.pem").exists());
    let signed = report
        .steps()
        .filter(|one| one.step().action() == Action::Sign);
    let signed = signed
        .filter(|one| matches!(one.outcome(), Outcome::Done))
        .count();
    assert_eq!(signed, 4);
}

/// An attacker who may rename in the exchange directory replaces a folder with a link, while the
/// process waits for the lock of its own directory.
#[test]
fn a_folder_that_is_swapped_for_a_link_redirects_nothing() {
    for machine in ["etcd-1", "ca"] {
        let machines = requested();
        if machine == "ca" {
            fs::create_dir_all(machines.path("ca")).unwrap();
        } else {
            // A change is due there
            machines.specify(&SPECIFICATION.replace("10.0.0.11", "10.0.0.99"));
        }
        let victim = machines.path("victim");
        fs::create_dir(&victim).unwrap();
        for name in ["member-etcd-1.csr", "member-etcd-1.pem", "ca.pem"] {
            fs::write(victim.join(name), "precious").unwrap();
        }
        let before = machines.files("victim");
        let lock = machines.path(machine).join(LOCK_FILE);
        let lock = fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(lock)
            .unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        let mut command = machines.command("apply", machine);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(700));
        fs::rename(
            machines.path("travel/etcd-1"),
            machines.path("travel/.etcd-1"),
        )
        .unwrap();
        symlink("../victim", machines.path("travel/etcd-1")).unwrap();
        flock(&lock, FlockOperation::Unlock).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{machine}: {stderr}");
        assert!(stderr.contains("symbolic link"), "{machine}: {stderr}");
        assert_eq!(machines.files("victim"), before, "{machine}");
        // The other host gets its certificates nevertheless
        assert!(machine != "ca" || machines.path("travel/etcd-2/member-etcd-2.pem").exists());
    }
}

/// etcd sends the whole file in each handshake, and Go refuses a certificate message over 256 KiB
/// (`maxHandshakeCertificateMsg` in `crypto/tls/common.go`).
#[test]
fn what_follows_a_leaf_is_its_chain_and_nothing_else() {
    type Change = fn(&str, &str) -> String;
    let changes: [(&str, Change); 5] = [
        ("the CA 3000 times", |leaf, ca| {
            leaf.to_owned() + &ca.repeat(3000)
        }),
        ("the CA 11 times", |leaf, ca| {
            leaf.to_owned() + &ca.repeat(11)
        }),
        ("the CA twice", |leaf, ca| leaf.to_owned() + &ca.repeat(2)),
        ("the leaf twice", |leaf, _| leaf.repeat(2)),
        ("the leaf after the CA", |leaf, ca| {
            leaf.to_owned() + ca + leaf
        }),
    ];
    let machines = Machines::installed(SPECIFICATION);
    let arrived = machines.path("travel/etcd-1/member-etcd-1.pem");
    let installed = machines.path("etcd-1/member-etcd-1.pem");
    let ca = fs::read_to_string(machines.path("ca/ca.pem")).unwrap();
    machines.specify(&SPECIFICATION.replace("10.0.0.11", "10.0.0.11, 10.0.1.1"));
    for machine in ["etcd-1", "ca"] {
        let _ = machines.quietly(machine);
    }
    let leaf = fs::read_to_string(&arrived).unwrap();
    let before = fs::read(&installed).unwrap();
    for (what, change) in changes {
        fs::write(&arrived, change(&leaf, &ca)).unwrap();
        let (facts, errors) = machines.apply("etcd-1");
        assert_eq!(facts["done"]["installed"], 0, "{what}");
        assert!(
            errors.starts_with("refused: travel/etcd-1/member-etcd-1.pem: "),
            "{what}: {errors}"
        );
        assert_eq!(fs::read(&installed).unwrap(), before, "{what}");
    }
    // The CA certificate may follow once
    fs::write(&arrived, leaf.clone() + &ca).unwrap();
    assert_eq!(machines.quietly("etcd-1")["installed"], 1);
    assert_eq!(fs::read_to_string(&installed).unwrap(), leaf + &ca);
}
