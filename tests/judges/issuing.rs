//! Certificates that Go would refuse are not issued: for CAs with constraints and faults, etcd-pki
//! refuses to sign exactly if Go refuses a certificate that openssl signed with the same CA.

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    Certificate, CertificateAuthority, Cluster, Error, Identity, Layout, PrivateKey, Role, Store,
    cluster::{ClusterSpec, RenewBefore},
    finding::Finding,
    internal::rfc3339,
    plan::{Action, ApplyOptions, PlanOptions, Renewal},
};
use etcd_pki_tests::{Scratch, Verdict, go, openssl};

const CA: &str =
    "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n";
const MEMBER: &str = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n\
    subjectAltName=DNS:etcd-1,DNS:etcd-1.lan,IP:10.0.0.11,DNS:localhost,IP:127.0.0.1,IP:::1\n";
const DAY: Duration = Duration::from_secs(86_400);

/// A root, and a CA below it that signs.
struct Pki(Scratch);

impl Pki {
    /// Creates both with openssl, each with the lines of an extension file and with options.
    fn new(root: [&str; 2], ca: [&str; 2]) -> Self {
        let pki = Self(Scratch::new("issuing"));
        pki.make("root", root, "-signkey root-key.pem");
        pki.make("ca", ca, "-CA root.pem -CAkey root-key.pem -CAcreateserial");
        pki
    }

    fn make(&self, name: &str, [extensions, options]: [&str; 2], by: &str) {
        let call = |line: String| openssl::call(self.0.path(), &line);
        if !self.file(&format!("{name}-key.pem")).exists() {
            let _ = call(format!(
                "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}-key.pem"
            ));
        }
        let _ = call(format!(
            "req -new -key {name}-key.pem -subj /CN=etcd-{name} -out {name}.csr"
        ));
        fs::write(self.file("extensions"), extensions).unwrap();
        let _ = call(format!(
            "x509 -req -in {name}.csr -out {name}.pem -extfile extensions {by} {options}"
        ));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    fn certificate(&self, name: &str) -> Certificate {
        Certificate::from_pem(self.text(name)).unwrap()
    }

    /// The CA with its root, as it is in a trust bundle.
    fn bundle(&self) -> Vec<Certificate> {
        vec![self.certificate("ca.pem"), self.certificate("root.pem")]
    }

    fn ca(&self, now: SystemTime) -> Result<CertificateAuthority, Error> {
        let key = PrivateKey::from_pem(self.text("ca-key.pem")).unwrap();
        CertificateAuthority::load_at(self.bundle(), key, now)
    }

    /// Go's verdict on a member's certificate that openssl signed: Go must accept both usages.
    fn go_accepts(&self, now: SystemTime) -> bool {
        let by = "-CA ca.pem -CAkey ca-key.pem -CAcreateserial";
        self.make("member", [MEMBER, "-days 3000"], by);
        let chain = self.file("member-chain.pem");
        fs::write(&chain, self.text("member.pem") + &self.text("ca.pem")).unwrap();
        let (root, at) = (self.file("root.pem"), rfc3339(now));
        let verify = go::verify(&root, &chain).at(&at);
        [verify.server(), verify.client()]
            .iter()
            .all(|verdict| *verdict == Verdict::Accepted)
    }

    /// A store with the CA and its root.
    fn store(&self) -> Store {
        let directory = self.file("pki");
        fs::create_dir_all(&directory).unwrap();
        let bundle = self.text("ca.pem") + &self.text("root.pem");
        fs::write(directory.join("ca.pem"), bundle).unwrap();
        fs::copy(self.file("ca-key.pem"), directory.join("ca-key.pem")).unwrap();
        Store::new(directory, Layout::Kubespray)
    }
}

fn etcd_1() -> Identity {
    let names = ["etcd-1.lan", "10.0.0.11"];
    Identity::new("etcd-1").unwrap().with_names(names).unwrap()
}

/// The code of the finding that prevents issuing.
fn refusal(pki: &Pki, now: SystemTime) -> Option<&'static str> {
    let ca = match pki.ca(now) {
        // A root that allows no CA below it
        Err(Error::NotACa { .. }) => return Some("EP033"),
        ca => ca.unwrap(),
    };
    match ca.at(now).issue(Role::Member, etcd_1()) {
        Ok(member) => {
            let file = pki.file("ours.pem");
            fs::write(&file, member.to_pem()).unwrap();
            let (root, at) = (pki.file("root.pem"), rfc3339(now));
            let verify = go::verify(&root, &file).at(&at);
            verify.server().assert_accepted("ours, of a server");
            verify.client().assert_accepted("ours, of a client");
            None
        }
        Err(Error::Unacceptable { code, .. }) => Some(code),
        Err(Error::CaExpired { .. }) => Some("EP001"),
        Err(Error::CaNotYetValid { .. }) => Some("EP004"),
        Err(error) => panic!("{error}"),
    }
}

