//! Certificates and authorities, renewed: the same names, the same usages, the same key.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    Certificate, CertificateAuthority, Identity, Passphrase, PrivateKey, Profile, Role, Validity,
};
use etcd_pki_tests::{
    Output, Scratch,
    command::etcd_pki,
    kubespray::Kubespray,
    openssl::{self, Purpose},
    run,
};

fn etcd_pki_in(directory: &Path, line: &str) -> Output {
    run(Command::new(etcd_pki())
        .current_dir(directory)
        .args(line.split_whitespace()))
}

fn certificate(path: PathBuf) -> Certificate {
    Certificate::from_pem(fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_certificate_of_kubesprays_keeps_all_but_its_time() {
    let kubespray = Kubespray::create(&["etcd-1"], &["kube-1"]);
    let file = || kubespray.member("etcd-1").certificate;
    let key = fs::read(kubespray.member("etcd-1").key).unwrap();
    let old = certificate(file());
    let _ = etcd_pki_in(
        kubespray.path(),
        "cert renew member-etcd-1.pem -d . --days 365",
    )
    .expect_success();
    let new = certificate(file());
    assert_ne!(new.serial_number(), old.serial_number());
    assert!(new.not_after() < old.not_after());
    assert_eq!(new.subject(), old.subject());
    assert_eq!(new.public_key(), old.public_key());
    assert_eq!(new.dns_names(), old.dns_names());
    assert_eq!(new.ip_addresses(), old.ip_addresses());
    assert_eq!(new.extended_key_usages(), old.extended_key_usages());
    assert_eq!(fs::read(kubespray.member("etcd-1").key).unwrap(), key);
    openssl::verify(&kubespray.ca().certificate, &file(), Purpose::Server)
        .assert_accepted("the renewed one");

    let _ = etcd_pki_in(
        kubespray.path(),
        "cert renew member-etcd-1.pem -d . --rekey",
    )
    .expect_success();
    assert_ne!(fs::read(kubespray.member("etcd-1").key).unwrap(), key);
    openssl::verify(&kubespray.ca().certificate, &file(), Purpose::Client)
        .assert_accepted("the re-keyed one");
}

#[test]
fn a_kubespray_ca_gets_its_key_usage_and_its_leaves_pass_strictly() {
    let kubespray = Kubespray::create(&["etcd-1"], &["kube-1"]);
    let (ca, leaf) = (
        kubespray.ca().certificate,
        kubespray.member("etcd-1").certificate,
    );
    openssl::verify_strict(&ca, &leaf, Purpose::Server).assert_refused("before", "key usage");
    let old = certificate(ca.clone());
    let _ = etcd_pki_in(kubespray.path(), "ca renew -d .").expect_success();
    let new = certificate(ca.clone());
    assert_eq!(
        (new.subject(), new.public_key()),
        (old.subject(), old.public_key())
    );
    assert_ne!(new.serial_number(), old.serial_number());
    openssl::verify_strict(&ca, &leaf, Purpose::Server).assert_accepted("after");
}

#[test]
fn a_serial_number_that_leaves_name_stays() {
    let kubespray = Kubespray::create(&["etcd-1"], &[]);
    let call = |line: &str| {
        openssl::call(kubespray.path(), line);
    };
    fs::write(
        kubespray.path().join("ext"),
        "authorityKeyIdentifier=keyid,issuer:always\n",
    )
    .unwrap();
    call("req -new -key member-etcd-1-key.pem -subj /CN=x -out x.csr");
    call(
        "x509 -req -in x.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 9 -extfile ext -out client-x.pem",
    );
    let ca = kubespray.ca().certificate;
    let old = certificate(ca.clone());
    let _ = etcd_pki_in(kubespray.path(), "ca renew -d .").expect_success();
    assert_eq!(certificate(ca.clone()).serial_number(), old.serial_number());
    openssl::verify(&ca, &kubespray.path().join("client-x.pem"), Purpose::Client)
        .assert_accepted("its leaf");
}

/// What is due in every host's tree, and nothing of what was kept in dot files.
#[test]
fn what_is_due_wherever_it_is() {
    for (layout, expected) in [
        ("kubespray", &["admin-a.pem", "member-a.pem"][..]),
        (
            "kubeadm",
            &[
                "a/etcd/healthcheck-client.crt",
                "a/etcd/peer.crt",
                "a/etcd/server.crt",
            ],
        ),
    ] {
        let scratch = Scratch::new("renew");
        let here = scratch.path();
        let specify = |organization: &str| {
            let member = format!("{{name: a{organization}}}");
            let text = format!(
                "layout: {layout}\ndirectory: .\ndefaults: {{validity: 1s}}\nmembers: [{member}]\nnodes: [{{name: b, validity: 1y}}]\n"
            );
            fs::write(here.join("cluster.yaml"), text).unwrap();
        };
        specify("");
        let _ = etcd_pki_in(here, "apply -f cluster.yaml").expect_success();
        specify(", organization: x");
        let _ = etcd_pki_in(here, "apply -f cluster.yaml --backup").expect_success();
        std::thread::sleep(Duration::from_secs(2));
        let planned = etcd_pki_in(here, "plan -f cluster.yaml").expect_success();
        assert!(
            planned.stdout().contains("  expired on "),
            "{}",
            planned.stdout()
        );
        let renewed = etcd_pki_in(here, &format!("cert renew -d . --layout {layout}"));
        let renewed = renewed.expect_success();
        let files: Vec<_> = renewed
            .stderr()
            .lines()
            .filter_map(|line| line.split_once(':')?.0.strip_prefix("./"))
            .collect();
        assert_eq!(files, expected, "{}", renewed.stderr());
    }
}

#[test]
fn only_what_is_due_unless_it_is_named() {
    let scratch = Scratch::new("renew");
    let here = scratch.path();
    let run = |line: &str| etcd_pki_in(here, line);
    for line in [
        "ca new -d .",
        "cert issue client short --days 3 -d .",
        "cert issue client long -d .",
    ] {
        let _ = run(line).expect_success();
    }
    let contents = |name: &str| fs::read(here.join(name)).unwrap();
    let (short, long) = (contents("client-short.pem"), contents("client-long.pem"));
    let output = run("cert renew -d .").expect_success();
    assert!(
        output.stderr().contains("nothing is due"),
        "{}",
        output.stderr()
    );
    let _ = run("cert renew client-short.pem -d .").expect_success();
    assert!(contents("client-short.pem") != short && contents("client-long.pem") == long);
    // Another's key beside it: nothing is written
    fs::copy(
        here.join("client-long-key.pem"),
        here.join("client-short-key.pem"),
    )
    .unwrap();
    let short = contents("client-short.pem");
    let output = run("cert renew client-short.pem -d .");
    assert!(
        !output.success() && output.stderr().contains("is not the key of"),
        "{}",
        output.stderr()
    );
    assert_eq!(contents("client-short.pem"), short);
    let output = run("cert renew ca.pem -d .");
    assert!(
        !output.success() && output.stderr().contains("ca renew"),
        "{}",
        output.stderr()
    );
}

#[test]
fn an_authority_that_has_expired() {
    let scratch = Scratch::new("expired");
    let identity = Identity::from_common_name("etcd-ca").unwrap();
    let then = SystemTime::now() - 20 * DAY;
    let profile = Profile::authority().valid_for(Validity::days(10));
    let key = PrivateKey::generate().unwrap();
    let ca = CertificateAuthority::create_for(key, &identity, profile, then).unwrap();
    let client = ca
        .issue_at(
            Role::Client.profile().valid_for(Validity::days(9)),
            Identity::new("x").unwrap(),
            then,
        )
        .unwrap();
    let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
    write("ca.pem", &ca.certificate().to_pem().unwrap());
    write("ca-key.pem", &ca.key().unwrap().to_secret_pem().unwrap());
    write("client-x.pem", &client.certificate_pem().unwrap());
    write("client-x-key.pem", &client.secret_key_pem().unwrap());
    let output = etcd_pki_in(scratch.path(), "cert renew -d .");
    assert!(
        !output.success() && output.stderr().contains("expired on"),
        "{}",
        output.stderr()
    );
    let _ = etcd_pki_in(scratch.path(), "ca renew -d .").expect_success();
    let _ = etcd_pki_in(scratch.path(), "cert renew -d .").expect_success();
    openssl::verify_strict(
        &scratch.path().join("ca.pem"),
        &scratch.path().join("client-x.pem"),
        Purpose::Client,
    )
    .assert_accepted("both renewed");
}

/// A directory in which peers have an authority of their own, and each of the two has signed what is due tomorrow.
fn peers_apart() -> Scratch {
    let scratch = Scratch::new("peers");
    let then = SystemTime::now() - 20 * DAY;
    let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
    for (stem, common_name, leaf) in [
        ("ca", "etcd-ca", "member-etcd-1"),
        ("peer-ca", "etcd-peer-ca", "peer-etcd-1"),
    ] {
        let identity = Identity::from_common_name(common_name).unwrap();
        let key = PrivateKey::generate().unwrap();
        let profile = Profile::authority();
        let ca = CertificateAuthority::create_for(key, &identity, profile, then).unwrap();
        let short = Role::Member.profile().valid_for(Validity::days(21));
        let member = Identity::new("etcd-1").unwrap();
        let bundle = ca.issue_at(short, member, then).unwrap();
        write(&format!("{stem}.pem"), &ca.certificate().to_pem().unwrap());
        write(
            &format!("{stem}-key.pem"),
            &ca.key().unwrap().to_secret_pem().unwrap(),
        );
        write(&format!("{leaf}.pem"), &bundle.certificate_pem().unwrap());
        write(
            &format!("{leaf}-key.pem"),
            &bundle.secret_key_pem().unwrap(),
        );
    }
    scratch
}

const DAY: Duration = Duration::from_secs(86_400);

/// No peer would take what the other authority signs.
#[test]
fn each_is_renewed_by_the_authority_that_signed_it() {
    for lines in [
        &["cert renew -d ."][..],
        &["cert renew peer-etcd-1.pem member-etcd-1.pem -d ."],
        &[
            "cert renew peer-etcd-1.pem --ca peer-ca.pem --ca-key peer-ca-key.pem",
            "cert renew -d .",
        ],
    ] {
        let scratch = peers_apart();
        for line in lines {
            let said = etcd_pki_in(scratch.path(), line).expect_success();
            assert!(!said.stderr().contains("note"), "{}", said.stderr());
        }
        for (ca, leaf) in [
            ("ca.pem", "member-etcd-1.pem"),
            ("peer-ca.pem", "peer-etcd-1.pem"),
        ] {
            let leaf = scratch.path().join(leaf);
            openssl::verify_strict(&scratch.path().join(ca), &leaf, Purpose::Server)
                .assert_accepted(leaf.display());
            assert!(certificate(leaf).not_after() > SystemTime::now() + 10 * DAY);
        }
        let again = etcd_pki_in(scratch.path(), "cert renew -d . --due 10d").expect_success();
        assert!(again.stderr().contains("nothing is due"));
    }
}

/// An operator's cron learns of it by the exit code, and what the other authority signed is renewed all the same.
#[test]
fn what_is_due_and_whose_authority_cannot_sign_is_told() {
    let scratch = peers_apart();
    let path = |name: &str| scratch.path().join(name);
    let peer = fs::read(path("peer-etcd-1.pem")).unwrap();
    fs::rename(path("peer-ca-key.pem"), path("elsewhere")).unwrap();
    let told = "note: ./peer-etcd-1.pem is due, and its authority cannot sign: ./peer-ca.pem is here, and its key is not; \
                name both with --ca and --ca-key, or let requests travel";
    for renewed in [1, 0] {
        let output = etcd_pki_in(scratch.path(), "cert renew -d . --json");
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr().contains(told), "{}", output.stderr());
        assert!(!output.stderr().contains("nothing is due"));
        let facts: serde_json::Value = serde_json::from_str(output.stdout()).unwrap();
        assert_eq!(facts["written"].as_array().unwrap().len(), renewed);
        assert_eq!(facts["left"][0]["file"], "./peer-etcd-1.pem");
    }
    let named = etcd_pki_in(scratch.path(), "cert renew peer-etcd-1.pem -d .");
    assert_eq!(named.code(), Some(1));
    let told = "./peer-ca.pem is here, and its key is not\nhint: name both with --ca and --ca-key";
    assert!(named.stderr().contains(told), "{}", named.stderr());
    // Of an authority of which nothing is here, only its name is known
    fs::rename(path("peer-ca.pem"), path("peer-ca")).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d .");
    assert_eq!(output.code(), Some(1));
    let told = "peer-etcd-1.pem is due, and another authority has signed it, CN=etcd-peer-ca: renew it with --ca and --ca-key";
    assert!(output.stderr().contains(told), "{}", output.stderr());
    let named = etcd_pki_in(scratch.path(), "cert renew peer-etcd-1.pem -d .");
    assert_eq!(named.code(), Some(1));
    assert!(named.stderr().contains("was signed by etcd-peer-ca"));
    fs::rename(path("peer-ca"), path("peer-ca.pem")).unwrap();

    // A key that is there and cannot be used
    let key = PrivateKey::from_pem(fs::read(path("elsewhere")).unwrap()).unwrap();
    let passphrase = Passphrase::new("secret");
    let encrypted = key.to_encrypted_pem(&passphrase).unwrap();
    fs::write(path("peer-ca-key.pem"), encrypted).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d .");
    assert_eq!(output.code(), Some(1));
    let told = "peer-etcd-1.pem is due, and its authority cannot sign: ./peer-ca-key.pem: the private key is encrypted";
    assert!(output.stderr().contains(told), "{}", output.stderr());
    let named = etcd_pki_in(scratch.path(), "cert renew peer-etcd-1.pem -d .");
    assert!(named.stderr().contains("the private key is encrypted"));
    assert!(named.stderr().contains("--passphrase-file"));
    assert_eq!(fs::read(path("peer-etcd-1.pem")).unwrap(), peer);
    fs::write(path("passphrase"), "secret\n").unwrap();
    let line = "cert renew -d . --passphrase-file passphrase";
    let _ = etcd_pki_in(scratch.path(), line).expect_success();
    assert_ne!(fs::read(path("peer-etcd-1.pem")).unwrap(), peer);

    // What the layout does not name is somebody else's to renew
    fs::rename(path("peer-ca-key.pem"), path("elsewhere")).unwrap();
    fs::write(path("theirs.pem"), peer).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d . --due 10d").expect_success();
    assert!(output.stderr().contains("theirs.pem is due"));
}

/// The other way round: the key that is elsewhere is that of the directory's own authority.
#[test]
fn peers_are_renewed_without_the_other_authority() {
    let scratch = peers_apart();
    let path = |name: &str| scratch.path().join(name);
    let (own, peer) = ("member-etcd-1.pem", "peer-etcd-1.pem");
    let before = [own, peer].map(|name| fs::read(path(name)).unwrap());
    fs::rename(path("ca-key.pem"), path("elsewhere")).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d .");
    assert_eq!(output.code(), Some(1));
    let told = "member-etcd-1.pem is due, and its authority cannot sign: ./ca.pem is here, and its key is not; \
                name it with --ca-key, or let requests travel";
    assert!(output.stderr().contains(told), "{}", output.stderr());
    let after = [own, peer].map(|name| fs::read(path(name)).unwrap());
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);
    let line = "cert renew -d . --ca-key elsewhere";
    let _ = etcd_pki_in(scratch.path(), line).expect_success();
    assert_ne!(fs::read(path(own)).unwrap(), before[0]);
    // Without either there is nobody to renew anything
    fs::remove_file(path("peer-ca-key.pem")).unwrap();
    let output = etcd_pki_in(scratch.path(), "cert renew -d .");
    assert_eq!(output.code(), Some(1));
    let told = "./ca.pem is here, and its key is not\nhint: name it with --ca-key";
    assert!(output.stderr().contains(told), "{}", output.stderr());
}

