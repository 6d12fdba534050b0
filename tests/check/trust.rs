//! The CAs that etcd trusts are in one file: `check` names each leaf that these CAs did not sign,
//! and each trusted file with which nothing is trusted. Go decides who is right.
use std::{fs, path::Path};

use etcd_pki_core::{
    Bundle, CertificateAuthority, CertificateRequest, Cluster, Identity, Layout, PrivateKey, Role,
    Store,
    inspect::{self, Check},
};
use etcd_pki_tests::{
    Scratch, Verdict,
    command::etcd_pki_in,
    go::{self, Files},
    openssl,
};

/// The file names of the CA, of a leaf, and of its key.
type Names = [&'static str; 3];

const MEMBER: Names = ["ca.pem", "member-m.pem", "member-m-key.pem"];
const CLIENT: Names = ["ca.pem", "client-x.pem", "client-x-key.pem"];

fn ca(name: &str) -> CertificateAuthority {
    CertificateAuthority::create(name).unwrap()
}

fn issue(ca: &CertificateAuthority, role: Role) -> Bundle {
    let identity = Identity::new("m").unwrap();
    let identity = match role {
        Role::Member => identity.with_names(["10.0.0.1"]).unwrap(),
        _ => identity,
    };
    ca.issue(role, identity).unwrap()
}

fn write(path: &Path, contents: impl AsRef<[u8]>) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn write_ca(path: &Path, ca: &CertificateAuthority) {
    write(path, ca.certificate().to_pem());
}

fn write_leaf(folder: &Path, [_, certificate, key]: Names, leaf: &Bundle) {
    write(&folder.join(certificate), leaf.certificate().to_pem());
    let secret = leaf.key().to_secret_pem();
    write(&folder.join(key), secret.as_bytes());
}

/// The codes of the findings about each file.
pub(crate) fn codes(path: &Path) -> Vec<(String, &'static str)> {
    let checked = Check::new().run([path]);
    let findings = checked.iter().flat_map(|one| {
        let name = one.path().file_name().unwrap().to_string_lossy();
        let codes = one.findings().iter().map(|finding| finding.code());
        codes.map(move |code| (name.clone().into_owned(), code))
    });
    findings.collect()
}

/// The codes of the findings about a file of a directory.
fn codes_of(folder: &Path, file: &str) -> Vec<&'static str> {
    let name = Path::new(file).file_name().unwrap().to_string_lossy();
    let found = codes(folder);
    let found = found.iter().filter(|(path, _)| *path == name);
    found.map(|(_, code)| *code).collect()
}

/// An old CA does not make a leaf valid, whatever layout the name of its file belongs to.
#[test]
fn the_layout_of_a_leaf_shows_its_ca() {
    const OTHERS: [&str; 9] = [
        "ca.pem",
        "ca.crt",
        "etcd/ca.crt",
        "etcd/ca.pem",
        "server-ca.crt",
        "peer-ca.pem",
        "peer-ca.crt",
        "etcd/peer-ca.crt",
        "ca-old.pem",
    ];
    let (new, old) = (ca("etcd-ca"), ca("old-ca"));
    for (names, role) in [
        (MEMBER, Role::Member),
        (CLIENT, Role::Client),
        (
            ["etcd/ca.crt", "etcd/server.crt", "etcd/server.key"],
            Role::Member,
        ),
        (
            [
                "etcd/ca.crt",
                "apiserver-etcd-client.crt",
                "apiserver-etcd-client.key",
            ],
            Role::Client,
        ),
        (
            ["server-ca.crt", "server-client.crt", "server-client.key"],
            Role::Member,
        ),
        (["ca.crt", "server.crt", "server.key"], Role::Member),
    ] {
        for other in OTHERS.into_iter().filter(|other| *other != names[0]) {
            // A file of this name belongs to the peer CA or to the other layout
            if names[1].starts_with("etcd/") && other.starts_with("etcd/ca.") {
                continue;
            }
            for (signer, is_good) in [(&new, true), (&old, false)] {
                let scratch = Scratch::new("trust");
                let folder = scratch.path().join("pki");
                write_ca(&folder.join(names[0]), &new);
                write_ca(&folder.join(other), &old);
                write_leaf(&folder, names, &issue(signer, role));
                let [ca, leaf] = [names[0], names[1]].map(|name| folder.join(name));
                let accepted = go::verify(&ca, &leaf).client() == Verdict::Accepted;
                assert_eq!(accepted, is_good);
                for path in [&folder, &leaf] {
                    let found = codes_of(path, names[1]);
                    let is_refused = found.contains(&"EP007");
                    assert_eq!(is_refused, !is_good, "{names:?} {other}: {found:?}");
                }
            }
        }
    }
}

