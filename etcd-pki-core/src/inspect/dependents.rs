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

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use rcgen::date_time_ymd;

    use crate::{
        finding::Finding,
        inspect::check::Check,
        test_certificates::{self, Made},
    };

    /// The numbers of leaves that depend on the first CA of `ca.pem` and on others that expire
    /// soon, a month before the end of 2030.
    fn dependents(files: &[(&str, &[&Made])]) -> Vec<Option<usize>> {
        let scratch = tempfile::tempdir().unwrap();
        for (file, all) in files {
            let texts: Vec<_> = all.iter().map(|made| made.certificate.to_pem()).collect();
            fs::write(scratch.path().join(file), texts.concat()).unwrap();
        }
        let end = files[0].1[0].certificate.not_after();
        let now = end - Duration::from_secs(30 * 86_400);
        let mut found = Vec::new();
        for one in Check::new().at(now).run([scratch.path()]) {
            found.extend(one.findings().iter().filter_map(|finding| match finding {
                Finding::Expires { dependents, .. } => Some(*dependents),
                _ => None,
            }));
        }
        found
    }

    /// A leaf depends on a CA that expires if this CA or a CA below it signed the leaf, unless the
    /// same file has a later certificate of the CA.
    #[test]
    fn leaves_below_a_ca_that_expires() {
        let until = |name, year| {
            let mut params = test_certificates::ca(name, None);
            params.not_after = date_time_ymd(year, 1, 1);
            params
        };
        let root = Made::root(until("root", 2031));
        let renewed = root.again(|params| params.not_after = date_time_ymd(2040, 1, 1));
        let earlier = root.again(|params| params.not_after = date_time_ymd(2021, 1, 1));
        let same_key = root.again(|params| *params = until("other", 2040));
        let namesake = Made::root(until("root", 2040));
        let middle = root.sign(until("middle", 2040));
        let leaf = |ca: &Made| ca.sign(test_certificates::leaf("leaf"));
        let (one, two, foreign) = (leaf(&root), leaf(&middle), leaf(&namesake));
        let leaves = [
            ("one.pem", &[&one][..]),
            ("again.pem", &[&one]),
            ("two.pem", &[&two, &middle]),
            ("foreign.pem", &[&foreign]),
        ];
        for (what, all, expected) in [
            ("alone", &[&root][..], Some(2)),
            ("renewed", &[&root, &renewed], Some(0)),
            ("after an earlier one", &[&root, &earlier], Some(2)),
            ("with the key of another one", &[&root, &same_key], Some(2)),
            ("with the name of another one", &[&root, &namesake], Some(2)),
        ] {
            let mut files = vec![("ca.pem", all)];
            files.extend(leaves);
            assert_eq!(dependents(&files), [expected], "{what}");
        }
        // Each of two CAs signed the other one
        let cross = middle.sign_again(&renewed);
        let [old, cross] = [[&root], [&cross]];
        let mut files = vec![("ca.pem", &old[..]), ("cross.pem", &cross)];
        files.extend(leaves);
        assert_eq!(dependents(&files), [Some(2)]);
        // The later certificate is in another file
        let [old, new] = [[&root], [&renewed]];
        let mut files = vec![("ca.pem", &old[..]), ("new-ca.pem", &new)];
        files.extend(leaves);
        assert_eq!(dependents(&files), [Some(2)]);
        // A leaf that expires has no dependents
        let mut params = test_certificates::leaf("leaf");
        params.not_after = date_time_ymd(2031, 1, 1);
        let short = namesake.sign(params);
        assert_eq!(
            dependents(&[("short.pem", &[&short]), ("ca.pem", &[&namesake])]),
            [None]
        );
    }
}
