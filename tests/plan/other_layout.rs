//! A directory in another layout than the specified one: no second CA is created there.
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use etcd_pki_core::{CaKind, Layout};
use etcd_pki_tests::{Scratch, command::etcd_pki, is_own_file};

const CLUSTER: &str = "directory: pki\nmembers: [a, b]\nnodes: [a]\n";

fn etcd_pki_in(scratch: &Scratch, arguments: &[&str]) -> Output {
    let mut command = Command::new(etcd_pki());
    let command = command.current_dir(scratch.path()).args(arguments);
    command.output().unwrap()
}

fn specify(scratch: &Scratch, layout: Layout) {
    let specification = format!("layout: {layout}\n{CLUSTER}");
    fs::write(scratch.path().join("cluster.yaml"), specification).unwrap();
}

fn apply(scratch: &Scratch, layout: Layout) {
    specify(scratch, layout);
    let output = etcd_pki_in(scratch, &["apply", "-f", "cluster.yaml"]);
    assert!(output.status.success(), "{layout}: {output:?}");
}

/// Every file below a directory, with its contents.
fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if !is_own_file(&path) {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// Checks that every command that creates a CA refuses, names a file and the layout, and writes
/// nothing.
fn assert_refused(scratch: &Scratch, there: Layout, specified: Layout) {
    specify(scratch, specified);
    let before = contents(scratch.path());
    let name = specified.name();
    for arguments in [
        &["plan", "-f", "cluster.yaml"][..],
        &["apply", "-f", "cluster.yaml"],
        &["apply", "-f", "cluster.yaml", "--host", "a"],
        &["apply", "-f", "cluster.yaml", "--requests", "travel"],
        &["ca", "new", "-d", "pki", "--layout", name],
    ] {
        let output = etcd_pki_in(scratch, arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{there} {specified} {arguments:?}: {stderr}"
        );
        assert!(
            stderr.contains("no new CA was made"),
            "{there} {specified}: {stderr}"
        );
        let of_layout = format!(" of the {there} layout");
        let (file, hint) = stderr.split_once(&of_layout).unwrap_or_default();
        assert!(
            !hint.is_empty(),
            "{there} {specified} {arguments:?}: {stderr}"
        );
        let file = file.rsplit(' ').next().unwrap();
        assert!(scratch.path().join("pki").join(file).exists(), "{stderr}");
        assert!(stderr.contains(&format!("`layout: {there}`")), "{stderr}");
        assert!(stderr.contains(&format!("--layout {there}")), "{stderr}");
    }
    assert_eq!(contents(scratch.path()), before, "{there} {specified}");
}

#[test]
fn no_second_ca_in_another_layout() {
    for there in Layout::ALL {
        let scratch = Scratch::new("other-layout");
        fs::create_dir(scratch.path().join("travel")).unwrap();
        apply(&scratch, there);
        // These two layouts have the same file name for the CA, and so share it
        let others = Layout::ALL
            .into_iter()
            .filter(|specified| specified.ca(CaKind::Client) != there.ca(CaKind::Client));
        let others: Vec<Layout> = others.collect();
        for specified in &others {
            assert_refused(&scratch, there, *specified);
        }
    }
}

/// The file names of certificates show the layout even if their CA is missing: for the files of one
/// host, and for trees of several hosts.
#[test]
fn no_ca_beside_what_one_of_another_layout_has_signed() {
    for there in Layout::ALL {
        for host in [&["--host", "a"][..], &[]] {
            let scratch = Scratch::new("other-leaves");
            fs::create_dir(scratch.path().join("travel")).unwrap();
            specify(&scratch, there);
            let output = etcd_pki_in(&scratch, &[&["apply", "-f", "cluster.yaml"], host].concat());
            assert!(output.status.success(), "{output:?}");
            for pair in CaKind::ALL.map(|kind| there.ca(kind)) {
                let pair = pair.below(&scratch.path().join("pki"));
                let _ = fs::remove_file(pair.certificate);
                let _ = fs::remove_file(pair.key);
            }
            let others = Layout::ALL.into_iter();
            for specified in
                others.filter(|specified| specified.ca(CaKind::Client) != there.ca(CaKind::Client))
            {
                assert_refused(&scratch, there, specified);
            }
        }
    }
}

/// The same for exported trees of hosts, each with the CA's certificate and without its key.
#[test]
fn no_ca_above_trees_that_were_exported() {
    for there in Layout::ALL {
        let scratch = Scratch::new("other-trees");
        fs::create_dir(scratch.path().join("travel")).unwrap();
        apply(&scratch, there);
        fs::rename(scratch.path().join("pki"), scratch.path().join("all")).unwrap();
        for host in ["a", "b"] {
            let out = format!("pki/{host}");
            let line = [
                "export",
                "-f",
                "cluster.yaml",
                "-d",
                "all",
                "--host",
                host,
                "-o",
                &out,
            ];
            let output = etcd_pki_in(&scratch, &line);
            assert!(output.status.success(), "{output:?}");
        }
        let others = Layout::ALL.into_iter();
        for specified in
            others.filter(|specified| specified.ca(CaKind::Client) != there.ca(CaKind::Client))
        {
            assert_refused(&scratch, there, specified);
        }
    }
}

/// Files that a user keeps in a folder do not belong to the cluster if the folder does not have the
/// name of their host.
#[test]
fn files_of_another_layout_that_were_put_away() {
    let scratch = Scratch::new("put-away");
    apply(&scratch, Layout::Kubespray);
    let pki = scratch.path().join("pki");
    fs::rename(&pki, scratch.path().join("backup")).unwrap();
    fs::create_dir(&pki).unwrap();
    fs::rename(scratch.path().join("backup"), pki.join("backup")).unwrap();
    apply(&scratch, Layout::Kubeadm);
}

/// A folder that belongs to kubeadm's layout is no host of etcdadm's layout, although its files
/// have the same names.
#[test]
fn a_folder_is_not_taken_for_a_host() {
    let scratch = Scratch::new("other-folder");
    fs::create_dir(scratch.path().join("travel")).unwrap();
    apply(&scratch, Layout::Kubeadm);
    let pki = scratch.path().join("pki");
    fs::rename(pki.join("a/etcd"), pki.join("leaves")).unwrap();
    fs::remove_dir_all(pki.join("etcd")).unwrap();
    fs::create_dir(pki.join("etcd")).unwrap();
    for name in ["server.crt", "peer.crt"] {
        fs::copy(pki.join("leaves").join(name), pki.join("etcd").join(name)).unwrap();
    }
    for folder in ["a", "b", "leaves"] {
        fs::remove_dir_all(pki.join(folder)).unwrap();
    }
    assert_refused(&scratch, Layout::Kubeadm, Layout::Etcdadm);
}

/// A CA can still be replaced on purpose, and it can still be created before the rest.
#[test]
fn a_ca_that_is_made_first() {
    for layout in Layout::ALL {
        let scratch = Scratch::new("made-first");
        let new = ["ca", "new", "-d", "pki", "--layout", layout.name()];
        assert!(etcd_pki_in(&scratch, &new).status.success(), "{layout}");
        apply(&scratch, layout);
        apply(&scratch, layout);
    }
    let scratch = Scratch::new("replaced");
    apply(&scratch, Layout::Kubespray);
    let new = |layout: &str| {
        let words = ["ca", "new", "-d", "pki", "--layout", layout, "--replace-ca"];
        etcd_pki_in(&scratch, &words)
    };
    // It would be a second CA, and would not replace the first
    assert!(!new("kubeadm").status.success());
    assert!(!scratch.path().join("pki/etcd").exists());
    assert!(new("kubespray").status.success());
}

/// kubeadm keeps etcd's files next to those of Kubernetes, which has its own CA there.
#[test]
fn the_ca_of_kubernetes_is_not_etcds() {
    let scratch = Scratch::new("kubernetes");
    fs::create_dir(scratch.path().join("pki")).unwrap();
    for arguments in [
        &[
            "ca",
            "new",
            "--cn",
            "kubernetes",
            "-o",
            "pki/ca.crt",
            "--key-out",
            "pki/ca.key",
        ][..],
        &[
            "ca",
            "new",
            "--cn",
            "front-proxy-ca",
            "-o",
            "pki/front-proxy-ca.crt",
            "--key-out",
            "pki/front-proxy-ca.key",
        ],
        &[
            "cert",
            "issue",
            "member",
            "apiserver",
            "--ca",
            "pki/ca.crt",
            "--ca-key",
            "pki/ca.key",
            "--san",
            "10.0.0.1",
            "-o",
            "pki/apiserver.crt",
            "--key-out",
            "pki/apiserver.key",
        ],
    ] {
        let output = etcd_pki_in(&scratch, arguments);
        assert!(output.status.success(), "{output:?}");
    }
    apply(&scratch, Layout::Kubeadm);
}

/// A file with a name of the layout and without a certificate belongs to another tool.
#[test]
fn files_that_are_no_certificates() {
    for layout in Layout::ALL {
        let scratch = Scratch::new("no-certificates");
        for other in Layout::ALL
            .into_iter()
            .filter(|other| other.ca(CaKind::Client) != layout.ca(CaKind::Client))
        {
            let path = scratch
                .path()
                .join("pki")
                .join(other.ca(CaKind::Client).certificate);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "no certificate\n").unwrap();
        }
        apply(&scratch, layout);
    }
}

/// A user who requests settings also learns which layout to specify.
#[test]
fn settings_of_a_directory_in_another_layout() {
    let scratch = Scratch::new("other-layout");
    apply(&scratch, Layout::Kubeadm);
    for arguments in [
        &["env", "etcd", "--host", "a", "-d", "pki"][..],
        &["env", "etcdctl", "--member", "a", "-d", "pki"],
        &["env", "apiserver", "--host", "a", "-d", "pki"],
    ] {
        let output = etcd_pki_in(&scratch, arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(
            stderr.contains("of the kubeadm layout: say --layout kubeadm"),
            "{stderr}"
        );
        let output = etcd_pki_in(&scratch, &[arguments, &["--layout", "kubeadm"]].concat());
        assert!(output.status.success(), "{output:?}");
    }
    // In the existing layout, a missing host has nothing to do with the layout
    let arguments = [
        "env", "etcd", "--host", "x", "-d", "pki", "--layout", "kubeadm",
    ];
    let output = etcd_pki_in(&scratch, &arguments);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("say --layout"));
}
