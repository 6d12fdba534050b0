//! A cluster's directory, planned and applied: only due certificates change.
use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    CaKind, CertificateAuthority, Layout, PrivateKey, Store,
    cluster::{DesiredCa, DesiredPair},
    internal::READ_LIMIT,
    plan::{Action, PlanOptions},
};
use etcd_pki_tests::{
    Tool,
    cluster::{Cluster, PAIRS, SPECIFICATION},
    command::etcd_pki,
    read_certificate, run, stderr_of,
};

#[test]
fn a_second_time_there_is_nothing_to_do() {
    let cluster = Cluster::applied();
    cluster.assert_whole();
    let before = cluster.contents();
    let again = cluster.apply();
    assert_eq!(
        (&again["created"], &again["kept"]),
        (&0.into(), &PAIRS.into())
    );
    assert_eq!(cluster.contents(), before);
    assert!(run(cluster.command("plan").arg("--check")).success());
}

#[test]
fn plan_writes_nothing_and_says_whether_something_is_due() {
    let cluster = Cluster::new(SPECIFICATION);
    let output = cluster.command("plan").arg("--check").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(!cluster.directory().exists());
}

#[test]
fn each_fault_is_named_and_mended_alone() {
    let cluster = Cluster::applied();

    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    assert_eq!(
        cluster.due()["client-root.pem"],
        "renew: the certificate is missing"
    );
    cluster.assert_mended(&["client-root.pem"]);

    fs::remove_file(cluster.file("client-root-key.pem")).unwrap();
    assert_eq!(
        cluster.due()["client-root.pem"],
        "re-issue: the key is missing"
    );
    cluster.assert_mended(&["client-root-key.pem", "client-root.pem"]);

    // A replacement of both files that was interrupted between the two
    fs::copy(
        cluster.file("client-backup.pem"),
        cluster.file("client-root.pem"),
    )
    .unwrap();
    let due = cluster.due();
    assert!(
        due["client-root.pem"]
            .starts_with("renew: client-root-key.pem does not match the certificate"),
        "{due:?}"
    );
    cluster.assert_mended(&["client-root.pem"]);

    // Unknown contents, and files larger than the limit, are not replaced
    let huge = |file: &str| {
        let planted = fs::File::create(cluster.file(file)).unwrap();
        planted.set_len(READ_LIMIT + 1).unwrap();
    };
    for file in ["client-root.pem", "client-root-key.pem"] {
        for (is_huge, reason) in [
            (false, format!("blocked: ssl/{file}: not a valid ")),
            (true, format!("blocked: ssl/{file}: larger than 16 MiB")),
        ] {
            let whole = fs::read(cluster.file(file)).unwrap();
            match is_huge {
                true => huge(file),
                false => fs::write(cluster.file(file), "nonsense").unwrap(),
            }
            let length = || cluster.file(file).metadata().unwrap().len();
            let before = length();
            let due = cluster.due();
            assert_eq!(due.len(), 1, "{due:?}");
            assert!(due["client-root.pem"].starts_with(&reason), "{due:?}");
            let said = stderr_of(&cluster.command("apply").output().unwrap(), 1);
            assert!(said.contains(&reason["blocked: ".len()..]), "{said}");
            assert_eq!(length(), before);
            fs::write(cluster.file(file), whole).unwrap();
            cluster.assert_whole();
        }
    }
    // A new key replaces an unreadable one only on request
    fs::write(cluster.file("client-root-key.pem"), "nonsense").unwrap();
    let mut rekey = cluster.command("apply");
    let _ = run(rekey.args(["--rekey", "--only", "root"])).expect_success();
    cluster.assert_whole();

    // Files that a crash leaves count as missing
    fs::write(cluster.file("client-root.pem"), [0; 100]).unwrap();
    cluster.assert_mended(&["client-root.pem"]);
    fs::write(cluster.file("client-root-key.pem"), [0; 100]).unwrap();
    cluster.assert_mended(&["client-root-key.pem", "client-root.pem"]);

    let key = cluster.file("node-kube-1-key.pem");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        cluster.due()["node-kube-1.pem"],
        "chmod: node-kube-1-key.pem has mode 0644, should be 0600: everyone can read it"
    );
    cluster.assert_mended(&[]);
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // The mode of Kubespray's copies
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    cluster.assert_whole();
}

