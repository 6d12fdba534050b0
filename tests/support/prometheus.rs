//! Prometheus' text format, read by its Python client.

use std::path::Path;

use serde_json::Value;

use crate::{output::run, python::script, tool::Tool, verdict::Verdict};

/// Every sample in a file: its name, labels and value. Fails the test if the file is not in the
/// format, if the lines of a metric are not together, or if two samples have the same labels.
#[track_caller]
pub fn samples(file: &Path) -> Vec<Value> {
    let mut command = Tool::PYTHON.command();
    command
        .arg("-I")
        .arg(script("judge_prometheus.py"))
        .arg(file);
    let found = run(&mut command).expect_success().json();
    Verdict::from_json(&found).assert_accepted(file.display());
    let types = found["types"].as_object().expect("types of metrics");
    assert!(types.values().all(|kind| kind == "gauge"), "{types:?}");
    found["samples"].as_array().expect("samples").clone()
}
