//! Rotates a CA.
use etcd_pki_tests::{Scratch, command::etcd_pki_in};

/// A new CA may have one CA below it, so that a later rotation can use a link certificate.
#[test]
fn a_new_ca_can_be_linked() {
    let scratch = Scratch::new("rotation");
    let _ = etcd_pki_in(scratch.path(), "ca new -d p").expect_success();
    let shown = etcd_pki_in(scratch.path(), "ca show -d p --json").expect_success();
    assert!(shown.stdout().contains("\"path_length\": 1"), "{shown:?}");
}
