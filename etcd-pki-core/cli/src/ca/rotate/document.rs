//! A rotation as JSON.

use etcd_pki_core::{
    Certificate,
    trust::rotation::{Gate, Rotation, Stage},
};
use serde::Serialize;

/// The stage and the gate of a rotation.
#[derive(Serialize)]
pub(super) struct Document {
    directory: String,
    ca: &'static str,
    /// The stage before the change; absent if nothing was changed
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'static str>,
    stage: &'static str,
    strategy: &'static str,
    /// Whether an interrupted change must be finished
    unfinished: bool,
    old: Option<Ca>,
    new: Option<Ca>,
    /// Whether the key of the previous CA is kept
    previous_kept: bool,
    next: &'static str,
    gate: &'static str,
    obstacles: Vec<String>,
    members: Vec<Member>,
    /// The certificates that must be signed again
    leaves: Vec<String>,
}

#[derive(Serialize)]
struct Ca {
    subject: String,
    serial: String,
    fingerprint: String,
}

#[derive(Serialize)]
struct Member {
    name: String,
    ready: bool,
    text: String,
}

impl Document {
    pub(super) fn of(rotation: &Rotation, gate: &Gate, before: Option<Stage>) -> Self {
        Self {
            directory: rotation.store().directory().display().to_string(),
            ca: rotation.kind().name(),
            before: before.map(Stage::name),
            stage: rotation.stage().name(),
            strategy: gate.strategy().name(),
            unfinished: rotation.is_unfinished(),
            old: rotation.old_ca().map(Ca::of),
            new: rotation.new_ca().map(Ca::of),
            previous_kept: rotation.keeps_previous(),
            next: gate.next().name(),
            gate: if gate.is_open() { "open" } else { "closed" },
            obstacles: gate.obstacles().iter().map(ToString::to_string).collect(),
            members: gate
                .members()
                .iter()
                .map(|member| Member {
                    name: member.name.clone(),
                    ready: member.is_ready,
                    text: member.text.clone(),
                })
                .collect(),
            leaves: rotation
                .leaves_of_other_ca()
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
        }
    }
}

impl Ca {
    fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject(),
            serial: certificate.serial_number().to_string(),
            fingerprint: certificate.fingerprint_sha256(),
        }
    }
}
