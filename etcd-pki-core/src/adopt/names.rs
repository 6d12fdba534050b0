//! Divides names into those of every host, those that all members share, and a member's own.

use std::collections::HashMap;

use super::{Remark, pair::Pair};
use crate::x509::{certificate::Certificate, identity::AlternativeName};

/// The names of a member's certificate.
pub(super) struct MemberNames {
    /// The member's own name, as clients use it to connect
    pub(super) host: Option<AlternativeName>,
    /// All names except those of loopback
    pub(super) all: Vec<AlternativeName>,
    /// The names of loopback
    loopback: Vec<AlternativeName>,
    /// Whether these are all names of the member. They are not if no certificate can be read, or if
    /// they come from a certificate of another pair on its host
    is_whole: bool,
}

impl MemberNames {
    pub(super) fn new(name: &str, all: &[AlternativeName]) -> Self {
        let is_loopback = |name: &AlternativeName| AlternativeName::loopback().contains(name);
        let (loopback, all) = all.iter().cloned().partition(is_loopback);
        let all: Vec<_> = all;
        let loopback: Vec<_> = loopback;
        Self {
            host: name.parse().ok(),
            is_whole: !(all.is_empty() && loopback.is_empty()),
            all,
            loopback,
        }
    }

    /// Marks the names as incomplete: the member may have others.
    pub(super) fn in_part(self) -> Self {
        Self {
            is_whole: false,
            ..self
        }
    }

    /// The names that are neither shared nor follow from the member's name.
    pub(super) fn own(&self, shared: &[AlternativeName]) -> Vec<AlternativeName> {
        let names = self.all.iter();
        names
            .filter(|name| !shared.contains(name) && Some(*name) != self.host.as_ref())
            .cloned()
            .collect()
    }
}

/// The names that all of several members have. Also the addresses that several members have, if one
/// of these members has no other address: a specification cannot give such an address to several
/// members.
pub(super) fn shared(members: &[MemberNames]) -> Vec<AlternativeName> {
    let members: Vec<_> = members.iter().filter(|member| member.is_whole).collect();
    let (Some(first), true) = (members.first(), members.len() > 1) else {
        return Vec::new();
    };
    let mut counts: HashMap<&AlternativeName, usize> = HashMap::new();
    for member in &members {
        let host = member.host.iter().filter(|host| !member.all.contains(host));
        for name in member.all.iter().chain(host) {
            *counts.entry(name).or_default() += 1;
        }
    }
    let in_all = |name: &&AlternativeName| members.iter().all(|member| member.all.contains(name));
    let mut shared: Vec<AlternativeName> = first.all.iter().filter(in_all).cloned().collect();
    let is_own =
        |name: &&AlternativeName| matches!(name, AlternativeName::Ip(_)) && counts[name] == 1;
    let has_own = |member: &MemberNames| {
        member
            .all
            .iter()
            .chain(&member.host)
            .any(|name| is_own(&name))
    };
    for name in members.iter().flat_map(|member| &member.all) {
        let is_of_several = matches!(name, AlternativeName::Ip(_)) && counts[name] > 1;
        let has =
            |member: &MemberNames| member.all.contains(name) || member.host.as_ref() == Some(name);
        let mut holders = members.iter().filter(|member| has(member));
        let needs_sharing = is_of_several && holders.any(|member| !has_own(member));
        if needs_sharing && !shared.contains(name) {
            shared.push(name.clone());
        }
    }
    shared
}

