//! Certificates of other CAs in the directory: `apply` never signs one of them, and names their CA.
use std::{fs, path::Path};

use etcd_pki_core::{CertificateAuthority, CertificateRequest, Identity, PrivateKey, Role};
use etcd_pki_tests::{
    cluster::{Cluster, SPECIFICATION},
    command::etcd_pki_in,
    machines::{self, Machines},
    openssl, run, stderr_of,
};
use serde_json::Value;

const CERTIFICATE: &str = "client-root.pem";
const KEY: &str = "client-root-key.pem";

/// A CA of the directory that is not the cluster's own.
fn third() -> CertificateAuthority {
    CertificateAuthority::create("third").unwrap()
}

/// Replaces the pair of `root` by one that another CA signed.
fn sign_root(cluster: &Cluster, ca: &CertificateAuthority) {
    let bundle = ca.issue(Role::Client, Identity::new("root").unwrap());
    let bundle = bundle.unwrap();
    fs::write(cluster.file(CERTIFICATE), bundle.to_pem()).unwrap();
    fs::write(cluster.file(KEY), bundle.to_secret_pem()).unwrap();
}

/// Appends to a file.
fn append(path: &Path, text: &str) {
    let before = fs::read_to_string(path).unwrap();
    fs::write(path, before + text).unwrap();
}

/// Creates `{name}.pem` and its key next to the directory: a root, or a CA below `{issuer}.pem`.
fn openssl_ca(cluster: &Cluster, name: &str, algorithm: &str, issuer: Option<&str>) {
    let call = |line: &str| {
        let _ = openssl::call(cluster.path(), line);
    };
    let extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
    fs::write(cluster.path().join("ca.cnf"), extensions).unwrap();
    call(&format!("genpkey {algorithm} -out {name}-key.pem"));
    call(&format!(
        "req -new -key {name}-key.pem -subj /CN={name} -out {name}.csr"
    ));
    let signer = match issuer {
        None => format!("-signkey {name}-key.pem"),
        Some(issuer) => format!("-CA {issuer}.pem -CAkey {issuer}-key.pem -set_serial 7"),
    };
    call(&format!(
        "x509 -req -in {name}.csr {signer} -days 300 -extfile ca.cnf -out {name}.pem"
    ));
}

/// Replaces the pair of `root` by one that the CA `{ca}.pem` signed.
fn openssl_root(cluster: &Cluster, ca: &str, options: &str) {
    let extensions = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
                      extendedKeyUsage=clientAuth\nsubjectAltName=IP:0.0.0.0\n";
    fs::write(cluster.path().join("leaf.cnf"), extensions).unwrap();
    let request = format!("req -new -key ssl/{KEY} -subj /CN=root -out leaf.csr");
    let _ = openssl::call(cluster.path(), &request);
    let _ = openssl::call(
        cluster.path(),
        &format!(
            "x509 -req -in leaf.csr -CA {ca}.pem -CAkey {ca}-key.pem -set_serial 9 -days 200 \
             {options} -extfile leaf.cnf -out ssl/{CERTIFICATE}"
        ),
    );
}

const EC: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

/// The text of a file next to the directory.
fn text(cluster: &Cluster, name: &str) -> String {
    fs::read_to_string(cluster.path().join(name)).unwrap()
}

/// The specification with another organization of `root`, so that its pair is due.
fn with_organization() -> String {
    SPECIFICATION.replace("[root,", "[{name: root, organization: ops},")
}

/// Expects that neither `apply` nor `apply --rekey` writes the pair of `root`; returns why.
fn assert_left_alone(cluster: &Cluster) -> String {
    let files = [CERTIFICATE, KEY].map(|file| cluster.file(file));
    let before = files.clone().map(|file| fs::read(file).unwrap());
    let due = cluster.due()[CERTIFICATE].clone();
    assert!(due.starts_with("blocked: "), "{due}");
    for options in [&[][..], &["--rekey"]] {
        let output = cluster.command("apply").args(options).output().unwrap();
        let printed = stderr_of(&output, 1);
        assert!(printed.contains(CERTIFICATE), "{printed}");
        let after = files.clone().map(|file| fs::read(file).unwrap());
        assert!(before == after, "{due}");
    }
    due
}