/// Checks that a plan blocks the member's pair for this reason, does the rest, and does the same
/// each time.
fn assert_planned(pki: &Pki, now: SystemTime, code: Option<&str>, what: &str) {
    let store = pki.store();
    let cluster = Cluster::try_from(ClusterSpec {
        members: vec![etcd_1().into()],
        clients: vec!["root".into()],
        ..ClusterSpec::default()
    });
    let cluster = cluster.unwrap();
    let options = PlanOptions::new().at(now);
    for run in ["first", "second"] {
        let plan = cluster.plan_with(&store, &options).unwrap();
        let step = plan
            .steps()
            .iter()
            .find(|step| step.role() == Some(Role::Member));
        let step = step.unwrap();
        let expected = match (code, run) {
            (Some(_), _) => Action::Blocked,
            (None, "first") => Action::Create,
            (None, _) => Action::Keep,
        };
        assert_eq!(step.action(), expected, "{what}, {run}: {step}");
        if let Some(code) = code {
            assert_eq!(step.reasons()[0].code(), code, "{what}: {step}");
            let error = step.blocking_error().unwrap();
            let reason = step.reasons()[0].to_string();
            assert!(
                error.to_string().contains(&reason),
                "{what}: {error}, {reason}"
            );
        }
        let report = plan.apply().unwrap();
        assert_eq!(report.is_complete(), code.is_none(), "{what}, {run}");
        let written = store.directory().join("member-etcd-1.pem").exists();
        assert_eq!(written, code.is_none(), "{what}, {run}");
    }
}

