//! Checks the files of a directory after a disturbed run, and after the next one.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use etcd_pki_core::{Bundle, Certificate, Layout, PrivateKey, Store, x509::RevocationList};

use super::command;
use crate::{is_own_file, record::RECORD_FILE};

/// The extension of backups, which a run leaves and which are not part of its result
const BACKUP: &str = "bak";

/// The files below a directory, each with its mode.
pub(super) struct State(BTreeMap<PathBuf, (Vec<u8>, u32)>);

impl State {
    pub(super) fn of(directory: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut directories = vec![directory.to_owned()];
        while let Some(next) = directories.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                if metadata.is_dir() {
                    directories.push(path);
                } else if metadata.is_file() {
                    let contents = fs::read(&path).unwrap();
                    let name = path.strip_prefix(directory).unwrap().to_owned();
                    files.insert(name, (contents, metadata.permissions().mode()));
                }
            }
        }
        Self(files)
    }

    fn contents(&self, path: &Path) -> Option<&[u8]> {
        self.0.get(path).map(|(contents, _)| contents.as_slice())
    }

    /// Checks what must always hold: no CA key is lost, others can read no key, no file is
    /// truncated, and a pair that does not match is not reported as ok.
    pub(super) fn check_after(&self, before: &Self, directory: &Path) -> Result<(), String> {
        for (path, (contents, _)) in &before.0 {
            // A rotation keeps the keys of its two CAs under these names
            let names: &[&str] = if path.ends_with("ca-key.pem") {
                &["ca-key.pem", "ca-next-key.pem", "ca-previous-key.pem"]
            } else {
                continue;
            };
            let mut places = names.iter().map(|name| path.with_file_name(name));
            if !places.any(|place| self.contents(&place) == Some(contents)) {
                return Err(format!("the CA's key {} is lost", path.display()));
            }
        }
        for (path, (contents, mode)) in &self.0 {
            if has_key(contents) && mode & 0o077 != 0 {
                return Err(format!("others may read {}", path.display()));
            }
            let is_pem = path.extension().is_some_and(|end| end == "pem");
            if is_pem && !contents.ends_with(b"-----\n") {
                return Err(format!("{} is truncated", path.display()));
            }
            // etcd refuses every connection with a list that it cannot read
            let is_list = path.extension().is_some_and(|end| end == "crl");
            if is_list && RevocationList::from_der(contents).is_err() {
                return Err(format!("{} cannot be read", path.display()));
            }
        }
        self.check_recorded(before, directory)?;
        for (certificate, key) in self.pairs() {
            if !self.matches(&certificate, &key)
                && command(&format!("check {}", certificate.display()), directory)
                    .status
                    .success()
            {
                return Err(format!(
                    "{} does not match its key, and check calls it ok",
                    certificate.display()
                ));
            }
        }
        Ok(())
    }

    /// Checks that each new certificate is in a record, and that no record has a gap.
    fn check_recorded(&self, before: &Self, directory: &Path) -> Result<(), String> {
        let is_record = |path: &Path| path.ends_with(RECORD_FILE);
        let mut records = String::new();
        for (path, (contents, _)) in self.0.iter().filter(|(path, _)| is_record(path)) {
            records.push_str(&String::from_utf8_lossy(contents));
            let store = directory.join(path);
            let store = Store::new(store.parent().unwrap(), Layout::Kubespray);
            let record = store.record().map_err(|error| error.to_string())?;
            if let Some(damage) = record.unwrap().damage().first() {
                let (path, line, reason) = (path.display(), damage.line, &damage.reason);
                return Err(format!("{path} is damaged in line {line}: {reason}"));
            }
        }
        let is_old = |contents: &[u8]| before.0.values().any(|(old, _)| old == contents);
        for (path, (contents, _)) in self.0.iter().filter(|(path, _)| !is_record(path)) {
            let certificates = Certificate::all_from_bytes(contents).unwrap_or_default();
            let new = certificates.first().filter(|_| !is_old(contents));
            if new.is_some_and(|one| !records.contains(&one.fingerprint_sha256())) {
                return Err(format!("{} is in no record", path.display()));
            }
        }
        Ok(())
    }

    /// Checks what must hold when a command has finished: no temporary file is left, and every pair
    /// matches.
    pub(super) fn check_whole(&self) -> Result<(), String> {
        for (path, (contents, _)) in &self.0 {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_backup = path.extension().is_some_and(|end| end == BACKUP);
            if name.starts_with('.') && !is_own_file(path) && !is_backup {
                let with_key = if has_key(contents) {
                    ", with a key"
                } else {
                    ""
                };
                return Err(format!("{} is left{with_key}", path.display()));
            }
            if has_key(contents) && !is_backup {
                PrivateKey::from_pem(contents)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
        for (certificate, key) in self.pairs() {
            if !self.matches(&certificate, &key) {
                return Err(format!("{} does not match its key", certificate.display()));
            }
        }
        Ok(())
    }

    /// The certificates with a key next to them.
    fn pairs(&self) -> Vec<(PathBuf, PathBuf)> {
        let keys = self.0.keys().filter_map(|key| {
            let name = key.file_name()?.to_str()?;
            let stem = name
                .strip_suffix("-key.pem")
                .filter(|_| !name.starts_with('.'))?;
            Some((key.with_file_name(format!("{stem}.pem")), key.clone()))
        });
        keys.filter(|(certificate, _)| self.0.contains_key(certificate))
            .collect()
    }

    fn matches(&self, certificate: &Path, key: &Path) -> bool {
        let (Some(certificate), Some(key)) = (self.contents(certificate), self.contents(key))
        else {
            return false;
        };
        // A trust bundle may have several CAs
        let all = Certificate::all_from_bytes(certificate).unwrap_or_default();
        if let ([first, _, ..], Ok(key)) = (&*all, PrivateKey::from_pem(key))
            && first.is_ca()
        {
            return all.iter().any(|one| one.public_key() == key.public_key());
        }
        Bundle::from_pem(certificate, key).is_ok()
    }
}

fn has_key(contents: &[u8]) -> bool {
    contents.windows(12).any(|bytes| bytes == b"PRIVATE KEY-")
}
