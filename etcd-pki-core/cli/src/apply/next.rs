//! What is left to do by hand once a plan has been carried out.

use etcd_pki_core::{Action, Issuer, Layout, Plan, Role, Step, Store};

/// The line about it, from the semicolon on.
pub(super) fn in_words(plan: &Plan, store: &Store) -> String {
    let is_reread = plan
        .changes()
        .any(|step| !step.wanted().is_authority() && step.action() != Action::Mode);
    let mut next: Vec<String> = [
        beginning(plan, store),
        peers_apart(plan, store),
        renewed_authorities(plan),
    ]
    .into_iter()
    .flatten()
    .collect();
    if next.is_empty() && is_reread {
        next.push("etcd reads a pair again by itself".to_owned());
    }
    next.iter().map(|what| format!("; {what}")).collect()
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
        .filter(|step| step.action() == Action::Create && step.wanted().issuer == Issuer::Peers);
    let host = peers
        .filter_map(|step| step.wanted().host.as_deref())
        .find(|host| runs(host))?;
    let peer_ca = store.layout().peer_authority().certificate;
    Some(format!(
        "peers have a CA of their own now: give every member its settings, as of {}, and restart all of them together, \
         since members on different peer CAs refuse each other, unless each was restarted before with a {} that holds both CAs",
        settings(host, store),
        peer_ca.display()
    ))
}

fn renewed_authorities(plan: &Plan) -> Option<String> {
    let renewed = plan
        .changes()
        .filter(|step| step.wanted().is_authority() && step.action() == Action::Renew);
    let files: Vec<String> = renewed
        .map(|step| step.wanted().paths.certificate.display().to_string())
        .collect();
    (!files.is_empty()).then(|| {
        format!(
            "copy {} to every host; etcd reads the CA only when it starts, so restart each member, one after the other",
            files.join(" and ")
        )
    })
}

/// The host of a member that had no pair yet.
fn new_member(step: &Step) -> Option<&str> {
    let wanted = step.wanted();
    let is_new = step.action() == Action::Create
        && wanted.role() == Some(Role::Member)
        && wanted.issuer == Issuer::Cluster;
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