/// Nothing that is wrong with one authority holds up what the other has signed.
#[test]
fn peers_are_renewed_whatever_is_wrong_with_the_other_authority() {
    type Harm = fn(&Path);
    let harms: [(Harm, &str); 3] = [
        (expire, "./ca.pem: the CA CN=etcd-ca expired on"),
        (|ca| fs::write(ca, "no certificate").unwrap(), "./ca.pem: "),
        (
            |ca| {
                let other = fs::read(ca.with_file_name("peer-ca-key.pem")).unwrap();
                fs::write(ca.with_file_name("ca-key.pem"), other).unwrap();
            },
            "./ca-key.pem: the key does not match",
        ),
    ];
    for (harm, told) in harms {
        let scratch = peers_apart();
        let path = |name: &str| scratch.path().join(name);
        let names = ["member-etcd-1.pem", "peer-etcd-1.pem"];
        let before = names.map(|name| fs::read(path(name)).unwrap());
        harm(&path("ca.pem"));
        let output = etcd_pki_in(scratch.path(), "cert renew -d .");
        assert_eq!(output.code(), Some(1), "{}", output.stderr());
        let told = format!("member-etcd-1.pem is due, and its authority cannot sign: {told}");
        assert!(output.stderr().contains(&told), "{}", output.stderr());
        let after = names.map(|name| fs::read(path(name)).unwrap());
        assert_eq!(after[0], before[0]);
        assert_ne!(after[1], before[1]);
        openssl::verify(&path("peer-ca.pem"), &path(names[1]), Purpose::Server)
            .assert_accepted(names[1]);
    }
}

