//! What is wrong with a certificate: decided from what was read, without touching anything.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{Check, finding::Finding, surroundings::Authorities};
use crate::{certificate::Certificate, error::Error, extensions::ExtendedKeyUsage};

/// How the authorities are called that Kubernetes has beside etcd's: what etcd needs is not asked of what they sign.
const NOT_ETCD: [&str; 4] = ["kubernetes", "front-proxy", "k3s-", "rke2-"];

/// Scripts give an authority and what it signs a moment later the same number of days.
const TOLERANCE: Duration = Duration::from_secs(86_400);

/// What a search for the issuer comes to.
enum Issuer<'a> {
    Found(&'a Path, SystemTime),
    /// One of an algorithm that is not checked
    Unjudged,
    None,
}

/// Everything that is wrong with a certificate, but for its key.
pub(super) fn findings(
    certificate: &Certificate,
    authorities: &Authorities<'_>,
    check: &Check,
    now: SystemTime,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(time(certificate, check, now));
    if certificate.is_authority() && certificate.key_usages().is_none() {
        findings.push(Finding::NoKeyUsage);
    }
    if !certificate.is_self_issued() {
        findings.extend(issuer(certificate, authorities));
    }
    if !certificate.is_authority() {
        findings.extend(key(certificate, authorities));
        if is_of_etcd(certificate) {
            findings.extend(usages(certificate));
        }
    }
    findings
}

/// Whether it has the key of an authority.
fn key(certificate: &Certificate, authorities: &Authorities<'_>) -> Option<Finding> {
    let mut all = authorities.beside.iter().chain(&authorities.around);
    let is_same = |authority: &Certificate| authority.public_key() == certificate.public_key();
    let (path, _) = all.find(|(_, authority)| authority.is_authority() && is_same(authority))?;
    Some(Finding::AuthorityKey {
        authority: path.to_path_buf(),
    })
}

fn time(certificate: &Certificate, check: &Check, now: SystemTime) -> Option<Finding> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if now < not_before {
        return Some(Finding::NotYetValid { not_before });
    }
    let Ok(left) = not_after.duration_since(now) else {
        return Some(Finding::Expired { not_after });
    };
    let (within, critical) = [(check.critical, true), (check.warning, false)]
        .into_iter()
        .find(|(threshold, _)| threshold.begins(not_before, not_after) <= now)?;
    Some(Finding::Expires {
        not_after,
        days: left.as_secs() / 86_400,
        within,
        critical,
    })
}

fn issuer(certificate: &Certificate, authorities: &Authorities<'_>) -> Option<Finding> {
    match find_issuer(certificate, authorities) {
        Issuer::Found(path, not_after) if not_after + TOLERANCE < certificate.not_after() => {
            Some(Finding::OutlivesAuthority {
                authority: path.to_owned(),
                not_after,
            })
        }
        // The root of an intermediate authority may be kept anywhere
        Issuer::None if !certificate.is_authority() => {
            let is_namesake = |authority: &Certificate| authority.subject() == certificate.issuer();
            let beside = &authorities.beside;
            let namesake = beside.iter().find(|(_, one)| is_namesake(one));
            let (path, _) = namesake.or_else(|| beside.first())?;
            Some(Finding::AnotherAuthority {
                authority: PathBuf::from(path),
                same_name: namesake.is_some(),
            })
        }
        _ => None,
    }
}

/// The issuer that ends last: an authority's earlier certificate may be kept beside its later one.
fn find_issuer<'a>(certificate: &Certificate, authorities: &Authorities<'a>) -> Issuer<'a> {
    let mut found = Issuer::None;
    for (path, authority) in authorities.beside.iter().chain(&authorities.around) {
        match (certificate.check_issued_by(authority), &found) {
            (Ok(()), Issuer::Found(_, end)) if *end >= authority.not_after() => {}
            (Ok(()), _) => found = Issuer::Found(path, authority.not_after()),
            (Err(Error::Unsupported { .. }), Issuer::None) => found = Issuer::Unjudged,
            _ => {}
        }
    }
    found
}

/// What etcd needs, or had better not have.
fn usages(certificate: &Certificate) -> Option<Finding> {
    let usages = certificate.extended_key_usages()?;
    let any = usages.contains(&ExtendedKeyUsage::Any);
    let client = any || usages.contains(&ExtendedKeyUsage::ClientAuth);
    let server = any || usages.contains(&ExtendedKeyUsage::ServerAuth);
    // Only these two count (etcd's client/pkg/transport/listener_tls.go, checkCertSAN)
    let is_nameless = certificate.dns_names().is_empty() && certificate.ip_addresses().is_empty();
    match (client, server) {
        (false, true) => Some(Finding::MemberWithoutClientAuth),
        (true, false) if is_nameless => Some(Finding::ClientWithoutNames),
        _ => None,
    }
}

fn is_of_etcd(certificate: &Certificate) -> bool {
    let issuer = certificate.issuer_common_name().unwrap_or_default();
    !NOT_ETCD.iter().any(|other| issuer.starts_with(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{authority::CertificateAuthority, identity::Identity, role::Role};

    #[test]
    fn each_instant_of_a_life() {
        const DAY: Duration = Duration::from_secs(86_400);
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let client = ca.issue(Role::Client, Identity::new("a").unwrap()).unwrap();
        let certificate = client.certificate();
        let (begin, end) = (certificate.not_before(), certificate.not_after());
        let second = Duration::from_secs(1);
        for (now, code) in [
            (begin - second, Some("EP004")),
            (begin, None),
            (end - 30 * DAY - second, None),
            (end - 30 * DAY, Some("EP003")),
            (end - 7 * DAY - second, Some("EP003")),
            (end - 7 * DAY, Some("EP002")),
            (end, Some("EP002")),
            (end + second, Some("EP001")),
        ] {
            let found = findings(certificate, &Authorities::default(), &Check::new(), now);
            let codes: Vec<_> = found.iter().map(Finding::code).collect();
            assert_eq!(codes, code.into_iter().collect::<Vec<_>>(), "{now:?}");
        }
    }

    #[test]
    fn an_authority_of_the_same_name_is_told_from_a_stranger() {
        let [own, namesake, stranger] = ["etcd-ca", "etcd-ca", "other-ca"]
            .map(|name| CertificateAuthority::create(name).unwrap());
        let client = own.issue(Role::Client, Identity::new("a").unwrap());
        let client = client.unwrap();
        let judge = |beside: &[&CertificateAuthority]| {
            let path = Path::new("ca.pem");
            let beside = beside.iter().map(|ca| (path, ca.certificate())).collect();
            let around = Vec::new();
            issuer(client.certificate(), &Authorities { beside, around })
        };
        let same_name = |finding| match finding {
            Some(Finding::AnotherAuthority { same_name, .. }) => Some(same_name),
            _ => None,
        };
        assert_eq!(judge(&[]), None);
        assert_eq!(judge(&[&namesake, &own]), None);
        assert_eq!(same_name(judge(&[&stranger])), Some(false));
        assert_eq!(same_name(judge(&[&stranger, &namesake])), Some(true));
    }
}
