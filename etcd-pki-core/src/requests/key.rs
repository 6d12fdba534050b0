//! The keys of a host: the one in its place, and the one that waits for its certificate.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    key::PrivateKey,
    layout::PairPaths,
    plan::{Pair, profile},
    store::{Store, look, unless_too_large},
};

/// Where a key waits for its certificate while another serves: a hidden file beside that one.
pub(super) fn next_key_path(pair: &PairPaths) -> PathBuf {
    let name = pair.key.file_name().unwrap_or_default().to_string_lossy();
    pair.key.with_file_name(format!(".{name}.next"))
}

/// The key that waits for its certificate, if one of the right algorithm does.
pub(super) fn next_key(pair: &Pair, store: &Store) -> Result<Option<PrivateKey>> {
    let wanted = &pair.wanted;
    let path = store.directory().join(next_key_path(&wanted.paths));
    let Some((bytes, _)) = unless_too_large(look(&path))? else {
        return Ok(None);
    };
    let bytes = Zeroizing::new(bytes);
    let key = PrivateKey::from_bytes(&bytes, None).ok();
    let algorithm = profile(wanted)?.key_algorithm();
    // The one in its place, if installing was cut off at the very end, is no other
    let is_other = |key: &PrivateKey| pair.key() != Some(key.public_key());
    Ok(key.filter(|key| algorithm.is_met_by(key.algorithm()) && is_other(key)))
}

/// The key in a file that was there a moment ago.
pub(super) fn read_key(path: &Path) -> Result<PrivateKey> {
    let Some((bytes, _)) = look(path)? else {
        return Err(Error::Changed {
            path: path.to_owned(),
        });
    };
    let bytes = Zeroizing::new(bytes);
    PrivateKey::from_bytes(&bytes, None).map_err(|error| error.in_file(path))
}
