//! Probes of real etcd members and of other servers: advertised CAs, served certificates, accepted
//! and refused client certificates.

mod hostile;

use std::{fs, path::Path, thread, time::Duration};

use etcd_pki_core::{
    Bundle, CaKind, Certificate, CertificateAuthority, Identity, KeyAlgorithm, Layout, PrivateKey,
    Role, Store, Validity,
    ca::CaAt,
    cluster::Endpoint,
    layout::PairPaths,
    probe::{Acceptance, Answer, Failure, Probe, TlsVersion},
    x509::AdvertisedCa,
};
use etcd_pki_tests::{
    Credentials, Scratch,
    etcd::{Cluster, Member, Version},
    openssl,
};

/// A directory with a CA, the pair of a member on 127.0.0.1, and the pair of a client.
struct Files {
    scratch: Scratch,
    ca: CertificateAuthority,
    client: Bundle,
}

impl Files {
    fn new() -> Self {
        let scratch = Scratch::new("probe");
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let client = ca.issue(Role::Client, Identity::new("root").unwrap());
        let files = Self {
            scratch,
            client: client.unwrap(),
            ca,
        };
        let member = files.ca.issue(Role::Member, Identity::new("m").unwrap());
        let store = Store::new(files.path(), Layout::Kubespray);
        let locked = store.lock().unwrap();
        locked.write_ca(CaKind::Client, &files.ca, None).unwrap();
        locked.write(&member.unwrap()).unwrap();
        locked.write(&files.client).unwrap();
        drop(locked);
        files
    }

    fn path(&self) -> &Path {
        self.scratch.path()
    }

    fn pair(&self, role: Role, name: &str) -> PairPaths {
        Layout::Kubespray.pairs(role, name).unwrap()[0].below(self.path())
    }

    fn credentials(&self, role: Role, name: &str) -> Credentials {
        Credentials::new(self.path().join("ca.pem"), self.pair(role, name))
    }

    fn served(&self) -> Certificate {
        let member = self.pair(Role::Member, "m").certificate;
        Certificate::from_pem(fs::read(member).unwrap()).unwrap()
    }
}

fn ask(endpoint: &Endpoint) -> Answer {
    Probe::new().ask(endpoint).unwrap()
}

fn offer(endpoint: &Endpoint, bundle: &Bundle) -> Acceptance {
    Probe::new().offer(endpoint, bundle).unwrap()
}

fn client_of(ca: &CertificateAuthority) -> Bundle {
    ca.issue(Role::Client, Identity::new("root").unwrap())
        .unwrap()
}

/// The name of the alert with which a server refuses a certificate.
fn alert(acceptance: &Acceptance) -> Option<&'static str> {
    match acceptance {
        Acceptance::Refused { alert } => alert.map(|alert| alert.name().unwrap()),
        other => panic!("{other}"),
    }
}

/// A member names the CAs that it loaded when it started, on both ports, in every version of etcd.
#[test]
fn advertised_cas_are_those_of_the_start() {
    let other = CertificateAuthority::create("etcd-ca@1796000000").unwrap();
    let cas = |cas: &[&CertificateAuthority]| -> Vec<AdvertisedCa> {
        let cas = cas.iter();
        cas.map(|ca| AdvertisedCa::of(ca.certificate()).unwrap())
            .collect()
    };
    for version in Version::ALL {
        let files = Files::new();
        let health = files.credentials(Role::Client, "root");
        let member = Member::with_pair("m", &files.credentials(Role::Member, "m"));
        let cluster = Cluster::start(version, &[member], &health);
        let advertise = |expected: &[AdvertisedCa]| {
            for endpoint in cluster.endpoints_of(0) {
                let answer = ask(&endpoint);
                let advertised = answer.advertised().unwrap();
                // Go keeps the order of the file
                assert_eq!(advertised, expected, "{version:?} {endpoint}");
                assert!(answer.requests_certificate());
                assert_eq!(answer.version(), TlsVersion::Tls12);
                assert_eq!(answer.chain(), [files.served()], "{version:?}");
            }
        };
        advertise(&cas(&[&files.ca]));
        let both = files.ca.certificate().to_pem() + &other.certificate().to_pem();
        fs::write(files.path().join("ca.pem"), both).unwrap();
        advertise(&cas(&[&files.ca]));
        cluster.restart(0, &health);
        advertise(&cas(&[&files.ca, &other]));
        let other_first = other.certificate().to_pem() + &files.ca.certificate().to_pem();
        fs::write(files.path().join("ca.pem"), other_first).unwrap();
        cluster.restart(0, &health);
        advertise(&cas(&[&other, &files.ca]));
        assert!(offer(&cluster.endpoints_of(0)[0], &client_of(&other)).is_accepted());
    }
}

