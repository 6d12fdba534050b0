//! Keeps the files of a replaced CA under other names.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use rustix::io::Errno;

use super::{
    directory::Directory,
    old::{Old, copy},
    path::irregular,
};
use crate::{
    error::{Error, Result},
    key::{Passphrase, PrivateKey, PublicKey},
    layout::PairPaths,
    limits, signing, text,
    verify::{self, Use},
    x509::{bundle, certificate::Certificate},
};

/// The maximum number of a bundle's CAs that an error names
const NAMED: usize = 5;

/// The maximum number of suffixes that are tried for two CAs with the same serial number
const ATTEMPTS: usize = 100;

/// The kept files of a CA.
pub(super) struct Kept {
    pub(super) paths: PairPaths,
    /// The certificates of other CAs in the trust bundle. They stay trusted
    pub(super) others: Vec<Certificate>,
    /// The files that this run created, without those that an interrupted run had created
    made: Vec<(Directory, OsString)>,
}

/// A file of the CA.
struct Part {
    directory: Directory,
    name: OsString,
    old: Old,
}

/// Keeps the files of a CA before they are replaced: the key and the certificates, with owner, mode
/// and access control list. `open` opens the directory of a path and returns the file's name in it.
/// `signed` contains the certificates next to the CA. Returns `None` if there is no file.
/// # Errors
///
/// [`Error::SymbolicLink`], [`Error::NotAFile`], [`Error::Io`]; [`Error::Malformed`] if it is
/// unknown which CA of a trust bundle is replaced. After an error no file is kept.
pub(super) fn keep(
    ca: &PairPaths,
    new: &Certificate,
    passphrase: Option<&Passphrase>,
    signed: impl FnOnce() -> Vec<Certificate>,
    open: impl Fn(&Path) -> Result<(Directory, OsString)>,
) -> Result<Option<Kept>> {
    let certificate = Part::open(&ca.certificate, &open)?;
    let key = Part::open(&ca.key, &open)?;
    if certificate.is_none() && key.is_none() {
        return Ok(None);
    }
    let bundle = contents(&certificate).map_or_else(Vec::new, readable);
    let private_key = contents(&key).and_then(|key| PrivateKey::from_bytes(key, passphrase).ok());
    let own = private_key.as_ref().map(PrivateKey::public_key);
    let place = place(&bundle, own, new, signed).map_err(|error| error.in_file(&ca.certificate))?;
    let others = others(&bundle, place, new);
    let serial = match bundle.get(place) {
        // A name must not begin with a hyphen
        Some(own) => own.serial_number().to_string().replace('-', "minus"),
        None => {
            let file = contents(&certificate).or(contents(&key));
            text::upper_hex(&signing::sha256(file.unwrap_or_default()))
        }
    };
    for number in 1..=ATTEMPTS {
        let paths = match number {
            1 => ca.replaced(&serial),
            number => ca.replaced(&format!("{serial}-{number}")),
        };
        let parts = [
            key.as_ref().map(|part| (part, &paths.key)),
            certificate.as_ref().map(|part| (part, &paths.certificate)),
        ];
        let mut kept = Kept {
            paths: paths.clone(),
            others: others.clone(),
            made: Vec::new(),
        };
        match parts
            .into_iter()
            .flatten()
            .try_for_each(|(part, path)| kept.add(part, path))
        {
            Ok(()) => return Ok(Some(kept)),
            Err(error) => {
                kept.undo();
                match error {
                    Error::ExistingFile { .. } => {}
                    error => return Err(error),
                }
            }
        }
    }
    Err(Error::ExistingFile {
        path: ca.replaced(&serial).certificate,
    })
}

impl Part {
    fn open(
        path: &Path,
        open: impl Fn(&Path) -> Result<(Directory, OsString)>,
    ) -> Result<Option<Self>> {
        let (directory, name) = open(path)?;
        let Some(old) = Old::at(&directory, &name)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            directory,
            name,
            old,
        }))
    }
}

impl Kept {
    /// Gives a file a second name, or copies it if the system does not support second names.
    fn add(&mut self, part: &Part, path: &Path) -> Result<()> {
        let name = path.file_name().ok_or_else(|| irregular(path))?;
        let Part {
            directory,
            name: own,
            old,
        } = part;
        match directory.link(own, name) {
            Ok(()) => {}
            Err(Errno::EXIST) => return check_same(directory, name, old),
            Err(_) => copy(old, directory, name)?,
        }
        self.made.push((directory.again()?, name.to_owned()));
        directory.sync()
    }

