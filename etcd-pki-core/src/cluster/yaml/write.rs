//! Writing a cluster's specification as YAML.

use super::{
    scalar::{quoted, scalar},
    writer::Writer,
};
use crate::{
    cluster::{
        Cluster, ClusterAdmin, ClusterAuthority, ClusterDefaults, ClusterEntry, ClusterFiles, Peers,
    },
    identity::{AlternativeName, Identity},
    layout::Layout,
    role::{Compatibility, Role},
};

impl Cluster {
    /// Writes the specification, only what differs from the defaults. Reading it again gives an equal cluster, of a directory
    /// whose name is text.
    ///
    /// ```
    /// use etcd_pki_core::{Cluster, Identity};
    ///
    /// let cluster = Cluster::builder()
    ///     .members([Identity::new("etcd-1")?.with_names(["etcd-1.lan", "10.0.0.11"])?])
    ///     .clients([Identity::new("root")?])
    ///     .build()?;
    /// let yaml = "\
    /// layout: kubespray
    /// ca:
    ///   common_name: etcd-ca
    /// members:
    ///   - name: etcd-1
    ///     names:
    ///       - etcd-1.lan
    ///     addresses:
    ///       - 10.0.0.11
    /// clients:
    ///   - root
    /// ";
    /// assert_eq!(cluster.to_yaml(), yaml);
    /// assert_eq!(Cluster::from_yaml(yaml)?, cluster);
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut yaml = Writer::default();
        yaml.field("layout", Layout::name(self.layout));
        if let Some(directory) = &self.directory {
            yaml.field("directory", &directory.to_string_lossy());
        }
        yaml.mapping("ca", |yaml| authority(yaml, &self.authority));
        yaml.mapping("defaults", |yaml| defaults(yaml, &self.defaults));
        yaml.names("shared_names", &self.shared_names);
        for role in Role::ALL {
            let entries = self.entries(role);
            if !entries.is_empty() {
                yaml.line(&format!("{}:", super::section(role)));
                entries.iter().for_each(|entry| item(&mut yaml, entry));
            }
        }
        match &self.admin {
            Some(admin) => yaml.mapping("admin", |yaml| self::admin(yaml, admin)),
            None => yaml.field("admin", "none"),
        }
        yaml.mapping("files", |yaml| files(yaml, &self.files));
        yaml.into_text()
    }
}

/// A member, node or client: its name alone if that is all there is to say.
fn item(yaml: &mut Writer, entry: &ClusterEntry) {
    let named = Identity::new(entry.name()).ok().map(ClusterEntry::from);
    if named.as_ref() == Some(entry) {
        yaml.item(&scalar(entry.name()));
    } else {
        yaml.item_of_fields(|yaml| self::entry(yaml, entry));
    }
}

fn entry(yaml: &mut Writer, entry: &ClusterEntry) {
    let identity = entry.identity();
    yaml.field("name", entry.name());
    match identity.said_common_name() {
        None => {}
        Some(Some(common_name)) => yaml.field("common_name", common_name),
        Some(None) => yaml.line("common_name: null"),
    }
    if let Some(common_name) = entry.peer_common_name() {
        yaml.field("peer_common_name", common_name);
    }
    yaml.said("organization", identity.organization());
    match identity.alternative_names() {
        None => yaml.field("san", "none"),
        Some(names) => {
            let is_address = |name: &AlternativeName| matches!(name, AlternativeName::Ip(_));
            let first = names.iter().position(is_address).unwrap_or(names.len());
            let (others, addresses) = names.split_at(first);
            if addresses.iter().all(is_address) {
                yaml.names("names", others);
                yaml.names("addresses", addresses);
            } else {
                // In this order they are in the certificate
                yaml.names("names", names);
            }
        }
    }
    yaml.said("algorithm", entry.key_algorithm());
    yaml.said("validity", entry.validity());
    if entry.may_have_member_common_name() {
        yaml.line("allow_member_common_name: true");
    }
}

fn authority(yaml: &mut Writer, authority: &ClusterAuthority) {
    match authority.common_name() {
        Some(common_name) => yaml.field("common_name", common_name),
        None => yaml.line("common_name: null"),
    }
    yaml.said("organization", authority.organization());
    yaml.said("algorithm", authority.key_algorithm());
    yaml.said("validity", authority.validity());
    if authority.has_separate_peers() {
        yaml.field("peers", Peers::Separate.name());
    }
    if authority.names_peers() {
        match authority.peer_common_name() {
            Some(common_name) => yaml.field("peer_common_name", &common_name),
            None => yaml.line("peer_common_name: null"),
        }
    }
}

fn defaults(yaml: &mut Writer, defaults: &ClusterDefaults) {
    if defaults.compatibility() != Compatibility::default() {
        yaml.field("profile", defaults.compatibility().name());
    }
    yaml.said("algorithm", defaults.key_algorithm());
    yaml.said("validity", defaults.validity());
    yaml.said("renew_before", defaults.said_renew_before());
    if defaults.takes_names_as_given() {
        yaml.field("san", "given");
    }
}

fn admin(yaml: &mut Writer, admin: &ClusterAdmin) {
    yaml.said("organization", admin.organization());
    yaml.said("algorithm", admin.key_algorithm());
    yaml.said("validity", admin.validity());
    if !admin.has_alternative_names() {
        yaml.field("san", "none");
    }
}

