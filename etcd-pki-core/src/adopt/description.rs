//! What the specification says of each pair.

use std::collections::HashSet;

use super::{
    Remark, admin::admin, authority::authority, describer::Describer, files::files, habits::Habits,
    host::Hosts, pair::Pair,
};
use crate::{
    cluster::{
        Cluster, ClusterAdmin, ClusterAuthority, ClusterDefaults, ClusterEntry, ClusterFiles,
    },
    error::{Error, Result},
    identity::AlternativeName,
    role::Role,
    store::Store,
};

/// The parts of a specification.
pub(super) struct Description {
    authority: ClusterAuthority,
    defaults: ClusterDefaults,
    shared: Vec<AlternativeName>,
    members: Vec<ClusterEntry>,
    nodes: Vec<ClusterEntry>,
    clients: Vec<ClusterEntry>,
    admin: Option<ClusterAdmin>,
    files: ClusterFiles,
}

impl Description {
    pub(super) fn of(store: &Store, pairs: &[Pair], remarks: &mut Vec<Remark>) -> Result<Self> {
        let habits = Habits::of(pairs);
        let authority = authority(store, pairs, &habits, remarks)?;
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
        let members = describer.members();
        let nodes = describer.others(Role::Node);
        let clients = describer.others(Role::Client);
        let (shared, names_as_given) = (describer.shared, describer.names_as_given);
        let mut defaults = habits.defaults();
        if names_as_given {
            defaults = defaults.take_names_as_given();
        }
        Ok(Self {
            admin: admin(pairs, &habits),
            files: files(store, pairs, describer.remarks),
            authority,
            shared,
            members,
            nodes,
            clients,
            defaults,
        })
    }

    pub(super) fn into_cluster(self, store: &Store) -> Result<Cluster> {
        let builder = Cluster::builder()
            .layout(store.layout())
            .directory(store.directory())
            .authority(self.authority)
            .defaults(self.defaults)
            .shared_names(self.shared)
            .members(self.members)
            .nodes(self.nodes)
            .clients(self.clients)
            .files(self.files);
        let builder = match self.admin {
            Some(admin) => builder.admin(admin),
            None => builder.without_admin(),
        };
        builder.build().map_err(|error| Error::NotAdoptable {
            directory: store.directory().to_owned(),
            reason: format!("no specification can describe it: {error}"),
            hint: error
                .hint()
                .unwrap_or_else(|| "move the file out of the directory".to_owned()),
        })
    }
}
