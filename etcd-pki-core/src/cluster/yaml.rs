//! Reading a cluster's specification from YAML.

mod admin;
mod entry;
mod fields;
mod location;
mod node;
mod scalar;
mod write;
mod writer;

use self::{
    entry::{alternative_names, entry},
    fields::Slot,
    location::located,
    node::{Node, Value},
};
use super::{
    Cluster, ClusterAuthority, ClusterBuilder, ClusterDefaults, ClusterEntry, ClusterFiles, section,
};
use crate::{error::Result, role::Role};

const TOP: &[&str] = &[
    "layout",
    "directory",
    "ca",
    "defaults",
    "shared_names",
    "members",
    "nodes",
    "clients",
    "admin",
    "files",
];
const AUTHORITY: &[&str] = &[
    "common_name",
    "organization",
    "algorithm",
    "validity",
    "peers",
    "peer_common_name",
];
const DEFAULTS: &[&str] = &["algorithm", "validity", "renew_before", "profile", "san"];
const FILES: &[&str] = &[
    "owner",
    "group",
    "key_mode",
    "certificate_mode",
    "directory_mode",
    "ca",
];
const CA_FILES: &[&str] = &["owner", "group", "key_mode"];

impl Cluster {
    /// Reads a cluster's specification. JSON is YAML too.
    ///
    /// ```
    /// use etcd_pki_core::Cluster;
    ///
    /// let cluster = Cluster::from_yaml(
    ///     r#"
    /// layout: kubespray
    /// directory: /etc/ssl/etcd/ssl
    /// ca: {common_name: etcd-ca, validity: 10y, peers: shared}
    /// defaults: {algorithm: ec-p256, validity: 1y, renew_before: 30d, profile: strict}
    /// shared_names: [etcd.kube-system.svc.cluster.local, etcd]
    /// members:
    ///   - {name: etcd-1, names: [etcd-1.lan], addresses: [10.0.0.11, "fd00::11"]}
    ///   - {name: etcd-2, addresses: [10.0.0.12]}
    /// nodes: [kube-1, kube-2]
    /// clients:
    ///   - root
    ///   - {name: backup, validity: 90d}
    /// files: {owner: etcd, group: root, key_mode: "0600", certificate_mode: "0644", directory_mode: "0700"}
    /// "#,
    /// )?;
    /// let files: Vec<_> = cluster.desired()?.pairs.into_iter().map(|pair| pair.paths.certificate).collect();
    /// assert_eq!(files[0].to_str(), Some("member-etcd-1.pem"));
    /// assert_eq!(files.len(), 8);
    ///
    /// let error = Cluster::from_yaml("members:\n  - {name: etcd-1, adresses: [10.0.0.11]}\n").unwrap_err();
    /// assert_eq!(error.to_string(), "line 2, column 20: members[0].adresses: there is no such field");
    /// assert_eq!(error.hint().as_deref(), Some("did you mean addresses?"));
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Specification`](crate::Error::Specification) with line, column and field: for text that is not YAML, for a field that is unknown, stands twice
    /// or has a value of another type, and for whatever [`ClusterBuilder::build`] refuses.
    pub fn from_yaml(text: &str) -> Result<Self> {
        let root = Node::parse(text)?;
        cluster(&Slot::top(&root))?
            .checked()
            .map_err(|fault| located(fault, &root))
    }
}

fn cluster(slot: &Slot<'_>) -> Result<ClusterBuilder> {
    let fields = slot.fields(TOP)?;
    let mut builder = Cluster::builder();
    if let Some(layout) = fields.parse("layout")? {
        builder = builder.layout(layout);
    }
    if let Some(directory) = fields.get("directory") {
        builder = builder.directory(directory.text()?);
    }
    if let Some(authority) = fields.get("ca") {
        builder = builder.authority(self::authority(&authority)?);
    }
    if let Some(defaults) = fields.get("defaults") {
        builder = builder.defaults(self::defaults(&defaults)?);
    }
    if let Some(slot) = fields.get("admin") {
        builder = match admin::admin(&slot)? {
            Some(admin) => builder.admin(admin),
            None => builder.without_admin(),
        };
    }
    if let Some(files) = fields.get("files") {
        builder = builder.files(self::files(&files)?);
    }
    let entries = |role| -> Result<Vec<ClusterEntry>> {
        let items = fields.items(section(role))?;
        items.iter().map(|item| entry(item, role)).collect()
    };
    Ok(builder
        .shared_names(alternative_names(&fields, "shared_names")?)
        .members(entries(Role::Member)?)
        .nodes(entries(Role::Node)?)
        .clients(entries(Role::Client)?))
}

fn authority(slot: &Slot<'_>) -> Result<ClusterAuthority> {
    let fields = slot.fields(AUTHORITY)?;
    let mut authority = ClusterAuthority::default();
    if let Some(slot) = fields.get_or_null("common_name") {
        authority = if slot.node.is_null() {
            authority.without_common_name()
        } else {
            ClusterAuthority::new(slot.text()?).map_err(|error| slot.wrap(&error))?
        };
    }
    if let Some(slot) = fields.get_or_null("peer_common_name") {
        authority = if slot.node.is_null() {
            authority.without_peer_common_name()
        } else {
            authority
                .with_peer_common_name(slot.text()?)
                .map_err(|error| slot.wrap(&error))?
        };
    }
    if let Some(slot) = fields.get("organization") {
        authority = authority
            .with_organization(slot.text()?)
            .map_err(|error| slot.wrap(&error))?;
    }
    if let Some(algorithm) = fields.parse("algorithm")? {
        authority = authority.algorithm(algorithm);
    }
    if let Some(validity) = fields.parse("validity")? {
        authority = authority.valid_for(validity);
    }
    if let Some(peers) = fields.parse("peers")? {
        authority = authority.peers(peers);
    }
    Ok(authority)
}

fn defaults(slot: &Slot<'_>) -> Result<ClusterDefaults> {
    let fields = slot.fields(DEFAULTS)?;
    let mut defaults = ClusterDefaults::default();
    if let Some(algorithm) = fields.parse("algorithm")? {
        defaults = defaults.algorithm(algorithm);
    }
    if let Some(validity) = fields.parse("validity")? {
        defaults = defaults.valid_for(validity);
    }
    if let Some(before) = fields.parse("renew_before")? {
        defaults = defaults.renew(before);
    }
    if let Some(compatibility) = fields.parse("profile")? {
        defaults = defaults.following(compatibility);
    }
    if let Some(slot) = fields.get("san") {
        if slot.text()? != "given" {
            let hint = "san: given leaves out the names of hosts and loopback's where nobody gives them; names for all members \
                        belong in shared_names";
            return Err(slot.fail_with("the only word here is given", hint));
        }
        defaults = defaults.take_names_as_given();
    }
    Ok(defaults)
}

fn files(slot: &Slot<'_>) -> Result<ClusterFiles> {
    let fields = slot.fields(FILES)?;
    let mut files = ClusterFiles::default();
    for (name, set) in [
        ("owner", ClusterFiles::with_owner as fn(_, &str) -> _),
        ("group", ClusterFiles::with_group),
    ] {
        if let Some(slot) = fields.get(name) {
            files = set(files, slot.text_or_number()?).map_err(|error| slot.wrap(&error))?;
        }
    }
    for (name, set) in [
        ("key_mode", ClusterFiles::with_key_mode as fn(_, u32) -> _),
        ("certificate_mode", ClusterFiles::with_certificate_mode),
        ("directory_mode", ClusterFiles::with_directory_mode),
    ] {
        if let Some(slot) = fields.get(name) {
            files = set(files, mode(&slot)?).map_err(|error| slot.wrap(&error))?;
        }
    }
    match fields.get("ca") {
        Some(ca) => ca_files(files, &ca),
        None => Ok(files),
    }
}

fn ca_files(mut files: ClusterFiles, slot: &Slot<'_>) -> Result<ClusterFiles> {
    let fields = slot.fields(CA_FILES)?;
    for (name, set) in [
        ("owner", ClusterFiles::with_ca_owner as fn(_, &str) -> _),
        ("group", ClusterFiles::with_ca_group),
    ] {
        if let Some(slot) = fields.get(name) {
            files = set(files, slot.text_or_number()?).map_err(|error| slot.wrap(&error))?;
        }
    }
    if let Some(slot) = fields.get("key_mode") {
        let set = files.with_ca_key_mode(mode(&slot)?);
        files = set.map_err(|error| slot.wrap(&error))?;
    }
    Ok(files)
}

/// A mode is octal, and a number in YAML is not: 0600 is 600 to YAML 1.2, 384 to YAML 1.1, and JSON has no such number.
fn mode(slot: &Slot<'_>) -> Result<u32> {
    let hint = "write it in quotes and octal, as chmod takes it: \"0600\"";
    if matches!(&slot.node.value, Value::Scalar(scalar) if scalar.kind() == node::NUMBER) {
        return Err(slot.fail_with("a number can be read as octal or as decimal", hint));
    }
    let text = slot.text()?;
    parse_mode(text).ok_or_else(|| slot.fail_with(format!("{text:?} is no mode of a file"), hint))
}

/// Reads a mode as `chmod` does: `0600`, `600`, and `0o600`.
fn parse_mode(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let octal = !digits.is_empty() && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    octal.then(|| u32::from_str_radix(digits, 8).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cluster::RenewBefore, identity::AlternativeName, key::KeyAlgorithm, layout::Layout,
        role::Compatibility, validity::Validity,
    };

    #[test]
    fn every_field() {
        let cluster = Cluster::from_yaml(
            r#"
layout: kubeadm
directory: pki
ca: {common_name: a-ca, organization: A, algorithm: ec-p384, validity: 5y, peers: separate, peer_common_name: b-ca}
defaults: {algorithm: ed25519, validity: 2y, renew_before: 25%, profile: kubespray, san: given}
shared_names: [etcd, 10.0.0.1]
members: [{name: m, names: [m.lan], addresses: ["[::2]", IP:10.0.0.2], common_name: c, organization: O, algorithm: rsa-3072, validity: 9d}]
nodes: [{name: n, san: none}, {name: o, names: [o.lan], addresses: [10.0.0.3]}]
clients: [x, {name: p, common_name: null, organization: O}, {name: q, common_name: etcd-member-q, allow_member_common_name: true}]
files: {owner: 1000, group: root, key_mode: "0640", certificate_mode: '444', directory_mode: "0o750", ca: {owner: root, group: 7, key_mode: "0400"}}
"#,
        )
        .unwrap();
        assert_eq!(cluster.layout(), Layout::Kubeadm);
        assert_eq!(
            cluster.directory().and_then(|path| path.to_str()),
            Some("pki")
        );
        let authority = cluster.authority();
        assert!(authority.has_separate_peers());
        assert_eq!(
            (
                authority.common_name().unwrap(),
                authority.peer_common_name().unwrap().as_str()
            ),
            ("a-ca", "b-ca")
        );
        assert_eq!(authority.organization(), Some("A"));
        assert_eq!(authority.key_algorithm(), Some(KeyAlgorithm::EcP384));
        assert_eq!(authority.validity(), Some(Validity::years(5)));
        let defaults = cluster.defaults();
        assert_eq!(defaults.key_algorithm(), Some(KeyAlgorithm::Ed25519));
        assert_eq!(defaults.validity(), Some(Validity::years(2)));
        assert_eq!(defaults.renew_before(), RenewBefore::percent(25).unwrap());
        assert_eq!(defaults.compatibility(), Compatibility::Kubespray);
        assert!(defaults.takes_names_as_given());
        let names = |names: &[AlternativeName]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            names.join(" ")
        };
        assert_eq!(names(cluster.shared_names()), "etcd 10.0.0.1");
        let member = &cluster.members()[0];
        assert_eq!(
            names(member.identity().alternative_names().unwrap()),
            "m.lan ::2 10.0.0.2"
        );
        assert_eq!(member.identity().organization(), Some("O"));
        assert_eq!(member.key_algorithm(), Some(KeyAlgorithm::Rsa3072));
        assert_eq!(member.validity(), Some(Validity::days(9)));
        assert!(cluster.nodes()[0].identity().alternative_names().is_none());
        assert_eq!(
            names(cluster.nodes()[1].identity().alternative_names().unwrap()),
            "o.lan 10.0.0.3"
        );
        assert_eq!(cluster.clients().len(), 3);
        assert!(cluster.clients()[2].may_have_member_common_name());
        let files = cluster.files();
        assert_eq!((files.owner(), files.group()), (Some("1000"), Some("root")));
        assert_eq!(files.key_mode(), Some(0o640));
        assert_eq!(files.certificate_mode(), Some(0o444));
        assert_eq!(files.directory_mode(), Some(0o750));
        let ca = (files.ca_owner(), files.ca_group(), files.ca_key_mode());
        assert_eq!(ca, (Some("root"), Some("7"), Some(0o400)));
    }

    #[test]
    fn json_and_what_is_left_out() {
        let json = Cluster::from_yaml(r#"{"members": [{"name": "a"}], "nodes": null, "ca": {}}"#);
        let yaml = Cluster::from_yaml("members:\n- a\nnodes:\n");
        assert_eq!(json.unwrap(), yaml.unwrap());
        let anchors = "members: [{name: a, validity: &life 9d}, {name: b, validity: *life}]";
        let anchors = Cluster::from_yaml(anchors).unwrap();
        assert_eq!(anchors.members()[1].validity(), Some(Validity::days(9)));
    }

    #[test]
    fn modes_as_text() {
        for (text, mode) in [("0600", 0o600), ("600", 0o600), ("0o640", 0o640)] {
            assert_eq!(parse_mode(text), Some(mode));
        }
        for bad in ["", "0o", "0680", "rw", "-600", "+600", "99999999999999"] {
            assert_eq!(parse_mode(bad), None, "{bad}");
        }
    }
}
