//! Python as a judge of records.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{output::run, python::script, tool::Tool};

/// The name of the record of issued certificates, which is next to a CA's certificate.
pub const RECORD_FILE: &str = ".etcd-pki-issued.jsonl";

/// What Python reads in the record of a directory: the entries, whether each line has the hash of
/// the line before, and which of these certificate files have no entry.
#[must_use]
pub fn judge(directory: &Path, certificates: &[PathBuf]) -> Value {
    let mut command = Tool::PYTHON.command();
    command
        .arg("-I")
        .arg(script("judge_record.py"))
        .arg(directory.join(RECORD_FILE))
        .args(certificates);
    run(&mut command).expect_success().json()
}
