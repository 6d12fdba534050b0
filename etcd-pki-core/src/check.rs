//! The state of certificates, wherever they are: how long they last, and what is wrong with them.

mod alone;
mod checked;
mod file;
mod finding;
mod rules;
mod surroundings;
mod threshold;
mod writable;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::SystemTime,
};

use rayon::prelude::*;

pub use self::{
    checked::{Checked, KeyMatch},
    finding::{Finding, Severity},
    threshold::Threshold,
};
use self::{
    file::{Contents, is_called_certificate, is_candidate, unreadable},
    surroundings::Surroundings,
};
use crate::{
    clock,
    error::{Error, Result},
    store::{self, Entry},
};

/// Looks at certificates for whoever watches them: monitoring, and people before they go on holiday.
///
/// ```
/// use etcd_pki_core::{CaKind, CertificateAuthority, Check, Identity, Layout, Role, Severity, Store};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let store = Store::new(&directory, Layout::Kubespray);
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let files = store.lock()?;
/// files.write_ca(CaKind::Client, &ca, None)?;
/// files.write(&ca.issue(Role::Member, Identity::new("etcd-1")?)?)?;
///
/// let checked = Check::new().run([&directory]);
/// assert_eq!(checked.len(), 2);
/// assert!(checked.iter().all(|one| one.severity() == Severity::Ok));
///
/// let checked = Check::new().warning("400d".parse()?).run([&directory]);
/// assert_eq!(checked[1].findings()[0].code(), "EP003");
///
/// let checked = Check::new().warning("400d".parse()?).ignore("ep003")?.run([&directory]);
/// assert!(checked[1].findings().is_empty());
/// assert!(Check::new().ignore("EP999").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Check {
    warning: Threshold,
    critical: Threshold,
    at: Option<SystemTime>,
    ignored: Vec<&'static str>,
}

/// A path that was given, and the files that it stands for.
struct Asked {
    path: PathBuf,
    files: Vec<PathBuf>,
    /// Whether something below it cannot be listed
    failed: bool,
}

impl Check {
    /// With [`Threshold::WARNING`] and [`Threshold::CRITICAL`].
    pub const fn new() -> Self {
        Self {
            warning: Threshold::WARNING,
            critical: Threshold::CRITICAL,
            at: None,
            ignored: Vec::new(),
        }
    }

    /// Warns this long before the end.
    pub const fn warning(mut self, threshold: Threshold) -> Self {
        self.warning = threshold;
        self
    }

    /// Is alarmed this long before the end.
    pub const fn critical(mut self, threshold: Threshold) -> Self {
        self.critical = threshold;
        self
    }

    /// Judges at another time than now.
    pub const fn at(mut self, instant: SystemTime) -> Self {
        self.at = Some(instant);
        self
    }

