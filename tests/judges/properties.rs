//! Properties for any input: names, times, PEM, serial numbers, and certificates with them.
use std::{
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use etcd_pki_core::{
    Certificate, CertificateAuthority, CertificateRequest, Identity, PrivateKey, PublicKey, Role,
    Validity,
    internal::rfc3339,
    verify::{Host, Verifier},
    x509::AlternativeName,
};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9._*:/%\\[\\]-]{0,80}",
        "\\PC{0,80}"
    ]
}

/// A host name that is short enough for a member's prefix, and never has two hyphens in a row,
/// which are reserved for IDNA.
fn host_name() -> impl Strategy<Value = String> {
    "[a-z](-?[a-z0-9]){0,8}(\\.[a-z][a-z0-9]{0,8}){0,3}"
}

/// The object identifiers of P-256, P-384 and P-521
const CURVES: [&[u8]; 3] = [
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
    &[0x2b, 0x81, 0x04, 0x00, 0x22],
    &[0x2b, 0x81, 0x04, 0x00, 0x23],
];

/// `ECPrivateKey` without a public point (RFC 5915, section 3).
fn sec1(curve: &[u8], number: &[u8]) -> Vec<u8> {
    let tlv = |tag, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        let head = if length < 0x80 {
            vec![tag, length]
        } else {
            vec![tag, 0x81, length]
        };
        [&head, content].concat()
    };
    let curve = tlv(0xa0, &tlv(0x06, curve));
    tlv(0x30, &[&[2, 1, 1], &tlv(0x04, number)[..], &curve].concat())
}

