//! What is in the way of a pair, and is never replaced.

use super::Cause;
use crate::{
    error::{Error, Result},
    store::look,
};

/// Fails if one of the causes is [`Cause::InTheWay`], with what the system says of that file now.
pub(crate) fn check_way(causes: &[Cause]) -> Result<()> {
    let path = causes.iter().find_map(|cause| match cause {
        Cause::InTheWay { path, .. } => Some(path.clone()),
        _ => None,
    });
    let Some(path) = path else { return Ok(()) };
    if path.is_symlink() {
        return Err(Error::SymbolicLink { path });
    }
    look(&path)?;
    Err(Error::Changed { path })
}

/// What is in the way, where an error says that something is.
pub(crate) fn in_the_way(error: Error) -> Result<Cause> {
    let path = match &error {
        Error::SymbolicLink { path } | Error::Irregular { path } => path.clone(),
        Error::Io { path, .. } if error.is_in_the_way() => path.clone(),
        _ => return Err(error),
    };
    let reason = error.to_string();
    Ok(Cause::InTheWay { path, reason })
}
