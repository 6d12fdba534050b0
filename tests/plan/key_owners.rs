//! Ownership of keys is checked, not inherited: a key that belongs to an unprivileged user is
//! reported and not used, and only its owner can read a CA key.
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use etcd_pki_core::{
    CaKind, Cluster, Error, Layout, Store,
    adopt::Adoption,
    inspect::Check,
    plan::{Action, PlanOptions, Step},
    store::Overwrite,
};
use etcd_pki_tests::{
    Scratch,
    command::{etcd_pki, etcd_pki_in},
    machines::{self, Machines},
    run,
};

/// The owner of the store's directory, the specified owner, and a user who may not own a key here.
const KEEPER: u32 = 65_531;
const ETCD: u32 = 65_532;
const STRANGER: u32 = 65_534;

const SPECIFICATION: &str =
    "members: [{name: m, addresses: [10.0.0.1]}]\nclients: [app]\nadmin: none\n";

struct Pki {
    scratch: Scratch,
    cluster: Cluster,
}

impl Pki {
    fn new(more: &str) -> Self {
        let scratch = Scratch::new("owners");
        let cluster = Cluster::from_yaml(&format!("{SPECIFICATION}{more}")).unwrap();
        let made = Self { scratch, cluster };
        assert!(
            made.plan(&PlanOptions::new())
                .apply()
                .unwrap()
                .is_complete()
        );
        made
    }

    fn store(&self) -> Store {
        Store::new(self.directory(), Layout::Kubespray)
    }

    fn directory(&self) -> PathBuf {
        self.scratch.path().join("ssl")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    fn plan(&self, options: &PlanOptions) -> etcd_pki_core::plan::Plan {
        self.cluster.plan_with(&self.store(), options).unwrap()
    }

    fn step(&self, options: &PlanOptions, certificate: &str) -> (Action, Vec<&'static str>) {
        let plan = self.plan(options);
        let is_it = |step: &&Step| step.file().ends_with(certificate);
        let step = plan.steps().iter().find(is_it).unwrap();
        let codes = step.reasons().iter().map(|reason| reason.code());
        (step.action(), codes.collect())
    }

    fn codes_of(&self, file: &str) -> Vec<&'static str> {
        let checked = Check::new().run([self.directory()]);
        let of_file = checked.iter().filter(|one| one.path().ends_with(file));
        let findings = of_file.flat_map(|one| one.findings());
        findings.map(|finding| finding.code()).collect()
    }
}

fn give(path: &Path, owner: u32) {
    chown(path, Some(owner), Some(owner)).unwrap();
}

fn owner_and_mode(path: &Path) -> (u32, u32) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.uid(), metadata.permissions().mode() & 0o777)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Each owner of a leaf's key, by `check`, plan, apply, renewal by path and export.
#[test]
fn keys_of_leaves() {
    if !is_root() {
        return;
    }
    for more in ["", "files: {owner: \"65532\"}\n"] {
        let pki = Pki::new(more);
        give(&pki.directory(), KEEPER);
        let key = pki.file("member-m-key.pem");
        let specified = !more.is_empty();
        for owner in [0, KEEPER, ETCD, STRANGER] {
            give(&key, owner);
            let before = fs::read(&key).unwrap();
            // `check` does not know the specification
            let is_stranger = owner == ETCD || owner == STRANGER;
            let found = pki.codes_of("member-m.pem").contains(&"EP051");
            assert_eq!(found, is_stranger, "{owner}");
            let is_refused = owner == STRANGER || (owner == ETCD && !specified);
            for options in [PlanOptions::new(), PlanOptions::new().with_rekey()] {
                let (action, codes) = pki.step(&options, "member-m.pem");
                assert_eq!(
                    action == Action::Blocked,
                    is_refused,
                    "{owner}: {action} {codes:?}"
                );
                assert_eq!(codes.contains(&"EP051"), is_refused, "{owner}");
            }
            // No due change uses such a key, and nothing is given to its owner
            fs::rename(pki.file("member-m.pem"), pki.scratch.path().join("kept")).unwrap();
            for options in [PlanOptions::new(), PlanOptions::new().with_rekey()] {
                let _ = pki.plan(&options).apply().unwrap();
                assert_eq!(pki.file("member-m.pem").exists(), !is_refused, "{owner}");
                if is_refused {
                    assert_eq!(fs::read(&key).unwrap(), before);
                    assert_eq!(owner_and_mode(&key).0, owner);
                }
            }
            if !pki.file("member-m.pem").exists() {
                fs::rename(pki.scratch.path().join("kept"), pki.file("member-m.pem")).unwrap();
            }
            give(&key, owner);
            let out = pki.scratch.path().join("out");
            let exported = pki
                .cluster
                .export(&pki.store(), "m", &out, Overwrite::Replace);
            let untrusted = matches!(exported, Err(Error::UntrustedOwner { .. }));
            assert_eq!(untrusted, is_refused, "{owner}: {exported:?}");
            let mut renew = Command::new(etcd_pki());
            renew.args(["cert", "renew"]).arg(pki.file("member-m.pem"));
            renew.arg("-d").arg(pki.directory());
            let renewed = renew.output().unwrap();
            // No specification states that etcd may own it
            assert_eq!(
                renewed.status.success(),
                !is_stranger,
                "{owner}: {renewed:?}"
            );
        }
    }
}

