//! A plan that was not carried out to its end.

use std::{fmt, path::PathBuf};

use crate::error::{Error, Result};

/// What ended the carrying out of a plan, and what was done before. That is whole, and the next plan finds the rest.
///
/// Where only the error matters, `?` makes an [`Error`] of it.
///
/// ```
/// use etcd_pki_core::{Cluster, Error, Identity, Layout, Store};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// # std::fs::create_dir(&directory)?;
/// # std::os::unix::fs::symlink("elsewhere", directory.join("client-root.pem"))?;
/// let cluster = Cluster::builder().clients([Identity::new("root")?]).build()?;
/// let store = Store::new(&directory, Layout::Kubespray);
///
/// // In the place of the client's certificate there is a link, which is not followed
/// let unfinished = cluster.plan(&store)?.apply(&store.lock()?, None, |_, _| ()).unwrap_err();
/// assert!(matches!(unfinished.error, Error::SymbolicLink { .. }));
/// assert_eq!(unfinished.done, [directory.join("ca.pem")]);
/// assert_eq!((unfinished.report.created, unfinished.all), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Unfinished<R> {
    /// What was done
    pub report: R,
    /// Which changes were done, in the order of the plan: for each the file of its certificate, or of its request where requests
    /// are signed
    pub done: Vec<PathBuf>,
    /// How many changes were to be done; 0 if it ended before that was known
    pub all: usize,
    /// What ended it; where several changes failed, the first of them in the order of the plan
    pub error: Error,
}

impl<R> fmt::Display for Unfinished<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        match (self.done.len(), self.all) {
            (_, 0) => Ok(()),
            (done, all) => write!(f, " ({done} of {all} changes done)"),
        }
    }
}

impl<R: fmt::Debug> std::error::Error for Unfinished<R> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Its own text is told already
        self.error.source()
    }
}

impl<R> From<Box<Unfinished<R>>> for Error {
    fn from(unfinished: Box<Unfinished<R>>) -> Self {
        unfinished.error
    }
}

impl<R: Default> From<Error> for Box<Unfinished<R>> {
    /// What failed before anything was done.
    fn from(error: Error) -> Self {
        Self::new(Unfinished {
            report: R::default(),
            done: Vec::new(),
            all: 0,
            error,
        })
    }
}

/// What is done so far of a plan that is being carried out.
#[derive(Default)]
pub(crate) struct Done<R> {
    pub(crate) report: R,
    pub(crate) files: Vec<PathBuf>,
}

impl<R> Done<R> {
    /// What came of it, by how it ended.
    pub(crate) fn end(
        self,
        all: usize,
        ended: Result<()>,
    ) -> std::result::Result<R, Box<Unfinished<R>>> {
        let Self { report, files } = self;
        match ended {
            Ok(()) => Ok(report),
            Err(error) => Err(Box::new(Unfinished {
                report,
                done: files,
                all,
                error,
            })),
        }
    }
}
