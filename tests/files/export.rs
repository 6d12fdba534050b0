//! `export`: the files of one host, for a user who creates all keys in one place.
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::{Command, Output},
};

use etcd_pki_tests::{
    command::etcd_pki,
    machines::{Machines, SPECIFICATION},
    openssl,
};

/// Runs a command on the machine with all keys.
fn run(machines: &Machines, words: &[&str]) -> Output {
    Command::new(etcd_pki())
        .current_dir(machines.path("."))
        .args(words)
        .args(["-f", "cluster.yaml", "-d", "ca"])
        .output()
        .unwrap()
}

#[test]
fn an_exported_host_has_its_own_files_alone() {
    for (layout, pairs, ca_name) in [
        ("kubespray", 3, "ca-key.pem"),
        ("kubeadm", 4, "etcd/ca.key"),
    ] {
        let machines = Machines::new(&format!("layout: {layout}\n{SPECIFICATION}"));
        let run = |words: &[&str]| run(&machines, words);
        assert!(run(&["apply"]).status.success());
        let export = ["export", "--host", "etcd-2", "-o", "out"];
        let output = run(&export);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let files = machines.files("out");
        assert_eq!(files.len(), 2 * pairs + 1, "{:?}", files.keys());
        let ca_key = fs::read(machines.path("ca").join(ca_name)).unwrap();
        for (name, contents) in &files {
            assert_ne!(contents, &ca_key);
            let path = machines.path("out").join(name);
            let is_key = String::from_utf8_lossy(contents).contains("PRIVATE KEY");
            let mode = if is_key { 0o600 } else { 0o644 };
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode);
        }
        // The host's own plan requires the same
        let mut command = Command::new(etcd_pki());
        let plan = command
            .current_dir(machines.path("."))
            .args([
                "plan",
                "--check",
                "-f",
                "cluster.yaml",
                "-d",
                "out",
                "--host",
                "etcd-2",
            ])
            .output()
            .unwrap();
        assert_eq!(
            plan.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&plan.stdout)
        );

        let again = run(&export);
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(said.contains("out has something in it"), "{said}");
        assert!(run(&[&export[..], &["--force"]].concat()).status.success());
        assert_eq!(machines.files("out"), files);
        // A file of the layout that the host does not use stays and is reported
        fs::write(machines.path("out").join("notes.txt"), "mine").unwrap();
        fs::write(machines.path("out").join(ca_name), &ca_key).unwrap();
        let output = run(&[&export[..], &["--force"]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let note = format!(
            "note: out/{ca_name} is not in this export, and stays: remove what etcd-2 does not use"
        );
        assert!(said.contains(&note), "{said}");
        let output = run(&[&export[..], &["--force", "--json"]].concat());
        let facts: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            facts["other_files"],
            serde_json::json!([format!("out/{ca_name}")])
        );
        assert!(machines.path("out").join(ca_name).exists());
        assert_eq!(run(&["export", "-o", "new"]).status.code(), Some(2));
        assert_eq!(
            run(&["export", "--host", "root", "-o", "new"])
                .status
                .code(),
            Some(1)
        );
        assert!(!machines.path("new").exists());
    }
}

#[test]
fn the_key_of_the_ca_is_exported_under_no_name() {
    let machines = Machines::new(SPECIFICATION);
    let run = |words: &[&str]| run(&machines, words);
    assert!(run(&["apply"]).status.success());
    let ca = machines.path("ca");
    for line in [
        "req -new -key ca-key.pem -subj /CN=etcd-member-etcd-2 -out own.csr",
        "x509 -req -in own.csr -CA ca.pem -CAkey ca-key.pem -days 90 -out member-etcd-2.pem",
    ] {
        openssl::call(&ca, line);
    }
    fs::copy(ca.join("ca-key.pem"), ca.join("member-etcd-2-key.pem")).unwrap();
    let output = run(&["export", "--host", "etcd-2", "-o", "out"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("member-etcd-2-key.pem: the key is that of the CA CN=etcd-ca"),
        "{said}"
    );
    assert!(!machines.path("out").exists());
}

/// The target of a link belongs to another user: the user of this directory may not give away a key
/// in it.
#[test]
fn nothing_is_exported_through_a_link() {
    for name in ["member-etcd-2-key.pem", "member-etcd-2.pem", "ca.pem"] {
        let machines = Machines::new(SPECIFICATION);
        let run = |words: &[&str]| run(&machines, words);
        assert!(run(&["apply"]).status.success());
        fs::create_dir(machines.path("elsewhere")).unwrap();
        let (file, target) = (
            machines.path("ca").join(name),
            machines.path("elsewhere").join(name),
        );
        fs::rename(&file, &target).unwrap();
        symlink(&target, &file).unwrap();
        let output = run(&["export", "--host", "etcd-2", "-o", "out"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("{name} is a symbolic link")),
            "{said}"
        );
        assert!(!machines.path("out").exists());
    }
}
