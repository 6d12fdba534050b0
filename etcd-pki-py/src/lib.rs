//! The native module of the Python package `etcd_pki`: [`etcd_pki_core`] with the conventions of
//! Python.
//!
//! It delegates and decides nothing. A file has the name of the core module that it wraps. The
//! conversions between the two languages are only in `border`, `copying`, `error`, `hash`, `hint`,
//! `interpreter`, `interrupt`, `text`, `time` and `words`.

// The conversions between the languages
mod border;
mod copying;
mod enumerations;
mod error;
mod hash;
mod hint;
mod interpreter;
mod interrupt;
mod text;
mod time;
mod words;

// The modules of the core
mod adopt;
mod bundle;
mod ca;
mod certificate;
mod check;
mod claim;
mod cluster;
mod command;
mod config;
mod export;
mod files;
mod finding;
mod identity;
mod inspect;
mod key;
mod kubespray;
mod layout;
mod plan;
mod profile;
mod record;
mod request;
mod revocation;
mod signer;
mod store;
mod trust;
mod verify;

#[pyo3::pymodule(gil_used = false)]
mod _etcd_pki {
    #[pymodule_export]
    use crate::{
        adopt::{PyAdoption, PyRemark},
        bundle::PyBundle,
        ca::{PyCertificateAuthority, PyIssued},
        certificate::PyCertificate,
        check::{PyCheck, PyChecked},
        claim::PyClaim,
        cluster::{
            PyCluster, PyClusterAdmin, PyClusterCa, PyClusterDefaults, PyClusterEntry,
            PyClusterFiles, PyClusterRevoked, PyDesired, PyDesiredCa, PyDesiredPair,
            PyMemberEndpoints,
        },
        command::run,
        config::PySettings,
        export::{PyExportChanges, PyExportFile, PyExported},
        files::{
            PyInstalled, install_certificate, py_has_further_names, py_read_file,
            py_staged_key_path, py_write_files,
        },
        finding::PyFinding,
        identity::PyIdentity,
        inspect::{PyCurrentPair, PyDirectory, PyTrustBundle, inspect_ca, inspect_directory},
        key::{PyPrivateKey, PyPublicKey},
        kubespray::PyKubesprayScript,
        layout::{PyPairPaths, ca_paths, member_client_paths, pair_paths, peer_pair_paths},
        plan::{
            PyDeniedClaims, PyPlan, PyRefusal, PyRenewal, PyReport, PyShortenedValidity, PyStep,
            PyStepReport,
        },
        profile::PyProfile,
        record::{
            PyRecord, PyRecordDamage, PyRecordEntry, PyRecordedCa, py_record_issued, py_record_path,
        },
        request::PyCertificateRequest,
        revocation::{PyChangedLists, PyRevocationList, PyRevoked, PyRevokedCertificate},
        store::{PyLockedStore, PyStore},
        trust::{PyGate, PyMemberState, PyRotation},
        verify::{PyVerdict, PyVerifier},
    };

    /// The largest size of a file that is read, in bytes
    #[pymodule_export]
    const READ_LIMIT: u64 = etcd_pki_core::internal::READ_LIMIT;

    /// The version of the package
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
