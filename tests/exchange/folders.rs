//! Keys that stay on their hosts: what is requested, signed and installed, and what a change
//! affects.
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    Certificate, CertificateAuthority, Identity, KeyAlgorithm, PrivateKey, Profile,
};
use etcd_pki_tests::{
    machines::{HOSTS, Machines, SPECIFICATION, changed},
    openssl::{self, Purpose},
};

#[test]
fn there_and_back() {
    let machines = Machines::new(SPECIFICATION);
    let first = machines.quietly("etcd-1");
    assert_eq!(
        (&first["keys"], &first["requested"]),
        (&2.into(), &2.into())
    );
    let second = machines.quietly("etcd-2");
    assert_eq!(
        (&second["keys"], &second["requested"]),
        (&3.into(), &3.into())
    );
    assert_eq!(machines.output("plan", "etcd-1").status.code(), Some(0));
    // Nothing more can be done before the requests are signed
    let waiting = (machines.files("etcd-1"), machines.files("travel"));
    assert_eq!(machines.quietly("etcd-1")["requested"], 0);
    assert_eq!(
        (machines.files("etcd-1"), machines.files("travel")),
        waiting
    );
    machines.assert_nothing_secret();

    let signed = machines.quietly("ca");
    assert_eq!(
        (&signed["created"], &signed["signed"]),
        (&1.into(), &5.into())
    );
    let names: Vec<_> = machines.files("ca").into_keys().collect();
    assert_eq!(names, [Path::new("ca-key.pem"), Path::new("ca.pem")]);
    let (ca, travel) = (machines.files("ca"), machines.files("travel"));
    assert_eq!(machines.quietly("ca")["signed"], 0);
    assert_eq!(
        (machines.files("ca"), machines.files("travel")),
        (ca, travel)
    );

    assert_eq!(machines.quietly("etcd-1")["installed"], 2);
    assert_eq!(machines.quietly("etcd-2")["installed"], 3);
    machines.assert_whole();
    let before = machines.files(".");
    machines.round();
    assert_eq!(machines.files("."), before);
}

#[test]
fn plan_writes_nothing_and_tells_what_is_due() {
    let machines = Machines::new(SPECIFICATION);
    let check = |machine: &str| {
        let mut plan = machines.command("plan", machine);
        plan.arg("--check").output().unwrap().status.code()
    };
    assert_eq!(check("etcd-1"), Some(3));
    assert!(!machines.path("etcd-1").exists() && !machines.path("travel").exists());
    let _ = machines.quietly("etcd-1");
    assert_eq!(check("etcd-1"), Some(3));
    assert_eq!(check("ca"), Some(3));
    assert!(!machines.path("ca").exists());
    let _ = machines.quietly("ca");
    assert_eq!(check("ca"), Some(0));
    assert_eq!(check("etcd-1"), Some(3));
    let _ = machines.quietly("etcd-1");
    assert_eq!(check("etcd-1"), Some(0));
}

#[test]
fn an_added_address_touches_one_certificate_and_no_key() {
    let machines = Machines::installed(SPECIFICATION);
    let before: Vec<_> = HOSTS.map(|host| machines.files(host)).into();
    machines.specify(&SPECIFICATION.replace("10.0.0.11", "10.0.0.11, 10.0.0.99"));
    machines.round();
    machines.assert_whole();
    let after: Vec<_> = HOSTS.map(|host| machines.files(host)).into();
    assert_eq!(changed(&before[0], &after[0]), ["member-etcd-1.pem"]);
    assert_eq!(changed(&before[1], &after[1]), [""; 0]);
    openssl::verify_host(
        &machines.path("etcd-1/ca.pem"),
        &machines.path("etcd-1/member-etcd-1.pem"),
        "10.0.0.99",
    )
    .assert_accepted("the new address");
}