/// Gives an authority a certificate that ended yesterday, of the same key.
fn expire(ca: &Path) {
    let key = fs::read(ca.with_file_name("ca-key.pem")).unwrap();
    let identity = Identity::from_common_name("etcd-ca").unwrap();
    let profile = Profile::authority().valid_for(Validity::days(19));
    let then = SystemTime::now() - 20 * DAY;
    let key = PrivateKey::from_pem(key).unwrap();
    let expired = CertificateAuthority::create_for(key, &identity, profile, then).unwrap();
    fs::write(ca, expired.certificate().to_pem().unwrap()).unwrap();
}

#[test]
fn the_authority_of_peers_is_renewed_on_its_own() {
    let scratch = peers_apart();
    let here = |name: &str| scratch.path().join(name);
    let (old, other) = (certificate(here("peer-ca.pem")), fs::read(here("ca.pem")));
    let renewed = etcd_pki_in(scratch.path(), "ca renew -d . --peers").expect_success();
    assert!(
        renewed
            .stderr()
            .contains("./peer-ca.pem: authority etcd-peer-ca")
    );
    let new = certificate(here("peer-ca.pem"));
    assert_eq!(
        (new.subject(), new.public_key()),
        (old.subject(), old.public_key())
    );
    assert!(new.not_after() > old.not_after());
    assert_ne!(new.serial_number(), old.serial_number());
    assert_eq!(fs::read(here("ca.pem")).unwrap(), other.unwrap());
    openssl::verify_strict(
        &here("peer-ca.pem"),
        &here("peer-etcd-1.pem"),
        Purpose::Server,
    )
    .assert_accepted("what it signed before");

    // A serial number that a leaf names stays
    let call = |line: &str| {
        openssl::call(scratch.path(), line);
    };
    fs::write(here("ext"), "authorityKeyIdentifier=keyid,issuer:always\n").unwrap();
    call("req -new -key peer-etcd-1-key.pem -subj /CN=x -out x.csr");
    call(
        "x509 -req -in x.csr -CA peer-ca.pem -CAkey peer-ca-key.pem -CAcreateserial -days 9 -extfile ext -out peer-etcd-1.pem",
    );
    let _ = etcd_pki_in(scratch.path(), "ca renew -d . --peers").expect_success();
    let kept = certificate(here("peer-ca.pem"));
    assert_eq!(kept.serial_number(), new.serial_number());

    fs::remove_file(here("peer-ca.pem")).unwrap();
    let refused = etcd_pki_in(scratch.path(), "ca renew -d . --peers");
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused
            .stderr()
            .contains("peers have no authority apart: ./peer-ca.pem")
    );
}

