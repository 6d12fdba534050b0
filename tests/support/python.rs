//! CPython's `ssl` as a judge.

use std::path::{Path, PathBuf};

use crate::{credentials::Credentials, output::run, tool::Tool, verdict::Verdict};

/// A handshake between two Python programs that both require a certificate and check it with
/// `VERIFY_X509_STRICT`; the client connects to the server as `host`.
pub fn handshake(server: &Credentials, client: &Credentials, host: &str) -> Verdict {
    let mut command = Tool::PYTHON.command();
    command
        .arg("-I")
        .arg(script("judge_ssl.py"))
        .args(["--host", host]);
    for (side, credentials) in [("server", server), ("client", client)] {
        command.arg(format!("--{side}-ca")).arg(&credentials.ca);
        if let Some(pair) = &credentials.pair {
            command.arg(format!("--{side}-cert")).arg(&pair.certificate);
            command.arg(format!("--{side}-key")).arg(&pair.key);
        }
    }
    Verdict::from_json(&run(&mut command).expect_success().json())
}

/// The path of a script of tests/python.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("python")
        .join(name)
}