/// A key in a file with the name of a certificate counts too. An empty file of an unprivileged user
/// does not get a key.
#[test]
fn a_strangers_empty_file() {
    if !is_root() {
        return;
    }
    let pki = Pki::new("");
    let (key, certificate) = (pki.file("client-app-key.pem"), pki.file("client-app.pem"));
    for contents in ["", "x"] {
        fs::write(&key, contents).unwrap();
        give(&key, STRANGER);
        let _ = fs::remove_file(&certificate);
        for options in [PlanOptions::new(), PlanOptions::new().with_rekey()] {
            let (action, codes) = pki.step(&options, "client-app.pem");
            assert_eq!(action, Action::Blocked, "{codes:?}");
            assert_eq!(codes[0], "EP051");
            let _ = pki.plan(&options).apply().unwrap();
            assert_eq!(fs::read_to_string(&key).unwrap(), contents);
        }
    }
}

/// Owner, group and mode for keys do not apply to a CA key; `files.ca` does.
#[test]
fn keys_of_cas() {
    if !is_root() {
        return;
    }
    let files = "files: {owner: \"65532\", group: \"65532\", key_mode: \"0640\"";
    let pki = Pki::new(&format!("{files}}}\n"));
    let ca_key = pki.file("ca-key.pem");
    assert_eq!(owner_and_mode(&ca_key), (0, 0o600));
    assert_eq!(owner_and_mode(&pki.file("member-m-key.pem")), (ETCD, 0o640));
    assert_eq!(owner_and_mode(&pki.file("ca.pem")).0, ETCD);
    assert_eq!(
        pki.step(&PlanOptions::new(), "ca.pem"),
        (Action::Keep, vec![])
    );
    assert!(!pki.codes_of("ca.pem").contains(&"EP052"));

    // Kubespray gives every key to etcd: such a CA key stays usable
    give(&ca_key, ETCD);
    let (action, codes) = pki.step(&PlanOptions::new(), "ca.pem");
    assert_eq!((action, codes), (Action::Keep, vec!["EP052"]));
    assert!(pki.codes_of("ca.pem").contains(&"EP052"));
    fs::remove_file(pki.file("client-app.pem")).unwrap();
    assert!(pki.plan(&PlanOptions::new()).apply().unwrap().is_complete());
    assert_eq!(owner_and_mode(&ca_key), (ETCD, 0o600));
    let spec = pki.scratch.path().join("cluster.yaml");
    fs::write(&spec, format!("{SPECIFICATION}{files}}}\n")).unwrap();
    let mut plan = Command::new(etcd_pki());
    plan.arg("plan")
        .arg("-f")
        .arg(&spec)
        .arg("-d")
        .arg(pki.directory());
    let said = run(&mut plan);
    let expected = "ca-key.pem belongs to 65532, who can sign certificates";
    assert!(said.stderr().contains(expected), "{}", said.stderr());

    let specified = Cluster::from_yaml(&format!(
        "{SPECIFICATION}{files}, ca: {{owner: root, group: \"65531\", key_mode: \"0440\"}}}}\n"
    ));
    let specified = Pki {
        cluster: specified.unwrap(),
        scratch: pki.scratch,
    };
    let (action, _) = specified.step(&PlanOptions::new(), "ca.pem");
    assert_eq!(action, Action::Chmod);
    let plan = specified.plan(&PlanOptions::new());
    assert!(plan.apply().unwrap().is_complete());
    assert_eq!(owner_and_mode(&ca_key), (0, 0o440));
    assert_eq!(fs::metadata(&ca_key).unwrap().gid(), KEEPER);
    assert_eq!(owner_and_mode(&specified.file("ca.pem")).0, 0);
    assert_eq!(
        owner_and_mode(&specified.file("member-m-key.pem")),
        (ETCD, 0o640)
    );
}

