//! `--prune`: the pairs that it removes, the files that stay, and the messages about both.
use std::{collections::BTreeSet, fs, os::unix::fs::symlink, process::Command};

use etcd_pki_core::{
    Certificate, CertificateAuthority, Identity, PrivateKey, Role, Store,
    plan::{Action, PlanOptions, Step},
};
use etcd_pki_tests::{
    cluster::{Cluster, SPECIFICATION},
    command::{etcd_pki, etcd_pki_in},
    openssl, run, stderr_of,
};
use serde_json::Value;

/// A cluster with `root`, `backup` and the node removed from its specification, and with a client
/// that `cert issue` created.
fn cluster_with_unmanaged() -> Cluster {
    let cluster = Cluster::applied();
    let issue = ["cert", "issue", "client", "made-by-hand", "-d", "ssl"];
    let mut issue_command = Command::new(etcd_pki());
    let _ = run(issue_command.current_dir(cluster.path()).args(issue)).expect_success();
    cluster.specify(&fewer());
    cluster
}

fn fewer() -> String {
    SPECIFICATION
        .replace("root, {name: backup, validity: 90d}", "")
        .replace("[kube-1]", "[]")
}

const UNMANAGED: [&str; 4] = [
    "client-backup",
    "client-made-by-hand",
    "client-root",
    "node-kube-1",
];

/// The pairs that a plan with these options removes, without `.pem`, and its messages.
fn planned(cluster: &Cluster, options: &[&str]) -> (BTreeSet<String>, String) {
    let output = cluster
        .command("plan")
        .arg("--json")
        .args(options)
        .output()
        .unwrap();
    let stderr = stderr_of(&output, 0);
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    (removed(&plan), stderr)
}

fn removed(document: &Value) -> BTreeSet<String> {
    let steps = document["remove"].as_array().unwrap().iter();
    let files = steps.map(|step| step["certificate"].as_str().unwrap());
    files
        .map(|file| {
            file.trim_start_matches("ssl/")
                .trim_end_matches(".pem")
                .to_owned()
        })
        .collect()
}

fn set(stems: &[&str]) -> BTreeSet<String> {
    stems.iter().map(|stem| (*stem).to_owned()).collect()
}

#[test]
fn names_limit_it() {
    let cluster = cluster_with_unmanaged();
    for (options, expected) in [
        (&["--prune"][..], &UNMANAGED[..]),
        (&["--prune", "backup"], &["client-backup"]),
        (&["--prune=backup"], &["client-backup"]),
        (&["--prune", "kube-1"], &["node-kube-1"]),
        (
            &["--prune", "backup,root"],
            &["client-backup", "client-root"],
        ),
        (
            &["--prune", "backup", "--prune", "root"],
            &["client-backup", "client-root"],
        ),
        (&["--prune", "made-by-hand"], &["client-made-by-hand"]),
        // A part of a name, a file name and a pattern do not count as names
        (&["--prune", "back"], &[]),
        (&["--prune", "client-backup.pem"], &[]),
        (&["--prune", "*"], &[]),
        // The pairs of the specification are never removed
        (&["--prune", "etcd-1"], &[]),
        (&["--prune", "ca"], &[]),
        // Together with --only and --host
        (&["--prune", "--only", "backup"], &["client-backup"]),
        (&["--prune", "--only", "etcd-1"], &[]),
        (
            &["--prune", "backup", "--only", "etcd-1"],
            &["client-backup"],
        ),
        (&["--prune", "--host", "etcd-1"], &[]),
        (
            &["--prune", "backup", "--host", "etcd-1"],
            &["client-backup"],
        ),
        (&["--prune", "etcd-2", "--host", "etcd-1"], &[]),
    ] {
        assert_eq!(planned(&cluster, options).0, set(expected), "{options:?}");
    }
    let (_, stderr) = planned(&cluster, &["--prune", "etcd-1,backup"]);
    assert!(
        stderr.contains("note: no pair of etcd-1 is removed"),
        "{stderr}"
    );
    assert!(!stderr.contains("no pair of backup"), "{stderr}");
}

