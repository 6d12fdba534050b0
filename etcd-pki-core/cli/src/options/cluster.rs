//! A cluster's specification, and the directory that it is about.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint, builder::NonEmptyStringValueParser};
use etcd_pki_core::{
    Cluster, Error, Store, plan::PlanOptions as CorePlanOptions, x509::Fingerprint,
};

use crate::{failure::Failure, input::Input};

/// What a plan does besides the specification.
#[derive(Args)]
pub(crate) struct PlanOptions {
    /// Leave everything but this host or user as it is
    #[arg(long, value_name = "NAME", conflicts_with = "requests")]
    only: Option<String>,
    /// Make a new key wherever a certificate is renewed; for an instant, etcd may read a pair that does not match
    #[arg(long, conflicts_with = "requests")]
    rekey: bool,
    /// Remove certificates and keys that are not in the specification: of these hosts and users; without a name of all, also
    /// those that `cert issue` made. What is removed stays valid until it expires
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with = "requests"
    )]
    prune: Option<Vec<String>>,
}

impl PlanOptions {
    /// How a plan is made.
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
        match &self.prune {
            Some(names) if names.is_empty() => options = options.with_prune(),
            Some(names) => options = options.with_prune_names(names),
            None => {}
        }
        options
    }
}

/// Where requests and certificates are exchanged.
#[derive(Args)]
pub(crate) struct ExchangeOption {
    /// Keys stay on their hosts. With --host, on that host: keys are made there, requests go to DIR/NAME, and the certificates
    /// that were signed are installed. Without --host, where the CA is: the requests in DIR are signed
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    requests: Option<PathBuf>,
    /// Trust the CA certificate with this SHA-256 fingerprint if it arrives with --requests, as `etcd-pki ca show` prints it where
    /// the CA is. A host needs it for the first CA, for each of its certificates; those that a trusted CA vouches for need none
    #[arg(long, value_name = "SHA256", requires = "requests", requires = "host")]
    trust: Vec<Fingerprint>,
}

/// The specification of a cluster, and where its files are.
#[derive(Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterOptions {
    /// The cluster's specification, in YAML
    #[arg(short, long = "file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// The directory of the files, instead of the specification's
    #[arg(short, long = "dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: Option<PathBuf>,
    /// Only what this host uses, as it lies there
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
}

impl ClusterOptions {
    /// Reads the specification, and names the directory that it is about.
    pub(crate) fn read(&self, input: &Input) -> Result<(Cluster, Store), Failure> {
        read_cluster(&self.file, self.directory.as_deref(), input)
    }

    /// The host that was named.
    pub(crate) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }
}

/// Reads a specification, and names the directory that it is about, unless that is given.
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
        // As seen from the specification, wherever the command is called
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
