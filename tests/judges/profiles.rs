//! The profiles at fixed times: OpenSSL reads the contents of the certificates.
use std::{fs, time::Duration};

use etcd_pki_core::{
    Certificate, CertificateAuthority, Identity, KeyAlgorithm, PrivateKey, Role,
    internal::{parse_rfc3339, rfc3339},
    role::Compatibility,
};
use etcd_pki_tests::{Scratch, openssl};

const NOW: &str = "2026-11-24T12:00:00Z";

fn ca(habits: Compatibility) -> CertificateAuthority {
    let profile = habits.ca();
    let key = PrivateKey::generate_with(profile.algorithm()).unwrap();
    let identity = Identity::from_common_name("etcd-ca").unwrap();
    CertificateAuthority::create_for(key, &identity, profile, parse_rfc3339(NOW).unwrap()).unwrap()
}

fn parsed(certificate: &Certificate) -> String {
    let scratch = Scratch::new("profile");
    fs::write(scratch.path().join("x.pem"), certificate.to_pem()).unwrap();
    openssl::call(scratch.path(), "asn1parse -in x.pem")
        .stdout()
        .to_owned()
}

#[test]
fn begins_five_minutes_earlier_and_never_before_its_ca() {
    let now = parse_rfc3339(NOW).unwrap();
    let ca = ca(Compatibility::Strict);
    assert_eq!(
        rfc3339(ca.certificate().not_before()),
        "2026-11-24T11:55:00Z"
    );
    assert_eq!(
        rfc3339(ca.certificate().not_after()),
        "2036-11-21T12:00:00Z"
    );
    let issue = |seconds| {
        let identity = Identity::new("x").unwrap();
        ca.at(now + Duration::from_secs(seconds))
            .issue(Role::Client, identity)
            .unwrap()
    };
    let later = issue(600);
    assert_eq!(
        rfc3339(later.certificate().not_before()),
        "2026-11-24T12:05:00Z"
    );
    assert_eq!(
        rfc3339(later.certificate().not_after()),
        "2027-11-24T12:10:00Z"
    );
    assert_eq!(
        rfc3339(issue(0).certificate().not_before()),
        "2026-11-24T11:55:00Z"
    );
    let text = parsed(later.certificate());
    assert!(
        text.contains("UTCTIME           :261124120500Z")
            && text.contains("UTCTIME           :271124121000Z"),
        "{text}"
    );
}

#[test]
fn as_kubespray_makes_them() {
    let now = parse_rfc3339(NOW).unwrap();
    let ca = ca(Compatibility::Kubespray);
    let identity = Identity::new("a.dc1.example")
        .unwrap()
        .with_names(["10.0.0.1"])
        .unwrap();
    for (role, common_name) in [
        (Role::Member, "etcd-member-a"),
        (Role::Node, "etcd-node-a"),
        // A user has only a name
        (Role::Client, "a.dc1.example"),
    ] {
        let bundle = ca
            .at(now)
            .issue(Compatibility::Kubespray.profile(role), &identity)
            .unwrap();
        let certificate = bundle.certificate();
        assert_eq!(certificate.common_name().as_deref(), Some(common_name));
        assert_eq!(
            certificate.public_key().algorithm(),
            Some(KeyAlgorithm::Rsa2048)
        );
        assert_eq!(rfc3339(certificate.not_after()), "2126-10-31T12:00:00Z");
        let text = parsed(certificate);
        // After 2049, the other form of a time is used (RFC 5280, section 4.1.2.5)
        assert!(
            text.contains("GENERALIZEDTIME   :21261031120000Z"),
            "{text}"
        );
        let usages = certificate.extended_key_usages().unwrap();
        assert_eq!(
            usages.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["serverAuth", "clientAuth"]
        );
        let usages = certificate.key_usages().unwrap();
        assert_eq!(
            usages.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["digitalSignature", "keyEncipherment"]
        );
        assert_eq!(certificate.ip_addresses()[0].to_string(), "10.0.0.1");
    }
    assert!(!ca.lacks_key_usage());
}
