//! Represents the host or user of a certificate.

mod alternative_name;
mod subject;

use std::{collections::HashSet, hash::Hash};

pub use self::alternative_name::{AlternativeName, DnsName, Uri};
pub(crate) use self::subject::{COMMON_NAME, ORGANIZATION, attributes, subject};
use crate::error::{Error, Result};

/// The longest common name, in characters (RFC 5280, appendix A.1, ub-common-name).
const COMMON_NAME_CHARACTERS: usize = 64;

/// Up to this number, names are compared in pairs, which is faster than hashing.
const USUAL_NUMBER: usize = 16;

/// The host or user of a certificate: its name, and the names and addresses that clients use to
/// reach it.
///
/// Its [`Role`](crate::Role) sets the rest: the common name of the member `etcd-1` is
/// `etcd-member-etcd-1`; the alternative names of a member include its own name and the loopback
/// names; a node or client without names of its own has the address 0.0.0.0.
///
/// ```
/// use etcd_pki_core::Identity;
///
/// let etcd_1 = Identity::new("etcd-1")?.with_names(["etcd-1.lan", "10.0.0.11", "fd00::11"])?;
/// assert_eq!(etcd_1.name(), Some("etcd-1"));
///
/// let error = Identity::new("etcd-1")?.with_names(["10.0.0.300"]).unwrap_err();
/// assert!(error.to_string().contains("10.0.0.300"));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: Option<String>,
    /// The name as an alternative name, if possible: a client may have any name
    host: Option<AlternativeName>,
    common_name: CommonName,
    organization: Option<String>,
    alternative_names: AlternativeNames,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum CommonName {
    /// The common name is the role's prefix and then the name
    FromName,
    Given(String),
    Absent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum AlternativeNames {
    Given(Vec<AlternativeName>),
    Absent,
}

impl Identity {
    /// Creates the identity of a host or user with this name. The common name and the file names
    /// are derived from it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for an empty name, or one with control characters.
    pub fn new(name: &str) -> Result<Self> {
        check_text(name)?;
        Ok(Self {
            name: Some(name.to_owned()),
            host: name.parse().ok(),
            common_name: CommonName::FromName,
            organization: None,
            alternative_names: AlternativeNames::Given(Vec::new()),
        })
    }

    /// Creates an identity with an explicit common name and no host name.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`], [`Error::InvalidName`].
    pub fn from_common_name(common_name: &str) -> Result<Self> {
        Self::anonymous().with_common_name(common_name)
    }

    /// Creates an identity without a name. It needs an organization or alternative names.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            name: None,
            host: None,
            common_name: CommonName::Absent,
            organization: None,
            alternative_names: AlternativeNames::Given(Vec::new()),
        }
    }

    /// Adds alternative names from text: an address if it reads as one, otherwise a DNS name. The
    /// prefixes `DNS:`, `IP:` and `URI:` choose the kind. A text may list several with commas, as
    /// [`AlternativeName::list`] reads them. Repeated names are added once.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAlternativeName`] for other text.
    pub fn with_names<T: AsRef<str>>(self, names: impl IntoIterator<Item = T>) -> Result<Self> {
        let mut all = Vec::new();
        for name in names {
            all.extend(AlternativeName::list(name.as_ref())?);
        }
        Ok(self.with_alternative_names(all))
    }

    /// Adds alternative names. Repeated names are added once.
    #[must_use]
    pub fn with_alternative_names(
        mut self,
        names: impl IntoIterator<Item = AlternativeName>,
    ) -> Self {
        let mut all = match self.alternative_names {
            AlternativeNames::Given(names) => names,
            AlternativeNames::Absent => Vec::new(),
        };
        all.extend(names);
        self.alternative_names = AlternativeNames::Given(each_once(all));
        self
    }

    /// Adds alternative names that many identities share. The list has each name once, so the work
    /// is only that of a copy.
    #[must_use]
    pub(crate) fn with_shared_names(mut self, shared: &[AlternativeName]) -> Self {
        let mut all = match self.alternative_names {
            AlternativeNames::Given(names) => names,
            AlternativeNames::Absent => Vec::new(),
        };
        let new: Vec<AlternativeName> = if all.len() <= USUAL_NUMBER {
            let is_new = |name: &&AlternativeName| !all.contains(name);
            shared.iter().filter(is_new).cloned().collect()
        } else {
            let own: HashSet<&AlternativeName> = all.iter().collect();
            let is_new = |name: &&AlternativeName| !own.contains(name);
            shared.iter().filter(is_new).cloned().collect()
        };
        all.extend(new);
        self.alternative_names = AlternativeNames::Given(all);
        self
    }

    /// Omits the alternative names of a node or client, even 0.0.0.0. etcd's peer port then accepts
    /// the certificate like a member's, unless etcd has a list of allowed common names.
    #[must_use]
    pub fn without_alternative_names(mut self) -> Self {
        self.alternative_names = AlternativeNames::Absent;
        self
    }

    /// Sets the common name, without a prefix.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`] unless it has 1 to 64 characters; [`Error::InvalidName`] for
    /// control characters.
    pub fn with_common_name(mut self, common_name: &str) -> Result<Self> {
        check_common_name(common_name)?;
        self.common_name = CommonName::Given(common_name.to_owned());
        Ok(self)
    }

    /// Omits the common name, as etcd's grpc-proxy requires for its client certificate. The
    /// identity then needs an organization.
    #[must_use]
    pub fn without_common_name(mut self) -> Self {
        self.common_name = CommonName::Absent;
        self
    }

    /// Sets the organization.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] unless it has 1 to 64 characters (RFC 5280, ub-organization-name)
    /// without control characters.
    pub fn with_organization(mut self, organization: &str) -> Result<Self> {
        check_text(organization)?;
        if organization.chars().count() > 64 {
            return Err(Error::InvalidName {
                name: organization.to_owned(),
                reason: "is longer than the 64 characters of an organization".to_owned(),
            });
        }
        self.organization = Some(organization.to_owned());
        Ok(self)
    }

    /// The name of the host or user.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The organization.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// The alternative names that were added; `None` if they are omitted.
    #[must_use]
    pub fn alternative_names(&self) -> Option<&[AlternativeName]> {
        match &self.alternative_names {
            AlternativeNames::Given(names) => Some(names),
            AlternativeNames::Absent => None,
        }
    }

    /// The common name that was set, `Some(None)` if it is omitted, or `None` if it is derived from
    /// the name.
    pub(crate) fn specified_common_name(&self) -> Option<Option<&str>> {
        match &self.common_name {
            CommonName::FromName => None,
            CommonName::Given(common_name) => Some(Some(common_name)),
            CommonName::Absent => Some(None),
        }
    }

    /// The name as a host that clients connect to, if it can be one.
    pub(crate) fn host(&self) -> Result<Option<&AlternativeName>> {
        if let (None, Some(name)) = (&self.host, &self.name) {
            // Parses it again for the error
            name.parse::<AlternativeName>()?;
        }
        Ok(self.host.as_ref())
    }

    /// The common name. `from_name` derives it if it was not set.
    pub(crate) fn common_name(&self, from_name: impl Fn(&str) -> String) -> Result<Option<String>> {
        let common_name = match (&self.common_name, &self.name) {
            (CommonName::Given(common_name), _) => common_name.clone(),
            (CommonName::FromName, Some(name)) => from_name(name),
            (CommonName::FromName, None) | (CommonName::Absent, _) => return Ok(None),
        };
        check_common_name(&common_name)?;
        Ok(Some(common_name))
    }
}

