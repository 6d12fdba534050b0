//! Decides what to do with a pair or a CA, from desired and current state. Accesses no files.

mod ca;

use std::{net::IpAddr, path::Path, time::SystemTime};

pub(super) use self::ca::{ca, other_ca_algorithm};
use super::{
    Action,
    current::Current,
    shared_keys::{OtherCopy, SharedKey},
};
use crate::{
    ca::{CertificateAuthority, is_link_of},
    cluster::{DesiredPair, RenewBefore},
    error::{Error, Result},
    finding::Finding,
    inspect::{
        Part,
        issuer::{self, Issuer},
        rules,
    },
    key::PublicKey,
    layout::PairPaths,
    profile::Profile,
    time::validity::Validity,
    verify::{SigningChain, Wishes, refused_as_too_large},
    x509::{
        certificate::Certificate,
        extensions::{AlternativeNames, ExtendedKeyUsage, KeyUsage},
        identity::{AlternativeName, Identity},
    },
};

/// An action, and all reasons for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) action: Action,
    pub(super) reasons: Vec<Finding>,
    /// Whether the certificate stays, and only the certificates after it in its file change
    pub(super) rechains: bool,
}

/// What a rotation requires of the certificates after a leaf in its file.
#[derive(Clone, Copy, Debug)]
pub(super) enum LinkRule<'a> {
    /// This link certificate follows the leaf
    Required(&'a Certificate),
    /// A link certificate may follow the leaf
    Optional,
    /// No link certificate follows the leaf, because the rotation is finished
    Refused,
}

/// The CA that must have signed a leaf.
#[derive(Clone, Copy, Debug)]
pub(super) struct SigningCa<'a> {
    pub(super) certificate: &'a Certificate,
    /// All trusted certificates
    pub(super) bundle: &'a [Certificate],
    /// The CA's file, relative to the directory, if the CA is in a file
    pub(super) path: Option<&'a Path>,
    /// The CA and the CAs above it; `None` if the CA does not sign here
    pub(super) chain: Option<&'a SigningChain>,
    /// Whether the same plan renews the CA. Then a leaf that expires with the CA must be renewed
    /// too
    pub(super) is_renewed: bool,
    /// The other CAs of its rotation. It signs their leaves again
    pub(super) rotated: &'a [Certificate],
    /// The link certificate of its rotation
    pub(super) link: LinkRule<'a>,
}

/// The requirements for a certificate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Required<'a> {
    pub(super) identity: &'a Identity,
    pub(super) profile: &'a Profile,
    pub(super) renew_before: RenewBefore,
}

impl SigningCa<'_> {
    /// The reason to change the certificates after a leaf of this CA in its file.
    fn link_reason(&self, leaf: &Certificate, chain: &[Certificate]) -> Option<Finding> {
        if !leaf.names_issuer(self.certificate) {
            return None;
        }
        let is_link = |one: &Certificate| is_link_of(one, self.certificate);
        let is_missing = match self.link {
            LinkRule::Required(link) if !chain.contains(link) => true,
            LinkRule::Refused if chain.iter().any(is_link) => false,
            _ => return None,
        };
        Some(Finding::LinkCertificate { is_missing })
    }

    /// The certificates that follow a leaf of this CA in its file, with the right link certificate.
    pub(super) fn chain_after(&self, chain: &[Certificate]) -> Vec<Certificate> {
        match self.link {
            LinkRule::Required(link) => vec![link.clone()],
            LinkRule::Optional => chain.to_vec(),
            LinkRule::Refused => {
                let kept = chain.iter();
                let kept = kept.filter(|one| !is_link_of(one, self.certificate));
                kept.take_while(|one| one.public_key() == self.certificate.public_key())
                    .cloned()
                    .collect()
            }
        }
    }

    /// The time at which the last certificate of this CA expires.
    fn end(&self) -> SystemTime {
        let own = self.certificate.not_after();
        self.chain.map_or(own, SigningChain::end)
    }
}

