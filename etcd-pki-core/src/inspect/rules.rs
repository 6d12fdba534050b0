//! The rules: each looks at facts that were read before, and gives a finding or none.

use std::{
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use crate::{
    certificate::Certificate,
    error::Error,
    extensions::ExtendedKeyUsage,
    finding::Finding,
    key::PublicKey,
    store::{Attributes, Stamp},
    threshold::Threshold,
};

/// CAs of Kubernetes next to etcd's: etcd's needs do not apply to what they sign.
const NOT_ETCD: [&str; 4] = ["kubernetes", "front-proxy", "k3s-", "rke2-"];

/// Scripts give a CA, and what it signs a moment later, the same number of days.
const TOLERANCE: Duration = Duration::from_secs(86_400);

/// The certificate expired, or is not valid yet.
pub(crate) fn validity(certificate: &Certificate, now: SystemTime) -> Option<Finding> {
    let not_before = certificate.not_before();
    if now < not_before {
        return Some(Finding::NotYetValid {
            subject: None,
            not_before,
        });
    }
    expired(certificate, now)
}

/// The certificate expired.
pub(crate) fn expired(certificate: &Certificate, now: SystemTime) -> Option<Finding> {
    let not_after = certificate.not_after();
    (now > not_after).then_some(Finding::Expired {
        subject: None,
        not_after,
    })
}

/// The certificate expires within a threshold.
pub(crate) fn expiry(
    certificate: &Certificate,
    thresholds: [(Threshold, bool); 2],
    now: SystemTime,
) -> Option<Finding> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    let (within, critical) = thresholds
        .into_iter()
        .find(|(threshold, _)| threshold.begins(not_before, not_after) <= now)?;
    Some(expires(not_after, Some(within), critical, now))
}

/// The finding that a certificate expires.
pub(crate) fn expires(
    not_after: SystemTime,
    within: Option<Threshold>,
    critical: bool,
    now: SystemTime,
) -> Finding {
    match not_after.duration_since(now) {
        Ok(left) => Finding::Expires {
            not_after,
            days: left.as_secs() / 86_400,
            within,
            critical,
        },
        Err(_) => Finding::Expired {
            subject: None,
            not_after,
        },
    }
}

/// The key does not match the certificate.
pub(crate) fn key_match(
    certificate: &Certificate,
    key: Option<&PublicKey>,
    path: Option<&Path>,
) -> Option<Finding> {
    let key = key?;
    (certificate.public_key() != key).then(|| Finding::KeyMismatch {
        key: path.map(Path::to_owned),
    })
}

/// A CA without keyUsage.
pub(crate) fn key_usage_of_ca(certificate: &Certificate) -> Option<Finding> {
    let lacks = certificate.is_authority() && certificate.key_usages().is_none();
    lacks.then_some(Finding::NoKeyUsage)
}

/// The CA expires before the certificate that it signed.
pub(crate) fn outlives(
    certificate: &Certificate,
    ca: &Certificate,
    path: &Path,
) -> Option<Finding> {
    let not_after = ca.not_after();
    (not_after + TOLERANCE < certificate.not_after()).then(|| Finding::OutlivesCa {
        ca: path.to_owned(),
        not_after,
    })
}

/// The certificate names another certificate of its CA than this one (RFC 5280, section 4.2.1.1):
/// the CA was renewed by a tool that did not keep what its leaves name it by.
pub(crate) fn earlier_ca_certificate(
    certificate: &Certificate,
    ca: &Certificate,
) -> Option<Finding> {
    let serial = certificate.extensions().authority_serial.as_deref();
    let other_serial = serial.is_some_and(|serial| serial != ca.serial_number().as_bytes());
    let key = certificate.authority_key_identifier();
    let other_key = key
        .zip(ca.subject_key_identifier())
        .is_some_and(|(named, own)| named != own);
    (other_serial || other_key).then_some(Finding::EarlierCaCertificate)
}

/// A leaf has the key of one of these CAs.
pub(crate) fn ca_key<'a>(
    certificate: &Certificate,
    cas: impl IntoIterator<Item = (&'a Path, &'a Certificate)>,
) -> Option<Finding> {
    if certificate.is_authority() {
        return None;
    }
    let is_same = |ca: &Certificate| ca.public_key() == certificate.public_key();
    let (path, _) = cas
        .into_iter()
        .find(|(_, ca)| ca.is_authority() && is_same(ca))?;
    Some(Finding::CaKey {
        ca: path.to_owned(),
    })
}

