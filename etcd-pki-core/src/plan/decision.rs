//! What is to be done with a pair: decided from what is wanted and what was found, without touching anything.

use std::time::SystemTime;

use super::{
    action::Action,
    cause::Cause,
    found::{Found, Part},
};
use crate::{
    certificate::Certificate,
    cluster::{Purpose, RenewBefore, Wanted},
    error::Result,
    extensions::{ExtendedKeyUsage, KeyUsage},
    identity::{AlternativeName, Identity},
    key::{KeyAlgorithm, PublicKey},
    profile::Profile,
};

/// The authority that a leaf should be of.
#[derive(Clone, Copy)]
pub(super) struct Signatory<'a> {
    pub(super) certificate: &'a Certificate,
    /// Whether the same plan renews it: what ends with it then ends for no reason
    pub(super) is_renewed: bool,
}

impl Signatory<'_> {
    /// Whether a leaf ends with it, and it is not renewed.
    fn cuts(&self, leaf: &Certificate) -> bool {
        !self.is_renewed && self.certificate.not_after() <= leaf.not_after()
    }

    /// Whether a leaf ends with it, and it is renewed.
    pub(super) fn outlives(&self, leaf: &Certificate) -> bool {
        self.is_renewed && self.certificate.not_after() <= leaf.not_after()
    }
}

impl<'a> From<&'a Certificate> for Signatory<'a> {
    fn from(certificate: &'a Certificate) -> Self {
        Self {
            certificate,
            is_renewed: false,
        }
    }
}

/// What is done with a leaf, and every reason for it.
pub(super) fn leaf(
    wanted: &Wanted,
    profile: &Profile,
    found: &Found,
    ca: Option<Signatory<'_>>,
    key_is_shared: bool,
    now: SystemTime,
) -> Result<(Action, Vec<Cause>)> {
    if let (Part::Absent, Part::Absent) = (&found.key, &found.certificate) {
        return Ok((
            Action::Create,
            vec![Cause::MissingKey, Cause::MissingCertificate],
        ));
    }
    let for_new_key = match &found.key {
        Part::Absent => vec![Cause::MissingKey],
        Part::Unusable(cause) => vec![cause.clone()],
        Part::Present(key) => key_causes(key, profile.key_algorithm(), key_is_shared),
    };
    let for_new_certificate = match &found.certificate {
        Part::Absent => vec![Cause::MissingCertificate],
        Part::Unusable(cause) => vec![cause.clone()],
        Part::Present(certificate) => {
            let asked = (&wanted.identity, profile, wanted.renew_before);
            let key = found.key.present();
            certificate_causes(certificate, key, asked, ca, found.was_checked, now)?
        }
    };
    let action = if !for_new_key.is_empty() {
        Action::Reissue
    } else if !for_new_certificate.is_empty() {
        Action::Renew
    } else {
        of_modes(found)
    };
    let causes = [for_new_key, for_new_certificate, found.modes.clone()].concat();
    Ok((action, causes))
}

/// Every reason for another key than one that is there.
fn key_causes(key: &PublicKey, algorithm: KeyAlgorithm, is_shared: bool) -> Vec<Cause> {
    let mut causes = Vec::new();
    if !key
        .algorithm()
        .is_some_and(|found| algorithm.is_met_by(found))
    {
        causes.push(Cause::Algorithm {
            found: key.algorithm_name().to_owned(),
            wanted: algorithm.name().to_owned(),
        });
    }
    if is_shared {
        causes.push(Cause::SharedKey);
    }
    causes
}

/// Every reason for another certificate than one that is there, beside its key if that is there too. What is asked for: for whom, what
/// for, and how long before its end it is due. Where the authority's signature `was_checked` before, its name is compared alone.
pub(super) fn certificate_causes(
    certificate: &Certificate,
    key: Option<&PublicKey>,
    (identity, profile, renew_before): (&Identity, &Profile, RenewBefore),
    ca: Option<Signatory<'_>>,
    was_checked: bool,
    now: SystemTime,
) -> Result<Vec<Cause>> {
    let mut causes = Vec::new();
    let key = key.unwrap_or(certificate.public_key());
    if certificate.public_key() != key {
        causes.push(Cause::KeyMismatch);
    }
    if let Some(Signatory {
        certificate: ca, ..
    }) = ca
    {
        let is_issued = if was_checked {
            certificate.names_issuer(ca)
        } else {
            certificate.check_issued_by(ca).is_ok()
        };
        if !is_issued {
            causes.push(Cause::AnotherAuthority);
        } else if names_earlier(certificate, ca) {
            causes.push(Cause::EarlierAuthority);
        }
    }
    causes.extend(expiry(renew_before, certificate, ca, now));
    let common_name = profile.common_name(identity)?;
    if certificate.common_name() != common_name {
        causes.push(Cause::CommonName {
            found: certificate.common_name(),
            wanted: common_name,
        });
    }
    let organization = identity.organization();
    if !certificate
        .organizations()
        .iter()
        .map(String::as_str)
        .eq(organization)
    {
        causes.push(Cause::Organization {
            found: certificate.organizations(),
            wanted: organization.map(str::to_owned),
        });
    }
    let usages = certificate.extended_key_usages().unwrap_or_default();
    let asked = profile.extended_key_usages();
    let key_usages = certificate.key_usages();
    let is_rsa = key.algorithm().is_some_and(|algorithm| algorithm.is_rsa());
    let same_usages =
        usages.len() == asked.len() && asked.iter().all(|usage| usages.contains(usage));
    let same_key_usages = profile.accepts_key_usages(key_usages, is_rsa);
    if !same_usages || !same_key_usages || certificate.is_authority() {
        let mut found = usages_in_words(key_usages.unwrap_or_default(), usages);
        if certificate.is_authority() {
            found.push("CA:TRUE".to_owned());
        }
        causes.push(Cause::Usages {
            found,
            wanted: usages_in_words(profile.key_usages(is_rsa), asked),
        });
    }
    causes.extend(names(certificate, &profile.alternative_names(identity)?));
    Ok(causes)
}