/// Decides what to do with a pair.
///
/// A key is replaced if it is missing, if the specification explicitly gives another algorithm, if
/// its certificate is revoked because others know the key, or with `rekey`. If a key cannot be read, or if another pair or a CA has the same key, the pair is
/// blocked: the file may be the only copy of the key. A certificate is only written over a leaf
/// certificate, or where no file exists.
pub(super) fn pair(
    desired: &DesiredPair,
    current: &Current,
    ca: Option<SigningCa<'_>>,
    shared: Option<&SharedKey>,
    rekey: bool,
    now: SystemTime,
) -> Result<Decision> {
    let paths = &desired.paths;
    let missing_key = || rules::missing(&current.empty, &paths.key, Finding::MissingKey);
    let missing_certificate = || {
        let absent = Finding::MissingCertificate;
        rules::missing(&current.empty, &paths.certificate, absent)
    };
    let is_missing = matches!(
        (&current.key, &current.certificate),
        (Part::Missing, Part::Missing)
    );
    if is_missing && current.key_owner.is_none() {
        let refused = refusal(desired, ca, now)?;
        let action = match refused {
            Some(_) => Action::Blocked,
            None => Action::Create,
        };
        let missing = [missing_key(), missing_certificate()];
        return Ok(Decision {
            action,
            reasons: refused.into_iter().chain(missing).collect(),
            rechains: false,
        });
    }
    let mut blocked: Vec<_> = current.key_owner.iter().cloned().collect();
    let mut for_new_key = Vec::new();
    match &current.key {
        Part::Missing => for_new_key.push(missing_key()),
        Part::Unusable(finding @ Finding::Blocked { .. }) => blocked.push(finding.clone()),
        Part::Unusable(finding) if rekey => for_new_key.push(finding.clone()),
        Part::Unusable(finding) => blocked.push(finding.clone()),
        Part::Present(key) => {
            for_new_key.extend(other_algorithm(key, &desired.profile));
            for_new_key.extend(current.compromised(key));
            let is_replaced = |shared: &SharedKey| {
                // An algorithm in the specification and a revoked key also request a new key
                let by_text = shared.copy == OtherCopy::File && !for_new_key.is_empty();
                by_text || shared.is_replaced(rekey)
            };
            match shared {
                Some(shared) if is_replaced(shared) => for_new_key.push(shared.finding.clone()),
                Some(shared) => blocked.push(shared.finding.clone()),
                None => {}
            }
        }
    }
    let mut for_new_certificate: Vec<Finding> = current.refused.iter().flatten().cloned().collect();
    let mut for_chain = None;
    let mut in_place_of_leaf = Vec::new();
    match &current.certificate {
        Part::Missing => for_new_certificate.push(missing_certificate()),
        Part::Unusable(finding) => blocked.push(finding.clone()),
        Part::Present(certificate) => {
            in_place_of_leaf.extend(not_a_leaf(certificate, current, &desired.paths));
            let revoked = current.revoked.iter();
            for_new_certificate.extend(revoked.filter(|one| !for_new_key.contains(one)).cloned());
            let required = Required {
                identity: &desired.identity,
                profile: &desired.profile,
                renew_before: desired.renew_before,
            };
            let key = (current.key.present(), Some(&*desired.paths.key));
            let verified = current.was_verified;
            let chain = &current.chain;
            for_new_certificate.extend(certificate_reasons(
                certificate,
                chain,
                key,
                required,
                ca,
                verified,
                now,
            )?);
            for_chain = ca.and_then(|ca| ca.link_reason(certificate, chain));
        }
    }
    let new_key = !for_new_key.is_empty() || (rekey && !for_new_certificate.is_empty());
    let issues = new_key || !for_new_certificate.is_empty();
    let rechains = !issues && for_chain.is_some();
    let writes = issues || rechains;
    if writes {
        blocked.extend(in_place_of_leaf);
    }
    if issues {
        blocked.extend(refusal(desired, ca, now)?);
    }
    for_new_certificate.extend(for_chain);
    let action = if !blocked.is_empty() {
        Action::Blocked
    } else if new_key {
        Action::Reissue
    } else if writes {
        Action::Renew
    } else {
        current.chmod_or_keep()
    };
    let permissions = current.permissions.clone();
    Ok(Decision {
        action,
        reasons: [blocked, for_new_key, for_new_certificate, permissions].concat(),
        rechains,
    })
}

