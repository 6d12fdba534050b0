//! Each call of a command that changes files fails once. A command that writes keys reports the
//! failure, loses no key and leaves no temporary file, and the next command finishes the work.
//!
//! Each call fails once, with one of the errors in turn. With `ETCD_PKI_TEST_FAULTS=all`, each call
//! fails with each error.
#![allow(missing_docs, reason = "a test has no public items")]

use std::env;

use etcd_pki_tests::sweep::{Disturbance, JOBS, sweep};

const ERRORS: [&str; 3] = ["ENOSPC", "EIO", "EACCES"];

#[test]
fn every_call_fails_once() {
    let all = env::var("ETCD_PKI_TEST_FAULTS").as_deref() == Ok("all");
    sweep(JOBS, &ERRORS.map(Disturbance::Error), all, 380);
}
