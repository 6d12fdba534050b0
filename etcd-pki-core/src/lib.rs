//! Keys, certificate requests, a CA and certificates for etcd, in pure Rust without OpenSSL.
//!
//! etcd secures two conversations: clients to a server, and member to member. This crate creates
//! the keys and certificates for both. Every common verifier accepts them: Go's `crypto/x509`,
//! which etcd uses, OpenSSL with `-x509_strict`, Python 3.13, GnuTLS, NSS and webpki.
//!
//! ```
//! use etcd_pki_core::{CaKind, CertificateAuthority, Identity, Layout, Role, Store};
//!
//! # let parent = tempfile::tempdir()?;
//! # let directory = parent.path().join("ssl");
//! let ca = CertificateAuthority::create("etcd-ca")?;
//! let etcd_1 = Identity::new("etcd-1")?.with_names(["etcd-1.lan", "10.0.0.11"])?;
//! let member = ca.issue(Role::Member, &etcd_1)?;
//! let client = ca.issue(Role::Client, Identity::new("backup")?)?;
//!
//! let store = Store::new(directory, Layout::Kubespray);
//! let files = store.lock()?;
//! files.write_ca(CaKind::Client, &ca, None)?; // ca.pem, ca-key.pem
//! files.write(&member)?; // member-etcd-1.pem, member-etcd-1-key.pem
//! files.write(&client)?; // client-backup.pem, client-backup-key.pem
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The main types
//!
//! - A [`CertificateAuthority`] issues a [`Bundle`] (a key and its [`Certificate`]), or signs a
//!   [`CertificateRequest`] for a key that stays where it is.
//! - An [`Identity`] is the host or user of a certificate. A [`Role`] is its purpose: a member
//!   accepts and opens connections, a node or client only opens them.
//! - A [`Verifier`](verify::Verifier) gives the verdict that etcd would give.
//! - A [`RevocationList`](x509::RevocationList) names the certificates that are refused, and
//!   [`trust::revocation`] keeps the lists of a directory.
//! - A [`Store`] is a directory with such files, in the [`Layout`] of Kubespray, kubeadm or another
//!   tool. [`Settings`](settings::Settings) are the options of etcd, etcdctl and kube-apiserver
//!   that name these files.
//! - A [`Cluster`] is the specification of a whole cluster, and a [`Plan`] the changes to a
//!   directory that it requires.
//! - A [`Rotation`](trust::Rotation) replaces a CA while all members accept each other.
//!
//! A role has good defaults. Where a function takes a `Role`, it also takes a [`Profile`], which
//! can change them:
//!
//! ```
//! use etcd_pki_core::{CertificateAuthority, Identity, KeyAlgorithm, Profile, Role, Validity};
//!
//! let five_years = Profile::ca().with_algorithm(KeyAlgorithm::EcP384).with_validity(Validity::years(5));
//! let ca = CertificateAuthority::create_with("etcd-ca", five_years)?;
//! let ninety_days = Role::Client.profile().with_validity(Validity::days(90));
//! let bundle = ca.issue(ninety_days, Identity::new("backup")?)?;
//! # let _ = bundle;
//! # Ok::<(), etcd_pki_core::Error>(())
//! ```
//!
//! Values are valid by construction: the signature of a request has been verified, the key of a
//! bundle matches its certificate, and an identity can be written into a certificate.
//!
//! # Signing requests
//!
//! The names and usages in a request are claims, and the caller of `sign` decides which to grant. A
//! caller who grants the requester's names does so explicitly ([`CertificateRequest::claimed`]).
//! Claims that were not granted are reported.
//!
//! ```
//! use etcd_pki_core::{CertificateAuthority, CertificateRequest, Identity, PrivateKey, Role};
//!
//! # let ca = CertificateAuthority::create("etcd-ca")?;
//! # let claims = Identity::from_common_name("root")?.with_organization("system:masters")?;
//! # let pem = CertificateRequest::create(&PrivateKey::generate()?, Role::Client, &claims)?.to_pem();
//! let request = CertificateRequest::from_pem(pem)?;
//!
//! let issued = ca.sign(&request, Role::Client, Identity::new("backup")?)?;
//! let refused: Vec<_> = issued.denied_claims().iter().map(ToString::to_string).collect();
//! assert_eq!(refused, ["organization system:masters", "common name root"]);
//!
//! let trusting = ca.sign(&request, Role::Client, request.claimed()?)?;
//! assert!(trusting.denied_claims().is_empty());
//! # Ok::<(), etcd_pki_core::Error>(())
//! ```
//!
//! # A CA key outside the process
//!
//! A [`Signer`](ca::Signer) signs with a key in a hardware module or another process. A
//! [`PrivateKey`] is a key in memory.
//!
//! # What it does not do
//!
//! It opens no TLS connections without the feature `probe`, has no ACME, and creates no certificates for the public web. It has
//! no post-quantum keys, since etcd has none. It runs on Unix-like systems only, because its rules
//! about file modes and links are theirs.
//!
//! This crate wipes its copies of private keys when they are dropped. Copies that its dependencies
//! make may remain: ring keeps copies of a number while it signs, and the `rsa` crate may leave a
//! prime in memory after it generates a key.
//!
//! # Features
//!
//! - `rsa` (default): generates RSA keys, and uses those with a size that is no multiple of 1024
//!   bits. Without it, existing RSA keys of 2048, 3072 and 4096 bits still work.
//! - `store` (default): layouts, directories, and plans of a whole cluster. Without it, this crate
//!   has keys, requests, CAs and verification, and fewer dependencies.
//! - `yaml` (default, needs `store`): reads and writes the specification of a cluster as YAML.
//!   Without it, serde reads a `ClusterSpec` in other formats.
//! - `probe` (needs `store`): asks running members over TLS which CAs they trust and what they serve.
//! - `rustls-pki-types`: conversions to the types of rustls.
//!
//! Types of `der`, `x509-cert` and `zeroize` are in public signatures: a new major version of one
//! of them is a new major version of this crate.

