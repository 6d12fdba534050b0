//! The identity in a certificate or a request.

use clap::Args;
use etcd_pki_core::{Identity, Role, request::Claim};

use crate::failure::Failure;

/// The options for the subject and the names.
#[derive(Args)]
#[command(next_help_heading = "Subject")]
pub(crate) struct IdentityOptions {
    /// The common name, used unchanged
    #[arg(long, value_name = "NAME")]
    pub(crate) cn: Option<String>,
    /// No common name, as etcd's grpc-proxy requires, and with RBAC its JSON gateway; requires
    /// --org
    #[arg(long, conflicts_with = "cn")]
    pub(crate) no_cn: bool,
    /// Organization
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    /// A DNS name, an address or a URI: repeat it, list several with commas, or use none
    ///
    /// A value in the form of an address is an address, anything else a DNS name. The prefixes
    /// DNS:, IP: and URI: set the kind, as in DNS:etcd-1.lan,IP:10.0.0.11. A node or client without
    /// any names gets the address 0.0.0.0, so that etcd's peer port refuses it; --san none leaves
    /// that out too.
    #[arg(long = "san", value_name = "VALUE")]
    names: Vec<String>,
}

impl IdentityOptions {
    /// Whether the options give a common name, or that there is none.
    pub(crate) fn say_who(&self) -> bool {
        self.cn.is_some() || self.no_cn
    }

    /// Whether the alternative names are omitted.
    pub(crate) fn leave_names_out(&self) -> bool {
        let listed = |name: &String| name.split(',').any(|name| name.trim() == "none");
        self.names.iter().any(listed)
    }

    /// Whether these options override a claim.
    pub(crate) fn go_over(&self, claim: &Claim) -> bool {
        match claim {
            Claim::CommonName(_) => self.say_who(),
            Claim::Organization(_) => self.org.is_some(),
            Claim::DnsName(_) | Claim::IpAddress(_) | Claim::Uri(_) => !self.names.is_empty(),
            _ => false,
        }
    }

    /// The identity, overridden by these options.
    pub(crate) fn refine(&self, mut identity: Identity, role: Role) -> Result<Identity, Failure> {
        if let Some(common_name) = &self.cn {
            identity = identity.with_common_name(common_name)?;
        } else if self.no_cn {
            identity = identity.without_common_name();
        }
        if let Some(organization) = &self.org {
            identity = identity.with_organization(organization)?;
        }
        if self.names.is_empty() {
            return Ok(identity);
        }
        identity = identity.without_alternative_names();
        if !self.leave_names_out() {
            return Ok(identity.with_names(&self.names)?);
        }
        if self.names.len() > 1 || self.names.iter().any(|name| name != "none") {
            return Err(Failure::usage(
                "--san none leaves the names out, and another --san gives one",
                "for a host that is called none, write --san DNS:none",
            ));
        }
        if role == Role::Member {
            return Err(Failure::usage(
                "--san none is for nodes and clients: members are dialled by name or address",
                "give the member's names and addresses with --san",
            ));
        }
        Ok(identity)
    }
}