fn files(yaml: &mut Writer, files: &ClusterFiles) {
    yaml.said("owner", files.owner());
    yaml.said("group", files.group());
    for (name, mode) in [
        ("key_mode", files.key_mode()),
        ("certificate_mode", files.certificate_mode()),
        ("directory_mode", files.directory_mode()),
    ] {
        write_mode(yaml, name, mode);
    }
    yaml.mapping("ca", |yaml| {
        yaml.said("owner", files.ca_owner());
        yaml.said("group", files.ca_group());
        write_mode(yaml, "key_mode", files.ca_key_mode());
    });
}

fn write_mode(yaml: &mut Writer, name: &str, mode: Option<u32>) {
    if let Some(mode) = mode {
        // What looks like a number is read as octal by some and as decimal by others
        yaml.line(&format!("{name}: {}", quoted(&format!("{mode:04o}"))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cluster::RenewBefore, key::KeyAlgorithm, validity::Validity};

    fn assert_same(cluster: &Cluster) {
        let yaml = cluster.to_yaml();
        let again = Cluster::from_yaml(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        assert_eq!(again, *cluster, "{yaml}");
    }

    #[test]
    fn every_field() {
        let authority = ClusterAuthority::new("a: ca")
            .unwrap()
            .with_organization("A # b")
            .unwrap();
        let cluster = Cluster::builder()
            .layout(Layout::Kubeadm)
            .directory("/srv/a b/\"c\"")
            .authority(
                authority
                    .algorithm(KeyAlgorithm::EcP384)
                    .valid_for(Validity::years(5))
                    .peers(Peers::Separate)
                    .with_peer_common_name("null")
                    .unwrap(),
            )
            .defaults(
                ClusterDefaults::default()
                    .algorithm(KeyAlgorithm::Rsa2048)
                    .valid_for(Validity::days(100))
                    .renew(RenewBefore::percent(20).unwrap())
                    .following(Compatibility::Kubespray)
                    .take_names_as_given(),
            )
            .shared_names(["etcd".parse().unwrap(), "fd00::9".parse().unwrap()])
            .members([Identity::new("m")
                .and_then(|member| member.with_names(["10.0.0.1", "m.lan", "*.m"]))
                .and_then(|member| ClusterEntry::from(member).with_peer_common_name("p: q"))
                .unwrap()])
            .admin(
                ClusterAdmin::default()
                    .with_organization("system:masters")
                    .unwrap()
                    .without_alternative_names()
                    .algorithm(KeyAlgorithm::Ed25519)
                    .valid_for(Validity::days(9)),
            )
            .files(
                ClusterFiles::default()
                    .with_owner("1000")
                    .and_then(|files| files.with_group("root"))
                    .and_then(|files| files.with_key_mode(0o640))
                    .and_then(|files| files.with_certificate_mode(0o444))
                    .and_then(|files| files.with_directory_mode(0o750))
                    .and_then(|files| files.with_ca_owner("root"))
                    .and_then(|files| files.with_ca_group("7"))
                    .and_then(|files| files.with_ca_key_mode(0o400))
                    .unwrap(),
            );
        assert_same(&cluster.build().unwrap());
        assert_same(&Cluster::builder().build().unwrap());
        let without = Cluster::builder().without_admin().build().unwrap();
        assert_same(&without);
        assert_ne!(without, Cluster::builder().build().unwrap());
    }

    /// Names, common names, organizations, alternative names and what else an entry may have, in all their combinations.
    #[test]
    fn entries_of_every_shape() {
        const TEXTS: &[&str] = &[
            "a",
            "1",
            "1.5",
            "true",
            "No",
            "~",
            "é",
            "a: b",
            "a #b",
            "- a",
            "[a",
            "{a",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "'a'",
            "\"a\"",
            "\\",
            "%a",
            "@a",
            "`a",
            "a\u{200d}b",
            "a\u{a0}b",
            "0x1f",
            "1_000",
            "2026-01-01",
            "12:30:45",
            "=",
            "<<",
            "a,b",
            "?",
            ":",
            "none",
            "\u{fffd}a",
            "😀",
        ];
        const NAMES: &[&[&str]] = &[
            &[],
            &["a.b"],
            &["10.0.0.1"],
            &["a.b", "fd00::1", "10.0.0.1"],
            &["fd00::1", "a.b", "URI:spiffe://c/etcd", "*.d"],
        ];
        for (index, text) in TEXTS.iter().enumerate() {
            let other = TEXTS[(index * 7 + 3) % TEXTS.len()];
            let is_file_name = Layout::Kubespray.pairs(Role::Client, text).is_ok();
            let name = if is_file_name { text } else { "a" };
            let names = NAMES[index % NAMES.len()];
            let identity = Identity::new(name).unwrap().with_names(names).unwrap();
            let given = identity.clone().with_common_name(other).unwrap();
            let organized = given.clone().with_organization(text).unwrap();
            let entries = [
                identity.clone(),
                given,
                organized.clone(),
                organized.clone().without_common_name(),
                identity.without_alternative_names(),
            ];
            for identity in entries {
                let entry = ClusterEntry::from(identity);
                let full = entry
                    .clone()
                    .algorithm(KeyAlgorithm::ALL[index % 6])
                    .valid_for(Validity::days(index as u32 + 1))
                    .allow_member_common_name();
                for entry in [entry, full] {
                    assert_same(&Cluster::builder().clients([entry]).build().unwrap());
                }
            }
        }
    }
}
