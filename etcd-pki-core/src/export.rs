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
    plan::attributes_of,
    store::{Attributes, Overwrite, PairTexts, Store, is_empty, read_file},
};

impl Cluster {
    /// Copies what one host uses into a directory of its own, as it is to lie on that host: its keys and certificates, and the
    /// certificates of the authorities, never their keys. Tells where each file is.
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
    ) -> Result<Vec<PathBuf>> {
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
            let all = certificates(&path)?;
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

        // An owner by name may be none of this host's: whose the files are is for the host that gets them
        let attributes = Attributes {
            owner: None,
            group: None,
            ..attributes_of(self.files())?
        };
        let store = Store::open(out, self.layout());
        let files = store.lock()?;
        files.put_pairs(&pairs, overwrite, &attributes)?;
        for (path, text) in &trusted {
            files.put_file(path, text.as_bytes(), false, overwrite, &attributes)?;
        }
        let pairs = leaves.iter().flat_map(|wanted| {
            let PairPaths { certificate, key } = &wanted.paths;
            [certificate, key]
        });
        let trusted = trusted.iter().map(|(path, _)| path);
        Ok(trusted.chain(pairs).map(|path| out.join(path)).collect())
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
    let key = Zeroizing::new(read_file(&paths.key)?);
    let in_key = |error: Error| error.in_file(&paths.key);
    let private = PrivateKey::from_bytes(&key, None).map_err(in_key)?;
    let mut all = certificates(&paths.certificate)?;
    let text = all_pem(&all)?;
    let chain = all.split_off(1);
    let in_certificate = |error: Error| error.in_file(&paths.certificate);
    let bundle = Bundle::new(private, all.swap_remove(0), chain).map_err(in_certificate)?;
    if let Some(signer) = signer {
        let checked = bundle.certificate().check_issued_by(signer);
        checked.map_err(in_certificate)?;
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

fn certificates(path: &Path) -> Result<Vec<Certificate>> {
    Certificate::all_from_bytes(&read_file(path)?).map_err(|error| error.in_file(path))
}
