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

/// Runs `certtool --verify-crl` for a list in PEM.
pub fn verify_revocation_list(ca: &Path, list: &Path) -> Verdict {
    let mut command = Tool::CERTTOOL.command();
    command
        .arg("--verify-crl")
        .arg("--load-ca-certificate")
        .arg(ca)
        .arg("--infile")
        .arg(list);
    run(&mut command).verdict()
}

/// Runs `certtool --crl-info` for a list in DER, and returns what it prints.
pub fn show_revocation_list(list: &Path) -> String {
    let mut command = Tool::CERTTOOL.command();
    command
        .args(["--crl-info", "--inder", "--infile"])
        .arg(list);
    run(&mut command).expect_success().stdout().to_owned()
}
