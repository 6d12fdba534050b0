//! Changes that fail in the middle of a run: the run reports the changes before them, and the next
//! run does the rest.
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
};

use etcd_pki_tests::{
    Scratch,
    cluster::{Cluster, PAIRS, SPECIFICATION},
    command::etcd_pki,
    is_own_file,
    machines::{self, Machines},
    openssl, stderr_of,
};
use serde_json::{Value, json};

/// Blocks the path of a certificate with a link that leads to another file.
fn obstruct(directory: &Path, name: &str) {
    fs::create_dir_all(directory).unwrap();
    let _ = fs::remove_file(directory.join(name));
    fs::write(directory.with_file_name("precious"), "precious").unwrap();
    symlink("../precious", directory.join(name)).unwrap();
}

fn clear(directory: &Path, name: &str) {
    fs::remove_file(directory.join(name)).unwrap();
}

/// The existing certificates.
fn certificates(directory: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), entry.path())
    });
    let files = names.filter(|(name, path)| {
        !name.ends_with("-key.pem") && !is_own_file(name) && !path.is_symlink()
    });
    files.map(|(name, _)| name).collect()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The lines about changes, and the line that follows them.
fn told(output: &Output) -> (Vec<String>, String) {
    let lines: Vec<&str> = stdout(output).lines().skip(1).collect();
    let (last, changes) = lines.split_last().unwrap();
    let changes = changes.iter().map(|line| (*line).to_owned()).collect();
    (changes, (*last).to_owned())
}

/// The file name in a line.
fn named(line: &str) -> String {
    line.split_whitespace().nth(1).unwrap().to_owned()
}

/// The names of the files in a list of changes, or of pairs, in JSON.
fn names(changes: &Value) -> BTreeSet<String> {
    let files = changes.as_array().unwrap().iter().map(|change| {
        let file = Path::new(change["certificate"].as_str().unwrap());
        file.file_name().unwrap().to_str().unwrap().to_owned()
    });
    files.collect()
}

/// Runs commands that may mount file systems, which are unmounted when the commands end. `$0` is
/// etcd-pki.
fn with_mounts(directory: &Path, script: &str) -> Output {
    Command::new("unshare")
        .current_dir(directory)
        .args(["--mount", "sh", "-c", script])
        .arg(etcd_pki())
        .output()
        .unwrap()
}

#[test]
fn apply_in_words() {
    let cluster = Cluster::new(SPECIFICATION);
    obstruct(&cluster.directory(), "client-root.pem");
    let plan = cluster.command("plan").output().unwrap();
    let (planned, _) = told(&plan);
    let output = cluster.command("apply").output().unwrap();
    let said = stderr_of(&output, 1);
    assert!(
        said.contains("client-root.pem is a symbolic link"),
        "{said}"
    );
    assert!(said.contains("\nhint: "), "{said}");

    let (done, last) = told(&output);
    assert_eq!(stdout(&output).lines().next(), stdout(&plan).lines().next());
    let in_order: Vec<&String> = planned.iter().filter(|line| done.contains(line)).collect();
    assert_eq!(in_order, done.iter().collect::<Vec<_>>());
    let there = certificates(&cluster.directory());
    assert!(there.contains("ca.pem"), "{there:?}");
    // It blocks no other pair
    assert_eq!(there.len(), PAIRS - 1, "{there:?}");
    assert_eq!(
        done.iter().map(|line| named(line)).collect::<BTreeSet<_>>(),
        there
    );
    let number = there.len();
    let rest = format!("{number} of {PAIRS} changes done; run it again for the rest");
    assert_eq!(last, rest);

    clear(&cluster.directory(), "client-root.pem");
    assert_eq!(cluster.apply()["created"], PAIRS - number);
    cluster.assert_whole();
}

