//! `adopt` on directories with several CAs: the CA is the one that signed the certificates.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use etcd_pki_tests::{Scratch, adopted::Adopted, command::etcd_pki, openssl, run};

const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
const MEMBER: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
     extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:node1,DNS:localhost,IP:10.0.0.1,IP:127.0.0.1,IP:::1\n";
const CLIENT: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
     extendedKeyUsage=clientAuth\nsubjectAltName=IP:0.0.0.0\n";
const EXTENSIONS_OF_ALL: &str = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
const P256: &str = "-pkeyopt ec_paramgen_curve:prime256v1";
/// A curve with unsupported signatures
const BRAINPOOL: &str = "-pkeyopt ec_paramgen_curve:brainpoolP256r1";

/// A directory `d`, and CAs and leaves next to it, each `NAME.crt` and `NAME.key`.
struct Place(Scratch);

impl Place {
    fn new() -> Self {
        let place = Self(Scratch::new("signers"));
        fs::create_dir(place.file("d")).unwrap();
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn root(&self, name: &str, subject: &str, curve: &str) {
        self.request(name, subject, curve);
        self.sign(name, &format!("-signkey {name}.key"), CA);
    }

    fn request(&self, name: &str, subject: &str, curve: &str) {
        let _ = openssl::call(
            self.0.path(),
            &format!(
                "req -new -newkey ec {curve} -nodes -keyout {name}.key -subj {subject} -out {name}.csr"
            ),
        );
    }

    fn sign(&self, name: &str, by: &str, extensions: &str) {
        let extensions = format!("{extensions}{EXTENSIONS_OF_ALL}");
        fs::write(self.file("extensions"), extensions).unwrap();
        let _ = openssl::call(
            self.0.path(),
            &format!("x509 -req -in {name}.csr {by} -days 300 -extfile extensions -out {name}.crt"),
        );
    }

    /// A certificate that a CA signed.
    fn signed(&self, name: &str, subject: &str, ca: &str, extensions: &str) {
        self.request(name, subject, P256);
        let by = format!("-CA {ca}.crt -CAkey {ca}.key -CAcreateserial");
        self.sign(name, &by, extensions);
    }

    /// Copies certificates into one file of the directory.
    fn put(&self, names: &[&str], to: &str) {
        let all = names.iter().map(|name| {
            let certificate = self.file(&format!("{name}.crt"));
            fs::read_to_string(certificate).unwrap()
        });
        let to = self.file("d").join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, all.collect::<String>()).unwrap();
    }

    fn put_key(&self, name: &str, to: &str) {
        fs::copy(self.file(&format!("{name}.key")), self.file("d").join(to)).unwrap();
    }

    /// Copies a pair into the directory, with names such as Kubespray's or kubeadm's.
    fn put_pair(&self, name: &str, to: &str) {
        if let Some(stem) = to.strip_suffix(".pem") {
            self.put(&[name], to);
            self.put_key(name, &format!("{stem}-key.pem"));
        } else {
            self.put(&[name], &format!("{to}.crt"));
            self.put_key(name, &format!("{to}.key"));
        }
    }

    /// Kubernetes' CA in place of etcd's CA, and a member that etcd's CA signed.
    fn with_ca_of_kubernetes() -> Self {
        let place = Self::new();
        place.root("kubernetes", "/CN=kubernetes-ca", P256);
        place.root("etcd", "/CN=etcd-ca", P256);
        place.signed("member", "/CN=etcd-member-node1", "etcd", MEMBER);
        place.put_pair("kubernetes", "ca.pem");
        place.put_pair("member", "member-node1.pem");
        place
    }

    fn adopt(&self) -> Adopted {
        Adopted::of(&self.file("d"))
    }

    /// The reason and the hint of a refusal.
    #[track_caller]
    fn refused(&self, directory: &str) -> (String, String) {
        let mut command = Command::new(etcd_pki());
        let output = command.arg("adopt").arg(self.file(directory)).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        let (reason, hint) = text.trim_end().split_once("\nhint: ").unwrap();
        let (_, reason) = reason.split_once(" cannot be adopted: ").unwrap();
        let place = format!("{}/", self.0.path().display());
        (reason.to_owned(), hint.replace(&place, ""))
    }

