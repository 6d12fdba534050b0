//! The command is killed before each call that changes files. A command that writes keys loses no
//! key and leaves no temporary file, and the next command finishes the work.
#![allow(missing_docs, reason = "a test has no public items")]

use etcd_pki_tests::sweep::{Disturbance, JOBS, sweep};

#[test]
fn killed_before_every_call() {
    sweep(JOBS, &[Disturbance::Kill], true, 380);
}