#[test]
fn what_everybody_may_write_is_closed() {
    let cluster = Cluster::applied();
    let set = |path: &Path, mode: u32| {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    // A user who can replace one of them controls what others trust
    for (file, found) in [("ca.pem", 0o777), ("member-etcd-1.pem", 0o646)] {
        set(&cluster.file(file), found);
        assert_eq!(
            cluster.due(),
            BTreeMap::from([(
                file.to_owned(),
                format!(
                    "chmod: {file} has mode {found:04o}, should be 0644: everyone can write it"
                )
            )])
        );
        cluster.assert_mended(&[]);
        assert_eq!(mode(&cluster.file(file)), 0o644);
    }
    // A certificate that replaces one with an open mode does not get that mode
    let certificate = cluster.file("client-root.pem");
    fs::write(&certificate, "").unwrap();
    set(&certificate, 0o666);
    cluster.assert_mended(&["client-root.pem"]);
    assert_eq!(mode(&certificate), 0o644);
    // The owner may choose the group's rights
    set(&certificate, 0o664);
    cluster.assert_whole();
    // The target of a link belongs to the user who created the link
    let away = cluster.path().join("away.pem");
    fs::rename(&certificate, &away).unwrap();
    set(&away, 0o666);
    symlink(&away, &certificate).unwrap();
    assert_eq!(cluster.due(), BTreeMap::new());
}

#[test]
fn a_ca_that_is_renewed_elsewhere_is_closed_here() {
    let cluster = Cluster::applied();
    let ca = cluster.file("ca.pem");
    fs::remove_file(cluster.file("ca-key.pem")).unwrap();
    fs::set_permissions(&ca, Permissions::from_mode(0o666)).unwrap();
    let store = Store::new(cluster.directory(), Layout::Kubespray);
    let specification = etcd_pki_core::Cluster::from_yaml("{}").unwrap();
    let late = SystemTime::now() + Duration::from_secs(3640 * 86_400);
    let late = PlanOptions::new().at(late);
    let plan = specification.plan_with(&store, &late).unwrap();
    assert_eq!(plan.steps()[0].action(), Action::Chmod);
    let report = plan.apply().unwrap().into_result().unwrap();
    assert_eq!((report.count(Action::Chmod), report.changed()), (1, 1));
    assert_eq!(ca.metadata().unwrap().permissions().mode() & 0o777, 0o644);
    let plan = specification.plan_with(&store, &late).unwrap();
    assert_eq!(plan.steps()[0].action(), Action::Keep);
}

#[test]
fn another_specification_changes_what_it_must() {
    let cluster = Cluster::applied();
    let edit = |from: &str, to: &str| {
        assert!(SPECIFICATION.contains(from));
        cluster.specify(&SPECIFICATION.replace(from, to));
    };
    edit("10.0.0.12", "10.0.0.99");
    assert_eq!(
        cluster.due()["member-etcd-2.pem"],
        "renew: 10.0.0.99 is missing; 10.0.0.12 is not in the specification"
    );
    cluster.assert_mended(&["member-etcd-2.pem"]);
    edit(
        "root, ",
        "{name: root, common_name: administrator, organization: operators}, ",
    );
    assert_eq!(
        cluster.due()["client-root.pem"],
        "renew: common name root, should be administrator; organization none, should be operators"
    );
    let _ = cluster.apply();
    edit("[root, ", "[{name: root, algorithm: ed25519}, ");
    assert!(
        cluster.due()["client-root.pem"]
            .starts_with("re-issue: the key is ec-p256, should be ed25519")
    );
    let _ = cluster.apply();
    cluster.assert_whole();
    cluster.specify(SPECIFICATION);
    let _ = cluster.apply();
    // Otherwise, a certificate that is due from its first day would be renewed at each run: it is
    // never renewed before the last third of its validity
    cluster.specify(&format!(
        "defaults: {{renew_before: 300d}}\n{SPECIFICATION}"
    ));
    assert!(cluster.due().is_empty());
}

#[test]
fn one_name_alone_and_new_keys_when_asked_for() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("10.0.0.1", "10.0.9.1"));
    let before = cluster.contents();
    let _ = run(cluster
        .command("apply")
        .args(["--only", "etcd-2", "--rekey"]))
    .expect_success();
    let after = cluster.contents();
    let changed: Vec<_> = after
        .keys()
        .filter(|name| before[*name] != after[*name])
        .collect();
    assert_eq!(changed, ["member-etcd-2-key.pem", "member-etcd-2.pem"]);
    assert_eq!(
        cluster.due().keys().collect::<Vec<_>>(),
        ["member-etcd-1.pem"]
    );
    let said = stderr_of(
        &cluster
            .command("apply")
            .args(["--only", "etcd"])
            .output()
            .unwrap(),
        1,
    );
    assert!(said.contains("\"etcd\" is no host and no user"), "{said}");
}

