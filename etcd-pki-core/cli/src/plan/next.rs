//! The manual work that remains after a plan was applied.

use etcd_pki_core::{
    CaKind, Certificate, Layout, Role, Store,
    finding::Finding,
    internal::read_file,
    plan::{Action, Report, Step, StepReport},
};

/// The end of the line about the changes, starting with the semicolon.
pub(super) fn in_words(report: &Report) -> String {
    let plan = report.plan();
    let is_reread = report.done().any(|done| {
        done.step().ca().is_none()
            && !done.step().is_of_revocation_lists()
            && !matches!(done.step().action(), Action::Chmod | Action::Remove)
    });
    let next = match plan.exchange() {
        Some(exchange) if plan.signs_requests() => format!(
            "; bring each folder of {} to its host, where `etcd-pki apply --requests` with --host installs it",
            exchange.display()
        ),
        Some(folder) if report.count(Action::Request) > 0 => format!(
            "; bring {} to the CA, where `etcd-pki apply --requests` without --host signs it",
            folder.display()
        ),
        _ => first_start(report).unwrap_or_default(),
    };
    let next = next + &peers(report).unwrap_or_else(|| after_renewed_cas(report));
    if next.is_empty() && is_reread {
        return "; etcd reads a pair again by itself".to_owned();
    }
    next
}

/// The part about CAs that were renewed or are newly trusted.
pub(super) fn after_renewed_cas(report: &Report) -> String {
    let renewed = report.done().map(|done| done.step());
    let renewed = renewed.filter(|step| step.ca().is_some() && step.action() == Action::Renew);
    let names = renewed.map(|step| step.relative_paths().certificate.display().to_string());
    let names: Vec<String> = names.collect();
    let hosts = report.hosts_to_restart();
    let why = "etcd reads the CA only when it starts";
    match (names.is_empty(), hosts.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("; restart etcd on {}: {why}", listed(&hosts)),
        (false, _) => format!(
            "; copy {} to every host, then restart {}, one after the other: {why}",
            names.join(" and "),
            match hosts.is_empty() {
                true => "each member".to_owned(),
                false => format!("etcd on {}", listed(&hosts)),
            }
        ),
    }
}

/// The part for a member with its first pair: how to start etcd.
fn first_start(report: &Report) -> Option<String> {
    let is_new = |done: StepReport<'_>| {
        done.step()
            .pair()
            .is_some_and(|pair| pair.ca == CaKind::Client)
            && is_new_member(done.step())
    };
    let new = report.done().find(|done| is_new(*done))?;
    let settings = settings(new.step().host()?, report.plan().store());
    Some(format!("; start etcd with the settings of {settings}"))
}

/// The part for running members that get peer pairs of another CA. An earlier run may have created
/// that CA.
fn peers(report: &Report) -> Option<String> {
    let hosts = report.hosts_to_restart();
    let first = hosts.first()?;
    let ca_of_peer = |done: StepReport<'_>| {
        let step = done.step();
        let ca = step.pair()?.ca;
        let is_new = ca == CaKind::Peer && is_new_member(step);
        let is_moved = || {
            let mut reasons = step.reasons().iter();
            step.role() == Some(Role::Member)
                && reasons.any(|reason| is_by_other_kind(reason, ca, report.plan().store()))
        };
        (is_new || is_moved()).then_some(ca)
    };
    let ca = report.done().find_map(ca_of_peer)?;
    let now = match ca {
        CaKind::Client => "the CA of the clients",
        CaKind::Peer => "a separate CA",
    };
    let store = report.plan().store();
    Some(format!(
        "; peers have {now} now: give every member its settings, as of {}, and restart etcd on {}: restart all of them \
         together, since members with different peer CAs refuse each other, unless each was restarted before with a {} that holds \
         both CAs",
        settings(first, store),
        listed(&hosts),
        store.layout().ca(ca).certificate.display()
    ))
}

/// Whether the reason is that the store's CA of the other kind issued a certificate. A certificate
/// of a replaced CA does not move to the other kind.
fn is_by_other_kind(reason: &Finding, kind: CaKind, store: &Store) -> bool {
    let Finding::OtherCa { issuer, .. } = reason else {
        return false;
    };
    let others = CaKind::ALL.into_iter().filter(|other| *other != kind);
    let mut paths = others.map(|other| store.ca_paths(other).certificate);
    paths.any(|path| {
        let text = read_file(&path).unwrap_or_default();
        let all = Certificate::all_from_bytes(&text).unwrap_or_default();
        all.iter().any(|ca| ca.subject() == *issuer)
    })
}

fn is_new_member(step: &Step) -> bool {
    step.action() == Action::Create && step.role() == Some(Role::Member)
}

fn settings(host: &str, store: &Store) -> String {
    let directory = store.directory().display();
    let layout = match store.layout() {
        layout if layout == Layout::default() => String::new(),
        layout => format!(" --layout {layout}"),
    };
    format!("`etcd-pki env etcd --host {host} -d {directory}{layout}`")
}

fn listed(hosts: &[&str]) -> String {
    match hosts {
        [] | [_] => hosts.concat(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