/// A key that an unprivileged user put there does not become the CA, even if that user owns the
/// directory.
#[test]
fn a_planted_ca_key() {
    if !is_root() {
        return;
    }
    let made = Pki::new("");
    let key = fs::read(made.file("ca-key.pem")).unwrap();
    let scratch = Scratch::new("planted");
    let directory = scratch.path().join("ssl");
    fs::create_dir(&directory).unwrap();
    give(&directory, STRANGER);
    let planted = directory.join("ca-key.pem");
    let cluster = Cluster::from_yaml(SPECIFICATION).unwrap();
    let store = Store::new(&directory, Layout::Kubespray);
    for (owner, is_good) in [(STRANGER, false), (ETCD, false), (0, true)] {
        fs::write(&planted, &key).unwrap();
        give(&planted, owner);
        fs::set_permissions(&planted, fs::Permissions::from_mode(0o600)).unwrap();
        match cluster.plan(&store) {
            Err(Error::UntrustedOwner { path, .. }) => assert!(!is_good && path == planted),
            Ok(plan) => assert!(is_good && plan.apply().unwrap().is_complete()),
            Err(error) => panic!("{error}"),
        }
        assert_eq!(store.ca_paths(CaKind::Client).certificate.exists(), is_good);
    }
}

/// `adopt` describes the CA's key separately.
#[test]
fn adoption() {
    if !is_root() {
        return;
    }
    let files = "files:\n  ca:\n    group: \"65531\"\n    key_mode: \"0440\"\n";
    let pki = Pki::new(files);
    let adopted = |pki: &Pki| Adoption::read(pki.directory(), None).unwrap();
    let yaml = adopted(&pki).cluster().to_yaml();
    assert!(
        yaml.contains("  ca:\n    group: \"65531\"\n    key_mode: \"0440\"\n"),
        "{yaml}"
    );
    assert_eq!(pki.step(&PlanOptions::new(), "ca.pem").0, Action::Keep);
    give(&pki.file("ca-key.pem"), ETCD);
    let adoption = adopted(&pki);
    assert_eq!(adoption.cluster().spec().files.ca.owner, None);
    let mut remarks = adoption.remarks().iter().map(ToString::to_string);
    assert!(remarks.any(|remark| remark.contains("who can sign certificates")));
}

/// The owner of a key that `--key` names is checked. A key in the directory is not used through a
/// link, as in a plan.
#[test]
fn keys_that_are_named_for_a_new_certificate() {
    if !is_root() {
        return;
    }
    let pki = Pki::new("");
    let key = pki.file("client-app-key.pem");
    let elsewhere = pki.scratch.path().join("away/elsewhere.pem");
    fs::create_dir(elsewhere.parent().unwrap()).unwrap();
    let issue = |key: &str| {
        let line = format!("cert issue client app -d ssl --force --key {key}");
        etcd_pki_in(pki.scratch.path(), &line)
    };
    give(&pki.directory(), KEEPER);
    for (owner, is_trusted) in [(0, true), (KEEPER, true), (ETCD, false), (STRANGER, false)] {
        give(&key, owner);
        let before = fs::read(pki.file("client-app.pem")).unwrap();
        for path in ["ssl/client-app-key.pem", "ssl/../ssl/client-app-key.pem"] {
            let issued = issue(path);
            assert_eq!(issued.success(), is_trusted, "{owner}: {issued:?}");
            assert_eq!(
                issued.stderr().contains("may not own it"),
                !is_trusted,
                "{issued:?}"
            );
        }
        let after = fs::read(pki.file("client-app.pem")).unwrap();
        assert_eq!(after != before, is_trusted, "{owner}");
        // The owner of a key elsewhere is compared with that of its own directory, with and without
        // the directory of the CA
        for (folder, is_trusted) in [(0, owner == 0), (owner, true)] {
            give(elsewhere.parent().unwrap(), folder);
            fs::copy(&key, &elsewhere).unwrap();
            give(&elsewhere, owner);
            for ca in ["-d ssl", "--ca ssl/ca.pem --ca-key ssl/ca-key.pem"] {
                let line =
                    format!("cert issue client b {ca} -o b.pem --force --key away/elsewhere.pem");
                let issued = etcd_pki_in(pki.scratch.path(), &line);
                assert_eq!(issued.success(), is_trusted, "{owner}: {issued:?}");
                let is_named = issued.stderr().contains("elsewhere.pem belongs to ");
                assert_eq!(is_named, !is_trusted, "{issued:?}");
            }
        }
    }
    // A link in the directory to a key of root
    fs::rename(&key, pki.scratch.path().join("key.pem")).unwrap();
    symlink("../key.pem", &key).unwrap();
    let refused = issue("ssl/client-app-key.pem").expect_code(1);
    assert!(refused.stderr().contains("symbolic link"), "{refused:?}");
}

