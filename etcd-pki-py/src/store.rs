//! A directory with certificates in a layout.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use etcd_pki_core::{
    CaKind, Layout, Result, Store,
    store::{LockedStore, StoreAt},
    trust,
    x509::RevocationReason,
};
use pyo3::{prelude::*, types::PyType};

use crate::{
    bundle::PyBundle,
    ca::PyCertificateAuthority,
    certificate::{Certificates, PyCertificate},
    cluster::PyCluster,
    error::{OrRaise as _, state_error, work},
    files::overwriting,
    interpreter,
    interrupt::locked,
    layout::PyPairPaths,
    record::PyRecord,
    revocation::{
        self, ListOptions, PyChangedLists, PyRevocationList, PyRevokedCertificate, Revocable,
        SerialArgument,
    },
    text::{Listed, PassphraseArgument, Text},
    time::{Instant, ValidityArgument, instant},
    words::Word,
};

const LET_GO: &str = "the directory's lock was released: take it again with Store.lock()";

/// A directory of keys and certificates, in a layout. It need not exist yet.
///
/// `directory` is its path, and `layout` that of its files, Kubespray's by default.
///
/// >>> from etcd_pki import CertificateAuthority, Role, Store
/// >>> store = Store("pki")
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> with store.lock() as files:
/// ...     files.write_ca(ca)
/// ...     written = files.write(ca.issue(Role.CLIENT, "backup"))
/// >>> written[0].certificate.name
/// 'client-backup.pem'
/// >>> store.ca().certificate == ca.certificate
/// True
#[pyclass(frozen, name = "Store", module = "etcd_pki")]
pub(crate) struct PyStore(pub(crate) Store);

