//! A run on a host that trusts CAs by their fingerprints.

use etcd_pki_tests::machines::Machines;
use serde_json::Value;

/// Returns the exit code of a run on etcd-1, its changes, and its refusals.
pub(crate) fn apply(machines: &Machines, trust: &[String]) -> (i32, Value, Vec<String>) {
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
