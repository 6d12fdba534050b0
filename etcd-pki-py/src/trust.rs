//! The rotation of a CA.

use std::{path::PathBuf, time::SystemTime};

use etcd_pki_core::{
    CaKind, Cluster, Passphrase, Result,
    cluster::MemberEndpoints,
    probe::Probe,
    trust::rotation::{
        Evidence, Gate, MemberReport, MemberState, Rotation, RotationOptions, Stage, Strategy,
    },
};
use pyo3::prelude::*;

use crate::{
    bundle::PyBundle,
    certificate::PyCertificate,
    cluster::PyCluster,
    error::work,
    interpreter,
    store::PyStore,
    text::{Listed, PassphraseArgument},
    time::{Instant, instant},
    words::Word,
};

/// The rotation of a CA, as the files of its directory show it. It replaces the CA by a new one,
/// while members and clients accept each other throughout. `Rotation.read` reads it.
///
/// A method that changes the stage returns the new state. `cluster` has the members, and the
/// algorithm and validity of the new CA. `confirmed` has the names of the members that were
/// restarted with the current trust bundle. `clients_confirmed` states that all clients trust the
/// new CA.
///
/// >>> from etcd_pki import Cluster, Rotation, Stage, Store
/// >>> report = Cluster(members=["etcd-1"]).apply("ssl")
/// >>> rotation = Rotation.read(Store("ssl"))
/// >>> rotation.stage
/// <Stage.STEADY: 'steady'>
/// >>> rotation = rotation.prepare()
/// >>> rotation.stage == Stage.TRUSTED
/// True
/// >>> rotation.gate().is_open
/// False
/// >>> rotation.next(confirmed=["etcd-1"], clients_confirmed=True).stage == Stage.SWITCHED
/// True
#[pyclass(frozen, name = "Rotation", module = "etcd_pki")]
pub(crate) struct PyRotation(Rotation);

/// The keywords of a change.
struct Keywords<'a> {
    passphrase: Option<&'a Passphrase>,
    cluster: Option<&'a Cluster>,
    strategy: Option<Strategy>,
    now: Option<SystemTime>,
}

impl<'a> Keywords<'a> {
    fn options(&self) -> RotationOptions<'a> {
        let mut options = RotationOptions::new();
        if let Some(passphrase) = self.passphrase {
            options = options.with_passphrase(passphrase);
        }
        if let Some(cluster) = self.cluster {
            options = options.with_cluster(cluster);
        }
        if let Some(strategy) = self.strategy {
            options = options.with_strategy(strategy);
        }
        match self.now {
            Some(now) => options.at(now),
            None => options,
        }
    }
}

/// What is known about members and clients.
struct Known {
    endpoints: Vec<MemberEndpoints>,
    confirmed: Vec<String>,
    clients_confirmed: bool,
    /// The serial numbers of certificates that are no longer in use
    unused: Vec<String>,
}

impl Known {
    /// Asks the members that are not confirmed.
    fn evidence(&self, rotation: &Rotation, options: &RotationOptions<'_>) -> Evidence {
        let asked = self.endpoints.iter();
        let asked: Vec<_> = asked
            .filter(|member| !self.confirmed.contains(&member.name))
            .cloned()
            .collect();
        let reports = rotation.ask_members(&Probe::new(), &asked, options);
        let confirmed = self.confirmed.iter().map(MemberReport::confirmed);
        let evidence = Evidence::new().with_members(reports.into_iter().chain(confirmed));
        let unused = self.unused.iter();
        let evidence = unused.fold(evidence, |evidence, serial| evidence.with_unused(serial));
        match self.clients_confirmed {
            true => evidence.with_clients_confirmed(),
            false => evidence,
        }
    }
}

