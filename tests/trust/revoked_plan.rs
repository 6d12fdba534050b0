//! Plans maintain the revocation lists of a directory, and export ships them.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    CertificateAuthority, Identity, Layout, Role, Store,
    plan::{Action, PlanOptions},
    x509::{NewRevocationList, RevocationList, SerialNumber},
};
use etcd_pki_tests::{Scratch, cluster::Cluster, command::etcd_pki_in, read_certificate, run};

const MEMBERS: &str = "directory: ssl\nmembers: [{name: etcd-1, addresses: [10.0.0.11]}]\n";

fn specification(rest: &str) -> String {
    format!("{MEMBERS}{rest}")
}

fn list(cluster: &Cluster) -> RevocationList {
    RevocationList::from_der(&fs::read(cluster.file("revoked.crl")).unwrap()).unwrap()
}

fn serial(cluster: &Cluster, file: &str) -> SerialNumber {
    read_certificate(cluster.file(file)).serial_number().clone()
}

/// The specification names a client whose files are still here, and a serial number alone.
#[test]
fn the_specification_revokes() {
    let cluster = Cluster::new(&specification("clients: [root, alice]\n"));
    cluster.apply();
    let alice = serial(&cluster, "client-alice.pem");
    assert!(!cluster.file("revoked.crl").exists());
    cluster.specify(&specification(
        "clients: [root]\nrevoked: [{client: alice, reason: keyCompromise}, {serial: \"4A1C\"}]\n",
    ));
    let due = cluster.due();
    let step = &due["revoked.crl"];
    assert!(
        step.starts_with("revoke: ") && step.contains(&alice.to_string()),
        "{step}"
    );
    let applied = cluster.apply();
    assert_eq!(applied["revoked"], 1);
    let revoked = list(&cluster);
    assert_eq!(revoked.entries().len(), 2);
    let entry = revoked.revoked_serial(&alice).unwrap();
    assert_eq!(entry.reason().unwrap().name(), "keyCompromise");
    // Nothing is left to do, and neither the lists nor the entries depend on alice's files
    assert!(cluster.due().is_empty());
    let _ = run(cluster.command("apply").arg("--prune")).expect_success();
    assert!(!cluster.file("client-alice.pem").exists());
    for file in ["revoked.crl", "revoked.pem"] {
        assert!(cluster.file(file).exists(), "{file}");
    }
    assert!(cluster.due().is_empty());
    assert_eq!(list(&cluster).number(), revoked.number());
    let plan = cluster.json("plan");
    assert_eq!(plan["unmanaged"].as_array().unwrap().len(), 0);
}

/// The files of a client are gone, but the record of the CA has its certificates. The other client
/// is not touched.
#[test]
fn the_record_finds_certificates_that_are_gone() {
    let cluster = Cluster::new(&specification("clients: [root, alice, bob]\n"));
    cluster.apply();
    let files = [
        "client-alice.pem",
        "client-bob.pem",
        "client-alice-key.pem",
        "client-bob-key.pem",
    ];
    let [alice, bob] = ["client-alice.pem", "client-bob.pem"].map(|file| serial(&cluster, file));
    for file in files {
        fs::remove_file(cluster.file(file)).unwrap();
    }
    let directory = cluster.file("");
    let _ = etcd_pki_in(&directory, "crl revoke --client alice -d .").expect_success();
    let serials = |list: &RevocationList| -> Vec<SerialNumber> {
        let entries = list.entries().iter();
        entries.map(|one| one.serial_number().clone()).collect()
    };
    assert_eq!(serials(&list(&cluster)), std::slice::from_ref(&alice));
    cluster.specify(&specification(
        "clients: [root]\nrevoked: [{client: bob}]\n",
    ));
    cluster.apply();
    let mut both = [alice, bob];
    both.sort();
    let mut found = serials(&list(&cluster));
    found.sort();
    assert_eq!(found, both);
    assert!(cluster.due().is_empty());
    // Without the record, nothing is known about it
    fs::remove_file(cluster.file(".etcd-pki-issued.jsonl")).unwrap();
    let refused = etcd_pki_in(&directory, "crl revoke --client carol -d .").expect_code(1);
    assert!(refused.stderr().contains("its record"), "{refused:?}");
}

