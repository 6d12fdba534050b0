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
/// assert_eq!(authority.peer_common_name(), "prod-peer-ca");
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAuthority {
    common_name: String,
    peer_common_name: Option<String>,
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
            common_name: common_name.to_owned(),
            ..Self::default()
        })
    }

    /// Sets the common name of the authority that peers have apart; otherwise it follows from the other one's.
    ///
    /// # Errors
    ///
    /// As [`ClusterAuthority::new`].
    pub fn with_peer_common_name(self, common_name: &str) -> Result<Self> {
        Identity::from_common_name(common_name)?;
        Ok(Self {
            peer_common_name: Some(common_name.to_owned()),
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

    /// The common name.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// The common name that an authority for peers has: `etcd-peer-ca` beside `etcd-ca`, unless it was given.
    #[must_use]
    pub fn peer_common_name(&self) -> String {
        self.peer_common_name.clone().unwrap_or_else(|| {
            let stem = self.common_name.strip_suffix("-ca");
            format!("{}-peer-ca", stem.unwrap_or(&self.common_name))
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
    pub(super) fn identity(&self, common_name: &str) -> Result<Identity> {
        let identity = Identity::from_common_name(common_name)?;
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
            common_name: COMMON_NAME.to_owned(),
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
        let peer = |name: &str| ClusterAuthority::new(name).unwrap().peer_common_name();
        assert_eq!(peer("etcd-ca"), "etcd-peer-ca");
        assert_eq!(peer("root"), "root-peer-ca");
        let given = ClusterAuthority::default().with_peer_common_name("x");
        assert_eq!(given.unwrap().peer_common_name(), "x");
        assert!(ClusterAuthority::new("").is_err());
    }
}
