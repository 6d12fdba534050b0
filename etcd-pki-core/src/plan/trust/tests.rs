//! Tests which CAs a host trusts, with certificates that rcgen generates.

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, NameConstraints,
    date_time_ymd,
};

use super::*;
use crate::{
    cluster::{CaSpec, Cluster, ClusterSpec, EntrySpec, Peers},
    layout::{CaKind, Layout},
    test_certificates::{self, Made},
};

fn ca(name: &str) -> CertificateParams {
    test_certificates::ca(name, None)
}

/// Whether a trusted key vouches for a certificate.
fn is_vouched(one: &Made, trusted: &[&Made], links: &[&Made]) -> bool {
    let all = |made: &[&Made]| -> Vec<Certificate> {
        made.iter().map(|made| made.certificate.clone()).collect()
    };
    let (trusted, links) = (all(trusted), all(links));
    vouched(&one.certificate, &trusted, &links, SystemTime::now()).is_ok()
}

#[test]
fn certificates_of_a_trusted_key() {
    let trusted = Made::root(ca("ca"));
    let renewed = trusted.again(|params| params.not_before = date_time_ymd(2020, 1, 1));
    assert!(is_vouched(&renewed, &[&trusted], &[]));
    let other = Made::root(ca("other"));
    assert!(!is_vouched(&other, &[&trusted], &[]));
    // Another CA signed a certificate for the trusted key
    let foreign = other.sign_again(&trusted);
    assert!(!is_vouched(&foreign, &[&trusted], &[]));
    assert!(is_vouched(&foreign, &[&trusted, &other], &[]));
    // A leaf cannot sign certificates
    let leaf = Made::root(test_certificates::leaf("leaf"));
    let below = leaf.sign_again(&trusted);
    assert!(!is_vouched(&below, &[&trusted, &leaf], &[]));
}

/// A link certificate belongs to the new CA, and a trusted CA signed it. No other certificate of a
/// trusted CA can vouch for a new CA.
#[test]
fn links_to_a_new_ca() {
    let trusted = Made::root(ca("ca"));
    let new = Made::root(ca("new"));
    let link = trusted.sign_again(&new);
    assert!(is_vouched(&new, &[&trusted], &[&link]));
    assert!(!is_vouched(&new, &[&trusted], &[]));
    let stranger = Made::root(ca("ca"));
    assert!(is_vouched(
        &new,
        &[&stranger, &trusted],
        &[&stranger, &link]
    ));
    // The CA that signed the link is not trusted
    assert!(!is_vouched(
        &new,
        &[&trusted],
        &[&stranger.sign_again(&new)]
    ));
    // The new CA did not sign its own certificate
    assert!(!is_vouched(
        &stranger.sign_again(&new),
        &[&trusted],
        &[&link]
    ));
    for (what, change) in [
        (
            "of a leaf",
            (|params| params.is_ca = IsCa::ExplicitNoCa) as fn(&mut CertificateParams),
        ),
        ("of another name", |params| *params = ca("another")),
        ("that expired", |params| {
            params.not_after = date_time_ymd(2020, 1, 1)
        }),
        ("limited to usages", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }),
        ("limited to names", |params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName("svc".to_owned())],
                excluded_subtrees: Vec::new(),
            });
        }),
    ] {
        let link = trusted.sign_again(&new.again(change));
        assert!(!is_vouched(&new, &[&trusted], &[&link]), "{what}");
    }
    // The link has another key
    let other = trusted.sign(ca("new"));
    assert!(!is_vouched(&new, &[&trusted], &[&other]));
    // The new CA would not have the restrictions of the CA that signed its link
    let limited = trusted.again(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert!(!is_vouched(&new, &[&limited], &[&link]));
    assert!(is_vouched(&new, &[&limited, &trusted], &[&link]));
}