/// A missing key is not listed among the files that are removed.
#[test]
fn a_certificate_without_its_key_is_pruned() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("[kube-1]", "[]"));
    let prune = || cluster.command("plan").arg("--prune").output().unwrap();
    let line = || {
        let printed = String::from_utf8(prune().stdout).unwrap();
        let mut lines = printed.lines();
        lines
            .find(|line| line.contains("remove"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        line(),
        "  remove    node-kube-1.pem               and node-kube-1-key.pem"
    );
    fs::remove_file(cluster.file("node-kube-1-key.pem")).unwrap();
    assert_eq!(line(), "  remove    node-kube-1.pem");
    let applied = run(cluster.command("apply").args(["--prune", "--json"])).expect_success();
    let facts: serde_json::Value = serde_json::from_str(applied.stdout()).unwrap();
    assert_eq!(facts["remove"][0]["key"], serde_json::Value::Null);
    assert!(!cluster.file("node-kube-1.pem").exists());
}

#[test]
fn who_is_gone_stays_until_it_is_pruned() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("root, ", ""));
    let plan = cluster.command("plan").output().unwrap();
    let said = stderr_of(&plan, 0);
    assert!(
        said.contains("note: not in the specification: client-root.pem\n"),
        "{said}"
    );
    let _ = cluster.apply();
    let secret = fs::read(cluster.file("client-root-key.pem")).unwrap();
    // The files of others, and certificates of another CA, are not pruned
    fs::write(cluster.file("notes.pem"), "mine").unwrap();
    fs::write(
        cluster.file("client-other.pem"),
        include_str!("../python/requirements.txt"),
    )
    .unwrap();
    let _ = run(cluster.command("apply").args(["--prune", "--backup"])).expect_success();
    let left = cluster.contents();
    assert!(!left.contains_key("client-root.pem") && !left.contains_key("client-root-key.pem"));
    assert!(left.contains_key("notes.pem") && left.contains_key("client-other.pem"));
    let backups: Vec<_> = left
        .iter()
        .filter(|(name, _)| name.ends_with(".bak"))
        .collect();
    assert_eq!(backups.len(), 2);
    assert!(
        backups
            .iter()
            .any(|(name, contents)| name.starts_with(".client-root-key.pem.")
                && **contents == secret)
    );
    let (name, _) = backups[0];
    assert_eq!(
        cluster.file(name).metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// If a key must be replaced, the other reasons are reported as well.
#[test]
fn every_reason_is_reported() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("10.0.0.11", "10.0.0.99"));
    let certificate = cluster.file("member-etcd-1.pem");
    let key = cluster.file("member-etcd-1-key.pem");
    let (missing, extra) = (
        "10.0.0.99 is missing",
        "10.0.0.11 is not in the specification",
    );
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let mode = "member-etcd-1-key.pem has mode 0644, should be 0600: everyone can read it";
    let due = || cluster.due()["member-etcd-1.pem"].clone();
    assert_eq!(due(), format!("renew: {missing}; {extra}; {mode}"));

    fs::write(&key, fs::read(cluster.file("client-root-key.pem")).unwrap()).unwrap();
    let shared =
        "another pair has the same key; member-etcd-1-key.pem does not match the certificate";
    assert_eq!(
        due(),
        format!("blocked: {shared}; {missing}; {extra}; {mode}")
    );

    fs::write(&key, "nonsense").unwrap();
    let told = due();
    assert!(
        told.starts_with("blocked: ssl/member-etcd-1-key.pem: "),
        "{told}"
    );
    assert!(
        told.ends_with(&format!("; {missing}; {extra}; {mode}")),
        "{told}"
    );

    fs::remove_file(&key).unwrap();
    assert_eq!(
        due(),
        format!("re-issue: the key is missing; {missing}; {extra}")
    );
    fs::write(certificate, "nonsense").unwrap();
    assert!(
        due().starts_with("blocked: ssl/member-etcd-1.pem: "),
        "{}",
        due()
    );
}

