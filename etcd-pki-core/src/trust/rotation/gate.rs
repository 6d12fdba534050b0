//! Decides whether the next stage of a rotation is safe.

use std::{fmt, path::PathBuf};

use super::{
    Evidence, IssuedCertificate, MemberReport, Rotation, RotationOptions, Seen, Stage, Strategy,
};
use crate::{
    inspect::issuer,
    layout::CaKind,
    text::{self, printable},
    x509::certificate::Certificate,
};

/// Whether the next stage of a rotation is safe, and what is known about each member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    next: Stage,
    strategy: Strategy,
    members: Vec<MemberState>,
    obstacles: Vec<Obstacle>,
}

/// What is known about a member in a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberState {
    /// The member's name
    pub name: String,
    /// What its ports show, in words
    pub text: String,
    /// Whether it is ready for the next stage
    pub is_ready: bool,
}

/// A reason why a gate is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// A member is not ready, or nothing is known about it
    Member {
        /// Its name
        name: String,
        /// The reason
        reason: String,
    },
    /// No member is known: neither the directory nor a report names one
    NoMember,
    /// Clients may not trust the new CA
    Clients {
        /// The new CA
        subject: String,
    },
    /// Certificates of the directory must be signed again
    Leaves {
        /// Their files
        paths: Vec<PathBuf>,
        /// The CA that signed them
        subject: String,
    },
    /// A certificate of the old CA may be in use outside the directory
    Issued {
        /// Its serial number
        serial: String,
        /// Its subject
        subject: String,
    },
    /// The strategy is impossible with this CA
    Strategy {
        /// The old CA
        subject: String,
    },
    /// The record is damaged, so it does not show which certificates are in use
    Record {
        /// The damage
        reason: String,
    },
    /// The previous CA of an earlier rotation is kept
    Previous,
}

impl Gate {
    /// Whether the next stage is safe.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.obstacles.is_empty()
    }

    /// The next stage.
    #[must_use]
    pub fn next(&self) -> Stage {
        self.next
    }

    /// The strategy.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// What is known about each member.
    #[must_use]
    pub fn members(&self) -> &[MemberState] {
        &self.members
    }

    /// The reasons why it is closed; empty if it is open.
    #[must_use]
    pub fn obstacles(&self) -> &[Obstacle] {
        &self.obstacles
    }
}

impl From<IssuedCertificate> for Obstacle {
    fn from(issued: IssuedCertificate) -> Self {
        let IssuedCertificate { serial, subject } = issued;
        Self::Issued { serial, subject }
    }
}

impl fmt::Display for Obstacle {
    /// One line without a period.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match self {
            Self::Member { name, reason } => format!("{name}: {reason}"),
            Self::NoMember => {
                "no member is known: give the specification, or confirm each member".to_owned()
            }
            Self::Clients { subject } => {
                format!("it is not confirmed that all clients trust {subject}")
            }
            Self::Leaves { paths, subject } => {
                let names: Vec<String> = paths
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                format!(
                    "{subject} signed {}: apply the specification, or renew them",
                    text::few(&names)
                )
            }
            Self::Issued { serial, subject } => format!(
                "without the CA, nobody accepts the certificate {serial} of {subject}, which may be in use elsewhere"
            ),
            Self::Strategy { subject } => format!(
                "{subject} has path length 0, so no verifier accepts a link certificate of it"
            ),
            Self::Record { reason } => format!(
                "the record of the issued certificates is damaged ({reason}), so it does not show which of them are in use: \
                 move it away if you know them all"
            ),
            Self::Previous => {
                "the key of the previous CA is still kept: remove it before the next rotation"
                    .to_owned()
            }
        };
        f.write_str(&printable(&line))
    }
}

/// The question to a member.
#[derive(Clone, Copy)]
enum Question<'a> {
    /// Whether it accepts link certificates of the old CA
    Link,
    /// Whether it trusts the new CA, and serves no certificate of the old one
    Trust {
        new: &'a Certificate,
        old: Option<&'a Certificate>,
    },
}