/// With a separate peer CA, each CA counts only for its own port.
#[test]
fn the_pairs_of_two_ports_exchanged() {
    const PEER: Names = ["peer-ca.pem", "peer-m.pem", "peer-m-key.pem"];
    const KUBEADM: [Names; 2] = [
        ["etcd/ca.crt", "etcd/server.crt", "etcd/server.key"],
        ["etcd/peer-ca.crt", "etcd/peer.crt", "etcd/peer.key"],
    ];
    const K3S: [Names; 2] = [
        ["server-ca.crt", "server-client.crt", "server-client.key"],
        [
            "peer-ca.crt",
            "peer-server-client.crt",
            "peer-server-client.key",
        ],
    ];
    for names in [[MEMBER, PEER], KUBEADM, K3S] {
        let cas = [ca("etcd-ca"), ca("etcd-peer-ca")];
        for is_exchanged in [false, true] {
            let scratch = Scratch::new("trust");
            let folder = scratch.path().join("pki");
            for (place, names) in names.into_iter().enumerate() {
                write_ca(&folder.join(names[0]), &cas[place]);
                let signer = if is_exchanged { 1 - place } else { place };
                write_leaf(&folder, names, &issue(&cas[signer], Role::Member));
                let [ca, leaf] = [names[0], names[1]].map(|name| folder.join(name));
                let accepted = go::verify(&ca, &leaf).server() == Verdict::Accepted;
                assert_eq!(accepted, !is_exchanged);
            }
            for [_, leaf, _] in names {
                let expected: &[&str] = if is_exchanged { &["EP007"] } else { &[] };
                assert_eq!(codes_of(&folder, leaf), expected, "{leaf}");
            }
        }
    }
}

/// The name of a CA does not disable the requirements of etcd for a leaf, in `check` and where it
/// is issued.
#[test]
fn a_ca_with_the_name_of_one_of_kubernetes() {
    const NODE: Names = [
        "etcd/ca.crt",
        "apiserver-etcd-client.crt",
        "apiserver-etcd-client.key",
    ];
    for name in [
        "kubernetes",
        "kubernetes-etcd-ca",
        "k3s-etcd",
        "rke2-x",
        "front-proxy-ca",
    ] {
        let (new, old) = (ca(name), ca(name));
        let open = Identity::new("x").unwrap().without_alternative_names();
        for names in [CLIENT, NODE] {
            let scratch = Scratch::new("trust");
            let folder = scratch.path().join("pki");
            let [ca, leaf] = [names[0], names[1]].map(|name| folder.join(name));
            write_ca(&ca, &new);
            let bundle = new.issue(Role::Client, &open).unwrap();
            assert_eq!(
                inspect::peer_port(bundle.certificate()).map(|finding| finding.code()),
                Some("EP011")
            );
            write_leaf(&folder, names, &bundle);
            assert_eq!(codes_of(&folder, names[1]), ["EP011"], "{name}");

            write(&folder.join("old-ca.pem"), old.certificate().to_pem());
            write_leaf(&folder, names, &issue(&old, Role::Client));
            assert_ne!(go::verify(&ca, &leaf).client(), Verdict::Accepted);
            // K3s's own directory has such files of Kubernetes, but not with these endings
            assert_eq!(codes_of(&folder, names[1]), ["EP007"], "{name}");
        }
    }
}

/// The requirements of etcd do not apply to the certificates of Kubernetes next to etcd's
/// directory.
#[test]
fn certificates_of_kubernetes_are_not_judged() {
    let scratch = Scratch::new("trust");
    let folder = scratch.path().join("tls");
    let [server, client] = ["k3s-server-ca@1", "k3s-client-ca@1"].map(ca);
    write_ca(&folder.join("server-ca.crt"), &server);
    write_ca(&folder.join("client-ca.crt"), &client);
    write_ca(&folder.join("etcd/server-ca.crt"), &ca("etcd-server-ca@1"));
    let identity = Identity::new("system:admin").unwrap();
    let leaf = client.issue(Role::Client, identity.without_alternative_names());
    let names = ["", "client-admin.crt", "client-admin.key"];
    write_leaf(&folder, names, &leaf.unwrap());
    assert_eq!(codes_of(&folder, names[1]), Vec::<&str>::new());
}

