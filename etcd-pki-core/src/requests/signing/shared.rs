//! Requests in several places for one key: who holds it has signed one of them for its own pair, and the others are copies.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    path::Path,
};

use super::SigningStep;
use crate::{
    certificate::Certificate, error::Result, key::PublicKey, layout::CaKind, plan::profile,
    request::Claim, requests::Refusal,
};

/// Takes out the requests that have a key in common, but for the one of which it can be told that the key is its pair's.
pub(super) fn refuse_copies(
    requests: &mut Vec<SigningStep>,
    signers: &HashMap<CaKind, &Certificate>,
    travelling: &Path,
    refused: &mut Vec<Refusal>,
) {
    let mut by_key: HashMap<&PublicKey, Vec<usize>> = HashMap::with_capacity(requests.len());
    for (index, request) in requests.iter().enumerate() {
        let same = by_key.entry(request.request.public_key()).or_default();
        same.push(index);
    }
    let mut reasons: HashMap<usize, String> = HashMap::new();
    for same in by_key.into_values().filter(|same| same.len() > 1) {
        let same = Same {
            requests,
            same,
            signers,
            travelling,
        };
        reasons.extend(same.refused());
    }
    for (index, request) in mem::take(requests).into_iter().enumerate() {
        match reasons.remove(&index) {
            None => requests.push(request),
            Some(reason) => refused.push(Refusal::new(request.path, reason)),
        }
    }
}

/// The requests for one key.
struct Same<'a> {
    requests: &'a [SigningStep],
    same: Vec<usize>,
    signers: &'a HashMap<CaKind, &'a Certificate>,
    travelling: &'a Path,
}

impl Same<'_> {
    /// Those that are not taken, and why.
    fn refused(&self) -> Vec<(usize, String)> {
        let owner = self.owner();
        let others = self.same.iter().filter(|index| Some(**index) != owner);
        others
            .map(|index| {
                let reason = match owner {
                    Some(owner) => format!(
                        "it is a copy: the key is that of {}; remove it, and ask for {} anew, with a key of its own",
                        self.name(owner),
                        self.requests[*index].host
                    ),
                    None => format!(
                        "{} has the same key, and nothing tells whose it is; remove the copy, or, where two pairs truly have one \
                         key, that key of one of them, and ask for it anew",
                        self.beside(*index)
                    ),
                };
                (*index, reason)
            })
            .collect()
    }

    /// The only one that belongs where it lies. Who copies a request cannot change what it asks for, as it is signed by its key.
    fn owner(&self) -> Option<usize> {
        let proofs: [&dyn Fn(&SigningStep) -> bool; 3] = [
            &|request| request.asks_by_its_name() && request.asks_for_its_names(),
            &SigningStep::asks_by_its_name,
            &|request| self.has_certificate(request),
        ];
        proofs.iter().find_map(|proves| {
            let same = self.same.iter().copied();
            let mut proven = same.filter(|index| proves(&self.requests[*index]));
            let first = proven.next()?;
            proven.next().is_none().then_some(first)
        })
    }

    /// Whether the certificate beside it is its pair's: of this key, and signed for the pair by its authority.
    fn has_certificate(&self, request: &SigningStep) -> bool {
        let beside = request.certificate_beside(self.travelling);
        let (Ok(Some(certificate)), Some(signer)) =
            (beside, self.signers.get(&request.wanted.issuer))
        else {
            return false;
        };
        let is_of_pair = request
            .common_name()
            .is_ok_and(|name| name == certificate.common_name());
        is_of_pair
            && certificate.public_key() == request.request.public_key()
            && certificate.check_issued_by(signer).is_ok()
    }

    /// The file of a request, as it is seen from the directory that travels.
    fn name(&self, index: usize) -> String {
        let path = &self.requests[index].path;
        let path = path.strip_prefix(self.travelling).unwrap_or(path);
        path.display().to_string()
    }

    /// The first other one, and how many more there are.
    fn beside(&self, index: usize) -> String {
        let mut others = self.same.iter().filter(|other| **other != index);
        let first = others.next().map(|other| self.name(*other));
        let first = first.unwrap_or_default();
        match others.count() {
            0 => first,
            more => format!("{first}, as {more} more,"),
        }
    }
}

impl SigningStep {
    /// Whether it asks for the common name of its pair.
    fn asks_by_its_name(&self) -> bool {
        let asked = self.request.claims().iter().find_map(|claim| match claim {
            Claim::CommonName(name) => Some(name),
            _ => None,
        });
        self.common_name().is_ok_and(|name| name.as_ref() == asked)
    }

    /// Whether it asks for the names and addresses of its pair, and no others.
    fn asks_for_its_names(&self) -> bool {
        let claims = self.request.claims().iter();
        let asked = claims.filter_map(|claim| match claim {
            Claim::DnsName(name) => Some(name.to_ascii_lowercase()),
            Claim::IpAddress(address) => Some(address.to_canonical().to_string()),
            Claim::Uri(uri) => Some(uri.clone()),
            _ => None,
        });
        let asked: BTreeSet<String> = asked.collect();
        let wanted = profile(&self.wanted)
            .and_then(|profile| profile.alternative_names(&self.wanted.identity));
        wanted.is_ok_and(|names| {
            names
                .iter()
                .map(ToString::to_string)
                .collect::<BTreeSet<_>>()
                == asked
        })
    }

    /// The common name of its pair.
    fn common_name(&self) -> Result<Option<String>> {
        profile(&self.wanted)?.common_name(&self.wanted.identity)
    }
}
