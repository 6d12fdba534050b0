//! kube-apiserver's storage layer as a client of etcd.

use crate::{credentials::Credentials, output::run, tool::Tool, verdict::Verdict};

/// Writes an object and reads it back, as kube-apiserver does with `--etcd-cafile`,
/// `--etcd-certfile` and `--etcd-keyfile`.
pub fn write_and_read(endpoints: &str, credentials: &Credentials) -> Verdict {
    let mut command = Tool::STORAGE.command();
    command.args(["-endpoints", endpoints, "-ca"]);
    command.arg(&credentials.ca);
    if let Some(pair) = &credentials.pair {
        command.arg("-cert").arg(&pair.certificate);
        command.arg("-key").arg(&pair.key);
    }
    run(&mut command).verdict()
}