    fn assert_refused(&self, reason: &str, hint: &str) {
        let expected = (reason.to_owned(), hint.to_owned());
        assert_eq!(self.refused("d"), expected);
    }
}

fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn a_ca_that_signed_nothing_is_not_the_ca() {
    let place = Place::with_ca_of_kubernetes();
    let reason = |signer: &str| {
        format!(
            "ca.pem, CN=kubernetes-ca, signed none of its certificates: member-node1.pem is signed by {signer}"
        )
    };
    let elsewhere = "as ca.pem, and what that CA signed, to another directory, and adopt that";
    place.assert_refused(
        &reason("CN=etcd-ca, which is not in the directory"),
        &format!("copy the certificate of CN=etcd-ca {elsewhere}"),
    );

    // The right CA has another name
    place.put(&["etcd"], "etcd-ca.pem");
    place.assert_refused(
        &reason("CN=etcd-ca (etcd-ca.pem)"),
        &format!("copy etcd-ca.pem {elsewhere}"),
    );

    // It is trusted too, and the key is that of the wrong CA
    fs::remove_file(place.file("d/etcd-ca.pem")).unwrap();
    place.put(&["kubernetes", "etcd"], "ca.pem");
    place.assert_refused(
        &reason("CN=etcd-ca (ca.pem)"),
        "write the key of CN=etcd-ca to ca-key.pem, or move ca-key.pem out of the directory",
    );
    // Both solutions that the hint names
    fs::remove_file(place.file("d/ca-key.pem")).unwrap();
    let adopted = place.adopt();
    let is_of_etcd = |adopted: &Adopted| {
        assert!(
            adopted.specification.contains("common_name: etcd-ca\n"),
            "{}",
            adopted.specification
        );
        adopted.assert_due(&[]);
    };
    is_of_etcd(&adopted);
    place.put_key("etcd", "ca-key.pem");
    is_of_etcd(&place.adopt());
}

#[test]
fn a_ca_of_the_same_name_and_another_key() {
    let place = Place::with_ca_of_kubernetes();
    place.root("namesake", "/CN=etcd-ca", P256);
    place.put_pair("namesake", "ca.pem");
    place.assert_refused(
        "ca.pem, CN=etcd-ca, signed none of its certificates: member-node1.pem is signed by another CA of this name, which is not in the directory",
        "copy that CA's certificate as ca.pem, and what that CA signed, to another directory, and adopt that",
    );
}

/// The CA of Kubernetes is in `ca.crt`, which is also the name of etcdadm's CA.
#[test]
fn a_control_plane_with_etcd_elsewhere() {
    let place = Place::new();
    place.root("kubernetes", "/CN=kubernetes", P256);
    place.root("etcd", "/CN=etcd-ca", P256);
    place.signed("client", "/CN=kube-apiserver-etcd-client", "etcd", CLIENT);
    place.put_pair("kubernetes", "ca");
    place.put_pair("client", "apiserver-etcd-client");
    let reason = "ca.crt, CN=kubernetes, signed none of its certificates: apiserver-etcd-client.crt is signed by CN=etcd-ca";
    place.assert_refused(
        &format!("{reason}, which is not in the directory"),
        "copy the certificate of CN=etcd-ca to d/etcd/ca.crt",
    );
    place.put(&["etcd"], "etcd-ca.crt");
    place.assert_refused(
        &format!("{reason} (etcd-ca.crt)"),
        "copy etcd-ca.crt to d/etcd/ca.crt",
    );

    // The layout is that of the CA that signed the certificates
    place.put(&["etcd"], "etcd/ca.crt");
    let adopted = place.adopt();
    for line in ["layout: kubeadm\n", "common_name: etcd-ca\n"] {
        assert!(adopted.specification.contains(line), "{line}");
    }
    adopted.assert_due(&[]);
}

