//! The client beside each member in YAML.

use super::{fields::Slot, node::Value};
use crate::{cluster::ClusterAdmin, error::Result};

const ADMIN: &[&str] = &["organization", "algorithm", "validity", "san"];

/// Fields, or `none`.
pub(super) fn admin(slot: &Slot<'_>) -> Result<Option<ClusterAdmin>> {
    if matches!(slot.node.value, Value::Scalar(_)) {
        if slot.text()? == "none" {
            return Ok(None);
        }
        let hint =
            "admin: none leaves the client out that the layout's tools expect beside each member";
        return Err(slot.fail_with("the only word here is none", hint));
    }
    let fields = slot.fields(ADMIN)?;
    let mut admin = ClusterAdmin::default();
    if let Some(slot) = fields.get("organization") {
        admin = admin
            .with_organization(slot.text()?)
            .map_err(|error| slot.wrap(&error))?;
    }
    if let Some(algorithm) = fields.parse("algorithm")? {
        admin = admin.algorithm(algorithm);
    }
    if let Some(validity) = fields.parse("validity")? {
        admin = admin.valid_for(validity);
    }
    if let Some(slot) = fields.get("san") {
        if slot.text()? != "none" {
            let hint = "san: none leaves the alternative names out, even 0.0.0.0";
            return Err(slot.fail_with("the only word here is none", hint));
        }
        admin = admin.without_alternative_names();
    }
    Ok(Some(admin))
}

#[cfg(test)]
mod tests {
    use crate::{cluster::Cluster, validity::Validity};

    fn read(admin: &str) -> Cluster {
        Cluster::from_yaml(&format!("members: [a]\nadmin: {admin}")).unwrap()
    }

    #[test]
    fn none_as_usual_and_as_kubeadm_has_it() {
        let files = |cluster: Cluster| cluster.desired().unwrap().pairs.len();
        assert_eq!(files(read("none")), 1);
        assert_eq!(files(read("")), 2);
        let cluster =
            read("{san: none, organization: system:masters, algorithm: ed25519, validity: 90d}");
        let admin = cluster.admin().unwrap();
        assert!(!admin.has_alternative_names());
        assert_eq!(admin.organization(), Some("system:masters"));
        assert_eq!(admin.validity(), Some(Validity::days(90)));
        let pair = cluster.desired().unwrap().pairs.remove(1);
        assert_eq!(pair.identity.organization(), Some("system:masters"));
        assert!(pair.identity.alternative_names().is_none());
    }

    #[test]
    fn what_it_cannot_be() {
        for (admin, expected) in [
            ("all", "line 2, column 8: admin: the only word here is none"),
            ("{san: all}", "line 2, column 14: admin.san: the only word"),
            (
                "{name: a}",
                "line 2, column 9: admin.name: there is no such field",
            ),
            (
                "{validity: 8000y}",
                "line 2, column 19: admin.validity: the validity ends past",
            ),
        ] {
            let error = Cluster::from_yaml(&format!("members: [a]\nadmin: {admin}")).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
