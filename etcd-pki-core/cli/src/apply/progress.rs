//! The bar that shows how far it is.

use std::{sync::OnceLock, time::Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal that has waited for a second.
pub(crate) fn progress(began: Instant) -> impl Fn(usize, usize) + Sync {
    let bar = OnceLock::new();
    move |done, all| {
        if began.elapsed().as_secs() < 1 && bar.get().is_none() {
            return;
        }
        // It draws on standard error, and only on a terminal
        let bar: &ProgressBar = bar.get_or_init(|| {
            let template = ProgressStyle::with_template("{bar:40} {pos} of {len}");
            ProgressBar::new(all as u64)
                .with_style(template.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done as u64);
        if done == all {
            bar.finish_and_clear();
        }
    }
}