/// A specification cannot require and revoke the same client, and an entry names one thing.
#[test]
fn contradictions_of_a_specification() {
    for (rest, field) in [
        (
            "clients: [alice]\nrevoked: [{client: alice}]\n",
            "revoked[0].client",
        ),
        ("revoked: [{host: etcd-1}]\n", "revoked[0].host"),
        ("revoked: [{member: etcd-1}]\n", "revoked[0].host"),
        ("revoked: [{}]\n", "revoked[0]"),
        ("revoked: [{client: a, serial: \"01\"}]\n", "revoked[0]"),
        ("revoked: [{serial: 12E4}]\n", "revoked[0].serial"),
        ("revoked: [{serial: \"xyz\"}]\n", "revoked[0].serial"),
        (
            "revoked: [{client: a, reason: stolen}]\n",
            "revoked[0].reason",
        ),
        ("revoked: [{user: a}]\n", "revoked[0].user"),
    ] {
        let cluster = Cluster::new(&specification(rest));
        let output = run(&mut cluster.command("apply"));
        assert!(!output.success(), "{rest}");
        assert!(
            output.stderr().contains(field),
            "{rest}: {}",
            output.stderr()
        );
        assert!(!cluster.directory().exists());
    }
}

/// `--prune --revoke` and `--rekey --revoke` revoke what they remove or replace.
#[test]
fn removed_and_replaced_certificates() {
    let cluster = Cluster::new(&specification(
        "clients: [root, alice, {name: bob, validity: 90d}]\n",
    ));
    cluster.apply();
    let [alice, bob, root] =
        ["alice", "bob", "root"].map(|name| serial(&cluster, &format!("client-{name}.pem")));
    // bob's certificate is due for another reason, so it gets a new key with --rekey
    cluster.specify(&specification(
        "clients: [root, {name: bob, organization: x}]\n",
    ));
    let revoking = ["--prune", "--rekey", "--revoke"];
    let output = run(cluster.command("apply").args(revoking)).expect_success();
    assert!(
        output.stderr().contains("open connections"),
        "{}",
        output.stderr()
    );
    assert!(
        !output.stderr().contains("stays valid"),
        "{}",
        output.stderr()
    );
    let revoked = list(&cluster);
    let serials: Vec<_> = revoked
        .entries()
        .iter()
        .map(|one| one.serial_number())
        .collect();
    assert_eq!(serials.len(), 2);
    assert!(serials.contains(&&alice) && serials.contains(&&bob));
    assert!(!serials.contains(&&root));
    assert_ne!(serial(&cluster, "client-bob.pem"), bob);
    assert!(cluster.due().is_empty());
    // Without --revoke nothing is revoked
    cluster.specify(&specification("clients: [root]\n"));
    let output = run(cluster.command("apply").arg("--prune")).expect_success();
    assert!(
        output.stderr().contains("stays valid"),
        "{}",
        output.stderr()
    );
    assert_eq!(list(&cluster).entries().len(), 2);
}

/// The certificate of a CA is never revoked, also not by its serial number: every leaf comes with
/// the link certificate of a rotation.
#[test]
fn a_ca_is_not_revoked() {
    let cluster = Cluster::new(&specification("clients: [root]\n"));
    cluster.apply();
    let ca = serial(&cluster, "ca.pem");
    for target in ["ssl/ca.pem".to_owned(), ca.to_string()] {
        let line = format!("crl revoke {target} -d ssl");
        let refused = etcd_pki_in(cluster.path(), &line).expect_code(1);
        let message = refused.stderr();
        assert!(message.contains("revocation of a CA"), "{message}");
    }
    let rest = format!("clients: [root]\nrevoked: [{{serial: \"{ca}\"}}]\n");
    cluster.specify(&specification(&rest));
    let refused = run(&mut cluster.command("apply"));
    assert!(refused.stderr().contains("revoked[0].serial"));
    assert!(!cluster.file("revoked.crl").exists());
}

