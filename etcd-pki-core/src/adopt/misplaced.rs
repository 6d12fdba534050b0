//! Finds certificates in the wrong place: their content belongs to another entry.

use std::collections::HashMap;

use super::{Remark, habits, pair::Pair};
use crate::{
    inspect::issuer,
    key::PublicKey,
    layout::{FileKind, Layout},
    role::{Compatibility, Role},
    x509::{certificate::Certificate, extensions::ExtendedKeyUsage},
};

/// Finds certificates with content that cannot be used. Removes each from its pair, and adds a
/// remark with the reason.
///
/// Such a certificate is for a different key than the one next to it, has the key of another file's
/// certificate, or has usages that do not fit the name of its file. It is used nevertheless if a CA
/// of the directory signed it for the entry that the file is named after. An interrupted run leaves
/// such a certificate if it has already replaced the key.
pub(super) fn take_out(layout: Layout, pairs: &mut [Pair], remarks: &mut Vec<Remark>) {
    let mut reasons = of_keys(layout, pairs);
    // A misplaced certificate does not show which profile this directory uses
    let believed = pairs
        .iter()
        .zip(&reasons)
        .filter(|(_, reasons)| reasons.is_empty());
    let compatibility = habits::compatibility(believed.map(|(pair, _)| pair));
    for (pair, reasons) in pairs.iter().zip(&mut reasons) {
        let usages = pair
            .certificate
            .as_ref()
            .and_then(|certificate| of_usages(pair.kind, certificate, compatibility));
        if let Some(reason) = usages
            && !is_own(layout, pair, pairs)
        {
            reasons.push(reason.to_owned());
        }
    }
    for (pair, reasons) in pairs.iter_mut().zip(reasons) {
        if let Some(text) = listed(&reasons) {
            let text = format!("{text}, so its content is not used");
            remarks.push(Remark::new(pair.file(), text));
            pair.disbelieve();
        }
    }
}

/// The reasons, by pair, why keys show that a certificate is in the wrong place.
fn of_keys(layout: Layout, pairs: &[Pair]) -> Vec<Vec<String>> {
    let mut by_key: HashMap<&PublicKey, Vec<&Pair>> = HashMap::with_capacity(pairs.len());
    for pair in pairs {
        if let Some(certificate) = &pair.certificate {
            let same = by_key.entry(certificate.public_key()).or_default();
            same.push(pair);
        }
    }
    let reasons_of = |pair: &Pair| {
        let mut reasons = Vec::new();
        let Some(certificate) = pair.certificate.as_ref().filter(|_| pair.is_leaf()) else {
            return reasons;
        };
        if pair
            .key
            .as_ref()
            .is_some_and(|key| key != certificate.public_key())
        {
            reasons.push("is for another key than the one next to it".to_owned());
        }
        let others = by_key.get(certificate.public_key()).into_iter().flatten();
        let mut others = others.filter(|other| other.paths != pair.paths);
        if let Some(owner) = others.find(|other| is_own(layout, other, pairs)) {
            reasons.push(format!("has the key of {}", owner.file().display()));
        }
        if !reasons.is_empty() && is_own(layout, pair, pairs) {
            reasons.clear();
        }
        reasons
    };
    pairs.iter().map(reasons_of).collect()
}

/// The reason why a certificate's usages do not fit the name of its file. A certificate without
/// extended key usages has all of them.
fn of_usages(
    kind: FileKind,
    certificate: &Certificate,
    compatibility: Compatibility,
) -> Option<&'static str> {
    if kind.ca().is_some() {
        return None;
    }
    if certificate.is_ca() {
        return Some("belongs to a CA");
    }
    let usages = certificate.extended_key_usages()?;
    if usages.contains(&ExtendedKeyUsage::Any) {
        return None;
    }
    let serves = usages.contains(&ExtendedKeyUsage::ServerAuth);
    let dials = usages.contains(&ExtendedKeyUsage::ClientAuth);
    match kind {
        FileKind::Member | FileKind::Peer if !serves => Some("has no serverAuth"),
        FileKind::Member | FileKind::Peer => None,
        _ if !dials => Some("has no clientAuth"),
        _ if serves && compatibility == Compatibility::Strict => {
            Some("has serverAuth, as members alone have here")
        }
        _ => None,
    }
}

/// Whether a CA of the directory signed a certificate for the entry that its file is named after.
fn is_own(layout: Layout, pair: &Pair, pairs: &[Pair]) -> bool {
    let Some(certificate) = &pair.certificate else {
        return false;
    };
    if pair.kind.ca().is_some() {
        return true;
    }
    let common_name = certificate.common_name();
    let names_it = usual_common_names(layout, pair)
        .into_iter()
        .any(|usual| Some(usual) == common_name);
    names_it
        && pairs
            .iter()
            .filter(|pair| pair.kind.ca().is_some())
            .filter_map(|ca| ca.certificate.as_ref())
            .any(|ca| issuer::is_signed_by(certificate, [ca]))
}