/// The reason names the CA that signed it, and the hint fits that reason.
#[test]
fn the_reason_names_the_ca_that_signed_it() {
    let cluster = Cluster::applied();
    let third = third();
    sign_root(&cluster, &third);
    let pem = third.certificate().to_pem();
    fs::write(cluster.file("third.pem"), pem).unwrap();
    let reason =
        "signed by CN=third (third.pem), another CA of this directory; etcd-pki leaves it alone";
    assert_eq!(assert_left_alone(&cluster), format!("blocked: {reason}"));

    let output = cluster.command("apply").output().unwrap();
    let printed = stderr_of(&output, 1);
    assert!(printed.contains(reason), "{printed}");
    assert!(
        printed.contains("hint: renew it with the CA that signed it"),
        "{printed}"
    );
    assert!(!printed.contains("--rekey"), "{printed}");
    assert!(!printed.contains("not by third.pem"), "{printed}");
    let output = cluster.command("plan").output().unwrap();
    let printed = stderr_of(&output, 0);
    assert!(
        printed.contains("renew it with the CA that signed it"),
        "{printed}"
    );
    assert!(!printed.contains("bring back"), "{printed}");

    let plan = cluster.json("plan");
    let changes = plan["changes"].as_array().unwrap();
    let [change] = &changes[..] else {
        panic!("{plan}")
    };
    let reasons = change["reasons"].as_array().unwrap();
    assert_eq!(reasons[0]["code"], "EP053");
    assert_eq!(reasons[0]["target"], "third.pem");
    assert_eq!(reasons[0]["subject"], "CN=third");
}

/// The CA's file may be anywhere that `check` searches.
#[test]
fn a_ca_in_any_file_of_the_directory() {
    let pem = third().certificate().to_pem();
    let stranger = third();
    for file in ["third.pem", "third.crt", "third.txt", "sub/third.pem"] {
        let cluster = Cluster::applied();
        sign_root(&cluster, &stranger);
        fs::create_dir(cluster.file("sub")).unwrap();
        // A CA of the same name with another key is not the one
        fs::write(cluster.file("namesake.pem"), &pem).unwrap();
        fs::write(cluster.file(file), stranger.certificate().to_pem()).unwrap();
        let due = cluster.due()[CERTIFICATE].clone();
        let reason = format!("blocked: signed by CN=third ({file}), another CA");
        assert!(due.starts_with(&reason), "{due}");
        let before = fs::read(cluster.file(CERTIFICATE)).unwrap();
        let _ = stderr_of(&cluster.command("apply").output().unwrap(), 1);
        assert_eq!(fs::read(cluster.file(CERTIFICATE)).unwrap(), before);
    }
}

/// Clients of the other CA continue to use it, whatever is due.
#[test]
fn another_ca_of_the_bundle() {
    for name in ["third", "etcd-ca"] {
        let cluster = Cluster::applied();
        let other = CertificateAuthority::create(name).unwrap();
        append(&cluster.file("ca.pem"), &other.certificate().to_pem());
        sign_root(&cluster, &other);
        // etcd trusts it, so nothing is due
        assert!(!cluster.due().contains_key(CERTIFICATE));
        cluster.specify(&with_organization());
        let due = assert_left_alone(&cluster);
        let reason = format!("blocked: signed by CN={name} (ca.pem), another CA");
        assert!(due.starts_with(&reason), "{due}");
    }
}

