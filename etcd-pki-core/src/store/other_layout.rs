//! Recognizes another layout in the same directory by its files.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{Store, read::first_certificate, tree::tree};
use crate::{
    error::{Error, Result},
    layout::{CaKind, Layout},
    x509::certificate::Certificate,
};

impl Store {
    /// Refuses a new CA with this common name if the directory has a CA in another layout, or
    /// certificates that such a CA signed. Otherwise there would be two CAs with one name, and
    /// neither would accept certificates of the other.
    ///
    /// # Errors
    ///
    /// [`Error::ExistingCa`]. It contains the layout.
    pub(crate) fn check_other_layout(&self, common_name: Option<&str>) -> Result<()> {
        match self.other_layout_than_of(common_name) {
            None => Ok(()),
            Some((found, layout)) => Err(Error::ExistingCa {
                directory: self.directory.clone(),
                found: format!("{} of the {layout} layout", found.display()),
                layout: Some(layout.name()),
                lacks_certificate: false,
            }),
        }
    }

    /// The other layout with files in this directory, and one of its files, if it has more files
    /// here than this store's layout.
    #[must_use]
    pub fn other_layout(&self) -> Option<(PathBuf, Layout)> {
        self.other_layout_than_of(None)
    }

    /// The other layout with files in this directory, and one of its files. If there are several
    /// layouts, it is the one with the most files. Files that also have a name in this store's
    /// layout do not count.
    fn other_layout_than_of(&self, common_name: Option<&str>) -> Option<(PathBuf, Layout)> {
        let certificates = self.certificates_of_any_layout();
        let named = |layout: Layout| {
            let files = certificates.iter();
            files
                .filter(|(path, certificate)| names(layout, path, certificate))
                .count()
        };
        let mut best = (named(self.layout), None);
        for layout in Layout::ALL {
            let mut files = certificates.iter();
            let telling = files.find(|(path, certificate)| {
                names(layout, path, certificate)
                    && !names(self.layout, path, certificate)
                    && is_telling(layout, path)
                    && !(is_of_kubernetes(self.layout, path)
                        && certificate.common_name().as_deref() != common_name)
            });
            let count = named(layout);
            if let Some((path, _)) = telling.filter(|_| count > best.0) {
                best = (count, Some((path.clone(), layout)));
            }
        }
        best.1
    }

    /// The certificates with a name of any layout, by their paths relative to the directory. Other
    /// tools' files without certificates are ignored.
    fn certificates_of_any_layout(&self) -> Vec<(PathBuf, Certificate)> {
        let files = tree(&self.directory).into_iter().flatten();
        let below = files.filter_map(|path| {
            let path = path.strip_prefix(&self.directory).ok()?;
            Some(path.to_owned())
        });
        let named = below.filter(|path| {
            let mut layouts = Layout::ALL.into_iter();
            layouts.any(|layout| is_ca(layout, path) || is_leaf(layout, path))
        });
        let certificate = |path: PathBuf| {
            let first = first_certificate(&self.directory.join(&path))?;
            Some((path, first))
        };
        named.filter_map(certificate).collect()
    }
}

/// Whether a layout has this name for such a certificate.
fn names(layout: Layout, path: &Path, certificate: &Certificate) -> bool {
    if certificate.is_ca() {
        is_ca(layout, path)
    } else {
        is_leaf(layout, path)
    }
}

/// Whether a layout has this name for a leaf, in the directory itself or in a host's tree.
/// kubeadm's own folder `etcd` is not a host.
fn is_leaf(layout: Layout, path: &Path) -> bool {
    let is_in_place = |layout: Layout| {
        let found = layout.identify(path);
        found.is_some_and(|found| found.is_leaf_certificate() && found.host.is_none())
    };
    is_in_place(layout) || is_in_tree(layout, path) && !Layout::ALL.into_iter().any(is_in_place)
}

/// Whether a layout has this name for a leaf in a host's tree. If names contain the host, such
/// trees come from an export.
fn is_in_tree(layout: Layout, path: &Path) -> bool {
    if !layout.names_hosts() {
        let found = layout.identify(path);
        return found.is_some_and(|found| found.is_leaf_certificate() && found.host.is_some());
    }
    let mut below = path.components();
    let Some(host) = below.next() else {
        return false;
    };
    let found = layout.identify(below.as_path());
    found.is_some_and(|found| {
        found.is_leaf_certificate() && host.as_os_str() == OsStr::new(&found.name)
    })
}

fn is_ca(layout: Layout, path: &Path) -> bool {
    let found = layout.identify(path);
    found.is_some_and(|found| found.kind.ca().is_some() && !found.is_key)
}

/// Whether a name identifies its layout. With cfssl, a member's certificate has only the member's
/// name, which any file may have.
fn is_telling(layout: Layout, path: &Path) -> bool {
    !layout.takes_any_name() || is_ca(layout, path) || is_leaf(Layout::Kubespray, path)
}

/// Whether this is a name of the CA of Kubernetes itself. kubeadm keeps the files of etcd next to
/// it.
fn is_of_kubernetes(layout: Layout, path: &Path) -> bool {
    layout == Layout::Kubeadm && path == Layout::Etcdadm.ca(CaKind::Client).certificate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_of_hosts() {
        for (layout, path, expected) in [
            (Layout::Kubespray, "a/member-a.pem", true),
            (Layout::Kubespray, "a/node-a.pem", true),
            (Layout::Kubespray, "a/node-a-key.pem", false),
            (Layout::Kubespray, "backup/member-a.pem", false),
            (Layout::Kubespray, "member-a.pem", false),
            (Layout::Kubespray, "a/ca.pem", false),
            (Layout::Cfssl, "a/a.pem", true),
            (Layout::Cfssl, "a/peer-a.pem", true),
            (Layout::Kubeadm, "a/etcd/peer.crt", true),
            (Layout::Kubeadm, "a/etcd/ca.crt", false),
            (Layout::Kubeadm, "etcd/peer.crt", false),
        ] {
            assert_eq!(
                is_in_tree(layout, Path::new(path)),
                expected,
                "{layout} {path}"
            );
        }
    }
}