/// A trusted file without any CA, and a certificate file without any certificate.
#[test]
fn files_without_what_their_names_promise() {
    const KEYS: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let scratch = Scratch::new("trust");
    let at = |name: &str| scratch.path().join(name);
    let call = |line: &str| drop(openssl::call(scratch.path(), line));
    let folder = at("pki");
    let own = ca("etcd-ca");
    write_ca(&folder.join(MEMBER[0]), &own);
    write_leaf(&folder, MEMBER, &issue(&own, Role::Member));
    let secret = own.key().unwrap().to_secret_pem();
    write(&at("ca-key.pem"), secret.as_bytes());
    write_ca(&at("ca.pem"), &own);
    let key = fs::read(folder.join(MEMBER[2])).unwrap();
    let other = issue(&own, Role::Client).certificate().to_pem();
    fs::write(at("empty.cnf"), "[req]\ndistinguished_name=dn\n[dn]\n").unwrap();
    fs::write(
        at("crl.cnf"),
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=9\n",
    )
    .unwrap();
    fs::write(at("index"), "").unwrap();
    call(&format!("req {KEYS} -keyout x.key -subj /CN=x -out x.csr"));
    call("crl2pkcs7 -nocrl -certfile ca.pem -out x.p7b");
    call("ca -config crl.cnf -gencrl -cert ca.pem -keyfile ca-key.pem -out x.crl");
    // A root of version 3 without basicConstraints
    call(
        "req -config empty.cnf -x509 -key ca-key.pem -subj /CN=etcd-ca -days 900 \
         -addext subjectKeyIdentifier=hash -out root.pem",
    );
    let read = |name: &str| fs::read(at(name)).unwrap();
    let good = fs::read(folder.join(MEMBER[0])).unwrap();
    for (name, contents, code) in [
        ("request", read("x.csr"), "EP041"),
        ("list", read("x.crl"), "EP041"),
        ("PKCS #7", read("x.p7b"), "EP041"),
        ("leaf", other.clone().into_bytes(), "EP032"),
        ("root", read("root.pem"), "EP032"),
    ] {
        let [ca, leaf] = [MEMBER[0], MEMBER[1]].map(|file| folder.join(file));
        fs::write(&ca, &contents).unwrap();
        assert_ne!(go::verify(&ca, &leaf).server(), Verdict::Accepted, "{name}");
        assert!(codes_of(&folder, MEMBER[0]).contains(&code), "{name}");
        let found = codes_of(&leaf, MEMBER[1]);
        let is_refused = found.iter().any(|code| matches!(*code, "EP007" | "EP032"));
        assert!(is_refused, "{name}: {found:?}");
        assert!(codes_of(&ca, MEMBER[0]).contains(&code), "{name}");
    }
    // The file is good if another certificate in it is a CA
    let bundle = [other.as_bytes(), &*good].concat();
    fs::write(folder.join(MEMBER[0]), bundle).unwrap();
    assert_eq!(codes(&folder), []);

    for (name, contents) in [
        ("request", read("x.csr")),
        ("list", read("x.crl")),
        ("PKCS #7", read("x.p7b")),
    ] {
        fs::write(folder.join(MEMBER[1]), &contents).unwrap();
        let pair = Files::Pair(contents, key.clone());
        assert_ne!(go::files(&[pair])[0], Verdict::Accepted, "{name}");
        assert_eq!(codes_of(&folder, MEMBER[1]), ["EP041"], "{name}");
    }
}

/// A leaf before the CA in a trusted file is no fault, and does not hide what etcd refuses in the
/// file.
#[test]
fn a_leaf_first_in_a_trusted_file() {
    let scratch = Scratch::new("trust");
    let folder = scratch.path().join("pki");
    let own = ca("etcd-ca");
    let leaf = issue(&own, Role::Client).certificate().to_pem();
    let ca = own.certificate().to_pem();
    let foreign = "-----BEGIN X-----\nAAAA\n-----END X-----\n";
    let key = own.key().unwrap().to_secret_pem();
    let secret = std::str::from_utf8(key.as_bytes()).unwrap();
    write_leaf(&folder, MEMBER, &issue(&own, Role::Member));
    for (file, codes) in [
        (format!("{leaf}{ca}"), &[][..]),
        (format!("{leaf}{ca}{foreign}"), &["EP041"]),
        (format!("{leaf}{foreign}{ca}"), &["EP041"]),
        (format!("{leaf}{ca}{secret}"), &["EP041"]),
    ] {
        for name in ["ca.pem", "peer-ca.pem", "old-ca.pem"] {
            write_ca(&folder.join("ca.pem"), &own);
            write(&folder.join(name), &file);
            let verdict = &go::files(&[Files::TrustedCa(file.clone().into_bytes())])[0];
            assert_eq!(*verdict == Verdict::Accepted, codes.is_empty());
            let found = codes_of(&folder, name);
            assert_eq!(found, codes, "{name}");
            if name != "ca.pem" {
                fs::remove_file(folder.join(name)).unwrap();
            }
        }
    }
    // The key of the CA belongs to the CA
    write(&folder.join("ca.pem"), format!("{leaf}{ca}"));
    write(&folder.join("ca-key.pem"), key.as_bytes());
    assert_eq!(codes(&folder), []);
}

