//! Finds copied requests. If several requests have the same key, the owner of the key created one
//! of them for its own pair, and the others are copies.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
};

use super::{
    decide::SigningCa,
    exchange::{Refusal, Request},
};
use crate::{
    error::Result, inspect::issuer, key::PublicKey, layout::CaKind, request::Claim, store::Exchange,
};

/// Refuses requests that share a key, except a request that provably belongs to its pair.
pub(super) fn refuse_copies(
    requests: &mut Vec<Request>,
    signers: &HashMap<CaKind, SigningCa<'_>>,
    exchange: &Exchange,
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
            exchange,
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

/// The requests with the same key.
struct Same<'a> {
    requests: &'a [Request],
    same: Vec<usize>,
    signers: &'a HashMap<CaKind, SigningCa<'a>>,
    exchange: &'a Exchange,
}

impl Same<'_> {
    /// The refused requests, each with the reason.
    fn refused(&self) -> Vec<(usize, String)> {
        let owner = self.owner();
        let others = self.same.iter().filter(|index| Some(**index) != owner);
        others
            .map(|index| {
                let reason = match owner {
                    Some(owner) => format!(
                        "it is a copy: the key is that of {}; remove it, and request a certificate for {} with a key of its own",
                        self.name(owner),
                        self.requests[*index].host
                    ),
                    None => format!(
                        "{} has the same key, and it is unknown which of them owns it; remove the copy, or, if two pairs have \
                         one key, remove the key of one of them and request its certificate again",
                        self.others(*index)
                    ),
                };
                (*index, reason)
            })
            .collect()
    }

    /// The only request that belongs to its pair. A copy cannot be changed, because the key signs
    /// it.
    fn owner(&self) -> Option<usize> {
        let proofs: [&dyn Fn(&Request) -> bool; 4] = [
            &|request| request.requests_own_common_name() && request.requests_own_names(),
            &Request::requests_own_common_name,
            &|request| self.has_certificate(request),
            &|request| self.requests_name_of_host(request),
        ];
        proofs.iter().find_map(|proves| {
            let same = self.same.iter().copied();
            let mut proven = same.filter(|index| proves(&self.requests[*index]));
            let first = proven.next()?;
            proven.next().is_none().then_some(first)
        })
    }

    /// Whether it requests a name or an address that its pair or host has, and that no other pair
    /// with this key has.
    fn requests_name_of_host(&self, request: &Request) -> bool {
        let names = self.same.iter().map(|index| &self.requests[*index]);
        let of_others: BTreeSet<String> = names
            .filter(|other| other.path != request.path)
            .flat_map(Request::names_of_host)
            .collect();
        let mut own = request.names_of_host().into_iter();
        let requested = request.requested_names();
        own.any(|name| requested.contains(&name) && !of_others.contains(&name))
    }

    /// Whether the certificate next to it belongs to the pair: it has this key, and the pair's CA
    /// signed it.
    fn has_certificate(&self, request: &Request) -> bool {
        let certificates = request.certificates(self.exchange).unwrap_or_default();
        let (Some(certificate), Some(signer)) =
            (certificates.first(), self.signers.get(&request.pair.ca))
        else {
            return false;
        };
        let is_for_pair = request
            .common_name()
            .is_ok_and(|name| name == certificate.common_name());
        is_for_pair
            && certificate.public_key() == request.request.public_key()
            && issuer::is_signed_by(
                certificate,
                std::iter::once(signer.certificate).chain(signer.rotated),
            )
    }

    /// The file of a request, relative to the exchange directory.
    fn name(&self, index: usize) -> String {
        let path = &self.requests[index].path;
        let path = path.strip_prefix(self.exchange.path()).unwrap_or(path);
        path.display().to_string()
    }

    /// Names the first of the other requests, and gives the number of the rest.
    fn others(&self, index: usize) -> String {
        let mut others = self.same.iter().filter(|other| **other != index);
        let first = others.next().map(|other| self.name(*other));
        let first = first.unwrap_or_default();
        match others.count() {
            0 => first,
            more => format!("{first}, as {more} more,"),
        }
    }
}

impl Request {
    /// Whether it requests the common name of its pair.
    fn requests_own_common_name(&self) -> bool {
        self.common_name()
            .is_ok_and(|name| name.as_deref() == self.requested_common_name())
    }

    fn requested_common_name(&self) -> Option<&str> {
        self.request.claims().iter().find_map(|claim| match claim {
            Claim::CommonName(name) => Some(&**name),
            _ => None,
        })
    }

    /// Whether it requests exactly the names and addresses of its pair.
    fn requests_own_names(&self) -> bool {
        self.own_names()
            .is_ok_and(|names| names == self.requested_alternative_names())
    }

    fn requested_alternative_names(&self) -> BTreeSet<String> {
        let claims = self.request.claims().iter();
        let requested = claims.filter_map(|claim| match claim {
            Claim::DnsName(name) => Some(name.to_ascii_lowercase()),
            Claim::IpAddress(address) => Some(address.to_canonical().to_string()),
            Claim::Uri(uri) => Some(uri.clone()),
            _ => None,
        });
        requested.collect()
    }

    /// All names that it requests.
    fn requested_names(&self) -> BTreeSet<String> {
        let mut names = self.requested_alternative_names();
        let common_name = self.requested_common_name();
        names.extend(common_name.map(str::to_ascii_lowercase));
        names
    }

    /// The names and addresses of its pair.
    fn own_names(&self) -> Result<BTreeSet<String>> {
        let names = self.pair.alternative_names()?;
        Ok(names.iter().map(ToString::to_string).collect())
    }

    /// The names of its pair, and the name of its host.
    fn names_of_host(&self) -> BTreeSet<String> {
        let mut names = self.own_names().unwrap_or_default();
        let common_name = self.common_name().ok().flatten();
        names.extend(common_name.map(|name| name.to_ascii_lowercase()));
        names.insert(self.host.to_ascii_lowercase());
        names
    }

    /// The common name of its pair.
    fn common_name(&self) -> Result<Option<String>> {
        self.pair.common_name()
    }
}
