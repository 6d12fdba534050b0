//! The CA that another one replaces: its files are kept under further names.

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
    bundle,
    certificate::Certificate,
    error::{Error, Result},
    hex,
    key::PrivateKey,
    layout::PairPaths,
    signing,
    verify::{self, Use},
};

/// The numbers that are tried for two CAs with one serial number
const ATTEMPTS: usize = 100;

/// The kept files of a CA.
pub(super) struct Kept {
    pub(super) paths: PairPaths,
    /// The certificates of the trust bundle that are other CAs': they stay trusted
    pub(super) others: Vec<Certificate>,
    /// The files that were made, not those that an interrupted run had made
    made: Vec<(Directory, OsString)>,
}

/// A file of the CA.
struct Part {
    directory: Directory,
    name: OsString,
    old: Old,
}

/// Keeps the files of a CA before they are replaced: the key and the certificates, with owner, mode
/// and access control list. `open` opens the directory of a path and gives the name there. Returns
/// nothing if there is no file.
///
/// # Errors
///
/// [`Error::SymbolicLink`], [`Error::Irregular`], [`Error::Io`]; [`Error::Malformed`] for a trust
/// bundle of which it is not known which CA is replaced. After any of them nothing is kept.
pub(super) fn keep(
    ca: &PairPaths,
    new: &Certificate,
    open: impl Fn(&Path) -> Result<(Directory, OsString)>,
) -> Result<Option<Kept>> {
    let certificate = Part::open(&ca.certificate, &open)?;
    let key = Part::open(&ca.key, &open)?;
    let serial = match (&certificate, &key) {
        (None, None) => return Ok(None),
        (certificate, key) => serial(contents(certificate), contents(key)),
    };
    let others = others(contents(&certificate), contents(&key), new)
        .map_err(|error| error.in_file(&ca.certificate))?;
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
                    Error::Exists { .. } => {}
                    error => return Err(error),
                }
            }
        }
    }
    Err(Error::Exists {
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
    /// Gives a file its further name, or a copy where the system allows no second name.
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

    /// Removes what was made: nothing was replaced.
    pub(super) fn undo(self) {
        for (directory, name) in self.made {
            let _ = directory.unlink(&name);
            let _ = directory.sync();
        }
    }
}

/// Fails with [`Error::Exists`] unless a file is the copy of another, which a run that was
/// interrupted left.
fn check_same(directory: &Directory, name: &OsStr, old: &Old) -> Result<()> {
    let path = directory.path_of(name);
    match Old::at(directory, name) {
        Ok(Some(other)) if other.contents().is_some() && other.contents() == old.contents() => {
            Ok(())
        }
        Ok(_) | Err(Error::SymbolicLink { .. } | Error::Irregular { .. }) => {
            Err(Error::Exists { path })
        }
        Err(error) => Err(error),
    }
}

fn contents(part: &Option<Part>) -> Option<&[u8]> {
    part.as_ref()?.old.contents()
}

/// The certificates of a trust bundle that are neither the replaced CA's nor the new one's. Those that
/// etcd does not read are left out: it would not read the new file with them.
///
/// # Errors
///
/// [`Error::Malformed`] if no key shows which of several CAs is replaced, and none has the name of the
/// new one.
fn others(
    certificates: Option<&[u8]>,
    key: Option<&[u8]>,
    new: &Certificate,
) -> Result<Vec<Certificate>> {
    let bundle = certificates.and_then(|file| verify::held_bundle(file).0.ok());
    let bundle = bundle.unwrap_or_default();
    let key = key.and_then(|key| PrivateKey::from_bytes(key, None).ok());
    let of_key = key.and_then(|key| bundle::place_of_key(&bundle, key.public_key()));
    let named = || bundle.iter().position(|one| one.subject() == new.subject());
    let place = match of_key.or_else(named) {
        Some(place) => place,
        None if bundle.len() < 2 => 0,
        None => {
            let reason = "it has several CAs, and no key here shows which of them is replaced";
            return Err(Error::malformed("CA", reason));
        }
    };
    let own = bundle.get(place).map(Certificate::public_key);
    let is_other =
        |one: &&Certificate| Some(one.public_key()) != own && one.public_key() != new.public_key();
    let is_read = |one: &&Certificate| {
        let pem = one.to_pem();
        let (_, refusal) = verify::held_certificates(Use::TrustedCa, pem.as_bytes());
        refusal.is_none()
    };
    Ok(bundle
        .iter()
        .filter(is_other)
        .filter(is_read)
        .cloned()
        .collect())
}

/// What the kept files are named after: the serial number of the signing CA, or a digest of the file
/// where no certificate can be read.
fn serial(certificates: Option<&[u8]>, key: Option<&[u8]>) -> String {
    let key_file = key.unwrap_or_default();
    let all = certificates.and_then(|file| verify::held_bundle(file).0.ok());
    if let Some(all) = all {
        let key = PrivateKey::from_bytes(key_file, None).ok();
        let place = key.and_then(|key| bundle::place_of_key(&all, key.public_key()));
        if let Some(certificate) = all.get(place.unwrap_or(0)) {
            // A name must not begin with a hyphen
            return certificate
                .serial_number()
                .to_string()
                .replace('-', "minus");
        }
    }
    hex::upper(&signing::sha256(certificates.unwrap_or(key_file)))
}
