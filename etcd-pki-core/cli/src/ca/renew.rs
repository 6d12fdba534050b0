//! `etcd-pki ca renew`

use clap::Args;
use etcd_pki_core::{CaKind, PairPaths, Profile, Store, Validity};

use crate::{
    failure::{Failure, Outcome},
    input::Input,
    options::{DirectoryOptions, JsonOption, PassphraseOptions, ValidityOptions},
    output,
    report::Report,
    time,
};

/// Renew an authority's certificate: same key, same subject, so that all it has signed stays good
///
/// The new certificate has keyUsage, which the one of Kubespray's script lacks: old certificates then pass Python 3.13 and
/// openssl's strict check too. It is valid as long as the old one was. etcd reads it only when it starts.
#[derive(Args)]
#[command(
    mut_arg("directory", |directory| directory.required(true)),
    after_help = "\
Examples:
  etcd-pki ca renew -d /etc/ssl/etcd/ssl
  etcd-pki ca renew -d /etc/ssl/etcd/ssl --validity 10y
  etcd-pki ca renew -d /etc/ssl/etcd/ssl --peers

Exit codes:
  0  the certificate is renewed
  1  failed or refused, such as a key that is another authority's
  2  the arguments are not understood"
)]
pub(crate) struct Renew {
    #[command(flatten)]
    directory: DirectoryOptions,
    /// Renew the authority that peers have apart, instead of the other one
    #[arg(long)]
    peers: bool,
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    json: JsonOption,
}

impl Renew {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let mut report = Report::new(&self.json);
        let store = self
            .directory
            .store()
            .ok_or_else(|| Failure::usage("no directory", "name it with -d DIR"))?;
        let passphrase = self.passphrase.read(input)?;
        let locked = store.lock_with(|| output::waiting_for(store.directory()))?;
        let kind = if self.peers {
            CaKind::Peer
        } else {
            CaKind::Client
        };
        let paths = existing_paths(&store, kind)?;
        let old = store.ca_for_renewal(kind, passphrase.as_ref())?;
        let validity = match self.validity.read()? {
            Some(validity) => validity,
            None => as_long_as(old.certificate()),
        };
        let keeps_serial = locked.names_ca_by_serial(old.certificate())?;
        let renewed = old.renewed(validity, keeps_serial, time::now())?;
        report.while_replacing(&[&paths.certificate], || {
            Ok(locked.renew_ca(kind, &renewed)?)
        })?;
        report.authority(&paths.certificate, renewed.certificate());
        output::say(
            "note: etcd reads it only when it starts; restart each member, one after the other, before the old one ends",
        );
        report.finish()
    }
}

/// Where the CA is. Without `--peers`, reading it explains better why it is missing.
fn existing_paths(store: &Store, kind: CaKind) -> Result<PairPaths, Failure> {
    let paths = store.ca_paths(kind);
    if kind == CaKind::Client || paths.certificate.exists() {
        return Ok(paths);
    }
    Err(Failure::failed(
        format!(
            "peers have no authority apart: {} is not there",
            paths.certificate.display()
        ),
        "without --peers the directory's other authority is renewed",
    ))
}

/// As long as the old one was valid, or as a new authority is if that was no time at all.
fn as_long_as(certificate: &etcd_pki_core::Certificate) -> Validity {
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    end.duration_since(begin)
        .map_or_else(|_| Profile::authority().validity(), Validity::lasting)
}
