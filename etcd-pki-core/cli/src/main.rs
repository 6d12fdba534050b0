//! The command `etcd-pki`.

fn main() -> std::process::ExitCode {
    etcd_pki::run(std::env::args_os()).into()
}