/// An empty variable of a shell must not turn "this name" into "everything".
#[test]
fn an_empty_name_is_refused() {
    let cluster = cluster_with_unmanaged();
    let before = cluster.contents();
    for option in [
        "--prune=",
        "--prune=,",
        "--prune=backup,",
        "--prune=,backup",
    ] {
        let output = cluster.command("apply").arg(option).output().unwrap();
        let _ = stderr_of(&output, 2);
    }
    let output = cluster
        .command("apply")
        .args(["--prune", ""])
        .output()
        .unwrap();
    let _ = stderr_of(&output, 2);
    let output = cluster
        .command("apply")
        .args(["--prune", "--only", "nobody"])
        .output()
        .unwrap();
    let stderr = stderr_of(&output, 1);
    assert!(
        stderr.contains("\"nobody\" is no host and no user of the cluster"),
        "{stderr}"
    );
    assert_eq!(cluster.contents(), before);

    // The same in the library: no names remove nothing
    let specification = etcd_pki_core::Cluster::from_yaml(&fewer()).unwrap();
    let store = Store::new(cluster.directory(), specification.layout());
    let none = PlanOptions::new().with_prune_names([""; 0]);
    let plan = specification.plan_with(&store, &none).unwrap();
    assert_eq!(plan.changes().count(), 0);
    assert_eq!(plan.unmanaged().len(), UNMANAGED.len());
    let two = PlanOptions::new().with_prune_names(["backup", "nobody"]);
    let plan = specification.plan_with(&store, &two).unwrap();
    assert_eq!(plan.nothing_to_prune(), ["nobody"]);
    let removed: Vec<&Step> = plan.changes().collect();
    assert_eq!(removed.len(), 1);
    assert_eq!(removed[0].action(), Action::Remove);
    let certificate = Certificate::from_pem(&cluster.contents()["client-backup.pem"]).unwrap();
    assert_eq!(removed[0].removed_certificate(), Some(&certificate));
}

