//! `etcd-pki crl revoke`

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::{Args, ValueHint};
use etcd_pki_core::{
    CaKind, Cluster, Error, Store, inspect,
    trust::revocation::{ChangedLists, Target},
    x509::{RevocationReason, SerialNumber},
};

use super::{Change, SigningOptions, facts::ChangedFacts, finish, limits};
use crate::{
    facts::in_words,
    failure::{Failure, Outcome},
    input::{Input, is_standard},
    options::{DirectoryOptions, JsonOption, check_layout, one_of, read_cluster},
    output,
};

/// Revoke certificates: etcd refuses new connections with them
///
/// Each member reads the list at every new connection, if it was started with it. Open connections
/// last until they end or the member restarts. Connections that a member opens are not covered: it
/// still connects to a revoked member, so remove a member from the cluster first.
///
/// A serial number of a certificate that is not in the directory counts as one of the signing CA.
/// etcd compares only serial numbers.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki crl revoke --client alice -d /etc/ssl/etcd/ssl
  etcd-pki crl revoke /etc/ssl/etcd/ssl/client-alice.pem --reason keyCompromise
  etcd-pki crl revoke 4A1C0F2233445566778899AABBCCDDEEFF001122 -d /etc/ssl/etcd/ssl
  etcd-pki crl revoke --host etcd-3 -f cluster.yaml

Exit codes:
  0  the certificates are revoked
  1  failed or refused, such as a certificate that the specification requires, without --force
  2  the arguments are not understood")]
pub(crate) struct Revoke {
    /// Files of certificates, or serial numbers in hexadecimal
    #[arg(
        value_name = "FILE|SERIAL",
        required_unless_present_any = ["client", "host"]
    )]
    certificates: Vec<PathBuf>,
    /// Revoke the certificates of this client, in the directory and in its record
    #[arg(long, value_name = "NAME")]
    client: Vec<String>,
    /// Revoke the certificates of this host, in the directory and in its record: as a member, a node,
    /// and its admin's
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// The reason in the list
    #[arg(
        long,
        value_name = "REASON",
        ignore_case = true,
        value_parser = one_of::<RevocationReason>(RevocationReason::ALL.map(RevocationReason::name))
    )]
    reason: Option<RevocationReason>,
    /// The cluster's specification, in YAML: what it requires is not revoked
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// Revoke also what the specification requires
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    directory: DirectoryOptions,
    #[command(flatten)]
    signing: SigningOptions,
    #[command(flatten)]
    json: JsonOption,
}

impl Revoke {
    pub(super) fn run(&self, input: &Input) -> Outcome {
        let (cluster, store) = self.place(input)?;
        let targets = self.targets(input)?;
        let change = Change::read(&self.signing, input)?;
        let mut revocation = change.revocation()?;
        if let Some(cluster) = cluster.as_ref().filter(|_| !self.force) {
            revocation = revocation.with_required(cluster);
        }
        let files = store.lock_with(|| output::waiting_for(store.directory()))?;
        let lists = revocation.revoke(&files, &targets, self.reason);
        let lists = lists.map_err(with_force)?;
        let facts = ChangedFacts::of(&lists);
        if !self.json.json {
            facts.say();
            facts.revocations().iter().for_each(output::say);
        }
        remarks(&lists);
        finish(&facts, &self.json)
    }

    /// The specification and the directory. Without an option for it, the directory is that of the
    /// CA next to the first file.
    fn place(&self, input: &Input) -> Result<(Option<Cluster>, Store), Failure> {
        let named = self.directory.store();
        if let Some(file) = &self.file {
            let directory = named.as_ref().map(Store::directory);
            let (cluster, store) = read_cluster(file, directory, input)?;
            return Ok((Some(cluster), store));
        }
        if let Some(store) = named {
            check_layout(&store, CaKind::Client)?;
            return Ok((None, store));
        }
        let first = self.certificates.iter().find(|path| path.exists());
        let found = first.and_then(inspect::store_of);
        let found = found.ok_or_else(|| {
            Failure::usage(
                "the directory of the CA is not known",
                "name it with -d DIR",
            )
        })?;
        Ok((None, found))
    }

    fn targets(&self, input: &Input) -> Result<Vec<Target>, Failure> {
        let mut targets = Vec::new();
        for given in &self.certificates {
            targets.push(target(given, input)?);
        }
        targets.extend(self.client.iter().cloned().map(Target::Client));
        targets.extend(self.host.iter().cloned().map(Target::Host));
        Ok(targets)
    }
}

/// The certificate in a file, or the serial number. If the file has several certificates, the first
/// one counts.
fn target(given: &Path, input: &Input) -> Result<Target, Failure> {
    let serial = given.to_str().map(str::parse::<SerialNumber>);
    match serial {
        Some(Ok(serial)) if !given.exists() => Ok(Target::Serial(serial)),
        _ if given.exists() || is_standard(given) => {
            let certificates = input.certificates(given)?;
            let first = certificates.into_iter().next();
            let first = first.ok_or_else(|| Error::MissingBlock {
                what: "certificate",
                found: Vec::new(),
            });
            Ok(Target::from(first?))
        }
        _ => Err(Failure::failed(
            format!("{} is neither a file nor a serial number", given.display()),
            "give the certificate's file, or its serial number in hexadecimal as `etcd-pki cert show` prints it",
        )),
    }
}

/// Creates the failure. If the specification requires a certificate, the hint names the option that
/// revokes it nevertheless.
fn with_force(error: Error) -> Failure {
    if !matches!(error, Error::StillRequired { .. }) {
        return error.into();
    }
    let hint = error.hint().unwrap_or_default();
    Failure::failed(
        error.to_string(),
        format!(
            "{hint}, or revoke it with --force (and --reason keyCompromise for a new key): the next `apply` issues it again"
        ),
    )
}

/// Reports what revocation does not do. Nothing was revoked if nothing was added.
fn remarks(lists: &ChangedLists) {
    if lists.added().is_empty() {
        return;
    }
    let members = lists.added().iter().filter(|one| one.is_member());
    let members: BTreeSet<&str> = members.filter_map(|one| one.subject()).collect();
    for member in members {
        output::say(format_args!(
            "warning: {} is a member: remove the member from the cluster first (`etcdctl member remove`), or replace \
             its pair; the other members refuse it, and still connect to it",
            in_words::subject(member)
        ));
    }
    limits();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_serial_numbers() {
        let input = Input::default();
        let serial = target(Path::new("4A:1C"), &input).unwrap();
        assert_eq!(serial, Target::Serial("4A1C".parse().unwrap()));
        assert!(target(Path::new("client-alice.pem"), &input).is_err());
    }
}