/// An intermediate CA in the leaf's file, below each kind of CA that the directory has.
#[test]
fn below_another_ca() {
    for place in ["third.pem", "ca.pem", "own"] {
        let cluster = Cluster::applied();
        openssl_ca(&cluster, "third", EC, None);
        let above = if place == "own" { "ssl/ca" } else { "third" };
        openssl_ca(&cluster, "mid", EC, Some(above));
        openssl_root(&cluster, "mid", "");
        append(&cluster.file(CERTIFICATE), &text(&cluster, "mid.pem"));
        match place {
            "own" => {}
            "ca.pem" => append(&cluster.file(place), &text(&cluster, "third.pem")),
            place => fs::write(cluster.file(place), text(&cluster, "third.pem")).unwrap(),
        }
        cluster.specify(&with_organization());
        let due = assert_left_alone(&cluster);
        let reason = format!("blocked: signed by CN=mid ({CERTIFICATE}), another CA");
        assert!(due.starts_with(&reason), "{place}: {due}");
        if place == "own" {
            let renew = format!("cert renew -d ssl ssl/{CERTIFICATE}");
            let _ = etcd_pki_in(cluster.path(), &renew).expect_code(1);
        }
    }
}

/// A certificate with a signature that cannot be checked may be that of another CA.
#[test]
fn what_cannot_be_judged() {
    for (algorithm, options) in [
        (
            "-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1",
            "",
        ),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-224", ""),
        ("-algorithm ed448", ""),
        (EC, "-sha1"),
    ] {
        let cluster = Cluster::applied();
        openssl_ca(&cluster, "third", algorithm, None);
        openssl_root(&cluster, "third", options);
        fs::write(cluster.file("third.pem"), text(&cluster, "third.pem")).unwrap();
        for specification in [SPECIFICATION.to_owned(), with_organization()] {
            cluster.specify(&specification);
            let due = assert_left_alone(&cluster);
            assert!(!due.contains("not by"), "{algorithm}: {due}");
        }
    }
}

/// A certificate of a replaced CA is signed again, even if the bundle or another file contains that
/// CA.
#[test]
fn what_a_replaced_ca_signed_is_signed_again() {
    for keep in ["", "ca.pem", "old.pem"] {
        let cluster = Cluster::applied();
        let old = fs::read_to_string(cluster.file("ca.pem")).unwrap();
        let _ = etcd_pki_in(cluster.path(), "ca new -d ssl --replace-ca").expect_success();
        match keep {
            "" => {}
            "ca.pem" => append(&cluster.file(keep), &old),
            keep => fs::write(cluster.file(keep), &old).unwrap(),
        }
        cluster.specify(&with_organization());
        let _ = run(&mut cluster.command("apply")).expect_success();
        let line = format!("verify -partial_chain -CAfile ssl/ca.pem ssl/{CERTIFICATE}");
        let _ = openssl::call(cluster.path(), &line);
        assert!(cluster.due().is_empty(), "{keep}");
    }
}

/// A CA certificate in the leaf's own file does not count: if no CA of the directory signed the
/// leaf, it is signed again.
#[test]
fn a_stranger_in_the_leafs_own_file() {
    let cluster = Cluster::applied();
    let third = third();
    sign_root(&cluster, &third);
    append(&cluster.file(CERTIFICATE), &third.certificate().to_pem());
    let due = cluster.due()[CERTIFICATE].clone();
    assert!(due.starts_with("renew: "), "{due}");
    let _ = cluster.apply();
    cluster.assert_whole();
}

