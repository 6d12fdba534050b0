//! Tests decisions with certificates that rcgen generates.

use std::{fs, os::unix::fs::symlink, time::Duration};

use rcgen::{CertificateParams, IsCa, KeyIdMethod, KeyUsagePurpose, date_time_ymd};

use super::*;
use crate::{
    cluster::DesiredCa,
    inspect::CurrentCa,
    layout::{CaKind, Layout},
    role::Role,
    store::Attributes,
    test_certificates::{self, Made},
};

fn signing<'a>(ca: &'a Certificate, bundle: &'a [Certificate]) -> SigningCa<'a> {
    SigningCa {
        certificate: ca,
        bundle,
        path: None,
        chain: None,
        is_renewed: false,
        rotated: &[],
        link: LinkRule::Optional,
    }
}

fn ca(name: &str) -> CertificateParams {
    test_certificates::ca(name, None)
}

/// The kind of a finding, by name.
fn kind(finding: Option<Finding>) -> Option<String> {
    let text = format!("{:?}", finding?);
    let end = text.find(|letter: char| !letter.is_alphanumeric());
    Some(text[..end.unwrap_or(text.len())].to_owned())
}

#[test]
fn when_a_leaf_is_due() {
    let until = |mut params: CertificateParams, year| {
        params.not_before = date_time_ymd(2030, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        Made::root(params).certificate
    };
    let leaf = until(test_certificates::leaf("leaf"), 2032);
    let (earlier, same, later) = (2031, 2032, 2033);
    let [earlier, same, later] = [earlier, same, later].map(|year| until(ca("ca"), year));
    let renew_before = RenewBefore::days(30);
    let end = leaf.not_after();
    let due = end - Duration::from_secs(30 * 86_400);
    let second = Duration::from_secs(1);
    let judge = |ca: Option<(&Certificate, bool)>, now| {
        let ca = ca.map(|(ca, is_renewed)| SigningCa {
            is_renewed,
            ..signing(ca, &[])
        });
        kind(expiry(renew_before, &leaf, ca, now))
    };
    let (expires, expired) = (Some("Expires".to_owned()), Some("Expired".to_owned()));
    for ca in [
        None,
        Some((&later, false)),
        Some((&later, true)),
        Some((&same, true)),
    ] {
        assert_eq!(judge(ca, due - second), None);
        assert_eq!(judge(ca, due), expires);
        assert_eq!(judge(ca, end), expires);
        assert_eq!(judge(ca, end + second), expired);
    }
    // A new certificate would expire with the CA too
    for ca in [&same, &earlier] {
        assert_eq!(judge(Some((ca, false)), due), None);
        assert_eq!(judge(Some((ca, false)), end), None);
        assert_eq!(judge(Some((ca, false)), end + second), expired);
    }
}

#[test]
fn who_must_have_signed_a_leaf() {
    let own = Made::root(ca("ca"));
    let leaf = own.sign(test_certificates::leaf("leaf")).certificate;
    let [other, namesake] = ["other", "ca"].map(|name| Made::root(ca(name)));
    let renewed = own.again(|params| {
        params.key_identifier_method = KeyIdMethod::PreSpecified(vec![9; 20]);
    });
    let middle = other.sign(ca("middle"));
    let of_middle = middle.sign(test_certificates::leaf("leaf")).certificate;
    let chain = [middle.certificate];
    let [own, other, namesake, renewed] =
        [own, other, namesake, renewed].map(|made| made.certificate);
    let judge = |leaf, chain: &[Certificate], ca, bundle: &[&Certificate], was_verified| {
        let bundle: Vec<Certificate> = bundle.iter().copied().cloned().collect();
        kind(issuer_reason(
            leaf,
            chain,
            signing(ca, &bundle),
            was_verified,
        ))
    };
    let (none, earlier, stranger) = (
        None,
        Some("EarlierCaCertificate".to_owned()),
        Some("OtherCa".to_owned()),
    );
    for was_verified in [false, true] {
        let judge = |leaf, chain: &[Certificate], ca, bundle: &[&Certificate]| {
            judge(leaf, chain, ca, bundle, was_verified)
        };
        assert_eq!(judge(&leaf, &[], &own, &[&own]), none);
        assert_eq!(judge(&leaf, &[], &renewed, &[&renewed]), earlier);
        // Another CA of the bundle signed it, and etcd trusts that CA too
        assert_eq!(judge(&leaf, &[], &other, &[&other, &own]), none);
        assert_eq!(judge(&leaf, &[], &other, &[&other]), stranger);
        assert_eq!(judge(&of_middle, &chain, &other, &[&other]), none);
        assert_eq!(judge(&of_middle, &[], &other, &[&other]), stranger);
        assert_eq!(judge(&of_middle, &chain, &own, &[&own]), stranger);
    }
    // The signature is only checked if it was not verified before
    assert_eq!(judge(&leaf, &[], &namesake, &[&namesake], false), stranger);
    assert_eq!(judge(&leaf, &[], &namesake, &[&own], false), none);
    assert_eq!(judge(&leaf, &[], &namesake, &[&namesake], true), earlier);
}

#[test]
fn usages_of_a_leaf() {
    let make = |change: fn(&mut CertificateParams)| {
        let mut params = test_certificates::member("leaf");
        change(&mut params);
        Made::root(params).certificate
    };
    let (member, client) = (Profile::from(Role::Member), Profile::from(Role::Client));
    let both = make(|_| {});
    let one = make(|params| drop(params.extended_key_usages.remove(0)));
    let signs = make(|params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let ca = make(|params| params.is_ca = ca("ca").is_ca);
    let explicit = make(|params| params.is_ca = IsCa::ExplicitNoCa);
    let twice = make(|params| {
        params.extended_key_usages[0] = params.extended_key_usages[1].clone();
    });
    for (what, certificate, profile, is_met) in [
        ("a member", &both, &member, true),
        ("an explicit leaf", &explicit, &member, true),
        ("a client with both", &both, &client, false),
        ("a client", &one, &client, true),
        ("a member with one", &one, &member, false),
        ("one usage twice", &twice, &member, false),
        ("another keyUsage", &signs, &member, false),
        ("a CA", &ca, &member, false),
    ] {
        let found = usages(certificate, profile, false);
        assert_eq!(found.is_none(), is_met, "{what}: {found:?}");
    }
}

/// The place of a CA's key.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    Here,
    Elsewhere,
    Linked,
}

/// Decides what to do with a CA. Returns the action and the kinds of the reasons.
fn decide_ca(made: &Made, place: Key, now: SystemTime) -> (Action, Vec<String>) {
    let scratch = tempfile::tempdir().unwrap();
    let paths = Layout::Kubespray.ca(CaKind::Client);
    let there = paths.below(scratch.path());
    fs::write(&there.certificate, made.certificate.to_pem()).unwrap();
    let secret = made.private_key().to_secret_pem();
    match place {
        Key::Here => fs::write(&there.key, secret.as_bytes()).unwrap(),
        Key::Elsewhere => {}
        Key::Linked => {
            fs::write(scratch.path().join("other"), secret.as_bytes()).unwrap();
            symlink("other", &there.key).unwrap();
        }
    }
    let usual = Attributes {
        ca: crate::store::CaAttributes {
            key_mode: Some(fs::metadata(&there.key).map_or(0o600, |file| {
                use std::os::unix::fs::PermissionsExt as _;
                file.permissions().mode() & 0o777
            })),
            ..Default::default()
        },
        ..Attributes::default()
    };
    let current = CurrentCa::read(&there, &paths, Some("ca"), &usual).unwrap();
    let desired = DesiredCa {
        kind: CaKind::Client,
        profile: Profile::ca(),
        paths,
        identity: Identity::new("ca").unwrap(),
        renew_before: RenewBefore::days(30),
        algorithm: None,
    };
    let decision = super::ca(&desired, &made.certificate, &current, now);
    let kinds = decision
        .reasons
        .into_iter()
        .map(|one| kind(Some(one)).unwrap());
    (decision.action, kinds.collect())
}

/// A self-signed CA is renewed where its key is. If renewal is impossible, the plan only stops for
/// a CA that is due.
#[test]
fn when_a_ca_is_renewed() {
    let params = |name: &str| {
        let mut params = ca(name);
        params.not_before = date_time_ymd(2030, 1, 1);
        params.not_after = date_time_ymd(2032, 1, 1);
        params
    };
    let root = Made::root(params("ca"));
    let plain = root.again(|params| params.key_usages.clear());
    let issuer = Made::root(params("issuer"));
    let (middle, plain_middle) = (issuer.sign_again(&root), issuer.sign_again(&plain));
    let end = root.certificate.not_after();
    let early = end - Duration::from_secs(300 * 86_400);
    let (due, late) = (
        end - Duration::from_secs(86_400),
        end + Duration::from_secs(1),
    );
    for (what, made, key, now, action, reasons) in [
        ("fresh", &root, Key::Here, early, Action::Keep, &[][..]),
        ("due", &root, Key::Here, due, Action::Renew, &["Expires"]),
        ("late", &root, Key::Here, late, Action::Renew, &["Expired"]),
        (
            "due, no key",
            &root,
            Key::Elsewhere,
            due,
            Action::Keep,
            &["Expires"],
        ),
        (
            "late, no key",
            &root,
            Key::Elsewhere,
            late,
            Action::Blocked,
            &["Expired"],
        ),
        (
            "plain",
            &plain,
            Key::Here,
            early,
            Action::Renew,
            &["NoKeyUsage"],
        ),
        (
            "plain, no key",
            &plain,
            Key::Elsewhere,
            early,
            Action::Keep,
            &["NoKeyUsage"],
        ),
        ("below", &middle, Key::Here, early, Action::Keep, &[]),
        (
            "below, due",
            &middle,
            Key::Here,
            due,
            Action::Blocked,
            &["IssuedByAnotherCa", "Expires"],
        ),
        (
            "below, due, no key",
            &middle,
            Key::Elsewhere,
            due,
            Action::Keep,
            &["Expires"],
        ),
        (
            "below, late, no key",
            &middle,
            Key::Elsewhere,
            late,
            Action::Blocked,
            &["IssuedByAnotherCa", "Expired"],
        ),
        (
            "below, plain",
            &plain_middle,
            Key::Here,
            early,
            Action::Keep,
            &["NoKeyUsage"],
        ),
        (
            "linked, due",
            &root,
            Key::Linked,
            due,
            Action::Blocked,
            &["Blocked", "Expires"],
        ),
        (
            "linked, plain",
            &plain,
            Key::Linked,
            early,
            Action::Blocked,
            &["Blocked", "NoKeyUsage"],
        ),
    ] {
        let (decided, kinds) = decide_ca(made, key, now);
        assert_eq!(
            (decided, &kinds[..]),
            (
                action,
                &reasons.iter().map(ToString::to_string).collect::<Vec<_>>()[..]
            ),
            "{what}"
        );
    }
}

/// A key that etcd cannot read but etcd-pki can is rewritten.
#[test]
fn keys_that_etcd_does_not_read() {
    let scratch = tempfile::tempdir().unwrap();
    let paths = PairPaths {
        certificate: "a.pem".into(),
        key: "a-key.pem".into(),
    };
    let made = Made::root(test_certificates::leaf("a"));
    let secret = made.private_key().to_secret_pem();
    for (before, is_written) in [("", false), ("\u{feff}", true)] {
        let text = format!("{before}{}", *secret);
        fs::write(scratch.path().join(&paths.key), text).unwrap();
        let usual = Attributes::default();
        let current = Current::read(scratch.path(), &paths, &usual, None).unwrap();
        assert!(current.key.present().is_some());
        assert_eq!(current.needs_key_rewrite(), is_written, "{before:?}");
    }
}
