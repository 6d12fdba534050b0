//! The command `etcd-pki`.

use rustix::process::{Resource, Rlimit, setrlimit};

fn main() -> std::process::ExitCode {
    keep_memory_private();
    etcd_pki::run(std::env::args_os()).into()
}

/// Keeps the keys in this process's memory out of core files, and away from other processes of the
/// same user. The library does not do this, because inside Python the process belongs to another
/// program.
fn keep_memory_private() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // If the system refuses, the keys are no less safe than before, and the command still works
    let _ = setrlimit(Resource::Core, none);
    // A core that is piped to a program has no limit (core(5)), and a debugger needs none: this
    // covers both (prctl(2))
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
