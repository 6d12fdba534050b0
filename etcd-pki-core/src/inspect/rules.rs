//! The rules. Each rule judges facts that were read before, and returns a finding if there is a
//! fault.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    time::{Duration, SystemTime},
};

use crate::{
    ca::cas_above,
    error::Error,
    finding::Finding,
    key::PublicKey,
    layout::{FileKind, Layout},
    role::Role,
    store::{
        Attributes, Stamp, is_link, is_privileged_owner, link_target, trusted_ca_owner,
        trusted_owner, user_name,
    },
    time::threshold::Threshold,
    verify::{self, SigningChain, Verifier, Wishes, is_host_name},
    x509::{certificate::Certificate, extensions::ExtendedKeyUsage},
};

/// The names of Kubernetes' own CAs, which may be next to etcd's. The requirements of etcd do not
/// apply to certificates of these CAs.
const NOT_ETCD: [&str; 4] = ["kubernetes", "front-proxy", "k3s-", "rke2-"];

/// Scripts often give a CA, and the certificates that it signs a moment later, the same number of
/// days.
const TOLERANCE: Duration = Duration::from_secs(86_400);

/// A certificate that has expired or is not valid yet.
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

/// A certificate that has expired.
pub(crate) fn expired(certificate: &Certificate, now: SystemTime) -> Option<Finding> {
    let not_after = certificate.not_after();
    (now > not_after).then_some(Finding::Expired {
        subject: None,
        not_after,
    })
}

/// A certificate that expires within a threshold.
pub(crate) fn expiry(
    certificate: &Certificate,
    thresholds: &[(Threshold, bool)],
    now: SystemTime,
) -> Option<Finding> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    let (within, critical) = thresholds
        .iter()
        .copied()
        .find(|(threshold, _)| threshold.begins(not_before, not_after) <= now)?;
    Some(expires(not_after, Some(within), critical, now))
}

/// Creates the finding that a certificate expires.
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
            dependents: None,
        },
        Err(_) => Finding::Expired {
            subject: None,
            not_after,
        },
    }
}

/// A key that does not match the certificate.
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

/// A trusted file in which no certificate may sign others. The reason is that of the first
/// certificate.
pub(crate) fn no_ca(trusted: &[Certificate]) -> Option<Finding> {
    let mut refused = None;
    for certificate in trusted {
        refused = refused.or(Some(verify::refused_as_root(certificate)?));
    }
    refused
}

/// The reason why all commands refuse to sign with a CA that has its key here. Expiry and
/// start of validity are not included, because they are findings about their certificates.
/// Certificates of a layout's CA need both TLS usages.
pub(crate) fn cannot_sign(
    ca: &Certificate,
    bundle: &[Certificate],
    path: &Path,
    now: SystemTime,
) -> Option<Finding> {
    const USAGES: [ExtendedKeyUsage; 2] =
        [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
    if !ca.is_ca() {
        return None;
    }
    let chain = SigningChain::new(ca.clone(), cas_above(ca, bundle));
    if let Err(finding) = chain.check_cas(now, true) {
        let is_about_time = matches!(
            finding,
            Finding::Expired { .. } | Finding::NotYetValid { .. }
        );
        return (!is_about_time).then_some(finding);
    }
    let is_for_etcd = matches!(Layout::kind_by_name(path), Some((FileKind::Ca(_), _)))
        && !is_named_as_kubernetes_ca(ca.common_name().as_deref());
    let wishes = Wishes {
        usages: &USAGES,
        names: None,
    };
    is_for_etcd
        .then(|| chain.check_wishes(wishes).err())
        .flatten()
}

/// A CA without keyUsage.
pub(crate) fn key_usage_of_ca(certificate: &Certificate) -> Option<Finding> {
    let lacks = certificate.is_ca() && certificate.key_usages().is_none();
    lacks.then_some(Finding::NoKeyUsage)
}

/// A CA that expires before the certificate that it signed.
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

/// The reason why Go refuses a leaf that a trusted CA signed. Expiry and start of validity
/// are not included, because they are findings about their certificates. Content that Go cannot
/// read is not included either, because it is a finding about the file.
pub(crate) fn refusals(
    certificate: &Certificate,
    chain: &[Certificate],
    trusted: Vec<Certificate>,
    now: SystemTime,
) -> Vec<Finding> {
    // If a CA lists usages, they must include the usages of the certificates that it signs
    let own = certificate.extended_key_usages().unwrap_or_default().iter();
    let usages = own.filter(|usage| {
        matches!(
            usage,
            ExtendedKeyUsage::ClientAuth | ExtendedKeyUsage::ServerAuth
        )
    });
    let verifier = Verifier::new(trusted)
        .with_intermediates(chain.iter().cloned())
        .with_usages(usages.cloned().collect())
        .at(now);
    let is_said_elsewhere = |reason: &&Finding| {
        matches!(
            reason,
            Finding::Expired { .. } | Finding::NotYetValid { .. } | Finding::Malformed { .. }
        )
    };
    let verdict = verifier.verify(certificate);
    let reasons = verdict.reasons().iter();
    reasons
        .filter(|one| !is_said_elsewhere(one))
        .cloned()
        .collect()
}

/// A certificate that names another certificate of its CA than this one (RFC 5280, section
/// 4.2.1.1). This happens if a tool renewed the CA without keeping the identifiers that its leaves
/// contain.
pub(crate) fn earlier_ca_certificate(
    certificate: &Certificate,
    ca: &Certificate,
) -> Option<Finding> {
    let serial = certificate.extensions().issuer_serial.as_deref();
    let other_serial = serial.is_some_and(|serial| serial != ca.serial_number().as_bytes());
    let key = certificate.authority_key_identifier();
    let other_key = key
        .zip(ca.subject_key_identifier())
        .is_some_and(|(named, own)| named != own);
    (other_serial || other_key).then_some(Finding::EarlierCaCertificate)
}

/// A leaf with the key of one of these CAs.
pub(crate) fn ca_key<'a>(
    certificate: &Certificate,
    cas: impl IntoIterator<Item = (&'a Path, &'a Certificate)>,
) -> Option<Finding> {
    if certificate.is_ca() {
        return None;
    }
    let is_same = |ca: &Certificate| ca.public_key() == certificate.public_key();
    let (path, _) = cas.into_iter().find(|(_, ca)| ca.is_ca() && is_same(ca))?;
    Some(Finding::CaKey {
        ca: path.to_owned(),
    })
}

