//! Reading what is in a directory, and deciding what is to be done there.

use std::{collections::HashMap, time::SystemTime};

use rayon::prelude::*;

use super::{
    Action, Plan, Step,
    authority::Authority,
    decision::{self, leaf_profile},
    found::{Found, Part},
    links,
    record::{Mark, NextRecord, Record},
    sharing::need_own_keys,
    surplus::Surplus,
};
use crate::{
    certificate::Certificate,
    clock,
    cluster::{Cluster, ClusterFiles, Wanted},
    error::{Error, Result},
    layout::CaKind,
    store::{Attributes, Store, group, user},
};

impl Cluster {
    /// Reads what is in a directory and decides what is to be done there. Nothing is written.
    ///
    /// # Errors
    ///
    /// [`Error::AuthorityExists`] if certificates are there and their authority is not, or an authority is in another layout;
    /// [`Error::KeyMismatch`], [`Error::NotAnAuthority`] and [`Error::AnotherAuthority`] for an authority that cannot be the specification's;
    /// [`Error::Io`] for what cannot be read.
    pub fn plan(&self, store: &Store) -> Result<Plan> {
        self.plan_for(store, None, clock::now())
    }

    /// Plans as [`Cluster::plan`] does, for one host's own directory, or at another instant.
    ///
    /// # Errors
    ///
    /// As [`Cluster::plan`], and [`Error::InvalidName`] for a host that is none of the cluster's.
    pub fn plan_for(&self, store: &Store, host: Option<&str>, now: SystemTime) -> Result<Plan> {
        let attributes = attributes(self.files())?;
        let (authorities, leaves): (Vec<_>, Vec<_>) = self
            .wanted(host)?
            .into_iter()
            .partition(Wanted::is_authority);
        let authorities = authorities
            .into_iter()
            .map(|wanted| Authority::find(wanted, store, &attributes))
            .collect::<Result<Vec<_>>>()?;
        let view = View {
            store,
            attributes: &attributes,
            authorities: &authorities,
            record: Record::read(store),
            now,
        };
        let mut leaves = leaves
            .into_par_iter()
            .map(|wanted| view.leaf(wanted, false))
            .collect::<Result<Vec<_>>>()?;
        view.part_shared_keys(&mut leaves)?;
        for authority in &authorities {
            if authority.has_appeared(store)? {
                // Another etcd-pki has made it meanwhile, and the leaves that were seen are its own
                return self.plan_for(store, host, now);
            }
        }

        let surplus = match host {
            // One host's directory may hold what others gave it
            Some(_) => Surplus::default(),
            None => {
                let wanted = leaves.iter().map(|leaf| &leaf.step.wanted.paths);
                Surplus::find(store, wanted, &authorities)?
            }
        };
        let record = view.record;
        let mut markers = HashMap::new();
        let mut steps = Vec::with_capacity(leaves.len() + authorities.len());
        for mut authority in authorities {
            let issuer = authority.issuer();
            markers.extend(authority.marker.take().map(|marker| (issuer, marker)));
            let signed = leaves
                .iter()
                .filter(|leaf| leaf.step.wanted.issuer == issuer);
            steps.push(authority.step(store, self.authority(), signed, now)?);
        }
        // One host's marks are not those of the whole directory
        let record = host.is_none().then(|| {
            let kept = leaves.iter().filter_map(Leaf::kept_mark);
            NextRecord::new(record, kept, markers)
        });
        steps.extend(leaves.into_iter().map(|leaf| leaf.step));
        Ok(Plan {
            directory: store.directory().to_owned(),
            steps,
            surplus: surplus.pairs,
            surplus_stamps: surplus.stamps,
            surplus_authority: surplus.authority,
            record,
            prunes: false,
            replaces_links: false,
            attributes,
        })
    }
}

/// What is decided about one leaf. The certificate itself is not held: there may be thirty thousand.
pub(super) struct Leaf {
    step: Step,
    /// Where it has a file for a certificate
    pub(super) has_certificate: bool,
    /// The serial number by which it names its authority, if it does
    pub(super) authority_serial: Option<Vec<u8>>,
    mark: Option<Mark>,
}

