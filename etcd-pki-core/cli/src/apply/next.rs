//! What is left to do by hand once a plan has been carried out.

use etcd_pki_core::{Action, CaKind, Layout, Plan, Role, Step, Store};

/// The line about it, from the semicolon on.
pub(super) fn in_words(plan: &Plan, store: &Store) -> String {
    let is_reread = plan
        .changes()
        .any(|step| !step.wanted().is_authority() && step.action() != Action::Mode);
    let next = [beginning(plan, store), peers_apart(plan, store)];
    let next = next.into_iter().flatten().map(|what| format!("; {what}"));
    let next = next.collect::<String>() + &of_renewed(&renewed_authorities(plan));
    if next.is_empty() && is_reread {
        return "; etcd reads a pair again by itself".to_owned();
    }
    next
}

/// An authority whose certificate is to be renewed.
pub(super) struct RenewedAuthority {
    pub(super) file: String,
    name: String,
}

pub(super) fn renewed_authorities(plan: &Plan) -> Vec<RenewedAuthority> {
    let renewed = plan
        .changes()
        .filter(|step| step.wanted().is_authority() && step.action() == Action::Renew);
    let renewed = renewed.map(|step| RenewedAuthority {
        file: step.paths().certificate.display().to_string(),
        name: step.wanted().paths.certificate.display().to_string(),
    });
    renewed.collect()
}

/// The part of the line that is about them.
pub(super) fn of_renewed(authorities: &[RenewedAuthority]) -> String {
    if authorities.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = authorities.iter().map(|one| one.name.as_str()).collect();
    format!(
        "; copy {} to every host; etcd reads the CA only when it starts, so restart each member, one after the other",
        names.join(" and ")
    )
}

/// A member begins.
fn beginning(plan: &Plan, store: &Store) -> Option<String> {
    let host = plan.steps().iter().find_map(new_member)?;
    let settings = settings(host, store);
    Some(format!("start etcd with the settings of {settings}"))
}

/// Members that run already get a pair of a CA that peers have apart. An earlier run that was cut off may have made that CA.
fn peers_apart(plan: &Plan, store: &Store) -> Option<String> {
    let runs = |host: &str| {
        let mut steps = plan.steps().iter();
        !steps.any(|step| new_member(step) == Some(host))
    };
    let peers = plan
        .changes()
        .filter(|step| step.action() == Action::Create && step.wanted().issuer == CaKind::Peer);
    let host = peers
        .filter_map(|step| step.wanted().host.as_deref())
        .find(|host| runs(host))?;
    let peer_ca = store.layout().ca(CaKind::Peer).certificate;
    Some(format!(
        "peers have a CA of their own now: give every member its settings, as of {}, and restart all of them together, \
         since members on different peer CAs refuse each other, unless each was restarted before with a {} that holds both CAs",
        settings(host, store),
        peer_ca.display()
    ))
}

/// The host of a member that had no pair yet.
fn new_member(step: &Step) -> Option<&str> {
    let wanted = step.wanted();
    let is_new = step.action() == Action::Create
        && wanted.role() == Some(Role::Member)
        && wanted.issuer == CaKind::Client;
    wanted.host.as_deref().filter(|_| is_new)
}

fn settings(host: &str, store: &Store) -> String {
    let directory = store.directory().display();
    let layout = match store.layout() {
        layout if layout == Layout::default() => String::new(),
        layout => format!(" --layout {layout}"),
    };
    format!("`etcd-pki env etcd --host {host} -d {directory}{layout}`")
}