#[pymethods]
impl PyRotation {
    /// Reads the rotation of the CA for clients, or of the separate peer CA with `kind="peer"`.
    #[staticmethod]
    #[pyo3(
        signature = (store, kind=Word(CaKind::Client)),
        text_signature = "(store, kind='client')"
    )]
    fn read(py: Python<'_>, store: &Bound<'_, PyStore>, kind: Word<CaKind>) -> PyResult<Self> {
        let store = &store.get().0;
        work(py, || Rotation::read_ca(store, kind.0)).map(Self)
    }

    /// The stage.
    #[getter]
    fn stage(&self) -> Word<Stage> {
        Word(self.0.stage())
    }

    /// The strategy, as far as the files show it: the best that the old CA allows.
    #[getter]
    fn strategy(&self) -> Word<Strategy> {
        Word(self.0.strategy())
    }

    /// The kind of the CA.
    #[getter]
    fn kind(&self) -> Word<CaKind> {
        Word(self.0.kind())
    }

    /// The directory.
    #[getter]
    fn directory(&self) -> PathBuf {
        self.0.store().directory().to_owned()
    }

    /// The CA that signs now.
    #[getter]
    fn signing_ca(&self) -> PyCertificate {
        PyCertificate(self.0.signing_ca().clone())
    }

    /// The old CA. Before a rotation this is the only CA, and afterwards the previous one, until it
    /// is forgotten.
    #[getter]
    fn old_ca(&self) -> Option<PyCertificate> {
        self.0.old_ca().cloned().map(PyCertificate)
    }

    /// The new CA; `None` before the rotation.
    #[getter]
    fn new_ca(&self) -> Option<PyCertificate> {
        self.0.new_ca().cloned().map(PyCertificate)
    }

    /// The certificate with which the old CA vouches for the new one.
    #[getter]
    fn link(&self) -> Option<PyCertificate> {
        self.0.link().cloned().map(PyCertificate)
    }

    /// Whether the key of the previous CA is kept after a rotation.
    #[getter]
    fn keeps_previous(&self) -> bool {
        self.0.keeps_previous()
    }

    /// Whether a change was interrupted. The next change finishes or undoes it.
    #[getter]
    fn is_unfinished(&self) -> bool {
        self.0.is_unfinished()
    }

    /// The names of the members with certificates in the directory.
    #[getter]
    fn members(&self) -> Vec<String> {
        self.0.members().to_vec()
    }

    /// The certificates of the directory that the other CA of the rotation signed, the one that
    /// does not sign now. The paths are relative to the directory. The next `Cluster.apply` signs
    /// these certificates again.
    #[getter]
    fn leaves_of_other_ca(&self) -> Vec<PathBuf> {
        self.0.leaves_of_other_ca().to_vec()
    }

    /// The serial numbers and subjects of the certificates of the old CA that the record of the
    /// directory has, and that may still be in use outside the directory.
    #[pyo3(signature = (*, now=None))]
    fn issued_in_use(&self, now: Option<Instant>) -> Vec<(String, String)> {
        let now = instant(now);
        let issued = self.0.issued_in_use(now).into_iter();
        issued.map(|one| (one.serial, one.subject)).collect()
    }

    /// Issues a client certificate for the question whether a member accepts link certificates. It
    /// is valid for five minutes.
    #[pyo3(signature = (*, passphrase=None, now=None))]
    fn trial(
        &self,
        py: Python<'_>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<PyBundle> {
        let keywords = keywords(passphrase.as_deref(), None, None, now);
        work(py, || self.0.trial(&keywords.options())).map(PyBundle::read)
    }

    /// Whether the next stage is safe. With `cluster`, its members are asked, except those in
    /// `confirmed`. `unused` are serial numbers, in hexadecimal, of certificates of the old CA that
    /// are no longer in use.
    #[pyo3(signature = (*, cluster=None, confirmed=None, clients_confirmed=false, unused=None, strategy=None, passphrase=None, now=None))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn gate(
        &self,
        py: Python<'_>,
        cluster: Option<&Bound<'_, PyCluster>>,
        confirmed: Option<Listed<String>>,
        clients_confirmed: bool,
        unused: Option<Listed<String>>,
        strategy: Option<Word<Strategy>>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyGate {
        let cluster = cluster.map(|cluster| cluster.get().specification());
        let known = known(cluster, confirmed, clients_confirmed, unused);
        let keywords = keywords(passphrase.as_deref(), cluster, strategy, now);
        PyGate(interpreter::without(py, || {
            let options = keywords.options();
            let evidence = known.evidence(&self.0, &options);
            self.0.gate(&evidence, &options)
        }))
    }

    /// Goes to the next stage. If that is not safe yet, `errors.GateClosedError` has the `reasons`,
    /// and nothing is changed. The keywords are those of `gate`.
    #[pyo3(signature = (*, cluster=None, confirmed=None, clients_confirmed=false, unused=None, strategy=None, passphrase=None, now=None))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn next(
        &self,
        py: Python<'_>,
        cluster: Option<&Bound<'_, PyCluster>>,
        confirmed: Option<Listed<String>>,
        clients_confirmed: bool,
        unused: Option<Listed<String>>,
        strategy: Option<Word<Strategy>>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let cluster = cluster.map(|cluster| cluster.get().specification());
        let known = known(cluster, confirmed, clients_confirmed, unused);
        let keywords = keywords(passphrase.as_deref(), cluster, strategy, now);
        let changed = work(py, || {
            let options = keywords.options();
            let evidence = known.evidence(&self.0, &options);
            self.0.next(&evidence, &options)
        });
        changed.map(Self)
    }

    /// Creates the new CA and trusts it. The old CA still signs.
    #[pyo3(signature = (*, cluster=None, passphrase=None, now=None))]
    fn prepare(
        &self,
        py: Python<'_>,
        cluster: Option<&Bound<'_, PyCluster>>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        self.changed(py, Rotation::prepare, cluster, passphrase, now)
    }

    /// Undoes the last stage.
    #[pyo3(signature = (*, cluster=None, passphrase=None, now=None))]
    fn back(
        &self,
        py: Python<'_>,
        cluster: Option<&Bound<'_, PyCluster>>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        self.changed(py, Rotation::back, cluster, passphrase, now)
    }

    /// Trusts only a new CA at once, because others have the key of the old CA. Members and clients
    /// that do not trust the new CA yet cannot connect.
    #[pyo3(signature = (*, cluster=None, passphrase=None, now=None))]
    fn emergency(
        &self,
        py: Python<'_>,
        cluster: Option<&Bound<'_, PyCluster>>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        self.changed(py, Rotation::emergency, cluster, passphrase, now)
    }

    /// Removes the key and the certificate of the previous CA, after the rotation.
    fn forget(&self, py: Python<'_>) -> PyResult<Self> {
        work(py, || self.0.forget(&RotationOptions::new())).map(Self)
    }

    fn __repr__(&self) -> String {
        format!("<Rotation {} {}>", self.0.kind(), self.0.stage())
    }
}