/// A certificate that expires with its CA is renewed in the same run as the CA, and not in the next
/// one.
#[test]
fn what_ends_with_its_ca_is_renewed_with_it() {
    const DAY: Duration = Duration::from_secs(86_400);
    const MINUTE: Duration = Duration::from_secs(60);
    let text = SPECIFICATION.replace("{name: backup, validity: 90d}", "backup");
    let cluster = Cluster::new(&text);
    let _ = cluster.apply();
    let specification = etcd_pki_core::Cluster::from_yaml(&text).unwrap();
    let store = Store::new(cluster.directory(), specification.layout());
    let plan = specification.plan(&store).unwrap();
    // A CA for ten years and certificates for one year, which all expire in twenty days
    let (ten_years_ago, months_ago) = (
        SystemTime::now() - 3_630 * DAY - MINUTE,
        SystemTime::now() - 300 * DAY,
    );
    let mut ca = None;
    for step in plan.steps() {
        let (certificate, key) = match (step.ca(), step.pair(), &ca) {
            (
                Some(DesiredCa {
                    identity, profile, ..
                }),
                _,
                _,
            ) => {
                let key = PrivateKey::generate_with(profile.algorithm()).unwrap();
                let secret = key.to_secret_pem();
                let made = CertificateAuthority::create_for(key, identity, *profile, ten_years_ago)
                    .unwrap();
                let certificate = made.certificate().to_pem();
                ca = Some(made);
                (certificate, secret)
            }
            (
                _,
                Some(DesiredPair {
                    identity, profile, ..
                }),
                Some(ca),
            ) => {
                let bundle = ca.at(months_ago).issue(*profile, identity).unwrap();
                assert!(bundle.requested_end().is_some());
                (bundle.to_pem(), bundle.to_secret_pem())
            }
            other => panic!("a CA comes first: {other:?}"),
        };
        fs::write(&step.paths().certificate, certificate).unwrap();
        fs::write(&step.paths().key, key).unwrap();
    }

    // The pair of one host would expire with the CA again
    let only = run(cluster
        .command("plan")
        .args(["--only", "kube-1", "--check"]));
    assert!(only.success(), "{}", only.stdout());
    assert!(
        only.stdout().contains("; next renewal "),
        "{}",
        only.stdout()
    );

    let due = cluster.due();
    assert_eq!(due.len(), PAIRS, "{due:?}");
    assert!(
        due.values().all(|due| due == "renew: expires in 19 days"),
        "{due:?}"
    );
    let _ = cluster.apply();
    cluster.assert_whole();
}