#[test]
fn which_certificate_of_a_ca_is_later() {
    let from = |made: &Made, year| {
        let made = made.again(|params| params.not_before = date_time_ymd(year, 1, 1));
        made.certificate
    };
    let made = Made::root(ca("ca"));
    let (old, new) = (from(&made, 2020), from(&made, 2021));
    let other_name = made.again(|params| *params = ca("other"));
    let other_name = from(&other_name, 2021);
    let other_key = from(&Made::root(ca("ca")), 2021);
    assert!(is_later(&new, &old) && !is_later(&old, &new) && !is_later(&old, &old));
    assert!(is_as_old(&new, &new) && !is_as_old(&new, &old) && !is_as_old(&old, &new));
    for other in [&other_name, &other_key] {
        assert!(!is_later(other, &old) && !is_as_old(other, &new));
        assert!(!is_same_ca(other, &new));
    }
}

/// Judges the arrived certificates where one CA is trusted.
fn judge(arrived: Vec<Result<Certificate>>, current: &Made, given: &[&Made]) -> Judged {
    let scratch = tempfile::tempdir().unwrap();
    let mut options = PlanOptions::new();
    for made in given {
        options = options.with_trust(Fingerprint::of(&made.certificate));
    }
    let arrival = Arrival {
        store: &Store::new(scratch.path(), Layout::default()),
        exchange: &Exchange::open_or_make(scratch.path()).unwrap(),
        host: "a",
        permissions: &Attributes::default(),
        options: &options,
        pairs: &[],
        now: SystemTime::now(),
    };
    let trusted = std::slice::from_ref(&current.certificate);
    Judged::of(arrived, trusted, &[], &arrival)
}

#[test]
fn what_arrives() {
    let trusted = Made::root(ca("ca"));
    let later = trusted.again(|params| params.not_before = date_time_ymd(2020, 1, 1));
    let earlier = trusted.again(|params| params.not_before = date_time_ymd(1970, 1, 1));
    let as_old = trusted.again(|params| params.not_after = date_time_ymd(2090, 1, 1));
    let stranger = Made::root(ca("stranger"));
    let leaf = Made::root(test_certificates::leaf("leaf"));
    let one = |made: &Made| Ok(made.certificate.clone());
    let damaged = || {
        Err(Error::MissingBlock {
            what: "certificate",
            found: Vec::new(),
        })
    };
    // A name for the case, the arrived certificates, those that the user gave, the accepted ones,
    // the number of refused ones, and whether the file shows removals
    for (what, arrived, given, accepted, refused, is_complete) in [
        (
            "the same",
            vec![one(&trusted)],
            &[][..],
            &[&trusted][..],
            0,
            true,
        ),
        (
            "twice",
            vec![one(&trusted), one(&trusted)],
            &[],
            &[&trusted],
            0,
            true,
        ),
        ("a later one", vec![one(&later)], &[], &[&later], 0, true),
        (
            "an earlier one",
            vec![one(&earlier)],
            &[],
            &[&trusted],
            0,
            false,
        ),
        (
            "an equally old one",
            vec![one(&as_old)],
            &[],
            &[&trusted],
            0,
            false,
        ),
        (
            "one that is given",
            vec![one(&as_old)],
            &[&as_old],
            &[&as_old],
            0,
            true,
        ),
        (
            "an earlier one that is given",
            vec![one(&earlier)],
            &[&earlier],
            &[&trusted],
            0,
            false,
        ),
        ("a stranger", vec![one(&stranger)], &[], &[], 1, false),
        (
            "a stranger twice",
            vec![one(&stranger), one(&stranger)],
            &[],
            &[],
            1,
            false,
        ),
        (
            "a stranger that is given",
            vec![one(&stranger)],
            &[&stranger],
            &[&stranger],
            0,
            true,
        ),
        (
            "a leaf that is given",
            vec![one(&leaf)],
            &[&leaf],
            &[],
            1,
            false,
        ),
        (
            "a damaged one",
            vec![one(&trusted), damaged()],
            &[],
            &[&trusted],
            0,
            false,
        ),
        ("nothing", Vec::new(), &[], &[], 0, true),
    ] {
        let judged = judge(arrived, &trusted, given);
        let accepted: Vec<_> = accepted
            .iter()
            .map(|made| made.certificate.clone())
            .collect();
        assert_eq!(judged.accepted, accepted, "{what}");
        assert_eq!(judged.refused.len(), refused, "{what}");
        assert_eq!(judged.is_complete(), is_complete, "{what}");
    }
}

