//! The current state of files, and every finding about them.
//!
//! This module is the only one that judges existing files: which CA signed a certificate, whether a
//! key matches, who can read a key, what etcd needs. Plans, checks, adoption, export and renewals ask
//! it, so the same files get the same answer everywhere.

mod ca;
mod check;
mod checked;
mod contents;
mod directory;
mod files;
pub(crate) mod issuer;
mod reading;
pub(crate) mod rules;
mod signers;
mod surroundings;

pub(crate) use self::{
    ca::CurrentCa,
    contents::key_path,
    directory::{OtherFile, recognize},
    files::{PairFiles, Part, Stamps, public},
};
pub use self::{
    check::Check,
    checked::Checked,
    directory::{CurrentPair, Directory, TrustBundle, directory},
    rules::KeyMatch,
};