proptest! {
    #[test]
    fn any_text_is_a_name_or_an_error(text in text()) {
        if let Ok(name) = text.parse::<AlternativeName>() {
            let again: AlternativeName = match &name {
                AlternativeName::Uri(uri) => format!("URI:{}", uri.as_str()).parse().unwrap(),
                other => other.to_string().parse().unwrap(),
            };
            prop_assert_eq!(again, name);
        }
        let _ = Identity::new(&text);
        let _ = Identity::from_common_name(&text);
        let _ = text.parse::<Host>();
        let _ = text.parse::<Validity>();
    }

    #[test]
    fn any_address_is_itself(address: IpAddr) {
        let name: AlternativeName = address.to_string().parse().unwrap();
        prop_assert_eq!(name, AlternativeName::Ip(address.to_canonical()));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = PrivateKey::from_bytes(&bytes, None);
        let _ = PublicKey::from_der(&bytes);
        let _ = Certificate::all_from_bytes(&bytes);
        let _ = CertificateRequest::from_bytes(&bytes);
    }

    #[test]
    fn instants_are_written_and_read(seconds in 0u64..=253_402_300_799) {
        let instant = UNIX_EPOCH + Duration::from_secs(seconds);
        let validity: Validity = rfc3339(instant).parse().unwrap();
        prop_assert_eq!(validity, Validity::until(instant));
    }

    #[test]
    fn durations_end_after_they_begin(days in 1u32..3_000_000, now in 0u64..4_000_000_000) {
        let now = UNIX_EPOCH + Duration::from_secs(now);
        let expected = now + Duration::from_secs(u64::from(days) * 86_400);
        match Validity::days(days).end(now) {
            Ok(end) => prop_assert_eq!(end, expected),
            // Past 9999-12-31T23:59:59Z
            Err(_) => prop_assert!(expected > UNIX_EPOCH + Duration::from_secs(253_402_300_799)),
        }
    }

    #[test]
    fn pem_in_any_dress(width in 1usize..200, before in "[^-]{0,40}", crlf: bool) {
        let key = PrivateKey::generate().unwrap();
        let pem = key.public_key().to_pem();
        let body: Vec<char> = pem.lines().filter(|line| !line.starts_with('-')).flat_map(str::chars).collect();
        let lines: Vec<String> = body.chunks(width).map(|line| line.iter().collect()).collect();
        let end = if crlf { "\r\n" } else { "\n" };
        let dressed = format!(
            "{before}{end}-----BEGIN PUBLIC KEY-----{end}{}{end}-----END PUBLIC KEY-----",
            lines.join(end)
        );
        prop_assert_eq!(&PublicKey::from_pem(dressed).unwrap(), key.public_key());
    }

    #[test]
    fn a_number_is_the_same_key_in_any_length(
        number in prop::collection::vec(any::<u8>(), 1..32),
        zeros in 0usize..70,
        curve in prop::sample::select(&CURVES[..]),
    ) {
        prop_assume!(number.iter().any(|byte| *byte != 0));
        let short = PrivateKey::from_der(&sec1(curve, &number)).unwrap();
        let long = [&vec![0; zeros][..], &number].concat();
        let long = PrivateKey::from_der(&sec1(curve, &long)).unwrap();
        prop_assert_eq!(short.public_key(), long.public_key());
        // Each signs for the other, and reads as the same key again
        let again = PrivateKey::from_der(&long.to_secret_der()).unwrap();
        prop_assert_eq!(again.public_key(), short.public_key());
        let identity = Identity::new("x").unwrap();
        let request = CertificateRequest::create(&again, Role::Client, identity).unwrap();
        let read = CertificateRequest::from_der(request.as_der()).unwrap();
        prop_assert_eq!(read.public_key(), short.public_key());
    }

    #[test]
    fn one_changed_byte_is_noticed(at in 0usize..300, change in 1u8..=255) {
        let key = PrivateKey::generate().unwrap();
        let request = CertificateRequest::create(&key, Role::Client, Identity::new("x").unwrap()).unwrap();
        let mut bytes = request.as_der().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= change;
        prop_assert!(CertificateRequest::from_der(&bytes).is_err());
    }

    #[test]
    fn what_is_issued_is_read_and_accepted(
        name in host_name(),
        others in prop::collection::vec(host_name(), 0..5),
        addresses in prop::collection::vec(any::<IpAddr>(), 0..5),
        organization in prop::option::of("[a-zA-Z][a-zA-Z äöü:]{0,20}[a-z]"),
        days in 1u32..3_000,
    ) {
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let mut identity = Identity::new(&name).unwrap()
            .with_names(others).unwrap()
            .with_alternative_names(addresses.iter().copied().map(AlternativeName::from));
        if let Some(organization) = organization {
            identity = identity.with_organization(&organization).unwrap();
        }
        for role in Role::ALL {
            let profile = role.profile().with_validity(Validity::days(days));
            let bundle = ca.issue(profile, &identity).unwrap();
            let certificate = Certificate::from_der(bundle.certificate().as_der()).unwrap();
            prop_assert_eq!(certificate.role().is_some(), true);
            let serial = certificate.serial_number().as_bytes();
            prop_assert!(serial.len() == 20 && (1..0x80).contains(&serial[0]));
            let mut verifier = Verifier::new([ca.certificate().clone()]).with_role(role).with_strict();
            if role == Role::Member {
                verifier = verifier.with_host(name.parse().unwrap());
            }
            let verdict = verifier.verify(&certificate);
            prop_assert!(verdict.is_accepted(), "{:?}", verdict.reasons());
        }
    }

    #[test]
    fn a_leaf_never_outlives_its_ca(days in 1u32..8_000, later in 0u64..300_000_000) {
        let begin = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let identity = Identity::from_common_name("etcd-ca").unwrap();
        let profile = etcd_pki_core::Profile::ca();
        let key = PrivateKey::generate().unwrap();
        let ca = CertificateAuthority::create_for(key, &identity, profile, begin).unwrap();
        let now: SystemTime = begin + Duration::from_secs(later);
        let client = Role::Client.profile().with_validity(Validity::days(days));
        let bundle = ca.at(now).issue(client, Identity::new("x").unwrap()).unwrap();
        let asked = now + Duration::from_secs(u64::from(days) * 86_400);
        let certificate = bundle.certificate();
        prop_assert!(certificate.not_before() >= ca.certificate().not_before());
        prop_assert_eq!(certificate.not_after(), asked.min(ca.certificate().not_after()));
        prop_assert_eq!(bundle.requested_end().is_some(), asked > ca.certificate().not_after());
    }
}
