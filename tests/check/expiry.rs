//! When certificates expire: CAs have separate thresholds, and their findings show how many
//! certificates depend on them; days are whole days before and after the expiry.
use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    CaKind, CertificateAuthority, Cluster, Layout, Role, Store, Validity,
    ca::CaRenewal,
    finding::Finding,
    inspect::{Check, Checked},
    time::Threshold,
};
use etcd_pki_tests::{Scratch, command::etcd_pki_in, openssl};

const DAY: Duration = Duration::from_secs(86_400);

fn pki(folder: &Path) -> (Store, SystemTime) {
    let store = Store::new(folder.join("ssl"), Layout::Kubespray);
    let cluster = Cluster::from_yaml("members: [a, b]\nclients: [app]\nadmin: none\n").unwrap();
    assert!(cluster.plan(&store).unwrap().apply().unwrap().is_complete());
    let ca = store.ca(CaKind::Client, None).unwrap();
    let end = ca.certificate().not_after();
    (store, end)
}

/// Returns the result for the CA.
fn of_ca(check: &Check, store: &Store) -> Checked {
    let checked = check.run([store.directory()]);
    let is_ca = |one: &&Checked| one.path().ends_with("ca.pem");
    checked.iter().find(is_ca).unwrap().clone()
}

fn codes(checked: &Checked) -> Vec<&'static str> {
    checked.findings().iter().map(Finding::code).collect()
}

#[test]
fn a_ca_has_thresholds_of_its_own() {
    let scratch = Scratch::new("expiry");
    let (store, end) = pki(scratch.path());
    let threshold = |text: &str| text.parse::<Threshold>().unwrap();
    let usual = Check::new;
    for (left, check, code) in [
        (181, usual(), None),
        (180, usual(), Some("EP003")),
        (59, usual(), Some("EP003")),
        (31, usual(), Some("EP003")),
        (30, usual(), Some("EP002")),
        // The threshold of all certificates, if it is longer
        (300, usual().with_warning(threshold("301d")), Some("EP003")),
        (300, usual().with_critical(threshold("301d")), Some("EP002")),
        (59, usual().with_warning(threshold("1d")), Some("EP003")),
        // Its own threshold, if it is specified
        (59, usual().with_ca_warning(threshold("58d")), None),
        (59, usual().with_ca_warning(threshold("59d")), Some("EP003")),
        (
            20,
            usual()
                .with_ca_warning(threshold("58d"))
                .with_ca_critical(threshold("10d")),
            Some("EP003"),
        ),
        (
            300,
            usual().with_ca_critical(threshold("50%")),
            Some("EP002"),
        ),
    ] {
        let checked = of_ca(&check.at(end - DAY * left), &store);
        assert_eq!(
            codes(&checked),
            code.into_iter().collect::<Vec<_>>(),
            "{left}"
        );
    }
}

#[test]
fn what_depends_on_a_ca() {
    let scratch = Scratch::new("expiry");
    let (store, end) = pki(scratch.path());
    let message = || {
        let checked = of_ca(&Check::new().at(end - DAY * 59), &store);
        checked.findings()[0].to_string()
    };
    let expected = "expires in 59 days, and 3 certificates here depend on it (threshold 180d)";
    assert_eq!(message(), expected);

    // A certificate that another CA with the same name signed does not depend on it
    let namesake = CertificateAuthority::create("etcd-ca").unwrap();
    let identity = etcd_pki_core::Identity::new("other").unwrap();
    let other = namesake.issue(Role::Client, identity).unwrap();
    let pem = other.certificate().to_pem();
    fs::write(store.directory().join("client-other.pem"), pem).unwrap();
    assert_eq!(message(), expected);

    // Nothing depends on a certificate that a later one with the same key replaces
    let ca = store.ca(CaKind::Client, None).unwrap();
    let validity = Validity::days(7_300);
    let renewed = ca
        .at(SystemTime::now())
        .renew_ca(CaRenewal::new(validity))
        .unwrap();
    let both = [&ca, &renewed].map(|ca| ca.certificate().to_pem());
    fs::write(store.directory().join("ca.pem"), both.concat()).unwrap();
    assert_eq!(message(), "expires in 59 days (threshold 180d)");
}

/// A leaf below an intermediate CA depends on the root too.
#[test]
fn what_depends_on_a_root() {
    let scratch = Scratch::new("expiry");
    let folder = scratch.path();
    let config = "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n\
                  [leaf]\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\nsubjectAltName=IP:0.0.0.0\n";
    fs::write(folder.join("x.cnf"), config).unwrap();
    fs::create_dir(folder.join("ssl")).unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let sign = "x509 -req -days 300 -extfile x.cnf";
    for line in [
        format!(
            "req -x509 {key} -subj /CN=root -days 400 -extensions ca -config x.cnf -keyout root.key -out root.pem"
        ),
        format!("req {key} -subj /CN=below -keyout below.key -out below.csr"),
        format!("{sign} -in below.csr -CA root.pem -CAkey root.key -extensions ca -out below.pem"),
        format!("req {key} -subj /CN=app -keyout ssl/client-app-key.pem -out app.csr"),
        format!(
            "{sign} -in app.csr -CA below.pem -CAkey below.key -extensions leaf -out ssl/client-app.pem"
        ),
    ] {
        let line = line.replace("-config x.cnf ", "");
        let line = line.replace("-extensions ca -keyout root.key", "-keyout root.key");
        let _ = openssl::call(folder, &line);
    }
    let both = ["root.pem", "below.pem"].map(|name| fs::read(folder.join(name)).unwrap());
    fs::write(folder.join("ssl/ca.pem"), both.concat()).unwrap();
    let checked = Check::new().with_ca_warning("1y".parse().unwrap());
    let checked = checked
        .at(SystemTime::now() + DAY * 100)
        .run([folder.join("ssl")]);
    let messages = checked
        .iter()
        .flat_map(Checked::findings)
        .map(ToString::to_string);
    let depending: Vec<_> = messages
        .filter(|text| text.contains("1 certificate here depends on it"))
        .collect();
    assert_eq!(depending.len(), 2, "{depending:?}");
}

#[test]
fn days_are_whole_days() {
    let scratch = Scratch::new("expiry");
    let (store, end) = pki(scratch.path());
    let hour = Duration::from_secs(3_600);
    let second = Duration::from_secs(1);
    for (now, days) in [
        (end - DAY * 2, 2),
        (end - DAY * 2 + second, 1),
        (end - hour * 25, 1),
        (end - hour * 23, 0),
        (end, 0),
        (end + hour, 0),
        (end + hour * 23, 0),
        (end + hour * 25, -1),
        (end + DAY * 2 - second, -1),
        (end + DAY * 2, -2),
    ] {
        let checked = of_ca(&Check::new().at(now), &store);
        assert_eq!(checked.days_left(), Some(days), "{now:?}");
    }
    let leaf = store.directory().join("client-app.pem");
    let json = |at: &str| {
        let leaf = leaf.to_str().unwrap();
        let line = format!("check {leaf} --json --at {at}");
        let output = etcd_pki_in(scratch.path(), &line);
        serde_json::from_str::<serde_json::Value>(output.stdout()).unwrap()
    };
    // A year and an hour after it was issued for a year
    assert_eq!(json("8761h")["items"][0]["days_left"], 0);
    assert_eq!(json("8785h")["items"][0]["days_left"], -1);
}