#[test]
fn apply_as_json() {
    let cluster = Cluster::new(SPECIFICATION);
    obstruct(&cluster.directory(), "client-root.pem");
    let output = cluster.command("apply").arg("--json").output().unwrap();
    let said = stderr_of(&output, 1);
    let facts = json_of(&output);
    let there = certificates(&cluster.directory());
    assert_eq!(names(&facts["changes"]), there);
    assert_eq!(facts["created"], there.len());
    let unfinished = &facts["unfinished"];
    let counts = (&unfinished["done"], &unfinished["all"]);
    assert_eq!(counts, (&json!(there.len()), &json!(PAIRS)));
    let (error, hint) = (&unfinished["error"], &unfinished["hint"]);
    let (error, hint) = (error.as_str().unwrap(), hint.as_str().unwrap());
    assert_eq!(said, format!("etcd-pki: {error}\nhint: {hint}\n"));

    clear(&cluster.directory(), "client-root.pem");
    let rest = cluster.apply();
    assert_eq!(rest["created"], PAIRS - there.len());
    assert_eq!(rest.get("unfinished"), None);
    cluster.assert_whole();
}

#[test]
fn where_nothing_was_done_the_error_is_all() {
    let cluster = Cluster::applied();
    fs::remove_file(cluster.file("ca-key.pem")).unwrap();
    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    for options in [&[][..], &["--json"]] {
        let output = cluster.command("apply").args(options).output().unwrap();
        assert!(stderr_of(&output, 1).contains("ca-key.pem"));
        assert_eq!(stdout(&output), "");
    }
}