/// The names of all members without the members' own names: Kubespray gives the names of all
/// members to each.
pub(super) fn of_any(members: &[MemberNames]) -> Vec<AlternativeName> {
    let hosts: Vec<&AlternativeName> = members
        .iter()
        .filter_map(|member| member.host.as_ref())
        .collect();
    let mut all: Vec<AlternativeName> = Vec::new();
    for name in members.iter().flat_map(|member| &member.all) {
        if !hosts.contains(&name) && !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

/// The names of all members, if a member's own name or a name of loopback is missing from them.
/// Otherwise these names need not be specified. Kubespray's script adds no names to those that it
/// is given.
pub(super) fn as_given(members: &[MemberNames]) -> Option<Vec<AlternativeName>> {
    let read = || members.iter().filter(|member| member.is_whole);
    let mut all: Vec<AlternativeName> = Vec::new();
    for name in read().flat_map(|member| member.loopback.iter().chain(&member.all)) {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    let hosts = read().filter_map(|member| member.host.as_ref());
    let mut following = hosts.chain(AlternativeName::loopback());
    let lacks_one = following.any(|name| !all.contains(name));
    (lacks_one && !all.is_empty()).then_some(all)
}

/// The alternative names of a certificate that a specification can contain.
pub(super) fn of_certificate(
    pair: &Pair,
    certificate: &Certificate,
    remarks: &mut Vec<Remark>,
) -> Vec<AlternativeName> {
    let mut names: Vec<AlternativeName> = Vec::new();
    let mut odd: Vec<String> = certificate.other_names();
    let dns = certificate
        .dns_names()
        .iter()
        .map(|name| format!("DNS:{name}"));
    let uris = certificate.uris().iter().map(|uri| format!("URI:{uri}"));
    for text in dns.chain(uris) {
        match text.parse() {
            Ok(name) => names.push(name),
            Err(_) => odd.push(text),
        }
    }
    names.extend(
        certificate
            .ip_addresses()
            .iter()
            .map(|address| AlternativeName::from(*address)),
    );
    let mut unique: Vec<AlternativeName> = Vec::with_capacity(names.len());
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    if !odd.is_empty() {
        remarks.push(Remark::new(
            pair.file(),
            format!(
                "has alternative names that a new certificate will not have: {}",
                odd.join(", ")
            ),
        ));
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, all: &[&str]) -> MemberNames {
        let all: Vec<AlternativeName> = all.iter().map(|name| name.parse().unwrap()).collect();
        MemberNames::new(name, &all)
    }

    fn shown(names: &[AlternativeName]) -> String {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        names.join(" ")
    }

    #[test]
    fn own_and_shared() {
        let members = [
            member(
                "a",
                &[
                    "localhost",
                    "a",
                    "etcd",
                    "10.0.0.1",
                    "10.0.0.9",
                    "127.0.0.1",
                ],
            ),
            member("b", &["b", "10.0.0.2", "etcd", "10.0.0.9"]),
            member("c", &["c", "etcd"]),
            // The certificate of one member cannot be read; another member is known from a client
            // on its host
            member("d", &[]),
            member("e", &["e.lan"]).in_part(),
        ];
        let shared = shared(&members);
        assert_eq!(shown(&shared), "etcd");
        // Two of three members have the address: the third must not get it
        assert_eq!(shown(&members[0].own(&shared)), "10.0.0.1 10.0.0.9");
        assert_eq!(
            shown(&of_any(&members)),
            "etcd 10.0.0.1 10.0.0.9 10.0.0.2 e.lan"
        );
    }

    #[test]
    fn what_is_given_and_nothing_else() {
        let given = |members: &[(&str, &[&str])]| {
            let members: Vec<_> = members
                .iter()
                .map(|(name, all)| member(name, all))
                .collect();
            as_given(&members).map(|names| shown(&names))
        };
        let whole = &["a", "b", "localhost", "127.0.0.1", "::1", "10.0.0.1"];
        assert_eq!(given(&[("a", whole), ("b", whole)]), None);
        // One certificate is older than one of the members
        assert_eq!(given(&[("a", &whole[1..]), ("b", whole)]), None);
        // One certificate cannot be read
        assert_eq!(given(&[("a", whole), ("c", &[])]), None);
        assert_eq!(given(&[("a", &[])]), None);
        let nameless = given(&[("a", &whole[1..]), ("b", &whole[1..])]);
        assert_eq!(
            nameless.as_deref(),
            Some("localhost 127.0.0.1 ::1 b 10.0.0.1")
        );
        let one = given(&[("a", &["a", "localhost", "127.0.0.1"])]);
        assert_eq!(one.as_deref(), Some("localhost 127.0.0.1 a"));
    }

    #[test]
    fn members_called_by_addresses_that_all_have() {
        let all = ["10.0.0.1", "10.0.0.2"];
        let members = [member("10.0.0.1", &all), member("10.0.0.2", &all)];
        let shared = shared(&members);
        assert_eq!(shown(&shared), "10.0.0.1 10.0.0.2");
        assert!(members[0].own(&shared).is_empty());
        assert!(super::shared(&members[..1]).is_empty());
    }
}
