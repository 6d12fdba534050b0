//! The public keys in a file: of a private key, a public key, a request, a certificate, or several
//! of them.

use std::path::Path;

use etcd_pki_core::{
    CertificateRequest, Error, Passphrase, PrivateKey, PublicKey, Result,
    internal::certificates_of_key,
};

const ANYTHING: &str = "certificate, request or key";

/// A public key, and the kind of block that has it.
pub(crate) struct Holding {
    pub(crate) kind: &'static str,
    pub(crate) key: PublicKey,
    /// The keys of the other CAs in a trust bundle
    pub(crate) others: Vec<PublicKey>,
}

impl Holding {
    /// All keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        [&self.key].into_iter().chain(&self.others)
    }
}

/// The keys in a file. Of a leaf and its chain only the leaf counts, of a trust bundle each CA.
pub(crate) fn holdings(
    path: &Path,
    bytes: &[u8],
    passphrase: Option<&Passphrase>,
) -> Result<Vec<Holding>> {
    let certificates = certificates_of_key(path, bytes).map(|certificates| {
        let keys = certificates.iter().map(|one| one.public_key().clone());
        keys.collect::<Vec<_>>()
    });
    let request =
        CertificateRequest::from_bytes(bytes).map(|request| vec![request.public_key().clone()]);
    let private =
        PrivateKey::from_bytes(bytes, passphrase).map(|key| vec![key.public_key().clone()]);
    let public = if is_pem(bytes) {
        PublicKey::from_pem(bytes)
    } else {
        PublicKey::from_der(bytes)
    };
    let mut found = Vec::new();
    let mut instead = None;
    for (kind, key) in [
        ("certificate", certificates),
        ("request", request),
        ("private key", private),
        ("public key", public.map(|key| vec![key])),
    ] {
        match key {
            Ok(keys) => {
                let mut keys = keys.into_iter();
                found.extend(keys.next().map(|key| Holding {
                    kind,
                    key,
                    others: keys.collect(),
                }));
            }
            Err(error) if is_absence(&error, bytes) => instead = instead.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    match (found.is_empty(), instead) {
        (true, Some(error)) => Err(of_anything(error)),
        _ => Ok(found),
    }
}

/// Whether an error only means that the file holds something else.
fn is_absence(error: &Error, bytes: &[u8]) -> bool {
    match error {
        Error::MissingBlock { .. } => true,
        // DER does not show its type, so each type is tried
        Error::Malformed { .. } => !is_pem(bytes),
        _ => false,
    }
}

fn of_anything(error: Error) -> Error {
    match error {
        Error::MissingBlock { found, .. } => Error::MissingBlock {
            what: ANYTHING,
            found,
        },
        Error::Malformed { place, reason, .. } => Error::Malformed {
            what: ANYTHING,
            place,
            reason,
        },
        error => error,
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    let begin = b"-----BEGIN ";
    bytes.windows(begin.len()).any(|window| window == begin)
}

#[cfg(test)]
mod tests {
    use etcd_pki_core::CertificateAuthority;

    use super::*;

    #[test]
    fn a_file_of_several_things() {
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let key = ca.key().unwrap();
        let pem = [ca.certificate().to_pem(), key.to_secret_pem().to_string()];
        for (bytes, kinds) in [
            (pem.concat().as_bytes(), vec!["certificate", "private key"]),
            (ca.certificate().as_der(), vec!["certificate"]),
            (&key.to_secret_der(), vec!["private key"]),
            (key.public_key().as_der(), vec!["public key"]),
        ] {
            let found = holdings(Path::new("x.pem"), bytes, None).unwrap();
            assert_eq!(
                found.iter().map(|holding| holding.kind).collect::<Vec<_>>(),
                kinds
            );
            assert!(found.iter().all(|holding| holding.key == *key.public_key()));
        }
    }

    #[test]
    fn what_holds_no_key() {
        for bytes in [
            &b""[..],
            b"text",
            b"-----BEGIN X-----\nAAEC\n-----END X-----\n",
            b"\x30\x00",
        ] {
            let error = holdings(Path::new("x.pem"), bytes, None)
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains(ANYTHING), "{error}");
        }
    }
}
