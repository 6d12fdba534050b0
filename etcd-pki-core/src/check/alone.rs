//! Keys whose certificates are not there.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    file::{Contents, EXTENSIONS, Key, key_paths},
    finding::Finding,
    surroundings::Surroundings,
};
use crate::{
    certificate::Certificate,
    layout::Layout,
    store::{self, parent},
};

/// Those that have a key's name in some layout, each with what is wrong.
///
/// On a host whose requests travel, keys wait for their certificates. They are known by what is around them: there is neither
/// anybody's certificate yet nor an authority's key, or, as some make them, the request lies beside its key.
pub(super) fn keys(
    read: &BTreeMap<&Path, Contents>,
    surroundings: &Surroundings<'_>,
) -> Vec<(PathBuf, Finding)> {
    let in_use: HashSet<&Path> = read
        .iter()
        .filter(|(_, contents)| is_in_use(contents))
        .map(|(path, _)| parent(path))
        .collect();
    let is_alone = |path: &Path| {
        !surroundings.has_key(path)
            && in_use.contains(parent(path))
            && Layout::ALL.iter().any(|layout| layout.names_key(path))
            && companions(path).iter().all(|path| store::is_absent(path))
            && !fits_any(path, read)
    };
    let keys = read
        .iter()
        .filter(|(path, contents)| matches!(contents, Contents::Key(_)) && is_alone(path));
    keys.map(|(path, _)| (path.to_path_buf(), Finding::MissingCertificate))
        .collect()
}

/// Whether a directory that has this has got certificates already, or makes them itself.
fn is_in_use(contents: &Contents) -> bool {
    match contents {
        Contents::Certificates(certificates) => {
            !certificates.are_authorities() || certificates.key.path.is_some()
        }
        _ => false,
    }
}

/// The certificates that a key is found for by its name, and its request.
fn companions(key: &Path) -> Vec<PathBuf> {
    let stem = key.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.strip_suffix("-key").unwrap_or(&stem);
    let called = |extension: &str| key.with_file_name(format!("{stem}.{extension}"));
    let certificates = EXTENSIONS.map(called).into_iter();
    let certificates = certificates.filter(|path| key_paths(path).iter().any(|found| found == key));
    certificates.chain([called("csr")]).collect()
}

/// Whether it is the key of a certificate that is called otherwise.
fn fits_any(key: &Path, read: &BTreeMap<&Path, Contents>) -> bool {
    let Some(public) = Key::at(key).and_then(|key| key.public) else {
        return false;
    };
    let is_its = |certificate: &Certificate| *certificate.public_key() == public;
    read.values().any(|contents| match contents {
        Contents::Certificates(certificates) => certificates.all.iter().any(is_its),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_key() {
        for (key, expected) in [
            ("a/b.lan-key.pem", &["a/b.lan.pem", "a/b.lan.csr"][..]),
            (
                "a/b.key",
                &[
                    "a/b.pem", "a/b.crt", "a/b.cer", "a/b.cert", "a/b.der", "a/b.csr",
                ],
            ),
        ] {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(companions(Path::new(key)), expected);
        }
    }
}