/// The existing pair stays in use until both files of the next one have arrived.
#[test]
fn another_algorithm_replaces_a_pair_when_its_certificate_has_come() {
    let machines = Machines::installed(SPECIFICATION);
    let before = machines.files("etcd-1");
    machines.specify(&SPECIFICATION.replace("{validity", "{algorithm: ed25519, validity"));
    assert_eq!(machines.quietly("etcd-1")["keys"], 2);
    let waiting = machines.files("etcd-1");
    let next = [".admin-etcd-1-key.pem.next", ".member-etcd-1-key.pem.next"];
    assert_eq!(changed(&before, &waiting), next);
    for name in next {
        let path = machines.path("etcd-1").join(name);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(machines.quietly("etcd-1")["keys"], 0);
    machines.round();
    machines.assert_whole();
    let after = machines.files("etcd-1");
    assert_eq!(changed(&before, &after).len(), 4, "both files of two pairs");
}

/// A layout without host names in its file names, with a separate peer CA.
#[test]
fn kubeadm_with_peers_apart() {
    let specification = format!("layout: kubeadm\nca: {{peers: separate}}\n{SPECIFICATION}");
    let machines = Machines::installed(&specification);
    machines.assert_nothing_secret();
    for host in HOSTS {
        let etcd = machines.path(host).join("etcd");
        for (ca, certificate) in [("ca.crt", "server.crt"), ("peer-ca.crt", "peer.crt")] {
            openssl::verify_strict(&etcd.join(ca), &etcd.join(certificate), Purpose::Server)
                .assert_accepted(certificate);
        }
        assert!(!etcd.join("ca.key").exists() && !etcd.join("peer-ca.key").exists());
    }
    let before = machines.files(".");
    machines.round();
    assert_eq!(machines.files("."), before);
}

/// A CA that was renewed with its key reaches the hosts in the same way.
#[test]
fn a_renewed_ca_is_exchanged() {
    let machines = Machines::installed(SPECIFICATION);
    let before = fs::read(machines.path("etcd-1/ca.pem")).unwrap();
    let renewed = {
        let key = fs::read(machines.path("ca/ca-key.pem")).unwrap();
        let later = SystemTime::now() + Duration::from_secs(2);
        CertificateAuthority::create_for(
            PrivateKey::from_pem(key).unwrap(),
            &Identity::from_common_name("etcd-ca").unwrap(),
            Profile::ca(),
            later,
        )
        .unwrap()
    };
    let pem = renewed.certificate().to_pem();
    fs::write(machines.path("ca/ca.pem"), &pem).unwrap();
    assert_eq!(machines.quietly("ca")["trusted"], 2);
    let done = machines.quietly("etcd-1");
    assert_eq!(
        (&done["trusted"], &done["installed"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        fs::read(machines.path("etcd-1/ca.pem")).unwrap(),
        pem.as_bytes()
    );
    // An old certificate that arrives late does not replace the new one
    fs::write(machines.path("travel/etcd-1/ca.pem"), before).unwrap();
    assert_eq!(machines.quietly("etcd-1")["trusted"], 0);
}

/// A CA that has expired or expires soon is renewed on its machine, and each host gets the new
/// certificate.
#[test]
fn a_ca_that_is_due_is_renewed_before_it_signs() {
    const DAY: Duration = Duration::from_secs(86_400);
    const OTHER: &str = "other-ca";
    for (age, planned) in [(3640, "expires in "), (3660, "expired on ")] {
        let machines = Machines::new(SPECIFICATION);
        fs::create_dir(machines.path("ca")).unwrap();
        let key = PrivateKey::generate_with(KeyAlgorithm::default()).unwrap();
        let key_pem = key.to_secret_pem();
        let old = CertificateAuthority::create_for(
            key,
            &Identity::from_common_name("etcd-ca").unwrap(),
            Profile::ca(),
            SystemTime::now() - DAY * age,
        )
        .unwrap();
        let other = CertificateAuthority::create(OTHER).unwrap();
        let other = other.certificate().to_pem();
        let bundle = other.clone() + &old.certificate().to_pem();
        fs::write(machines.path("ca/ca.pem"), &bundle).unwrap();
        fs::write(machines.path("ca/ca-key.pem"), &*key_pem).unwrap();
        for host in HOSTS {
            let _ = machines.output("apply", host);
        }
        let output = machines.command("plan", "ca").output().unwrap();
        let plan = String::from_utf8(output.stdout).unwrap();
        let renewal = plan
            .lines()
            .find(|line| line.trim_start().starts_with("renew "))
            .unwrap();
        assert!(
            renewal.contains("ca.pem") && renewal.contains(planned),
            "{plan}"
        );
        assert_eq!(
            fs::read_to_string(machines.path("ca/ca.pem")).unwrap(),
            bundle
        );

        let (facts, said) = machines.apply("ca");
        assert_eq!(said, "");
        let counts = (&facts["renewed"], &facts["done"]["trusted"]);
        assert_eq!(counts, (&1.into(), &2.into()));
        let bundle = fs::read_to_string(machines.path("ca/ca.pem")).unwrap();
        assert!(bundle.starts_with(&other), "{bundle}");
        let all = Certificate::all_from_bytes(bundle.as_bytes()).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].public_key(), old.certificate().public_key());
        assert!(all[1].not_after() > SystemTime::now() + DAY * 3000);
        for host in HOSTS {
            let travelling = machines.path("travel").join(host).join("ca.pem");
            assert_eq!(fs::read_to_string(travelling).unwrap(), bundle);
            let _ = machines.quietly(host);
        }
        machines.assert_whole();
        assert_eq!(machines.apply("ca").0["renewed"], 0);
    }
}
