//! Describes members, nodes and clients, one after the other.

use std::{collections::HashSet, path::Path};

use super::{
    Remark,
    habits::Habits,
    host::Hosts,
    names::{self, MemberNames},
    pair::Pair,
};
use crate::{
    cluster::EntrySpec,
    error::Error,
    layout::FileKind,
    role::{Compatibility, Role},
    x509::{
        certificate::Certificate,
        identity::{AlternativeName, Identity, check_common_name},
    },
};

/// Describes pairs one after the other.
pub(super) struct Describer<'a> {
    pub(super) pairs: &'a [Pair],
    pub(super) hosts: &'a Hosts,
    pub(super) habits: &'a Habits,
    pub(super) shared: Vec<AlternativeName>,
    /// Whether certificates have only these names, without those of members and loopback
    pub(super) names_as_given: bool,
    /// The names that nodes have in addition with the profile `kubespray`
    pub(super) of_every_host: Vec<AlternativeName>,
    pub(super) member_common_names: HashSet<String>,
    pub(super) remarks: &'a mut Vec<Remark>,
}

impl<'a> Describer<'a> {
    pub(super) fn members(&mut self) -> Vec<EntrySpec> {
        let mut members: Vec<(&str, &Pair, Option<&Pair>)> = Vec::new();
        let mut every: Vec<MemberNames> = Vec::new();
        for (name, pairs) in self.by_name(FileKind::Member) {
            let first = pairs.iter().find(|pair| pair.certificate.is_some());
            let Some(pair) = first.or(pairs.first()).copied() else {
                continue;
            };
            let beside = first.is_none().then(|| self.beside(name)).flatten();
            let mut all = Vec::new();
            for pair in pairs.into_iter().chain(beside) {
                let Some(certificate) = &pair.certificate else {
                    continue;
                };
                for name in names::of_certificate(pair, certificate, self.remarks) {
                    if !all.contains(&name) {
                        all.push(name);
                    }
                }
            }
            let is_of_member = |pair: &Pair| {
                pair.kind == FileKind::Peer || self.habits.compatibility == Compatibility::Kubespray
            };
            let names = MemberNames::new(name, &all);
            every.push(if beside.is_none_or(is_of_member) {
                names
            } else {
                names.in_part()
            });
            members.push((name, pair, beside));
        }
        self.share(&every);
        let mut entries = Vec::with_capacity(members.len());
        for ((name, pair, beside), names) in members.into_iter().zip(&every) {
            let own = match self.habits.compatibility {
                Compatibility::Strict => names.own(&self.shared),
                Compatibility::Kubespray => Vec::new(),
            };
            let identity = names
                .host
                .as_ref()
                .and_then(|_| Identity::new(name).ok())
                .map(|identity| identity.with_alternative_names(own));
            if let Some((mut entry, common_name)) = self.entry(Role::Member, name, pair, identity) {
                self.remark_on_names(pair, beside);
                let of_peers = self.peer_common_name(pair);
                let of_peers = of_peers.filter(|found| Some(found) != common_name.as_ref());
                entry.peer_common_name =
                    of_peers.and_then(|found| self.usable_peer_common_name(pair, found));
                self.member_common_names.extend(common_name);
                entries.push(entry);
            }
        }
        entries
    }

