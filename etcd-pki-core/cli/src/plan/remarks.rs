//! The remarks on a plan: items that it does not change, and items that block it.

use std::{collections::HashSet, path::Path};

use etcd_pki_core::{
    Error, Plan,
    finding::Finding,
    plan::{Action, Report, Step},
};

use crate::{crl, facts::in_words, output, time, unfinished::TRUST_HINT};

/// Reports the items that a plan does not change.
pub(crate) fn remarks(plan: &Plan) {
    for refusal in plan.refused() {
        output::say(format_args!("refused: {refusal}"));
    }
    hosts_without_request(plan);
    unmanaged_ca(plan);
    for path in plan.changes().flat_map(Step::hard_links) {
        output::say(format_args!(
            "note: {} has further names (hard links), which keep the old content: copy it there again",
            path.display()
        ));
    }
    issued(plan);
    let now = time::now();
    for step in plan.steps() {
        let is_kept = matches!(step.action(), Action::Keep | Action::Chmod);
        let file = step.relative_paths().certificate.display();
        if let Some(not_before) = step.not_before().filter(|begin| is_kept && *begin > now) {
            let early = Finding::NotYetValid {
                subject: Some(file.to_string()),
                not_before,
            };
            output::say(format_args!("warning: {early}: {}", early.fix()));
        }
        for reason in step.reasons().iter().filter(|_| step.ca().is_some()) {
            match reason {
                Finding::Algorithm { .. } | Finding::Organization { .. } => {
                    output::say(format_args!(
                        "note: {file}: {reason}; it stays as it is, since no host trusts another CA"
                    ));
                }
                Finding::CaKeyOwner { .. } => {
                    output::say(format_args!("warning: {reason}: {}", reason.fix()));
                }
                Finding::CaOwner { .. } if is_kept => output::say(format_args!(
                    "warning: {reason}, and nothing is signed with it: {}",
                    reason.fix()
                )),
                Finding::Writable { path, .. } if path == plan.directory() => {
                    output::say(format_args!("warning: {reason}: {}", reason.fix()));
                }
                Finding::Blocked { .. } if is_kept => output::say(format_args!(
                    "warning: {reason}, and nothing is signed through a link: put the file itself there"
                )),
                Finding::NoKeyUsage if is_kept => output::say(format_args!(
                    "warning: {file}: {}; where its key is, {}",
                    reason.entry().meaning,
                    reason.fix()
                )),
                Finding::NoKeyUsage => {
                    output::say(format_args!("warning: {file}: {}", reason.entry().meaning));
                }
                _ => {}
            }
        }
    }
}

/// Reports what would stop the plan here, or block a part of it.
pub(super) fn obstacles(plan: &Plan) {
    for ca in plan.cas_without_key() {
        output::say(format_args!(
            "note: {} is not there, and it must sign: apply where it is, or exchange requests with that host (--requests)",
            ca.relative_paths().key.display()
        ));
    }
    plan.blocked().for_each(|step| obstacle(plan, step));
}

/// Reports what blocks a step, with a hint.
fn obstacle(plan: &Plan, step: &Step) {
    let is_file = |reason: &&Finding| {
        matches!(
            reason,
            Finding::Blocked { .. } | Finding::SymbolicLink { .. }
        )
    };
    let mut reasons = step.reasons().iter();
    let reason = reasons.clone().find(is_file).or_else(|| reasons.next());
    match reason {
        // The note about its CA has the hint
        Some(Finding::Expired { .. }) if step.ca().is_none() => {}
        Some(Finding::Blocked { path, .. }) if step.ca().is_none() && is_blocked_ca(plan, path) => {
        }
        Some(reason) if is_of_validity(step) => output::say(format_args!(
            "note: etcd-pki apply leaves {} as it is: {reason}: change the validity in the specification",
            step.relative_paths().certificate.display()
        )),
        Some(Finding::SymbolicLink { path, .. }) => output::say(format_args!(
            "note: {} is a symbolic link, and etcd-pki apply leaves that pair as it is: remove the link, or leave that host out of \
             the specification",
            path.display()
        )),
        Some(Finding::Blocked { path, .. }) => output::say(format_args!(
            "note: {} blocks its pair, which etcd-pki apply leaves as it is: move it, or run apply as the owner of the files",
            path.display()
        )),
        Some(Finding::UntrustedCa { .. }) => output::say(format_args!(
            "note: etcd-pki apply installs nothing of {}: {TRUST_HINT}",
            step.relative_paths().certificate.display()
        )),
        Some(reason) => {
            let rekey = match reason {
                Finding::Unreadable { .. } if step.pair().is_some() => {
                    "; --rekey replaces a key that cannot be read"
                }
                _ => "",
            };
            output::say(format_args!(
                "note: etcd-pki apply leaves {} as it is: {}{rekey}",
                step.relative_paths().certificate.display(),
                reason.fix()
            ));
        }
        None => {}
    }
}

/// Whether this is the file of a CA that the plan can neither create nor renew.
fn is_blocked_ca(plan: &Plan, path: &Path) -> bool {
    let mut cas = plan.blocked().take_while(|step| step.ca().is_some());
    cas.any(|ca| ca.relative_paths().certificate == path)
}

/// Whether the validity of the specification blocks a step.
fn is_of_validity(step: &Step) -> bool {
    match step.blocking_error() {
        Some(Error::File { error, .. }) => matches!(*error, Error::InvalidValidity { .. }),
        _ => false,
    }
}

