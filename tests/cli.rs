//! The command, as users type it: each file in `cli/` is a session in a separate directory.

use std::{env, path::Path};

#[test]
fn sessions() {
    let binary = Path::new(env!("CARGO_BIN_EXE_etcd-pki"));
    let beside = binary.parent().unwrap_or(Path::new("."));
    let path = env::var("PATH").unwrap_or_default();
    let sessions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli/*.trycmd");
    trycmd::TestCases::new()
        .register_bin("etcd-pki", binary)
        // For sessions that need a shell, in which etcd-pki is found too: pipes, modes, the
        // environment
        .register_bin("sh", Path::new("/bin/sh"))
        .env("PATH", format!("{}:{path}", beside.display()))
        .env("NO_COLOR", "1")
        .case(sessions);
}