/// The reason why no certificate with this validity can be issued now: it would end before now, or
/// after the year 9999.
pub(super) fn impossible_validity(
    validity: Validity,
    paths: &PairPaths,
    now: SystemTime,
) -> Option<Finding> {
    let reason = match validity.end(now).err()? {
        Error::InvalidValidity { reason } => reason,
        error => error.to_string(),
    };
    Some(Finding::Blocked {
        path: paths.certificate.clone(),
        reason,
    })
}

/// The reason why a certificate cannot be issued for a pair: its validity is impossible, or etcd
/// would refuse the certificate that the CA will sign.
pub(super) fn refusal(
    desired: &DesiredPair,
    ca: Option<SigningCa<'_>>,
    now: SystemTime,
) -> Result<Option<Finding>> {
    let validity = desired.profile.validity();
    if let Some(finding) = impossible_validity(validity, &desired.paths, now) {
        return Ok(Some(finding));
    }
    let Some((chain, ca)) = ca.and_then(|ca| Some((ca.chain?, ca))) else {
        return Ok(None);
    };
    if let Err(finding) = chain.check_cas(now, ca.is_renewed) {
        return Ok(Some(finding));
    }
    let names = desired.profile.alternative_names(&desired.identity)?;
    let link = match ca.link {
        LinkRule::Required(link) => Some(link.as_der().len()),
        _ => None,
    };
    let lengths = std::iter::once(least_length(&names)).chain(chain.sent_lengths());
    let lengths = lengths.chain(link);
    if let Some(finding) = refused_as_too_large(lengths) {
        return Ok(Some(finding.in_file(&desired.paths.certificate)));
    }
    if !chain.has_limits() {
        return Ok(None);
    }
    let names = names_of(&names);
    let wishes = Wishes {
        usages: desired.profile.extended_key_usages(),
        names: Some(&names),
    };
    Ok(chain.check_wishes(wishes).err())
}

/// The length of these names in a certificate (RFC 5280, section 4.2.1.6). The certificate is
/// longer by a few hundred bytes.
fn least_length(names: &[&AlternativeName]) -> usize {
    const HEADER: usize = 2;
    let lengths = names.iter().map(|name| {
        HEADER
            + match name {
                AlternativeName::Dns(name) => name.as_str().len(),
                AlternativeName::Ip(IpAddr::V4(_)) => 4,
                AlternativeName::Ip(IpAddr::V6(_)) => 16,
                AlternativeName::Uri(uri) => uri.as_str().len(),
            }
    });
    lengths.sum()
}

/// Converts alternative names to the form that a certificate has.
fn names_of(names: &[&AlternativeName]) -> AlternativeNames {
    let mut all = AlternativeNames::default();
    for name in names {
        match name {
            AlternativeName::Dns(name) => all.dns.push(name.as_str().to_owned()),
            AlternativeName::Ip(address) => all.ip.push(*address),
            AlternativeName::Uri(uri) => all.uri.push(uri.as_str().to_owned()),
        }
    }
    all
}

/// A finding for a key with another algorithm than the specification explicitly gives. The default
/// algorithm never replaces a key.
fn other_algorithm(key: &PublicKey, profile: &Profile) -> Option<Finding> {
    let desired = profile.requested_algorithm()?;
    let is_met = key
        .algorithm()
        .is_some_and(|current| desired.is_met_by(current));
    (!is_met).then(|| Finding::Algorithm {
        current: key.algorithm_name().to_owned(),
        desired: desired.name().to_owned(),
    })
}