/// The files of a directory with what they hold, links excepted.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The files that differ from what they were.
fn changed(directory: &Path, before: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let now = contents(directory).into_iter();
    now.filter(|(name, now)| before.get(name) != Some(now))
        .map(|(name, _)| name)
        .collect()
}

/// A directory with an authority, node-b and node-c, of which both are due; and node-a with the key of node-b, if it is wanted.
fn nodes(with_a: bool) -> Scratch {
    let scratch = Scratch::new("links");
    let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
    let then = SystemTime::now() - Duration::from_secs(20 * 86_400);
    let identity = Identity::from_common_name("etcd-ca").unwrap();
    let key = PrivateKey::generate().unwrap();
    let ca = CertificateAuthority::create_for(key, &identity, Profile::authority(), then).unwrap();
    write("ca.pem", &ca.certificate().to_pem().unwrap());
    write("ca-key.pem", &ca.key().unwrap().to_secret_pem().unwrap());
    let profile = Role::Node.profile().valid_for(Validity::days(21));
    for name in ["b", "c"] {
        let bundle = ca.issue_at(profile, Identity::new(name).unwrap(), then);
        let bundle = bundle.unwrap();
        write(
            &format!("node-{name}.pem"),
            &bundle.certificate_pem().unwrap(),
        );
        write(
            &format!("node-{name}-key.pem"),
            &bundle.secret_key_pem().unwrap(),
        );
        if with_a && name == "b" {
            let identity = Identity::new("a").unwrap();
            let key = PrivateKey::from_pem(bundle.secret_key_pem().unwrap()).unwrap();
            let bundle = ca.issue_for(key, profile, identity, then).unwrap();
            write("node-a.pem", &bundle.certificate_pem().unwrap());
        }
    }
    scratch
}

