//! A directory with the certificates of a small cluster, and its rotation.
use std::{
    fs,
    path::{Path, PathBuf},
};

use etcd_pki_core::{CaKind, Certificate, Cluster, Layout};
use etcd_pki_tests::{
    Output, Scratch, Verdict,
    command::etcd_pki_in,
    go,
    openssl::{self, Purpose},
};
use serde_json::Value;

/// The members of the cluster. They do not run.
pub(crate) const MEMBERS: &str = "\
members:
  - {name: etcd-1, addresses: [10.0.0.11]}
  - {name: etcd-2, addresses: [10.0.0.12]}
nodes: [kube-1]
clients: [root]
";

/// Every member was restarted, and clients trust both CAs
pub(crate) const CONFIRMED: &str =
    "--confirm-restarted etcd-1 --confirm-restarted etcd-2 --confirm-clients";

pub(crate) struct Place {
    scratch: Scratch,
    layout: Layout,
    specification: String,
}

impl Place {
    /// A cluster with all its files.
    pub(crate) fn new(layout: Layout, more: &str) -> Self {
        let place = Self::empty(layout, more);
        let _ = place.done("apply -f cluster.yaml");
        place
    }

    pub(crate) fn empty(layout: Layout, more: &str) -> Self {
        let specification = format!("layout: {layout}\ndirectory: p\n{more}{MEMBERS}");
        let scratch = Scratch::new("rotation");
        fs::write(scratch.path().join("cluster.yaml"), &specification).unwrap();
        Self {
            scratch,
            layout,
            specification,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.scratch.path()
    }

    pub(crate) fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join("p").join(name)
    }

    #[track_caller]
    pub(crate) fn pki(&self, line: &str) -> Output {
        etcd_pki_in(self.path(), line)
    }

    #[track_caller]
    pub(crate) fn done(&self, line: &str) -> Output {
        self.pki(line).expect_success()
    }

    /// Rotates without a specification, so that no member is asked.
    #[track_caller]
    pub(crate) fn rotate(&self, options: &str) -> Output {
        self.pki(&format!(
            "ca rotate -d p --layout {} {options}",
            self.layout
        ))
    }

    /// The stage, as the command prints it.
    #[track_caller]
    pub(crate) fn stage(&self, options: &str) -> String {
        let status = self.rotate(&format!("--status --json {options}"));
        let document: Value = serde_json::from_str(status.stdout()).unwrap();
        document["stage"].as_str().unwrap().to_owned()
    }

    /// The certificates of a CA's file.
    pub(crate) fn bundle(&self, kind: CaKind) -> Vec<Certificate> {
        let file = fs::read(self.file(self.layout.ca(kind).certificate)).unwrap();
        Certificate::all_from_bytes(&file).unwrap()
    }

    /// The files of the leaves that a CA of this kind signs.
    pub(crate) fn leaves(&self, kind: CaKind) -> Vec<PathBuf> {
        let cluster = Cluster::from_yaml(&self.specification).unwrap();
        let pairs = cluster.desired().unwrap().pairs.into_iter();
        let own = pairs.filter(|pair| pair.ca == kind);
        own.map(|pair| self.file(pair.paths.certificate)).collect()
    }

    /// Asserts that verifiers with these CA certificates accept all leaves, or none.
    #[track_caller]
    pub(crate) fn assert_accepted(&self, kind: CaKind, trusted: &[&Certificate], expected: bool) {
        let ca = self.path().join("trusted.pem");
        let text: String = trusted.iter().map(|one| one.to_pem()).collect();
        fs::write(&ca, text).unwrap();
        for leaf in self.leaves(kind) {
            let with_go = go::verify(&ca, &leaf).client();
            let with_openssl = accepted_by_openssl(&ca, &leaf);
            assert_eq!(
                (matches!(with_go, Verdict::Accepted), with_openssl),
                (expected, expected),
                "{} {with_go:?}",
                leaf.display()
            );
        }
    }
}

/// The first certificate of a file.
#[track_caller]
pub(crate) fn first(path: impl AsRef<Path>) -> Certificate {
    let file = fs::read(path).unwrap();
    Certificate::all_from_bytes(&file).unwrap().swap_remove(0)
}

/// OpenSSL gets the certificates after the leaf as untrusted ones, as in a handshake.
fn accepted_by_openssl(ca: &Path, leaf: &Path) -> bool {
    let (directory, file) = (ca.parent().unwrap(), leaf.display());
    let line = format!(
        "verify -x509_strict -purpose sslclient -no-CApath -no-CAstore -CAfile {} -untrusted {file} {file}",
        ca.display()
    );
    openssl::accepts(directory, &line)
}

/// A leaf that one CA certificate verifies, to OpenSSL and Go.
#[track_caller]
pub(crate) fn assert_signed(directory: &Path, ca: &Certificate, leaf: &Path) {
    let trusted = directory.join("trusted.pem");
    fs::write(&trusted, ca.to_pem()).unwrap();
    go::verify(&trusted, leaf)
        .client()
        .assert_accepted(leaf.display());
    openssl::verify(&trusted, leaf, Purpose::Client).assert_accepted(leaf.display());
}
