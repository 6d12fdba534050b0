//! Counts the leaf certificates that depend on a CA that expires soon.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::{checked::Checked, signers::Cas};
use crate::{key::PublicKey, x509::certificate::Certificate};

/// Adds to each CA that expires soon the number of leaf certificates that depend on it. The CA, or
/// a CA below it, signed these.
pub(super) fn note_dependents(checked: &mut [Checked]) {
    let expiring: Vec<usize> = (0..checked.len())
        .filter(|place| checked[*place].is_expiring_ca())
        .collect();
    if expiring.is_empty() {
        return;
    }
    let signed = signed(checked);
    let counts: Vec<(usize, usize)> = expiring
        .into_iter()
        .map(|place| (place, count(place, checked, &signed)))
        .collect();
    for (place, count) in counts {
        checked[place].note_dependents(count);
    }
}

/// The certificates that the key of a CA signed.
type Signed<'a> = HashMap<&'a PublicKey, Vec<&'a Certificate>>;

fn signed(checked: &[Checked]) -> Signed<'_> {
    let all = || checked.iter().filter_map(Checked::certificate);
    let cas = Cas::new(all());
    let none = HashSet::new();
    // A symbolic link to a file is not a further certificate
    let unique: HashMap<&[u8], &Certificate> = all().map(|one| (one.as_der(), one)).collect();
    let unique: Vec<&Certificate> = unique.into_values().collect();
    let found: Vec<(&PublicKey, &Certificate)> = unique
        .into_par_iter()
        .filter_map(|one| Some((cas.signer(one, &none)?, one)))
        .collect();
    let mut signed = Signed::new();
    for (key, certificate) in found {
        signed.entry(key).or_default().push(certificate);
    }
    signed
}

/// The number of leaf certificates that depend on the CA at this index.
fn count(place: usize, checked: &[Checked], signed: &Signed<'_>) -> usize {
    let Some(ca) = checked[place].certificate() else {
        return 0;
    };
    // A later certificate with the same key replaces it
    let is_later = |one: &Checked| {
        one.path() == checked[place].path()
            && one.certificate().is_some_and(|certificate| {
                certificate.is_ca()
                    && certificate.public_key() == ca.public_key()
                    && certificate.subject() == ca.subject()
                    && certificate.not_after() > ca.not_after()
            })
    };
    if checked.iter().any(is_later) {
        return 0;
    }
    let mut known = HashSet::from([ca.public_key()]);
    let mut issuers = vec![ca.public_key()];
    let mut leaves = 0;
    while let Some(issuer) = issuers.pop() {
        for certificate in signed.get(issuer).into_iter().flatten() {
            let key = certificate.public_key();
            if !certificate.is_ca() {
                leaves += 1;
            } else if known.insert(key) {
                issuers.push(key);
            }
        }
    }
    leaves
}