/// Kubespray links the pair of another control plane to a host's own: what the link leads to is renewed, once.
#[test]
fn a_link_to_what_is_renewed_under_its_own_name() {
    for (options, renewed) in [
        ("", &["node-b.pem", "node-c.pem"][..]),
        (
            " --rekey",
            &[
                "node-b-key.pem",
                "node-b.pem",
                "node-c-key.pem",
                "node-c.pem",
            ],
        ),
    ] {
        let scratch = nodes(false);
        let here = scratch.path();
        symlink("node-b.pem", here.join("node-a.pem")).unwrap();
        symlink("node-b-key.pem", here.join("node-a-key.pem")).unwrap();
        let before = contents(here);
        let line = format!("cert renew -d .{options}");
        let output = etcd_pki_in(here, &line).expect_success();
        let note =
            "note: ./node-a.pem is a link to ./node-b.pem, which is renewed under its own name\n";
        assert!(output.stderr().contains(note), "{}", output.stderr());
        assert_eq!(changed(here, &before), renewed);
        for (link, target) in [
            ("node-a.pem", "node-b.pem"),
            ("node-a-key.pem", "node-b-key.pem"),
        ] {
            assert_eq!(here.join(link).read_link().unwrap(), Path::new(target));
        }
        let line = "cert match node-a.pem node-a-key.pem";
        let _ = etcd_pki_in(here, line).expect_success();
    }
}

