//! Work of which one part may fail.

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
    (done.into_iter(), first(failures))
}

/// Does something with each, one after the other. What fails holds up nothing else, as above.
pub(crate) fn one_after_another<T>(
    all: impl Iterator<Item = T>,
    mut act: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let mut failures = Vec::new();
    for one in all {
        if let Err(error) = act(one) {
            failures.push(error);
        }
        if failures.last().is_some_and(Error::concerns_all) {
            break;
        }
    }
    first(failures)
}

/// The failure that concerns all, or the first.
fn first(mut failures: Vec<Error>) -> Result<()> {
    // A stable order: those that concern all before the others
    failures.sort_by_key(|error| !error.concerns_all());
    failures.into_iter().next().map_or(Ok(()), Err)
}