/// A certificate of another CA is omitted, if that CA signed it directly, through a chain, or with
/// an algorithm that cannot be checked.
#[test]
fn what_another_ca_signed_is_left_out() {
    for is_below in [false, true] {
        for curve in [P256, BRAINPOOL] {
            for file in ["third.pem", "below/third.pem"] {
                let place = Place::with_ca_of_kubernetes();
                place.put_pair("etcd", "ca.pem");
                place.root("third", "/CN=third", curve);
                place.put(&["third"], file);
                if is_below {
                    place.signed("lower", "/CN=lower", "third", CA);
                    place.signed("root", "/CN=root", "lower", CLIENT);
                    place.put_pair("root", "client-root.pem");
                    place.put(&["root", "lower"], "client-root.pem");
                } else {
                    place.signed("root", "/CN=root", "third", CLIENT);
                    place.put_pair("root", "client-root.pem");
                }
                let before = contents(&place.file("d"));
                let adopted = place.adopt();
                let context = format!("{is_below} {curve} {file} {:?}", adopted.notes);
                let note = format!(
                    "client-root.pem: is signed by CN=third ({file}), another CA of this directory, so it is left out"
                );
                assert!(adopted.notes.contains(&note), "{context}");
                assert!(!adopted.specification.contains("clients:"), "{context}");
                assert!(adopted.specification.contains("node1"), "{context}");
                let _ = adopted.json("apply");
                let after = contents(&place.file("d"));
                for (path, bytes) in before {
                    assert_eq!(after[&path], bytes, "{context}");
                }
            }
        }
    }
}

/// A second CA in the trust bundle belongs to the cluster, so certificates that it signed stay.
#[test]
fn what_another_ca_of_the_bundle_signed_is_described() {
    let place = Place::with_ca_of_kubernetes();
    place.signed("root", "/CN=root", "kubernetes", CLIENT);
    place.put_pair("root", "client-root.pem");
    place.put(&["kubernetes", "etcd"], "ca.pem");
    place.put_key("etcd", "ca-key.pem");
    let adopted = place.adopt();
    let note = "client-root.pem: is signed by CN=kubernetes-ca, another CA of ca.pem, and its key is not here";
    assert!(
        adopted.notes.iter().any(|one| one == note),
        "{:?}",
        adopted.notes
    );
    assert!(adopted.specification.contains("common_name: etcd-ca\n"));
    assert!(
        adopted.specification.contains("root"),
        "{}",
        adopted.specification
    );
    adopted.assert_due(&[]);
}

/// A CA below the one with the key signed all certificates. Its certificate is in the bundle or in
/// the files of the leaves.
#[test]
fn a_chain_leads_to_the_ca() {
    for is_in_bundle in [false, true] {
        let place = Place::with_ca_of_kubernetes();
        place.signed("lower", "/CN=lower", "etcd", CA);
        place.signed("member", "/CN=etcd-member-node1", "lower", MEMBER);
        place.put_pair("member", "member-node1.pem");
        place.put_pair("etcd", "ca.pem");
        if is_in_bundle {
            place.put(&["etcd", "lower"], "ca.pem");
        } else {
            place.put(&["member", "lower"], "member-node1.pem");
        }
        let adopted = place.adopt();
        assert!(adopted.specification.contains("common_name: etcd-ca\n"));
        assert!(adopted.specification.contains("node1"));
        adopted.assert_due(&[]);
    }
}

/// A CA without certificates: nothing shows that it is wrong.
#[test]
fn a_ca_without_certificates() {
    let place = Place::with_ca_of_kubernetes();
    fs::remove_file(place.file("d/member-node1.pem")).unwrap();
    let adopted = place.adopt();
    assert!(adopted.specification.contains("common_name: kubernetes-ca"));
}

#[test]
fn a_peer_ca_that_signed_nothing() {
    let place = Place::with_ca_of_kubernetes();
    place.put_pair("etcd", "ca.pem");
    place.put_pair("kubernetes", "peer-ca.pem");
    place.signed("peer", "/CN=etcd-member-node1", "etcd", MEMBER);
    place.put_pair("peer", "peer-node1.pem");
    place.assert_refused(
        "peer-ca.pem, CN=kubernetes-ca, signed none of its certificates: peer-node1.pem is signed by CN=etcd-ca (ca.pem)",
        "move peer-ca.pem and peer-ca-key.pem out of the directory",
    );
    fs::remove_file(place.file("d/peer-ca.pem")).unwrap();
    fs::remove_file(place.file("d/peer-ca-key.pem")).unwrap();
    let adopted = place.adopt();
    assert!(!adopted.specification.contains("peers: separate"));
}