#[test]
fn what_a_ca_may_not_sign_is_not_issued() {
    let all = "permitted;IP:0.0.0.0/0.0.0.0,permitted;IP:::/::";
    let limited = |names: &str| format!("{CA}nameConstraints=critical,{names}\n");
    let with = |line: &str| format!("{CA}{line}\n");
    let plain = || CA.to_owned();
    let path_length = CA.replace("CA:TRUE", "CA:TRUE,pathlen:0");
    let negative = "-days 3000 -set_serial -5";
    let usual = "-days 3000";
    for (what, root, ca, options, code) in [
        ("no limits", plain(), plain(), usual, None),
        (
            "a path length that suffices",
            plain(),
            path_length.clone(),
            usual,
            None,
        ),
        (
            "a path length that does not",
            path_length,
            plain(),
            usual,
            Some("EP033"),
        ),
        (
            "other domains",
            plain(),
            limited("permitted;DNS:example.com"),
            usual,
            Some("EP034"),
        ),
        (
            "other networks",
            plain(),
            limited("permitted;IP:10.0.0.0/255.0.0.0"),
            usual,
            Some("EP034"),
        ),
        (
            "an excluded domain",
            plain(),
            limited("excluded;DNS:lan"),
            usual,
            Some("EP034"),
        ),
        (
            "an excluded network of the root",
            limited("excluded;IP:10.0.0.0/255.255.255.0"),
            plain(),
            usual,
            Some("EP034"),
        ),
        (
            "limits that allow it",
            plain(),
            limited(&format!(
                "permitted;DNS:lan,permitted;DNS:etcd-1,permitted;DNS:localhost,{all}"
            )),
            usual,
            None,
        ),
        (
            "limits of other kinds",
            plain(),
            limited("permitted;email:example.com"),
            usual,
            None,
        ),
        (
            "clients only",
            plain(),
            with("extendedKeyUsage=clientAuth"),
            usual,
            Some("EP037"),
        ),
        (
            "a root for servers only",
            with("extendedKeyUsage=serverAuth"),
            plain(),
            usual,
            Some("EP037"),
        ),
        (
            "e-mail only",
            plain(),
            with("extendedKeyUsage=emailProtection"),
            usual,
            Some("EP037"),
        ),
        (
            "both usages",
            plain(),
            with("extendedKeyUsage=clientAuth,serverAuth"),
            usual,
            None,
        ),
        (
            "any usage",
            plain(),
            with("extendedKeyUsage=anyExtendedKeyUsage"),
            usual,
            None,
        ),
        (
            "an unknown extension",
            plain(),
            with("1.2.3.4=critical,ASN1:NULL"),
            usual,
            Some("EP035"),
        ),
        (
            "one of the root",
            with("1.2.3.4=critical,ASN1:NULL"),
            plain(),
            usual,
            Some("EP035"),
        ),
        (
            "one that is not critical",
            plain(),
            with("1.2.3.4=ASN1:NULL"),
            usual,
            None,
        ),
        (
            "a negative serial number",
            plain(),
            plain(),
            negative,
            Some("EP036"),
        ),
    ] {
        let pki = Pki::new([&root, usual], [&ca, options]);
        // The certificates of openssl are valid from their creation
        let now = SystemTime::now() + Duration::from_secs(60);
        assert_eq!(refusal(&pki, now), code, "{what}");
        assert_eq!(pki.go_accepts(now), code.is_none(), "{what}: Go");
        // There is no plan with a trust bundle that etcd cannot read
        if options == usual {
            assert_planned(&pki, now, code, what);
        }
    }
}

#[test]
fn a_ca_above_must_be_valid_now() {
    let pki = Pki::new([CA, "-days 1"], [CA, "-days 3000"]);
    let later = SystemTime::now() + 2 * DAY;
    assert_eq!(refusal(&pki, later), Some("EP001"));
    assert!(!pki.go_accepts(later));
    assert_planned(&pki, later, Some("EP001"), "an expired root");

    // The certificate of the root that expires later counts, with the same key
    let expired = pki.text("root.pem");
    pki.make("root", [CA, "-days 3000"], "-signkey root-key.pem");
    assert_eq!(refusal(&pki, later), None);
    let key = PrivateKey::from_pem(pki.text("ca-key.pem")).unwrap();
    let both = pki.text("ca.pem") + &expired + &pki.text("root.pem");
    let both = Certificate::all_from_bytes(both.as_bytes()).unwrap();
    let ca = CertificateAuthority::load_at(both, key, later).unwrap();
    let member = ca.at(later).issue(Role::Member, etcd_1()).unwrap();
    assert!(member.certificate().not_after() > later + 300 * DAY);

    // A root that becomes valid after the CA below it
    thread::sleep(Duration::from_secs(2));
    pki.make("root", [CA, "-days 3000"], "-signkey root-key.pem");
    let early = pki.certificate("ca.pem").not_before();
    assert_eq!(refusal(&pki, early), Some("EP004"));
    assert!(!pki.go_accepts(early));
}

/// A CA without its chain is judged alone.
#[test]
fn a_ca_without_its_root_signs() {
    let pki = Pki::new([CA, "-days 1"], [CA, "-days 3000"]);
    let key = PrivateKey::from_pem(pki.text("ca-key.pem")).unwrap();
    let later = SystemTime::now() + 2 * DAY;
    let ca = CertificateAuthority::load_at(vec![pki.certificate("ca.pem")], key, later).unwrap();
    let member = ca.at(later).issue(Role::Member, etcd_1()).unwrap();
    assert!(member.certificate().not_after() > later);
}

