//! The authorities by which a directory's certificates are renewed.

use std::io::ErrorKind;

use etcd_pki_core::{Certificate, CertificateAuthority, Error, Store};

use crate::{
    failure::{Failure, Message},
    input::Input,
    options::AuthorityOptions,
};

/// The authority that is named by its files, or those of the directory.
pub(super) struct Signers {
    /// The one that is named, or the directory's; that of peers alone, where the other one's key is elsewhere
    first: CertificateAuthority,
    peers: Option<Peers>,
}

/// The authority that the directory's peers have apart, and its key is in the directory too.
struct Peers {
    certificate: Certificate,
    /// Or why it cannot sign, which matters only if something is due that it has signed
    authority: Result<CertificateAuthority, Message>,
}

impl Signers {
    pub(super) fn load(options: &AuthorityOptions, input: &Input) -> Result<Self, Failure> {
        let first = options.load(input);
        let Some(store) = options.directory.store().filter(|_| !options.is_named()) else {
            return Ok(Self {
                first: first?,
                peers: None,
            });
        };
        match (first, Peers::load(&store, options, input)) {
            (Ok(first), peers) => Ok(Self { first, peers }),
            (
                Err(failure),
                Some(Peers {
                    authority: Ok(first),
                    ..
                }),
            ) if is_missing_key(&failure, &store) => Ok(Self { first, peers: None }),
            (Err(failure), _) => Err(failure),
        }
    }

    /// The one that signs where nobody says otherwise.
    pub(super) fn first(&self) -> &CertificateAuthority {
        &self.first
    }

    /// The one that has signed a certificate; none if it was somebody else.
    ///
    /// It fails if that one cannot sign any more.
    pub(super) fn of(
        &self,
        certificate: &Certificate,
    ) -> Result<Option<&CertificateAuthority>, Message> {
        let has_signed = |ca: &Certificate| certificate.check_issued_by(ca).is_ok();
        if has_signed(self.first.certificate()) {
            return Ok(Some(&self.first));
        }
        match &self.peers {
            Some(peers) if has_signed(&peers.certificate) => {
                peers.authority.as_ref().map(Some).map_err(Message::clone)
            }
            _ => Ok(None),
        }
    }
}

impl Peers {
    fn load(store: &Store, options: &AuthorityOptions, input: &Input) -> Option<Self> {
        let paths = store.peer_authority_paths();
        if !paths.key.exists() {
            return None;
        }
        // A file that is no certificate has signed nothing
        let certificate = input.certificates(&paths.certificate).ok()?.swap_remove(0);
        let passphrase = options.passphrase.read(input);
        let authority = passphrase.and_then(|passphrase| {
            let authority = store.peer_authority(passphrase.as_ref());
            authority.map_err(Failure::from)
        });
        Some(Self {
            certificate,
            authority: authority.map_err(|failure| failure.message()),
        })
    }
}

/// Whether it failed because the key of the directory's own authority is elsewhere.
fn is_missing_key(failure: &Failure, store: &Store) -> bool {
    match failure {
        Failure::Refused(Error::Io { path, error, .. }) => {
            error.kind() == ErrorKind::NotFound && *path == store.authority_paths().key
        }
        _ => false,
    }
}