/// A change of a rotation that asks no member.
type Change = fn(&Rotation, &RotationOptions<'_>) -> Result<Rotation>;

impl PyRotation {
    fn changed(
        &self,
        py: Python<'_>,
        change: Change,
        cluster: Option<&Bound<'_, PyCluster>>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let cluster = cluster.map(|cluster| cluster.get().specification());
        let keywords = keywords(passphrase.as_deref(), cluster, None, now);
        work(py, || change(&self.0, &keywords.options())).map(Self)
    }
}

fn keywords<'a>(
    passphrase: Option<&'a Passphrase>,
    cluster: Option<&'a Cluster>,
    strategy: Option<Word<Strategy>>,
    now: Option<Instant>,
) -> Keywords<'a> {
    Keywords {
        passphrase,
        cluster,
        strategy: strategy.map(|Word(strategy)| strategy),
        now: now.map(|Instant(now)| now),
    }
}

fn known(
    cluster: Option<&Cluster>,
    confirmed: Option<Listed<String>>,
    clients_confirmed: bool,
    unused: Option<Listed<String>>,
) -> Known {
    Known {
        endpoints: cluster.map(Cluster::endpoints).unwrap_or_default(),
        confirmed: confirmed.map(|Listed(names)| names).unwrap_or_default(),
        clients_confirmed,
        unused: unused.map(|Listed(serials)| serials).unwrap_or_default(),
    }
}

/// Whether the next stage of a rotation is safe.
#[pyclass(frozen, eq, name = "Gate", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyGate(Gate);

#[pymethods]
impl PyGate {
    /// Whether the next stage is safe.
    #[getter]
    fn is_open(&self) -> bool {
        self.0.is_open()
    }

    /// The next stage.
    #[getter]
    fn next(&self) -> Word<Stage> {
        Word(self.0.next())
    }

    /// The strategy.
    #[getter]
    fn strategy(&self) -> Word<Strategy> {
        Word(self.0.strategy())
    }

    /// The reasons why it is closed, one line each.
    #[getter]
    fn obstacles(&self) -> Vec<String> {
        self.0.obstacles().iter().map(ToString::to_string).collect()
    }

    /// What is known about each member.
    #[getter]
    fn members(&self) -> Vec<PyMemberState> {
        let members = self.0.members().iter().cloned();
        members.map(PyMemberState).collect()
    }

    fn __repr__(&self) -> &'static str {
        if self.0.is_open() {
            "<Gate open>"
        } else {
            "<Gate closed>"
        }
    }
}

/// What is known about a member: `name`, `text` and whether it `is_ready` for the next stage.
#[pyclass(frozen, eq, name = "MemberState", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyMemberState(MemberState);

#[pymethods]
impl PyMemberState {
    /// The member's name.
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    /// What its ports show, in words.
    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    /// Whether it is ready for the next stage.
    #[getter]
    fn is_ready(&self) -> bool {
        self.0.is_ready
    }

    fn __repr__(&self) -> String {
        format!("<MemberState {}: {}>", self.0.name, self.0.text)
    }
}