#[test]
fn accepted_and_refused_client_certificates() {
    let other = CertificateAuthority::create("etcd-ca").unwrap();
    for version in Version::ALL {
        let files = Files::new();
        let health = files.credentials(Role::Client, "root");
        let member = Member::with_pair("m", &files.credentials(Role::Member, "m"));
        let cluster = Cluster::start(version, &[member], &health);
        let [client, peer] = cluster.endpoints_of(0);
        assert_eq!(offer(&client, &files.client), Acceptance::Accepted);
        for endpoint in [&client, &peer] {
            let refused = offer(endpoint, &client_of(&other));
            let alert = alert(&refused);
            // Go has sent the second one since 1.21
            assert!(
                [Some("bad_certificate"), Some("unknown_ca")].contains(&alert),
                "{version:?} {alert:?}"
            );
        }
        // The peer port closes the connection of a certificate that has the address 0.0.0.0
        assert_eq!(alert(&offer(&peer, &files.client)), None, "{version:?}");
        let member = Bundle::from_pem(
            fs::read(files.pair(Role::Member, "m").certificate).unwrap(),
            fs::read(files.pair(Role::Member, "m").key).unwrap(),
        );
        assert_eq!(offer(&peer, &member.unwrap()), Acceptance::Accepted);
        let expired = expired(&files.ca);
        let alert = alert(&offer(&client, &expired));
        assert!(
            [Some("bad_certificate"), Some("certificate_expired")].contains(&alert),
            "{version:?} {alert:?}"
        );
    }
}

/// A client certificate that expires in a moment, after that moment.
fn expired(ca: &CertificateAuthority) -> Bundle {
    let second = Role::Client
        .profile()
        .with_validity(Validity::lasting(Duration::from_secs(1)));
    let bundle = ca.issue(second, Identity::new("root").unwrap()).unwrap();
    thread::sleep(Duration::from_millis(2100));
    bundle
}

/// A certificate of a new CA is accepted by a member that knows only the old one, if the chain has
/// a link certificate, and if the old CA as the member has loaded it may have CAs below it.
#[test]
fn a_chain_is_offered_whole() {
    for version in [Version::Oldest, Version::Newest] {
        let files = Files::new();
        let health = files.credentials(Role::Client, "root");
        let member = Member::with_pair("m", &files.credentials(Role::Member, "m"));
        let cluster = Cluster::start(version, &[member], &health);
        let [client, _] = cluster.endpoints_of(0);
        let (with_link, without) = linked(files.path());
        assert_eq!(offer(&client, &with_link), Acceptance::Accepted);
        assert!(!offer(&client, &without).is_accepted());
    }
}

/// A client of a new CA, with and without a link certificate: with it, the CA of the directory
/// vouches for the new CA. OpenSSL signs it.
fn linked(directory: &Path) -> (Bundle, Bundle) {
    let new = CertificateAuthority::create("etcd-ca@1796000000").unwrap();
    fs::write(directory.join("b.pem"), new.certificate().to_pem()).unwrap();
    let key = new.key().unwrap().to_secret_pem();
    fs::write(directory.join("b-key.pem"), key.as_bytes()).unwrap();
    let extensions = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
    fs::write(directory.join("link.ext"), extensions).unwrap();
    let _ = openssl::call(
        directory,
        "req -new -key b-key.pem -subj /CN=etcd-ca@1796000000 -out b.csr",
    );
    let _ = openssl::call(
        directory,
        "x509 -req -in b.csr -CA ca.pem -CAkey ca-key.pem -days 90 -extfile link.ext -out link.pem",
    );
    let link = Certificate::from_pem(fs::read(directory.join("link.pem")).unwrap()).unwrap();
    let without = client_of(&new);
    let key = PrivateKey::from_pem(without.to_secret_pem().as_bytes()).unwrap();
    let with_link = Bundle::new(key, without.certificate().clone(), vec![link]).unwrap();
    (with_link, without)
}

/// Every key that etcd accepts can be offered, and served.
#[test]
fn keys_of_clients_and_members() {
    let files = Files::new();
    let health = files.credentials(Role::Client, "root");
    let member = Member::with_pair("m", &files.credentials(Role::Member, "m"));
    let cluster = Cluster::start(Version::Newest, &[member], &health);
    let [client, peer] = cluster.endpoints_of(0);
    let mut keys: Vec<PrivateKey> = [
        KeyAlgorithm::EcP384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ]
    .into_iter()
    .map(|algorithm| PrivateKey::generate_with(algorithm).unwrap())
    .collect();
    for line in [
        "ecparam -name secp521r1 -genkey -noout -out key.pem",
        "genrsa -out key.pem 2176",
    ] {
        let _ = openssl::call(files.path(), line);
        keys.push(PrivateKey::from_pem(fs::read(files.path().join("key.pem")).unwrap()).unwrap());
    }
    for key in keys {
        let algorithm = key.algorithm();
        let ca: CaAt<'_> = files.ca.at(std::time::SystemTime::now());
        let root = Identity::new("root").unwrap();
        let bundle = ca.issue_for(key, Role::Client, root).unwrap();
        assert_eq!(offer(&client, &bundle), Acceptance::Accepted, "{algorithm}");
        // etcd reads the pair of a member at each handshake
        let key = PrivateKey::from_pem(bundle.to_secret_pem().as_bytes()).unwrap();
        let member = Identity::new("m").unwrap();
        let member = ca.issue_for(key, Role::Member, member).unwrap();
        let files = files.pair(Role::Member, "m");
        fs::write(files.certificate, member.to_pem()).unwrap();
        fs::write(files.key, member.to_secret_pem().as_bytes()).unwrap();
        for endpoint in [&client, &peer] {
            let answer = ask(endpoint);
            assert_eq!(answer.certificate(), Some(member.certificate()));
            assert_eq!(answer.version(), TlsVersion::Tls12, "{algorithm}");
        }
    }
}

