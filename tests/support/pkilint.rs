//! pkilint as a judge: the requirements of RFC 5280 and its successors for the encoding of a
//! certificate.

use std::path::Path;

use serde_json::Value;

use crate::{output::run, tool::Tool};

/// A finding of pkilint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `ERROR`, `WARNING`, `NOTICE` or another one
    pub severity: String,
    /// Its name, such as `pkix.wrong_time_useful`
    pub code: String,
    /// Its place and reason
    pub message: String,
}

/// Runs `lint_pkix_cert lint`: returns all findings from a notice up.
#[must_use]
pub fn lint(certificate: &Path) -> Vec<Finding> {
    // The exit code is the number of findings.
    let output = run(Tool::PYTHON
        .command()
        .args(["-I", "-m", "pkilint.bin.lint_pkix_cert", "lint"])
        .args(["--severity", "NOTICE", "--format", "JSON"])
        .arg(certificate));
    let report = output.json();
    let results = report["results"].as_array().expect("a list of results");
    let mut findings = Vec::new();
    for result in results {
        for finding in result["finding_descriptions"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
            findings.push(Finding {
                severity: text("severity"),
                code: text("code"),
                message: format!("{}: {}", place(result), text("message")),
            });
        }
    }
    findings
}

fn place(result: &Value) -> &str {
    result["node_path"].as_str().unwrap_or_default()
}
