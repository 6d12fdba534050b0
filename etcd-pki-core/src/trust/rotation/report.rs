//! Defines what is known about the members and clients of a cluster. The gate depends on it.

use crate::x509::{AdvertisedCa, certificate::Certificate};

/// What one port of a member shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seen {
    /// The port advertises these CAs. etcd reads them when it starts
    Advertised(Vec<AdvertisedCa>),
    /// The port names no CAs
    Nothing,
    /// The port cannot be reached. The text is the reason
    Unreachable(String),
    /// The user states that the member was restarted with the current trust bundle
    Confirmed,
}

/// What is known about a member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberReport {
    /// The member's name
    pub name: String,
    /// What its client port shows
    pub client: Seen,
    /// What its peer port shows
    pub peer: Seen,
    /// Whether it accepts a client certificate with a link certificate ([`Rotation::trial`]);
    /// `None` if it was not asked
    ///
    /// [`Rotation::trial`]: super::Rotation::trial
    pub accepts_link: Option<bool>,
    /// The certificates that its ports present
    pub served: Vec<Certificate>,
}

impl MemberReport {
    /// Creates a report from what the two ports show.
    #[must_use]
    pub fn new(name: impl Into<String>, client: Seen, peer: Seen) -> Self {
        Self {
            name: name.into(),
            client,
            peer,
            accepts_link: None,
            served: Vec::new(),
        }
    }

    /// The user states that the member was restarted with the current trust bundle.
    #[must_use]
    pub fn confirmed(name: impl Into<String>) -> Self {
        Self::new(name, Seen::Confirmed, Seen::Confirmed)
    }

    /// Adds whether the member accepts a client certificate with a link certificate.
    #[must_use]
    pub fn with_link_accepted(self, accepts_link: bool) -> Self {
        Self {
            accepts_link: Some(accepts_link),
            ..self
        }
    }

    /// Adds certificates that the member's ports present.
    #[must_use]
    pub fn with_served(mut self, served: impl IntoIterator<Item = Certificate>) -> Self {
        self.served.extend(served);
        self
    }
}

/// A certificate of the old CA that may still be in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The serial number, in upper-case hexadecimal
    pub serial: String,
    /// The subject
    pub subject: String,
}

/// All that is known about the members and clients of a cluster.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Evidence {
    pub(super) members: Vec<MemberReport>,
    pub(super) clients_are_confirmed: bool,
    pub(super) issued: Vec<IssuedCertificate>,
    /// Serial numbers
    pub(super) unused: Vec<String>,
}

impl Evidence {
    /// Creates evidence without any report.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds reports about members.
    pub fn with_members(mut self, members: impl IntoIterator<Item = MemberReport>) -> Self {
        self.members.extend(members);
        self
    }

    /// The user states that all clients trust the new CA, such as kube-apiserver.
    pub fn with_clients_confirmed(mut self) -> Self {
        self.clients_are_confirmed = true;
        self
    }

    /// Adds certificates that the old CA issued, and that may still be in use outside the
    /// directory.
    pub fn with_issued(mut self, issued: impl IntoIterator<Item = IssuedCertificate>) -> Self {
        self.issued.extend(issued);
        self
    }

    /// The user states that the certificate with this serial number, in hexadecimal, is no longer
    /// in use.
    pub fn with_unused(mut self, serial: impl Into<String>) -> Self {
        self.unused.push(serial.into());
        self
    }
}
