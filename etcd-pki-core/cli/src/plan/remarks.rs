//! What is said of a plan beside its changes.

use std::path::Path;

use etcd_pki_core::{Action, Cause, Plan, Step, rfc3339};

use crate::{output, time};

/// What a plan does not mend by itself: files with further names, and, unless it removes them, what nobody wants.
pub(crate) fn remarks(plan: &Plan) {
    for pair in plan.surplus().iter().filter(|_| !plan.prunes()) {
        output::say(format_args!(
            "note: {} is surplus; etcd-pki apply --prune removes it",
            pair.certificate.display()
        ));
    }
    if let Some(authority) = plan.surplus_authority() {
        let (certificate, key) = (authority.certificate.display(), authority.key.display());
        output::say(format_args!(
            "note: {certificate} is surplus, an authority of peers that the specification does not have; --prune leaves it and {key}: \
             remove them by hand once no member presents what it signed"
        ));
    }
    for path in plan.changes().flat_map(Step::hard_links) {
        output::say(format_args!(
            "note: {} has further names (hard links), which keep the old content: copy it there anew",
            path.display()
        ));
    }
    let now = time::now();
    for step in plan.steps() {
        let kept = matches!(step.action(), Action::Keep | Action::Mode);
        if let Some(begin) = step.not_before().filter(|begin| kept && *begin > now) {
            output::say(format_args!(
                "warning: {} is not valid before {}: compare the clock of this host with that of the one that signed it",
                step.wanted().paths.certificate.display(),
                rfc3339(begin)
            ));
        }
        for cause in step
            .causes()
            .iter()
            .filter(|_| step.wanted().is_authority())
        {
            if let Cause::Algorithm { .. } | Cause::Organization { .. } = cause {
                output::say(format_args!(
                    "note: {}: {cause}; it stays as it is, for nobody would trust another",
                    step.wanted().paths.certificate.display()
                ));
            }
        }
        if step.causes().contains(&Cause::NoKeyUsage) {
            let remedy = match step.action() {
                Action::Renew => {
                    "its certificate is renewed with the same key; copy it to every host"
                }
                _ => "renew it with `etcd-pki ca renew` where its key is",
            };
            output::say(format_args!(
                "warning: {} has no keyUsage, so Python 3.13 and openssl -x509_strict refuse what it signed: {remedy}",
                step.wanted().paths.certificate.display()
            ));
        }
    }
}

/// The keys that carrying out the plan here would miss.
pub(super) fn remarks_on_keys(plan: &Plan) {
    for authority in plan.authorities_without_key() {
        output::say(format_args!(
            "note: {} is not there, and signs what is to be done: apply where it is, or let requests travel there (--requests)",
            authority.wanted().paths.key.display()
        ));
    }
}

/// What carrying out the plan here would stop at, or leave as it is.
pub(super) fn remarks_on_obstacles(plan: &Plan) {
    for cause in plan.changes().flat_map(Step::causes) {
        match cause {
            Cause::SymbolicLink { path, .. } => output::say(format_args!(
                "note: {} is a symbolic link, and etcd-pki apply changes nothing as long as it is to be written: remove the link, or \
                 leave that host out of the specification",
                path.display()
            )),
            Cause::InTheWay { path, .. } => remark_on_obstacle(path),
            _ => {}
        }
    }
}

/// What carrying out a plan leaves as it is, with its pair.
pub(crate) fn remark_on_obstacle(path: &Path) {
    output::say(format_args!(
        "note: {} is in the way, and etcd-pki apply leaves that pair as it is: move it, or run it as the files' owner",
        path.display()
    ));
}