#[test]
fn what_is_removed_counts() {
    let cluster = Cluster::applied();
    let gone = ["client-backup.pem", "client-root.pem"];
    cluster.specify(&SPECIFICATION.replace("root, {name: backup, validity: 90d}", ""));
    // A directory cannot be removed like a file
    let key = cluster.file("client-root-key.pem");
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    let prune = |options: &[&str]| {
        let mut apply = cluster.command("apply");
        apply.arg("--prune").args(options).output().unwrap()
    };
    let output = prune(&[]);
    assert!(stderr_of(&output, 1).contains("client-root-key.pem"));
    let (done, last) = told(&output);
    assert_eq!(done.len(), 1, "{done:?}");
    assert_eq!(
        (done[0].trim_start().split(' ').next(), named(&done[0])),
        (Some("remove"), gone[0].to_owned())
    );
    assert_eq!(last, "1 of 2 changes done; run it again for the rest");

    // The other due changes come first
    fs::remove_file(cluster.file("node-kube-1.pem")).unwrap();
    let output = prune(&["--json"]);
    let facts = json_of(&output);
    assert_eq!(
        names(&facts["changes"]),
        ["node-kube-1.pem".to_owned()].into()
    );
    assert_eq!(
        (&facts["remove"], &facts["removed"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(
        (&facts["unfinished"]["done"], &facts["unfinished"]["all"]),
        (&json!(1), &json!(2))
    );

    fs::remove_dir(&key).unwrap();
    let facts = json_of(&prune(&["--json"]));
    assert_eq!(
        (names(&facts["remove"]), &facts["removed"]),
        ([gone[1].to_owned()].into(), &json!(1))
    );
    let there = certificates(&cluster.directory());
    assert!(gone.iter().all(|name| !there.contains(*name)), "{there:?}");
}

/// An operator who reads only the output of the run that renewed the CA must learn of it.
#[test]
fn a_renewed_ca_must_be_copied() {
    let cluster = Cluster::applied();
    let without_key_usage =
        "req -x509 -new -key ca-key.pem -subj /CN=etcd-ca -days 3650 -out ca.pem";
    openssl::call(&cluster.directory(), without_key_usage);
    obstruct(&cluster.directory(), "client-root.pem");
    let output = cluster.command("apply").output().unwrap();
    assert!(stderr_of(&output, 1).contains("client-root.pem"));
    let (_, last) = told(&output);
    let rest = "1 of 2 changes done; run it again for the rest; copy ca.pem to every host, then restart etcd on ";
    assert!(last.starts_with(rest), "{last}");
}

#[test]
fn kubespray_in_the_place_of_its_script() {
    let scratch = Scratch::new("unfinished-script");
    fs::write(
        scratch.path().join("openssl.conf"),
        "[alt_names]\nDNS.1 = localhost\n",
    )
    .unwrap();
    let directory = scratch.path().join("ssl");
    obstruct(&directory, "node-kube-1.pem");
    let kubespray = || {
        let mut command = Command::new(etcd_pki());
        command
            .current_dir(scratch.path())
            .envs([("MASTERS", "etcd-1"), ("HOSTS", "kube-1")]);
        let options = [
            "kubespray",
            "-f",
            "openssl.conf",
            "-d",
            "ssl",
            "--algorithm",
            "ec-p256",
        ];
        command.args(options).output().unwrap()
    };
    let output = kubespray();
    assert!(stderr_of(&output, 1).contains("node-kube-1.pem is a symbolic link"));
    let (done, last) = told(&output);
    let there = certificates(&directory);
    assert_eq!(
        done.iter().map(|line| named(line)).collect::<BTreeSet<_>>(),
        there
    );
    assert_eq!(
        last,
        format!(
            "{} of 4 changes done; run it again for the rest",
            there.len()
        )
    );
    clear(&directory, "node-kube-1.pem");
    let output = kubespray();
    assert_eq!(stderr_of(&output, 0), "");
    assert_eq!(certificates(&directory).len(), 4);
}

/// The exchange directory has space for one page: the first request fits, and the second pair has
/// only its key.
#[test]
fn requests_on_a_host() {
    for (options, is_json) in [("", false), ("--json", true)] {
        let machines = Machines::new(machines::SPECIFICATION);
        let script = format!(
            "mkdir travel && mount -t tmpfs -o size=4k tmpfs travel || exit 90
            \"$0\" apply -f cluster.yaml --requests travel -d etcd-1 --host etcd-1 {options}
            code=$?
            mount -o remount,size=1m travel || exit 91
            \"$0\" apply -f cluster.yaml --requests travel -d etcd-1 --host etcd-1 > rest || exit 92
            exit $code"
        );
        let output = with_mounts(&machines.path("."), &script);
        assert!(stderr_of(&output, 1).contains("No space left on device"));
        if is_json {
            let facts = json_of(&output);
            assert_eq!(names(&facts["changes"]).len(), 1);
            let counts = |of: &Value, what: &[&str]| {
                what.iter().map(|one| of[one].clone()).collect::<Vec<_>>()
            };
            assert_eq!(counts(&facts["done"], &["keys", "requested"]), [2, 1]);
            assert_eq!(counts(&facts["unfinished"], &["done", "all"]), [1, 2]);
        } else {
            let (done, last) = told(&output);
            assert_eq!(done.len(), 1, "{done:?}");
            let rest =
                "2 keys made, 1 request written; 1 of 2 changes done; run it again for the rest";
            assert_eq!(last, rest);
        }
        let rest = fs::read_to_string(machines.path("rest")).unwrap();
        assert!(rest.contains("\n1 request written; bring "), "{rest}");
    }
}

/// One host's folder is full and the other is not: the CA is created, and the other host gets its
/// certificates.
#[test]
fn requests_where_the_ca_is() {
    for (options, is_json) in [("", false), ("--json", true)] {
        let machines = Machines::new(machines::SPECIFICATION);
        for host in machines::HOSTS {
            let _ = machines.quietly(host);
        }
        let script = format!(
            "mv travel/etcd-2 requests && mkdir travel/etcd-2 || exit 90
            mount -t tmpfs -o size=12k tmpfs travel/etcd-2 && cp requests/* travel/etcd-2 || exit 91
            \"$0\" apply -f cluster.yaml --requests travel -d ca {options}
            code=$?
            ls travel/etcd-2/*.pem && exit 92
            mkdir first && cp -a travel/etcd-1 ca first
            mount -o remount,size=1m travel/etcd-2 || exit 93
            \"$0\" apply -f cluster.yaml --requests travel -d ca > rest || exit 94
            cp -a travel/etcd-2/* requests && exit $code"
        );
        let output = with_mounts(&machines.path("."), &script);
        let said = stderr_of(&output, 1);
        assert!(said.contains("No space left on device"), "{said}");
        let first = machines.path("first");
        assert!(first.join("ca/ca.pem").exists());
        let signed = machines.files("first/etcd-1").into_keys();
        let signed = signed
            .filter(|name| name.to_str().unwrap().ends_with("etcd-1.pem"))
            .count();
        if is_json {
            let facts = json_of(&output);
            assert_eq!(facts["create"], json!(["ca.pem"]));
            assert_eq!(facts["changes"].as_array().unwrap().len(), signed);
            assert_eq!(facts["done"]["signed"], signed);
            // The CA, and its certificate for the host, are changes too
            assert_eq!(
                names(&facts["trusted"]),
                BTreeSet::from(["ca.pem".to_owned()])
            );
            assert_eq!(facts["unfinished"]["done"], 2 + signed);
            assert_eq!(facts["unfinished"]["all"], 8);
        } else {
            let (done, last) = told(&output);
            assert_eq!(done.len(), 2 + signed, "{done:?}");
            assert_eq!(named(&done[0]), "ca.pem");
            assert_eq!(named(&done[1]), "etcd-1/ca.pem");
            let rest = format!(
                "{} of 8 changes done; run it again for the rest",
                2 + signed
            );
            assert_eq!(last, rest);
        }
        let rest = fs::read_to_string(machines.path("rest")).unwrap();
        assert!(
            rest.contains(&format!("\n{} requests signed; ", 5 - signed)),
            "{rest}"
        );
        assert_eq!(
            machines.files("requests").len(),
            3 + 3 + 1,
            "requests, certificates, the CA's"
        );
    }
}

#[test]
fn several_certificates_renewed() {
    for (arguments, rest) in [
        (
            &[
                "ssl/member-etcd-1.pem",
                "ssl/node-kube-1.pem",
                "ssl/client-root.pem",
            ][..],
            "2 of 3 renewed; run it again with ssl/client-root.pem",
        ),
        (
            &["-d", "ssl", "--due", "100d"],
            "1 of 2 renewed; run it again for the rest",
        ),
    ] {
        // The certificates of both users are due from their first second
        let clients = "[{name: root, validity: 60s}, {name: backup, validity: 60s}]";
        let cluster =
            Cluster::new(&SPECIFICATION.replace("[root, {name: backup, validity: 90d}]", clients));
        let _ = cluster.apply();
        let link = cluster.file("client-root.pem");
        let before = fs::read(&link).unwrap();
        fs::rename(&link, cluster.path().join("root.pem")).unwrap();
        symlink("../root.pem", &link).unwrap();
        let renew = |options: &[&str]| {
            let mut command = Command::new(etcd_pki());
            command
                .current_dir(cluster.path())
                .args(["cert", "renew"])
                .args(arguments);
            if arguments[0] != "-d" {
                command.args(["-d", "ssl"]);
            }
            command.args(options).output().unwrap()
        };
        let output = renew(&[]);
        let said = stderr_of(&output, 1);
        let lines: Vec<&str> = said.lines().collect();
        let number: usize = rest[..1].parse().unwrap();
        assert_eq!(lines[number], rest, "{said}");
        assert!(
            lines[number + 1].contains("client-root.pem is a link to ssl/../root.pem"),
            "{said}"
        );
        assert_eq!(stdout(&output), "");

        let facts = json_of(&renew(&["--json"]));
        assert_eq!(facts["written"].as_array().unwrap().len(), number);
        assert_eq!(facts["unfinished"]["done"], number);
        assert_eq!(facts["unfinished"]["all"], number + 1);
        assert_eq!(fs::read(&link).unwrap(), before);
    }
}