/// A certificate of another tool is not renewed if Go would refuse the new one too.
#[test]
fn what_would_be_refused_is_not_renewed() {
    let limited = format!("{CA}nameConstraints=critical,permitted;DNS:example.com\n");
    let pki = Pki::new([CA, "-days 3000"], [&limited, "-days 3000"]);
    let store = pki.store();
    let by = "-CA ca.pem -CAkey ca-key.pem -CAcreateserial";
    for (name, san, is_good) in [
        ("bad", "DNS:a.lan", false),
        ("good", "DNS:a.example.com", true),
    ] {
        let client = format!("extendedKeyUsage=clientAuth\nsubjectAltName={san}\n");
        pki.make(name, [&client, "-days 5"], by);
        let file = store.directory().join(format!("client-{name}.pem"));
        fs::copy(pki.file(&format!("{name}.pem")), &file).unwrap();
        let before = fs::read(&file).unwrap();

        let renewal = Renewal::with_cas_of(store.clone());
        let mut reports = renewal
            .apply_files(std::slice::from_ref(&file), &ApplyOptions::new())
            .unwrap();
        let report = reports.remove(0);
        assert_eq!(report.is_complete(), is_good, "{san}");
        assert_eq!(fs::read(&file).unwrap() != before, is_good, "{san}");
        let ca = pki.ca(SystemTime::now()).unwrap();
        let old = pki.certificate(&format!("{name}.pem"));
        let renewed = ca.at(SystemTime::now()).renew(&old, old.public_key());
        match renewed {
            Ok(_) => assert!(is_good, "{san}"),
            Err(Error::Unacceptable { code, .. }) => assert_eq!((code, is_good), ("EP034", false)),
            Err(error) => panic!("{san}: {error}"),
        }
    }
    let renewal = Renewal::with_cas_of(store).at(SystemTime::now() + 4 * DAY);
    let plan = renewal.plan_due(RenewBefore::days(30)).unwrap();
    let reasons = plan.blocked().flat_map(|step| step.reasons());
    let blocked: Vec<&str> = reasons.map(Finding::code).collect();
    assert!(blocked.contains(&"EP034"), "{blocked:?}");
}

/// Each request is judged separately, like pairs.
#[test]
fn requests_that_would_be_refused_are_blocked() {
    let only_clients = format!("{CA}extendedKeyUsage=clientAuth\n");
    let pki = Pki::new([CA, "-days 3000"], [&only_clients, "-days 3000"]);
    let store = pki.store();
    let exchange = pki.file("exchange");
    let cluster = Cluster::try_from(ClusterSpec {
        members: vec![etcd_1().into()],
        nodes: vec!["kube-1".into()],
        ..ClusterSpec::default()
    });
    let cluster = cluster.unwrap();
    for host in ["etcd-1", "kube-1"] {
        let own = Store::new(pki.file(host), Layout::Kubespray);
        fs::create_dir_all(own.directory()).unwrap();
        let options = PlanOptions::new().with_host(host).with_exchange(&exchange);
        let _ = cluster.plan_with(&own, &options).unwrap().apply().unwrap();
    }
    let options = PlanOptions::new().with_exchange(&exchange);
    for signed in [2, 0] {
        let plan = cluster.plan_with(&store, &options).unwrap();
        let blocked: Vec<String> = plan.blocked().map(ToString::to_string).collect();
        assert_eq!(blocked.len(), 1, "{blocked:?}");
        assert!(
            blocked[0].contains("etcd-1/member-etcd-1.csr"),
            "{blocked:?}"
        );
        assert!(blocked[0].contains("CN=etcd-ca is for clientAuth, not for serverAuth"));
        let report = plan.apply().unwrap();
        assert!(!report.is_complete());
        assert_eq!(report.count(Action::Sign), signed);
    }
    assert!(!exchange.join("etcd-1/member-etcd-1.pem").exists());
    assert!(exchange.join("kube-1/node-kube-1.pem").exists());
}
