//! How the carrying out of a plan ended. Where it failed in the middle, what was done before is told as if it were all, then that
//! there is a rest, and then the failure.

use std::collections::HashSet;

use etcd_pki_core::{Error, Unfinished};
use serde::Serialize;

use crate::failure::{Failure, Message};

/// What came of a plan.
pub(crate) struct Ended<R> {
    pub(crate) report: R,
    failed: Option<Failed>,
}

struct Failed {
    failure: Failure,
    /// The changes that were done, each by the file that stands for it
    done: HashSet<String>,
    all: usize,
}

/// That it failed in the middle, as JSON.
#[derive(Serialize)]
pub(crate) struct UnfinishedFacts {
    done: usize,
    all: usize,
    error: String,
    hint: Option<String>,
}

impl<R: Default + PartialEq> Ended<R> {
    pub(crate) fn of(
        ended: Result<R, Box<Unfinished<R>>>,
        failure: impl FnOnce(Error) -> Failure,
    ) -> Self {
        match ended {
            Ok(report) => Self {
                report,
                failed: None,
            },
            Err(unfinished) => {
                let done = unfinished.done.iter();
                Self {
                    failed: Some(Failed {
                        done: done.map(|file| file.display().to_string()).collect(),
                        all: unfinished.all,
                        failure: failure(unfinished.error),
                    }),
                    report: unfinished.report,
                }
            }
        }
    }

    /// Whether something was done. Otherwise the failure alone is told.
    pub(crate) fn has_done(&self) -> bool {
        self.failed.is_none() || self.report != R::default()
    }

    /// Whether the change that this file stands for is done.
    pub(crate) fn has(&self, file: &str) -> bool {
        let failed = self.failed.as_ref();
        failed.is_none_or(|failed| failed.done.contains(file))
    }

    /// `2 of 9 changes done; run it again for the rest`, where there is a rest.
    pub(crate) fn rest_in_words(&self) -> Option<String> {
        let Failed { done, all, .. } = self.failed.as_ref()?;
        let (done, plural) = (done.len(), if *all == 1 { "" } else { "s" });
        Some(format!(
            "{done} of {all} change{plural} done; run it again for the rest"
        ))
    }

    pub(crate) fn facts(&self) -> Option<UnfinishedFacts> {
        let Failed { failure, done, all } = self.failed.as_ref()?;
        Some(UnfinishedFacts::of(failure, done.len(), *all))
    }

    /// The failure if there was one; otherwise that of telling what was done, if there was one.
    pub(crate) fn outcome<T>(self, told: Result<T, Failure>) -> Result<T, Failure> {
        match self.failed {
            Some(failed) => Err(failed.failure),
            None => told,
        }
    }
}

impl UnfinishedFacts {
    pub(crate) fn of(failure: &Failure, done: usize, all: usize) -> Self {
        let Message { text, hint } = failure.message();
        Self {
            done,
            all,
            error: text,
            hint,
        }
    }
}

/// A line about a change, and the file that stands for it.
pub(crate) struct Line {
    pub(crate) file: String,
    pub(crate) text: String,
}