/// Nothing is removed or replaced if it must be revoked and the list cannot be written: the list is
/// damaged, or the CA's key is elsewhere. Whatever needs no entry is removed.
#[test]
fn nothing_is_lost_without_its_revocation() {
    for damage in ["the list", "the key", "the list and the specification"] {
        let pairs = "clients: [root, alice, {name: bob, validity: 90d}]\n";
        let cluster = Cluster::new(&specification(pairs));
        cluster.apply();
        let directory = cluster.file("");
        let _ = etcd_pki_in(&directory, "crl new -d .").expect_success();
        let bob = serial(&cluster, "client-bob.pem");
        let mut rest = "clients: [root, {name: bob, organization: x}]\n".to_owned();
        let mut options = vec!["--prune", "--rekey", "--revoke"];
        match damage {
            "the key" => {
                let key = cluster.file("ca-key.pem");
                fs::rename(key, cluster.path().join("kept.pem")).unwrap();
            }
            "the list" => fs::write(cluster.file("revoked.crl"), "damaged").unwrap(),
            _ => {
                fs::write(cluster.file("revoked.crl"), "damaged").unwrap();
                rest = "clients: [root, bob]\nrevoked: [{client: alice}]\n".to_owned();
                options = vec!["--prune"];
            }
        }
        cluster.specify(&specification(&rest));
        let output = run(cluster.command("apply").args(&options));
        assert!(!output.success(), "{damage}");
        assert!(cluster.file("client-alice.pem").exists(), "{damage}");
        assert_eq!(serial(&cluster, "client-bob.pem"), bob, "{damage}");
        if damage == "the list and the specification" {
            continue;
        }
        // Without --revoke, nothing needs the list
        cluster.specify(&specification("clients: [root, bob]\n"));
        let _ = run(cluster.command("apply").arg("--prune"));
        assert!(!cluster.file("client-alice.pem").exists(), "{damage}");
    }
}

/// A revoked certificate that the specification requires is issued again for its key.
#[test]
fn a_revoked_certificate_that_is_required() {
    let cluster = Cluster::new(&specification("clients: [root]\n"));
    cluster.apply();
    let old = serial(&cluster, "client-root.pem");
    let key = fs::read(cluster.file("client-root-key.pem")).unwrap();
    let refused = etcd_pki_in(cluster.path(), "crl revoke --client root -f cluster.yaml");
    assert!(!refused.success());
    assert!(
        refused.stderr().contains("still requires"),
        "{}",
        refused.stderr()
    );
    assert!(refused.stderr().contains("--force"), "{}", refused.stderr());
    assert!(!cluster.file("revoked.crl").exists());
    let forced = "crl revoke --client root -f cluster.yaml --force";
    let _ = etcd_pki_in(cluster.path(), forced).expect_success();
    let due = cluster.due();
    assert!(
        due["client-root.pem"].starts_with("renew: CN=root, serial"),
        "{due:?}"
    );
    cluster.apply();
    assert_ne!(serial(&cluster, "client-root.pem"), old);
    assert_eq!(fs::read(cluster.file("client-root-key.pem")).unwrap(), key);
    assert!(cluster.due().is_empty());
    let _ = etcd_pki_in(cluster.path(), "check ssl").expect_success();
}

/// A certificate that is revoked because others know its key gets a new key, whether the list or
/// the specification says so.
#[test]
fn a_compromised_key_is_replaced() {
    let cluster = Cluster::new(&specification("clients: [root, alice]\n"));
    cluster.apply();
    let key = |name: &str| fs::read(cluster.file(&format!("client-{name}-key.pem"))).unwrap();
    let old = ["root", "alice"].map(key);
    let forced = "crl revoke --client root --reason keyCompromise -f cluster.yaml --force";
    let _ = etcd_pki_in(cluster.path(), forced).expect_success();
    let alice = serial(&cluster, "client-alice.pem");
    let rest = format!(
        "clients: [root, alice]\nrevoked: [{{serial: \"{alice}\", reason: keyCompromise}}]\n"
    );
    cluster.specify(&specification(&rest));
    for name in ["root", "alice"] {
        let due = cluster.due();
        let step = &due[&format!("client-{name}.pem")];
        assert!(step.starts_with("re-issue: CN="), "{step}");
    }
    cluster.apply();
    let new = ["root", "alice"].map(key);
    assert!(new[0] != old[0] && new[1] != old[1]);
    assert!(cluster.due().is_empty());
    assert_eq!(list(&cluster).entries().len(), 2);
}

