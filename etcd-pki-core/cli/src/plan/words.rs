//! A plan and its result, for people.

use std::time::Duration;

use etcd_pki_core::{
    Plan,
    plan::{Action, Report, Step},
};

use super::next;
use crate::{steps::lines, time, unfinished::Unfinished};

/// A plan: one line for each step that is due, and a line with their number.
pub(super) fn planned(plan: &Plan) -> String {
    if plan.changes().next().is_none() {
        return up_to_date(plan);
    }
    let count = |is_counted: fn(Action) -> bool| {
        let mut steps = plan.changes().map(Step::action);
        steps.by_ref().filter(|action| is_counted(*action)).count()
    };
    let changes = count(|action| !matches!(action, Action::Blocked | Action::Wait));
    let counts = [
        (changes, plural(changes, "change")),
        (count(|action| action == Action::Wait), "waiting".to_owned()),
        (
            count(|action| action == Action::Blocked),
            "blocked".to_owned(),
        ),
    ];
    let counts = counts.into_iter().filter(|(number, _)| *number > 0);
    let counts = counts.map(|(number, what)| format!("{number} {what}, "));
    let last = match changes {
        0 => "Nothing was written.",
        _ => "Nothing was written; run `etcd-pki apply` to make the changes.",
    };
    format!(
        "{}{}{} up to date. {last}\n",
        lines(&place(plan), plan.changes()),
        counts.collect::<String>(),
        kept(plan)
    )
}

/// The changes, and the steps that are not done; empty if nothing was changed and something failed.
pub(crate) fn applied(
    report: &Report,
    unfinished: Option<&Unfinished<'_>>,
    elapsed: Duration,
) -> String {
    let plan = report.plan();
    let waiting = || {
        let steps = plan.steps().iter();
        steps.filter(|step| step.action() == Action::Wait)
    };
    let done = report.done().map(|done| done.step());
    let all = lines(&place(plan), done.chain(waiting()));
    match (report.changed(), unfinished) {
        (0, Some(_)) => String::new(),
        (0, None) => match (waiting().count(), plan.exchange()) {
            (1.., Some(folder)) => {
                let requests = counted(waiting().count(), "request");
                format!("{all}{requests} in {}, not signed yet\n", folder.display())
            }
            _ => up_to_date(plan),
        },
        (_, Some(unfinished)) => {
            let counts = match (plan.exchange(), plan.signs_requests()) {
                // A step can generate a key without writing its request
                (Some(_), false) => done_in_words(report) + "; ",
                _ => String::new(),
            };
            let next = next::after_renewed_cas(report);
            format!("{all}{counts}{}{next}\n", unfinished.in_words())
        }
        (_, None) => {
            let done = done_in_words(report);
            let time = match plan.exchange() {
                None => format!(" in {:.2} s", elapsed.as_secs_f64()),
                Some(_) => String::new(),
            };
            format!("{all}{done}{time}{}\n", next::in_words(report))
        }
    }
}

/// The number of pairs that are kept; if requests are signed, the pairs of hosts.
pub(super) fn kept(plan: &Plan) -> usize {
    let is_counted = |step: &&Step| !plan.signs_requests() || step.pair().is_some();
    plan.kept().filter(is_counted).count()
}

/// Everything is up to date, and for how long.
fn up_to_date(plan: &Plan) -> String {
    let next = plan.next_renewal().and_then(|step| {
        let file = step.relative_paths().certificate.display();
        Some(format!(
            "; next renewal {} ({file})",
            time::day(step.due()?)
        ))
    });
    format!(
        "{}: {} up to date{}\n",
        place(plan),
        counted(kept(plan), "certificate"),
        next.unwrap_or_default()
    )
}

/// The directory, its layout, and the exchange directory.
fn place(plan: &Plan) -> String {
    let store = plan.store();
    let place = format!(
        "{} ({} layout)",
        store.directory().display(),
        store.layout()
    );
    match plan.exchange() {
        Some(exchange) => format!("{place}, requests in {}", exchange.display()),
        None => place,
    }
}

/// `9 created`, `2 keys made, 2 requests written`
fn done_in_words(report: &Report) -> String {
    let plan = report.plan();
    let is_host = plan.exchange().is_some() && !plan.signs_requests();
    let count = |action| report.count(action);
    let signed = count(Action::Sign);
    // Each host with a signed request has them too
    let trusted = if signed > 0 { 0 } else { count(Action::Trust) };
    let trust = match plan.exchange() {
        None => "file written again",
        Some(_) if is_host => "trusted",
        Some(_) => "given to hosts",
    };
    let counts = [
        (count(Action::Create), "", "created"),
        (count(Action::Renew), "", "renewed"),
        (count(Action::Reissue), "", "re-issued"),
        (if is_host { report.keys() } else { 0 }, "key", "made"),
        (count(Action::Request), "request", "written"),
        (signed, "request", "signed"),
        (trusted, "CA", trust),
        (count(Action::Install), "certificate", "installed"),
        (count(Action::Chmod), "", "given their modes"),
        (count(Action::Revoke), "revocation list", "written"),
        (count(Action::Remove), "", "removed"),
    ];
    let done = counts.into_iter().filter(|(number, ..)| *number > 0);
    let done = done.map(|(number, what, how)| match what {
        "" => format!("{number} {how}"),
        what => format!("{} {how}", counted(number, what)),
    });
    done.collect::<Vec<_>>().join(", ")
}

/// `2 requests`
fn counted(number: usize, what: &str) -> String {
    format!("{number} {}", plural(number, what))
}

fn plural(number: usize, what: &str) -> String {
    format!("{what}{}", if number == 1 { "" } else { "s" })
}
