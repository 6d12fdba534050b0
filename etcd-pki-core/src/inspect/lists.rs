//! Judges the revocation lists of directories, and finds revoked certificates.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    contents::Contents,
    rules,
    surroundings::{Surroundings, directories_of, named_as_cas},
};
use crate::{
    error::Error,
    finding::Finding,
    layout::{ListPaths, is_list},
    store::{look, parent},
    verify::{held_list, revoked},
    x509::{certificate::Certificate, revocation_list::RevocationList},
};

/// The revocation lists of the directories with certificates that were read.
#[derive(Default)]
pub(super) struct JudgedLists {
    /// The lists that etcd can read, by their directory
    usable: BTreeMap<PathBuf, (PathBuf, RevocationList)>,
    findings: Vec<(PathBuf, Finding)>,
}

impl JudgedLists {
    /// Reads the lists next to the certificates that were read, and those of the given paths.
    pub(super) fn of(
        read: &BTreeMap<PathBuf, Contents>,
        surroundings: &Surroundings<'_>,
        given: &BTreeSet<&Path>,
        now: SystemTime,
    ) -> Self {
        let mut directories: BTreeSet<PathBuf> = BTreeSet::new();
        for (path, contents) in read {
            if matches!(contents, Contents::Certificates(_)) {
                directories.extend(directories_of(path));
            }
        }
        let given = given.iter().filter(|path| is_list(path));
        directories.extend(given.map(|path| parent(path).to_owned()));
        let all = read.values().filter_map(|contents| match contents {
            Contents::Certificates(certificates) => Some(certificates.all.iter()),
            _ => None,
        });
        let read_cas: Vec<&Certificate> = all.flatten().filter(|one| one.is_ca()).collect();
        let mut judged = Self::default();
        for directory in directories {
            let mut here: Vec<&Certificate> = surroundings
                .in_directory(&directory)
                .map(|(_, ca)| ca)
                .collect();
            // Only the list was given, so nothing around it was read
            let named = if here.is_empty() {
                named_as_cas(&directory, read)
            } else {
                Vec::new()
            };
            here.extend(named.iter().map(|(_, ca)| ca));
            here.extend(read_cas.iter().copied());
            let cas = here;
            judged.judge(&directory, &cas, now);
        }
        judged
    }

    fn judge(&mut self, directory: &Path, cas: &[&Certificate], now: SystemTime) {
        // If the user is in that directory, the paths have no `./`
        let directory = directory.strip_prefix(".").unwrap_or(directory);
        let ListPaths { der, pem } = ListPaths::within(directory);
        match look(&der) {
            Ok(None) => {}
            Ok(Some((bytes, _))) => match held_list(&der, &bytes) {
                Ok(list) => {
                    self.add(&der, findings_of(&der, &list, cas, now));
                    self.usable.insert(directory.to_owned(), (der, list));
                }
                Err(finding) => self.add(&der, [finding]),
            },
            Err(error) => self.add(&der, [unreadable(error)]),
        }
        match look(&pem) {
            Ok(None) => {}
            Ok(Some((bytes, _))) => match RevocationList::all_from_bytes(&bytes) {
                Ok(lists) => {
                    let findings = lists.iter();
                    let findings = findings.flat_map(|list| findings_of(&pem, list, cas, now));
                    self.add(&pem, findings.take(1));
                }
                // etcd does not read this file
                Err(error) => {
                    let reason = error.to_string();
                    self.add(&pem, [unusable(&pem, reason)]);
                }
            },
            Err(error) => self.add(&pem, [unreadable(error)]),
        }
    }

    fn add(&mut self, path: &Path, findings: impl IntoIterator<Item = Finding>) {
        let findings = findings.into_iter();
        let findings = findings.map(|finding| (path.to_owned(), finding));
        self.findings.extend(findings);
    }

    /// The findings about the lists, with their files.
    pub(super) fn findings(&self) -> Vec<(PathBuf, Finding)> {
        self.findings.clone()
    }

    /// The finding for a revoked certificate in a file.
    pub(super) fn revoked(&self, path: &Path, certificate: &Certificate) -> Option<Finding> {
        if self.usable.is_empty() {
            return None;
        }
        let mut lists = directories_of(path).filter_map(|directory| {
            let directory = directory.strip_prefix(".").unwrap_or(&directory);
            self.usable.get(directory)
        });
        let near = lists.find_map(|(path, list)| revoked(certificate, list, Some(path)));
        // The file may be in the tree of its host, far from its CA
        near.or_else(|| {
            let mut all = self.usable.values();
            all.find_map(|(path, list)| {
                list.revoked(certificate)?;
                revoked(certificate, list, Some(path))
            })
        })
    }
}

/// The list that etcd can use for the CA in a file, and its path: `revoked.crl` next to the CA, if
/// that file exists.
pub fn revocation_file(ca: impl AsRef<Path>) -> Option<PathBuf> {
    let ListPaths { der, .. } = ListPaths::within(parent(ca.as_ref()));
    der.exists().then_some(der)
}

/// The findings about a list that can be read: no CA signed it, or its next update is due.
fn findings_of(
    path: &Path,
    list: &RevocationList,
    cas: &[&Certificate],
    now: SystemTime,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !cas.iter().any(|ca| list.check_issued_by(ca).is_ok()) {
        let named = cas.iter().any(|ca| ca.subject() == list.issuer());
        let issuer = list.issuer();
        let reason = if named {
            format!("the CA {issuer} of this directory did not sign it")
        } else {
            format!("its issuer {issuer} is no CA of this directory")
        };
        findings.push(unusable(path, reason));
    }
    findings.extend(outdated(path, list, now));
    findings
}

/// The finding for a list with a next update that is due.
pub(crate) fn outdated(path: &Path, list: &RevocationList, now: SystemTime) -> Option<Finding> {
    let next_update = list.next_update().filter(|next| *next < now)?;
    Some(Finding::OutdatedList {
        path: path.to_owned(),
        next_update,
    })
}

fn unusable(path: &Path, reason: String) -> Finding {
    Finding::UnusableList {
        path: path.to_owned(),
        reason,
        refused: false,
    }
}

fn unreadable(error: Error) -> Finding {
    rules::unusable(error)
}
