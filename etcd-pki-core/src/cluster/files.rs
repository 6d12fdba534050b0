//! Whose the files of a cluster are, and who may read them.

use super::fault::Fault;
use crate::error::{Error, Result};

/// Whose the files of a cluster are, and who may read them, as far as it was said.
///
/// What was not said is left to what writes them: a new key has mode 0600, a new certificate 0644, a new directory 0700, and what
/// exists keeps what it has. Owner, group and mode of keys are not those of a CA's key: who reads it
/// can sign for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterFiles {
    owner: Option<String>,
    group: Option<String>,
    key_mode: Option<u32>,
    certificate_mode: Option<u32>,
    directory_mode: Option<u32>,
    ca_owner: Option<String>,
    ca_group: Option<String>,
    ca_key_mode: Option<u32>,
}

impl ClusterFiles {
    /// Sets the owner, a user's name or number.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for what names no user.
    pub fn with_owner(self, owner: &str) -> Result<Self> {
        let owner = Some(account(owner)?);
        Ok(Self { owner, ..self })
    }

    /// Sets the group, by name or number.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for what names no group.
    pub fn with_group(self, group: &str) -> Result<Self> {
        let group = Some(account(group)?);
        Ok(Self { group, ..self })
    }

    /// Sets the mode of keys.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] unless the owner may read them and others than the group may not.
    pub fn with_key_mode(self, mode: u32) -> Result<Self> {
        let key_mode = Some(checked("key_mode", mode, 0o400, 0o137)?);
        Ok(Self { key_mode, ..self })
    }

    /// Sets the mode of certificates.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] unless the owner may read them and others than the group may not write them.
    pub fn with_certificate_mode(self, mode: u32) -> Result<Self> {
        let certificate_mode = Some(checked("certificate_mode", mode, 0o400, 0o113)?);
        Ok(Self {
            certificate_mode,
            ..self
        })
    }

    /// Sets the mode of directories that are made.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] unless the owner may do everything and others than the group may not write.
    pub fn with_directory_mode(self, mode: u32) -> Result<Self> {
        let directory_mode = Some(checked("directory_mode", mode, 0o700, 0o002)?);
        Ok(Self {
            directory_mode,
            ..self
        })
    }

    /// Sets the owner of a CA's files, a user's name or number. Without it a CA's key belongs to the
    /// user who makes it, and its certificate to the owner of the other certificates.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for what names no user.
    pub fn with_ca_owner(self, owner: &str) -> Result<Self> {
        let ca_owner = Some(account(owner)?);
        Ok(Self { ca_owner, ..self })
    }

    /// Sets the group of a CA's files, by name or number.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for what names no group.
    pub fn with_ca_group(self, group: &str) -> Result<Self> {
        let ca_group = Some(account(group)?);
        Ok(Self { ca_group, ..self })
    }

    /// Sets the mode of a CA's key.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] unless the owner may read it and others than the group may not.
    pub fn with_ca_key_mode(self, mode: u32) -> Result<Self> {
        let ca_key_mode = Some(checked("ca.key_mode", mode, 0o400, 0o137)?);
        Ok(Self {
            ca_key_mode,
            ..self
        })
    }

    /// The owner, a name or a number.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// The group, a name or a number.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// The mode of keys.
    #[must_use]
    pub fn key_mode(&self) -> Option<u32> {
        self.key_mode
    }

    /// The mode of certificates.
    #[must_use]
    pub fn certificate_mode(&self) -> Option<u32> {
        self.certificate_mode
    }

    /// The mode of directories.
    #[must_use]
    pub fn directory_mode(&self) -> Option<u32> {
        self.directory_mode
    }

    /// The owner of a CA's files, a name or a number.
    #[must_use]
    pub fn ca_owner(&self) -> Option<&str> {
        self.ca_owner.as_deref()
    }

    /// The group of a CA's files, a name or a number.
    #[must_use]
    pub fn ca_group(&self) -> Option<&str> {
        self.ca_group.as_deref()
    }

    /// The mode of a CA's key.
    #[must_use]
    pub fn ca_key_mode(&self) -> Option<u32> {
        self.ca_key_mode
    }
}

fn checked(field: &str, mode: u32, needed: u32, refused: u32) -> Result<u32> {
    let reason = if mode > 0o777 {
        "is more than the nine permissions of a file"
    } else if mode & needed != needed {
        "keeps the owner out"
    } else if mode & refused != 0 {
        "gives more than such a file needs: others than its group would get at it, or it could be run"
    } else {
        return Ok(mode);
    };
    let fault = Fault::new(format!("files.{field}"), format!("{mode:04o} {reason}"));
    Err(fault.into())
}

/// What `chown` takes for a user or a group.
fn account(name: &str) -> Result<String> {
    let reason = if name.is_empty() {
        "is empty"
    } else if name.starts_with('-')
        || name.contains([':', '/', ' '])
        || name.chars().any(char::is_control)
    {
        "names no user and no group"
    } else {
        return Ok(name.to_owned());
    };
    Err(Error::InvalidName {
        name: name.to_owned(),
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_that_expose_or_hide() {
        let files = ClusterFiles::default;
        for (mode, good) in [
            (0o600, true),
            (0o640, true),
            (0o400, true),
            (0o644, false),
            (0o060, false),
            (0o700, false),
            (600, false),
            (0o4600, false),
        ] {
            assert_eq!(files().with_key_mode(mode).is_ok(), good, "{mode:o}");
        }
        assert!(files().with_certificate_mode(0o644).is_ok());
        assert!(files().with_certificate_mode(0o666).is_err());
        assert!(files().with_directory_mode(0o755).is_ok());
        assert!(files().with_directory_mode(0o600).is_err());
        assert!(files().with_directory_mode(0o777).is_err());
    }

    #[test]
    fn accounts() {
        assert!(ClusterFiles::default().with_owner("1000").is_ok());
        for bad in ["", "a:b", "-a", "a b", "a/b"] {
            assert!(ClusterFiles::default().with_group(bad).is_err(), "{bad}");
        }
    }
}