/// A link that cannot be written through holds up nothing else, and nothing at its end is changed.
#[test]
fn a_link_to_what_is_elsewhere() {
    let scratch = nodes(false);
    let here = scratch.path();
    fs::create_dir(here.join("elsewhere")).unwrap();
    for name in ["node-b.pem", "node-b-key.pem"] {
        fs::rename(here.join(name), here.join("elsewhere").join(name)).unwrap();
        symlink(Path::new("elsewhere").join(name), here.join(name)).unwrap();
    }
    symlink("elsewhere/node-b.pem", here.join("node-z.pem")).unwrap();
    let before = contents(&here.join("elsewhere"));
    let (own, line) = (contents(here), "cert renew -d .");
    let refusal = "node-b.pem is a link to ./elsewhere/node-b.pem\nhint: both were left as they are; renew ./elsewhere/node-b.pem";
    let output = etcd_pki_in(here, line);
    assert!(
        !output.success() && output.stderr().contains(refusal),
        "{}",
        output.stderr()
    );
    assert!(
        output.stderr().contains("1 of 3 renewed"),
        "{}",
        output.stderr()
    );
    assert!(!output.stderr().contains("own name"), "{}", output.stderr());
    assert_eq!(changed(here, &own), ["node-c.pem"]);
    // What the hint says
    let line = "cert renew elsewhere/node-b.pem -d .";
    assert!(changed(&here.join("elsewhere"), &before).is_empty());
    let _ = etcd_pki_in(here, line).expect_success();
    assert_eq!(changed(&here.join("elsewhere"), &before), ["node-b.pem"]);
}

