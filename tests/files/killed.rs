//! Killed before any system call that writes, a command that writes keys loses and leaves nothing,
//! and the next one finishes.
#![allow(missing_docs, reason = "a test that cannot go on fails where it is")]

use etcd_pki_tests::sweep::{Disturbance, JOBS, sweep};

#[test]
fn killed_before_every_call() {
    sweep(JOBS, &[Disturbance::Kill], true, 380);
}
