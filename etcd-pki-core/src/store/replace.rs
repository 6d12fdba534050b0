//! Rules for replacing files.

use std::path::Path;

use crate::{
    error::{Error, Result},
    key::PublicKey,
    pem,
    request::CertificateRequest,
    x509::{certificate::Certificate, revocation_list::RevocationList},
};

/// The files that a new file may replace. The decision depends on the contents of the opened file,
/// and is made directly before the replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replace {
    /// No file
    Nothing,
    /// A file that is empty or has only zero bytes. A system crash leaves such files
    Blank,
    /// Such a file, or one that begins with a leaf certificate and has no private key
    Leaf,
    /// A file without a certificate, with any other content, because the user requested a new key
    Key,
    /// A file that has no private key and does not begin with a leaf certificate
    Ca,
    /// The certificates or the key of a CA, with any other content. The file is kept under another
    /// name
    KeptCa,
    /// Such a file, or one that begins with a revocation list and has no private key
    List,
    /// A file without a private key. The new file is neither a key nor a certificate
    Other,
    /// Any file
    Any,
}

impl Replace {
    /// The rule for a new file with these contents.
    pub(super) fn by(contents: &[u8], secret: bool) -> Self {
        if secret {
            return Self::Key;
        }
        match first_certificate(contents) {
            Some(certificate) if certificate.is_ca() => Self::Ca,
            Some(_) => Self::Leaf,
            None => Self::Other,
        }
    }

    /// Fails if a file with these contents must not be replaced. `None` means that the contents are
    /// unknown.
    pub(super) fn check(self, path: &Path, contents: Option<&[u8]>) -> Result<()> {
        let refused = |found| {
            let path = path.to_owned();
            Err(Error::NotReplaceable { path, found })
        };
        if self == Self::Any {
            return Ok(());
        }
        let Some(contents) = contents else {
            return match self {
                // A file that is too large for a certificate or a key contains none
                Self::Key | Self::Other | Self::KeptCa => Ok(()),
                _ => refused("more than any key or certificate"),
            };
        };
        if contents.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let first = || first_certificate(contents);
        match self {
            Self::Nothing | Self::Blank => Err(Error::ExistingFile {
                path: path.to_owned(),
            }),
            Self::Key => match first() {
                Some(certificate) if certificate.is_ca() => refused("a CA certificate"),
                Some(_) => refused("a certificate"),
                None => Ok(()),
            },
            Self::Leaf if has_private_key(contents) => refused("a private key"),
            Self::Leaf => match first() {
                Some(certificate) if certificate.is_ca() => refused("a CA certificate"),
                Some(_) => Ok(()),
                None => refused("something else than a certificate"),
            },
            Self::Ca if has_private_key(contents) => refused("a private key"),
            Self::Ca => match first() {
                Some(certificate) if !certificate.is_ca() => refused("a leaf certificate"),
                _ => Ok(()),
            },
            Self::KeptCa => {
                let all = Certificate::all_from_bytes(contents).unwrap_or_default();
                if !all.is_empty() && !all.iter().any(Certificate::is_ca) {
                    return refused("a leaf certificate");
                }
                Ok(())
            }
            Self::List if pem::begins_private_key(contents) => refused("a private key"),
            Self::List => match RevocationList::all_from_bytes(contents) {
                Ok(_) => Ok(()),
                Err(_) => refused("something else than a revocation list"),
            },
            Self::Other if has_private_key(contents) => refused("a private key"),
            Self::Other | Self::Any => Ok(()),
        }
    }
}

/// The first certificate in a file. Content after it is ignored.
fn first_certificate(contents: &[u8]) -> Option<Certificate> {
    if let Ok(all) = Certificate::all_from_bytes(contents) {
        return all.into_iter().next();
    }
    // Another block after it may be damaged
    let text = std::str::from_utf8(contents).ok()?;
    let begin = text.find("-----BEGIN CERTIFICATE-----")?;
    let end = "-----END CERTIFICATE-----";
    let length = text[begin..].find(end)? + end.len();
    Certificate::from_pem(&text[begin..begin + length]).ok()
}