impl Rotation {
    /// Decides whether the next stage is safe.
    #[must_use]
    pub fn gate(&self, evidence: &Evidence, options: &RotationOptions<'_>) -> Gate {
        let strategy = match (options.strategy, self.stage()) {
            (_, Stage::Switched) => self.strategy(),
            (Some(strategy), _) => strategy,
            // A member may have loaded an earlier certificate of the CA, which does not allow link
            // certificates. So only a question shows that the member accepts them
            (None, _) => {
                let (_, obstacles) = self.ask(Question::Link, evidence);
                // A confirmation of a restart says nothing about link certificates, once the new CA is
                // in the trust bundle
                let all_asked = || {
                    let mut members = evidence.members.iter();
                    members.all(|member| member.accepts_link == Some(true))
                };
                let is_shown = !evidence.members.is_empty()
                    && obstacles.is_empty()
                    && (self.stage() == Stage::Steady || all_asked());
                if self.allows_link() && is_shown {
                    Strategy::Link
                } else {
                    Strategy::Bundle
                }
            }
        };
        let mut gate = match (self.stage(), strategy) {
            (Stage::Steady, Strategy::Bundle) => {
                let (members, _) = self.ask(Question::Link, evidence);
                Gate {
                    next: Stage::Trusted,
                    strategy,
                    members: if self.allows_link() {
                        members
                    } else {
                        Vec::new()
                    },
                    obstacles: Vec::new(),
                }
            }
            (Stage::Steady | Stage::Trusted, Strategy::Link) => {
                let (members, mut obstacles) = self.ask(Question::Link, evidence);
                if !self.allows_link() {
                    let old = self.old_ca().unwrap_or(&self.signing);
                    let subject = old.subject();
                    obstacles.insert(0, Obstacle::Strategy { subject });
                }
                Gate {
                    next: Stage::Switched,
                    strategy,
                    members,
                    obstacles,
                }
            }
            (Stage::Trusted, Strategy::Bundle) => {
                self.trust_gate(evidence, Stage::Switched, strategy)
            }
            (Stage::Switched, _) => {
                let mut gate = self.trust_gate(evidence, Stage::Steady, strategy);
                if let Some(leaves) = self.leaves_obstacle() {
                    gate.obstacles.insert(0, leaves);
                }
                let is_unused = |issued: &&IssuedCertificate| {
                    let mut unused = evidence.unused.iter();
                    unused.any(|serial| serial.eq_ignore_ascii_case(&issued.serial))
                };
                gate.obstacles.extend(self.record_obstacle());
                let recorded = self.issued_in_use(options.now());
                let issued = evidence.issued.iter().chain(&recorded);
                let issued = issued.filter(|one| !is_unused(one));
                gate.obstacles.extend(issued.cloned().map(Obstacle::from));
                gate
            }
        };
        if self.keeps_previous() && !self.is_end_unfinished() {
            gate.obstacles.insert(0, Obstacle::Previous);
        }
        gate
    }

    /// The gate of a stage for which all members and clients must trust the new CA.
    fn trust_gate(&self, evidence: &Evidence, next: Stage, strategy: Strategy) -> Gate {
        let new = self.new_ca().unwrap_or(&self.signing);
        let old = self.old_ca().filter(|_| self.stage() == Stage::Switched);
        let (members, mut obstacles) = self.ask(Question::Trust { new, old }, evidence);
        if !evidence.clients_are_confirmed {
            obstacles.push(Obstacle::Clients {
                subject: new.subject(),
            });
        }
        Gate {
            next,
            strategy,
            members,
            obstacles,
        }
    }

    /// The damage of the record, which then does not show every certificate.
    pub(super) fn record_obstacle(&self) -> Option<Obstacle> {
        let reason = self.record_damage.clone();
        reason.map(|reason| Obstacle::Record { reason })
    }

    /// The certificates of the directory that must be signed again before a CA is dropped.
    pub(super) fn leaves_obstacle(&self) -> Option<Obstacle> {
        let other = match self.stage() {
            Stage::Steady => self.state.old.as_ref(),
            _ => self.state.partner(),
        };
        (!self.leaves.is_empty()).then(|| Obstacle::Leaves {
            paths: self.leaves.clone(),
            subject: other.map(Certificate::subject).unwrap_or_default(),
        })
    }

