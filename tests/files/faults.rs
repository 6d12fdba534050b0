//! Where any system call that writes fails, a command that writes keys says so, loses and leaves
//! nothing, and the next one finishes.
//!
//! Each call fails once, with the errors in turn. `ETCD_PKI_TEST_FAULTS=all` lets each call fail
//! with each error.
#![allow(missing_docs, reason = "a test that cannot go on fails where it is")]

use std::env;

use etcd_pki_tests::sweep::{Disturbance, JOBS, sweep};

const ERRORS: [&str; 3] = ["ENOSPC", "EIO", "EACCES"];

#[test]
fn every_call_fails_once() {
    let all = env::var("ETCD_PKI_TEST_FAULTS").as_deref() == Ok("all");
    sweep(JOBS, &ERRORS.map(Disturbance::Error), all, 380);
}