/// A host with its own keys requests a certificate for a new key, and the CA signs none for the old
/// one.
#[test]
fn a_compromised_key_of_a_host() {
    let cluster = Cluster::new(MEMBERS);
    let path = cluster.path();
    fs::create_dir(path.join("exchange")).unwrap();
    let host = |rest: &str| {
        let line = "apply -f cluster.yaml --requests exchange -d host --host etcd-1";
        etcd_pki_in(path, &format!("{line}{rest}"))
    };
    let sign = || etcd_pki_in(path, "apply -f cluster.yaml --requests exchange");
    let _ = host("");
    let _ = sign().expect_success();
    let shown = etcd_pki_in(path, "ca show -d ssl --field fingerprint").expect_success();
    let trust = format!(" --trust {}", shown.stdout().trim());
    let _ = host(&trust).expect_success();
    let certificate = path.join("host/member-etcd-1.pem");
    let (key, old) = (
        path.join("host/member-etcd-1-key.pem"),
        read_certificate(&certificate),
    );
    let before = fs::read(&key).unwrap();
    let serial = old.serial_number();
    let line = format!("crl revoke {serial} --reason keyCompromise -d ssl");
    let _ = etcd_pki_in(path, &line).expect_success();
    let refused = sign();
    let all = format!("{}{}", refused.stdout(), refused.stderr());
    assert!(all.contains("for a new key"), "{all}");
    fs::copy(cluster.file("revoked.crl"), path.join("host/revoked.crl")).unwrap();
    let _ = host("");
    let _ = sign().expect_success();
    let _ = host("").expect_success();
    assert_ne!(fs::read(&key).unwrap(), before);
    assert_ne!(read_certificate(&certificate).serial_number(), serial);
    let _ = sign().expect_success();
    let again = host("").expect_success();
    assert!(again.stdout().contains("up to date"), "{}", again.stdout());
}

/// A list that cannot be used blocks the step, and everything else is done.
#[test]
fn a_damaged_list_blocks_its_step() {
    let cluster = Cluster::new(&specification(
        "clients: [root]\nrevoked: [{serial: \"01\"}]\n",
    ));
    cluster.apply();
    let good = fs::read(cluster.file("revoked.crl")).unwrap();
    let pem = RevocationList::from_der(&good).unwrap().to_pem();
    fs::write(cluster.file("revoked.crl"), &pem).unwrap();
    cluster.specify(&specification(
        "clients: [root, bob]\nrevoked: [{serial: \"02\"}]\n",
    ));
    let output = run(&mut cluster.command("apply"));
    assert!(!output.success());
    assert!(output.stderr().contains("it is PEM"), "{}", output.stderr());
    assert!(cluster.file("client-bob.pem").exists());
    assert_eq!(
        fs::read_to_string(cluster.file("revoked.crl")).unwrap(),
        pem
    );
    let check = etcd_pki_in(cluster.path(), "check ssl");
    assert!(check.stdout().contains("EP057"), "{}", check.stdout());
    fs::write(cluster.file("revoked.crl"), &good).unwrap();
    cluster.apply();
    assert_eq!(list(&cluster).entries().len(), 2);
}

/// A list that cannot be used is never up to date, and the settings warn of it.
#[test]
fn an_unusable_list_is_not_up_to_date() {
    let cluster = Cluster::new(&specification("clients: [root]\n"));
    cluster.apply();
    let directory = cluster.file("");
    let _ = etcd_pki_in(&directory, "crl new -d .").expect_success();
    let good = fs::read(cluster.file("revoked.crl")).unwrap();
    let other = CertificateAuthority::create("etcd-ca").unwrap();
    let foreign = other.sign_revocation_list(&NewRevocationList::new([]));
    let foreign = foreign.unwrap().as_der().to_vec();
    let settings = "env etcd --host etcd-1 -d ssl";
    let warns = || {
        let output = etcd_pki_in(cluster.path(), settings).expect_success();
        output.stderr().contains("warning: ")
    };
    assert!(!warns());
    for unusable in [&b""[..], b"damaged", &foreign] {
        fs::write(cluster.file("revoked.crl"), unusable).unwrap();
        let due = cluster.due();
        let step = &due["revoked.crl"];
        assert!(step.starts_with("blocked: "), "{step}");
        let output = run(&mut cluster.command("apply"));
        assert!(!output.success());
        assert_eq!(fs::read(cluster.file("revoked.crl")).unwrap(), unusable);
        assert!(warns());
    }
    fs::write(cluster.file("revoked.crl"), good).unwrap();
    assert!(cluster.due().is_empty());
}

