//! Members, nodes and clients in YAML.

use super::{
    fields::{Fields, Slot},
    node::Value,
};
use crate::{
    cluster::ClusterEntry,
    error::Result,
    identity::{AlternativeName, Identity},
    role::Role,
};

const MEMBER: &[&str] = &[
    "name",
    "names",
    "addresses",
    "common_name",
    "peer_common_name",
    "organization",
    "algorithm",
    "validity",
];
const NODE_OR_CLIENT: &[&str] = &[
    "name",
    "names",
    "addresses",
    "common_name",
    "organization",
    "algorithm",
    "validity",
    "san",
    "allow_member_common_name",
];

/// One member, node or client: fields, or a name alone.
pub(super) fn entry(slot: &Slot<'_>, role: Role) -> Result<ClusterEntry> {
    if matches!(slot.node.value, Value::Scalar(_)) {
        let identity = Identity::new(slot.text()?).map_err(|error| slot.wrap(&error))?;
        return Ok(identity.into());
    }
    let fields = slot.fields(match role {
        Role::Member => MEMBER,
        Role::Node | Role::Client => NODE_OR_CLIENT,
    })?;
    let mut entry = ClusterEntry::from(identity(slot, &fields)?);
    if let Some(slot) = fields.get("peer_common_name") {
        entry = entry
            .with_peer_common_name(slot.text()?)
            .map_err(|error| slot.wrap(&error))?;
    }
    if let Some(algorithm) = fields.parse("algorithm")? {
        entry = entry.algorithm(algorithm);
    }
    if let Some(validity) = fields.parse("validity")? {
        entry = entry.valid_for(validity);
    }
    if let Some(allowed) = fields.get("allow_member_common_name")
        && allowed.truth()?
    {
        entry = entry.allow_member_common_name();
    }
    Ok(entry)
}

fn identity(slot: &Slot<'_>, fields: &Fields<'_>) -> Result<Identity> {
    let name = fields
        .get("name")
        .ok_or_else(|| slot.fail("it has no name"))?;
    let mut identity = Identity::new(name.text()?).map_err(|error| name.wrap(&error))?;
    if let Some(slot) = fields.get_or_null("common_name") {
        identity = if slot.node.is_null() {
            identity.without_common_name()
        } else {
            identity
                .with_common_name(slot.text()?)
                .map_err(|error| slot.wrap(&error))?
        };
    }
    if let Some(slot) = fields.get("organization") {
        identity = identity
            .with_organization(slot.text()?)
            .map_err(|error| slot.wrap(&error))?;
    }
    let mut names = alternative_names(fields, "names")?;
    for slot in fields.items("addresses")? {
        match slot.parse()? {
            name @ AlternativeName::Ip(_) => names.push(name),
            other => {
                let hint = "what is no IP address belongs in names";
                return Err(slot.fail_with(format!("{other} is no address"), hint));
            }
        }
    }
    if let Some(slot) = fields.get("san") {
        if slot.text()? != "none" {
            let hint =
                "names and addresses have fields of their own; san: none leaves out even 0.0.0.0";
            return Err(slot.fail_with("the only word here is none", hint));
        }
        if !names.is_empty() {
            return Err(slot.fail("it is none, and there are names or addresses"));
        }
        return Ok(identity.without_alternative_names());
    }
    Ok(identity.with_alternative_names(names))
}

/// A list of names and addresses.
pub(super) fn alternative_names(fields: &Fields<'_>, name: &str) -> Result<Vec<AlternativeName>> {
    let items = fields.items(name)?;
    items
        .iter()
        .map(|slot| {
            let text = slot.text()?;
            text.parse().map_err(|error| slot.wrap(&error))
        })
        .collect()
}
