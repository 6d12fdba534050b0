//! The authority of a cluster, and the one that peers may have apart.

use std::{fmt, str::FromStr};

use super::terms::{Terms, say_terms};
use crate::{
    error::{Error, Result},
    identity::Identity,
    words,
};

const COMMON_NAME: &str = "etcd-ca";

/// How the authority of a cluster is made, and whether peers have one of their own: `ca` in a specification.
///
/// ```
/// use etcd_pki_core::{ClusterAuthority, Peers, Validity};
///
/// let authority = ClusterAuthority::new("prod-ca")?.valid_for(Validity::years(5)).peers(Peers::Separate);
/// assert_eq!(authority.peer_common_name().as_deref(), Some("prod-peer-ca"));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAuthority {
    /// None for a CA that has none
    common_name: Option<String>,
    /// `Some(None)` for a peer CA that has none
    peer_common_name: Option<Option<String>>,
    organization: Option<String>,
    terms: Terms,
    peers: Option<Peers>,
}

/// Whether the authority of a cluster signs for its peer port too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peers {
    /// One authority for clients and peers
    #[default]
    Shared,
    /// Peers have an authority apart, so that no client's certificate opens the peer port
    Separate,
}

impl ClusterAuthority {
    /// An authority by its common name.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`], [`Error::InvalidName`].
    pub fn new(common_name: &str) -> Result<Self> {
        Identity::from_common_name(common_name)?;
        Ok(Self {
            common_name: Some(common_name.to_owned()),
            ..Self::default()
        })
    }

    /// Describes a CA without a common name, as other tools make them. A new one needs an
    /// organization then.
    #[must_use]
    pub fn without_common_name(self) -> Self {
        Self {
            common_name: None,
            ..self
        }
    }

    /// Describes a peer CA without a common name, as [`ClusterAuthority::without_common_name`] does.
    #[must_use]
    pub fn without_peer_common_name(self) -> Self {
        Self {
            peer_common_name: Some(None),
            ..self
        }
    }

    /// Sets the common name of the authority that peers have apart; otherwise it follows from the other one's.
    ///
    /// # Errors
    ///
    /// As [`ClusterAuthority::new`].
    pub fn with_peer_common_name(self, common_name: &str) -> Result<Self> {
        Identity::from_common_name(common_name)?;
        Ok(Self {
            peer_common_name: Some(Some(common_name.to_owned())),
            ..self
        })
    }

    /// Sets the organization.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`].
    pub fn with_organization(self, organization: &str) -> Result<Self> {
        Identity::anonymous().with_organization(organization)?;
        Ok(Self {
            organization: Some(organization.to_owned()),
            ..self
        })
    }

    say_terms! {
        /// Sets the algorithm of its key; otherwise it is that of all keys of the cluster.
        algorithm;
        /// Sets how long it is valid.
        valid_for;
        /// The algorithm of its key, if it was said.
        key_algorithm;
        /// How long it is valid, if it was said.
        validity;
    }

    /// Sets whether peers have an authority apart.
    #[must_use]
    pub fn peers(self, peers: Peers) -> Self {
        Self {
            peers: Some(peers),
            ..self
        }
    }

    /// The common name, unless it has none.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The common name of a separate peer CA, unless it has none: `etcd-peer-ca` for `etcd-ca` if
    /// none is given.
    #[must_use]
    pub fn peer_common_name(&self) -> Option<String> {
        self.peer_common_name.clone().unwrap_or_else(|| {
            let name = self.common_name.as_deref().unwrap_or(COMMON_NAME);
            let stem = name.strip_suffix("-ca").unwrap_or(name);
            Some(format!("{stem}-peer-ca"))
        })
    }

    /// The organization, if there is one.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// Whether peers have an authority apart.
    #[must_use]
    pub fn has_separate_peers(&self) -> bool {
        self.peers == Some(Peers::Separate)
    }

    /// Whether peers have an authority apart, if it was said.
    pub(super) fn said_peers(&self) -> Option<Peers> {
        self.peers
    }

    pub(super) fn names_peers(&self) -> bool {
        self.peer_common_name.is_some()
    }

    /// The subject of one of the two.
    pub(super) fn identity(&self, common_name: Option<&str>) -> Result<Identity> {
        let identity = match common_name {
            Some(common_name) => Identity::from_common_name(common_name)?,
            None => Identity::anonymous(),
        };
        match &self.organization {
            Some(organization) => identity.with_organization(organization),
            None => Ok(identity),
        }
    }
}

impl Default for ClusterAuthority {
    /// `etcd-ca`, for clients and peers
    fn default() -> Self {
        Self {
            common_name: Some(COMMON_NAME.to_owned()),
            peer_common_name: None,
            organization: None,
            terms: Terms::default(),
            peers: None,
        }
    }
}

impl Peers {
    /// Both, the default first.
    pub const ALL: [Self; 2] = [Self::Shared, Self::Separate];

    /// Its name, as it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Separate => "separate",
        }
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Peers {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "word for peers", &Self::ALL, Self::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_peers_authority() {
        let peer = |authority: ClusterAuthority| authority.peer_common_name();
        for (name, expected) in [("etcd-ca", "etcd-peer-ca"), ("root", "root-peer-ca")] {
            let authority = ClusterAuthority::new(name).unwrap();
            assert_eq!(peer(authority).as_deref(), Some(expected));
        }
        let unnamed = ClusterAuthority::default().without_common_name();
        assert_eq!(peer(unnamed).as_deref(), Some("etcd-peer-ca"));
        let given = ClusterAuthority::default().with_peer_common_name("x");
        let given = given.unwrap();
        assert_eq!(peer(given.clone()).as_deref(), Some("x"));
        assert_eq!(peer(given.without_peer_common_name()), None);
        assert!(ClusterAuthority::new("").is_err());
    }
}
