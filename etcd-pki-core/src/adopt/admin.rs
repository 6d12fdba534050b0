//! The client that a layout's tools expect beside each member.

use super::{
    habits::{Habits, most_frequent},
    pair::Pair,
};
use crate::{cluster::ClusterAdmin, layout::FileKind};

/// What the clients beside members have in common; `None` if members have none.
pub(super) fn admin(pairs: &[Pair], habits: &Habits) -> Option<ClusterAdmin> {
    let admins: Vec<&Pair> = pairs
        .iter()
        .filter(|pair| pair.kind == FileKind::Admin)
        .collect();
    if admins.is_empty() {
        let has_members = pairs.iter().any(|pair| pair.kind == FileKind::Member);
        return (!has_members).then(ClusterAdmin::default);
    }
    let certificates = || admins.iter().filter_map(|pair| pair.certificate.as_ref());
    let mut admin = ClusterAdmin::default();
    let organization = most_frequent(
        certificates().map(|certificate| certificate.organizations().into_iter().next()),
    );
    if let Some(organization) = organization.flatten() {
        admin = admin
            .clone()
            .with_organization(&organization)
            .unwrap_or(admin);
    }
    if let Some(algorithm) =
        most_frequent(admins.iter().map(|pair| habits.other_algorithm(pair))).flatten()
    {
        admin = admin.algorithm(algorithm);
    }
    if let Some(validity) =
        most_frequent(admins.iter().map(|pair| habits.other_validity(pair, pairs))).flatten()
    {
        admin = admin.valid_for(validity);
    }
    let nameless = certificates().map(|certificate| certificate.alternative_names().is_none());
    if most_frequent(nameless) == Some(true) {
        admin = admin.without_alternative_names();
    }
    Some(admin)
}
