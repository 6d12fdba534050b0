//! Work on all cores that ends early.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::error::Result;

/// Does something with each, on all cores; the first that fails is the last that is begun. Gives each of those that were done with
/// what came of it, in their order, and how it ended.
pub(crate) fn until_failure<T: Send + Sync, R: Send>(
    all: Vec<T>,
    act: impl Fn(&T) -> Result<R> + Sync,
) -> (impl Iterator<Item = (T, R)>, Result<()>) {
    let failure = OnceLock::new();
    let done: Vec<Option<R>> = all
        .par_iter()
        .map(|one| {
            if failure.get().is_some() {
                return None;
            }
            // Of several that fail at once, one is told
            act(one).map_err(|error| failure.set(error)).ok()
        })
        .collect();
    let done = all.into_iter().zip(done);
    let done = done.filter_map(|(one, done)| Some((one, done?)));
    (done, failure.into_inner().map_or(Ok(()), Err))
}
