//! The programs that `tests/setup.sh` installs.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::etcd::environment;

/// No call of a judge takes a tenth of it, even on a busy machine.
const LIMIT_SECONDS: &str = "60";

/// A program, and the variable with its path.
///
/// The variables are those of the environment, or of the file `env` that `tests/setup.sh` writes.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    variable: &'static str,
    program: &'static str,
}

impl Tool {
    /// OpenSSL's command
    pub const OPENSSL: Self = Self::new("ETCD_PKI_TEST_OPENSSL", "openssl");
    /// GnuTLS's command
    pub const CERTTOOL: Self = Self::new("ETCD_PKI_TEST_CERTTOOL", "GnuTLS's certtool");
    /// NSS's command
    pub const CERTUTIL: Self = Self::new("ETCD_PKI_TEST_CERTUTIL", "NSS's certutil");
    /// Python with pyca/cryptography and pkilint
    pub const PYTHON: Self = Self::new("ETCD_PKI_TEST_PYTHON", "Python with its packages");
    /// tests/go/judge
    pub const GO_JUDGE: Self = Self::new("ETCD_PKI_TEST_GO_JUDGE", "the judge in Go");
    /// tests/go/storage
    pub const STORAGE: Self = Self::new("ETCD_PKI_TEST_STORAGE", "kube-apiserver's storage layer");
    /// etcd 3.4
    pub const ETCD_OLDEST: Self = Self::new("ETCD_PKI_TEST_ETCD_OLDEST", "the oldest etcd");
    /// etcdctl 3.4
    pub const ETCDCTL_OLDEST: Self =
        Self::new("ETCD_PKI_TEST_ETCDCTL_OLDEST", "the oldest etcdctl");
    /// etcd 3.5
    pub const ETCD_3_5: Self = Self::new("ETCD_PKI_TEST_ETCD_3_5", "etcd 3.5");
    /// etcdctl 3.5
    pub const ETCDCTL_3_5: Self = Self::new("ETCD_PKI_TEST_ETCDCTL_3_5", "etcdctl 3.5");
    /// etcd 3.7
    pub const ETCD_NEWEST: Self = Self::new("ETCD_PKI_TEST_ETCD_NEWEST", "the newest etcd");
    /// etcdctl 3.7
    pub const ETCDCTL_NEWEST: Self =
        Self::new("ETCD_PKI_TEST_ETCDCTL_NEWEST", "the newest etcdctl");

    /// Traces the system calls of a program, and disturbs them
    pub const STRACE: Self = Self::new("ETCD_PKI_TEST_STRACE", "strace");

    const SETPRIV: Self = Self::new("ETCD_PKI_TEST_SETPRIV", "setpriv");
    const TIMEOUT: Self = Self::new("ETCD_PKI_TEST_TIMEOUT", "timeout");

    const fn new(variable: &'static str, program: &'static str) -> Self {
        Self { variable, program }
    }

    /// The path of the program. If the program is missing, the test fails, and the message names it
    /// and the way to get it.
    #[must_use]
    pub fn path(self) -> PathBuf {
        let Self { variable, program } = self;
        let path = env::var_os(variable)
            .map(PathBuf::from)
            .or_else(|| prepared().get(variable).map(PathBuf::from))
            .unwrap_or_else(|| {
                panic!("{program} is missing ({variable} is not set): run tests/setup.sh")
            });
        assert!(
            path.is_file(),
            "{program} is missing ({variable} names {}, which is no file): run tests/setup.sh",
            path.display()
        );
        path
    }

    /// A command for the program with a time limit and English output.
    #[must_use]
    pub fn command(self) -> Command {
        let mut command = Command::new(Self::TIMEOUT.path());
        command
            .args(["--kill-after=5", LIMIT_SECONDS])
            .arg(self.path())
            .env("LC_ALL", "C");
        command
    }

    /// A server, which is killed when the thread that started it ends, even if the test panics, is
    /// killed, or forgets it.
    pub(crate) fn server(self) -> Command {
        let mut command = Command::new(Self::SETPRIV.path());
        command.args(["--pdeathsig", "KILL"]).arg(self.path());
        command
    }
}

/// The folder of tests/setup.sh: all programs that it installs, and all files that tests leave.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = tests
            .parent()
            .expect("the tests are a folder of the repository");
        let folder = env::var_os("ETCD_PKI_TEST_TOOLS").map(PathBuf::from);
        root.join(folder.unwrap_or_else(|| PathBuf::from("target/test-tools")))
    })
}

fn prepared() -> &'static BTreeMap<String, String> {
    static PREPARED: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let path = folder().join("env");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!(
                "the tests' programs are missing ({}: {error}): run tests/setup.sh",
                path.display()
            )
        });
        environment::parse(&text)
    })
}