/// Servers of one version of TLS, with keys that etcd may have, with and without requests for a
/// certificate.
#[test]
fn one_version_of_tls() {
    let files = Files::new();
    let path = files.path();
    let other = CertificateAuthority::create("other").unwrap();
    let expected = AdvertisedCa::of(files.ca.certificate()).unwrap();
    let pair = "-cert member-m.pem -key member-m-key.pem";
    for (option, version) in [
        ("-tls1_2", TlsVersion::Tls12),
        ("-tls1_3", TlsVersion::Tls13),
    ] {
        let strict = "-Verify 1 -verify_return_error -CAfile ca.pem";
        let server = openssl::s_server(path, &format!("{option} {pair} {strict}"));
        let answer = ask(&server.endpoint());
        assert_eq!(answer.version(), version);
        assert_eq!(answer.advertised(), Some(&[expected.clone()][..]));
        assert_eq!(answer.certificate(), Some(&files.served()));
        let endpoint = server.endpoint();
        assert_eq!(offer(&endpoint, &files.client), Acceptance::Accepted);
        let refused = offer(&endpoint, &client_of(&other));
        assert_eq!(alert(&refused), Some("unknown_ca"), "{option}");

        let server = openssl::s_server(path, &format!("{option} {pair} -verify 1"));
        let answer = ask(&server.endpoint());
        assert!(answer.requests_certificate() && answer.advertised().is_none());
        assert_eq!(answer.version(), version);

        let server = openssl::s_server(path, &format!("{option} {pair}"));
        let answer = ask(&server.endpoint());
        assert!(!answer.requests_certificate() && answer.advertised().is_none());
        let acceptance = offer(&server.endpoint(), &files.client);
        assert_eq!(acceptance, Acceptance::NotRequested);

        for (name, key) in [
            ("ec-p521", "ec -pkeyopt ec_paramgen_curve:P-521"),
            ("ec-p384", "ec -pkeyopt ec_paramgen_curve:P-384"),
            ("ed25519", "ed25519"),
            ("rsa-2048", "rsa:2048"),
            ("rsa-2176", "rsa:2176"),
        ] {
            let line =
                format!("req -x509 -nodes -newkey {key} -keyout k.pem -out c.pem -subj /CN=s");
            let _ = openssl::call(path, &line);
            let server = openssl::s_server(path, &format!("{option} -cert c.pem -key k.pem"));
            if (name, version) == ("ec-p521", TlsVersion::Tls12) {
                // OpenSSL wants key exchange on the certificate's curve in TLS 1.2, and Go does not
                let error = Probe::new().ask(&server.endpoint()).unwrap_err();
                assert!(
                    error.to_string().ends_with(": handshake_failure"),
                    "{error}"
                );
                continue;
            }
            let answer = ask(&server.endpoint());
            let key = answer.certificate().unwrap().public_key();
            assert_eq!(key.algorithm_name(), name);
            assert_eq!(answer.version(), version, "{name}");
        }
    }
    // Two versions, and an older one
    let server = openssl::s_server(
        path,
        &format!("-no_tls1_2 -no_tls1_3 {pair} -cipher ALL:@SECLEVEL=0"),
    );
    let error = Probe::new().ask(&server.endpoint()).unwrap_err();
    assert!(
        matches!(error.failure(), Failure::Alert(_) | Failure::Protocol(_)),
        "{error}"
    );
}

/// etcd without TLS closes the connection on its client port, and answers in HTTP on its peer port.
#[test]
fn etcd_without_tls_is_named() {
    for version in [Version::Oldest, Version::Newest] {
        let files = Files::new();
        let health = files.credentials(Role::Client, "root");
        let cluster = Cluster::start(version, &[Member::new("m")], &health);
        for endpoint in cluster.endpoints_of(0) {
            let error = Probe::new().ask(&endpoint).unwrap_err();
            assert!(matches!(error.failure(), Failure::PlainHttp), "{error}");
            let error = Probe::new().offer(&endpoint, &files.client).unwrap_err();
            assert!(matches!(error.failure(), Failure::PlainHttp), "{error}");
            let text = format!("{endpoint}: the server speaks http without TLS");
            assert_eq!(error.to_string(), text);
        }
    }
}
