//! `etcd-pki env`: the settings with the files of a directory, for etcd and its clients.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueHint};
use etcd_pki_core::{Error, Role, Store, settings::Settings, trust::revocation};
use serde::{Serialize, Serializer};

use crate::{
    failure::{Answer, Failure, Outcome},
    input::Input,
    options::{DirectoryOptions, or_other_layout, read_cluster},
    output,
};

/// Print the settings of etcd, etcdctl and kube-apiserver for the files in a directory
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  etcd-pki env etcd --host etcd-1 -d /etc/ssl/etcd/ssl
  etcd-pki env etcdctl --client root -d /etc/ssl/etcd/ssl

Exit codes:
  0  the settings are printed
  1  a file for the settings is missing
  2  the arguments are not understood")]
pub(crate) enum EnvCommand {
    Etcd(Etcd),
    Etcdctl(Etcdctl),
    Apiserver(Apiserver),
}

impl EnvCommand {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        match self {
            Self::Etcd(command) => command.run(input),
            Self::Etcdctl(command) => command.run(),
            Self::Apiserver(command) => command.run(),
        }
    }
}

/// Print an EnvironmentFile for a member
///
/// The allowed names of peers (ETCD_PEER_CERT_ALLOWED_CN) are printed only if all members are
/// known: with -f, or if the directory has the certificates of several members. Members with
/// different lists refuse each other. The revocation list is printed if the directory has
/// revoked.crl.
#[derive(Args)]
#[command(mut_arg("directory", |directory| directory.required(false).required_unless_present("file")))]
#[command(after_help = "\
Examples:
  etcd-pki env etcd --host etcd-1 -d /etc/ssl/etcd/ssl >> /etc/etcd.env
  etcd-pki env etcd --host etcd-1 -f cluster.yaml
  etcd-pki env etcd --host etcd-1 -d pki --at /etc/ssl/etcd/ssl

Exit codes:
  0  the settings are printed
  1  the member's files or the CA certificate are missing
  2  the arguments are not understood")]
pub(crate) struct Etcd {
    /// The member
    #[arg(long, value_name = "NAME")]
    host: String,
    /// The cluster's specification, in YAML, which names all members
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
    #[command(flatten)]
    common: CommonOptions,
}

impl Etcd {
    fn run(&self, input: &Input) -> Outcome {
        let Some(file) = &self.file else {
            return self.common.print(|store| Settings::etcd(store, &self.host));
        };
        let given = self.common.directory.store();
        let directory = given.as_ref().map(Store::directory);
        let (cluster, store) = read_cluster(file, directory, input)?;
        let settings = |store: &Store| Settings::etcd_of(&cluster, store, &self.host);
        self.common.print_for(&store, settings)
    }
}

/// Print the exports that let etcdctl use a certificate
#[derive(Args)]
#[command(
    group = ArgGroup::new("who").args(["client", "member", "node", "admin"]).required(true),
    after_help = "\
Examples:
  eval \"$(etcd-pki env etcdctl --client root -d /etc/ssl/etcd/ssl)\"
  etcd-pki env etcdctl --member etcd-1 -d /etc/ssl/etcd/ssl
  etcd-pki env etcdctl --admin etcd-1 -d /etc/ssl/etcd/ssl

Exit codes:
  0  the settings are printed
  1  the files or the CA certificate are missing
  2  the arguments are not understood"
)]
pub(crate) struct Etcdctl {
    /// Use the certificate of this client
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Use the certificate of this member
    #[arg(long, value_name = "NAME")]
    member: Option<String>,
    /// Use the certificate of this node
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Use the admin's certificate that the layout has next to this member
    #[arg(long, value_name = "HOST")]
    admin: Option<String>,
    #[command(flatten)]
    common: CommonOptions,
}

impl Etcdctl {
    fn run(&self) -> Outcome {
        if let Some(host) = &self.admin {
            let common = &self.common;
            return common.print(|store| Settings::etcdctl_admin(store, host));
        }
        let (role, name) = match (&self.client, &self.member, &self.node) {
            (None, Some(name), _) => (Role::Member, name.as_str()),
            (None, None, Some(name)) => (Role::Node, name.as_str()),
            // The parser requires one of them
            (client, _, _) => (Role::Client, client.as_deref().unwrap_or_default()),
        };
        self.common
            .print(|store| Settings::etcdctl(store, role, name))
    }
}

/// Print the flags of kube-apiserver for its connection to etcd
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki env apiserver --host kube-1 -d /etc/ssl/etcd/ssl

Exit codes:
  0  the settings are printed
  1  the node's files or the CA certificate are missing
  2  the arguments are not understood")]
pub(crate) struct Apiserver {
    /// The node
    #[arg(long, value_name = "NAME")]
    host: String,
    #[command(flatten)]
    common: CommonOptions,
}

impl Apiserver {
    fn run(&self) -> Outcome {
        self.common
            .print(|store| Settings::apiserver(store, &self.host))
    }
}

/// The cases in which etcd does not use a revocation list (`embed/config.go`,
/// `etcdmain/config.go`, GHSA-3wh4-j44w-pg92)
const LIST_NOTES: [&str; 2] = [
    "a configuration file of etcd (--config-file) cannot name a revocation list, and with such a file etcd ignores these settings",
    "with --listen-client-http-urls, etcd before 3.5.32, 3.6.13 and 3.7.0 does not check the list on the gRPC port",
];

#[derive(Args)]
#[command(mut_arg("directory", |directory| directory.required(true)))]
struct CommonOptions {
    /// The directory of the files on the host, if it is another one there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    at: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    directory: DirectoryOptions,
}

/// Settings as JSON.
#[derive(Serialize)]
struct Document<'a> {
    settings: Entries<'a>,
    /// Optional settings
    #[serde(skip_serializing_if = "Entries::is_empty")]
    optional: Entries<'a>,
}

/// Names and values, in their order.
struct Entries<'a>(Vec<&'a (String, String)>);

impl Entries<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl CommonOptions {
    fn print(&self, settings: impl FnOnce(&Store) -> Result<Settings, Error>) -> Outcome {
        let store = self.directory.store();
        let store = store.ok_or_else(|| Failure::usage("no directory", "name it with -d DIR"))?;
        self.print_for(&store, settings)
    }

    fn print_for(
        &self,
        store: &Store,
        settings: impl FnOnce(&Store) -> Result<Settings, Error>,
    ) -> Outcome {
        let mut settings = settings(store).map_err(|error| or_other_layout(error, store))?;
        if let Some(directory) = &self.at {
            if !directory.is_absolute() {
                return Err(Failure::usage(
                    format!("--at {} is not an absolute path", directory.display()),
                    "give the directory as the host knows it, such as /etc/ssl/etcd/ssl",
                ));
            }
            settings = settings.with_directory(directory);
        }
        if self.json {
            output::print_json(&Document {
                settings: Entries(settings.entries().iter().collect()),
                optional: Entries(settings.optional().collect()),
            })?;
        } else {
            output::print(&settings.to_string())?;
        }
        let mut names = settings.entries().iter().map(|(name, _)| name);
        if names.any(|name| name == "ETCD_CLIENT_CRL_FILE") {
            for note in LIST_NOTES {
                output::say(format_args!("note: {note}"));
            }
            let reason = match revocation::read(store) {
                Ok(Some(_)) => return Ok(Answer::Yes),
                Ok(None) => format!("{} is empty", store.list_paths().der.display()),
                Err(error) => error.to_string(),
            };
            output::say(format_args!(
                "warning: start no member with this list: {reason}"
            ));
        }
        Ok(Answer::Yes)
    }
}