#![cfg_attr(
    not(feature = "store"),
    allow(dead_code, unused_imports, reason = "the modules for files use them")
)]

// The modules, foundations first: each uses only those above it.

mod der_writer;
pub mod error;
mod foreign;
mod limits;
mod pem;
mod signing;
mod text;
pub mod time;
mod uri;
mod words;

pub mod key;
pub mod role;
pub mod x509;

pub mod profile;
pub mod request;

pub mod finding;

pub mod verify;

pub mod ca;

#[cfg(feature = "store")]
mod foreign_names;
#[cfg(feature = "store")]
pub mod layout;
#[cfg(feature = "store")]
pub mod store;

#[cfg(feature = "store")]
pub mod inspect;

#[cfg(feature = "store")]
pub mod cluster;

#[cfg(feature = "probe")]
pub mod probe;

#[cfg(feature = "store")]
pub mod plan;

#[cfg(feature = "store")]
pub mod trust;

#[cfg(feature = "store")]
pub mod export;
#[cfg(feature = "store")]
pub mod kubespray;

#[cfg(feature = "store")]
pub mod adopt;
#[cfg(feature = "store")]
pub mod settings;

#[doc(hidden)]
pub mod internal;

#[cfg(test)]
mod test_certificates;

pub use crate::{
    ca::CertificateAuthority,
    error::{Error, Result},
    key::{KeyAlgorithm, Passphrase, PrivateKey, PublicKey},
    profile::Profile,
    request::CertificateRequest,
    role::Role,
    time::Validity,
    x509::{Bundle, Certificate, Identity},
};
#[cfg(feature = "store")]
pub use crate::{
    cluster::Cluster,
    layout::{CaKind, Layout},
    plan::Plan,
    store::Store,
};