/// etcd's user can read a new list, whatever the mode of the old one, and `check` judges a list that
/// is given alone with the CA next to it.
#[test]
fn the_mode_of_a_list_and_its_ca() {
    let cluster = Cluster::new(&specification("clients: [root]\n"));
    cluster.apply();
    let path = cluster.path();
    let _ = etcd_pki_in(path, "crl new -d ssl").expect_success();
    let lists = ["revoked.crl", "revoked.pem"].map(|name| cluster.file(name));
    for list in &lists {
        fs::set_permissions(list, Permissions::from_mode(0o600)).unwrap();
    }
    let _ = etcd_pki_in(path, "crl renew -d ssl").expect_success();
    for list in &lists {
        let mode = fs::metadata(list).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{}", list.display());
    }
    for (directory, list) in [
        (path.to_owned(), "ssl/revoked.crl"),
        (cluster.file(""), "revoked.crl"),
        (cluster.file(""), "revoked.pem"),
    ] {
        let check = etcd_pki_in(&directory, &format!("check {list}"));
        assert!(!check.stdout().contains("EP057"), "{}", check.stdout());
    }
}

/// A certificate of another cluster is not revoked, also if its CA has the same name.
#[test]
fn a_certificate_of_another_cluster() {
    let cluster = Cluster::new(&specification("clients: [root]\n"));
    cluster.apply();
    let other = CertificateAuthority::create("etcd-ca").unwrap();
    let alice = other.issue(Role::Client, Identity::new("alice").unwrap());
    let alice = alice.unwrap().certificate().to_pem();
    fs::write(cluster.file("client-alice.pem"), alice).unwrap();
    for target in ["ssl/client-alice.pem", "--client alice"] {
        let line = format!("crl revoke {target} -d ssl");
        let _ = etcd_pki_in(cluster.path(), &line).expect_code(1);
        assert!(!cluster.file("revoked.crl").exists(), "{target}");
    }
}

/// A host gets the lists with its files, and the settings name the list.
#[test]
fn export_and_settings() {
    let cluster = Cluster::new(&specification(
        "clients: [root]\nrevoked: [{serial: \"01\"}]\n",
    ));
    cluster.apply();
    let export = "export --host etcd-1 -f cluster.yaml -o out";
    let _ = etcd_pki_in(cluster.path(), export).expect_success();
    for file in ["revoked.crl", "revoked.pem"] {
        let shipped = fs::read(cluster.path().join("out").join(file)).unwrap();
        assert_eq!(shipped, fs::read(cluster.file(file)).unwrap());
    }
    let line = "env etcd --host etcd-1 -d out --at /etc/ssl/etcd/ssl";
    let settings = etcd_pki_in(cluster.path(), line).expect_success();
    for name in ["CLIENT", "PEER"] {
        let line = format!("ETCD_{name}_CRL_FILE=/etc/ssl/etcd/ssl/revoked.crl\n");
        assert!(settings.stdout().contains(&line), "{}", settings.stdout());
    }
    assert!(settings.stderr().contains("--config-file"));
    let _ = etcd_pki_in(cluster.path(), "check out").expect_success();
}

