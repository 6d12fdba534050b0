//! Judges what a new trust bundle does to the certificates of the CAs that it no longer has.

use std::time::SystemTime;

use super::{issuer, rules};
use crate::{verify, x509::certificate::Certificate};

/// The consequence for the certificates of a CA that is no longer in a trust bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// They are not accepted
    CutOff,
    /// They are accepted if the CA's own certificate follows them in their files, because a CA
    /// above it stays trusted
    NeedsChain {
        /// The subject of the CA that stays trusted
        trusted: String,
    },
}

/// Compares a trust bundle with the new contents of its file; `None` if every CA of the old bundle
/// is still trusted, under the same name and with the same key.
#[must_use]
pub fn replacement(old: &[u8], new: &[u8], now: SystemTime) -> Option<Replacement> {
    let read = |file: &[u8]| verify::held_bundle(file).0.unwrap_or_default();
    let (old, new) = (read(old), read(new));
    let is_same = |one: &Certificate, other: &Certificate| {
        one.public_key() == other.public_key() && one.has_subject_of(other)
    };
    let removed = |one: &&Certificate| !new.iter().any(|other| is_same(one, other));
    let removed: Vec<_> = old
        .iter()
        .filter(|one| one.is_ca())
        .filter(removed)
        .collect();
    if removed.is_empty() {
        return None;
    }
    let new: Vec<&Certificate> = new
        .iter()
        .filter(|one| rules::validity(one, now).is_none())
        .collect();
    let above = removed
        .iter()
        .find_map(|one| trusted_above(one, &old, &new));
    Some(match above {
        Some(ca) => Replacement::NeedsChain {
            trusted: ca.subject(),
        },
        None => Replacement::CutOff,
    })
}

/// The CA of the new bundle that signed a CA, or a CA above it.
fn trusted_above<'a>(
    ca: &Certificate,
    old: &[Certificate],
    new: &[&'a Certificate],
) -> Option<&'a Certificate> {
    let cas = || new.iter().map(|one| (*one, *one));
    let mut known = vec![ca];
    let mut next = 0;
    while let Some(one) = known.get(next).copied() {
        if let issuer::Issuer::Ca(found) = issuer::of(one, cas()) {
            return Some(found);
        }
        for above in old {
            if !known.contains(&above) && issuer::is_signed_by(one, [above]) {
                known.push(above);
            }
        }
        next += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        test_certificates::{self, Made},
        time::clock,
        x509::bundle::all_pem,
    };

    #[test]
    fn cas_that_a_bundle_no_longer_has() {
        let ca = |name| test_certificates::ca(name, None);
        let root = Made::root(ca("root"));
        let upper = root.sign(ca("upper"));
        let lower = upper.sign(ca("lower"));
        let other = Made::root(ca("other"));
        let expired = root.again(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
        let renewed = other.again(|params| params.not_after = rcgen::date_time_ymd(2090, 1, 1));
        let renamed = other.again(|params| params.distinguished_name = ca("x").distinguished_name);
        let [root, upper, lower, other, expired, renewed, renamed] =
            [root, upper, lower, other, expired, renewed, renamed].map(|made| made.certificate);
        let needs = |trusted: &Certificate| {
            let trusted = trusted.subject();
            Some(Replacement::NeedsChain { trusted })
        };
        let cut_off = || Some(Replacement::CutOff);
        for (old, new, expected) in [
            (vec![&other], vec![&other], None),
            (vec![&other], vec![&renewed], None),
            (vec![&other], vec![&renamed], cut_off()),
            (vec![&other], vec![&root], cut_off()),
            (vec![&other, &root], vec![&root], cut_off()),
            (vec![&other, &root], vec![&root, &renewed], None),
            (vec![&upper, &root], vec![&other, &root], needs(&root)),
            (vec![&root, &upper], vec![&root], needs(&root)),
            (vec![&upper, &root], vec![&other, &expired], cut_off()),
            (vec![&upper, &root], vec![&other], cut_off()),
            (vec![&lower, &upper], vec![&other, &upper], needs(&upper)),
            (vec![&lower, &upper], vec![&other, &root], needs(&root)),
            (vec![&lower], vec![&other, &root], cut_off()),
            (vec![], vec![&other], None),
        ] {
            let text = |all: &[&Certificate]| {
                let all: Vec<Certificate> = all.iter().copied().cloned().collect();
                all_pem(&all)
            };
            let found = replacement(text(&old).as_bytes(), text(&new).as_bytes(), clock::now());
            assert_eq!(found, expected, "{old:?} {new:?}");
        }
        assert_eq!(replacement(b"notes", b"", clock::now()), None);
    }
}