/// The validities that are shorter than requested: the first by name, and the number of the rest.
pub(crate) fn shortened_validities(report: &Report) {
    let all = report.shortened_validities();
    let Some((first, others)) = all.split_first() else {
        return;
    };
    let more = match others.len() {
        0 => String::new(),
        1 => "; 1 more expires before its requested end".to_owned(),
        more => format!("; {more} more expire before their requested end"),
    };
    output::say(format_args!(
        "note: {} expires with its CA on {}, not on {} as requested{more}",
        first.path.display(),
        time::day(first.not_after),
        time::day(first.requested)
    ));
}

/// The claims of requests that were not granted.
pub(crate) fn denied_claims(report: &Report) {
    for denied in report.denied_claims() {
        let claims: Vec<String> = denied.claims.iter().map(ToString::to_string).collect();
        output::say(format_args!(
            "not granted: {}: {}",
            denied.path.display(),
            claims.join(", ")
        ));
    }
}

/// The hosts without a request: the first by name, and the number of the rest.
fn hosts_without_request(plan: &Plan) {
    if let Some(hosts) = first_few(plan.hosts_without_request()) {
        output::say(format_args!("note: no request has come from {hosts}"));
    }
}

/// The first of some names, and the number of the rest; `None` if there are none.
fn first_few(names: &[String]) -> Option<String> {
    const SHOWN: usize = 8;
    let (named, others) = names.split_at(names.len().min(SHOWN));
    let named = named.join(", ");
    match others.len() {
        0 => (!names.is_empty()).then_some(named),
        more => Some(format!("{named} and {more} more")),
    }
}

/// The special cases among the certificates that are issued: the first of each kind by name, and
/// the number of the rest.
fn issued(plan: &Plan) {
    let issued = || {
        let steps = plan.changes().filter(|step| {
            matches!(
                step.action(),
                Action::Create | Action::Renew | Action::Reissue | Action::Request | Action::Sign
            )
        });
        steps.filter_map(|step| Some((step, step.pair()?)))
    };
    let accepted = issued().filter_map(|(step, pair)| Some((step, pair.peer_port()?)));
    first_of("warning", accepted);
    let later = issued().filter_map(|(step, pair)| Some((step, pair.renewed_later(plan.now())?)));
    first_of("note", later);
}

fn first_of<'a>(kind: &str, mut findings: impl Iterator<Item = (&'a Step, Finding)>) {
    let Some((step, finding)) = findings.next() else {
        return;
    };
    let more = match findings.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    output::say(format_args!(
        "{kind}: {}: {finding}{more}; {}",
        step.relative_paths().certificate.display(),
        finding.fix()
    ));
}

/// The unmanaged files: the certificates that these steps remove, and in one line the files that
/// stay. It comes after the changes.
pub(crate) fn unmanaged<'a>(plan: &Plan, steps: impl Iterator<Item = &'a Step>) {
    for name in plan.nothing_to_prune() {
        output::say(format_args!(
            "note: no pair of {name} is removed: the specification has them all, or there is none"
        ));
    }
    let removals = steps.filter(|step| step.action() == Action::Remove);
    let removals: Vec<&Step> = removals.collect();
    let removed: HashSet<_> = removals.iter().map(|step| step.relative_paths()).collect();
    still_valid(plan, &removals);
    let left = plan.unmanaged().iter();
    let left = left.filter(|pair| !removed.contains(pair));
    let left: Vec<String> = left
        .map(|pair| pair.certificate.display().to_string())
        .collect();
    if let Some(left) = first_few(&left) {
        output::say(format_args!("note: not in the specification: {left}"));
    }
}

/// The removed certificates that have not expired and are not revoked, each with the facts that its
/// revocation needs.
fn still_valid(plan: &Plan, removals: &[&Step]) {
    let now = time::now();
    let revoked = revoked_serials(plan);
    let removed = removals
        .iter()
        .filter_map(|step| step.removed_certificate());
    let mut valid = removed
        .filter(|certificate| certificate.not_after() > now)
        .filter(|certificate| !revoked.contains(&certificate.serial_number().to_string()))
        .peekable();
    if valid.peek().is_some() {
        output::say(
            "note: what is removed stays valid until it expires, for everyone who has a copy of its key:",
        );
    }
    for certificate in valid {
        let subject = certificate.subject();
        output::say(format_args!(
            "  {}, serial {}, until {}",
            in_words::subject(&subject),
            certificate.serial_number(),
            time::day(certificate.not_after())
        ));
    }
}

/// The serial numbers that the plan adds to the revocation lists.
fn revoked_serials(plan: &Plan) -> HashSet<String> {
    let steps = plan.steps().iter();
    let lists = steps.filter(|step| step.action() == Action::Revoke);
    let reasons = lists.flat_map(|step| step.reasons());
    let serials = reasons.filter_map(|reason| match reason {
        Finding::Revoked { serial, .. } => Some(serial.clone()),
        _ => None,
    });
    serials.collect()
}

/// Reports what revocation does not do, if certificates were revoked.
pub(crate) fn revocation(report: &Report) {
    if report.count(Action::Revoke) > 0 {
        crl::limits();
    }
}

/// The peer CA, if the specification has none.
fn unmanaged_ca(plan: &Plan) {
    if let Some(ca) = plan.unmanaged_ca() {
        let (certificate, key) = (ca.certificate.display(), ca.key.display());
        output::say(format_args!(
            "note: {certificate} is not in the specification, which has no separate peer CA; --prune leaves it and {key}: remove them \
             by hand once no member presents what it signed"
        ));
    }
}