/// A leaf with another key than the one in its key file, which is the key of one of these CAs.
pub(crate) fn copy_of_ca_key<'a>(
    certificate: &Certificate,
    key: Option<&PublicKey>,
    cas: impl IntoIterator<Item = (&'a Path, &'a Certificate)>,
) -> Option<Finding> {
    if certificate.is_ca() {
        return None;
    }
    let mut cas = cas.into_iter();
    let (path, _) = cas.find(|(_, ca)| ca.is_ca() && Some(ca.public_key()) == key)?;
    Some(Finding::CaKey {
        ca: path.to_owned(),
    })
}

/// Usages and names that etcd needs in a leaf, or that a leaf should not have. The file's name
/// shows whether the leaf is a member's, or else the usages do.
pub(crate) fn usages(certificate: &Certificate, path: &Path) -> Vec<Finding> {
    if certificate.is_ca() {
        return Vec::new();
    }
    let client = may_be_used(certificate, &ExtendedKeyUsage::ClientAuth);
    let server = may_be_used(certificate, &ExtendedKeyUsage::ServerAuth);
    let is_member = match Layout::kind_by_name(path) {
        Some((FileKind::Ca(_), _)) => return Vec::new(),
        Some((kind, _)) => Some(is_for_member(kind)),
        None => None,
    };
    let usages = certificate.extended_key_usages().unwrap_or_default();
    let names_server = usages.contains(&ExtendedKeyUsage::ServerAuth);
    let mut findings = Vec::new();
    let lacking = match is_member {
        Some(true) if !server => Some(ExtendedKeyUsage::ServerAuth),
        Some(false) if !server && !client => Some(ExtendedKeyUsage::ClientAuth),
        _ => None,
    };
    findings.extend(lacking.map(|desired| Finding::Usage {
        subject: certificate.subject(),
        desired,
        allowed: usages.to_vec(),
    }));
    if server && !client {
        findings.push(Finding::MemberWithoutClientAuth);
    }
    if server && !has_usable_name(certificate) && is_member.unwrap_or(names_server) {
        findings.push(Finding::MemberWithoutNames);
    }
    if server && is_member != Some(false) {
        findings.extend(addresses_as_dns_names(certificate));
    }
    findings
}

fn is_for_member(kind: FileKind) -> bool {
    matches!(kind, FileKind::Member | FileKind::Peer)
}

/// Whether a host can have at least one of the certificate's names. Nothing connects to the address
/// 0.0.0.0, and no host has a name such as `https://m:2379`.
fn has_usable_name(certificate: &Certificate) -> bool {
    let mut names = certificate.dns_names().iter();
    let mut addresses = certificate.ip_addresses().iter();
    names.any(|name| is_host_name(name, true) || address_in(name).is_some())
        || addresses.any(|address| !address.is_unspecified())
}

/// The IP address in a DNS name, with or without brackets and a port.
fn address_in(name: &str) -> Option<IpAddr> {
    let bare = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(name).parse();
    let with_port = || name.parse::<SocketAddr>().map(|socket| socket.ip());
    address.or_else(|_| with_port()).ok()
}

