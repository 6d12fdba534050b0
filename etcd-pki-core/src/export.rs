//! Exports one host's files from a directory with the files of all hosts.

use std::{
    collections::HashSet,
    iter,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    cluster::{Cluster, Desired},
    error::{Error, Result},
    finding::Finding,
    inspect::issuer::{self, Issuer},
    key::PrivateKey,
    layout::{CaKind, Layout, PairPaths},
    store::{
        Attributes, CaAttributes, Overwrite, PairTexts, Store, group, is_empty,
        look_existing_below, may_give, owner_of_directory, read_below, read_existing_below, tree,
        trusted_owner, user, user_name,
    },
    verify::{self, Use, held_certificates, unacceptable},
    x509::{
        bundle::{Bundle, all_pem},
        certificate::Certificate,
    },
};

/// The result of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The path of each file
    pub files: Vec<PathBuf>,
    /// The specification's owner and group, if they could not be set here: they are unknown on this
    /// host, or the process is not root. Set them on the destination host
    pub not_given: Vec<String>,
    /// The other files in the directory that have names of the layout, such as keys of an earlier
    /// export that the host no longer uses. They stay as they are
    pub other_files: Vec<PathBuf>,
}

impl Cluster {
    /// Copies the files of one host into a separate directory, with the paths that they have on
    /// that host: its keys and certificates, the certificates of the CAs without their keys, and the
    /// revocation lists.
    ///
    /// Each pair is checked first: the key must match the certificate, and a CA of the cluster must
    /// have signed it.
    ///
    /// [`Overwrite::Replace`] replaces the files that it writes. Files of an earlier export that
    /// the host no longer uses stay in the directory, including private keys, and
    /// [`Exported::other_files`] lists them.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a host that is not in the cluster; [`Error::KeyMismatch`] if a
    /// key does not match its certificate; [`Error::Signature`] if no CA of the cluster signed a
    /// certificate; [`Error::ExistingFile`] if the directory is not empty, unless its files may be
    /// replaced; [`Error::Io`], [`Error::SymbolicLink`]. After an error nothing has changed.
    pub fn export(
        &self,
        store: &Store,
        host: &str,
        out: &Path,
        overwrite: Overwrite,
    ) -> Result<Exported> {
        let desired = self.desired_on(host)?;
        if overwrite == Overwrite::Refuse && !is_empty(out) {
            return Err(Error::ExistingFile {
                path: out.to_owned(),
            });
        }

        let mut bundles: Vec<(CaKind, Vec<Certificate>)> = Vec::new();
        let mut trusted = Vec::new();
        for ca in &desired.cas {
            let bundle = certificates_of(store, &ca.paths.certificate)?;
            trusted.push((&ca.paths.certificate, all_pem(&bundle)));
            bundles.push((ca.kind, bundle));
        }
        let owners = Owners {
            attributes: &self.exported_attributes().0,
            of_store: owner_of_directory(store.directory()),
        };
        let mut pairs = Vec::new();
        for (pair, from) in desired.pairs.iter().zip(self.sources(host)?) {
            let bundle = bundles.iter().find(|(kind, _)| *kind == pair.ca);
            let bundle = bundle.map_or(&[][..], |(_, bundle)| bundle);
            let texts = read_pair(store, &from, bundle, &owners)?;
            pairs.push((&pair.paths, texts));
        }

        // etcd would refuse every connection with a list that it cannot read
        let lists = store.lists()?.list.is_some();
        let paths = self.layout().revocation_lists();
        let lists: Vec<(PathBuf, Vec<u8>)> = [paths.der, paths.pem]
            .into_iter()
            .filter(|_| lists)
            .filter_map(|path| {
                let bytes = read_below(store.directory(), &path).transpose()?;
                Some(bytes.map(|bytes| (path, bytes)))
            })
            .collect::<Result<_>>()?;

        let (attributes, not_given) = self.exported_attributes();
        let store = Store::new(out, self.layout());
        let files = store.lock()?.without_inheritance();
        files.give_directories(&attributes)?;
        files.put_pairs(&pairs, overwrite, &attributes)?;
        for (path, text) in &trusted {
            let attributes = attributes.for_ca();
            files.put_file(path, text.as_bytes(), false, overwrite, &attributes)?;
        }
        let listed: Vec<_> = lists
            .iter()
            .map(|(path, text)| (&**path, &**text))
            .collect();
        files.put_lists(&listed, &attributes)?;
        let pairs = pairs.iter().flat_map(|(paths, _)| {
            let PairPaths { certificate, key } = paths;
            [certificate, key]
        });
        let trusted = trusted.iter().map(|(path, _)| *path);
        let files: Vec<PathBuf> = trusted.chain(pairs).map(|path| out.join(path)).collect();
        Ok(Exported {
            other_files: other_files(out, self.layout(), &files),
            files,
            not_given,
        })
    }

