//! Decides what to do with an existing CA.

use std::time::SystemTime;

use super::{Decision, expiry};
use crate::{
    cluster::DesiredCa,
    finding::Finding,
    inspect::{CurrentCa, Part, rules},
    key::PublicKey,
    plan::Action,
    x509::certificate::Certificate,
};

/// Decides what to do with an existing CA. A self-signed CA is renewed where its key is. A CA that
/// another CA issued can only be renewed by that CA.
pub(in crate::plan) fn ca(
    desired: &DesiredCa,
    certificate: &Certificate,
    current: &CurrentCa,
    now: SystemTime,
) -> Decision {
    let mut reasons: Vec<Finding> = expiry(desired.renew_before, certificate, None, now)
        .into_iter()
        .collect();
    reasons.extend(rules::key_usage_of_ca(certificate));
    let keep = if current.permissions.is_empty() {
        Action::Keep
    } else {
        Action::Chmod
    };
    let has_expired = matches!(reasons.first(), Some(Finding::Expired { .. }));
    let is_due = has_expired || matches!(reasons.first(), Some(Finding::Expires { .. }));
    let has_key = !matches!(current.key, Part::Missing);
    let mut action = if reasons.is_empty() {
        keep
    } else if has_key && certificate.is_self_signed() {
        Action::Renew
    } else if has_expired || (has_key && is_due) {
        Action::Blocked
    } else {
        keep
    };
    let has_obstacle = current.obstacles().next().is_some();
    if has_obstacle && matches!(action, Action::Renew | Action::Chmod) {
        reasons.splice(0..0, current.obstacles().cloned());
        action = Action::Blocked;
    }
    if action == Action::Blocked && !certificate.is_self_signed() {
        let issuer = certificate.issuer();
        reasons.insert(0, Finding::IssuedByAnotherCa { issuer });
    }
    let obstacles = current.obstacles().filter(|one| !reasons.contains(one));
    let obstacles: Vec<_> = obstacles.cloned().collect();
    reasons.extend(obstacles);
    reasons.extend(current.warnings.iter().cloned());
    if matches!(action, Action::Keep | Action::Chmod) {
        reasons.extend(unchangeable(desired, certificate));
    }
    reasons.extend(current.permissions.iter().cloned());
    let file = &desired.paths.certificate;
    reasons.extend(current.rotation.finding(file));
    Decision {
        action,
        reasons,
        rechains: false,
    }
}

/// The values of the specification that an existing CA does not have. The CA is kept, because no
/// member would trust a different one.
fn unchangeable(desired: &DesiredCa, certificate: &Certificate) -> Vec<Finding> {
    let current = certificate.organizations();
    let organization = desired.identity.organization();
    let organization = organization
        .filter(|organization| current != [*organization])
        .map(|organization| Finding::Organization {
            current: current.clone(),
            desired: Some(organization.to_owned()),
        });
    let algorithm = other_ca_algorithm(desired, certificate.public_key());
    algorithm.into_iter().chain(organization).collect()
}

/// A finding for a CA key with another algorithm than the specification explicitly gives.
pub(in crate::plan) fn other_ca_algorithm(desired: &DesiredCa, key: &PublicKey) -> Option<Finding> {
    let algorithm = desired.algorithm?;
    let is_met = key
        .algorithm()
        .is_some_and(|current| algorithm.is_met_by(current));
    (!is_met).then(|| Finding::Algorithm {
        current: key.algorithm_name().to_owned(),
        desired: algorithm.name().to_owned(),
    })
}
