//! The command `etcd-pki`, as a user has it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::output::{Output, run};

/// Where the command is. It is built if need be: cargo tells only its own package's tests where it
/// is.
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