/// The common names that the certificate of an entry can have; Kubespray cuts them at the first
/// dot.
fn usual_common_names(layout: Layout, pair: &Pair) -> Vec<String> {
    let name = match &pair.tree {
        Some(tree) => tree,
        None => &pair.name,
    };
    let cut = name.split('.').next().unwrap_or(name);
    let with_prefix =
        |role: Role| [name, cut].map(|name| [role.common_name_prefix(), name].concat());
    match pair.kind {
        FileKind::Member | FileKind::Peer => {
            let mut names = with_prefix(Role::Member).to_vec();
            // kubeadm and etcdadm give members these common names
            names.extend((!layout.names_hosts()).then(|| name.clone()));
            names
        }
        FileKind::Node => with_prefix(Role::Node).to_vec(),
        FileKind::Admin => [name, cut]
            .map(|name| layout.member_client_common_name(name))
            .to_vec(),
        FileKind::Client => vec![name.clone()],
        FileKind::Ca(_) | FileKind::ReplacedCa(_) | FileKind::Rotation(..) => Vec::new(),
    }
}

/// Joins reasons in one line.
fn listed(reasons: &[String]) -> Option<String> {
    let (last, others) = reasons.split_last()?;
    Some(match others {
        [] => last.clone(),
        _ => format!("{} and {last}", others.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::ExtendedKeyUsagePurpose as Purpose;

    use super::*;
    use crate::{
        layout::PairPaths,
        test_certificates::{self, Made},
    };

    /// The usages that fit the name of a file, with both profiles.
    #[test]
    fn usages_by_the_names_of_files() {
        let with = |usages: &[Purpose]| {
            let mut params = test_certificates::leaf("a");
            params.extended_key_usages = usages.to_vec();
            Made::root(params).certificate
        };
        let none = with(&[]);
        let any = with(&[Purpose::Any]);
        let server = with(&[Purpose::ServerAuth]);
        let client = with(&[Purpose::ClientAuth]);
        let both = with(&[Purpose::ServerAuth, Purpose::ClientAuth]);
        let ca = Made::root(test_certificates::ca("ca", None)).certificate;
        // Whether the content is used: for a member, for a client of Kubespray, and for a client
        // of another directory
        for (certificate, expected) in [
            (&none, [true, true, true]),
            (&any, [true, true, true]),
            (&server, [true, false, false]),
            (&client, [false, true, true]),
            (&both, [true, true, false]),
            (&ca, [false, false, false]),
        ] {
            let fits = |kind, compatibility| of_usages(kind, certificate, compatibility).is_none();
            for compatibility in [Compatibility::Strict, Compatibility::Kubespray] {
                for kind in [FileKind::Member, FileKind::Peer] {
                    assert_eq!(fits(kind, compatibility), expected[0]);
                }
                assert!(fits(
                    FileKind::Ca(crate::layout::CaKind::Client),
                    compatibility
                ));
            }
            for kind in [FileKind::Node, FileKind::Client, FileKind::Admin] {
                assert_eq!(
                    fits(kind, Compatibility::Kubespray),
                    expected[1],
                    "{kind:?}"
                );
                assert_eq!(fits(kind, Compatibility::Strict), expected[2], "{kind:?}");
            }
        }
    }

    /// A member's certificate has only the name of the host as its common name in the layouts
    /// in which file names contain no host.
    #[test]
    fn common_names_of_entries() {
        let usual = |layout, kind, tree: Option<&str>, name: &str| {
            let pair = Pair {
                kind,
                tree: tree.map(str::to_owned),
                name: name.to_owned(),
                paths: PairPaths {
                    certificate: "a".into(),
                    key: "b".into(),
                },
                certificate: None,
                is_misplaced: false,
                key: None,
                algorithm: None,
            };
            usual_common_names(layout, &pair)
        };
        let (kubespray, kubeadm) = (Layout::Kubespray, Layout::Kubeadm);
        for (found, expected) in [
            (
                usual(kubespray, FileKind::Member, None, "a.lan"),
                &["etcd-member-a.lan", "etcd-member-a"][..],
            ),
            (
                usual(kubeadm, FileKind::Member, Some("a.lan"), ""),
                &["etcd-member-a.lan", "etcd-member-a", "a.lan"],
            ),
            (
                usual(kubespray, FileKind::Node, None, "a.lan"),
                &["etcd-node-a.lan", "etcd-node-a"],
            ),
            (
                usual(kubespray, FileKind::Admin, None, "a.lan"),
                &["etcd-admin-a.lan", "etcd-admin-a"],
            ),
            (
                usual(kubespray, FileKind::Client, None, "a.lan"),
                &["a.lan"],
            ),
        ] {
            assert_eq!(found, expected);
        }
    }
}
