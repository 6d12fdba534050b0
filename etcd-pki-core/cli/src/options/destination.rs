//! The output files of a command.

use std::path::{Path, PathBuf};

use clap::Args;
use etcd_pki_core::internal::key_path_of;

use crate::{failure::Failure, files::Replacing, input::is_standard};

/// The output file of one result.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutOption {
    /// Write to this file instead of standard output
    #[arg(
        id = "out",
        short,
        long,
        value_name = "FILE",
        default_value = "-",
        hide_default_value = true
    )]
    pub(crate) path: PathBuf,
}

/// The output files of a key and of its certificate or request.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct PairOutOptions {
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write the new key to this file [default: x-key.pem next to -o x.pem, x.key next to
    /// -o x.crt]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_out: Option<PathBuf>,
}

impl PairOutOptions {
    /// The path of the certificate or request, and the path of the key.
    pub(crate) fn files(&self) -> Result<(PathBuf, PathBuf), Failure> {
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("-"));
        let key = self.key_out.clone().unwrap_or_else(|| key_beside(&out));
        if out == key && !is_standard(&out) {
            return Err(Failure::usage(
                format!("{} would be overwritten by its own key", out.display()),
                "give the key another name with --key-out",
            ));
        }
        Ok((out, key))
    }
}

/// `x-key.pem` for `x.pem`, `x.key` for `x.crt`; with no file, standard output.
pub(crate) fn key_beside(out: &Path) -> PathBuf {
    if is_standard(out) {
        return out.to_owned();
    }
    key_path_of(out)
}

/// Whether existing files are replaced.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ForceOption {
    /// Replace existing files. Of a CA, only the key is replaced, and only by the same key in
    /// another form
    #[arg(long)]
    force: bool,
}

impl ForceOption {
    pub(crate) fn replacing(&self) -> Replacing {
        if self.force {
            Replacing::Files
        } else {
            Replacing::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_beside_its_certificate() {
        for (out, key) in [
            ("x.pem", "x-key.pem"),
            ("a.b/x.y.pem", "a.b/x.y-key.pem"),
            ("a.b/x.y.crt", "a.b/x.y.key"),
            ("x.csr", "x-key.pem"),
            ("x", "x-key.pem"),
            ("-", "-"),
        ] {
            assert_eq!(key_beside(Path::new(out)), Path::new(key));
        }
    }
}
