//! One host's own files out of a directory where all keys are made.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{
    bundle::{Bundle, all_pem},
    certificate::Certificate,
    cluster::{Cluster, Wanted},
    error::{Error, Result},
    key::PrivateKey,
    layout::PairPaths,
    store::{
        Attributes, Overwrite, PairTexts, Store, group, is_empty, may_give, read_certificates,
        read_regular_file, user,
    },
};

/// What was copied for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Where each file is
    pub files: Vec<PathBuf>,
    /// The owner and the group that the specification says and that could not be given here: they are unknown on this host, or only
    /// root may give files away. The files are to be given to them where they go.
    pub not_given: Vec<String>,
}

impl Cluster {
    /// Copies what one host uses into a directory of its own, as it is to lie on that host: its keys and certificates, and the
    /// certificates of the authorities, never their keys. Tells where each file is, and whose it is not yet.
    ///
    /// Each pair is checked first: the key is the certificate's, and an authority of the cluster has signed it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a host that is none of the cluster's; [`Error::KeyMismatch`] and [`Error::Signature`] for a
    /// pair that does not belong together; [`Error::Exists`] for a directory that has something in it, unless that may be
    /// replaced; [`Error::Io`], [`Error::SymbolicLink`]. After any of them nothing has changed.
    pub fn export(
        &self,
        store: &Store,
        host: &str,
        out: &Path,
        overwrite: Overwrite,
    ) -> Result<Exported> {
        let there = self.wanted(Some(host))?;
        let (authorities, leaves): (Vec<_>, Vec<_>) =
            there.into_iter().partition(Wanted::is_authority);
        if overwrite == Overwrite::Refuse && !is_empty(out) {
            return Err(Error::Exists {
                path: out.to_owned(),
            });
        }

        let mut signers = Vec::new();
        let mut trusted = Vec::new();
        for authority in authorities {
            let path = store.directory().join(&authority.paths.certificate);
            let all = read_certificates(&path)?;
            let text = all_pem(&all)?;
            signers.extend(
                all.into_iter()
                    .next()
                    .map(|first| (authority.issuer, first)),
            );
            trusted.push((authority.paths.certificate, text));
        }
        let mut pairs = Vec::new();
        for (wanted, from) in leaves.iter().zip(self.sources(host)?) {
            let signer = signers.iter().find(|(issuer, _)| *issuer == wanted.issuer);
            let signer = signer.map(|(_, certificate)| certificate);
            pairs.push((
                &wanted.paths,
                read_pair(&from.below(store.directory()), signer)?,
            ));
        }

        let (attributes, not_given) = self.exported_attributes();
        let store = Store::open(out, self.layout());
        let files = store.lock()?.without_inheritance();
        files.give_directories(&attributes)?;
        files.put_pairs(&pairs, overwrite, &attributes)?;
        for (path, text) in &trusted {
            files.put_file(path, text.as_bytes(), false, overwrite, &attributes)?;
        }
        let pairs = leaves.iter().flat_map(|wanted| {
            let PairPaths { certificate, key } = &wanted.paths;
            [certificate, key]
        });
        let trusted = trusted.iter().map(|(path, _)| path);
        Ok(Exported {
            files: trusted.chain(pairs).map(|path| out.join(path)).collect(),
            not_given,
        })
    }

    /// The modes that the specification says, and owner and group as far as this host knows them and lets them be given. What
    /// could not be given is told.
    fn exported_attributes(&self) -> (Attributes, Vec<String>) {
        let files = self.files();
        let mut not_given = Vec::new();
        let mut number = |name: Option<&str>, look_up: fn(&str) -> Result<u32>| {
            let name = name?;
            let number = look_up(name).ok().filter(|_| may_give());
            if number.is_none() {
                not_given.push(name.to_owned());
            }
            number
        };
        let attributes = Attributes {
            owner: number(files.owner(), user),
            group: number(files.group(), group),
            key_mode: files.key_mode(),
            certificate_mode: files.certificate_mode(),
            directory_mode: files.directory_mode(),
            replaces_links: false,
            backup: false,
        };
        (attributes, not_given)
    }

    /// Where a host's pairs are among everybody's, in the order in which they are wanted.
    fn sources(&self, host: &str) -> Result<Vec<PairPaths>> {
        let all = self.wanted(None)?.into_iter();
        let of_host = all.filter(|wanted| wanted.host.as_deref() == Some(host));
        Ok(of_host.map(|wanted| wanted.paths).collect())
    }
}

/// A pair that belongs together. The key stays as it was written, whatever its format.
fn read_pair(paths: &PairPaths, signer: Option<&Certificate>) -> Result<PairTexts> {
    let key = Zeroizing::new(read_regular_file(&paths.key)?);
    let in_key = |error: Error| error.in_file(&paths.key);
    let private = PrivateKey::from_bytes(&key, None).map_err(in_key)?;
    let mut all = read_certificates(&paths.certificate)?;
    let text = all_pem(&all)?;
    let chain = all.split_off(1);
    let in_certificate = |error: Error| error.in_file(&paths.certificate);
    let bundle = Bundle::new(private, all.swap_remove(0), chain).map_err(in_certificate)?;
    if let Some(signer) = signer {
        let checked = bundle.certificate().check_issued_by(signer);
        checked.map_err(in_certificate)?;
        if bundle.certificate().public_key() == signer.public_key() {
            return Err(in_key(Error::AuthorityKey {
                subject: signer.subject(),
            }));
        }
    }
    Ok(PairTexts {
        // DER is no text
        key: match std::str::from_utf8(&key) {
            Ok(text) => Zeroizing::new(text.to_owned()),
            Err(_) => bundle.secret_key_pem()?,
        },
        certificate: text,
    })
}
