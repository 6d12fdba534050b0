//! The native module of the Python package `etcd_pki`: what [`etcd_pki_core`] does, under the same words with Python's habits.
//!
//! It delegates and decides nothing. A file here is called after the core's whose types it wraps; what is between the two languages
//! alone is in `border`, `copying`, `described`, `error`, `facts`, `hash`, `interrupt`, `once`, `text`, `time` and `words`.

// Between the languages
mod border;
mod copying;
mod described;
mod error;
mod facts;
mod hash;
mod interrupt;
mod once;
mod text;
mod time;
mod words;

// What the core has
mod adopt;
mod authority;
mod bundle;
mod certificate;
mod check;
mod cluster;
mod command;
mod config;
mod export;
mod identity;
mod interpreter;
mod key;
mod kubespray;
mod layout;
mod plan;
mod profile;
mod request;
mod requests;
mod signer;
mod store;
mod verify;

#[pyo3::pymodule(gil_used = false)]
mod _etcd_pki {
    #[pymodule_export]
    use crate::{
        adopt::{PyAdoption, PyRemark},
        authority::{PyCertificateAuthority, PyIssued},
        bundle::PyBundle,
        certificate::PyCertificate,
        check::{PyCheck, PyChecked},
        cluster::{
            PyCluster, PyClusterAdmin, PyClusterAuthority, PyClusterDefaults, PyClusterEntry,
            PyClusterFiles, PyWanted,
        },
        command::run,
        config::PySettings,
        described::{PyCause, PyClaim, PyFinding, PyReason},
        export::PyExported,
        identity::PyIdentity,
        key::{PyPrivateKey, PyPublicKey},
        kubespray::PyKubesprayScript,
        layout::{PyPairPaths, ca_paths, member_client_paths, pair_paths, peer_pair_paths},
        plan::{PyPlan, PyReport, PyStep, PyValidityCut},
        profile::PyProfile,
        request::PyCertificateRequest,
        requests::{
            PyHostPlan, PyHostReport, PyHostStep, PyNotGranted, PyRefusal, PySigningPlan,
            PySigningReport, PySigningStep,
        },
        store::{PyLockedStore, PyStore, py_has_further_names, py_read_file, py_write_files},
        verify::{PyVerdict, PyVerifier},
    };

    /// The most that is read of a file, in bytes
    #[pymodule_export]
    const READ_LIMIT: u64 = etcd_pki_core::READ_LIMIT;

    /// The version of the package
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
