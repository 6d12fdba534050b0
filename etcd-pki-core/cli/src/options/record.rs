//! The record of what a CA issued.

use std::path::{Path, PathBuf};

use clap::Args;
use etcd_pki_core::store::{LockedStore, record_path};

use crate::input::is_standard;

/// `--no-record` of the commands that sign.
#[derive(Args)]
#[command(next_help_heading = "CA")]
pub(crate) struct RecordOption {
    /// Do not add the certificate to the record of the CA (`etcd-pki ca issued`)
    #[arg(long)]
    pub(crate) no_record: bool,
}

impl RecordOption {
    /// The locked directory, which records what is written unless the option is given.
    pub(crate) fn applied_to(&self, locked: LockedStore) -> LockedStore {
        if self.no_record {
            locked.without_record()
        } else {
            locked
        }
    }

    /// The certificate file of a CA if its record is next to it, for a CA that is named by its files.
    pub(crate) fn place_of(&self, certificate: &Path, key: &Path) -> Option<PathBuf> {
        if self.no_record || is_standard(certificate) {
            return None;
        }
        record_path(certificate, key).map(|_| certificate.to_owned())
    }
}