/// The reason why a new leaf certificate must not replace a file.
fn not_a_leaf(certificate: &Certificate, current: &Current, paths: &PairPaths) -> Option<Finding> {
    let path = &paths.certificate;
    let what = if certificate.is_ca() {
        "the certificate of a CA"
    } else if current.certificate_file_has_key {
        "a private key"
    } else {
        return None;
    };
    Some(Finding::Blocked {
        path: path.clone(),
        reason: format!("{} has {what}", path.display()),
    })
}

/// All reasons to sign a certificate again: it differs from the certificate that the CA would sign
/// now for this key and identity, or it expires soon. The list is empty if the certificate is up to
/// date.
///
/// ```
/// use std::time::Duration;
///
/// use etcd_pki_core::{CertificateAuthority, Identity, Role, cluster::RenewBefore, plan};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let etcd_1 = Identity::new("etcd-1")?;
/// let certificate = ca.issue(Role::Member, &etcd_1)?.certificate().clone();
/// let reasons = |identity, now| {
///     let key = certificate.public_key();
///     plan::reasons(&ca, &certificate, key, Role::Member, identity, RenewBefore::days(30), now)
/// };
/// let now = certificate.not_before();
/// assert_eq!(reasons(&etcd_1, now)?, []);
/// let moved = etcd_1.clone().with_names(["10.0.0.11"])?;
/// assert_eq!(reasons(&moved, now)?[0].to_string(), "10.0.0.11 is missing");
/// let day = Duration::from_secs(86_400);
/// assert_eq!(reasons(&etcd_1, now + day * 364)?[0].to_string(), "expires in 1 day");
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
///
/// # Errors
///
/// The errors of [`CertificateAuthority::sign`] for an identity that is impossible for this role.
pub fn reasons(
    ca: &CertificateAuthority,
    certificate: &Certificate,
    key: &PublicKey,
    profile: impl Into<Profile>,
    identity: &Identity,
    renew_before: RenewBefore,
    now: SystemTime,
) -> Result<Vec<Finding>> {
    let required = Required {
        identity,
        profile: &profile.into(),
        renew_before,
    };
    let ca = SigningCa {
        certificate: ca.certificate(),
        bundle: std::slice::from_ref(ca.certificate()),
        path: None,
        chain: None,
        is_renewed: false,
        rotated: &[],
        link: LinkRule::Optional,
    };
    let key = (Some(key), None);
    certificate_reasons(certificate, &[], key, required, Some(ca), false, now)
}

/// All reasons to replace the current certificate. If its signature was verified before, only the
/// issuer's name is compared.
pub(super) fn certificate_reasons(
    certificate: &Certificate,
    chain: &[Certificate],
    (key, key_path): (Option<&PublicKey>, Option<&Path>),
    required: Required<'_>,
    ca: Option<SigningCa<'_>>,
    was_verified: bool,
    now: SystemTime,
) -> Result<Vec<Finding>> {
    let Required {
        identity, profile, ..
    } = required;
    let mut reasons = Vec::new();
    reasons.extend(rules::key_match(certificate, key, key_path));
    if let Some(ca) = ca {
        reasons.extend(issuer_reason(certificate, chain, ca, was_verified));
    }
    reasons.extend(expiry(required.renew_before, certificate, ca, now));
    let common_name = profile.common_name(identity)?;
    if certificate.common_name() != common_name {
        reasons.push(Finding::CommonName {
            current: certificate.common_name(),
            desired: common_name,
        });
    }
    let organization = identity.organization();
    if !certificate
        .organizations()
        .iter()
        .map(String::as_str)
        .eq(organization)
    {
        reasons.push(Finding::Organization {
            current: certificate.organizations(),
            desired: organization.map(str::to_owned),
        });
    }
    let key = key.unwrap_or(certificate.public_key());
    let is_rsa = key.algorithm().is_some_and(|algorithm| algorithm.is_rsa());
    reasons.extend(usages(certificate, profile, is_rsa));
    reasons.extend(names(certificate, &profile.alternative_names(identity)?));
    Ok(reasons)
}