/// A key that another certificate has through a link is not replaced under it: neither where the link is, nor where it leads.
#[test]
fn a_key_that_is_a_link_to_another_certificates() {
    let scratch = nodes(true);
    let here = scratch.path();
    symlink("node-b-key.pem", here.join("node-a-key.pem")).unwrap();
    let before = contents(here);
    let shared =
        "node-b-key.pem is also the key of ./node-a.pem, through the link ./node-a-key.pem";
    for (line, said, expected) in [
        (
            "cert renew node-a.pem -d . --rekey",
            "node-a-key.pem is a link to node-b-key.pem\nhint: both were left as they are; renew without --rekey",
            &[][..],
        ),
        ("cert renew node-b.pem -d . --rekey", shared, &[]),
        (
            "cert renew -d . --rekey",
            "node-a-key.pem is a link to ./node-b-key.pem",
            &["node-c-key.pem", "node-c.pem"],
        ),
    ] {
        let output = etcd_pki_in(here, line);
        assert!(!output.success(), "{line}");
        assert!(
            output.stderr().contains(said),
            "{line}: {}",
            output.stderr()
        );
        assert_eq!(changed(here, &before), expected, "{line}");
    }
    // With the keys that are there
    let before = contents(here);
    let _ = etcd_pki_in(here, "cert renew node-a.pem node-b.pem -d .").expect_success();
    assert_eq!(changed(here, &before), ["node-a.pem", "node-b.pem"]);
    // What the hints say
    fs::remove_file(here.join("node-a-key.pem")).unwrap();
    for name in ["a", "b"] {
        let line = format!("cert renew node-{name}.pem -d . --rekey");
        let _ = etcd_pki_in(here, &line).expect_success();
        let line = format!("cert match node-{name}.pem node-{name}-key.pem");
        let _ = etcd_pki_in(here, &line).expect_success();
    }
}