/// What etcd needs of a certificate's usages and names, or should not get.
pub(crate) fn usages(certificate: &Certificate) -> Option<Finding> {
    if certificate.is_authority() || !is_for_etcd(certificate) {
        return None;
    }
    let usages = certificate.extended_key_usages()?;
    let any = usages.contains(&ExtendedKeyUsage::Any);
    let client = any || usages.contains(&ExtendedKeyUsage::ClientAuth);
    let server = any || usages.contains(&ExtendedKeyUsage::ServerAuth);
    // Only these two count (`checkCertSAN` in etcd's client/pkg/transport/listener_tls.go)
    let is_nameless = certificate.dns_names().is_empty() && certificate.ip_addresses().is_empty();
    match (client, server) {
        (false, true) => Some(Finding::MemberWithoutClientAuth),
        (true, false) if is_nameless => Some(Finding::ClientWithoutNames),
        _ => None,
    }
}

fn is_for_etcd(certificate: &Certificate) -> bool {
    let issuer = certificate.issuer_common_name().unwrap_or_default();
    !NOT_ETCD.iter().any(|other| issuer.starts_with(other))
}

/// A file with another mode or owner than it should have.
pub(crate) fn permissions(
    path: &Path,
    stamp: &Stamp,
    secret: bool,
    desired: &Attributes,
) -> Vec<Finding> {
    let current = stamp.mode();
    let path = || path.to_owned();
    let mode = desired.mended_mode(stamp, secret).map(|desired| {
        match (Attributes::default().mended_mode(stamp, secret), secret) {
            (Some(_), true) => Finding::KeyReadable {
                key: path(),
                current,
                desired,
            },
            (Some(_), false) => Finding::Writable {
                path: path(),
                current,
                desired,
            },
            (None, _) => Finding::Mode {
                path: path(),
                current,
                desired,
            },
        }
    });
    let owner = desired.is_of_another(stamp);
    let owner = owner.then(|| Finding::Owner { path: path() });
    mode.into_iter().chain(owner).collect()
}

/// A directory in which everyone can replace files.
pub(crate) fn directory(path: &Path, mode: u32) -> Finding {
    const OTHERS_WRITE: u32 = 0o002;
    Finding::Writable {
        path: path.to_owned(),
        current: mode,
        desired: mode & !OTHERS_WRITE,
    }
}

/// A file whose content cannot be used.
pub(crate) fn unusable(error: Error) -> Finding {
    if let Some(what) = not_supported(&error) {
        return Finding::NotSupported {
            subject: None,
            what,
        };
    }
    Finding::Unreadable {
        damaged: !matches!(error, Error::Io { .. }),
        reason: error.to_string(),
    }
}

/// A file that cannot be opened.
pub(crate) fn unusable_file(path: &Path, error: &Error) -> Finding {
    let reason = error.to_string();
    if error.is_in_the_way() {
        // It may be a good key that this user must not read
        return Finding::Blocked {
            path: path.to_owned(),
            reason,
        };
    }
    Finding::Unreadable {
        damaged: true,
        reason,
    }
}

/// What is not supported, if that is the error.
fn not_supported(error: &Error) -> Option<String> {
    match error {
        Error::File { path, error } => {
            not_supported(error).map(|what| format!("{}: {what}", path.display()))
        }
        Error::Unsupported { what, .. } => Some(what.clone()),
        _ => None,
    }
}

/// Whether a user who must not read a file met an error for that reason.
pub(crate) fn is_denied(error: &Error) -> bool {
    match error {
        Error::Io { error, .. } => error.kind() == io::ErrorKind::PermissionDenied,
        _ => false,
    }
}

/// Whether the key next to a certificate matches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyMatch {
    /// There is no key here, which is no fault: it may be kept elsewhere
    Absent,
    /// It matches
    Yes,
    /// It does not match
    No,
    /// It cannot be judged: it is encrypted, not supported, or this user must not read it
    Unknown,
}

/// Whether a key matches a certificate.
pub(crate) fn matches(
    certificate: &Certificate,
    key: Option<&PublicKey>,
    exists: bool,
) -> KeyMatch {
    match key {
        Some(key) if certificate.public_key() == key => KeyMatch::Yes,
        Some(_) => KeyMatch::No,
        None if exists => KeyMatch::Unknown,
        None => KeyMatch::Absent,
    }
}