#[test]
fn only_what_is_named_goes_and_the_rest_is_one_line() {
    let cluster = cluster_with_unmanaged();
    let before = cluster.contents();
    let serial = openssl::call(
        cluster.path(),
        "x509 -in ssl/client-backup.pem -noout -serial -enddate -dateopt iso_8601",
    );
    let serial = serial.stdout();
    let (serial, end) = serial.trim().split_once('\n').unwrap();
    let (serial, end) = (
        serial.trim_start_matches("serial="),
        &end.trim_start_matches("notAfter=")[..10],
    );
    let apply = |options: &[&str]| {
        let output = cluster.command("apply").args(options).output().unwrap();
        (
            stderr_of(&output, 0),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let lines =
        |stderr: &str, part: &str| stderr.lines().filter(|line| line.contains(part)).count();

    // Nothing is removed, and no message suggests a removal
    let all = "note: not in the specification: client-backup.pem, client-made-by-hand.pem, client-root.pem, node-kube-1.pem";
    for _ in 0..2 {
        let (stderr, _) = apply(&[]);
        assert_eq!(stderr.trim_end(), all);
    }
    assert_eq!(cluster.contents(), before);

    let (stderr, printed) = apply(&["--prune", "backup"]);
    assert_eq!(lines(&printed, "  remove "), 1, "{printed}");
    assert_eq!(
        lines(&stderr, "stays valid until it expires"),
        1,
        "{stderr}"
    );
    let revocable = format!("  backup, serial {serial}, until {end}");
    assert!(
        stderr.lines().any(|line| line == revocable),
        "{revocable}: {stderr}"
    );
    assert_eq!(lines(&stderr, "serial"), 1, "{stderr}");
    let left =
        "note: not in the specification: client-made-by-hand.pem, client-root.pem, node-kube-1.pem";
    assert!(stderr.lines().any(|line| line == left), "{stderr}");
    let after = cluster.contents();
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    assert_eq!(
        gone.collect::<Vec<_>>(),
        ["client-backup-key.pem", "client-backup.pem"]
    );

    // A second run has nothing left to do for that name
    let (stderr, _) = apply(&["--prune", "backup"]);
    assert!(stderr.contains("no pair of backup is removed"), "{stderr}");
    assert_eq!(cluster.contents(), after);

    let report = run(cluster.command("apply").args(["--prune", "--json"])).expect_success();
    let report: Value = serde_json::from_str(report.stdout()).unwrap();
    assert_eq!(removed(&report), set(&UNMANAGED[1..]));
    for step in report["remove"].as_array().unwrap() {
        assert!(
            step["subject"].as_str().unwrap().starts_with("CN="),
            "{step}"
        );
        assert!(
            step["serial"].is_string() && step["not_after"].is_string(),
            "{step}"
        );
    }
    assert_eq!(apply(&[]).0, "");
}

/// The list of ten thousand files of others is shortened.
#[test]
fn many_are_cut_short() {
    let users: Vec<String> = (10..50).map(|number| format!("user-{number}")).collect();
    let text = |users: &[String]| {
        format!(
            "directory: ssl\nmembers: [etcd-1]\nclients: [{}]\n",
            users.join(", ")
        )
    };
    let cluster = Cluster::new(&text(&users));
    let _ = cluster.apply();
    cluster.specify(&text(&[]));
    let stderr = stderr_of(&cluster.command("plan").output().unwrap(), 0);
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr
            .trim_end()
            .ends_with("client-user-17.pem and 32 more"),
        "{stderr}"
    );
    let plan = cluster.json("plan");
    assert_eq!(plan["unmanaged"].as_array().unwrap().len(), 40);
}

/// There is no warning about an expired certificate.
#[test]
fn what_has_expired_is_not_called_valid() {
    let cluster = cluster_with_unmanaged();
    let configuration = "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n\
                         [p]\ncommonName=supplied\n";
    fs::write(cluster.file("ca.conf"), configuration).unwrap();
    fs::write(cluster.file("index"), "").unwrap();
    fs::write(cluster.file("serial"), "77\n").unwrap();
    let directory = cluster.directory();
    openssl::call(
        &directory,
        "req -new -key client-root-key.pem -subj /CN=root -out root.csr",
    );
    openssl::call(
        &directory,
        "ca -config ca.conf -batch -in root.csr -cert ca.pem -keyfile ca-key.pem -startdate 20200101000000Z \
         -enddate 20210101000000Z -notext -out client-root.pem",
    );
    let (steps, stderr) = planned(&cluster, &["--prune", "root"]);
    assert_eq!(steps, set(&["client-root"]));
    assert!(!stderr.contains("stays valid"), "{stderr}");
}

/// A change of a directory.
type Change<'a> = &'a dyn Fn(&Cluster);

/// A key that does not match the removed certificate may be the only copy, and so may a key that
/// cannot be read.
#[test]
fn keys_of_others_stay() {
    let other = PrivateKey::generate().unwrap().to_secret_pem();
    let encrypted = |cluster: &Cluster| {
        let line = "genpkey -algorithm RSA -aes256 -pass pass:x -out ssl/client-zed-key.pem";
        let _ = openssl::call(cluster.path(), line);
    };
    let linked = |cluster: &Cluster| {
        let (key, target) = (
            cluster.file("client-zed-key.pem"),
            cluster.path().join("key"),
        );
        fs::rename(&key, &target).unwrap();
        symlink(target, key).unwrap();
    };
    let of_ca = |cluster: &Cluster| {
        let ca = CertificateAuthority::create("third").unwrap();
        let key = ca.key().unwrap().to_secret_pem();
        fs::write(cluster.file("client-zed-key.pem"), &*key).unwrap();
        fs::write(cluster.file("third.pem"), ca.certificate().to_pem()).unwrap();
        let line = "cert issue client zed -d ssl --key ssl/client-zed-key.pem -o ssl/client-zed.pem --force";
        let _ = etcd_pki_in(cluster.path(), line).expect_success();
    };
    let write = |cluster: &Cluster, text: &str| {
        fs::write(cluster.file("client-zed-key.pem"), text).unwrap();
    };
    let cases: [(Change<'_>, &str); 5] = [
        (
            &|cluster| write(cluster, &other),
            "does not match the certificate",
        ),
        (&|cluster| write(cluster, "nonsense"), "client-zed-key.pem"),
        (&encrypted, "encrypted"),
        (&linked, "is a symbolic link"),
        (&of_ca, "its key is the key of third.pem"),
    ];
    for (change, reason) in cases {
        let cluster = cluster_with_unmanaged();
        let line = "cert issue client zed -d ssl";
        let _ = etcd_pki_in(cluster.path(), line).expect_success();
        change(&cluster);
        let files = ["client-zed.pem", "client-zed-key.pem"].map(|file| cluster.file(file));
        let before = files.clone().map(|file| fs::read(file).unwrap());

        let (removed, stderr) = planned(&cluster, &["--prune"]);
        assert_eq!(removed, set(&UNMANAGED), "{reason}");
        assert!(stderr.contains("leaves"), "{stderr}");
        let output = cluster.command("apply").arg("--prune").output().unwrap();
        let stderr = stderr_of(&output, 1);
        assert!(stderr.contains(reason), "{stderr}");
        assert!(
            stderr.contains("remove the files by hand") || stderr.contains("remove the link"),
            "{stderr}"
        );
        assert!(!stderr.contains("--rekey"), "{stderr}");
        let after = files.clone().map(|file| fs::read(file).unwrap());
        assert!(before == after, "{reason}");
        assert_eq!(
            files[1].is_symlink(),
            reason.contains("symbolic"),
            "{reason}"
        );
        assert!(!cluster.file("client-backup-key.pem").exists());
    }
}

/// The first certificate of a file is that of its key; the pair does not depend on the certificates
/// that follow.
#[test]
fn the_first_certificate_counts() {
    let cluster = cluster_with_unmanaged();
    let stranger = CertificateAuthority::create("stranger").unwrap();
    let bundle = stranger.issue(Role::Client, Identity::new("zed").unwrap());
    let bundle = bundle.unwrap();
    let signed = fs::read_to_string(cluster.file("client-root.pem")).unwrap();
    let text = bundle.to_pem() + &signed;
    fs::write(cluster.file("client-zed.pem"), text).unwrap();
    let key = bundle.to_secret_pem();
    fs::write(cluster.file("client-zed-key.pem"), &*key).unwrap();
    assert_eq!(planned(&cluster, &["--prune"]).0, set(&UNMANAGED));
}