#[pymethods]
impl PyStore {
    #[new]
    #[pyo3(
        signature = (directory, *, layout=Word(Layout::Kubespray)),
        text_signature = "(directory, *, layout='kubespray')"
    )]
    fn new(directory: PathBuf, layout: Word<Layout>) -> Self {
        Self(Store::new(directory, layout.0))
    }

    /// The directory.
    #[getter]
    fn directory(&self) -> PathBuf {
        self.0.directory().to_owned()
    }

    /// The layout.
    #[getter]
    fn layout(&self) -> Word<Layout> {
        Word(self.0.layout())
    }

    /// The paths of a CA, which need not exist.
    #[pyo3(signature = (kind=Word(CaKind::Client)), text_signature = "($self, kind='client')")]
    fn ca_paths(&self, kind: Word<CaKind>) -> PyPairPaths {
        PyPairPaths(self.0.ca_paths(kind.0))
    }

    /// The paths of the revocation lists, which need not exist: `revoked.crl` for etcd, and
    /// `revoked.pem` for other programs.
    fn list_paths(&self) -> (PathBuf, PathBuf) {
        let paths = self.0.list_paths();
        (paths.der, paths.pem)
    }

    /// The list `revoked.crl`, which a CA of the directory signed; `None` if there is none.
    fn revocation_list(&self, py: Python<'_>) -> PyResult<Option<PyRevocationList>> {
        let list = work(py, || trust::revocation::read(&self.0))?;
        Ok(list.map(PyRevocationList))
    }

    /// The revoked certificates of the directory, with what is known about them.
    fn revoked_certificates(&self, py: Python<'_>) -> PyResult<Vec<PyRevokedCertificate>> {
        let entries = work(py, || trust::revocation::entries(&self.0))?;
        Ok(revocation::all(&entries))
    }

    /// Loads a CA from its certificate and key. An encrypted key needs its passphrase. The CA
    /// refuses the common names of the directory's members to nodes and clients. `for_renewal=True`
    /// loads it even if it has expired, so that it can be renewed. `now` is the time at which it
    /// must be valid.
    #[pyo3(
        signature = (kind=Word(CaKind::Client), *, passphrase=None, for_renewal=false, now=None),
        text_signature = "($self, kind='client', *, passphrase=None, for_renewal=False, now=None)"
    )]
    fn ca(
        &self,
        py: Python<'_>,
        kind: Word<CaKind>,
        passphrase: Option<PassphraseArgument>,
        for_renewal: bool,
        now: Option<Instant>,
    ) -> PyResult<PyCertificateAuthority> {
        let load = if for_renewal {
            StoreAt::ca_for_renewal
        } else {
            StoreAt::ca
        };
        let passphrase = passphrase.as_deref();
        let store = self.0.at(instant(now));
        work(py, || load(&store, kind.0, passphrase)).map(PyCertificateAuthority::new)
    }

    /// Whether the layout has a leaf's certificate under this name in the directory. The directory
    /// can have other files too.
    fn is_named(&self, path: PathBuf) -> bool {
        self.0.is_named(&path)
    }

    /// The path of the record of what the directory's CAs issued. The file need not exist.
    #[getter]
    fn record_path(&self) -> PathBuf {
        self.0.record_path()
    }

    /// Reads the record of what the directory's CAs issued, and checks the links of its lines;
    /// `None` if there is no record. A damaged record is no error.
    fn record(&self, py: Python<'_>) -> PyResult<Option<PyRecord>> {
        Ok(work(py, || self.0.record())?.map(PyRecord))
    }

    /// The other layout, if the directory has more files of it than of this one's; and one of those
    /// files.
    fn other_layout(&self, py: Python<'_>) -> Option<(PathBuf, Word<Layout>)> {
        let (file, layout) = interpreter::without(py, || self.0.other_layout())?;
        Some((file, Word(layout)))
    }

    /// The files with certificates, by name, each with its first certificate.
    fn certificates(&self, py: Python<'_>) -> PyResult<Vec<(PathBuf, PyCertificate)>> {
        let found = work(py, || self.0.certificates())?.into_iter();
        Ok(found
            .map(|(path, certificate)| (path, PyCertificate(certificate)))
            .collect())
    }

    /// The common names of the members with a certificate in the directory. A CA that `ca` loads
    /// refuses them to nodes and clients.
    fn member_common_names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        work(py, || self.0.member_common_names())
    }

    /// Whether a certificate of this CA is trusted wherever the directory's CA is: it is the same
    /// CA, with this certificate or another, or it is below that CA. `None` if the directory has no
    /// CA certificate.
    fn trusts(
        &self,
        py: Python<'_>,
        ca: &Bound<'_, PyCertificateAuthority>,
    ) -> PyResult<Option<bool>> {
        let ca = ca.get().get();
        work(py, || self.0.trusts(ca))
    }

    /// Takes the directory's lock, and creates the directory if it is missing. While another
    /// etcd-pki holds the lock, this waits up to a minute, or until Ctrl-C. `with` releases it.
    fn lock(&self, py: Python<'_>) -> PyResult<PyLockedStore> {
        let locked = locked(py, &self.0)?;
        Ok(PyLockedStore {
            files: Mutex::new(Some(locked)),
            told: told(&self.0),
        })
    }

    fn __repr__(&self) -> String {
        format!("<Store {}>", told(&self.0))
    }
}

/// A directory whose lock is held, so that no other etcd-pki writes to it.
#[pyclass(frozen, name = "LockedStore", module = "etcd_pki")]
pub(crate) struct PyLockedStore {
    files: Mutex<Option<LockedStore>>,
    /// The description of the directory, available without waiting for a thread that writes there
    told: String,
}

#[pymethods]
impl PyLockedStore {
    /// Writes a bundle that a CA issued under its role and name: the certificate with its chain,
    /// mode 0644, and the key, mode 0600. Existing files are not replaced. Returns the paths. If a
    /// CA of the directory signed it, it is added to the record first.
    fn write(&self, py: Python<'_>, bundle: &Bound<'_, PyBundle>) -> PyResult<Vec<PyPairPaths>> {
        let bundle = bundle.get().get();
        let written = self.with(py, |files| files.write(bundle))?;
        Ok(PyPairPaths::all(written))
    }