/// Whether a file contains a private key, encrypted or not, in PEM or DER.
fn has_private_key(contents: &[u8]) -> bool {
    const LABEL: &[u8] = b"PRIVATE KEY-----";
    if pem::is_der(contents) {
        return Certificate::from_der(contents).is_err()
            && CertificateRequest::from_bytes(contents).is_err()
            && PublicKey::from_der(contents).is_err();
    }
    contents.windows(LABEL.len()).any(|window| window == LABEL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ca::CertificateAuthority,
        key::PrivateKey,
        role::Role,
        x509::{identity::Identity, revocation_list::NewRevocationList},
    };

    #[test]
    fn each_kind_replaces_its_own_alone() {
        let ca = CertificateAuthority::create("ca").unwrap();
        let leaf = ca.issue(Role::Client, Identity::new("c").unwrap()).unwrap();
        let list = &ca;
        let ca = ca.certificate().to_pem();
        let key = leaf.to_secret_pem();
        let leaf = leaf.certificate().to_pem();
        let both = format!("{leaf}{}", *key);
        let list = list.sign_revocation_list(&NewRevocationList::new([]));
        let list = list.unwrap().to_pem();
        let list_and_key = format!("{list}{}", *key);
        let damaged = format!("{leaf}-----BEGIN CERTIFICATE-----\nMII\n");
        let with_ca = format!("{leaf}{ca}");
        for (replace, contents, allowed) in [
            (Replace::Nothing, &leaf[..], false),
            (Replace::Blank, &leaf, false),
            (Replace::Leaf, &leaf, true),
            (Replace::Leaf, &damaged, true),
            (Replace::Leaf, &ca, false),
            (Replace::Leaf, &key, false),
            (Replace::Leaf, &both, false),
            (Replace::Leaf, "notes", false),
            (Replace::Key, &key, true),
            (Replace::Key, "damaged", true),
            (Replace::Key, &leaf, false),
            (Replace::Key, &ca, false),
            (Replace::Ca, &ca, true),
            (Replace::Ca, "damaged", true),
            (Replace::Ca, &leaf, false),
            (Replace::Ca, &key, false),
            (Replace::KeptCa, &ca, true),
            (Replace::KeptCa, &with_ca, true),
            (Replace::KeptCa, &key, true),
            (Replace::KeptCa, "damaged", true),
            (Replace::KeptCa, &leaf, false),
            (Replace::Other, &ca, true),
            (Replace::Other, "notes", true),
            (Replace::Other, &key, false),
            (Replace::Other, &both, false),
            (Replace::Any, &key, true),
            (Replace::List, &list, true),
            (Replace::List, &list_and_key, false),
            (Replace::List, &leaf, false),
            (Replace::List, &key, false),
            (Replace::List, "notes", false),
            (Replace::Leaf, &list, false),
        ] {
            let checked = replace.check(Path::new("x"), Some(contents.as_bytes()));
            assert_eq!(checked.is_ok(), allowed, "{replace:?} {contents}");
        }
        for blank in [&b""[..], &[0; 9]] {
            for replace in [
                Replace::Blank,
                Replace::Leaf,
                Replace::Key,
                Replace::Ca,
                Replace::Other,
            ] {
                assert!(replace.check(Path::new("x"), Some(blank)).is_ok());
            }
        }
        // The contents are unknown because the file is too large. No key and no certificate is so
        // large
        for (replace, allowed) in [
            (Replace::Nothing, false),
            (Replace::Blank, false),
            (Replace::Leaf, false),
            (Replace::Key, true),
            (Replace::Ca, false),
            (Replace::KeptCa, true),
            (Replace::Other, true),
            (Replace::Any, true),
        ] {
            let checked = replace.check(Path::new("x"), None);
            assert_eq!(checked.is_ok(), allowed, "{replace:?}");
        }
        assert_eq!(Replace::by(leaf.as_bytes(), false), Replace::Leaf);
        assert_eq!(Replace::by(ca.as_bytes(), false), Replace::Ca);
        assert_eq!(Replace::by(key.as_bytes(), true), Replace::Key);
        assert_eq!(Replace::by(b"ETCD_NAME=x", false), Replace::Other);
    }

    /// DER has no label, so anything that is not a certificate, a request or a public key may be a
    /// private key.
    #[test]
    fn der_may_be_a_key() {
        let ca = CertificateAuthority::create("ca").unwrap();
        let pair = ca.issue(Role::Client, Identity::new("c").unwrap()).unwrap();
        let key = PrivateKey::generate().unwrap();
        let request =
            CertificateRequest::create(&key, Role::Client, Identity::new("c").unwrap()).unwrap();
        let secret = key.to_secret_der();
        let public = key.public_key().as_der();
        for (what, contents, allowed) in [
            ("leaf", pair.certificate().as_der(), true),
            ("CA", ca.certificate().as_der(), true),
            ("request", request.as_der(), true),
            ("public key", public, true),
            ("private key", &secret, false),
        ] {
            let checked = Replace::Other.check(Path::new("x"), Some(contents));
            assert_eq!(checked.is_ok(), allowed, "{what}");
        }
        for (what, contents, replace) in [
            ("leaf", pair.certificate().as_der(), Replace::Leaf),
            ("CA", ca.certificate().as_der(), Replace::Ca),
            ("request", request.as_der(), Replace::Other),
        ] {
            assert_eq!(Replace::by(contents, false), replace, "{what}");
        }
    }
}