impl AsRef<Self> for Identity {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// The names in order, each once.
pub(crate) fn each_once<T: Eq + Hash>(mut names: Vec<T>) -> Vec<T> {
    if names.len() <= USUAL_NUMBER {
        let mut unique = Vec::with_capacity(names.len());
        for name in names {
            if !unique.contains(&name) {
                unique.push(name);
            }
        }
        return unique;
    }
    let is_first: Vec<bool> = {
        let mut seen = HashSet::with_capacity(names.len());
        names.iter().map(|name| seen.insert(name)).collect()
    };
    let mut is_first = is_first.into_iter();
    names.retain(|_| is_first.next().unwrap_or(true));
    names
}

pub(crate) fn check_common_name(common_name: &str) -> Result<()> {
    if !(1..=COMMON_NAME_CHARACTERS).contains(&common_name.chars().count()) {
        return Err(Error::CommonNameLength {
            common_name: common_name.to_owned(),
        });
    }
    check_text(common_name)
}

pub(crate) fn check_text(name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "is empty"
    } else if name.chars().any(char::is_control) {
        "has control characters"
    } else if name.chars().any(is_unseen) {
        "has characters that are not seen, or that turn the direction of writing"
    } else if name.trim() != name {
        "begins or ends with a blank"
    } else {
        return Ok(());
    };
    Err(Error::InvalidName {
        name: name.to_owned(),
        reason: reason.to_owned(),
    })
}

/// Whether a character makes different names look alike: direction marks and overrides (Unicode,
/// UAX #9), spaces without width, and tags. Joiners are allowed, because some scripts need them.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn names_are_added_once_and_in_order() {
        let identity = Identity::new("a")
            .unwrap()
            .with_names(["b", "10.0.0.1", "B", "IP:10.0.0.1", "a"])
            .unwrap();
        let names: Vec<_> = identity
            .alternative_names()
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, ["b", "10.0.0.1", "a"]);
    }

    #[test]
    fn many_names_are_added_once_and_in_order() {
        let numbers = || {
            (0..100_000u32)
                .chain([7, 99_999])
                .map(|n| AlternativeName::Ip(Ipv4Addr::from(n).into()))
        };
        let identity = Identity::anonymous()
            .with_alternative_names(numbers())
            .with_alternative_names(numbers());
        let expected: Vec<_> = numbers().take(100_000).collect();
        assert_eq!(identity.alternative_names(), Some(&expected[..]));
        for length in [0, 1, 15, 16, 17, 18] {
            let twice: Vec<_> = (0..length).chain(0..length).collect();
            assert_eq!(each_once(twice), (0..length).collect::<Vec<_>>());
        }
    }

    #[test]
    fn common_names_of_64_characters_are_the_longest() {
        assert!(Identity::from_common_name(&"ä".repeat(64)).is_ok());
        assert!(Identity::from_common_name(&"a".repeat(65)).is_err());
        assert!(Identity::from_common_name("").is_err());
        let long = Identity::new(&"a".repeat(60)).unwrap();
        assert!(
            long.common_name(|name| format!("etcd-member-{name}"))
                .is_err()
        );
        assert!(long.common_name(str::to_owned).is_ok());
    }

    #[test]
    fn names_that_are_none() {
        for bad in [
            "",
            "a\nb",
            "a\0",
            " a",
            "\u{1b}[31m",
            "ro\u{200b}ot",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{e0041}b",
        ] {
            assert!(Identity::new(bad).is_err(), "{bad:?}");
        }
    }
}