    /// Says nothing of findings with this code, one of [`Finding::CODES`], in letters of either case.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`] if no finding has that code: what was to be ignored would be told, or something else be taken for ignored.
    pub fn ignore(mut self, code: &str) -> Result<Self> {
        let known = Finding::CODES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(code));
        self.ignored.push(known.ok_or_else(|| Error::Unknown {
            what: "code of a finding",
            text: code.to_owned(),
            choices: Finding::CODES.to_vec(),
        })?);
        Ok(self)
    }

    /// Looks at files and at all that is in directories: in them, in those one level below, and in an `etcd` within these. It
    /// always comes to an answer, in the order of the files: what cannot be read is a finding.
    ///
    /// Keys are found by name: `x-key.pem` or `x.key` of `x.pem` and of `x.crt`. That a key is not there is no fault, and that a
    /// certificate is not there is one, unless its request is beside its key.
    #[must_use]
    pub fn run(&self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Vec<Checked> {
        let now = self.at.unwrap_or_else(clock::now);
        let mut checked = Vec::new();
        let paths: Vec<_> = paths.into_iter().collect();
        let paths: BTreeSet<&Path> = paths.iter().map(AsRef::as_ref).collect();
        let asked: Vec<Asked> = paths
            .into_iter()
            .map(|path| list(path, &mut checked))
            .collect();
        let files: BTreeSet<&PathBuf> = asked.iter().flat_map(|asked| &asked.files).collect();
        let read: BTreeMap<&Path, Contents> = files
            .into_par_iter()
            .map(|path| (path.as_path(), Contents::of(path)))
            .collect();
        checked.extend(without_certificates(&asked, &read));
        checked.extend(self.told(writable::directories(&read)));
        let surroundings = Surroundings::of(&read);
        checked.extend(self.told(alone::keys(&read, &surroundings)));
        checked.par_extend(
            read.par_iter()
                .flat_map_iter(|(path, contents)| self.file(path, contents, &surroundings, now)),
        );
        let place = |one: &Checked| (one.path().to_owned(), one.number());
        checked.sort_by_cached_key(place);
        checked.dedup_by(|later, one| one.takes_in(later));
        for one in &mut checked {
            one.leave_out(&self.ignored);
        }
        checked
    }

    /// What is to be said of a file.
    fn file(
        &self,
        path: &Path,
        contents: &Contents,
        surroundings: &Surroundings<'_>,
        now: SystemTime,
    ) -> Vec<Checked> {
        let certificates = match contents {
            Contents::Certificates(certificates) => certificates,
            // It is told of with its certificate
            Contents::Key(_) if surroundings.has_key(path) => return Vec::new(),
            Contents::Key(findings) => {
                let told = findings.iter().cloned();
                return told.map(|one| Checked::file(path, one)).collect();
            }
            Contents::Unreadable(finding) => return vec![Checked::file(path, finding.clone())],
            Contents::Other => return Vec::new(),
        };
        let all = &certificates.all;
        let chain = all.iter().skip(1).map(|below| (path, below));
        let authorities = surroundings.authorities(path).with(chain);
        let mut checked = Vec::with_capacity(all.len());
        for (index, certificate) in all.iter().enumerate() {
            if all[..index].contains(certificate) {
                continue;
            }
            let mut findings = rules::findings(certificate, &authorities, self, now);
            if index == 0 {
                findings.extend(certificates.findings.iter().cloned());
            }
            let one = Checked::certificate_at(path, index + 1, certificate, findings, now);
            let has_key = index == certificates.index_of_key();
            checked.push(if has_key {
                one.with_key(&certificates.key)
            } else {
                one
            });
        }
        checked
    }

    /// What is said of what holds no certificate itself, as far as it is not ignored: then nobody asks for it.
    fn told(&self, findings: Vec<(PathBuf, Finding)>) -> impl Iterator<Item = Checked> {
        let told = findings.into_iter();
        let told = told.filter(|(_, finding)| !self.ignored.contains(&finding.code()));
        told.map(|(path, finding)| Checked::file(&path, finding))
    }
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

/// The files that a path stands for, and a finding for each directory that cannot be listed.
fn list(path: &Path, checked: &mut Vec<Checked>) -> Asked {
    let mut asked = Asked {
        path: path.to_owned(),
        files: Vec::new(),
        failed: false,
    };
    if !path.is_dir() {
        asked.files.push(path.to_owned());
        return asked;
    }
    for found in store::whole_tree(path) {
        match found {
            Ok(Entry::File(file)) if is_candidate(&file) => asked.files.push(file),
            // Reading it tells what it is
            Ok(Entry::Other(other)) if is_called_certificate(&other) => asked.files.push(other),
            Ok(_) => {}
            Err((directory, error)) => {
                asked.failed = true;
                checked.push(Checked::file(&directory, unreadable(error)));
            }
        }
    }
    asked
}

/// A finding for each path below which there is nothing to look at: whoever watches an empty directory would never hear of it.
///
/// A key is excused where there are certificates: a shell has put it into the list.
fn without_certificates(asked: &[Asked], read: &BTreeMap<&Path, Contents>) -> Vec<Checked> {
    let has = |asked: &Asked, kind: fn(&Contents) -> bool| {
        let contents = asked
            .files
            .iter()
            .filter_map(|file| read.get(file.as_path()));
        contents.into_iter().any(kind)
    };
    let certificates = |contents: &Contents| matches!(contents, Contents::Certificates(_));
    let unreadable = |contents: &Contents| matches!(contents, Contents::Unreadable(_));
    let key = |contents: &Contents| matches!(contents, Contents::Key(_));
    let excuses_keys = asked.iter().any(|asked| has(asked, certificates));
    let is_told = |asked: &&Asked| {
        let is_file = asked.files.first() == Some(&asked.path);
        asked.failed
            || has(asked, certificates)
            || has(asked, unreadable)
            || (excuses_keys && is_file && has(asked, key))
    };
    let untold = asked.iter().filter(|asked| !is_told(asked));
    untold
        .map(|asked| Checked::file(&asked.path, Finding::NoCertificate))
        .collect()
}