/// Whether a certificate has neither a DNS name nor an IP address. Other names do not count
/// (`checkCertSAN` in etcd's client/pkg/transport/listener_tls.go).
fn is_nameless(certificate: &Certificate) -> bool {
    certificate.dns_names().is_empty() && certificate.ip_addresses().is_empty()
}

/// A certificate that etcd's peer port accepts although it is not a member's. Without DNS names and
/// IP addresses it is accepted from everywhere, otherwise only from these.
pub(crate) fn peer_port(certificate: &Certificate, path: Option<&Path>) -> Option<Finding> {
    if certificate.is_ca() {
        return None;
    }
    if !may_be_used(certificate, &ExtendedKeyUsage::ClientAuth) {
        return None;
    }
    let has_usages_of_member = certificate.role() == Some(Role::Member);
    let is_member = match path.map(Layout::kind_by_name) {
        Some(Some((FileKind::Ca(_), _))) => true,
        Some(Some((kind, _))) => is_for_member(kind) || has_names_of_all(certificate),
        // No member can use it
        Some(None) if is_nameless(certificate) => false,
        Some(None) | None => has_usages_of_member,
    };
    if is_member {
        return None;
    }
    peer_port_for(certificate.dns_names(), certificate.ip_addresses())
}

/// Whether a certificate has a member's usages, and the names that Kubespray gives to all
/// certificates. Kubespray's clients cannot be changed without its members.
pub(crate) fn has_names_of_all(certificate: &Certificate) -> bool {
    let mut names = certificate.dns_names().iter();
    certificate.role() == Some(Role::Member)
        && names.any(|name| name.eq_ignore_ascii_case("localhost"))
}

/// Whether a certificate allows a usage. Without the extension, as in version 1, every usage is
/// allowed.
fn may_be_used(certificate: &Certificate, usage: &ExtendedKeyUsage) -> bool {
    let usages = certificate.extended_key_usages();
    usages.is_none_or(|all| all.contains(&ExtendedKeyUsage::Any) || all.contains(usage))
}

/// The connections that etcd's peer port accepts from a client or node with these names.
pub(crate) fn peer_port_for(dns: &[String], addresses: &[IpAddr]) -> Option<Finding> {
    if dns.is_empty() && addresses.is_empty() {
        return Some(Finding::ClientWithoutNames);
    }
    // Nothing connects from this address
    let addresses = addresses.iter().filter(|one| !one.is_unspecified());
    let names = dns.iter().cloned();
    let names: Vec<String> = names.chain(addresses.map(IpAddr::to_string)).collect();
    (!names.is_empty()).then_some(Finding::ClientWithNames { names })
}

/// The IP addresses that a certificate has only as DNS names.
fn addresses_as_dns_names(certificate: &Certificate) -> impl Iterator<Item = Finding> {
    let addresses = certificate.ip_addresses();
    let names = certificate.dns_names().iter();
    let misused = names.filter(|name| {
        let address = address_in(name);
        address.is_some_and(|address| !addresses.contains(&address))
    });
    misused.map(|name| Finding::AddressAsDnsName(name.clone()))
}

/// Whether a CA with this common name is usually a CA of Kubernetes and not of etcd.
pub(crate) fn is_named_as_kubernetes_ca(common_name: Option<&str>) -> bool {
    let name = common_name.unwrap_or_default();
    NOT_ETCD.iter().any(|other| name.starts_with(other))
}

/// The finding for a file that counts as missing: it is empty, or there is no file.
pub(crate) fn missing(empty: &[Finding], path: &Path, absent: Finding) -> Finding {
    let is_it = |one: &&Finding| matches!(one, Finding::EmptyFile { path: at, .. } if at == path);
    empty.iter().find(is_it).cloned().unwrap_or(absent)
}

/// A file with a wrong mode or owner.
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
    let owner = desired.is_of_another(stamp, secret);
    let owner = owner.then(|| Finding::Owner { path: path() });
    mode.into_iter().chain(owner).collect()
}

/// A key with an owner who may not own it.
pub(crate) fn key_owner(
    path: &Path,
    stamp: &Stamp,
    desired: &Attributes,
    store_owner: u32,
) -> Option<Finding> {
    (!trusted_owner(stamp, desired, store_owner)).then(|| Finding::KeyOwner {
        path: path.to_owned(),
        owner: user_name(stamp.account().owner),
    })
}

/// A CA's key with an unprivileged owner.
pub(crate) fn ca_key_owner(path: &Path, stamp: &Stamp, desired: &Attributes) -> Option<Finding> {
    (!is_privileged_owner(stamp, desired)).then(|| Finding::CaKeyOwner {
        path: path.to_owned(),
        owner: user_name(stamp.account().owner),
    })
}

