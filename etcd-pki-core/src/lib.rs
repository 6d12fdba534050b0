//! etcd-pki
#![allow(dead_code)]

// What goes wrong, for every module
mod error;

// Private seams
mod clock;
mod hex;
mod pem;
mod signing;

// What things are
mod bundle;
mod certificate;
mod extensions;
mod identity;
mod key;
mod request;
mod role;
mod serial;
mod validity;

// Who makes them
mod authority;
mod verify;

// Where they live
mod layout;
mod store;

// What operators set
mod config;
mod signer;

pub use crate::{
    authority::{CertificateAuthority, Issued},
    bundle::Bundle,
    certificate::Certificate,
    clock::rfc3339,
    config::Settings,
    error::{Error, Place, Result},
    extensions::{ExtendedKeyUsage, KeyUsage},
    identity::{AlternativeName, DnsName, Identity, Uri},
    key::{KeyAlgorithm, KeyFormat, Passphrase, PrivateKey, PublicKey},
    layout::{Layout, PairPaths},
    request::{CertificateRequest, Claim},
    role::{AuthorityProfile, Compatibility, Profile, Role},
    serial::SerialNumber,
    signer::Signer,
    store::{LockedStore, NewFile, Overwrite, Store, read_authority, read_file, write_files},
    validity::Validity,
    verify::{Host, Reason, Verdict, Verifier},
};
