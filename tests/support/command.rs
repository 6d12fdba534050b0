//! The command `etcd-pki`, as users have it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::output::{Output, run};

/// The path of the command. It is built if necessary: cargo gives this path only to the tests of
/// the command's own package.
#[must_use]
pub fn etcd_pki() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let cargo = env::var_os("CARGO").expect("the tests are run by cargo");
        let _ = run(Command::new(cargo)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--quiet", "--locked", "--package", "etcd-pki"]))
        .expect_success();
        let test = env::current_exe().expect("where this test is");
        let deps = test.parent().and_then(Path::parent);
        let path = deps.expect("the folder above deps").join("etcd-pki");
        assert!(path.is_file(), "{} was not built", path.display());
        path
    })
}

/// Runs it in a directory with the arguments of this line.
#[must_use]
#[track_caller]
pub fn etcd_pki_in(directory: &Path, line: &str) -> Output {
    run(Command::new(etcd_pki())
        .current_dir(directory)
        .args(line.split_whitespace()))
}