/// Whether it names another certificate of its authority than the one that is there (RFC 5280, section 4.2.1.1): that was renewed
/// by somebody who did not keep what its leaves name it by.
fn names_earlier(certificate: &Certificate, ca: &Certificate) -> bool {
    let serial = certificate.extensions().authority_serial.as_deref();
    let key = certificate.authority_key_identifier();
    serial.is_some_and(|serial| serial != ca.serial_number().as_bytes())
        || key
            .zip(ca.subject_key_identifier())
            .is_some_and(|(named, own)| named != own)
}

/// A leaf that ends with its authority is not due for that: a new one would end there too, unless the authority is renewed as well.
fn expiry(
    renew_before: RenewBefore,
    certificate: &Certificate,
    ca: Option<Signatory<'_>>,
    now: SystemTime,
) -> Option<Cause> {
    let not_after = certificate.not_after();
    let due = renew_before.begins(certificate.not_before(), not_after);
    let is_cut = ca.is_some_and(|ca| ca.cuts(certificate));
    if now < due || (is_cut && now <= not_after) {
        return None;
    }
    Some(match not_after.duration_since(now) {
        Ok(left) => Cause::Expires {
            not_after,
            days: left.as_secs() / 86_400,
        },
        Err(_) => Cause::Expired { not_after },
    })
}

fn usages_in_words(usages: &[KeyUsage], extended: &[ExtendedKeyUsage]) -> Vec<String> {
    let usages = usages.iter().map(ToString::to_string);
    let extended = extended.iter().map(ToString::to_string);
    usages.chain(extended).collect()
}

fn names(certificate: &Certificate, wanted: &[&AlternativeName]) -> Vec<Cause> {
    let dns = certificate
        .dns_names()
        .iter()
        .map(|name| name.to_ascii_lowercase());
    let ip = certificate
        .ip_addresses()
        .iter()
        .map(|address| address.to_canonical().to_string());
    let uris = certificate.uris().iter().cloned();
    let found: Vec<String> = dns
        .chain(ip)
        .chain(uris)
        .chain(certificate.other_names())
        .collect();
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let missing = wanted.iter().filter(|name| !found.contains(name));
    let surplus = found.iter().filter(|name| !wanted.contains(name));
    missing
        .map(|name| Cause::MissingName(name.clone()))
        .chain(surplus.map(|name| Cause::SurplusName(name.clone())))
        .collect()
}

/// What is done with an authority that is there and whole.
pub(super) fn authority(
    wanted: &Wanted,
    certificate: &Certificate,
    found: &Found,
    now: SystemTime,
) -> (Action, Vec<Cause>) {
    let mut causes: Vec<Cause> = expiry(wanted.renew_before, certificate, None, now)
        .into_iter()
        .collect();
    if certificate.key_usages().is_none() {
        causes.push(Cause::NoKeyUsage);
    }
    let action = if causes.is_empty() {
        of_modes(found)
    } else {
        Action::Renew
    };
    causes.extend(found.modes.iter().cloned());
    (action, causes)
}

/// What is done with a pair whose certificate is as it should be, or is renewed elsewhere.
pub(super) fn of_modes(found: &Found) -> Action {
    if found.modes.is_empty() {
        Action::Keep
    } else {
        Action::Mode
    }
}

/// The profile of a leaf; `None` for an authority.
pub(super) fn leaf_profile(wanted: &Wanted) -> Option<&Profile> {
    match &wanted.purpose {
        Purpose::Leaf(profile) => Some(profile),
        Purpose::Authority(_) => None,
    }
}
