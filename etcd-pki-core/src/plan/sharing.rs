//! Keys that are in several pairs.

use std::collections::HashMap;

use crate::key::PublicKey;

/// Which pairs need a key of their own, because another has the same, or an authority (`taken`). Where a pair's key is a link to the other's (`is_link`), it
/// is the link that needs one: the pair that it leads to is as it should be.
pub(super) fn need_own_keys<'a>(
    taken: impl Iterator<Item = &'a PublicKey>,
    keys: impl Iterator<Item = Option<&'a PublicKey>> + Clone,
    is_link: impl Fn(usize) -> bool,
) -> Vec<usize> {
    let mut counts: HashMap<&PublicKey, usize> = HashMap::with_capacity(keys.size_hint().0);
    for key in taken.chain(keys.clone().flatten()) {
        *counts.entry(key).or_insert(0) += 1;
    }
    let shared: Vec<(usize, &PublicKey, bool)> = keys
        .enumerate()
        .filter_map(|(index, key)| Some((index, key?)))
        .filter(|(_, key)| counts.get(key).is_some_and(|count| *count > 1))
        .map(|(index, key)| (index, key, is_link(index)))
        .collect();
    for (_, key, _) in shared.iter().filter(|(_, _, is_link)| *is_link) {
        if let Some(count) = counts.get_mut(key) {
            *count -= 1;
        }
    }
    shared
        .into_iter()
        .filter(|(_, key, is_link)| *is_link || counts.get(key).is_some_and(|count| *count > 1))
        .map(|(index, ..)| index)
        .collect()
}
