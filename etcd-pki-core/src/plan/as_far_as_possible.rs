//! Work on all cores of which one part may fail.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::error::{Error, Result};

/// Does something with each, on all cores. What fails holds up nothing else, unless it would fail for every other too. Gives each
/// of those that were done with what came of it, in their order, and how it ended: by the failure that concerns all, or by the
/// first.
pub(crate) fn as_far_as_possible<T: Send + Sync, R: Send>(
    all: Vec<T>,
    act: impl Fn(&T) -> Result<R> + Sync,
) -> (impl Iterator<Item = (T, R)>, Result<()>) {
    let is_over = AtomicBool::new(false);
    let ended: Vec<Option<Result<R>>> = all
        .par_iter()
        .map(|one| {
            if is_over.load(Ordering::Relaxed) {
                return None;
            }
            let ended = act(one);
            if ended.as_ref().is_err_and(Error::concerns_all) {
                is_over.store(true, Ordering::Relaxed);
            }
            Some(ended)
        })
        .collect();
    let mut done = Vec::with_capacity(all.len());
    let mut failures = Vec::new();
    for (one, ended) in all.into_iter().zip(ended) {
        match ended {
            Some(Ok(result)) => done.push((one, result)),
            Some(Err(error)) => failures.push(error),
            None => {}
        }
    }
    // A stable order: those that concern all before the others
    failures.sort_by_key(|error| !error.concerns_all());
    let first = failures.into_iter().next();
    (done.into_iter(), first.map_or(Ok(()), Err))
}
