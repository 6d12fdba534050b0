//! Renewals of certificates and CAs: names, usages and key stay the same.
use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{CertificateAuthority, Identity, PrivateKey, Profile, Role, Validity};
use etcd_pki_tests::{
    LOCK_FILE, Scratch,
    command::etcd_pki_in,
    kubespray::Kubespray,
    openssl::{self, Purpose},
    read_certificate,
};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_certificate_of_kubesprays_keeps_all_but_its_time() {
    let kubespray = Kubespray::create(&["etcd-1"], &["kube-1"]);
    let file = || kubespray.member("etcd-1").certificate;
    let key = fs::read(kubespray.member("etcd-1").key).unwrap();
    let old = read_certificate(file());
    let _ = etcd_pki_in(
        kubespray.path(),
        "cert renew member-etcd-1.pem -d . --days 365",
    )
    .expect_success();
    let new = read_certificate(file());
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

/// Writes a key from its PEM and its DER.
type Encode = fn(&str, &[u8]) -> Vec<u8>;

/// A file that only etcd-pki can read is written again as PEM, with the same key, as in a plan.
#[test]
fn a_pair_that_etcd_does_not_read_is_written_as_pem() {
    let forms: [Encode; 3] = [
        |_, der| der.to_vec(),
        |pem, _| [b"\xef\xbb\xbf", pem.as_bytes()].concat(),
        |pem, _| pem.replace('\n', "\r").into_bytes(),
    ];
    for form in forms {
        for which in [[true, false], [false, true], [true, true]] {
            let kubespray = Kubespray::create(&["etcd-1"], &["kube-1"]);
            let pair = kubespray.member("etcd-1");
            let old = read_certificate(&pair.certificate);
            let types = ["x509", "pkey"];
            for ((path, is_damaged), kind) in [&pair.certificate, &pair.key]
                .into_iter()
                .zip(which)
                .zip(types)
            {
                let pem = fs::read_to_string(path).unwrap();
                let line = format!("{kind} -in {} -outform DER -out out.der", path.display());
                let _ = openssl::call(kubespray.path(), &line);
                let der = fs::read(kubespray.path().join("out.der")).unwrap();
                if is_damaged {
                    fs::write(path, form(&pem, &der)).unwrap();
                }
            }
            let line = "cert renew member-etcd-1.pem -d .";
            let _ = etcd_pki_in(kubespray.path(), line).expect_success();
            let [certificate, key] = [&pair.certificate, &pair.key].map(fs::read_to_string);
            assert!(
                certificate
                    .unwrap()
                    .starts_with("-----BEGIN CERTIFICATE-----\n")
            );
            let key = key.unwrap();
            assert!(key.starts_with("-----BEGIN ") && key.contains("PRIVATE KEY-----\n"));
            let key = PrivateKey::from_pem(key).unwrap();
            assert_eq!(key.public_key(), old.public_key());
            let new = read_certificate(&pair.certificate);
            assert_eq!(new.public_key(), old.public_key());
            let ca = kubespray.ca().certificate;
            openssl::verify(&ca, &pair.certificate, Purpose::Server).assert_accepted("renewed");
        }
    }
}

#[test]
fn a_kubespray_ca_gets_its_key_usage_and_its_leaves_pass_strictly() {
    let kubespray = Kubespray::create(&["etcd-1"], &["kube-1"]);
    let (ca, leaf) = (
        kubespray.ca().certificate,
        kubespray.member("etcd-1").certificate,
    );
    openssl::verify_strict(&ca, &leaf, Purpose::Server).assert_refused("before", "key usage");
    let old = read_certificate(&ca);
    let _ = etcd_pki_in(kubespray.path(), "ca renew -d .").expect_success();
    let new = read_certificate(&ca);
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
    let old = read_certificate(&ca);
    let _ = etcd_pki_in(kubespray.path(), "ca renew -d .").expect_success();
    assert_eq!(read_certificate(&ca).serial_number(), old.serial_number());
    openssl::verify(&ca, &kubespray.path().join("client-x.pem"), Purpose::Client)
        .assert_accepted("its leaf");
}

/// Due certificates in the tree of every host are renewed, and copies in dot files are not.
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
    // The key of another certificate is next to it: nothing is written
    fs::copy(
        here.join("client-long-key.pem"),
        here.join("client-short-key.pem"),
    )
    .unwrap();
    let short = contents("client-short.pem");
    let output = run("cert renew client-short.pem -d .");
    assert!(
        !output.success() && output.stderr().contains("./client-short-key.pem does not match the certificate\nhint: they were left as they are"),
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
fn a_ca_that_has_expired() {
    let scratch = Scratch::new("expired");
    let identity = Identity::from_common_name("etcd-ca").unwrap();
    let then = SystemTime::now() - 20 * DAY;
    let profile = Profile::ca().with_validity(Validity::days(10));
    let key = PrivateKey::generate().unwrap();
    let ca = CertificateAuthority::create_for(key, &identity, profile, then).unwrap();
    let client = ca
        .at(then)
        .issue(
            Role::Client.profile().with_validity(Validity::days(9)),
            Identity::new("x").unwrap(),
        )
        .unwrap();
    let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
    write("ca.pem", &ca.certificate().to_pem());
    write("ca-key.pem", &ca.key().unwrap().to_secret_pem());
    write("client-x.pem", &client.to_pem());
    write("client-x-key.pem", &client.to_secret_pem());
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

/// One of several directories cannot be locked: the others are renewed, and each file is reported.
#[test]
fn a_directory_that_fails_does_not_stop_the_others() {
    let scratch = Scratch::new("renew-directories");
    let _ = etcd_pki_in(scratch.path(), "ca new -d ca").expect_success();
    for directory in ["a", "b", "c"] {
        let line = format!("cert issue client app -d ca -o {directory}/app.pem");
        fs::create_dir(scratch.path().join(directory)).unwrap();
        let _ = etcd_pki_in(scratch.path(), &line).expect_success();
    }
    // A link of another user in place of the lock
    symlink("elsewhere", scratch.path().join("b").join(LOCK_FILE)).unwrap();
    let serial = |directory: &str| {
        let file = scratch.path().join(directory).join("app.pem");
        read_certificate(file).serial_number().to_string()
    };
    let before = ["a", "b", "c"].map(serial);
    let line = "cert renew a/app.pem b/app.pem c/app.pem -d ca";
    let renewed = etcd_pki_in(scratch.path(), line);
    assert_eq!(renewed.code(), Some(1), "{}", renewed.stderr());
    let [a, b, c] = ["a", "b", "c"].map(serial);
    assert_ne!(a, before[0]);
    assert_eq!(b, before[1]);
    assert_ne!(c, before[2]);
    assert!(
        renewed.stderr().contains("2 of 3 renewed"),
        "{}",
        renewed.stderr()
    );
    assert!(
        renewed.stderr().contains("b/app.pem"),
        "{}",
        renewed.stderr()
    );
}
