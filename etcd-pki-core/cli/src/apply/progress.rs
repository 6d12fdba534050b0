//! The progress bar.

use std::{path::Path, sync::OnceLock, time::Instant};

use etcd_pki_core::plan::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// A progress bar on a terminal. It appears after one second.
pub(crate) struct Bar {
    began: Instant,
    bar: OnceLock<ProgressBar>,
}

impl Bar {
    pub(crate) fn began(&self) -> Instant {
        self.began
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            bar: OnceLock::new(),
        }
    }
}

impl Progress for Bar {
    fn done(&self, done: usize, all: usize) {
        if self.began.elapsed().as_secs() < 1 && self.bar.get().is_none() {
            return;
        }
        // It draws on standard error, and only on a terminal
        let bar = self.bar.get_or_init(|| {
            let template = ProgressStyle::with_template("{bar:40} {pos} of {len}");
            ProgressBar::new(all as u64)
                .with_style(template.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done as u64);
        if done == all {
            bar.finish_and_clear();
        }
    }

    fn waits(&self, directory: &Path) {
        output::waiting_for(directory);
    }
}
