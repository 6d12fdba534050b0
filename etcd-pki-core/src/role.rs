//! Defines the purpose of a certificate, and the tool that it is compatible with.

use std::{fmt, str::FromStr};

use crate::{
    error::{Error, Result},
    words,
};

/// The purpose of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// An etcd server. It accepts connections of clients on port 2379 and of peers on port 2380,
    /// and connects to peers and to its own gRPC gateway. So it is a server and a client: a
    /// certificate without clientAuth breaks the gateway (etcd issue 9785).
    Member,
    /// A host that connects to etcd, such as one that runs kube-apiserver.
    Node,
    /// A user or program that connects to etcd. Its common name is the user of etcd's role-based
    /// access control.
    Client,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Member, Self::Node, Self::Client];

    /// Its name in options and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Node => "node",
            Self::Client => "client",
        }
    }

    /// The prefix of common names.
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

/// The tool that certificates are compatible with: `profile` in a specification, and the option
/// `--profile` of the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compatibility {
    /// Each role has the usages that it needs and no more.
    #[default]
    Strict,
    /// Compatible with Kubespray's script: every role has serverAuth and clientAuth, common names
    /// are cut at the first dot, keys are RSA of 2048 bits, and the validity is 36500 days. Unlike
    /// Kubespray's, the certificates have keyUsage, because Python 3.13 and `openssl verify
    /// -x509_strict` require it.
    Kubespray,
}

impl Compatibility {
    /// Both, the default first.
    pub const ALL: [Self; 2] = [Self::Strict, Self::Kubespray];

    /// Its name in options and files.
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