/// No CA is created for a key that an unprivileged user put into the directory.
#[test]
fn a_ca_for_a_key_that_is_named() {
    if !is_root() {
        return;
    }
    for (owner, is_trusted) in [(0, true), (KEEPER, false), (STRANGER, false)] {
        let scratch = Scratch::new("owners");
        let pki = |line: &str| etcd_pki_in(scratch.path(), line);
        for (name, line) in [
            ("ca-key.pem", "ca new -d p --key p/ca-key.pem"),
            (
                "other-key.pem",
                "ca new -d p --key p/other-key.pem --replace-ca",
            ),
        ] {
            let path = scratch.path().join("p").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            give(path.parent().unwrap(), KEEPER);
            let _ = pki(&format!("key new -o p/{name}")).expect_success();
            give(&path, owner);
            let made = pki(line);
            assert_eq!(made.success(), is_trusted, "{owner}: {made:?}");
            assert_eq!(
                scratch.path().join("p/ca.pem").exists(),
                is_trusted,
                "{owner}"
            );
        }
    }
}

/// Users who can replace trusted certificates are reported, and a plan signs nothing with such a
/// bundle.
#[test]
fn the_certificates_of_a_ca() {
    if !is_root() {
        return;
    }
    for more in [
        "",
        "files: {owner: \"65532\"}\n",
        "files: {ca: {owner: \"65532\"}}\n",
    ] {
        let pki = Pki::new(more);
        give(&pki.directory(), KEEPER);
        let (ca, client) = (pki.file("ca.pem"), pki.file("client-app.pem"));
        for owner in [0, KEEPER, ETCD, STRANGER] {
            give(&ca, owner);
            // `check` does not know the specification
            let is_stranger = owner == ETCD || owner == STRANGER;
            let found = pki.codes_of("ca.pem").contains(&"EP054");
            assert_eq!(found, is_stranger, "{owner}");
            let is_refused = owner == STRANGER || (owner == ETCD && more.is_empty());
            let (_, codes) = pki.step(&PlanOptions::new(), "ca.pem");
            assert_eq!(codes.contains(&"EP054"), is_refused, "{owner}: {codes:?}");
            let _ = fs::remove_file(&client);
            let (action, codes) = pki.step(&PlanOptions::new(), "client-app.pem");
            assert_eq!(
                action == Action::Blocked,
                is_refused,
                "{owner}: {action} {codes:?}"
            );
            assert_eq!(codes[0] == "EP054", is_refused, "{owner}");
            let report = pki.plan(&PlanOptions::new()).apply().unwrap();
            assert_eq!(client.exists(), !is_refused, "{owner}");
            if is_refused {
                let error = report.first_error().unwrap();
                assert!(matches!(error, Error::UntrustedOwner { path, .. } if *path == ca));
                assert_eq!(owner_and_mode(&ca).0, owner);
            }
            // Without a specification, the right owner is unknown
            give(&ca, owner);
            let line = "cert issue client other -d ssl --force";
            let issued = etcd_pki_in(pki.scratch.path(), line).expect_success();
            let is_named = issued.stderr().contains("who can exchange what is trusted");
            assert_eq!(is_named, is_stranger, "{issued:?}");
        }
    }
}