    /// The modes of the specification, with owner and group if this host knows them and allows
    /// setting them. The second value lists the names that could not be set.
    fn exported_attributes(&self) -> (Attributes, Vec<String>) {
        let files = &self.spec().files;
        let mut not_given = Vec::new();
        let mut number = |name: &Option<String>, look_up: fn(&str) -> Result<u32>| {
            let name = name.as_ref()?;
            let number = look_up(name).ok().filter(|_| may_give());
            if number.is_none() {
                not_given.push(name.clone());
            }
            number
        };
        let attributes = Attributes {
            owner: number(&files.owner, user),
            group: number(&files.group, group),
            key_mode: files.key_mode,
            certificate_mode: files.certificate_mode,
            directory_mode: files.directory_mode,
            ca: CaAttributes {
                owner: number(&files.ca.owner, user),
                group: number(&files.ca.group, group),
                key_mode: None,
            },
            ..Attributes::default()
        };
        (attributes, not_given)
    }

    /// The paths of a host's pairs in the directory of all hosts, in order.
    fn sources(&self, host: &str) -> Result<Vec<PairPaths>> {
        let Desired { pairs, .. } = self.desired()?;
        let own = pairs
            .into_iter()
            .filter(|pair| pair.host.as_deref() == Some(host));
        Ok(own.map(|pair| pair.paths).collect())
    }
}

/// The files of a directory that have names of the layout and are not among these.
fn other_files(directory: &Path, layout: Layout, written: &[PathBuf]) -> Vec<PathBuf> {
    let written: HashSet<&PathBuf> = written.iter().collect();
    let is_named = |path: &Path| {
        let relative = path.strip_prefix(directory).ok();
        relative.is_some_and(|relative| layout.identify(relative).is_some())
    };
    let files = tree(directory).into_iter().filter_map(|file| file.ok());
    files
        .filter(|path| is_named(path) && !written.contains(path))
        .collect()
}

/// The users who may own an exported key.
struct Owners<'a> {
    attributes: &'a Attributes,
    of_store: u32,
}

/// Reads a pair and checks that its parts match. The key keeps its format.
fn read_pair(
    store: &Store,
    relative: &PairPaths,
    bundle: &[Certificate],
    owners: &Owners<'_>,
) -> Result<PairTexts> {
    let paths = relative.below(store.directory());
    let (key, stamp) = look_existing_below(store.directory(), &relative.key)?;
    let key = Zeroizing::new(key);
    if !trusted_owner(&stamp, owners.attributes, owners.of_store) {
        return Err(Error::UntrustedOwner {
            path: paths.key.clone(),
            owner: user_name(stamp.account().owner),
        });
    }
    let in_key = |error: Error| error.in_file(&paths.key);
    let private = PrivateKey::from_bytes(&key, None).map_err(in_key)?;
    let mut all = certificates_of(store, &relative.certificate)?;
    let text = all_pem(&all);
    let chain = all.split_off(1);
    let in_certificate = |error: Error| error.in_file(&paths.certificate);
    let pair = Bundle::new(private, all.swap_remove(0), chain).map_err(in_certificate)?;
    check_issuer(pair.certificate(), pair.chain(), bundle).map_err(in_certificate)?;
    let of_ca = bundle
        .iter()
        .find(|ca| ca.public_key() == pair.certificate().public_key());
    if let Some(ca) = of_ca {
        return Err(in_key(Error::CaKeyInLeaf {
            subject: ca.subject(),
        }));
    }
    let texts = PairTexts {
        // A DER key is not text
        key: match std::str::from_utf8(&key) {
            Ok(text) => Zeroizing::new(text.to_owned()),
            Err(_) => pair.to_secret_pem(),
        },
        certificate: text,
    };
    let (certificate, key) = (texts.certificate.as_bytes(), texts.key.as_bytes());
    let (_, refused) = held_certificates(Use::Certificate, certificate);
    let refused = refused.or_else(|| verify::key_pair(certificate, key).err());
    match refused {
        None | Some(Finding::NotSupported { .. }) => Ok(texts),
        Some(finding) => Err(unacceptable(finding).in_file(&paths.certificate)),
    }
}

/// All certificates in a file of the store. A symbolic link is refused, because its target may
/// belong to another user.
fn certificates_of(store: &Store, relative: &Path) -> Result<Vec<Certificate>> {
    let bytes = read_existing_below(store.directory(), relative)?;
    let all = Certificate::all_from_bytes(&bytes);
    all.map_err(|error| error.in_file(store.directory().join(relative)))
}

/// Fails if no CA of a bundle signed the certificate, or one of its chain.
fn check_issuer(
    certificate: &Certificate,
    chain: &[Certificate],
    bundle: &[Certificate],
) -> Result<()> {
    // The link certificate of a finished rotation may follow a certificate whose CA is trusted
    let mut all = iter::once(certificate).chain(chain);
    if all.any(|one| issuer::is_signed_by(one, bundle)) {
        return Ok(());
    }
    let top = chain.last().unwrap_or(certificate);
    if bundle.contains(top) {
        return Ok(());
    }
    match issuer::of(top, bundle.iter().map(|ca| ((), ca))) {
        // etcd accepts the certificate if it knows the algorithm
        Issuer::Ca(()) | Issuer::NotSupported(_) => Ok(()),
        Issuer::Refused(reason) => Err(Error::Signature {
            what: "certificate",
            reason,
        }),
        Issuer::Unknown { same_name, .. } => Err(Error::Signature {
            what: "certificate",
            reason: if same_name {
                format!("no CA {} of the bundle signed it", top.issuer())
            } else {
                format!("its issuer {} is not trusted", top.issuer())
            },
        }),
    }
}