    /// The pair that provides a member's names if the member's own pair provides none: the pair for
    /// peers, or the pair of a client on its host.
    fn beside(&self, name: &str) -> Option<&'a Pair> {
        let names_host = |pair: &&Pair| {
            let certificate = pair.certificate.as_ref();
            certificate.is_some_and(|certificate| {
                let addresses = certificate.ip_addresses();
                let is_of_host = addresses.iter().any(|address| !address.is_unspecified());
                is_of_host || !certificate.dns_names().is_empty()
            })
        };
        [FileKind::Peer, FileKind::Admin, FileKind::Node]
            .into_iter()
            .flat_map(|kind| self.pairs.iter().filter(move |pair| pair.kind == kind))
            .filter(|pair| self.hosts.name(pair) == Some(name))
            .find(names_host)
    }

    /// Reports where the names of an entry come from if its own certificate provides none.
    fn remark_on_names(&mut self, pair: &Pair, beside: Option<&Pair>) {
        if pair.certificate.is_some() {
            return;
        }
        let names = match beside {
            Some(beside) => format!("its names are those of {}", beside.file().display()),
            None => "its names are not known: write them before the next apply".to_owned(),
        };
        // Another remark reports why the content of a readable certificate is not used
        let text = if pair.is_misplaced {
            names
        } else {
            format!("cannot be read, so {names}")
        };
        self.remark(pair.file(), text);
    }

    /// Finds the names that members share, and those that nodes have in addition with the profile
    /// `kubespray`.
    fn share(&mut self, members: &[MemberNames]) {
        self.shared = match self.habits.compatibility {
            Compatibility::Strict => names::shared(members),
            Compatibility::Kubespray => {
                if let Some(given) = names::as_given(members) {
                    self.of_every_host.clone_from(&given);
                    self.shared = given;
                    self.names_as_given = true;
                    return;
                }
                names::of_any(members)
            }
        };
        self.of_every_host = members
            .iter()
            .filter_map(|names| names.host.clone())
            .chain(self.shared.iter().cloned())
            .chain(AlternativeName::loopback().iter().cloned())
            .collect();
    }

    /// The common name of a member's pair for peers, if the member has a separate one.
    fn peer_common_name(&self, member: &Pair) -> Option<String> {
        let is_of_peers = |pair: &&Pair| {
            (&pair.tree, &pair.name) == (&member.tree, &member.name)
                && (pair.kind == FileKind::Peer
                    || pair.kind == FileKind::Member && pair.names_peers())
                && pair.paths != member.paths
        };
        let pair = self.pairs.iter().find(is_of_peers)?;
        pair.certificate.as_ref()?.common_name()
    }

    /// The common name for peers, if a new certificate can have it.
    fn usable_peer_common_name(&mut self, pair: &Pair, common_name: String) -> Option<String> {
        match check_common_name(&common_name) {
            Ok(()) => Some(common_name),
            Err(error) => {
                let text =
                    format!("no new certificate for peers can have its common name: {error}");
                self.remark(pair.file(), text);
                None
            }
        }
    }

    pub(super) fn others(&mut self, role: Role) -> Vec<EntrySpec> {
        let mut entries = Vec::new();
        for (name, pairs) in self.by_name(role.into()) {
            let Some(pair) = pairs.first() else { continue };
            let identity = Identity::new(name).ok().map(|identity| {
                let Some(certificate) = &pair.certificate else {
                    return identity;
                };
                let found = names::of_certificate(pair, certificate, self.remarks);
                // If names were dropped, such as an empty one, etcd's peer port refused the
                // certificate
                let is_nameless = certificate.alternative_names().is_none();
                if found.is_empty() && is_nameless {
                    return identity.without_alternative_names();
                }
                identity.with_alternative_names(self.own(role, found))
            });
            if let Some((entry, _)) = self.entry(role, name, pair, identity) {
                self.remark_on_names(pair, None);
                entries.push(entry);
            }
        }
        entries
    }

    /// The names of a node or a client that do not follow from its role.
    fn own(&self, role: Role, names: Vec<AlternativeName>) -> Vec<AlternativeName> {
        let no_host: AlternativeName = AlternativeName::from(std::net::IpAddr::from([0; 4]));
        let is_host = |name: &AlternativeName| !matches!(name, AlternativeName::Uri(_));
        let mut hosts = names.iter().filter(|name| is_host(name));
        // This name follows from the role
        if hosts.next() == Some(&no_host) && hosts.next().is_none() {
            return names.into_iter().filter(|name| !is_host(name)).collect();
        }
        if role == Role::Node && self.habits.compatibility == Compatibility::Kubespray {
            let is_own = |name: &AlternativeName| !self.of_every_host.contains(name);
            return names.into_iter().filter(is_own).collect();
        }
        names
    }

    /// The entry with all fields that differ, and the common name of the certificate.
    fn entry(
        &mut self,
        role: Role,
        name: &str,
        pair: &Pair,
        identity: Option<Identity>,
    ) -> Option<(EntrySpec, Option<String>)> {
        let Some(mut identity) = identity else {
            self.remark(
                pair.file(),
                format!("{name:?} cannot be a {role}'s name, so it is left out"),
            );
            return None;
        };
        if let Some(certificate) = &pair.certificate {
            identity = self.with_subject(role, pair, certificate, identity);
        }
        let profile = self.habits.compatibility.profile(role);
        let is_of_member =
            |name: &String| role != Role::Member && self.member_common_names.contains(name);
        let (common_name, is_allowed) = match profile.common_name(&identity) {
            Err(Error::MemberCommonName { common_name }) => (Some(common_name), true),
            Ok(name) => {
                let is_allowed = name.as_ref().is_some_and(is_of_member);
                (name, is_allowed)
            }
            Err(error) => {
                self.remark(pair.file(), format!("is left out: {error}"));
                return None;
            }
        };
        let entry = EntrySpec {
            algorithm: self.habits.other_algorithm(pair),
            validity: self.habits.other_validity(pair, self.pairs),
            allow_member_common_name: is_allowed,
            ..EntrySpec::from(identity)
        };
        Some((entry, common_name))
    }

    /// Adds the common name, if it differs from the role's, and the organization.
    fn with_subject(
        &mut self,
        role: Role,
        pair: &Pair,
        certificate: &Certificate,
        mut identity: Identity,
    ) -> Identity {
        let organizations = certificate.organizations();
        if let Some(organization) = organizations.first() {
            match identity.clone().with_organization(organization) {
                Ok(organized) => identity = organized,
                Err(error) => self.remark(
                    pair.file(),
                    format!("no new certificate can have its organization: {error}"),
                ),
            }
        }
        if organizations.len() > 1 {
            let text = format!(
                "has {} organizations; a new certificate will have the first",
                organizations.len()
            );
            self.remark(pair.file(), text);
        }
        let profile = self
            .habits
            .compatibility
            .profile(role)
            .with_member_common_name_allowed();
        let usual = profile.common_name(&identity).ok().flatten();
        let found = certificate.common_name();
        if found == usual {
            return identity;
        }
        match found {
            None if identity.organization().is_some() => identity.without_common_name(),
            None => {
                self.remark(pair.file(), "has neither a common name nor an organization; a new certificate has a common name");
                identity
            }
            Some(found) => match identity.clone().with_common_name(&found) {
                Ok(identity) => identity,
                Err(error) => {
                    self.remark(
                        pair.file(),
                        format!("no new certificate can have its common name: {error}"),
                    );
                    identity
                }
            },
        }
    }

    /// The pairs of a kind, grouped by the name of their entry.
    fn by_name(&self, kind: FileKind) -> Vec<(&'a str, Vec<&'a Pair>)> {
        let mut grouped: Vec<(&'a str, Vec<&'a Pair>)> = Vec::new();
        for pair in self.pairs.iter().filter(|pair| pair.kind == kind) {
            let Some(name) = self.hosts.name(pair) else {
                continue;
            };
            match grouped.last_mut() {
                // Pairs with the same name are adjacent
                Some((known, pairs)) if *known == name => pairs.push(pair),
                _ => grouped.push((name, vec![pair])),
            }
        }
        // If a host has separate pairs for clients and peers, the one for clients has more names
        for (_, pairs) in &mut grouped {
            pairs.sort_by_key(|pair| pair.names_peers());
        }
        grouped
    }

    fn remark(&mut self, file: &Path, text: impl Into<String>) {
        self.remarks.push(Remark::new(file, text));
    }
}
