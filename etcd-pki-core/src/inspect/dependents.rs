//! Counts the leaf certificates that depend on a CA that expires soon.

use std::collections::HashMap;

use rayon::prelude::*;

use super::{checked::Checked, signers::is_signed};
use crate::x509::certificate::Certificate;

/// Adds to each CA that expires soon the number of leaf certificates that depend on it. The CA, or
/// a CA below it, signed these.
pub(super) fn note_dependents(checked: &mut [Checked]) {
    let expiring: Vec<usize> = (0..checked.len())
        .filter(|place| checked[*place].is_expiring_ca())
        .collect();
    if expiring.is_empty() {
        return;
    }
    let counts: Vec<(usize, usize)> = expiring
        .into_iter()
        .map(|place| (place, count(place, checked)))
        .collect();
    for (place, count) in counts {
        checked[place].note_dependents(count);
    }
}

/// The number of leaf certificates that depend on the CA at this index.
fn count(place: usize, checked: &[Checked]) -> usize {
    let Some(ca) = checked[place].certificate() else {
        return 0;
    };
    let all = || {
        let all = checked.iter();
        all.filter_map(|one| Some((one, one.certificate()?)))
    };
    // A later certificate with the same key replaces it
    let is_later = |(one, certificate): (&Checked, &Certificate)| {
        one.path() == checked[place].path()
            && certificate.is_ca()
            && certificate.public_key() == ca.public_key()
            && certificate.subject() == ca.subject()
            && certificate.not_after() > ca.not_after()
    };
    if all().any(is_later) {
        return 0;
    }
    let mut below = vec![ca];
    let mut next = 0;
    while let Some(issuer) = below.get(next).copied() {
        for (_, one) in all() {
            let is_new = one.is_ca()
                && below
                    .iter()
                    .all(|known| known.public_key() != one.public_key());
            if is_new && is_signed(one, issuer) {
                below.push(one);
            }
        }
        next += 1;
    }
    // A symbolic link to a file is not a further certificate
    let leaves: HashMap<&[u8], &Certificate> = all()
        .filter(|(_, one)| !one.is_ca())
        .map(|(_, one)| (one.as_der(), one))
        .collect();
    leaves
        .into_values()
        .collect::<Vec<_>>()
        .into_par_iter()
        .filter(|leaf| below.iter().any(|issuer| is_signed(leaf, issuer)))
        .count()
}
