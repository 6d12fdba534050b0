//! Describes the client that a layout's tools expect next to each member.

use super::{
    habits::{Habits, most_frequent},
    pair::Pair,
};
use crate::{cluster::AdminSpec, layout::FileKind, x509::identity::Identity};

/// The fields that the clients next to members have in common; `None` if no member has one.
pub(super) fn admin(pairs: &[Pair], habits: &Habits) -> Option<AdminSpec> {
    let admins: Vec<&Pair> = pairs
        .iter()
        .filter(|pair| pair.kind == FileKind::Admin)
        .collect();
    if admins.is_empty() {
        let has_members = pairs.iter().any(|pair| pair.kind == FileKind::Member);
        return (!has_members).then(AdminSpec::default);
    }
    let certificates = || admins.iter().filter_map(|pair| pair.certificate.as_ref());
    let organization = most_frequent(
        certificates().map(|certificate| certificate.organizations().into_iter().next()),
    );
    let algorithm = most_frequent(admins.iter().map(|pair| habits.other_algorithm(pair)));
    let validity = most_frequent(admins.iter().map(|pair| habits.other_validity(pair, pairs)));
    let nameless = certificates().map(|certificate| certificate.alternative_names().is_none());
    Some(AdminSpec {
        // An organization that no new certificate can have is left out
        organization: organization.flatten().filter(|name| is_organization(name)),
        algorithm: algorithm.flatten(),
        validity: validity.flatten(),
        without_alternative_names: most_frequent(nameless) == Some(true),
    })
}

/// Whether a new certificate can have this organization.
pub(super) fn is_organization(name: &str) -> bool {
    Identity::anonymous().with_organization(name).is_ok()
}