    /// Writes bundles, each to the files of its pair below the directory: all of them or none.
    #[pyo3(signature = (bundles, *, overwrite=false))]
    fn write_pairs(
        &self,
        py: Python<'_>,
        bundles: Listed<(Py<PyBundle>, Py<PyPairPaths>)>,
        overwrite: bool,
    ) -> PyResult<()> {
        self.with(py, |files| {
            let pairs: Vec<_> = bundles
                .0
                .iter()
                .map(|(bundle, pair)| (bundle.get().get(), &pair.get().0))
                .collect();
            files.write_pairs(&pairs, overwriting(overwrite))
        })
    }

    /// Writes a new CA: its certificate, mode 0644, and its key, mode 0600, encrypted if there is a
    /// passphrase. Existing files are not replaced.
    #[pyo3(
        signature = (ca, *, kind=Word(CaKind::Client), passphrase=None),
        text_signature = "($self, ca, *, kind='client', passphrase=None)"
    )]
    fn write_ca(
        &self,
        py: Python<'_>,
        ca: &Bound<'_, PyCertificateAuthority>,
        kind: Word<CaKind>,
        passphrase: Option<PassphraseArgument>,
    ) -> PyResult<()> {
        let (ca, passphrase) = (ca.get().get(), passphrase.as_deref());
        self.with(py, |files| files.write_ca(kind.0, ca, passphrase))
    }

    /// Writes a new CA and replaces the old one. A host that trusts only the new CA accepts nothing
    /// that the old one signed. The old files are kept as `ca-replaced-SERIAL.pem` and
    /// `ca-replaced-SERIAL-key.pem`, or under the layout's names for these. Returns their paths.
    #[pyo3(
        signature = (ca, *, kind=Word(CaKind::Client), passphrase=None),
        text_signature = "($self, ca, *, kind='client', passphrase=None)"
    )]
    fn replace_ca(
        &self,
        py: Python<'_>,
        ca: &Bound<'_, PyCertificateAuthority>,
        kind: Word<CaKind>,
        passphrase: Option<PassphraseArgument>,
    ) -> PyResult<Option<PyPairPaths>> {
        let (ca, passphrase) = (ca.get().get(), passphrase.as_deref());
        let kept = self.with(py, |files| files.replace_ca(kind.0, ca, passphrase))?;
        Ok(kept.map(PyPairPaths))
    }

    /// Replaces the certificate of an existing CA with the renewed one, which has the same key. The
    /// rest of the trust bundle stays.
    #[pyo3(
        signature = (ca, *, kind=Word(CaKind::Client)),
        text_signature = "($self, ca, *, kind='client')"
    )]
    fn renew_ca(
        &self,
        py: Python<'_>,
        ca: &Bound<'_, PyCertificateAuthority>,
        kind: Word<CaKind>,
    ) -> PyResult<()> {
        let ca = ca.get().get();
        self.with(py, |files| files.renew_ca(kind.0, ca))
    }

    /// Whether a certificate in the directory names a CA by its serial number, so that the CA has
    /// to keep the number when it is renewed.
    fn names_ca_by_serial(&self, py: Python<'_>, ca: &Bound<'_, PyCertificate>) -> PyResult<bool> {
        let ca = &ca.get().0;
        self.with(py, |files| files.names_ca_by_serial(ca))
    }

    /// From now on, adds no certificate to the record of the directory's CAs. The record then has a
    /// gap that nothing shows.
    fn without_record(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
        let files = slf.get();
        interpreter::without(py, || {
            let mut held = files.held();
            let locked = held.take().ok_or_else(|| state_error(LET_GO))?;
            *held = Some(locked.without_record());
            Ok::<_, PyErr>(())
        })?;
        Ok(slf)
    }

    /// Writes revocation lists without certificates: `revoked.crl` and `revoked.pem`. etcd can then
    /// be started with the list before it is needed. The next update is due after `validity`, 90
    /// days by default.
    #[pyo3(signature = (*, validity=None, passphrase=None, now=None))]
    fn create_revocation_lists(
        &self,
        py: Python<'_>,
        validity: Option<ValidityArgument>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<PyChangedLists> {
        let options = ListOptions {
            passphrase,
            validity,
            now,
        };
        self.with(py, |files| {
            options.change(None, files, |revocation, files| revocation.create(files))
        })
    }

    /// Revokes certificates: adds them to the lists, and creates missing lists. etcd refuses new
    /// connections with them, and open connections stay open. `clients` and `hosts` are names: all
    /// of their certificates in the directory are revoked. A number of `serials` need not be in the
    /// directory. With `required`, a `Cluster`, certificates that it requires are refused.
    #[pyo3(
        signature = (
            certificates=Certificates(Vec::new()), *, serials=Listed::default(), clients=Listed::default(), hosts=Listed::default(),
            reason=None, required=None, validity=None, passphrase=None, now=None
        ),
        text_signature = "($self, certificates=(), *, serials=(), clients=(), hosts=(), reason=None, required=None, validity=None, \
            passphrase=None, now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn revoke(
        &self,
        py: Python<'_>,
        certificates: Certificates,
        serials: Listed<SerialArgument>,
        clients: Listed<Text>,
        hosts: Listed<Text>,
        reason: Option<Word<RevocationReason>>,
        required: Option<&Bound<'_, PyCluster>>,
        validity: Option<ValidityArgument>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<PyChangedLists> {
        let options = ListOptions {
            passphrase,
            validity,
            now,
        };
        let revocable = Revocable {
            certificates,
            serials,
            clients,
            hosts,
        };
        let (targets, required) = (revocable.targets(), required.map(Bound::get));
        let reason = reason.map(|Word(reason)| reason);
        self.with(py, |files| {
            options.change(required, files, |revocation, files| {
                revocation.revoke(files, &targets, reason)
            })
        })
    }

    /// Signs the revocation lists again, so that their next update is due later. Entries of
    /// certificates that expired more than a day ago are dropped.
    #[pyo3(signature = (*, validity=None, passphrase=None, now=None))]
    fn renew_revocation_lists(
        &self,
        py: Python<'_>,
        validity: Option<ValidityArgument>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<PyChangedLists> {
        let options = ListOptions {
            passphrase,
            validity,
            now,
        };
        self.with(py, |files| {
            options.change(None, files, |revocation, files| revocation.renew(files))
        })
    }

    fn __enter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
        let files = slf.get();
        // The interpreter lock is released first: the thread that writes may need it
        let is_held = interpreter::without(py, || files.held().is_some());
        is_held.then_some(slf).ok_or_else(|| state_error(LET_GO))
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: Option<&Bound<'_, PyType>>,
        _error: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) {
        interpreter::without(py, || drop(self.held().take()));
    }

    fn __repr__(&self) -> String {
        format!("<LockedStore {}>", self.told)
    }
}

impl PyLockedStore {
    /// The lock, or nothing after it was released.
    fn held(&self) -> MutexGuard<'_, Option<LockedStore>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T: Send>(
        &self,
        py: Python<'_>,
        task: impl FnOnce(&LockedStore) -> Result<T> + Send,
    ) -> PyResult<T> {
        interpreter::without(py, || match self.held().as_ref() {
            Some(files) => Ok(task(files)),
            None => Err(state_error(LET_GO)),
        })?
        .or_raise()
    }
}

/// `pki, kubespray layout`
fn told(store: &Store) -> String {
    let (directory, layout) = (store.directory().display(), store.layout());
    format!("{directory}, {layout} layout")
}
