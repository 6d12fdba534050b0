//! The certificates that every judge gets: each role with each algorithm.

use std::{fs, path::PathBuf, sync::OnceLock, thread};

use etcd_pki_core::{
    CertificateRequest, Identity, KeyAlgorithm, PrivateKey, Role, layout::PairPaths,
};

use crate::{credentials::Credentials, directory::Directory};

/// The member's names, in addition to its own name and the loopback names.
const MEMBER_NAMES: [&str; 3] = ["etcd-1.lan", "10.0.0.11", "fd00::11"];

/// A member, a node and a client of one CA, with keys of one algorithm.
pub struct Certificates {
    directory: Directory,
    member: PairPaths,
    node: PairPaths,
    client: PairPaths,
}

/// The certificates of every algorithm, generated once by each test binary.
#[must_use]
pub fn certificates() -> &'static [Certificates] {
    static CERTIFICATES: OnceLock<Vec<Certificates>> = OnceLock::new();
    CERTIFICATES.get_or_init(|| {
        // Long RSA keys take time, so all cores generate them.
        thread::scope(|scope| {
            let makers: Vec<_> = KeyAlgorithm::ALL
                .into_iter()
                .rev()
                .map(|algorithm| scope.spawn(move || Certificates::create(algorithm)))
                .collect();
            let made = makers.into_iter().rev();
            made.map(|maker| maker.join().expect("certificates of each algorithm"))
                .collect()
        })
    })
}

impl Certificates {
    fn create(algorithm: KeyAlgorithm) -> Self {
        let directory = Directory::create(algorithm.name(), algorithm);
        Self {
            member: directory.issue(Role::Member, "etcd-1", &MEMBER_NAMES),
            node: directory.issue(Role::Node, "kube-1", &[]),
            client: directory.issue(Role::Client, "root", &[]),
            directory,
        }
    }

    /// The algorithm of all its keys.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.directory.algorithm()
    }

    /// The path of the CA certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.directory.ca()
    }

    /// The certificate and key of a role.
    #[must_use]
    pub fn pair(&self, role: Role) -> &PairPaths {
        match role {
            Role::Member => &self.member,
            Role::Node => &self.node,
            Role::Client => &self.client,
            other => panic!("the fixture has no {other}"),
        }
    }

    /// The credentials of a role.
    #[must_use]
    pub fn credentials(&self, role: Role) -> Credentials {
        self.directory.credentials(self.pair(role))
    }

    /// A new request for the key of a role.
    pub fn request(&self, role: Role) -> PathBuf {
        let key = fs::read(&self.pair(role).key).expect("the key's file");
        let key = PrivateKey::from_pem(key).expect("the key");
        let identity = Identity::new("etcd-1").expect("a name");
        let identity = identity.with_names(MEMBER_NAMES).expect("names");
        let request = CertificateRequest::create(&key, role, &identity).expect("a request");
        let path = self.directory.path().join(format!("{role}.csr"));
        fs::write(&path, request.to_pem()).expect("a file");
        path
    }
}

/// Each certificate with its role and algorithm, and a name for error messages.
pub fn each() -> impl Iterator<Item = (String, Role, &'static Certificates)> {
    certificates().iter().flat_map(|certificates| {
        Role::ALL.into_iter().map(move |role| {
            (
                format!("{} {role}", certificates.algorithm()),
                role,
                certificates,
            )
        })
    })
}
