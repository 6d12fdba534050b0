//! CAs of other tools: they are loaded unchanged, or refused with the reason.
use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    CaKind, Certificate, CertificateAuthority, CertificateRequest, Error, Identity, Layout,
    Passphrase, PrivateKey, Role, Store, internal::read_ca,
};
use etcd_pki_tests::{
    Scratch,
    command::etcd_pki_in,
    foreign::Foreign,
    go,
    openssl::{self, Purpose},
};

/// The extensions of kubeadm's CA (`pkiutil.NewCertificateAuthority`). Kubespray's CA has no
/// keyUsage.
const KUBEADM: &str = "basicConstraints=critical,CA:TRUE\n\
    keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign\n\
    subjectKeyIdentifier=hash\nsubjectAltName=DNS:etcd-ca";
const STRICT: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
    subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid";

/// CAs that openssl created, in files `NAME.pem` and `NAME-key.pem`.
struct Made(Scratch);

impl Made {
    fn new() -> Self {
        Self(Scratch::new("ca"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn call(&self, line: &str) {
        openssl::call(self.0.path(), line);
    }

    /// Creates a root with a key that the line generates, and writes the key into `NAME-key.pem`.
    fn root(&self, name: &str, key: &str, extensions: &str, days: &str) {
        self.call(key);
        fs::write(self.file("extensions"), extensions).unwrap();
        self.call(&format!(
            "req -new -key {name}-key.pem -subj /CN=etcd-ca -out request"
        ));
        self.call(&format!(
            "x509 -req -in request -signkey {name}-key.pem -days {days} -extfile extensions -out {name}.pem"
        ));
    }

    fn load(&self, name: &str) -> Result<CertificateAuthority, Error> {
        let passphrase = Passphrase::new("secret");
        let (certificate, key) = (format!("{name}.pem"), format!("{name}-key.pem"));
        read_ca(
            &self.file(&certificate),
            &self.file(&key),
            Some(&passphrase),
            SystemTime::now(),
        )
    }

    /// Issues a certificate with a CA, which Go and OpenSSL judge with this root.
    fn issue(&self, ca: &CertificateAuthority, root: &str) {
        let identity = Identity::new("etcd-1").unwrap();
        let bundle = ca.issue(Role::Member, identity).unwrap();
        let (certificate, key) = (self.file("leaf.pem"), self.file("leaf-key.pem"));
        fs::write(&certificate, bundle.to_pem()).unwrap();
        fs::write(&key, &*bundle.to_secret_pem()).unwrap();
        let root = self.file(root);
        go::key_pair(&certificate, &key).assert_accepted("the pair");
        let verify = go::verify(&root, &certificate).host("etcd-1");
        verify.server().assert_accepted("serving");
        verify.client().assert_accepted("dialling");
        if bundle.chain().is_empty() {
            openssl::verify(&root, &certificate, Purpose::Server)
                .assert_accepted("the certificate");
        }
        assert_eq!(
            bundle.certificate().authority_key_identifier(),
            ca.certificate().subject_key_identifier()
        );
    }
}

#[test]
fn roots_of_kubespray_and_kubeadm() {
    let made = Made::new();
    for key in [
        // OpenSSL 1 wrote PKCS#1, OpenSSL 3 writes PKCS#8
        "genrsa -traditional -out ca-key.pem 2048",
        "genrsa -out ca-key.pem 2048",
    ] {
        made.call(key);
        made.call(
            "req -x509 -new -nodes -key ca-key.pem -days 36500 -out ca.pem -subj /CN=etcd-ca",
        );
        let ca = made.load("ca").unwrap();
        assert!(ca.lacks_key_usage());
        made.issue(&ca, "ca.pem");
    }
    for key in [
        "genrsa -traditional -out ca-key.pem 2048",
        "ecparam -name prime256v1 -genkey -noout -out ca-key.pem",
        "ecparam -name secp384r1 -genkey -out ca-key.pem",
        "genpkey -algorithm ED25519 -out ca-key.pem",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass pass:secret -out ca-key.pem",
    ] {
        made.call(key);
        fs::write(made.file("extensions"), KUBEADM).unwrap();
        made.call("req -new -key ca-key.pem -passin pass:secret -subj /CN=etcd-ca -out request");
        made.call("x509 -req -in request -signkey ca-key.pem -passin pass:secret -days 3650 -extfile extensions -out ca.pem");
        let ca = made.load("ca").unwrap();
        assert!(!ca.lacks_key_usage());
        made.issue(&ca, "ca.pem");
    }
}

#[test]
fn an_intermediate_and_its_chain() {
    let made = Made::new();
    let key = |name: &str| format!("ecparam -name prime256v1 -genkey -noout -out {name}-key.pem");
    made.root("root", &key("root"), STRICT, "3650");
    for (name, issuer) in [("upper", "root"), ("lower", "upper")] {
        made.call(&key(name));
        made.call(&format!(
            "req -new -key {name}-key.pem -subj /CN=etcd-{name} -out request"
        ));
        made.call(&format!(
            "x509 -req -in request -CA {issuer}.pem -CAkey {issuer}-key.pem -CAcreateserial -days 365 -extfile extensions -out {name}.pem"
        ));
    }
    made.root("other", &key("other"), STRICT, "3650");
    let own = made.file("lower.pem");
    let pem = |name: &str| fs::read_to_string(made.file(&format!("{name}.pem"))).unwrap();
    let (lower, upper, root) = (pem("lower"), pem("upper"), pem("root"));
    let other = pem("other");
    // In any order, with the root or without it
    for file in [
        format!("{lower}{upper}{root}"),
        format!("{root}{lower}{upper}"),
        format!("{upper}{root}{lower}"),
        format!("{lower}{upper}"),
    ] {
        fs::write(&own, file).unwrap();
        let ca = made.load("lower").unwrap();
        assert_eq!(ca.chain().len(), 2, "the intermediates, and not the root");
        assert_eq!(ca.certificate().subject(), "CN=etcd-lower");
        made.issue(&ca, "root.pem");

        // A directory accepts the root or an intermediate as its CA, and no CA of another root
        let directory = made.file("directory");
        fs::create_dir_all(&directory).unwrap();
        let store = Store::new(&directory, Layout::Kubespray);
        fs::remove_file(directory.join("ca.pem")).unwrap_or_default();
        assert_eq!(store.trusts(&ca).unwrap(), None);
        for (anchor, trusted) in [
            (&root, true),
            (&upper, true),
            (&lower, true),
            (&other, false),
        ] {
            fs::write(directory.join("ca.pem"), anchor).unwrap();
            assert_eq!(store.trusts(&ca).unwrap(), Some(trusted), "{anchor}");
        }
    }
}

#[test]
fn what_is_no_ca() {
    let made = Made::new();
    let key = "ecparam -name prime256v1 -genkey -noout -out ca-key.pem";
    for (extensions, reason) in [
        ("basicConstraints=critical,CA:FALSE", "CA:FALSE"),
        ("subjectKeyIdentifier=hash", "no basicConstraints"),
        ("basicConstraints=CA:TRUE\nkeyUsage=cRLSign", "keyCertSign"),
    ] {
        made.root("ca", key, extensions, "10");
        let error = made.load("ca").unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().contains("ca.pem"), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_key_of_another_ca() {
    let made = Made::new();
    made.root(
        "ca",
        "ecparam -name prime256v1 -genkey -noout -out ca-key.pem",
        STRICT,
        "10",
    );
    made.call("ecparam -name prime256v1 -genkey -noout -out ca-key.pem");
    let error = made.load("ca").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("ca-key.pem: the key does not match"),
        "{error}"
    );
}

#[test]
fn an_expired_ca_and_one_that_is_not_yet_valid() {
    let made = Made::new();
    made.root(
        "ca",
        "ecparam -name prime256v1 -genkey -noout -out ca-key.pem",
        STRICT,
        "10",
    );
    let certificate = Certificate::from_pem(fs::read(made.file("ca.pem")).unwrap()).unwrap();
    let load = |at| {
        let key = PrivateKey::from_pem(fs::read(made.file("ca-key.pem")).unwrap()).unwrap();
        CertificateAuthority::load_at(vec![certificate.clone()], key, at)
    };
    // The same for a CA with its key elsewhere
    let elsewhere = |at| {
        let key = PrivateKey::from_pem(fs::read(made.file("ca-key.pem")).unwrap()).unwrap();
        CertificateAuthority::from_signer_at(vec![certificate.clone()], key, at)
    };
    let second = Duration::from_secs(1);
    assert!(load(certificate.not_after()).is_ok());
    assert!(elsewhere(certificate.not_after()).is_ok());
    let late = elsewhere(certificate.not_after() + second);
    assert!(matches!(late, Err(Error::CaExpired { .. })));
    let early = elsewhere(certificate.not_before() - second);
    assert!(matches!(early, Err(Error::CaNotYetValid { .. })));
    let late = load(certificate.not_after() + second);
    assert!(matches!(late, Err(Error::CaExpired { .. })));
    let early = load(certificate.not_before() - second);
    assert!(matches!(early, Err(Error::CaNotYetValid { .. })));
    // A CA that was loaded before it expired does not sign afterwards
    let ca = load(certificate.not_before()).unwrap();
    let issued = ca
        .at(certificate.not_after() + second)
        .issue(Role::Client, Identity::new("x").unwrap());
    assert!(matches!(issued, Err(Error::CaExpired { .. })));
}

/// The member certificates of other tools have common names without a prefix. Their file names
/// identify them.
#[test]
fn what_members_are_called_in_a_directory_is_nobody_elses_name() {
    let kubeadm = Foreign::kubeadm("cp-1", "10.0.0.1");
    let cfssl = Foreign::cfssl(&["10.0.0.1", "10.0.0.2"]);
    for (directory, layout, member, usual) in [
        (kubeadm.path(), Layout::Kubeadm, "cp-1", "cp-2"),
        (cfssl.path(), Layout::Cfssl, "etcd", "root"),
    ] {
        let store = Store::new(directory, layout);
        assert_eq!(store.member_common_names().unwrap(), [member]);
        let ca = store.ca(CaKind::Client, None).unwrap();
        let request = CertificateRequest::create(
            &PrivateKey::generate().unwrap(),
            Role::Client,
            Identity::from_common_name(member).unwrap(),
        )
        .unwrap();
        for role in [Role::Node, Role::Client] {
            let identity = Identity::from_common_name(member).unwrap();
            let refused = [
                ca.issue(role, &identity).map(|_| ()),
                ca.sign(&request, role, &identity).map(|_| ()),
                ca.sign(&request, role, request.claimed().unwrap())
                    .map(|_| ()),
            ];
            for refused in refused {
                assert!(
                    matches!(refused, Err(Error::MemberCommonName { .. })),
                    "{layout} {role}: {refused:?}"
                );
            }
            let allowed = role.profile().with_member_common_name_allowed();
            assert!(ca.issue(allowed, &identity).is_ok(), "{layout} {role}");
            assert!(ca.issue(role, Identity::new(usual).unwrap()).is_ok());
        }
        let identity = Identity::new(member).unwrap();
        assert!(ca.issue(Role::Member, identity).is_ok());
    }
}

#[test]
fn no_leaf_has_the_key_of_a_ca() {
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let own = || PrivateKey::from_der(&ca.key().unwrap().to_secret_der()).unwrap();
    let identity = Identity::new("backup").unwrap();
    let request = CertificateRequest::create(&own(), Role::Client, &identity).unwrap();
    let now = SystemTime::now();
    for error in [
        ca.at(now).issue_for(own(), Role::Client, &identity).err(),
        ca.sign(&request, Role::Client, &identity).err(),
        ca.at(now)
            .certify(own().public_key(), Role::Client, &identity)
            .err(),
        ca.at(now)
            .renew(
                ca.issue(Role::Client, &identity).unwrap().certificate(),
                own().public_key(),
            )
            .err(),
    ] {
        let error = error.unwrap();
        assert!(matches!(error, Error::CaKeyInLeaf { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            "the key is that of the CA CN=etcd-ca: its owner could sign certificates"
        );
    }
}

/// A peer CA is created next to the other CA and its certificates, and replaces no peer CA.
#[test]
fn a_peer_ca_of_its_own() {
    for layout in Layout::ALL {
        let scratch = Scratch::new("peer-ca");
        let store = Store::new(scratch.path(), layout);
        let [client, peer, other] = ["etcd-ca", "etcd-peer-ca", "other"]
            .map(|name| CertificateAuthority::create(name).unwrap());
        let files = store.lock().unwrap();
        files.write_ca(CaKind::Client, &client, None).unwrap();
        let member = client.issue(Role::Member, Identity::new("etcd-1").unwrap());
        files.write(&member.unwrap()).unwrap();
        files.write_ca(CaKind::Peer, &peer, None).unwrap();
        for kind in CaKind::ALL {
            let refused = files.write_ca(kind, &other, None);
            assert!(
                matches!(refused, Err(Error::ExistingCa { .. })),
                "{layout} {kind}: {refused:?}"
            );
        }
        // A key without a certificate is left by an interrupted run
        fs::remove_file(store.ca_paths(CaKind::Peer).certificate).unwrap();
        let refused = files.write_ca(CaKind::Peer, &other, None);
        assert!(matches!(refused, Err(Error::ExistingCa { .. })));
        files.replace_ca(CaKind::Peer, &other, None).unwrap();
        let refused = files.renew_ca(CaKind::Peer, &peer).unwrap_err();
        assert!(refused.to_string().contains("key"), "{refused}");
        files.renew_ca(CaKind::Peer, &other).unwrap();
        for (kind, expected) in [(CaKind::Client, &client), (CaKind::Peer, &other)] {
            let found = store.ca(kind, None).unwrap();
            assert_eq!(
                found.certificate(),
                expected.certificate(),
                "{layout} {kind}"
            );
        }
    }
}

/// A user who may write in the directory could choose the CA with a link. A link in the path of the
/// directory, and files that the user names, are followed.
#[test]
fn nothing_is_signed_through_a_link_in_the_directory() {
    let specification = "directory: p\nadmin: none\nmembers: [{name: m, addresses: [10.0.0.1]}]\n";
    for (layout, places) in [
        (Layout::Kubespray, &["ca.pem", "ca-key.pem"][..]),
        (Layout::Kubeadm, &["etcd/ca.crt", "etcd/ca.key", "etcd"]),
    ] {
        for place in places {
            let scratch = Scratch::new("linked-ca");
            let pki = |line: &str| etcd_pki_in(scratch.path(), line);
            let specification = format!("layout: {layout}\n{specification}");
            fs::write(scratch.path().join("s.yaml"), specification).unwrap();
            let _ = pki("apply -f s.yaml").expect_success();
            let _ = pki("csr new --name x --key-out x-key.pem -o x.csr").expect_success();
            let store = Store::new(scratch.path().join("p"), layout);
            let link = store.directory().join(place);
            let target = scratch.path().join("moved");
            let due = &store.layout().pairs(Role::Member, "m").unwrap()[0].certificate;
            let due = store.directory().join(due);
            fs::rename(&link, &target).unwrap();
            symlink(&target, &link).unwrap();

            let planned = pki("plan -f s.yaml");
            let key = place.ends_with("key.pem") || place.ends_with(".key");
            assert!(
                planned.stderr().contains("is a link"),
                "{place}: {planned:?}"
            );
            let before = fs::read(&due).unwrap();
            for line in [
                format!("cert issue client new -d p --layout {layout}"),
                format!("cert sign x.csr --role client --name x -d p --layout {layout} -o x.pem"),
                format!("cert renew {} -d p --layout {layout}", due.display()),
                format!("ca renew -d p --layout {layout}"),
            ] {
                let refused = pki(&line);
                assert!(!refused.success(), "{place}: {line}");
                let reason = refused.stderr();
                let is_named = ["is a symbolic link", "is a link that leads to"]
                    .map(|text| reason.contains(text));
                assert!(is_named.contains(&true), "{line}: {refused:?}");
            }
            // If the key is elsewhere, the link in place of the certificate counts
            if !key {
                fs::copy(store.ca_paths(CaKind::Client).key, scratch.path().join("k")).unwrap();
                let line = format!("cert issue client new -d p --layout {layout} --ca-key k");
                assert!(
                    pki(&line).stderr().contains("is a symbolic link"),
                    "{place}"
                );
            }
            assert_eq!(fs::read(&due).unwrap(), before, "{place}");
            assert!(!scratch.path().join("x.pem").exists(), "{place}");
            if *place != "etcd" {
                fs::remove_file(&due).unwrap();
                let applied = pki("apply -f s.yaml");
                assert!(
                    applied.stderr().contains("is a symbolic link"),
                    "{applied:?}"
                );
                assert!(!due.exists(), "{place}");
            }

            // The user names these files
            let named = store.ca_paths(CaKind::Client);
            let line = format!(
                "cert issue client new --ca {} --ca-key {} -o n.pem --key-out n-key.pem",
                named.certificate.display(),
                named.key.display()
            );
            let _ = pki(&line).expect_success();
            // And this is the path of the directory
            fs::remove_file(&link).unwrap();
            fs::rename(&target, &link).unwrap();
            symlink("p", scratch.path().join("l")).unwrap();
            let line = format!("cert issue client new -d l --layout {layout}");
            let _ = pki(&line).expect_success();
        }
    }
}