/// On a host, no certificate is installed if an unprivileged user owns the trust bundle.
#[test]
fn the_trust_bundle_of_a_host() {
    if !is_root() {
        return;
    }
    let machines = Machines::installed(machines::SPECIFICATION);
    let installed = machines.path("etcd-1/member-etcd-1.pem");
    for (owner, is_trusted) in [(STRANGER, false), (0, true)] {
        let _ = fs::remove_file(&installed);
        give(&machines.path("etcd-1/ca.pem"), owner);
        let output = machines.command("apply", "etcd-1").output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), is_trusted, "{printed}");
        let is_named = printed.contains("etcd-1/ca.pem belongs to ");
        assert_eq!(is_named, !is_trusted, "{printed}");
        assert_eq!(installed.exists(), is_trusted);
    }
}

/// Every command that signs with the key of an unprivileged user prints a warning.
#[test]
fn a_warning_wherever_a_ca_key_is_used() {
    if !is_root() {
        return;
    }
    let pki = Pki::new("");
    let _ = etcd_pki_in(pki.scratch.path(), "key new -o app-key.pem").expect_success();
    let request = "csr new --cn app --key app-key.pem -o app.csr";
    let _ = etcd_pki_in(pki.scratch.path(), request).expect_success();
    let ca = "--ca ssl/ca.pem --ca-key ssl/ca-key.pem";
    for (owner, is_warned) in [(ETCD, true), (0, false)] {
        give(&pki.file("ca-key.pem"), owner);
        for line in [
            "cert issue client a -d ssl --force",
            &format!("cert issue client a {ca} -o a.pem --force"),
            "cert issue client a -d ssl --ca-key ssl/ca-key.pem -o a.pem --force",
            "cert sign app.csr --role client --cn app -d ssl -o b.pem --force",
            "cert renew -d ssl ssl/client-app.pem",
            &format!("cert renew {ca} ssl/client-app.pem"),
            "ca renew -d ssl",
            "ca renew -d ssl --csr ca.csr --force",
        ] {
            let done = etcd_pki_in(pki.scratch.path(), &format!("{line} --json"));
            let done = done.expect_success();
            let warning = "ca-key.pem belongs to 65532, who can sign certificates";
            assert_eq!(
                done.stderr().contains(warning),
                is_warned,
                "{line}: {done:?}"
            );
            assert_eq!(
                done.stdout().contains(warning),
                is_warned,
                "{line}: {done:?}"
            );
        }
    }
}

/// A CA's directory in which other users can create files is a finding, and a warning of a plan.
#[test]
fn directories_that_others_may_write() {
    if !is_root() {
        return;
    }
    let pki = Pki::new("");
    let spec = pki.scratch.path().join("cluster.yaml");
    fs::write(&spec, SPECIFICATION).unwrap();
    let directory = pki.directory();
    for (mode, group, is_open) in [
        (0o755, 0, false),
        (0o777, 0, true),
        (0o1777, 0, true),
        (0o775, 0, false),
        (0o775, ETCD, true),
        (0o2770, ETCD, true),
        (0o750, ETCD, false),
    ] {
        chown(&directory, Some(0), Some(group)).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
        let found = pki.codes_of("ssl").contains(&"EP015");
        assert_eq!(found, is_open, "{mode:o} {group}");
        let issued = etcd_pki_in(pki.scratch.path(), "cert issue client a -d ssl --force");
        let issued = issued.expect_success();
        let planned = etcd_pki_in(pki.scratch.path(), "plan -f cluster.yaml -d ssl");
        let planned = planned.expect_success();
        for printed in [issued.stderr(), planned.stderr()] {
            let is_warned = printed.contains(&format!("warning: ssl has mode {mode:04o}"));
            assert_eq!(is_warned, is_open, "{mode:o} {group}: {printed}");
        }
    }
    // A group with one user is equal to that user
    chown(&directory, Some(KEEPER), Some(KEEPER)).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o775)).unwrap();
    assert!(!pki.codes_of("ssl").contains(&"EP015"));
}