/// etcd reads only PEM.
#[test]
fn der_is_no_file_of_a_pair() {
    let cluster = Cluster::applied();
    let to_der = |kind: &str, file: &str| {
        let (pem, der) = (cluster.file(file), cluster.path().join("der"));
        let mut openssl = Tool::OPENSSL.command();
        openssl
            .args([kind, "-outform", "DER", "-in"])
            .arg(&pem)
            .arg("-out")
            .arg(&der);
        let _ = run(&mut openssl).expect_success();
        fs::write(pem, fs::read(der).unwrap()).unwrap();
    };
    let told = |file: &str| format!("etcd does not read {file}: it is DER, not PEM");
    for (kind, file, action, mended) in [
        ("x509", "client-root.pem", "renew", &["client-root.pem"][..]),
        (
            "pkey",
            "client-root-key.pem",
            "renew",
            &["client-root-key.pem", "client-root.pem"],
        ),
    ] {
        let key = || {
            let bytes = fs::read(cluster.file("client-root-key.pem")).unwrap();
            let key = PrivateKey::from_bytes(&bytes, None).unwrap();
            key.public_key().clone()
        };
        let before = key();
        to_der(kind, file);
        assert_eq!(
            cluster.due()["client-root.pem"],
            format!("{action}: {}", told(file))
        );
        cluster.assert_mended(mended);
        assert_eq!(key(), before);
    }
    let ca = read_certificate(cluster.file("ca.pem"));
    to_der("x509", "ca.pem");
    let due = cluster.due();
    let expected = "trust: etcd does not read it: it is DER, not PEM";
    assert_eq!(due["ca.pem"], expected);
    cluster.assert_mended(&["ca.pem"]);
    assert_eq!(read_certificate(cluster.file("ca.pem")), ca);
}

/// If a specification describes an existing CA differently, the plan reports it and changes
/// nothing.
#[test]
fn a_ca_stays_as_it_was_made() {
    let cluster = Cluster::applied();
    cluster.specify(&format!(
        "{SPECIFICATION}ca: {{algorithm: rsa-2048, organization: etcd}}\n"
    ));
    let said = stderr_of(&cluster.command("plan").arg("--check").output().unwrap(), 0);
    let stays = "it stays as it is, since no host trusts another CA";
    assert_eq!(
        said,
        format!(
            "note: ca.pem: the key is ec-p256, should be rsa-2048; {stays}\n\
             note: ca.pem: organization none, should be etcd; {stays}\n"
        )
    );
}

#[test]
fn a_ca_with_a_damaged_key() {
    let cluster = Cluster::applied();
    // An empty file counts as a missing key, as after a crash
    fs::write(cluster.file("ca-key.pem"), "").unwrap();
    assert!(cluster.due().is_empty());
    let checked = run(Command::new(etcd_pki())
        .arg("check")
        .arg(cluster.directory()));
    assert!(
        checked.stdout().contains("ca-key.pem: it is empty"),
        "{}",
        checked.stdout()
    );
    for damaged in [
        "x",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        fs::write(cluster.file("ca-key.pem"), damaged).unwrap();
        let said = stderr_of(&cluster.command("plan").output().unwrap(), 1);
        assert!(said.contains("ssl/ca-key.pem"), "{said}");
    }
    // If the key is elsewhere on purpose, there is no message
    fs::remove_file(cluster.file("ca-key.pem")).unwrap();
    assert!(cluster.due().is_empty());
}

/// A clock that is set back makes nothing due, and a CA that is not valid yet signs nothing.
#[test]
fn a_clock_that_jumps_back() {
    let cluster = Cluster::applied();
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    let specification = etcd_pki_core::Cluster::from_yaml(SPECIFICATION).unwrap();
    let store = Store::new(cluster.directory(), specification.layout());
    let then = PlanOptions::new().at(yesterday);
    let plan = specification.plan_with(&store, &then).unwrap();
    assert_eq!(plan.changes().count(), 0);
    let ca = store.ca(CaKind::Client, None).unwrap();
    let identity = etcd_pki_core::Identity::new("x").unwrap();
    let early = ca
        .at(yesterday)
        .issue(etcd_pki_core::Role::Client, identity);
    assert!(
        early
            .unwrap_err()
            .to_string()
            .contains("is not valid before")
    );

    // The plan reports certificates that were signed with another clock
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    let root = etcd_pki_core::Identity::new("root").unwrap();
    let late = ca
        .at(tomorrow)
        .issue(etcd_pki_core::Role::Client, root)
        .unwrap();
    fs::write(cluster.file("client-root.pem"), late.to_pem()).unwrap();
    fs::write(cluster.file("client-root-key.pem"), late.to_secret_pem()).unwrap();
    let said = stderr_of(&cluster.command("plan").output().unwrap(), 0);
    assert!(
        said.starts_with("warning: client-root.pem is not valid before "),
        "{said}"
    );
}