/// No command signs with a CA if Go accepts none of its certificates.
#[test]
fn cas_that_cannot_sign() {
    const KEYS: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    const BASIC: &str = "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n";
    const SIGN: &str = "keyUsage=critical,keyCertSign,cRLSign\n";
    for (extensions, is_root, code) in [
        (SIGN, true, None),
        (SIGN, false, None),
        (
            "keyUsage=critical,keyCertSign\n1.2.3.4=critical,DER:05:00\n",
            true,
            Some("EP035"),
        ),
        (
            "keyUsage=critical,keyCertSign\nextendedKeyUsage=codeSigning\n",
            true,
            Some("EP037"),
        ),
        (
            "keyUsage=critical,keyCertSign\nextendedKeyUsage=serverAuth\n",
            true,
            Some("EP037"),
        ),
        (
            "keyUsage=critical,keyCertSign\nextendedKeyUsage=serverAuth,clientAuth\n",
            true,
            None,
        ),
        ("keyUsage=critical,cRLSign\n", false, Some("EP032")),
        ("keyUsage=critical,cRLSign\n", true, Some("EP032")),
    ] {
        let scratch = Scratch::new("trust");
        let folder = scratch.path();
        let call = |line: &str| drop(openssl::call(folder, line));
        write(&folder.join("x.cnf"), format!("{BASIC}{extensions}"));
        write_ca(&folder.join("root.pem"), &ca("root"));
        call(&format!(
            "req {KEYS} -keyout root-key.pem -x509 -days 900 -subj /CN=root -out root.pem \
             -addext keyUsage=critical,keyCertSign"
        ));
        fs::create_dir(folder.join("pki")).unwrap();
        call(&format!(
            "req {KEYS} -keyout pki/ca-key.pem -subj /CN=etcd-ca -out ca.csr"
        ));
        let signer = if is_root {
            "-signkey pki/ca-key.pem"
        } else {
            "-CA root.pem -CAkey root-key.pem"
        };
        call(&format!(
            "x509 -req -in ca.csr {signer} -days 800 -extfile x.cnf -out pki/ca.pem"
        ));
        call(&format!(
            "req {KEYS} -keyout x.key -subj /CN=x -out x.csr -addext subjectAltName=IP:0.0.0.0"
        ));
        call("x509 -req -in x.csr -CA pki/ca.pem -CAkey pki/ca-key.pem -days 9 -out x.pem");
        let [ca, leaf] = ["pki/ca.pem", "x.pem"].map(|name| folder.join(name));
        let verify = go::verify(&ca, &leaf);
        let is_accepted = [verify.server(), verify.client()]
            .iter()
            .all(|verdict| *verdict == Verdict::Accepted);
        // Go builds no chain to a root that is an intermediate with another one above it
        assert_eq!(is_accepted, code.is_none(), "{extensions} {is_root}");
        let signing = etcd_pki_in(folder, "cert issue member m -d pki");
        assert_eq!(signing.success(), code.is_none(), "{}", signing.stderr());
        if let Some(code) = code {
            let found = codes_of(&folder.join("pki"), "ca.pem");
            assert_eq!(found, [code], "{extensions} {is_root}");
        } else {
            let found = codes_of(&folder.join("pki"), "ca.pem");
            assert!(found.is_empty(), "{extensions} {is_root}: {found:?}");
        }
    }
}