/// A CA's certificate file with an owner who may not own it.
pub(crate) fn ca_owner(
    path: &Path,
    stamp: &Stamp,
    desired: &Attributes,
    store_owner: u32,
) -> Option<Finding> {
    let is_trusted = trusted_ca_owner(stamp, &desired.for_ca(), store_owner);
    (!is_trusted).then(|| Finding::CaOwner {
        path: path.to_owned(),
        owner: user_name(stamp.account().owner),
    })
}

/// A directory in which everyone, or a group, can replace or add files.
pub(crate) fn directory(path: &Path, mode: u32) -> Finding {
    const OTHERS_WRITE: u32 = 0o002;
    const GROUP_WRITES: u32 = 0o020;
    let closed = match mode & OTHERS_WRITE {
        0 => GROUP_WRITES,
        _ => OTHERS_WRITE,
    };
    Finding::Writable {
        path: path.to_owned(),
        current: mode,
        desired: mode & !closed,
    }
}

/// A file with content that cannot be used.
pub(crate) fn unusable(error: Error) -> Finding {
    if let Some(what) = not_supported(&error) {
        return Finding::NotSupported {
            subject: None,
            what,
        };
    }
    if let Some(finding) = misplaced(&error) {
        return finding;
    }
    Finding::Unreadable {
        damaged: !matches!(error, Error::Io { .. }),
        reason: error.to_string(),
    }
}

/// A key at the path of a certificate, or a certificate at the path of a key.
fn misplaced(error: &Error) -> Option<Finding> {
    let Error::File { path, error } = error else {
        return None;
    };
    let Error::MissingBlock { what, found } = &**error else {
        return None;
    };
    let has = |kind: &str| found.iter().any(|one| one.ends_with(kind));
    match *what {
        "certificate" if has("private key") => Some(key_in_place_of_certificate(path)),
        "private key" if has("certificate") => Some(certificate_in_place_of_key(path)),
        _ => None,
    }
}

/// A file that contains a key, but has the name of a certificate.
pub(crate) fn key_in_place_of_certificate(path: &Path) -> Finding {
    Finding::Misplaced {
        path: path.to_owned(),
        current: "a private key",
        desired: "a certificate",
    }
}

/// A file that contains a certificate, but has the name of a key.
pub(crate) fn certificate_in_place_of_key(path: &Path) -> Finding {
    Finding::Misplaced {
        path: path.to_owned(),
        current: "a certificate",
        desired: "a private key",
    }
}

/// A file that is empty or has only zero bytes. Such a file counts as missing.
pub(crate) fn empty(path: &Path, bytes: &[u8]) -> Option<Finding> {
    bytes
        .iter()
        .all(|byte| *byte == 0)
        .then(|| Finding::EmptyFile {
            path: path.to_owned(),
            is_zeros: !bytes.is_empty(),
        })
}

/// A file that cannot be opened.
pub(crate) fn unusable_file(path: &Path, error: &Error) -> Finding {
    let reason = error.to_string();
    if error.is_in_the_way() {
        // The file may contain a good key that this user may not read
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

/// The directory of a store, from a file's full path and its path below the directory.
pub(crate) fn directory_of<'a>(path: &'a Path, below: &Path) -> &'a Path {
    let depth = below.components().count();
    match path.ancestors().nth(depth) {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    }
}

/// A finding for a symbolic link at a path of a store, or above it but below the directory.
pub(crate) fn link(path: &Path, below: &Path) -> Option<Finding> {
    let mut parts = path.ancestors().take(below.components().count());
    parts.find(|part| is_link(part)).map(leads_elsewhere)
}

/// The finding for a symbolic link that replaces a file or a folder.
pub(crate) fn leads_elsewhere(link: &Path) -> Finding {
    let leads = match link_target(link) {
        Some(target) => format!("to {}", target.display()),
        None => "nowhere".to_owned(),
    };
    Finding::Blocked {
        path: link.to_owned(),
        reason: format!("{} is a link that leads {leads}", link.display()),
    }
}

/// The unsupported feature, if this is the error.
fn not_supported(error: &Error) -> Option<String> {
    match error {
        Error::File { path, error } => {
            not_supported(error).map(|what| format!("{}: {what}", path.display()))
        }
        Error::Unsupported { what, .. } => Some(what.clone()),
        _ => None,
    }
}

/// Whether an error means that this user may not read a file.
pub(crate) fn is_denied(error: &Error) -> bool {
    match error {
        Error::Io { error, .. } => error.kind() == io::ErrorKind::PermissionDenied,
        _ => false,
    }
}

/// The result of comparing a certificate with the key next to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyMatch {
    /// There is no key here, which is not a fault: it may be elsewhere
    Absent,
    /// The key matches
    Yes,
    /// The key does not match
    No,
    /// The comparison is impossible: the key is encrypted, not supported, or this user may not read
    /// it
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

#[cfg(test)]
mod tests;
