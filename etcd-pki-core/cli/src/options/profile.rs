//! The usages and the validity of a certificate.

use std::time::Duration;

use clap::{Args, builder::TypedValueParser};
use etcd_pki_core::{Profile, Role, Validity, role::Compatibility};

use super::one_of;
use crate::failure::Failure;

const DAY: u64 = 86_400;

/// Parses the name of a profile.
pub(crate) fn habits() -> impl TypedValueParser<Value = Compatibility> {
    one_of(Compatibility::ALL.map(Compatibility::name))
}

/// The profile of a role.
#[derive(Args)]
#[command(next_help_heading = "Profile")]
pub(crate) struct ProfileOptions {
    /// Which certificates to issue: only with the usages that each role needs, or as Kubespray's
    /// script does
    #[arg(long = "profile", value_name = "PROFILE", default_value = "strict", value_parser = habits())]
    pub(crate) habits: Compatibility,
    /// Let a node or client have a member's common name: one in the directory, or one that begins
    /// with etcd-member-
    #[arg(long)]
    allow_member_cn: bool,
}

impl ProfileOptions {
    pub(crate) fn of(&self, role: Role) -> Profile {
        let profile = self.habits.profile(role);
        if self.allow_member_cn {
            profile.with_member_common_name_allowed()
        } else {
            profile
        }
    }
}

/// The validity of a certificate.
#[derive(Args)]
#[command(next_help_heading = "Profile")]
pub(crate) struct ValidityOptions {
    /// The validity: 90d, 12h, 10y (a year is 365 days), or until an instant such as
    /// 2027-01-31T12:00:00Z
    #[arg(long, value_name = "DURATION")]
    validity: Option<String>,
    /// The validity in days
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "validity",
        allow_negative_numbers = true
    )]
    days: Option<u64>,
}

impl ValidityOptions {
    pub(crate) fn is_asked_for(&self) -> bool {
        self.validity.is_some() || self.days.is_some()
    }

    /// The profile with this validity, if one is given.
    pub(crate) fn apply(&self, profile: Profile) -> Result<Profile, Failure> {
        let validity = self.read()?;
        Ok(validity.map_or(profile, |validity| profile.with_validity(validity)))
    }

    /// The validity, if one is given.
    pub(crate) fn read(&self) -> Result<Option<Validity>, Failure> {
        let days = |days: u64| Validity::lasting(Duration::from_secs(days.saturating_mul(DAY)));
        match &self.validity {
            Some(validity) => Ok(Some(validity.parse()?)),
            None => Ok(self.days.map(days)),
        }
    }
}