    /// Removes the created files, because nothing was replaced.
    pub(super) fn undo(self) {
        for (directory, name) in self.made {
            let _ = directory.unlink(&name);
            let _ = directory.sync();
        }
    }
}

/// Fails with [`Error::ExistingFile`] unless a file is a copy of another file. An interrupted run leaves
/// such a copy.
fn check_same(directory: &Directory, name: &OsStr, old: &Old) -> Result<()> {
    let path = directory.path_of(name);
    match Old::at(directory, name) {
        Ok(Some(other)) if other.contents().is_some() && other.contents() == old.contents() => {
            Ok(())
        }
        Ok(_) | Err(Error::SymbolicLink { .. } | Error::NotAFile { .. }) => {
            Err(Error::ExistingFile { path })
        }
        Err(error) => Err(error),
    }
}

fn contents(part: &Option<Part>) -> Option<&[u8]> {
    part.as_ref()?.old.contents()
}

/// The readable certificates of a trust bundle. Others in the file may be unreadable.
fn readable(file: &[u8]) -> Vec<Certificate> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    if let Ok(all) = verify::held_bundle(file).0 {
        return all;
    }
    let text = String::from_utf8_lossy(file);
    let blocks = text.split(BEGIN).skip(1).take(limits::PEM_BLOCKS);
    let blocks = blocks.filter_map(|block| {
        let body = block.split_once(END)?.0;
        Certificate::from_pem(format!("{BEGIN}{body}{END}\n")).ok()
    });
    blocks.collect()
}

/// The index of the CA that is replaced: the CA with this key, or with the name of the new CA, or
/// the one that signed the existing certificates.
///
/// # Errors
///
/// [`Error::Malformed`] if it is unknown which of several CAs this is.
fn place(
    bundle: &[Certificate],
    key: Option<&PublicKey>,
    new: &Certificate,
    signed: impl FnOnce() -> Vec<Certificate>,
) -> Result<usize> {
    let of_key = key.and_then(|key| bundle::place_of_key(bundle, key));
    let named = || bundle.iter().position(|one| one.subject() == new.subject());
    if let Some(place) = of_key.or_else(named) {
        return Ok(place);
    }
    let Some(first) = bundle.first() else {
        return Ok(0);
    };
    if bundle
        .iter()
        .all(|one| one.public_key() == first.public_key())
    {
        return Ok(0);
    }
    let signed = signed();
    let has_signed = |ca: &Certificate| {
        let mut leaves = signed.iter().filter(|one| !one.is_ca());
        leaves.any(|leaf| leaf.names_issuer(ca) && leaf.check_issued_by(ca).is_ok())
    };
    let places: Vec<usize> = (0..bundle.len())
        .filter(|at| has_signed(&bundle[*at]))
        .collect();
    let key_of = |at: &usize| bundle[*at].public_key();
    match places.split_first() {
        Some((one, more)) if more.iter().all(|other| key_of(other) == key_of(one)) => Ok(*one),
        _ => {
            let names: Vec<String> = bundle
                .iter()
                .take(NAMED)
                .map(Certificate::subject)
                .collect();
            let more = if bundle.len() > NAMED {
                ", and more"
            } else {
                ""
            };
            let reason = format!(
                "it has several CAs, and neither a key nor a certificate here shows which of them is replaced: {}{more}",
                names.join("; ")
            );
            Err(Error::malformed("trust bundle", text::printable(&reason)))
        }
    }
}

/// The certificates of a trust bundle that belong neither to the replaced CA nor to the new CA.
/// Certificates that etcd cannot read are left out, because etcd could not read the new file with
/// them.
fn others(bundle: &[Certificate], place: usize, new: &Certificate) -> Vec<Certificate> {
    let Some(own) = bundle.get(place) else {
        return Vec::new();
    };
    let is_of = |one: &Certificate, ca: &Certificate| one.public_key() == ca.public_key();
    // Go accepts a leaf in the trust bundle, regardless of its signer (`Verify` in crypto/x509)
    let is_its_leaf = |one: &Certificate| !one.is_ca() && one.check_issued_by(own).is_ok();
    let is_other = |one: &&Certificate| !is_of(one, own) && !is_of(one, new) && !is_its_leaf(one);
    let is_read = |one: &&Certificate| {
        let pem = one.to_pem();
        let (_, refusal) = verify::held_certificates(Use::TrustedCa, pem.as_bytes());
        refusal.is_none()
    };
    let others = bundle.iter().filter(is_other).filter(is_read);
    others.cloned().collect()
}
