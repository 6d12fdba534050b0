//! A rotation that is killed at each write, or in which each write fails once. The next run
//! finishes the change, and no key is lost.
use etcd_pki_tests::sweep::{Disturbance, ROTATION, sweep};

#[test]
fn killed_at_each_call() {
    sweep(ROTATION, &[Disturbance::Kill], false, 80);
}

#[test]
fn every_call_fails_once() {
    let errors = ["ENOSPC", "EIO", "EACCES"].map(Disturbance::Error);
    sweep(ROTATION, &errors, false, 80);
}
