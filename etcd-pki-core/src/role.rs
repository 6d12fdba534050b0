//! What certificates are for, and whose habits they follow.

use std::{fmt, str::FromStr};

use crate::{
    error::{Error, Result},
    words,
};

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// An etcd server: it answers clients on :2379 and peers on :2380, and dials peers and its own gRPC gateway. So it is
    /// server and client at once; a certificate without clientAuth breaks the gateway (etcd issue 9785).
    Member,
    /// A host that dials etcd, such as one that runs kube-apiserver.
    Node,
    /// A user or program that dials etcd; its common name is its user to etcd's role-based access control.
    Client,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Member, Self::Node, Self::Client];

    /// Its name, as it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Node => "node",
            Self::Client => "client",
        }
    }

    /// What stands before a name in a common name.
    #[must_use]
    pub const fn common_name_prefix(self) -> &'static str {
        match self {
            Self::Member => "etcd-member-",
            Self::Node => "etcd-node-",
            Self::Client => "",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "role", &Self::ALL, Self::name)
    }
}

/// Whose habits certificates follow: `profile` in a specification, and `--profile` of the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compatibility {
    /// Each role may do what it needs and no more.
    #[default]
    Strict,
    /// As Kubespray's script makes them: every role may serve and dial, common names are cut at the first dot, RSA of 2048 bits,
    /// 36500 days. Other than Kubespray's, the certificates carry keyUsage, without which Python 3.13 and
    /// `openssl verify -x509_strict` refuse a chain.
    Kubespray,
}

impl Compatibility {
    /// Both, the default first.
    pub const ALL: [Self; 2] = [Self::Strict, Self::Kubespray];

    /// Its name, as it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Kubespray => "kubespray",
        }
    }
}

impl FromStr for Compatibility {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "profile", &Self::ALL, Self::name)
    }
}