/// A bundle is enough for a leaf of the specification and of this CA if it verifies the leaf with
/// the certificates after it in its file.
#[test]
fn leaves_that_a_bundle_does_not_verify() {
    let (root, other) = (Made::root(ca("etcd-ca")), Made::root(ca("etcd-ca")));
    let middle = root.sign(ca("middle"));
    let leaf = middle.sign(test_certificates::member("a"));
    let scratch = tempfile::tempdir().unwrap();
    let exchange = tempfile::tempdir().unwrap();
    let texts = [&leaf, &middle].map(|made| made.certificate.to_pem());
    std::fs::write(scratch.path().join("member-a.pem"), texts.concat()).unwrap();
    let cluster = Cluster::try_from(ClusterSpec {
        ca: CaSpec {
            peers: Some(Peers::Separate),
            ..CaSpec::default()
        },
        members: vec![EntrySpec::new("a").with_names(["a.lan"]).unwrap()],
        ..ClusterSpec::default()
    });
    let desired = cluster.unwrap().desired().unwrap();
    let permissions = Attributes::default();
    let pairs = desired.pairs.into_iter().map(|pair| {
        let current = Current::read(scratch.path(), &pair.paths, &permissions, None);
        (pair, current.unwrap())
    });
    let arrival = Arrival {
        store: &Store::new(scratch.path(), Layout::default()),
        exchange: &Exchange::open_or_make(exchange.path()).unwrap(),
        host: "a",
        permissions: &permissions,
        options: &PlanOptions::new(),
        pairs: &pairs.collect::<Vec<_>>(),
        now: SystemTime::now(),
    };
    let kinds = desired.cas.into_iter().map(|desired| {
        let trust = Trust::read(desired, &arrival, &mut Vec::new()).unwrap();
        let verified_by = |ca: &Made| {
            let bundle = std::slice::from_ref(&ca.certificate);
            trust.unverified_by(bundle, &arrival)
        };
        assert_eq!(verified_by(&root), None);
        (trust.desired.kind, verified_by(&other))
    });
    let path = Path::new("member-a.pem");
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [(CaKind::Client, Some(path)), (CaKind::Peer, None)]
    );
}

/// Without the CA's key, a host compares its leaves with all trusted CAs of the CA's name. A
/// symbolic link is an obstacle only if its file must change.
#[test]
fn trusted_cas_of_the_name() {
    let (named, renamed) = (Made::root(ca("etcd-ca")), Made::root(ca("other")));
    let leaf = Made::root(test_certificates::leaf("etcd-ca"));
    let scratch = tempfile::tempdir().unwrap();
    let exchange = tempfile::tempdir().unwrap();
    let all = [&renamed, &named, &leaf];
    let texts = all.map(|made| made.certificate.to_pem());
    std::fs::write(scratch.path().join("ca.pem"), texts.concat()).unwrap();
    let cluster = Cluster::try_from(ClusterSpec::default()).unwrap();
    let arrival = Arrival {
        store: &Store::new(scratch.path(), Layout::default()),
        exchange: &Exchange::open_or_make(exchange.path()).unwrap(),
        host: "a",
        permissions: &Attributes::default(),
        options: &PlanOptions::new(),
        pairs: &[],
        now: SystemTime::now(),
    };
    let desired = cluster.desired().unwrap().cas.remove(0);
    let mut trust = Trust::read(desired, &arrival, &mut Vec::new()).unwrap();
    assert_eq!(trust.certificate(), Some(&named.certificate));
    let found: Vec<_> = trust.named().collect();
    assert!(!found.is_empty());
    for (path, certificate) in found {
        assert_eq!(
            (path.as_path(), &certificate),
            (Path::new("ca.pem"), &named.certificate)
        );
    }
    assert_eq!(trust.obstacle(), None);
    trust.link = Some(rules::leads_elsewhere(Path::new("ca.pem")));
    assert_eq!(trust.obstacle(), None);
    trust.change = Some(Change {
        text: String::new(),
        removed: Vec::new(),
    });
    assert_eq!(trust.obstacle(), trust.link.as_ref());
    assert!(trust.obstacle().is_some());
}
