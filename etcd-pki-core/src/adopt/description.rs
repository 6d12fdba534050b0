//! Creates the entries of a specification from the pairs of a directory.

use std::collections::HashSet;

use super::{
    Remark, admin::admin, ca, describer::Describer, files::files, habits::Habits, host::Hosts,
    pair::Pair,
};
use crate::{
    cluster::{Cluster, ClusterSpec, DefaultsSpec, PortsSpec},
    error::{Error, Result},
    role::Role,
    store::Store,
};

/// The specification of the pairs of a directory.
pub(super) fn describe(
    store: &Store,
    pairs: &[Pair],
    remarks: &mut Vec<Remark>,
) -> Result<ClusterSpec> {
    let habits = Habits::of(pairs);
    let ca = ca::describe(store, pairs, &habits, remarks)?;
    let hosts = Hosts::of(pairs, remarks);
    let mut describer = Describer {
        pairs,
        hosts: &hosts,
        habits: &habits,
        shared: Vec::new(),
        names_as_given: false,
        of_every_host: Vec::new(),
        member_common_names: HashSet::new(),
        remarks,
    };
    Ok(ClusterSpec {
        layout: store.layout(),
        directory: Some(store.directory().to_owned()),
        ca,
        members: describer.members(),
        nodes: describer.others(Role::Node),
        clients: describer.others(Role::Client),
        defaults: DefaultsSpec {
            take_names_as_given: describer.names_as_given,
            ..habits.defaults()
        },
        shared_names: describer.shared,
        admin: admin(pairs, &habits),
        files: files(store, pairs, describer.remarks),
        // No file of a directory has a port
        ports: PortsSpec::default(),
        revoked: Vec::new(),
    })
}

/// The cluster of a specification that describes a directory.
pub(super) fn into_cluster(spec: ClusterSpec, store: &Store) -> Result<Cluster> {
    Cluster::try_from(spec).map_err(|error| Error::NotAdoptable {
        directory: store.directory().to_owned(),
        reason: format!("no specification can describe it: {error}"),
        hint: error
            .hint()
            .unwrap_or_else(|| "move the file out of the directory".to_owned()),
    })
}
