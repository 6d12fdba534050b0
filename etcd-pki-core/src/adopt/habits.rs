//! Finds what most certificates of a directory have in common: profile, key algorithm and validity.

use std::time::Duration;

use super::pair::Pair;
use crate::{
    cluster::DefaultsSpec,
    inspect::issuer,
    key::KeyAlgorithm,
    layout::FileKind,
    role::{Compatibility, Role},
    time::{clock, validity::Validity},
    x509::{certificate::Certificate, extensions::ExtendedKeyUsage},
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The defaults for all entries.
pub(super) struct Habits {
    pub(super) compatibility: Compatibility,
    algorithm: KeyAlgorithm,
    validity: Validity,
}

impl Habits {
    pub(super) fn of(pairs: &[Pair]) -> Self {
        let compatibility = compatibility(pairs.iter());
        let usual = compatibility.profile(Role::Member);
        let leaves = || pairs.iter().filter(|pair| pair.is_leaf());
        let algorithms = leaves().filter_map(|pair| pair.algorithm);
        // A certificate shortened by the CA's expiry may have been requested with the usual
        // validity
        let validities = leaves()
            .filter(|pair| pair.certificate.is_some())
            .map(|pair| validity_beside(pair, pairs).unwrap_or(usual.validity()));
        Self {
            compatibility,
            algorithm: most_frequent(algorithms).unwrap_or(usual.algorithm()),
            validity: most_frequent(validities).unwrap_or(usual.validity()),
        }
    }

    pub(super) fn defaults(&self) -> DefaultsSpec {
        let usual = self.compatibility.profile(Role::Member);
        let has_other_algorithm = self.algorithm != usual.algorithm();
        let has_other_validity = self.validity != usual.validity();
        DefaultsSpec {
            profile: self.compatibility,
            algorithm: has_other_algorithm.then_some(self.algorithm),
            validity: has_other_validity.then_some(self.validity),
            ..DefaultsSpec::default()
        }
    }

    /// The algorithm of an entry's key, if it differs from the default.
    pub(super) fn other_algorithm(&self, pair: &Pair) -> Option<KeyAlgorithm> {
        pair.algorithm
            .filter(|algorithm| *algorithm != self.algorithm)
    }

    /// The validity of an entry's certificate, if it differs from the default.
    pub(super) fn other_validity(&self, pair: &Pair, pairs: &[Pair]) -> Option<Validity> {
        validity_beside(pair, pairs).filter(|validity| *validity != self.validity)
    }

    /// The algorithm of a CA's key if the specification gives no other.
    pub(super) fn ca_algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }
}

/// The profile of the certificates: Kubespray gives serverAuth to every certificate.
pub(super) fn compatibility<'a>(pairs: impl Iterator<Item = &'a Pair>) -> Compatibility {
    let dialling = pairs
        .filter(|pair| {
            matches!(
                pair.kind,
                FileKind::Admin | FileKind::Node | FileKind::Client
            )
        })
        .filter_map(|pair| pair.certificate.as_ref());
    let usages = dialling.filter_map(Certificate::extended_key_usages);
    let serving = usages.map(|usages| usages.contains(&ExtendedKeyUsage::ServerAuth));
    match most_frequent(serving) {
        Some(true) => Compatibility::Kubespray,
        _ => Compatibility::Strict,
    }
}

/// The validity of a pair's certificate; `None` if the CA's expiry shortened it, or if no new
/// certificate can have it.
fn validity_beside(pair: &Pair, pairs: &[Pair]) -> Option<Validity> {
    let certificate = pair.certificate.as_ref()?;
    let cas = pairs.iter().filter(|pair| pair.kind.ca().is_some());
    let is_cut = cas.filter_map(|ca| ca.certificate.as_ref()).any(|ca| {
        certificate.not_after() >= ca.not_after() && issuer::is_signed_by(certificate, [ca])
    });
    if is_cut { None } else { validity(certificate) }
}

/// The validity of a certificate, rounded to whole days if it is two days or more: most begin some
/// minutes before they were issued.
pub(super) fn validity(certificate: &Certificate) -> Option<Validity> {
    let life = certificate
        .not_after()
        .duration_since(certificate.not_before())
        .ok()?;
    let unit = if life >= 2 * DAY { DAY } else { HOUR };
    let units = (life + unit / 2).as_secs() / unit.as_secs();
    let validity = Validity::lasting(unit * u32::try_from(units.max(1)).ok()?);
    validity.end(clock::now()).is_ok().then_some(validity)
}

/// The most frequent value; of several, the first.
pub(super) fn most_frequent<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut counts: Vec<(T, usize)> = Vec::new();
    for value in values {
        match counts.iter_mut().find(|(known, _)| *known == value) {
            Some((_, count)) => *count += 1,
            None => counts.push((value, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    counts
        .into_iter()
        .find(|(_, count)| *count == most)
        .map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_and_the_first_of_several() {
        assert_eq!(most_frequent([1, 2, 2, 3]), Some(2));
        assert_eq!(most_frequent([3, 1, 1, 3]), Some(3));
        assert_eq!(most_frequent([0; 0]), None);
    }
}
