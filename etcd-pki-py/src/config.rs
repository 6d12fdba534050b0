//! The settings of etcd, etcdctl and kube-apiserver.

use std::path::PathBuf;

use etcd_pki_core::{Role, settings::Settings};
use pyo3::prelude::*;

use crate::{
    cluster::PyCluster, error::work, hash::hash_by_debug, store::PyStore, text::Text, words::Word,
};

/// Settings for one program, in its own format. `str` of it is text for a file or a shell: lines of
/// an `EnvironmentFile` for etcd, `export` lines for etcdctl, flags for kube-apiserver. Paths are
/// absolute.
#[pyclass(frozen, eq, hash, name = "Settings", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PySettings(Settings);

hash_by_debug!(PySettings);

#[pymethods]
impl PySettings {
    /// The `ETCD_*` lines of a member. They set its certificates for clients and for peers, and
    /// require a certificate from both. With `cluster`, `optional` has the names of all its
    /// members; without, it has names only if the directory has the certificates of several
    /// members. `at` is the directory of the files on the host, if it is another one there.
    #[staticmethod]
    #[pyo3(signature = (store, host, *, at=None, cluster=None))]
    fn etcd(
        py: Python<'_>,
        store: &Bound<'_, PyStore>,
        host: Text,
        at: Option<PathBuf>,
        cluster: Option<&Bound<'_, PyCluster>>,
    ) -> PyResult<Self> {
        let store = &store.get().0;
        let cluster = cluster.map(|cluster| cluster.get().specification());
        let settings = || match cluster {
            Some(cluster) => Settings::etcd_of(cluster, store, &host.0),
            None => Settings::etcd(store, &host.0),
        };
        work(py, settings).map(|settings| Self::of(settings, at))
    }

    /// The `ETCDCTL_*` exports that let etcdctl use a pair.
    #[staticmethod]
    #[pyo3(signature = (store, role, name, *, at=None))]
    fn etcdctl(
        py: Python<'_>,
        store: &Bound<'_, PyStore>,
        role: Word<Role>,
        name: Text,
        at: Option<PathBuf>,
    ) -> PyResult<Self> {
        let store = &store.get().0;
        let settings = work(py, || Settings::etcdctl(store, role.0, &name.0));
        settings.map(|settings| Self::of(settings, at))
    }

    /// The `ETCDCTL_*` exports for the client's pair that the layout's own tools expect next to a
    /// member.
    #[staticmethod]
    #[pyo3(signature = (store, host, *, at=None))]
    fn etcdctl_admin(
        py: Python<'_>,
        store: &Bound<'_, PyStore>,
        host: Text,
        at: Option<PathBuf>,
    ) -> PyResult<Self> {
        let store = &store.get().0;
        let settings = work(py, || Settings::etcdctl_admin(store, &host.0));
        settings.map(|settings| Self::of(settings, at))
    }

    /// The flags of kube-apiserver for its connection to etcd, with a node's pair.
    #[staticmethod]
    #[pyo3(signature = (store, host, *, at=None))]
    fn apiserver(
        py: Python<'_>,
        store: &Bound<'_, PyStore>,
        host: Text,
        at: Option<PathBuf>,
    ) -> PyResult<Self> {
        let store = &store.get().0;
        let settings = work(py, || Settings::apiserver(store, &host.0));
        settings.map(|settings| Self::of(settings, at))
    }

    /// Names and values, unquoted.
    #[getter]
    fn entries(&self) -> Vec<(String, String)> {
        self.0.entries().to_vec()
    }

    /// Names and values of optional settings, unquoted. With `ETCD_PEER_CERT_ALLOWED_CN` a member
    /// accepts only the common names of members from peers.
    #[getter]
    fn optional(&self) -> Vec<(String, String)> {
        self.0.optional().cloned().collect()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        let names: Vec<&str> = self
            .0
            .entries()
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        format!("<Settings {}>", names.join(", "))
    }
}

impl PySettings {
    /// The settings for a host with its files in the directory `at`.
    fn of(settings: Settings, at: Option<PathBuf>) -> Self {
        Self(match at {
            Some(directory) => settings.with_directory(directory),
            None => settings,
        })
    }
}