/// The trees of hosts, with the CA in the directory above. Go decides.
#[test]
fn leaves_in_the_trees_of_hosts() {
    for layout in Layout::ALL.into_iter().filter(|one| !one.names_hosts()) {
        let scratch = Scratch::new("trees");
        let folder = scratch.path().join("pki");
        let yaml = format!(
            "layout: {layout}\nmembers: [etcd-1, etcd-2]\nnodes: [kube-1]\nclients: [root]\n"
        );
        let cluster = Cluster::from_yaml(&yaml).unwrap();
        let store = Store::new(&folder, layout);
        assert!(cluster.plan(&store).unwrap().apply().unwrap().is_complete());
        let state = inspect::directory(&folder).unwrap();
        assert_eq!(state.findings().count(), 0, "{layout}");
        let leaves: Vec<_> = state.pairs().iter().map(|pair| pair.paths()).collect();
        assert!(leaves.len() >= 6, "{layout}: {}", leaves.len());
        for other in ["etcd-ca", "other-ca"].map(ca) {
            for paths in &leaves {
                let leaf = folder.join(&paths.certificate);
                let good = fs::read(&leaf).unwrap();
                let kind = inspect::ca_kind(&store, &leaf);
                let trusted = store.ca_paths(kind).certificate;
                assert_eq!(go::verify(&trusted, &leaf).client(), Verdict::Accepted);
                let verifier = inspect::verifier(&leaf).unwrap();
                assert!(verifier.verify_file(&leaf, &good).unwrap().is_accepted());

                let key = fs::read(folder.join(&paths.key)).unwrap();
                let key = PrivateKey::from_pem(key).unwrap();
                let name = Identity::new("m").unwrap();
                let request = CertificateRequest::create(&key, Role::Member, &name).unwrap();
                let bad = other.sign(&request, Role::Member, name);
                write(&leaf, bad.unwrap().certificate().to_pem());
                assert_ne!(go::verify(&trusted, &leaf).client(), Verdict::Accepted);
                for path in [&folder, &leaf] {
                    let found = codes(path);
                    let name = leaf.file_name().unwrap().to_string_lossy().into_owned();
                    let expected = (name, "EP007");
                    assert!(found.contains(&expected), "{layout} {leaf:?}: {found:?}");
                }
                // In the tree, the directory above is not part of the path
                let file = leaf.file_name().unwrap().to_str().unwrap();
                let line = format!("check {file}");
                let output = etcd_pki_in(leaf.parent().unwrap(), &line);
                let printed = output.stdout();
                assert!(printed.contains("EP007"), "{layout} {leaf:?}: {printed}");
                write(&leaf, good);
            }
        }
    }
}

/// A directory with the CA of another program above a directory with certificates.
#[test]
fn directories_that_are_no_trees() {
    let scratch = Scratch::new("trees");
    let folder = scratch.path().join("pki");
    let [own, other] = ["own", "other"].map(ca);
    let names: Names = ["", "server.crt", "server.key"];
    write_ca(&folder.join("ca.crt"), &other);
    write_leaf(&folder.join("app"), names, &issue(&own, Role::Member));
    assert_eq!(codes(&folder), []);
    // With a CA next to the certificate, the CA above does not count, even with its key
    let secret = other.key().unwrap().to_secret_pem();
    write(&folder.join("ca.key"), secret.as_bytes());
    for name in ["ca.pem", "etcd/ca.crt"] {
        write_ca(&folder.join("app").join(name), &own);
        assert_eq!(codes(&folder), [], "{name}");
        fs::remove_file(folder.join("app").join(name)).unwrap();
    }
    assert_eq!(codes(&folder), [("server.crt".to_owned(), "EP007")]);
}

/// kubeadm with an external etcd: its own CA has the file name of etcdadm's CA, and etcd's CA may
/// be anywhere.
#[test]
fn a_client_of_an_external_etcd() {
    let names: Names = ["", "apiserver-etcd-client.crt", "apiserver-etcd-client.key"];
    let [kubernetes, etcd] = ["kubernetes", "etcd-ca"].map(ca);
    for place in ["", "etcd-ca.crt", "etcd/ca.crt", "etcd/external.crt"] {
        let scratch = Scratch::new("external");
        let folder = scratch.path().join("pki");
        write_ca(&folder.join("ca.crt"), &kubernetes);
        write_leaf(&folder, names, &issue(&etcd, Role::Client));
        if !place.is_empty() {
            write_ca(&folder.join(place), &etcd);
        }
        assert_eq!(codes(&folder), [], "{place}");
    }
    // A node of etcdadm with the certificate of another CA
    let scratch = Scratch::new("external");
    let folder = scratch.path().join("pki");
    write_ca(&folder.join("ca.crt"), &ca("own"));
    write_leaf(&folder, names, &issue(&etcd, Role::Client));
    assert_eq!(codes_of(&folder, names[1]), ["EP007"]);
}
