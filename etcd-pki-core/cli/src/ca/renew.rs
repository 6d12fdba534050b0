//! `etcd-pki ca renew`

use std::path::{Path, PathBuf};

use clap::Args;
use etcd_pki_core::{
    CaKind, CertificateAuthority, Profile, Store, Validity, ca::CaRenewal, layout::PairPaths,
};

use crate::{
    failure::{Failure, Outcome},
    files::File,
    input::Input,
    options::{
        DirectoryOptions, ForceOption, JsonOption, PassphraseOptions, RecordOption,
        ValidityOptions, check_layout,
    },
    output,
    report::Report,
    time,
};

/// Renew a CA's certificate: same key, same subject, so that all it has signed stays valid
///
/// The new certificate has every extension of the old one. It also has keyUsage, which the CA
/// certificate of Kubespray's script lacks: old certificates then pass Python 3.13 and openssl's
/// strict check too. It is valid for as long as the old one was. The other certificates of its file
/// stay. etcd reads a CA certificate only when it starts.
///
/// A CA that another CA issued is not a root and does not become one: write a request for its
/// issuer with --csr.
#[derive(Args)]
#[command(
    mut_arg("directory", |directory| directory.required(true)),
    after_help = "\
Examples:
  etcd-pki ca renew -d /etc/ssl/etcd/ssl
  etcd-pki ca renew -d /etc/ssl/etcd/ssl --validity 10y
  etcd-pki ca renew -d /etc/ssl/etcd/ssl --peers
  etcd-pki ca renew -d /etc/ssl/etcd/ssl --csr etcd-ca.csr

Exit codes:
  0  the certificate is renewed, or the request is written
  1  failed or refused, such as a CA that another CA issued
  2  the arguments are not understood"
)]
pub(crate) struct Renew {
    #[command(flatten)]
    directory: DirectoryOptions,
    /// Renew the separate peer CA instead of the other one
    #[arg(long)]
    peers: bool,
    /// Change how many CAs may be below it; by default the path length stays
    #[arg(long, value_name = "N")]
    path_length: Option<u8>,
    /// Write a request for the CA's issuer to this file, and change nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["path_length", "validity", "days"])]
    csr: Option<PathBuf>,
    #[command(flatten)]
    force: ForceOption,
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    record: RecordOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Renew {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let store = self
            .directory
            .store()
            .ok_or_else(|| Failure::usage("no directory", "name it with -d DIR"))?;
        let kind = if self.peers {
            CaKind::Peer
        } else {
            CaKind::Client
        };
        check_layout(&store, kind)?;
        let passphrase = self.passphrase.read(input)?;
        if let Some(csr) = &self.csr {
            let paths = existing_paths(&store, kind)?;
            let ca = store.ca_for_renewal(kind, passphrase.as_ref())?;
            return self.request(&ca, &paths, csr);
        }
        let mut report = Report::new(&self.json);
        let locked = store.lock_with(|| output::waiting_for(store.directory()))?;
        let locked = self.record.applied_to(locked);
        let paths = existing_paths(&store, kind)?;
        let old = store.ca_for_renewal(kind, passphrase.as_ref())?;
        let validity = match self.validity.read()? {
            Some(validity) => validity,
            None => as_long_as(old.certificate()),
        };
        let keeps_serial = locked.names_ca_by_serial(old.certificate())?;
        let mut renewal = CaRenewal::new(validity).with_serial_kept(keeps_serial);
        if let Some(path_length) = self.path_length {
            renewal = renewal.with_path_length(path_length);
        }
        let renewed = old.at(time::now()).renew_ca(renewal)?;
        report.while_replacing(&[&paths.certificate], || {
            Ok(locked.renew_ca(kind, &renewed)?)
        })?;
        report.ca(&paths.certificate, renewed.certificate());
        report.check_ca_files(&paths);
        output::say(
            "note: etcd reads it only when it starts; restart each member, one after the other, before the old one ends",
        );
        report.finish()
    }

    /// Writes a request for the issuer of the CA.
    fn request(&self, ca: &CertificateAuthority, paths: &PairPaths, csr: &Path) -> Outcome {
        let mut report = Report::on(&[csr], &self.json)?;
        let request = ca.renewal_request()?;
        let text = request.to_pem();
        report.write(&[File::public(csr, &text)], self.force.replacing())?;
        report.request(csr, &request);
        report.check_ca_files(paths);
        report.finish()
    }
}

/// The location of the CA. Without `--peers`, the error of reading it explains better why it is
/// missing.
fn existing_paths(store: &Store, kind: CaKind) -> Result<PairPaths, Failure> {
    let paths = store.ca_paths(kind);
    if kind == CaKind::Client || paths.certificate.exists() {
        return Ok(paths);
    }
    Err(Failure::failed(
        format!(
            "peers have no separate CA: {} is missing",
            paths.certificate.display()
        ),
        "without --peers the directory's other CA is renewed",
    ))
}

/// The validity of the old certificate, or the default of a new CA if the old one was never valid.
fn as_long_as(certificate: &etcd_pki_core::Certificate) -> Validity {
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    end.duration_since(begin)
        .map_or_else(|_| Profile::ca().validity(), Validity::lasting)
}