    /// What the members answer, and the obstacles. A member without a report is an obstacle.
    fn ask(
        &self,
        question: Question<'_>,
        evidence: &Evidence,
    ) -> (Vec<MemberState>, Vec<Obstacle>) {
        let mut names: Vec<&str> = evidence.members.iter().map(|one| &*one.name).collect();
        for name in &self.members {
            if !names.contains(&&**name) {
                names.push(name);
            }
        }
        let mut obstacles = Vec::new();
        if names.is_empty() {
            obstacles.push(Obstacle::NoMember);
        }
        let members = names.into_iter().map(|name| {
            // A later report replaces an earlier one
            let mut reports = evidence.members.iter().rev();
            let answer = match reports.find(|one| one.name == name) {
                Some(report) => self.answer(question, report),
                None => Err("it was not asked, because its endpoint is not known".to_owned()),
            };
            if let Err(reason) = &answer {
                obstacles.push(Obstacle::Member {
                    name: name.to_owned(),
                    reason: reason.clone(),
                });
            }
            MemberState {
                name: name.to_owned(),
                is_ready: answer.is_ok(),
                text: printable(&answer.unwrap_or_else(|reason| reason)).into_owned(),
            }
        });
        let members = members.collect();
        (members, obstacles)
    }

    /// The answer of a member: yes, or the reason why not.
    fn answer(&self, question: Question<'_>, report: &MemberReport) -> Result<String, String> {
        let ports = self.ports(report);
        let is_confirmed = ports.iter().all(|(_, seen)| **seen == Seen::Confirmed);
        let (new, old) = match question {
            Question::Trust { new, old } => (new, old),
            Question::Link => {
                return match report.accepts_link {
                    Some(true) => Ok("accepts link certificates".to_owned()),
                    _ if is_confirmed => Ok("restarted, as confirmed".to_owned()),
                    Some(false) => Err(
                        "it refuses link certificates: it has loaded an earlier certificate of the CA, so restart it"
                            .to_owned(),
                    ),
                    None => Err(match ports.iter().find_map(|(port, seen)| match seen {
                        Seen::Unreachable(reason) => Some((port, reason)),
                        _ => None,
                    }) {
                        Some((port, reason)) => format!("its {port} port cannot be reached: {reason}"),
                        None => "it is unknown whether it accepts link certificates".to_owned(),
                    }),
                };
            }
        };
        for (port, seen) in &ports {
            self.trusts(port, seen, new)?;
        }
        let of_old = old.and_then(|old| {
            let mut served = report.served.iter();
            served.find(|leaf| issuer::is_signed_by(leaf, [old]))
        });
        if let Some(leaf) = of_old {
            return Err(format!(
                "it still serves a certificate of the old CA, {}",
                leaf.subject()
            ));
        }
        Ok(if is_confirmed {
            "restarted, as confirmed".to_owned()
        } else {
            format!("restarted: it trusts {}", new.subject())
        })
    }

    /// The ports that use this CA.
    fn ports<'a>(&self, report: &'a MemberReport) -> Vec<(&'static str, &'a Seen)> {
        let (client, peer) = (("client", &report.client), ("peer", &report.peer));
        match (self.kind, self.has_peer_ca) {
            (CaKind::Client, false) => vec![client, peer],
            (CaKind::Client, true) => vec![client],
            (CaKind::Peer, _) => vec![peer],
        }
    }

    /// Checks that a port trusts a CA, and no CA that is not in the trust bundle.
    fn trusts(&self, port: &str, seen: &Seen, new: &Certificate) -> Result<(), String> {
        let advertised = match seen {
            Seen::Confirmed => return Ok(()),
            Seen::Nothing => {
                return Err(format!(
                    "its {port} port does not report which CAs it trusts"
                ));
            }
            Seen::Unreachable(reason) => {
                return Err(format!("its {port} port cannot be reached: {reason}"));
            }
            Seen::Advertised(advertised) => advertised,
        };
        let is_known = |ca: &&crate::x509::AdvertisedCa| {
            self.bundle.iter().any(|known| ca.is_subject_of(known))
        };
        if let Some(other) = advertised.iter().find(|ca| !is_known(ca)) {
            return Err(format!(
                "its {port} port trusts {other}, which is not in {}: compare its file with that of the other members",
                self.paths().certificate.display()
            ));
        }
        if !advertised.iter().any(|ca| ca.is_subject_of(new)) {
            let names: Vec<String> = advertised.iter().map(ToString::to_string).collect();
            return Err(format!(
                "not restarted: its {port} port trusts {} only",
                text::few(&names)
            ));
        }
        Ok(())
    }
}
