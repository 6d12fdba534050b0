//! The authorities by which a directory's certificates are renewed.

use etcd_pki_core::{Certificate, CertificateAuthority, Store};

use crate::{
    failure::{Failure, Message},
    input::Input,
    options::AuthorityOptions,
};

/// The authority that is named by its files, or those of the directory.
pub(super) struct Signers {
    /// The one that is named, or that of clients, and of peers unless they have their own
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
        let first = options.load(input)?;
        let directory = options.directory.store().filter(|_| !options.is_named());
        let peers = directory.and_then(|store| Peers::load(&store, options, input));
        Ok(Self { first, peers })
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