/// The first reason and the action of each step of a plan on a machine, by the name of its file.
fn planned(machines: &Machines, machine: &str, file: &str) -> (String, String) {
    let output = machines.output("plan", machine);
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let changes = plan["changes"].as_array().unwrap().iter();
    let mut changes = changes.filter(|one| one["certificate"].as_str().unwrap().ends_with(file));
    let change = changes.next().unwrap_or_else(|| panic!("{plan}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&change["action"]), text(&change["reasons"][0]["code"]))
}

/// On a host with its own keys, no request is written for a certificate that another CA of its
/// directory signed.
#[test]
fn a_pair_of_another_ca_on_a_host() {
    const FILE: &str = "member-etcd-1.pem";
    for place in ["third.pem", "sub/third.crt", "ca.pem"] {
        let machines = Machines::installed(machines::SPECIFICATION);
        let third = third();
        let identity = Identity::new("etcd-1").unwrap();
        let identity = identity.with_names(["10.0.0.11"]).unwrap();
        let bundle = third.issue(Role::Member, identity).unwrap();
        let file = |name: &str| machines.path("etcd-1").join(name);
        fs::write(file(FILE), bundle.to_pem()).unwrap();
        let key = bundle.to_secret_pem();
        fs::write(file("member-etcd-1-key.pem"), key).unwrap();
        fs::create_dir(file("sub")).unwrap();
        let ca = fs::read_to_string(file(place)).unwrap_or_default();
        let ca = ca + &third.certificate().to_pem();
        fs::write(file(place), ca).unwrap();
        machines.specify(&machines::SPECIFICATION.replace("10.0.0.11", "10.0.0.99"));
        let before = (machines.files("travel"), machines.files("etcd-1"));
        let (action, code) = planned(&machines, "etcd-1", FILE);
        assert_eq!((&*action, &*code), ("blocked", "EP053"), "{place}");
        let printed = stderr_of(&machines.output("apply", "etcd-1"), 1);
        let reason = format!("signed by CN=third ({place}), another CA of this directory");
        assert!(printed.contains(&reason), "{printed}");
        let mut after = (machines.files("travel"), machines.files("etcd-1"));
        for files in [&mut after.0, &mut after.1] {
            // The host's other pairs are done
            files.retain(|path, _| !path.to_str().unwrap().contains("admin-etcd-1"));
        }
        for (files, before) in [(&after.0, &before.0), (&after.1, &before.1)] {
            for (path, contents) in files {
                assert_eq!(before.get(path), Some(contents), "{}", path.display());
            }
        }
    }
}

/// On the machine that signs requests, a certificate in the host's folder stays if another CA of
/// the directory signed it.
#[test]
fn a_request_next_to_what_another_ca_signed() {
    const FILE: &str = "member-etcd-1.pem";
    for is_below in [false, true] {
        let machines = Machines::installed(machines::SPECIFICATION);
        let third = third();
        let key = fs::read(machines.path("etcd-1/member-etcd-1-key.pem")).unwrap();
        let key = PrivateKey::from_pem(key).unwrap();
        let identity = Identity::new("etcd-1").unwrap();
        let identity = identity.with_names(["10.0.0.11"]).unwrap();
        let request = CertificateRequest::create(&key, Role::Member, &identity).unwrap();
        let issued = third.sign(&request, Role::Member, &identity).unwrap();
        let travelling = machines.path("travel/etcd-1").join(FILE);
        let pem = third.certificate().to_pem();
        let mut text = issued.to_pem();
        if is_below {
            text.push_str(&pem);
        }
        fs::write(&travelling, &text).unwrap();
        fs::write(machines.path("ca/third.pem"), &pem).unwrap();
        let (action, code) = planned(&machines, "ca", FILE);
        assert_eq!((&*action, &*code), ("blocked", "EP053"));
        let printed = stderr_of(&machines.output("apply", "ca"), 1);
        assert!(
            printed.contains("signed by CN=third (third.pem)"),
            "{printed}"
        );
        assert_eq!(fs::read_to_string(&travelling).unwrap(), text);
        // Without that CA in the directory, it counts as signed by an unknown CA
        fs::remove_file(machines.path("ca/third.pem")).unwrap();
        let _ = machines.quietly("ca");
        assert!(fs::read_to_string(&travelling).unwrap() != text);
    }
}

/// A renewal by path names the other CA too.
#[test]
fn a_renewal_by_path_names_the_other_ca() {
    let cluster = Cluster::applied();
    let third = third();
    sign_root(&cluster, &third);
    let pem = third.certificate().to_pem();
    fs::write(cluster.file("third.pem"), pem).unwrap();
    let before = fs::read(cluster.file(CERTIFICATE)).unwrap();
    let renewed = etcd_pki_in(cluster.path(), "cert renew -d ssl ssl/client-root.pem");
    let printed = renewed.expect_code(1);
    let printed = printed.stderr();
    let reason = "signed by CN=third (third.pem), another CA of this directory";
    assert!(printed.contains(reason), "{printed}");
    assert_eq!(fs::read(cluster.file(CERTIFICATE)).unwrap(), before);
}
