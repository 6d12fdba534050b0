//! The authorities by which a directory's certificates are renewed.

use etcd_pki_core::{CaKind, Certificate, CertificateAuthority, PairPaths, Store};

use crate::{
    failure::{Failure, Message},
    input::{Input, parse_in_place},
    options::AuthorityOptions,
};

/// Who renews.
pub(super) enum Signers {
    /// The authority that is named by its files
    Named(Box<CertificateAuthority>),
    /// Those of the directory: its own, and the one that peers may have apart. One of them can sign, at least
    Found(Vec<Found>),
}

/// An authority whose certificate is in the directory.
pub(super) struct Found {
    /// Its own, where it can sign; otherwise all that are in its file, and none if these cannot be read
    certificates: Vec<Certificate>,
    /// Or why it cannot sign, which matters only if something is due that it has signed
    authority: Result<CertificateAuthority, Message>,
}

impl Signers {
    /// Fails if no authority can sign.
    pub(super) fn load(options: &AuthorityOptions, input: &Input) -> Result<Self, Failure> {
        let Some(store) = options.directory.store().filter(|_| !options.is_named()) else {
            return Ok(Self::Named(Box::new(options.load(input)?)));
        };
        let (own_paths, peer_paths) =
            (store.ca_paths(CaKind::Client), store.ca_paths(CaKind::Peer));
        let own = options.load(input).map_err(|failure| {
            if options.names_key() {
                return failure;
            }
            or_key_elsewhere(failure, &own_paths, "name it with --ca-key")
        });
        let peers = load_peers(&store, options, input).map_err(|failure| {
            or_key_elsewhere(failure, &peer_paths, "name both with --ca and --ca-key")
        });
        match (own, peers) {
            (Err(failure), Err(_)) => Err(failure),
            (own, peers) => {
                let found = [Found::new(&own_paths, own), Found::new(&peer_paths, peers)];
                Ok(Self::Found(found.into_iter().flatten().collect()))
            }
        }
    }

    /// The subject of the first of them.
    pub(super) fn subject(&self) -> String {
        let first = match self {
            Self::Named(ca) => Some(ca.certificate()),
            Self::Found(found) => found.iter().find_map(|found| found.certificates.first()),
        };
        first.map(Certificate::subject).unwrap_or_default()
    }

    /// The one that has signed a certificate; none if it was somebody else.
    ///
    /// It fails if that one cannot sign any more.
    pub(super) fn of(
        &self,
        certificate: &Certificate,
    ) -> Result<Option<&CertificateAuthority>, Message> {
        match self {
            Self::Named(ca) => Ok(has_signed(ca.certificate(), certificate).then_some(&**ca)),
            Self::Found(found) => {
                let signers = found.iter().filter(|found| found.has_signed(certificate));
                // Both files may have one certificate
                let signer = signers.min_by_key(|found| found.authority.is_err());
                // What nobody else has signed is taken for the work of one that cannot be read
                let signer = signer.or_else(|| found.iter().find(|found| found.is_unread()));
                signer
                    .map(|found| found.authority.as_ref().map_err(Message::clone))
                    .transpose()
            }
        }
    }
}

impl Found {
    /// `None` if its certificate is not there.
    fn new(paths: &PairPaths, authority: Result<CertificateAuthority, Failure>) -> Option<Self> {
        let certificates = match &authority {
            Ok(authority) => vec![authority.certificate().clone()],
            Err(_) if !paths.certificate.exists() => return None,
            Err(_) => {
                parse_in_place(&paths.certificate, Certificate::all_from_bytes).unwrap_or_default()
            }
        };
        Some(Self {
            certificates,
            authority: authority.map_err(|failure| failure.message()),
        })
    }

    fn is_unread(&self) -> bool {
        self.certificates.is_empty()
    }

    fn has_signed(&self, certificate: &Certificate) -> bool {
        let mut authorities = self.certificates.iter();
        authorities.any(|authority| has_signed(authority, certificate))
    }
}

fn has_signed(authority: &Certificate, certificate: &Certificate) -> bool {
    certificate.check_issued_by(authority).is_ok()
}

fn load_peers(
    store: &Store,
    options: &AuthorityOptions,
    input: &Input,
) -> Result<CertificateAuthority, Failure> {
    let passphrase = options.passphrase.read(input)?;
    Ok(store.ca(CaKind::Peer, passphrase.as_ref())?)
}

/// Why an authority cannot be loaded: it is the rule that its key is elsewhere.
fn or_key_elsewhere(failure: Failure, paths: &PairPaths, way_on: &str) -> Failure {
    if !paths.certificate.exists() || paths.key.symlink_metadata().is_ok() {
        return failure;
    }
    Failure::failed(
        format!(
            "{} is here, and its key is not",
            paths.certificate.display()
        ),
        format!("{way_on}, or let requests travel to where it is"),
    )
}
