//! A rotation in words: the stage, the members, and what to do next.

use etcd_pki_core::{
    CaKind, Certificate,
    trust::rotation::{Gate, Obstacle, Rotation, Stage, Strategy},
};

use crate::output;

/// How to go on without an answer of a member
const UNASKED: &str = " (with --confirm-restarted NAME for each member that cannot be asked)";

/// The data of the text.
pub(super) struct Words<'a> {
    pub(super) rotation: &'a Rotation,
    pub(super) gate: &'a Gate,
    /// The stage before the change; `None` if nothing was changed
    pub(super) before: Option<Stage>,
    /// The command that goes to the next stage
    pub(super) command: &'a str,
    /// The command that signs certificates again
    pub(super) apply: &'a str,
}

impl Words<'_> {
    /// Lines with a heading each.
    pub(super) fn text(&self) -> String {
        let mut text = lines("stage", &[self.stage()]);
        // After a change, the members have not been asked again
        let has_gate = self.before.is_none() && !self.rotation.keeps_previous();
        if self.rotation.stage() != Stage::Steady || has_gate {
            text += &lines("strategy", &[self.strategy()]);
        }
        if has_gate {
            text += &lines("members", &self.members());
            text += &lines("gate", &self.gate());
        }
        text + &lines("next", &self.next())
    }

    fn stage(&self) -> String {
        let rotation = self.rotation;
        let file = rotation.store().layout().ca(rotation.kind()).certificate;
        let file = file.display();
        let signing = name(rotation.signing_ca());
        let stage = rotation.stage();
        let mut text = match (stage, rotation.old_ca(), rotation.new_ca()) {
            (Stage::Trusted, _, Some(new)) => format!(
                "{stage}: {signing} still signs; {} is in {file} too",
                name(new)
            ),
            (Stage::Switched, Some(old), _) => {
                format!("{stage}: {signing} signs; {} is still in {file}", name(old))
            }
            (Stage::Steady, Some(old), Some(_)) => format!(
                "{stage}: {signing} signs; {} is no longer in {file}, and its key is kept",
                name(old)
            ),
            _ => format!("{stage}: {signing} signs, and there is no rotation"),
        };
        if rotation.is_unfinished() {
            text += "; a change was interrupted";
        }
        text
    }

    fn strategy(&self) -> String {
        match self.gate.strategy() {
            Strategy::Link => {
                "link: hosts that trust only the old CA accept certificates of the new one"
                    .to_owned()
            }
            strategy => format!(
                "{strategy}: every member and client must trust both CAs before the new one signs"
            ),
        }
    }

    fn members(&self) -> Vec<String> {
        let members = self.gate.members();
        let width = members
            .iter()
            .map(|member| member.name.chars().count())
            .max();
        let width = width.unwrap_or_default();
        let lines = members
            .iter()
            .map(|member| format!("{:width$}  {}", member.name, member.text));
        lines.collect()
    }

    fn gate(&self) -> Vec<String> {
        if self.gate.is_open() {
            return vec![format!("open: the stage {} is safe", self.gate.next())];
        }
        let obstacles = self.gate.obstacles().iter();
        let others = obstacles.filter(|one| !matches!(one, Obstacle::Member { .. }));
        let others: Vec<String> = others.map(ToString::to_string).collect();
        let mut lines = vec![format!(
            "closed: the stage {} is not safe yet",
            self.gate.next()
        )];
        lines.extend(others);
        lines
    }

    /// What to do next, one line each.
    fn next(&self) -> Vec<String> {
        let rotation = self.rotation;
        let command = self.command;
        if rotation.is_unfinished() {
            return vec![format!(
                "run `{command}` to finish the change, or with --back to undo it"
            )];
        }
        let file = rotation.store().layout().ca(rotation.kind()).certificate;
        let file = file.display();
        match rotation.stage() {
            Stage::Trusted => {
                let mut lines = vec![
                    format!("copy {file} to every member and client"),
                    "restart the members, one after the other".to_owned(),
                ];
                lines.extend(self.clients());
                lines.push(format!("run `{command} --confirm-clients`{UNASKED}"));
                lines
            }
            Stage::Switched => {
                let mut lines = Vec::new();
                if !rotation.leaves_of_other_ca().is_empty() {
                    lines.push(format!(
                        "run `{}` (with --only NAME for one member first), and copy the certificates to their hosts; \
                         etcd reads them without a restart",
                        self.apply
                    ));
                }
                if rotation.strategy() == Strategy::Link {
                    lines.push(format!(
                        "copy {file} to every member and client, at any time"
                    ));
                    lines.push("restart the members, one after the other".to_owned());
                    lines.extend(self.clients());
                }
                lines.push(format!(
                    "run `{command} --confirm-clients`{UNASKED} to drop the old CA"
                ));
                lines
            }
            _ if rotation.keeps_previous() => {
                let mut lines = Vec::new();
                if rotation.leaves_of_other_ca().is_empty() {
                    lines.push(format!(
                        "run `{}`, which takes the link certificate out of the files",
                        self.apply
                    ));
                } else {
                    lines.push(format!(
                        "run `{}`, which signs the certificates of the old CA again",
                        self.apply
                    ));
                }
                lines.push(format!(
                    "copy {file} and the certificates to every member and client"
                ));
                lines.push("restart the members, one after the other".to_owned());
                lines.extend(self.clients());
                lines.push(format!(
                    "run `{command} --forget` to remove the key of the old CA"
                ));
                lines
            }
            _ if self.before.is_some() => Vec::new(),
            _ if self.gate.strategy() == Strategy::Link && !self.gate.is_open() => vec![
                "restart each member that has not been restarted since the CA was last renewed"
                    .to_owned(),
                format!("run `{command}`{UNASKED}, or with --strategy bundle"),
            ],
            _ if self.gate.strategy() == Strategy::Link => {
                vec![format!(
                    "run `{command}`: the new CA signs, and nothing is restarted"
                )]
            }
            _ => vec![format!(
                "run `{command}`: the new CA becomes trusted, and the old one still signs"
            )],
        }
    }

    /// The clients that read the CA's file when they start.
    fn clients(&self) -> Option<String> {
        // Only members use the peer CA
        if self.rotation.kind() == CaKind::Peer {
            return None;
        }
        Some(
            "restart the clients: kube-apiserver (its --etcd-cafile, in kubeadm's layout etcd/ca.crt, in Kubespray's \
             ca.pem), Calico, and others; etcdctl reads its --cacert each time"
                .to_owned(),
        )
    }
}

/// Warns of what an emergency breaks.
pub(super) fn warn_of_emergency(rotation: &Rotation) {
    let signing = name(rotation.signing_ca());
    output::say(format_args!(
        "warning: only {signing} is trusted now: members and clients with certificates of the old CA are refused by every \
         host that has the new file, and hosts with the old file refuse new certificates"
    ));
    output::say(
        "note: hosts with their own keys need --trust with the fingerprint of the new CA, because a thief of the old key can \
         vouch for another CA",
    );
}

fn name(ca: &Certificate) -> String {
    ca.common_name().unwrap_or_else(|| ca.subject())
}

/// Lines with a heading in front of the first one.
fn lines(heading: &str, lines: &[String]) -> String {
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let heading = if number == 0 { heading } else { "" };
        text += &format!("{heading:<8}  {}\n", output::one_line(line));
    }
    text
}
