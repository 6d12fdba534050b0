//! Which CA certificates a host trusts: the user's fingerprints, and what a link certificate vouches for.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::fs;

use etcd_pki_core::Certificate;
use etcd_pki_tests::machines::{Machines, SPECIFICATION};
use serde_json::Value;

/// The exit code of a run on etcd-1, what it did, and its refusals.
fn apply(machines: &Machines, trust: &[String]) -> (i32, Value, Vec<String>) {
    let mut command = machines.command_trusting("apply", "etcd-1", trust);
    let output = command.arg("--json").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let facts: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{errors}"));
    let refused = facts["refused"].as_array().unwrap().iter();
    let refused = refused.map(|one| one["reason"].as_str().unwrap().to_owned());
    let (code, refused) = (output.status.code().unwrap(), refused.collect());
    (code, facts["done"].clone(), refused)
}

/// It may be misspelled, or that of another CA.
#[test]
fn a_fingerprint_of_no_certificate_is_refused() {
    let machines = Machines::installed(SPECIFICATION);
    let own = Certificate::from_bytes(&fs::read(machines.path("ca/ca.pem")).unwrap()).unwrap();
    let own = own.fingerprint_sha256();
    let others = ["0".repeat(64), "F".repeat(64)];
    let (code, _, refused) = apply(&machines, std::slice::from_ref(&own));
    assert_eq!(code, 0, "{refused:?}");
    // What is due is done
    machines.specify(&SPECIFICATION.replace("10.0.0.11", "10.0.0.11, 10.0.1.1"));
    let given = [others[0].clone(), own, others[1].clone()];
    let (code, done, refused) = apply(&machines, &given);
    assert_eq!((code, &done["requested"]), (1, &1.into()));
    assert_eq!(refused.len(), 2, "{refused:?}");
    for (reason, other) in refused.iter().zip(&others) {
        assert!(reason.contains(other), "{reason}");
    }
    // The CA in place counts also where nothing has arrived, or something damaged
    let arrived = machines.path("travel/etcd-1/ca.pem");
    let remove = || fs::remove_file(&arrived).unwrap();
    let damage = || fs::write(&arrived, "nonsense").unwrap();
    for change in [&damage as &dyn Fn(), &remove] {
        change();
        let (code, _, refused) = apply(&machines, &given);
        assert_eq!(code, 1);
        assert!(
            others
                .iter()
                .all(|other| refused.iter().any(|one| one.contains(other)))
        );
    }
}

/// The request comes first, and the CA's certificate later.
#[test]
fn a_fingerprint_may_be_given_before_a_ca_arrives() {
    let machines = Machines::new(SPECIFICATION);
    let (code, done, refused) = apply(&machines, &["0".repeat(64)]);
    assert_eq!((code, &done["requested"]), (0, &2.into()), "{refused:?}");
}
