//! GnuTLS's certtool as a judge.

use std::path::Path;

use crate::{output::run, tool::Tool, verdict::Verdict};

/// `id-kp-serverAuth` (RFC 5280, section 4.2.1.12)
pub const SERVER: &str = "1.3.6.1.5.5.7.3.1";
/// `id-kp-clientAuth`
pub const CLIENT: &str = "1.3.6.1.5.5.7.3.2";

/// Runs `certtool --verify` for a purpose, [`SERVER`] or [`CLIENT`], and for a name if one is
/// given.
pub fn verify(ca: &Path, certificate: &Path, purpose: &str, host: Option<&str>) -> Verdict {
    let mut command = Tool::CERTTOOL.command();
    command
        .args(["--verify", "--verify-profile", "medium"])
        .args(["--verify-purpose", purpose])
        .arg("--load-ca-certificate")
        .arg(ca)
        .arg("--infile")
        .arg(certificate);
    if let Some(host) = host {
        command.args(["--verify-hostname", host]);
    }
    run(&mut command).verdict()
}
