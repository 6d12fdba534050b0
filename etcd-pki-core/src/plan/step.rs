//! What is to be done with one pair.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Action, Cause, found::Stamps};
use crate::{
    cluster::{Purpose, Wanted},
    key::PublicKey,
    layout::PairPaths,
    role::Role,
};

/// What is to be done with one pair.
#[derive(Debug)]
pub struct Step {
    pub(super) wanted: Wanted,
    pub(super) paths: PairPaths,
    pub(super) action: Action,
    pub(super) causes: Vec<Cause>,
    pub(super) due: Option<SystemTime>,
    pub(super) not_before: Option<SystemTime>,
    pub(super) not_after: Option<SystemTime>,
    pub(super) hard_links: Vec<PathBuf>,
    /// The key that is there, for which a certificate is renewed
    pub(super) key: Option<PublicKey>,
    /// Whether a leaf names this authority by its serial number
    pub(super) keeps_serial: bool,
    pub(super) stamps: Stamps,
    /// Whether its end is near only because its authority's was, which the same plan renews
    pub(super) ends_with_authority: bool,
}

impl Step {
    /// What is wanted.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Where the pair is.
    #[must_use]
    pub fn paths(&self) -> &PairPaths {
        &self.paths
    }

    /// What is to be done.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Every reason for it.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// From when on a certificate that is kept will be due.
    #[must_use]
    pub fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// From when on the certificate that is there is valid. One that is not valid yet is kept all the same: it is the clock of this
    /// host, or of the one that signed it, that is wrong.
    #[must_use]
    pub fn not_before(&self) -> Option<SystemTime> {
        self.not_before
    }

    /// When the certificate that is there ends.
    #[must_use]
    pub fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// Takes back what is due only because its authority is renewed.
    pub(super) fn without_renewed_authority(&mut self) {
        if !self.ends_with_authority {
            return;
        }
        self.causes
            .retain(|cause| !matches!(cause, Cause::Expires { .. }));
        let is_of_mode = |cause: &Cause| matches!(cause, Cause::Mode { .. } | Cause::Owner { .. });
        let is_of_place =
            |cause: &Cause| matches!(cause, Cause::SymbolicLink { .. } | Cause::InTheWay { .. });
        if self.action == Action::Renew
            && self
                .causes
                .iter()
                .all(|cause| is_of_mode(cause) || is_of_place(cause))
        {
            self.causes.retain(is_of_mode);
            self.action = match self.causes.is_empty() {
                true => Action::Keep,
                false => Action::Mode,
            };
            let validity = self.not_before.zip(self.not_after);
            self.due = validity.map(|(begin, end)| self.wanted.renew_before.begins(begin, end));
        }
    }

    /// The first of its files that is to be written and is a link to another file of the directory.
    pub(super) fn link(&self) -> Option<&Path> {
        self.causes.iter().find_map(|cause| match cause {
            Cause::SymbolicLink { path, .. } => Some(path.as_path()),
            _ => None,
        })
    }

    /// Files with further names, such as Calico's copies: those keep the old content when the file is replaced.
    #[must_use]
    pub fn hard_links(&self) -> &[PathBuf] {
        match self.action {
            Action::Keep | Action::Mode => &[],
            _ => &self.hard_links,
        }
    }
}

impl Step {
    /// The file that is named for the pair: its certificate, unless only the key is given another mode or owner.
    fn shown_file(&self) -> &Path {
        let is_of_key = |cause: &Cause| match cause {
            Cause::Mode { path, .. } | Cause::Owner { path } => *path == self.paths.key,
            _ => false,
        };
        let paths = &self.wanted.paths;
        if self.action == Action::Mode && self.causes.iter().all(is_of_key) {
            &paths.key
        } else {
            &paths.certificate
        }
    }
}

impl fmt::Display for Step {
    /// `renew     member-etcd-1.pem  expires in 12 days; 10.0.0.99 is missing`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.shown_file().display().to_string();
        write!(f, "{:<8}  {file:<28}", self.action)?;
        match self.action {
            Action::Create if self.stamps.has_key() => write!(
                f,
                "  {}, for the key that is there",
                common_name(&self.wanted)
            ),
            Action::Create => write!(f, "  {}", in_words(&self.wanted)),
            _ => {
                let causes: Vec<String> = self.causes.iter().map(ToString::to_string).collect();
                write!(f, "  {}", causes.join("; "))
            }
        }
    }
}

/// An authority's.
fn common_name(wanted: &Wanted) -> String {
    let common_name = wanted.identity.common_name(str::to_owned);
    common_name.ok().flatten().unwrap_or_default()
}

/// What is new: an authority's name and algorithm, a member's names, a node's or client's common name.
fn in_words(wanted: &Wanted) -> String {
    const SHOWN: usize = 4;
    let identity = &wanted.identity;
    match &wanted.purpose {
        Purpose::Authority(profile) => {
            format!("{}, {}", common_name(wanted), profile.key_algorithm())
        }
        Purpose::Leaf(profile) if profile.role() == Role::Member => {
            let names = profile.alternative_names(identity).unwrap_or_default();
            let shown: Vec<String> = names.iter().take(SHOWN).map(ToString::to_string).collect();
            match names.len().saturating_sub(SHOWN) {
                0 => shown.join(", "),
                more => format!("{}, {more} more", shown.join(", ")),
            }
        }
        Purpose::Leaf(profile) => match profile.common_name(identity) {
            Ok(Some(common_name)) => common_name,
            _ => identity.organization().unwrap_or_default().to_owned(),
        },
    }
}
