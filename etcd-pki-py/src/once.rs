//! Plans, each of which is carried out once.

use std::sync::{Mutex, PoisonError};

use etcd_pki_core::Error;
use pyo3::prelude::*;

use crate::{
    error::{Raise, state_error},
    interrupt::{ProgressArgument, Watch, watched},
};

/// A plan until it is carried out.
pub(crate) struct Once<T>(Mutex<Option<T>>);

impl<T: Send> Once<T> {
    pub(crate) fn new(plan: T) -> Self {
        Self(Mutex::new(Some(plan)))
    }

    /// Carries the plan out on what `prepare` gets ready for it. If that fails nothing has been done, and the plan stays.
    pub(crate) fn carry_out<R, P, E>(
        &self,
        py: Python<'_>,
        progress: Option<ProgressArgument>,
        prepare: impl FnOnce(&T, &Watch) -> Result<P, Error> + Send,
        apply: impl FnOnce(T, P, &Watch) -> Result<R, E> + Send,
    ) -> PyResult<R>
    where
        R: Send,
        E: From<Error> + Raise + Send,
    {
        let plan = self.replace(None);
        let plan = plan.ok_or_else(|| state_error("this plan has been carried out: plan anew"))?;
        watched(py, progress, |watch| match prepare(&plan, watch) {
            Ok(prepared) => apply(plan, prepared, watch),
            Err(error) => {
                self.replace(Some(plan));
                Err(error.into())
            }
        })
    }

    fn replace(&self, plan: Option<T>) -> Option<T> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut held, plan)
    }
}
