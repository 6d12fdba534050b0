//! `etcd-pki check`: faults have the expected codes, Prometheus can read the metrics, and the exit
//! codes are those of Nagios plugins.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
        net::UnixListener,
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

use etcd_pki_core::{
    CaKind, Certificate, CertificateAuthority, Identity, KeyAlgorithm, Layout, Role, Store,
    Validity, layout::PairPaths, store::Overwrite,
};
use etcd_pki_tests::{
    Directory, Scratch,
    command::{etcd_pki, etcd_pki_in},
    is_own_file,
    kubespray::Kubespray,
    openssl, prometheus,
};
use serde_json::Value;

fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(etcd_pki());
    command.current_dir(directory).arg("check").args(arguments);
    command
}

/// Runs the command as a user with limited rights, because no file is closed to root.
fn as_watcher(command: &mut Command) -> &mut Command {
    const NOBODY: u32 = 65_534;
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY);
    }
    command
}

/// Runs `etcd-pki check` in a directory; returns its exit code, standard output and standard error.
fn check(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = command(directory, arguments).output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The codes of the findings about each file that has findings.
fn codes(directory: &Path, arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let (_, printed, _) = check(directory, &[arguments, &["--json"]].concat());
    codes_in(&printed)
}

fn codes_in(json: &str) -> BTreeMap<String, BTreeSet<String>> {
    let document: Value = serde_json::from_str(json).unwrap();
    let mut codes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in document["items"].as_array().unwrap() {
        for finding in item["findings"].as_array().unwrap() {
            let file = item["file"].as_str().unwrap().to_owned();
            let code = finding["code"].as_str().unwrap().to_owned();
            codes.entry(file).or_default().insert(code);
        }
    }
    codes
}

fn assert_codes(directory: &Path, arguments: &[&str], expected: &[(&str, &[&str])]) {
    assert_eq!(codes(directory, arguments), by_file(expected));
}

fn by_file(expected: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
    let expected = expected.iter().map(|(file, codes)| {
        let codes: BTreeSet<_> = codes.iter().map(ToString::to_string).collect();
        ((*file).to_owned(), codes)
    });
    expected.collect()
}

fn directory() -> Directory {
    Directory::create("check", KeyAlgorithm::EcP256)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn each_fault_has_its_code() {
    let all = directory();
    let path = all.path();
    let good = all.issue(Role::Member, "good", &["10.0.0.11"]);
    let name = |text: &str| Identity::new(text).unwrap();
    let days = |days: u32| Role::Client.profile().with_validity(Validity::days(days));
    all.issue_odd("expired", days(1), &name("a"), 2);
    all.issue_odd("alarming", days(30), &name("b"), 28);
    all.issue_odd("soon", days(30), &name("c"), 25);
    all.issue_odd(
        "nameless",
        days(90),
        &name("d").without_alternative_names(),
        0,
    );
    let other_key = all.issue_odd("other-key", days(90), &name("e"), 0);
    fs::copy(&good.key, &other_key.key).unwrap();
    let readable = all.issue_odd("readable", days(90), &name("f"), 0);
    set_mode(&readable.key, 0o644);
    let copied = all.issue_odd("copied", days(90), &name("g"), 0);
    set_mode(&copied.key, 0o640);
    let alone = all.issue_odd("alone", days(90), &name("h"), 0);
    fs::remove_file(alone.key).unwrap();
    openssl::call(path, "req -new -key ca-key.pem -subj /CN=own -out own.csr");
    openssl::call(
        path,
        "x509 -req -in own.csr -CA ca.pem -CAkey ca-key.pem -days 90 -out own.pem",
    );
    let elsewhere = directory();
    let stranger = elsewhere.issue(Role::Client, "stranger", &[]);
    fs::copy(stranger.certificate, path.join("stranger.pem")).unwrap();
    fs::write(path.join("broken.pem"), "-----BEGIN CERTIFICATE-----\nAA").unwrap();
    symlink("nowhere.pem", path.join("dangling.pem")).unwrap();
    fs::write(
        path.join("request.pem"),
        "-----BEGIN X-----\nAAAA\n-----END X-----\n",
    )
    .unwrap();
    fs::write(path.join("notes.txt"), "not looked at").unwrap();
    assert_codes(
        path,
        &["."],
        &[
            ("./alarming.pem", &["EP002"]),
            ("./broken.pem", &["EP012"]),
            ("./dangling.pem", &["EP012"]),
            ("./expired.pem", &["EP001"]),
            ("./nameless.pem", &["EP011"]),
            ("./other-key.pem", &["EP005"]),
            // It has no usages, so etcd accepts it as a peer too
            ("./own.pem", &["EP011", "EP014"]),
            ("./readable.pem", &["EP006"]),
            ("./soon.pem", &["EP003"]),
            ("./stranger.pem", &["EP007"]),
        ],
    );
    // A single file gets the same result as among all files
    for (file, code) in [("stranger.pem", "EP007"), ("other-key.pem", "EP005")] {
        assert_codes(path, &[file], &[(file, &[code])]);
    }
    let ignored = [
        "EP001", "EP002", "EP003", "EP005", "EP006", "EP007", "EP011", "ep012", "EP014",
    ];
    let ignored: Vec<_> = ignored.iter().flat_map(|code| ["--ignore", code]).collect();
    let (code, printed, _) = check(path, &[&["."], &ignored[..]].concat());
    assert_eq!(code, 0, "{printed}");
}

#[test]
fn what_everybody_may_write() {
    let scratch = directory();
    let all = scratch.path();
    scratch.issue(Role::Member, "etcd-1", &[]);
    fs::create_dir(all.join("etcd")).unwrap();
    fs::copy(scratch.ca(), all.join("etcd/ca.crt")).unwrap();
    let empty = all.join("empty");
    fs::create_dir(&empty).unwrap();
    let fault: &[&str] = &["EP015"];
    let ca = scratch.ca();
    for (path, mode, expected) in [
        (&*ca, 0o664, &[][..]),
        (&ca, 0o646, &[("./ca.pem", fault)]),
        (&ca, 0o777, &[("./ca.pem", fault)]),
        (
            &all.join("member-etcd-1.pem"),
            0o666,
            &[("./member-etcd-1.pem", fault)],
        ),
        (&all.join("etcd"), 0o777, &[("./etcd", fault)]),
        // In such a directory, users can only remove their own files
        (&all.join("etcd"), 0o1777, &[]),
        (&all.join("etcd"), 0o775, &[]),
        // It contains no certificates
        (&empty, 0o777, &[]),
        (all, 0o757, &[(".", fault)]),
    ] {
        let before = path.metadata().unwrap().permissions();
        set_mode(path, mode);
        assert_codes(all, &["."], expected);
        fs::set_permissions(path, before).unwrap();
    }

    // The directory of a single file is checked too; a known, accepted state has no row
    set_mode(all, 0o777);
    set_mode(&ca, 0o646);
    assert_codes(all, &["ca.pem"], &[(".", fault), ("ca.pem", fault)]);
    let (code, table, _) = check(all, &["ca.pem"]);
    assert_eq!(code, 2);
    assert!(
        table.contains("          EP015 . has mode 0777, should be 0775: everyone can write it\n"),
        "{table}"
    );
    let (code, table, _) = check(all, &["ca.pem", "--ignore", "EP015"]);
    assert_eq!((code, table.lines().count()), (0, 3), "{table}");
    let (_, line, _) = check(all, &["ca.pem", "--format", "nagios"]);
    assert!(line.starts_with("ETCD-PKI CRITICAL - 2 of 2 certificates: .: . has mode 0777, should be 0775: everyone can write it (EP015)"), "{line}");
    assert_eq!(check(all, &["ca.pem", "--textfile", "a.prom"]).0, 0);
    let samples = prometheus::samples(&all.join("a.prom"));
    let value = |name: &str, path: &str| {
        let mut found = samples
            .iter()
            .filter(|sample| sample["name"] == name && sample["labels"]["filepath"] == path);
        found.next().unwrap()["value"].as_f64().unwrap()
    };
    assert_eq!(value("x509_cert_error", "."), 0.0);
    assert_eq!(value("etcd_pki_check_finding", "."), 1.0);
}

#[test]
fn keys_whose_certificates_are_not_there() {
    let scratch = directory();
    let all = scratch.path();
    let fault: &[&str] = &["EP016"];
    let member = scratch.issue(Role::Member, "etcd-1", &[]);
    let client = scratch.issue(Role::Client, "root", &[]);
    // Other file names, which no layout has. Kubernetes signs no certificates with `sa.key`
    fs::rename(&client.certificate, all.join("admins.pem")).unwrap();
    fs::copy(&member.key, all.join("sa.key")).unwrap();
    assert_codes(all, &["."], &[]);

    let kept = all.join("kept");
    fs::rename(&member.certificate, &kept).unwrap();
    set_mode(&member.key, 0o604);
    let expected: (&str, &[&str]) = ("./member-etcd-1-key.pem", &["EP006", "EP016"]);
    assert_codes(all, &["."], &[expected]);
    // As a shell lists the files
    let listed = [
        "admins.pem",
        "ca-key.pem",
        "ca.pem",
        "member-etcd-1-key.pem",
    ];
    assert_codes(all, &listed, &[("member-etcd-1-key.pem", expected.1)]);
    let ignored = [".", "--ignore", "EP006", "--ignore", "EP016"];
    assert_eq!(check(all, &ignored).0, 0);
    set_mode(&member.key, 0o600);
    let (code, table, _) = check(all, &["."]);
    assert_eq!(code, 1);
    assert!(
        table.contains("          EP016 the certificate is missing\n"),
        "{table}"
    );
    // Only one sample of each metric, because Prometheus refuses the file otherwise
    set_mode(&member.key, 0o604);
    assert_eq!(
        check(all, &["member-etcd-1-key.pem", "--textfile", "a.prom"]).0,
        0
    );
    let _ = prometheus::samples(&all.join("a.prom"));
    set_mode(&member.key, 0o600);

    // The same for a CA
    fs::remove_file(scratch.ca()).unwrap();
    fs::rename(&kept, &member.certificate).unwrap();
    assert_codes(all, &["."], &[("./ca-key.pem", fault)]);
}

#[test]
fn keys_that_wait_for_their_certificates() {
    let scratch = Scratch::new("waiting");
    let path = scratch.path();
    fs::write(path.join("cluster.yaml"), "members: [etcd-1]\n").unwrap();
    let apply = |more: &[&str]| {
        let mut command = Command::new(etcd_pki());
        let command = command
            .current_dir(path)
            .args(["apply", "-f", "cluster.yaml"]);
        assert!(command.args(more).output().unwrap().status.success());
    };
    let host = ["--host", "etcd-1", "-d", "host", "--requests", "travel"];
    apply(&host);
    assert_codes(path, &["host"], &[("host", &["EP013"])]);
    apply(&["-d", "ca", "--requests", "travel"]);
    // Trusted before anything has arrived
    fs::copy(path.join("ca/ca.pem"), path.join("host/ca.pem")).unwrap();
    assert_codes(path, &["host", "ca"], &[]);
    apply(&host);
    assert_codes(path, &["host", "ca"], &[]);

    fs::remove_file(path.join("host/member-etcd-1.pem")).unwrap();
    assert_codes(
        path,
        &["host"],
        &[("host/member-etcd-1-key.pem", &["EP016"])],
    );
    fs::copy(
        path.join("travel/etcd-1/member-etcd-1.csr"),
        path.join("host/member-etcd-1.csr"),
    )
    .unwrap();
    assert_codes(path, &["host"], &[]);
}

#[test]
fn what_lies_where_a_certificate_should_be() {
    let scratch = directory();
    let all = scratch.path();
    scratch.issue(Role::Member, "etcd-1", &[]);
    for directory in ["directory.pem", "host", "directory-key.d", "holder.crt"] {
        fs::create_dir(all.join(directory)).unwrap();
    }
    // Its contents are checked nevertheless
    fs::write(
        all.join("holder.crt/broken.pem"),
        "-----BEGIN CERTIFICATE-----\nAA",
    )
    .unwrap();
    for pipe in ["pipe.crt", "host/pipe.pem", "pipe.txt"] {
        assert!(
            Command::new("mkfifo")
                .arg(all.join(pipe))
                .status()
                .unwrap()
                .success()
        );
    }
    let _socket = UnixListener::bind(all.join("socket.pem")).unwrap();
    symlink("/dev/null", all.join("device.cer")).unwrap();
    symlink("pipe.txt", all.join("link.pem")).unwrap();
    fs::copy(scratch.ca(), all.join("closed.pem")).unwrap();
    set_mode(&all.join("closed.pem"), 0);

    let fault: &[&str] = &["EP012"];
    let mut expected = vec![
        ("./closed.pem", fault),
        ("./device.cer", fault),
        ("./directory.pem", fault),
        ("./holder.crt", fault),
        ("./holder.crt/broken.pem", fault),
        ("./host/pipe.pem", fault),
        ("./link.pem", fault),
        ("./pipe.crt", fault),
        ("./socket.pem", fault),
    ];
    let output = as_watcher(&mut command(all, &[".", "--json"]))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(codes_in(&printed), by_file(&expected));
    let certificates = printed.matches("\"certificate\": {").count();
    assert_eq!(certificates, 2, "{printed}");
    assert!(
        printed.contains("./pipe.crt is no regular file"),
        "{printed}"
    );
    assert!(
        printed.contains("cannot read ./closed.pem: Permission denied"),
        "{printed}"
    );
    // Prometheus accepts the metrics of all these files
    assert_eq!(check(all, &[".", "--textfile", "a.prom"]).0, 0);
    assert!(prometheus::samples(&all.join("a.prom")).len() > expected.len());

    // Each file by itself; a directory is searched
    expected.retain(|(file, _)| !file.ends_with("closed.pem") && !file.starts_with("./holder.crt"));
    for (file, codes) in expected {
        let codes = if file == "./directory.pem" {
            &["EP013"]
        } else {
            codes
        };
        assert_codes(all, &[file, "ca.pem"], &[(file, codes)]);
    }
}

/// etcd reads only PEM, and it never reads the key of a CA.
#[test]
fn der_is_told_where_pem_should_be() {
    let all = directory();
    let to_der = |kind: &str, file: &str, to: &str| {
        let arguments = format!("{kind} -in {file} -outform DER -out made.tmp");
        openssl::call(all.path(), &arguments);
        fs::rename(all.path().join("made.tmp"), all.path().join(to)).unwrap();
    };
    let certificate = all.issue_odd("a", Role::Client.profile(), &Identity::new("a").unwrap(), 0);
    fs::copy(certificate.certificate, all.path().join("key.pem")).unwrap();
    to_der("x509", "a.pem", "certificate.crt");
    to_der("x509", "a.pem", "fine.der");
    to_der("pkey", "a-key.pem", "key-key.pem");
    to_der("pkey", "a-key.pem", "other.key");
    for (file, mode) in [("key-key.pem", 0o600), ("other.key", 0o644)] {
        set_mode(&all.path().join(file), mode);
    }
    to_der("pkey", "ca-key.pem", "ca-key.pem");
    set_mode(&all.path().join("ca-key.pem"), 0o600);
    assert_codes(
        all.path(),
        &["."],
        &[
            ("./certificate.crt", &["EP041"]),
            ("./key.pem", &["EP041"]),
            ("./other.key", &["EP006", "EP041"]),
        ],
    );
    // It is read and checked nevertheless
    let (code, printed, _) = check(all.path(), &["certificate.crt", "key.pem", "-w", "400d"]);
    assert_eq!(code, 2);
    for expected in [
        "etcd does not read certificate.crt: it is DER, not PEM",
        "etcd does not read key-key.pem: it is DER, not PEM",
        "expires in 364 days",
    ] {
        assert!(printed.contains(expected), "{printed}");
    }
    to_der("x509", "ca.pem", "ca.pem");
    assert_codes(all.path(), &["ca.pem"], &[("ca.pem", &["EP041"])]);
    // If its certificate is missing, the name of the key shows what it is
    fs::remove_file(all.path().join("ca.pem")).unwrap();
    assert_codes(
        all.path(),
        &["ca-key.pem", "a.pem"],
        &[("ca-key.pem", &["EP016"])],
    );
}

#[test]
fn what_openssl_makes() {
    let kubespray = Kubespray::create(&["node1"], &["node1"]);
    // The only fault is that the CA has no keyUsage
    assert_codes(kubespray.path(), &["."], &[("./ca.pem", &["EP008"])]);

    let scratch = Scratch::new("openssl");
    let path = scratch.path();
    let call = |line: &str| openssl::call(path, line);
    let _ = call(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 100 -subj /CN=etcd-ca -addext keyUsage=critical,keyCertSign",
    );
    fs::write(path.join("server.cnf"), "extendedKeyUsage=serverAuth\n").unwrap();
    for (file, days) in [("server", "50"), ("long", "200")] {
        let _ = call(&format!(
            "req -newkey rsa:2048 -nodes -keyout {file}.key -out {file}.csr -subj /CN={file}"
        ));
        let _ = call(&format!(
            "x509 -req -in {file}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days {days} -extfile server.cnf -out {file}.crt"
        ));
    }
    assert_codes(
        path,
        &["."],
        &[
            // They have only a common name, which Go ignores
            ("./long.crt", &["EP009", "EP010", "EP049"]),
            ("./server.crt", &["EP010", "EP049"]),
        ],
    );
    assert_codes(
        path,
        &["ca.crt", "--at", "2020-01-01T00:00:00Z"],
        &[("ca.crt", &["EP004"])],
    );
}

#[test]
fn trees_of_hosts() {
    let scratch = Scratch::new("trees");
    for host in ["etcd-1", "etcd-2"] {
        let tree = scratch.path().join("pki").join(host);
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let store = Store::new(&tree, Layout::Kubeadm);
        let files = store.lock().unwrap();
        files.write_ca(CaKind::Client, &ca, None).unwrap();
        for role in [Role::Member, Role::Node] {
            let bundle = ca.issue(role, Identity::new(host).unwrap()).unwrap();
            files.write(&bundle).unwrap();
        }
    }
    assert_codes(scratch.path(), &["pki"], &[]);
    let (code, printed, _) = check(scratch.path(), &["pki"]);
    assert_eq!(code, 0, "{printed}");
    // Each host has: CA, server, peer, apiserver-etcd-client
    assert!(printed.ends_with("\n8 ok\n"), "{printed}");

    // The files of another host: its CA has the same name and another key
    let pki = scratch.path().join("pki");
    fs::copy(
        pki.join("etcd-1/etcd/peer.crt"),
        pki.join("etcd-2/etcd/peer.crt"),
    )
    .unwrap();
    assert_codes(
        scratch.path(),
        &["pki"],
        &[("pki/etcd-2/etcd/peer.crt", &["EP005", "EP007"])],
    );
}

#[test]
fn thresholds_are_times_and_shares() {
    let all = directory();
    let days = |days: u32| Role::Client.profile().with_validity(Validity::days(days));
    let name = Identity::new("a").unwrap();
    all.issue_odd("a", days(100), &name, 25);
    for (arguments, code) in [
        (&["-w", "76d"][..], 1),
        (&["-w", "74d"], 0),
        (&["-w", "76%"], 1),
        (&["-w", "74%"], 0),
        (&["-w", "90d", "-c", "76d"], 2),
        (&["-w", "90%", "-c", "76%"], 2),
        (&["--at", "40d"], 0),
        (&["--at", "46d"], 1),
        (&["--at", "69d"], 2),
        (&["--at", "76d"], 2),
    ] {
        let (found, printed, stderr) = check(all.path(), &[&["a.pem"], arguments].concat());
        assert_eq!(found, code, "{arguments:?}: {printed}{stderr}");
    }
}

#[test]
fn exit_codes_and_the_line_are_those_of_nagios() {
    let all = directory();
    all.issue(Role::Member, "etcd-1", &[]);
    let path = all.path();
    fs::create_dir(path.join("empty")).unwrap();
    for (arguments, code, begins) in [
        (
            &["."][..],
            0,
            "ETCD-PKI OK - 2 certificates, the first ends in 364 days | days_left=364;30:;7:\n",
        ),
        (
            &[".", "-w", "400d"],
            1,
            "ETCD-PKI WARNING - 1 of 2 certificates: ./member-etcd-1.pem: expires in ",
        ),
        (
            &[".", "-w", "400d", "-c", "400d"],
            2,
            "ETCD-PKI CRITICAL - 1 of 2 ",
        ),
        (
            &["empty"],
            3,
            "ETCD-PKI UNKNOWN - 1 of 1 certificate: empty: no certificate in it (EP013)\n",
        ),
        (&["ca-key.pem"], 3, "ETCD-PKI UNKNOWN - "),
        (&["nowhere"], 3, "ETCD-PKI UNKNOWN - "),
    ] {
        let (found, printed, stderr) = check(path, &[arguments, &["--format", "nagios"]].concat());
        assert_eq!(found, code, "{arguments:?}: {printed}{stderr}");
        assert!(printed.starts_with(begins), "{printed}");
    }
    for usage in [
        &[][..],
        &["--nonsense"],
        &[".", "-w", "x"],
        &[".", "-w", "1d", "-c", "2d"],
        &[".", "--at", "x"],
        &[".", "--ignore", "EP999"],
    ] {
        let (found, printed, stderr) = check(path, usage);
        assert_eq!((found, printed.as_str()), (3, ""), "{usage:?}");
        assert!(stderr.starts_with("etcd-pki: "), "{stderr}");
    }
    assert_eq!(check(path, &["--help"]).0, 0);
}

#[test]
fn prometheus_reads_the_metrics() {
    let all = directory();
    let odd = Identity::from_common_name(r#"a "b\c"#).unwrap();
    let pair = PairPaths {
        certificate: "quote\"back\\slash\nline.pem".into(),
        key: "x-key.pem".into(),
    };
    let ca = all.store().ca(CaKind::Client, None).unwrap();
    let client = ca.issue(Role::Client, &odd).unwrap();
    let lock = all.store().lock().unwrap();
    lock.write_pairs(&[(&client, &pair)], Overwrite::Refuse)
        .unwrap();
    drop(lock);
    all.issue_odd(
        "expired",
        Role::Client.profile().with_validity(Validity::days(1)),
        &Identity::new("a").unwrap(),
        2,
    );
    fs::write(
        all.path().join("broken.pem"),
        "-----BEGIN CERTIFICATE-----\nAA",
    )
    .unwrap();

    // The exit code does not depend on the certificates
    let (code, printed, stderr) = check(all.path(), &[".", "--textfile", "etcd_pki.prom"]);
    assert_eq!((code, printed.as_str(), stderr.as_str()), (0, "", ""));
    let file = all.path().join("etcd_pki.prom");
    let samples = prometheus::samples(&file);
    let (code, printed, _) = check(all.path(), &[".", "--format", "prometheus"]);
    assert_eq!(code, 0);
    let same = |text: &str| {
        text.lines()
            .filter(|line| !line.contains("last_run"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(same(&printed), same(&fs::read_to_string(&file).unwrap()));

    let value = |name: &str, label: &str, text: &str| {
        let mut found = samples
            .iter()
            .filter(|sample| sample["name"] == name && sample["labels"][label] == text);
        let sample = found
            .next()
            .unwrap_or_else(|| panic!("{name} {text:?}: {samples:#?}"));
        (sample["value"].as_f64().unwrap(), sample["labels"].clone())
    };
    let odd_path = format!("./{}", pair.certificate.display());
    let (end, labels) = value("x509_cert_not_after", "filepath", &odd_path);
    let certificate = client.certificate();
    let since = certificate
        .not_after()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(end, since.as_secs() as f64);
    assert_eq!(labels["filename"], pair.certificate.to_str().unwrap());
    assert_eq!(labels["subject_CN"], certificate.common_name().unwrap());
    assert_eq!(labels["issuer_CN"], "etcd-ca");
    let decimal = labels["serial_number"].as_str().unwrap();
    assert_eq!(openssl_decimal(all.path(), certificate), decimal);
    assert_eq!(
        value("x509_cert_expired", "filepath", "./expired.pem").0,
        1.0
    );
    assert_eq!(value("x509_cert_expired", "filepath", "./ca.pem").0, 0.0);
    assert_eq!(value("x509_cert_error", "filepath", "./broken.pem").0, 1.0);
    assert_eq!(value("x509_cert_error", "filepath", "./ca.pem").0, 0.0);
    assert_eq!(
        value("etcd_pki_check_findings", "severity", "critical").0,
        2.0
    );
    assert_eq!(
        value("etcd_pki_check_finding", "code", "EP001").1["filepath"],
        "./expired.pem"
    );
}

/// The serial number that OpenSSL prints, converted to decimal by Python.
fn openssl_decimal(directory: &Path, certificate: &Certificate) -> String {
    fs::write(directory.join("serial.crt"), certificate.to_pem()).unwrap();
    let printed = openssl::call(directory, "x509 -in serial.crt -noout -serial");
    let hexadecimal = printed
        .stdout()
        .trim()
        .trim_start_matches("serial=")
        .to_owned();
    let program = format!("print(int('{hexadecimal}', 16))");
    let python = etcd_pki_tests::Tool::PYTHON
        .command()
        .args(["-c", &program])
        .output()
        .unwrap();
    String::from_utf8(python.stdout).unwrap().trim().to_owned()
}

#[test]
fn certificates_of_one_number_are_told_apart() {
    let scratch = Scratch::new("bundle");
    let path = scratch.path();
    // A CA that was renewed with its key and serial number; both certificates are in one file
    let mut bundle = String::new();
    for days in ["100", "3650"] {
        let key = if bundle.is_empty() {
            "-newkey rsa:2048 -keyout ca-key.pem"
        } else {
            "-key ca-key.pem"
        };
        let _ = openssl::call(
            path,
            &format!(
                "req -x509 {key} -nodes -out one.crt -days {days} -set_serial 7 -subj /CN=etcd-ca -addext keyUsage=keyCertSign"
            ),
        );
        bundle += &fs::read_to_string(path.join("one.crt")).unwrap();
    }
    fs::remove_file(path.join("one.crt")).unwrap();
    fs::write(path.join("ca.pem"), bundle).unwrap();
    assert_eq!(check(path, &[".", "--textfile", "a.prom"]).0, 0);
    let samples = prometheus::samples(&path.join("a.prom"));
    let ends = samples
        .iter()
        .filter(|sample| sample["name"] == "x509_cert_not_after");
    let apart: BTreeSet<_> = ends
        .map(|sample| sample["labels"]["discriminator"].as_str().unwrap())
        .collect();
    assert_eq!(apart.len(), 2);
    let (_, table, _) = check(path, &["."]);
    assert!(table.contains("  ./ca.pem#2\n"), "{table}");
}

#[test]
fn the_key_matches_one_ca_of_the_file() {
    let (old, new) = (directory(), directory());
    let both = fs::read_to_string(old.ca()).unwrap() + &fs::read_to_string(new.ca()).unwrap();
    fs::write(new.ca(), both).unwrap();
    new.issue(Role::Client, "new", &[]);
    let stays = old.issue(Role::Client, "old", &[]);
    fs::copy(stays.certificate, new.path().join("client-old.pem")).unwrap();
    assert_codes(new.path(), &["."], &[]);
    // `cert match` gives the same answer
    let ca = fs::read_to_string(new.ca()).unwrap();
    let leaf = fs::read_to_string(new.path().join("client-new.pem")).unwrap();
    fs::write(new.path().join("chain.pem"), leaf + &ca).unwrap();
    for (files, code) in [
        ("ca.pem", 0),
        ("ca.pem ca-key.pem", 0),
        ("ca-key.pem ca.pem", 0),
        ("ca.pem client-new-key.pem", 1),
        ("chain.pem ca-key.pem", 1),
        ("chain.pem client-new-key.pem", 0),
    ] {
        let line = format!("cert match {files}");
        let _ = etcd_pki_in(new.path(), &line).expect_code(code);
    }
}

/// A copy of the CA's key in the key file of a leaf, as a plan reports it.
#[test]
fn a_copy_of_the_key_of_a_ca() {
    let all = directory();
    let pair = all.issue(Role::Client, "app", &[]);
    fs::copy(all.path().join("ca-key.pem"), &pair.key).unwrap();
    assert_codes(
        all.path(),
        &["."],
        &[("./client-app.pem", &["EP005", "EP014"])],
    );
}

/// A CA that was renewed with the same key still signed what it signed: openssl renews it with
/// another key identifier, or with another encoding of the same name.
#[test]
fn a_renewed_ca_has_signed() {
    let all = directory();
    all.issue(Role::Client, "app", &[]);
    let call = |line: &str| drop(openssl::call(all.path(), line));
    let first = fs::read_to_string(all.ca()).unwrap();
    let renew = |mask: &str, identifier: &str| {
        let text = format!(
            "[req]\nstring_mask={mask}\ndistinguished_name=dn\nx509_extensions=v3\nprompt=no\n\
             [dn]\nCN=etcd-ca\n\
             [v3]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier={identifier}\n"
        );
        fs::write(all.path().join("renew.cnf"), text).unwrap();
        call("req -x509 -new -key ca-key.pem -days 99 -out renewed -config renew.cnf");
        fs::read_to_string(all.path().join("renewed")).unwrap()
    };
    let identifier = renew("utf8only", "01020304");
    let encoding = renew("pkix", "hash");
    let stranger = directory();
    let stranger = fs::read_to_string(stranger.ca()).unwrap();
    for renewed in [&first, &identifier, &encoding] {
        for bundle in [renewed.clone(), format!("{stranger}{renewed}")] {
            fs::write(all.ca(), bundle).unwrap();
            let (_, printed, _) = check(all.path(), &[".", "--json"]);
            let printed: Value = serde_json::from_str(&printed).unwrap();
            let of_cas = printed["items"].as_array().unwrap().iter();
            let of_cas = of_cas.filter(|one| one["file"] == "./ca.pem");
            let signed: Vec<_> = of_cas.map(|one| one["signed_here"].clone()).collect();
            let expected = if signed.len() == 1 {
                vec![Value::Bool(true)]
            } else {
                vec![Value::Bool(false), Value::Bool(true)]
            };
            assert_eq!(signed, expected, "{printed}");
        }
    }
}

#[test]
fn who_watches_need_not_read_keys() {
    let all = directory();
    let pair = all.issue(Role::Member, "etcd-1", &[]);
    for key in [all.path().join("ca-key.pem"), pair.key] {
        set_mode(&key, 0);
    }
    let output = as_watcher(&mut command(all.path(), &["."]))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("  member  ?      ./member-etcd-1.pem\n"),
        "{printed}"
    );
}

#[test]
fn the_text_file_is_written_whole_or_not_at_all() {
    let all = directory();
    let path = all.path();
    let file = path.join("etcd_pki.prom");
    fs::write(&file, "old").unwrap();
    set_mode(&file, 0o640);
    // Both outputs: the metrics in the file, and the answer on standard output
    let (code, printed, _) = check(
        path,
        &[
            "ca.pem",
            "-w",
            "9999d",
            "--format",
            "nagios",
            "--textfile",
            "etcd_pki.prom",
        ],
    );
    assert_eq!(code, 1);
    assert!(printed.starts_with("ETCD-PKI WARNING"), "{printed}");
    assert!(prometheus::samples(&file).len() > 4);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    let hidden = fs::read_dir(path).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with('.') && !is_own_file(&name)
    });
    assert_eq!(hidden.count(), 0);

    let before = fs::read(&file).unwrap();
    symlink("etcd_pki.prom", path.join("link.prom")).unwrap();
    for (target, says) in [
        ("etcd_pki.txt", ".prom"),
        ("link.prom", "symbolic link"),
        ("nowhere/a.prom", "nowhere"),
    ] {
        let (code, printed, stderr) = check(path, &["ca.pem", "--textfile", target]);
        assert_eq!((code, printed.as_str()), (3, ""), "{target}");
        assert!(stderr.contains(says), "{stderr}");
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}