impl Leaf {
    /// Its mark, if it is as it should be.
    fn kept_mark(&self) -> Option<Mark> {
        self.mark
            .filter(|_| matches!(self.step.action, Action::Keep | Action::Mode))
    }

    pub(super) fn wanted(&self) -> &Wanted {
        &self.step.wanted
    }
}

/// What each leaf is judged by.
struct View<'a> {
    store: &'a Store,
    attributes: &'a Attributes,
    authorities: &'a [Authority],
    record: Record,
    now: SystemTime,
}

impl View<'_> {
    /// Reads a pair, and decides.
    fn leaf(&self, wanted: Wanted, key_is_shared: bool) -> Result<Leaf> {
        let Some(profile) = leaf_profile(&wanted) else {
            return Err(Error::malformed("plan", "an authority among the leaves"));
        };
        let authority = self.authority(wanted.issuer);
        let marker = authority.and_then(|authority| authority.marker.as_ref());
        let known = marker.map(|marker| (marker, &self.record));
        let found = Found::of(&wanted, self.store, self.attributes, known)?;
        let signer = authority.and_then(|authority| authority.signatory(self.now));
        let (action, mut causes) =
            decision::leaf(&wanted, profile, &found, signer, key_is_shared, self.now)?;
        let certificate = found.certificate.present();
        let directory = self.store.directory();
        let paths = wanted.paths.below(directory);
        causes.extend(links::in_the_way(directory, &paths, action));
        let step = Step {
            due: kept_until(action, &wanted, certificate),
            not_before: certificate.map(Certificate::not_before),
            not_after: certificate.map(Certificate::not_after),
            ends_with_authority: signer
                .zip(certificate)
                .is_some_and(|(signer, certificate)| signer.outlives(certificate)),
            paths,
            key: match found.key {
                Part::Present(key) => Some(key),
                _ => None,
            },
            hard_links: found.hard_links,
            keeps_serial: false,
            stamps: found.stamps,
            wanted,
            action,
            causes,
        };
        Ok(Leaf {
            step,
            has_certificate: certificate.is_some(),
            authority_serial: certificate
                .and_then(|certificate| certificate.extensions().authority_serial.clone()),
            mark: found.mark,
        })
    }

    /// Decides once more about pairs whose key is another's too, or an authority's.
    fn part_shared_keys(&self, leaves: &mut [Leaf]) -> Result<()> {
        let directory = self.store.directory();
        let authorities = self.authorities.iter().filter_map(Authority::certificate);
        let keys = leaves.iter().map(|leaf| leaf.step.key.as_ref());
        let shared = need_own_keys(authorities.map(Certificate::public_key), keys, |index| {
            links::target_within(directory, &leaves[index].step.paths.key).is_some()
        });
        for index in shared {
            leaves[index] = self.leaf(leaves[index].step.wanted.clone(), true)?;
        }
        Ok(())
    }

    fn authority(&self, issuer: CaKind) -> Option<&Authority> {
        let mut authorities = self.authorities.iter();
        authorities.find(|authority| authority.issuer() == issuer)
    }
}

/// The owner, group and modes that a specification says, its names looked up on this host.
pub(super) fn attributes(files: &ClusterFiles) -> Result<Attributes> {
    let number = |field: &str, name: Option<&str>, look_up: fn(&str) -> Result<u32>| {
        let number = name.map(look_up).transpose();
        number.map_err(|error| Error::Specification {
            position: None,
            field: format!("files.{field}"),
            reason: error.to_string(),
            hint: Some("write a number, or apply where the name is known".to_owned()),
        })
    };
    Ok(Attributes {
        owner: number("owner", files.owner(), user)?,
        group: number("group", files.group(), group)?,
        key_mode: files.key_mode(),
        certificate_mode: files.certificate_mode(),
        directory_mode: files.directory_mode(),
        backup: false,
        replaces_links: false,
    })
}

/// From when on what is kept will be due.
pub(super) fn kept_until(
    action: Action,
    wanted: &Wanted,
    certificate: Option<&Certificate>,
) -> Option<SystemTime> {
    let certificate = certificate.filter(|_| matches!(action, Action::Keep | Action::Mode))?;
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    Some(wanted.renew_before.begins(begin, end))
}