/// The reason for a leaf that no trusted CA signed, or that names an earlier certificate of its CA.
fn issuer_reason(
    certificate: &Certificate,
    chain: &[Certificate],
    ca: SigningCa<'_>,
    was_verified: bool,
) -> Option<Finding> {
    if was_verified && certificate.names_issuer(ca.certificate) {
        return rules::earlier_ca_certificate(certificate, ca.certificate);
    }
    let candidates = ca.bundle.iter().map(|one| (one, one));
    let is_rotated = |signer: &Certificate| {
        let mut rotated = ca.rotated.iter();
        rotated.any(|one| one.public_key() == signer.public_key())
    };
    match issuer::of(certificate, candidates) {
        Issuer::Ca(signer) if signer.public_key() == ca.certificate.public_key() => {
            rules::earlier_ca_certificate(certificate, ca.certificate)
        }
        Issuer::Ca(signer) if is_rotated(signer) => Some(Finding::RotatedCa {
            issuer: certificate.issuer(),
            ca: ca.certificate.subject(),
        }),
        // etcd trusts every CA of the bundle. Where etcd-pki does not support the algorithm, it
        // cannot judge for etcd
        Issuer::Ca(_) | Issuer::NotSupported(_) => None,
        Issuer::Unknown { .. } if issuer::chain_is_trusted(certificate, chain, ca.bundle) => None,
        unknown => unknown.refusal(certificate, ca.path),
    }
}

/// The reason for a leaf that expires soon. A leaf that expires with its CA has no such reason
/// unless the CA is renewed as well, because a new leaf would expire at the same time.
fn expiry(
    renew_before: RenewBefore,
    certificate: &Certificate,
    ca: Option<SigningCa<'_>>,
    now: SystemTime,
) -> Option<Finding> {
    let not_after = certificate.not_after();
    let due = renew_before.begins(certificate.not_before(), not_after);
    let expires_with_ca = ca.is_some_and(|ca| !ca.is_renewed && ca.end() <= not_after);
    if now < due || (expires_with_ca && now <= not_after) {
        return None;
    }
    Some(rules::expires(not_after, None, false, now))
}

fn usages(certificate: &Certificate, profile: &Profile, is_rsa: bool) -> Option<Finding> {
    let usages = certificate.extended_key_usages().unwrap_or_default();
    let desired = profile.extended_key_usages();
    let key_usages = certificate.key_usages();
    let same_usages =
        usages.len() == desired.len() && desired.iter().all(|usage| usages.contains(usage));
    let same_key_usages = profile.accepts_key_usages(key_usages, is_rsa);
    if same_usages && same_key_usages && !certificate.is_ca() {
        return None;
    }
    let mut current = words(key_usages.unwrap_or_default(), usages);
    if certificate.is_ca() {
        current.push("CA:TRUE".to_owned());
    }
    Some(Finding::Usages {
        current,
        desired: words(profile.key_usages(is_rsa), desired),
    })
}

fn words(usages: &[KeyUsage], extended: &[ExtendedKeyUsage]) -> Vec<String> {
    let usages = usages.iter().map(ToString::to_string);
    let extended = extended.iter().map(ToString::to_string);
    usages.chain(extended).collect()
}

fn names(certificate: &Certificate, desired: &[&AlternativeName]) -> Vec<Finding> {
    let dns = certificate
        .dns_names()
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            // Go does not compare an IP address with DNS names
            Ok(_) => format!("DNS:{name}"),
            Err(_) => name.to_ascii_lowercase(),
        });
    let ip = certificate
        .ip_addresses()
        .iter()
        .map(|address| address.to_canonical().to_string());
    let uris = certificate.uris().iter().cloned();
    let current: Vec<String> = dns
        .chain(ip)
        .chain(uris)
        .chain(certificate.other_names())
        .collect();
    let desired: Vec<String> = desired.iter().map(ToString::to_string).collect();
    let missing = desired.iter().filter(|name| !current.contains(name));
    let extra = current.iter().filter(|name| !desired.contains(name));
    missing
        .map(|name| Finding::MissingName(name.clone()))
        .chain(extra.map(|name| Finding::ExtraName(name.clone())))
        .collect()
}

#[cfg(test)]
mod tests;