/// An expired certificate needs no entry, although its file is still in the directory.
#[test]
fn an_expired_certificate() {
    let scratch = Scratch::new("expired");
    let store = Store::new(scratch.path().join("ssl"), Layout::Kubespray);
    let before = etcd_pki_core::Cluster::from_yaml("members: [m]\nclients: [alice]\n").unwrap();
    let _ = before.plan(&store).unwrap().apply().unwrap();
    let cluster = "members: [m]\nrevoked: [{client: alice}]\n";
    let cluster = etcd_pki_core::Cluster::from_yaml(cluster).unwrap();
    let revokes = |days: u64| {
        let now = SystemTime::now() + Duration::from_secs(days * 86_400);
        let plan = cluster
            .plan_with(&store, &PlanOptions::new().at(now))
            .unwrap();
        plan.changes().any(|step| step.action() == Action::Revoke)
    };
    assert!(revokes(0));
    assert!(!revokes(366));
}

/// Where keys stay on their hosts, the CA's side of the exchange maintains the list.
#[test]
fn where_the_ca_is() {
    let cluster = Cluster::new(&specification("revoked: [{serial: \"4A1C\"}]\n"));
    fs::create_dir(cluster.path().join("exchange")).unwrap();
    let sign = || run(cluster.command("apply").args(["--requests", "exchange"])).expect_success();
    let first = sign();
    assert!(first.stdout().contains("revoked.crl"), "{}", first.stdout());
    assert_eq!(list(&cluster).entries().len(), 1);
    let second = sign();
    assert!(
        !second.stdout().contains("revoked.crl"),
        "{}",
        second.stdout()
    );
}

/// The list is next to the CA, and the files of each host are in its tree.
#[test]
fn trees_of_hosts() {
    let rest = "directory: ssl\nlayout: kubeadm\nmembers: [etcd-1, etcd-2]\nclients: [root]\n";
    let cluster = Cluster::new(rest);
    cluster.apply();
    assert!(cluster.file("etcd-2/etcd/server.crt").exists());
    let line = "crl revoke --host etcd-2 -d ssl --layout kubeadm";
    let _ = etcd_pki_in(cluster.path(), line).expect_success();
    assert!(cluster.file("etcd/revoked.crl").exists());
    let check = etcd_pki_in(cluster.path(), "check ssl --json");
    let found: serde_json::Value = serde_json::from_str(check.stdout()).unwrap();
    for one in found["items"].as_array().unwrap() {
        let path = one["file"].as_str().unwrap();
        let is_revoked = one["findings"].to_string().contains("EP055");
        assert_eq!(is_revoked, path.contains("/etcd-2/"), "{path}: {one}");
    }
    for (host, is_accepted) in [("etcd-1", true), ("etcd-2", false)] {
        for file in ["server", "peer"] {
            let line = format!("cert verify ssl/{host}/etcd/{file}.crt");
            assert_eq!(
                etcd_pki_in(cluster.path(), &line).success(),
                is_accepted,
                "{line}"
            );
        }
    }
    let export = "export --host etcd-1 -f cluster.yaml -o out";
    let _ = etcd_pki_in(cluster.path(), export).expect_success();
    assert!(cluster.path().join("out/etcd/revoked.crl").exists());
    assert!(cluster.due().keys().all(|file| file.ends_with(".crt")));
}

/// The list is found next to the CA in every layout, and `check` reports an outdated one.
#[test]
fn lists_of_every_layout() {
    for layout in ["kubespray", "kubeadm", "cfssl", "k3s", "etcdadm"] {
        let rest = format!("layout: {layout}\nclients: [alice]\n");
        let cluster = Cluster::new(&specification(&rest));
        cluster.apply();
        let line = format!("crl revoke --client alice -d ssl --layout {layout} --validity 1s");
        let _ = etcd_pki_in(cluster.path(), &line).expect_success();
        std::thread::sleep(Duration::from_secs(2));
        let check = etcd_pki_in(cluster.path(), "check ssl --json");
        let found: serde_json::Value = serde_json::from_str(check.stdout()).unwrap();
        let text = found.to_string();
        assert!(
            text.contains("EP055") && text.contains("EP056"),
            "{layout}: {text}"
        );
        assert!(
            !text.contains("EP013") && !text.contains("EP057"),
            "{layout}: {text}"
        );
        let plan = cluster.json("plan");
        assert_eq!(plan["unmanaged"].as_array().unwrap().len(), 0, "{layout}");
    }
}
