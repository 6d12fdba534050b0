//! A directory of certificates that etcd-pki issued.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    CaKind, CertificateAuthority, Identity, KeyAlgorithm, Layout, PrivateKey, Profile, Role, Store,
    layout::PairPaths, store::Overwrite,
};

use crate::{credentials::Credentials, scratch::Scratch};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A CA and the certificates that it issued, in files with Kubespray's names.
pub struct Directory {
    store: Store,
    ca: CertificateAuthority,
    algorithm: KeyAlgorithm,
    _scratch: Scratch,
}

impl Directory {
    /// Creates a directory with a CA, in which all keys use one algorithm.
    ///
    /// The CA is thirty days old, so that it can issue certificates that have already expired.
    #[must_use]
    pub fn create(name: &str, algorithm: KeyAlgorithm) -> Self {
        let scratch = Scratch::new(name);
        let store = Store::new(scratch.path(), Layout::Kubespray);
        let key = PrivateKey::generate_with(algorithm).expect("a key of the CA");
        let identity = Identity::from_common_name("etcd-ca").expect("a common name");
        let month_ago = SystemTime::now() - 30 * DAY;
        let ca = CertificateAuthority::create_for(key, &identity, Profile::ca(), month_ago)
            .expect("a CA");
        store
            .lock()
            .expect("the lock of the directory")
            .write_ca(CaKind::Client, &ca, None)
            .expect("the files of the CA");
        Self {
            store,
            ca,
            algorithm,
            _scratch: scratch,
        }
    }

    /// The algorithm of its keys.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.store.directory()
    }

    /// The store of the directory.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The path of the CA certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.store.ca_paths(CaKind::Client).certificate
    }

    /// Issues a pair with a role for a name and its alternative names.
    pub fn issue(&self, role: Role, name: &str, names: &[&str]) -> PairPaths {
        let identity = Identity::new(name).expect("a name");
        let identity = identity.with_names(names).expect("alternative names");
        let bundle = self
            .ca
            .issue(role.profile().with_algorithm(self.algorithm), &identity)
            .unwrap_or_else(|error| panic!("{role} {name} is not issued: {error}"));
        self.store
            .lock()
            .expect("the lock of the directory")
            .write(&bundle)
            .unwrap_or_else(|error| panic!("{role} {name} is not written: {error}"))
            .swap_remove(0)
    }

    /// Issues a pair that is unusual or wrong, into files named `stem`: any profile, valid from
    /// `days_ago` on.
    pub fn issue_odd(
        &self,
        stem: &str,
        profile: Profile,
        identity: &Identity,
        days_ago: u32,
    ) -> PairPaths {
        let pair = PairPaths {
            certificate: format!("{stem}.pem").into(),
            key: format!("{stem}-key.pem").into(),
        };
        let then = SystemTime::now() - days_ago * DAY;
        let bundle = self
            .ca
            .at(then)
            .issue(profile.with_algorithm(self.algorithm), identity)
            .unwrap_or_else(|error| panic!("{stem} is not issued: {error}"));
        self.store
            .lock()
            .expect("the lock of the directory")
            .write_pairs(&[(&bundle, &pair)], Overwrite::Refuse)
            .unwrap_or_else(|error| panic!("{stem} is not written: {error}"));
        pair.below(self.path())
    }

    /// The credentials of a pair and of this directory's CA.
    #[must_use]
    pub fn credentials(&self, pair: &PairPaths) -> Credentials {
        Credentials::new(self.ca(), pair.clone())
    }
}
