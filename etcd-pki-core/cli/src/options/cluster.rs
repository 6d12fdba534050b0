//! The specification of a cluster, and its directory.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint, builder::NonEmptyStringValueParser};
use etcd_pki_core::{
    Cluster, Error, Store, plan::PlanOptions as CorePlanOptions, x509::Fingerprint,
};

use crate::{failure::Failure, input::Input};

/// The options of a plan that are not in the specification.
#[derive(Args)]
pub(crate) struct PlanOptions {
    /// Change only the files of this host or user
    #[arg(long, value_name = "NAME", conflicts_with = "requests")]
    only: Option<String>,
    /// Create a new key for each renewed certificate; for an instant, etcd may read a pair that
    /// does not match
    #[arg(long, conflicts_with = "requests")]
    rekey: bool,
    /// Remove certificates and keys that are not in the specification: those of these hosts and
    /// users. Without a name, all of them, also those of `cert issue`. A removed certificate stays
    /// valid until it expires, unless --revoke revokes it
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with = "requests"
    )]
    prune: Option<Vec<String>>,
    /// Revoke the certificates that --prune removes, and those that get a new key with --rekey: they
    /// are added to revoked.crl and revoked.pem after their replacement is in place
    #[arg(long, conflicts_with_all = ["requests", "host"])]
    revoke: bool,
}

impl PlanOptions {
    /// The settings of the plan.
    pub(crate) fn read(
        &self,
        cluster: &ClusterOptions,
        exchange: &ExchangeOption,
    ) -> CorePlanOptions {
        let mut options = CorePlanOptions::new();
        if let Some(host) = cluster.host() {
            options = options.with_host(host);
        }
        if let Some(directory) = &exchange.requests {
            options = options.with_exchange(directory);
        }
        for fingerprint in &exchange.trust {
            options = options.with_trust(fingerprint.clone());
        }
        if let Some(name) = &self.only {
            options = options.with_only(name);
        }
        if self.rekey {
            options = options.with_rekey();
        }
        if self.revoke {
            options = options.with_revoke();
        }
        match &self.prune {
            Some(names) if names.is_empty() => options = options.with_prune(),
            Some(names) => options = options.with_prune_names(names),
            None => {}
        }
        options
    }
}

/// The exchange of requests and certificates.
#[derive(Args)]
pub(crate) struct ExchangeOption {
    /// Keys stay on their hosts. With --host, on that host: keys are created there, requests go to
    /// DIR/NAME, and signed certificates are installed. Without --host, where the CA is: the
    /// requests in DIR are signed
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    requests: Option<PathBuf>,
    /// Trust the CA certificate with this SHA-256 fingerprint if it arrives with --requests.
    /// `etcd-pki ca show` prints the fingerprint where the CA is. A host needs it for each
    /// certificate of its first CA. It needs none for CAs that a trusted CA vouches for
    #[arg(long, value_name = "SHA256", requires = "requests", requires = "host")]
    trust: Vec<Fingerprint>,
}

/// The specification of a cluster, and the directory of its files.
#[derive(Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterOptions {
    /// The cluster's specification, in YAML
    #[arg(short, long = "file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// The directory of the files, instead of the specification's
    #[arg(short, long = "dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: Option<PathBuf>,
    /// Use only the files of this host, at the paths that they have on it
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
}

impl ClusterOptions {
    /// Reads the specification, and determines its directory.
    pub(crate) fn read(&self, input: &Input) -> Result<(Cluster, Store), Failure> {
        read_cluster(&self.file, self.directory.as_deref(), input)
    }

    /// The named host, if any.
    pub(crate) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }
}

/// Reads a specification, and determines its directory unless one is given.
pub(crate) fn read_cluster(
    file: &Path,
    directory: Option<&Path>,
    input: &Input,
) -> Result<(Cluster, Store), Failure> {
    let cluster = input.parse(file, |bytes| {
        let text = std::str::from_utf8(bytes).map_err(|error| Error::Malformed {
            what: "specification",
            place: None,
            reason: error.to_string(),
        })?;
        Cluster::from_yaml(text)
    })?;
    let directory = match (directory, cluster.directory()) {
        (Some(directory), _) => directory.to_owned(),
        // Relative to the specification, not to the working directory
        (None, Some(directory)) => file.parent().unwrap_or(Path::new("")).join(directory),
        (None, None) => {
            return Err(Failure::usage(
                "the specification names no directory",
                "name it with -d DIR, or write `directory:` into the specification",
            ));
        }
    };
    let store = Store::new(directory, cluster.layout());
    Ok((cluster, store))
}