/// A CA that `ca new --replace-ca` replaced belongs to the same cluster.
#[test]
fn a_replaced_ca() {
    let place = Place::with_ca_of_kubernetes();
    place.put_pair("etcd", "ca.pem");
    let mut command = Command::new(etcd_pki());
    let command = command.args(["ca", "new", "--replace-ca", "-d"]);
    let _ = run(command.arg(place.file("d"))).expect_success();
    let adopted = place.adopt();
    assert!(adopted.specification.contains("node1"));
    assert_eq!(
        adopted.due().into_keys().collect::<Vec<_>>(),
        ["member-node1.pem"]
    );
}

/// Kubernetes' CAs and certificates, and etcd's below them.
fn k3s() -> Place {
    let place = Place::new();
    for (name, to) in [
        ("server-ca", "tls/server-ca"),
        ("client-ca", "tls/client-ca"),
        ("request-header-ca", "tls/request-header-ca"),
        ("etcd-server-ca", "tls/etcd/server-ca"),
        ("etcd-peer-ca", "tls/etcd/peer-ca"),
    ] {
        place.root(name, &format!("/CN=k3s-{name}"), P256);
        place.put(&[name], &format!("{to}.crt"));
        place.put_key(name, &format!("{to}.key"));
    }
    for (ca, extensions, to) in [
        ("client-ca", CLIENT, "tls/client-admin"),
        ("request-header-ca", CLIENT, "tls/client-auth-proxy"),
        ("server-ca", MEMBER, "tls/serving-kube-apiserver"),
        ("etcd-server-ca", MEMBER, "tls/etcd/server-client"),
        ("etcd-server-ca", CLIENT, "tls/etcd/client"),
        ("etcd-peer-ca", MEMBER, "tls/etcd/peer-server-client"),
    ] {
        place.signed("leaf", "/CN=leaf", ca, extensions);
        place.put_pair("leaf", to);
    }
    place
}

#[test]
fn the_right_directory_is_named() {
    let place = k3s();
    let expected = "did you mean d/tls/etcd?";
    let (reason, hint) = place.refused("d/tls");
    assert!(
        reason.starts_with("server-ca.crt, CN=k3s-server-ca, signed none of its certificates: "),
        "{reason}"
    );
    assert_eq!(hint, expected);
    assert_eq!(place.refused("d").1, expected);
    // The same without Kubernetes' CA
    fs::remove_file(place.file("d/tls/server-ca.crt")).unwrap();
    let (reason, hint) = place.refused("d/tls");
    assert_eq!(reason, "server-ca.crt is missing");
    assert_eq!(hint, expected);

    let adopted = Adopted::of(&place.file("d/tls/etcd"));
    assert!(adopted.notes.is_empty(), "{:?}", adopted.notes);
    adopted.assert_due(&[]);
}

/// Certificates of other CAs are omitted, and so are CAs in files with names of clients.
#[test]
fn a_ca_is_no_client() {
    let place = k3s();
    for name in ["client-ca", "client-admin"] {
        for ending in ["crt", "key"] {
            let file = format!("{name}.{ending}");
            let from = place.file("d/tls").join(&file);
            fs::copy(from, place.file("d/tls/etcd").join(file)).unwrap();
        }
    }
    let directory = place.file("d/tls/etcd");
    let before = contents(&directory);
    let adopted = Adopted::of(&directory);
    assert_eq!(
        adopted.notes,
        [
            "client-admin.crt: is signed by CN=k3s-client-ca (client-ca.crt), another CA of this directory, so it is left out",
            "client-ca.crt: a CA, CN=k3s-client-ca, with the name of a client's certificate, so it is left out",
        ]
    );
    assert!(!adopted.specification.contains("name: ca\n"));
    assert!(!adopted.specification.contains("name: admin\n"));
    let _ = adopted.json("apply");
    let after = contents(&directory);
    for (path, bytes) in before {
        assert_eq!(after[&path], bytes, "{}", path.display());
    }
}
