//! Objects among the exchanged requests and certificates that are not regular files, or are too
//! large: links, pipes, large files. They are refused, and the command neither follows nor waits
//! for them.
use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use etcd_pki_core::internal::READ_LIMIT;
use etcd_pki_tests::{
    machines::{Machines, SPECIFICATION},
    run,
};

#[test]
fn never_through_a_symbolic_link() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let _ = machines.quietly("etcd-2");
    let outside = machines.path("outside");
    fs::create_dir(&outside).unwrap();
    // The folder leads to another place, and the name of a certificate leads to a file there
    fs::rename(machines.path("travel/etcd-2"), machines.path("real")).unwrap();
    symlink(machines.path("real"), machines.path("travel/etcd-2")).unwrap();
    fs::write(outside.join("precious"), "precious").unwrap();
    symlink(
        outside.join("precious"),
        machines.path("travel/etcd-1/member-etcd-1.pem"),
    )
    .unwrap();
    let (facts, stderr) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 1, "{stderr}");
    assert!(
        stderr.contains("refused: travel/etcd-2: it is a symbolic link"),
        "{stderr}"
    );
    assert!(
        stderr.contains("member-etcd-1.pem is a symbolic link"),
        "{stderr}"
    );
    assert_eq!(fs::read(outside.join("precious")).unwrap(), b"precious");
    assert!(!machines.path("real/ca.pem").exists());
}

/// Opening a pipe would wait for its writer. It is refused by its name, and so is a link that leads
/// nowhere.
#[test]
fn what_is_no_file() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let _ = machines.quietly("etcd-2");
    let replace = |path: &str| {
        let path = machines.path("travel").join(path);
        let _ = fs::remove_file(&path);
        path
    };
    let pipe = |path: PathBuf| {
        let _ = run(Command::new("mkfifo").arg(path)).expect_success();
    };
    pipe(replace("etcd-1/member-etcd-1.csr"));
    pipe(replace("etcd-1/stray.csr"));
    pipe(replace("etcd-2/admin-etcd-2.pem"));
    symlink("nowhere", replace("etcd-1/admin-etcd-1.csr")).unwrap();
    for verb in ["plan", "apply"] {
        let called = machines.command(verb, "ca");
        let mut limited = Command::new("timeout");
        limited.current_dir(machines.path("."));
        let output = run(limited
            .arg("60")
            .arg(called.get_program())
            .args(called.get_args()));
        let stderr = output.stderr();
        for refused in [
            "etcd-1/member-etcd-1.csr: it is no regular file",
            "etcd-1/stray.csr: no pair of etcd-1 has this name in the specification",
            "etcd-1/admin-etcd-1.csr: travel/etcd-1/admin-etcd-1.csr is a symbolic link",
            "etcd-2/admin-etcd-2.csr: travel/etcd-2/admin-etcd-2.pem is no regular file",
        ] {
            assert!(
                stderr.contains(&format!("refused: travel/{refused}")),
                "{stderr}"
            );
        }
        assert_eq!(stderr.lines().count(), 4, "{verb}: {stderr}");
    }
    assert!(machines.path("travel/etcd-2/member-etcd-2.pem").exists());
}

/// A pipe next to a request does not block the command.
#[test]
fn a_pipe_among_what_travels() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let pipe = machines.path("travel/etcd-1/member-etcd-1.pem");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let (facts, stderr) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 1);
    assert!(
        stderr.starts_with("refused: travel/etcd-1/member-etcd-1.csr: "),
        "{stderr}"
    );
    assert!(
        stderr.contains("member-etcd-1.pem is no regular file"),
        "{stderr}"
    );
    let (_, stderr) = machines.apply("etcd-1");
    assert!(
        stderr.contains("member-etcd-1.pem: it is no regular file"),
        "{stderr}"
    );
}

/// Files that are larger than the limit are refused, and the rest goes on.
#[test]
fn files_that_are_too_large() {
    let machines = Machines::new(SPECIFICATION);
    let plant = |path: &str| {
        let planted = fs::File::create(machines.path(path)).unwrap();
        planted.set_len(READ_LIMIT + 1).unwrap();
    };
    let _ = machines.quietly("etcd-1");
    let request = "travel/etcd-1/member-etcd-1.csr";
    plant(request);
    let (facts, stderr) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 1);
    assert_eq!(stderr, format!("refused: {request}: larger than 16 MiB\n"));
    // A host writes its request again, and the CA writes its certificates again
    let done = machines.quietly("etcd-1");
    assert_eq!(
        (&done["requested"], &done["installed"]),
        (&1.into(), &1.into())
    );
    plant("travel/etcd-1/member-etcd-1.pem");
    plant("travel/etcd-1/ca.pem");
    let done = machines.quietly("ca");
    assert_eq!((&done["signed"], &done["trusted"]), (&1.into(), &1.into()));

    let certificate = "travel/etcd-1/member-etcd-1.pem";
    let good = fs::read(machines.path(certificate)).unwrap();
    plant(certificate);
    let (facts, stderr) = machines.apply("etcd-1");
    assert_eq!(facts["done"]["installed"], 0);
    assert_eq!(
        stderr,
        format!("refused: {certificate}: larger than 16 MiB\n")
    );
    fs::write(machines.path(certificate), good).unwrap();
    // An object in the place of the waiting key is replaced by that key
    machines.specify(&SPECIFICATION.replace("{validity", "{algorithm: ed25519, validity"));
    plant("etcd-1/.admin-etcd-1-key.pem.next");
    machines.round();
    machines.round();
    machines.assert_whole();
}
