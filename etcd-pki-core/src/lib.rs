//! Keys, certificate requests, a certificate authority and certificates for etcd, in pure Rust: no OpenSSL, nothing to install.
//!
//! etcd secures two conversations, of clients with a server and of members with each other. This crate makes what both need,
//! so that every verifier takes it: Go's `crypto/x509` (which is etcd's), OpenSSL with `-x509_strict`, Python 3.13, GnuTLS, NSS,
//! webpki.
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
//! A [`CertificateAuthority`] issues a [`Bundle`], key and [`Certificate`] at once, or signs a [`CertificateRequest`] that somebody
//! else made for their own key. Who it is for is an [`Identity`], what it may do is a [`Role`]: a member serves and dials, a node
//! or client only dials. A [`Verifier`] gives the verdict that etcd would give. A [`Store`] is a directory of such files, in the
//! [`Layout`] of Kubespray or kubeadm, and [`Settings`] are what etcd, etcdctl and kube-apiserver must be told about it.
//!
//! The short form has good defaults, and the full form stands beside it: wherever a `Role` is taken, a [`Profile`] is too.
//!
//! ```
//! use etcd_pki_core::{CertificateAuthority, Identity, KeyAlgorithm, Profile, Role, Validity};
//!
//! let authority = Profile::authority().algorithm(KeyAlgorithm::EcP384).valid_for(Validity::years(5));
//! let ca = CertificateAuthority::create_with("etcd-ca", authority)?;
//! let ninety_days = Role::Client.profile().valid_for(Validity::days(90));
//! let bundle = ca.issue(ninety_days, Identity::new("backup")?)?;
//! # let _ = bundle;
//! # Ok::<(), etcd_pki_core::Error>(())
//! ```
//!
//! A value that exists is right: a request's own signature has been checked, a bundle's key matches its certificate, an identity
//! can be written into a certificate.
//!
//! # Somebody else's key
//!
//! What a request says of its maker are claims. The names come from whoever signs; to take the requester's is a word at the call
//! site, and what was claimed and not granted is told.
//!
//! ```
//! use etcd_pki_core::{CertificateAuthority, CertificateRequest, Identity, PrivateKey, Role};
//!
//! # let ca = CertificateAuthority::create("etcd-ca")?;
//! # let claims = Identity::from_common_name("root")?.with_organization("system:masters")?;
//! # let pem = CertificateRequest::create(&PrivateKey::generate()?, Role::Client, &claims)?.to_pem()?;
//! let request = CertificateRequest::from_pem(pem)?;
//!
//! let issued = ca.sign(&request, Role::Client, Identity::new("backup")?)?;
//! let refused: Vec<_> = issued.refused().iter().map(ToString::to_string).collect();
//! assert_eq!(refused, ["organization system:masters", "common name root"]);
//!
//! let trusting = ca.sign(&request, Role::Client, request.claimed()?)?;
//! assert!(trusting.refused().is_empty());
//! # Ok::<(), etcd_pki_core::Error>(())
//! ```
//!
//! # A key that is elsewhere
//!
//! A [`Signer`] lets the CA's key live in a hardware module or another process; a [`PrivateKey`] is the one in memory.
//!
//! # What it does not do
//!
//! It makes no TLS connections, speaks no ACME, and makes no certificates for the public web. It has no post-quantum keys, as
//! etcd has none. Private keys are wiped when they are dropped, as far as this crate holds them: ring keeps copies of a number
//! while it signs, and the `rsa` crate may leave a prime behind when it generates. It runs on Unix-like systems, for which the
//! rules about modes and links are made.
//!
//! # Features
//!
//! - `rsa` (default): generating RSA keys, and using those whose size is no multiple of 1024 bits. Without it, RSA keys of 2048,
//!   3072 and 4096 bits that exist are still used.
//! - `yaml` (default): reading the specification of a cluster from YAML, and writing it. Without it, serde reads a `ClusterSpec`
//!   in other formats.
//!
//! Types of `der`, `x509-cert` and `zeroize` stand in public signatures: a new major version of one of them is a new major
//! version of this crate.

// The modules, foundations first: each uses only those above it.

mod clock;
mod der_writer;
mod error;
mod foreign;
mod hex;
mod limits;
mod pem;
mod signing;
mod text;
mod uri;
mod words;

mod serial;
mod span;
mod threshold;
mod validity;

mod key;

mod extensions;
mod identity;

mod profile;
mod role;

mod certificate;
mod fingerprint;
mod request;

mod bundle;
mod signer;

mod finding;

pub mod verify;

mod authority;

mod foreign_names;
mod layout;
mod store;

pub mod inspect;

mod cluster;

pub mod plan;

mod export;
mod kubespray;

mod adopt;
mod config;

pub use crate::{
    adopt::{Adoption, Remark},
    authority::{CaRenewal, CertificateAuthority, Issued},
    bundle::Bundle,
    certificate::Certificate,
    clock::{check_clock, parse_rfc3339, rfc3339},
    cluster::{
        AdminSpec, CaFilesSpec, CaSpec, Cluster, ClusterSpec, CommonName, DefaultsSpec, Desired,
        DesiredCa, DesiredPair, EntrySpec, FilesSpec, Peers, RenewBefore,
    },
    config::Settings,
    error::{Error, Place, Position, Result},
    export::Exported,
    extensions::{ExtendedKeyUsage, KeyUsage},
    finding::{Entry, Facts, Finding, Severity},
    fingerprint::Fingerprint,
    identity::{AlternativeName, DnsName, Identity, Uri},
    inspect::{Check, Checked, KeyMatch},
    key::{KeyAlgorithm, KeyFormat, Passphrase, PrivateKey, PublicKey},
    kubespray::{KubesprayScript, MisplacedAddress},
    layout::{CaKind, Layout, PairPaths},
    plan::{ApplyOptions, Plan, PlanOptions, Report},
    profile::{AuthorityProfile, Profile},
    request::{CertificateRequest, Claim},
    role::{Compatibility, Role},
    serial::SerialNumber,
    signer::Signer,
    store::{
        LockedFiles, LockedStore, NewFile, Overwrite, READ_LIMIT, Store, has_further_names,
        read_authority, read_authority_to_renew, read_file, read_regular_file, write_files,
        write_files_with,
    },
    text::printable,
    threshold::Threshold,
    validity::Validity,
    verify::{Host, Verdict, Verifier},
};
