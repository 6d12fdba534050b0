//! Asks the members of a cluster what they trust and serve.

use std::thread;

use super::{MemberReport, Rotation, RotationOptions, Seen, Stage};
use crate::{
    cluster::{Endpoint, MemberEndpoints},
    layout::CaKind,
    probe::{Acceptance, Probe},
    x509::{bundle::Bundle, certificate::Certificate},
};

impl Rotation {
    /// Asks members which CAs they trust and which certificates they serve. Before the new CA
    /// signs, it also asks whether they accept a link certificate. Returns a report for each
    /// member.
    ///
    /// All members are asked at the same time. For the link certificate, it creates a client
    /// certificate in memory, which is valid for five minutes ([`Rotation::trial`]). If the key of
    /// the CA cannot be used, this question is left out.
    #[must_use]
    pub fn ask_members(
        &self,
        probe: &Probe,
        members: &[MemberEndpoints],
        options: &RotationOptions<'_>,
    ) -> Vec<MemberReport> {
        let is_asked = self.stage() != Stage::Switched && self.allows_link();
        let trial = is_asked.then(|| self.trial(options).ok()).flatten();
        let trial = trial.as_ref();
        thread::scope(|scope| {
            let asked: Vec<_> = members
                .iter()
                .map(|member| {
                    (
                        member,
                        scope.spawn(move || self.ask_member(probe, member, trial)),
                    )
                })
                .collect();
            asked
                .into_iter()
                .map(|(member, report)| {
                    report.join().unwrap_or_else(|_| {
                        let seen = || Seen::Unreachable("the question failed".to_owned());
                        MemberReport::new(&member.name, seen(), seen())
                    })
                })
                .collect()
        })
    }

    fn ask_member(
        &self,
        probe: &Probe,
        member: &MemberEndpoints,
        trial: Option<&Bundle>,
    ) -> MemberReport {
        let (client, served) = seen(probe, &member.client);
        let (peer, served_to_peers) = seen(probe, &member.peer);
        let mut report = MemberReport::new(&member.name, client, peer)
            .with_served(served.into_iter().chain(served_to_peers));
        let endpoint = match self.kind {
            CaKind::Client => &member.client,
            CaKind::Peer => &member.peer,
        };
        let acceptance = trial.and_then(|trial| probe.offer(endpoint, trial).ok());
        report.accepts_link = acceptance.and_then(|acceptance| match acceptance {
            Acceptance::Accepted => Some(true),
            Acceptance::Refused { .. } => Some(false),
            // The port verifies no clients
            Acceptance::NotRequested => None,
        });
        report
    }
}

/// What a port shows, and the certificate that it serves.
fn seen(probe: &Probe, endpoint: &Endpoint) -> (Seen, Option<Certificate>) {
    match probe.ask(endpoint) {
        Ok(answer) => {
            let seen = match answer.advertised() {
                Some(advertised) => Seen::Advertised(advertised.to_vec()),
                None => Seen::Nothing,
            };
            (seen, answer.certificate().cloned())
        }
        Err(error) => (Seen::Unreachable(error.to_string()), None),
    }
}
