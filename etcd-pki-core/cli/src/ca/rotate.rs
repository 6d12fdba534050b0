//! `etcd-pki ca rotate`

mod document;
mod words;

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueHint};
use etcd_pki_core::{
    CaKind, Cluster, Error, Passphrase, Store,
    cluster::{Endpoint, MemberEndpoints},
    probe::Probe,
    trust::rotation::{Evidence, Gate, MemberReport, Rotation, RotationOptions, Stage, Strategy},
};

use self::{document::Document, words::Words};
use crate::{
    failure::{Answer, Failure, Outcome},
    input::Input,
    options::{DirectoryOptions, PassphraseOptions, check_layout, read_cluster},
    output,
};

/// Replace a CA by a new one, while members and clients accept each other throughout
///
/// Each run goes to the next stage if that is safe, and prints what to do on the hosts. The stages
/// are steady, trusted (both CAs are trusted, the old one signs), switched (the new CA signs) and
/// steady again. With the strategy `link`, each new certificate is followed by a certificate with
/// which the old CA vouches for the new one, so the first run goes to switched, and nothing has to
/// be restarted before the old CA is dropped. With the strategy `bundle`, for CAs with path length
/// 0, all members and clients are restarted first.
#[derive(Args)]
#[command(
    group = ArgGroup::new("place of the CA").args(["directory", "file"]).multiple(true).required(true),
    group = ArgGroup::new("action").args(["status", "back", "prepare", "emergency", "forget"]),
    after_help = "\
Examples:
  etcd-pki ca rotate -f cluster.yaml --status
  etcd-pki ca rotate -f cluster.yaml
  etcd-pki ca rotate -f cluster.yaml --confirm-clients
  etcd-pki ca rotate -d /etc/ssl/etcd/ssl --confirm-restarted etcd-1 --confirm-restarted etcd-2 --confirm-clients
  etcd-pki ca rotate -f cluster.yaml --back

Exit codes:
  0  done, or with --status: the next stage is safe
  1  failed or refused, such as files that fit no stage
  2  the arguments are not understood
  3  the next stage is not safe yet; nothing was changed"
)]
pub(crate) struct Rotate {
    #[command(flatten)]
    directory: DirectoryOptions,
    /// The cluster's specification, in YAML: its members, and the algorithm and validity of the new
    /// CA
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Directory")]
    file: Option<PathBuf>,
    /// Rotate the separate peer CA instead of the other one
    #[arg(long)]
    peers: bool,
    /// Show the stage, what is known about each member, and what to do next. Change nothing
    #[arg(long, help_heading = "Action")]
    status: bool,
    /// Undo the last stage
    #[arg(long, help_heading = "Action")]
    back: bool,
    /// Create the new CA and trust it, and stop there
    #[arg(long, help_heading = "Action")]
    prepare: bool,
    /// Trust only a new CA at once, because others have the key of the old CA. Members and clients
    /// that do not trust the new CA cannot connect
    #[arg(long, help_heading = "Action")]
    emergency: bool,
    /// After the rotation, remove the key of the previous CA
    #[arg(long, help_heading = "Action")]
    forget: bool,
    /// How hosts that trust only the old CA accept new certificates. `auto` is `link` if every
    /// member was shown to accept a link certificate, and otherwise `bundle`
    #[arg(
        long,
        value_name = "STRATEGY",
        default_value = "auto",
        value_parser = ["auto", "link", "bundle"],
        help_heading = "Gate"
    )]
    strategy: String,
    /// Where a member is, if the specification does not say it: its name, and the host with the
    /// client port and the peer port; repeatable
    #[arg(
        long,
        value_name = "NAME=HOST:CLIENT:PEER",
        value_parser = parse_endpoint,
        help_heading = "Gate"
    )]
    endpoint: Vec<MemberEndpoints>,
    /// State that this member was restarted with the current trust bundle; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Gate")]
    confirm_restarted: Vec<String>,
    /// State that all clients trust the new CA: kube-apiserver, Calico, etcdctl and others
    #[arg(long, help_heading = "Gate")]
    confirm_clients: bool,
    /// State that the certificate of the old CA with this serial number is no longer in use;
    /// repeatable
    #[arg(long, value_name = "SERIAL", help_heading = "Gate")]
    confirm_issued: Vec<String>,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    /// Print the stage and the gate as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// Parses `NAME=HOST:CLIENT:PEER`.
fn parse_endpoint(text: &str) -> Result<MemberEndpoints, Error> {
    let refused = || Error::InvalidName {
        name: text.to_owned(),
        reason: "is not NAME=HOST:CLIENT:PEER, such as etcd-1=10.0.0.11:2379:2380".to_owned(),
    };
    let (name, endpoint) = text.split_once('=').ok_or_else(refused)?;
    let (client, peer) = endpoint.rsplit_once(':').ok_or_else(refused)?;
    let client: Endpoint = client.parse()?;
    let peer = Endpoint::new(client.host(), peer.parse().map_err(|_| refused())?)?;
    Ok(MemberEndpoints::new(name, client, peer))
}

/// The directory of a rotation, and the specification if one is given.
struct Place {
    store: Store,
    cluster: Option<Cluster>,
}

impl Rotate {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let place = self.place(input)?;
        let kind = if self.peers {
            CaKind::Peer
        } else {
            CaKind::Client
        };
        check_layout(&place.store, kind)?;
        let passphrase = self.passphrase.read(input)?;
        let waiting = |directory: &Path| output::waiting_for(directory);
        let options = self.options(&place, passphrase.as_ref(), &waiting)?;
        let rotation = Rotation::read_ca(&place.store, kind)?;
        let before = rotation.stage();
        let needs_gate = !(self.back || self.prepare || self.emergency || self.forget);
        let evidence = if needs_gate {
            self.evidence(&rotation, &place, &options)?
        } else {
            Evidence::new()
        };
        let gate = rotation.gate(&evidence, &options);
        if self.status {
            return self.print(&place, &rotation, &gate, None);
        }
        if needs_gate && !gate.is_open() && !rotation.is_unfinished() {
            self.print(&place, &rotation, &gate, None)?;
            return Ok(Answer::Due);
        }
        let changed = if self.back {
            rotation.back(&options)
        } else if self.prepare {
            rotation.prepare(&options)
        } else if self.emergency {
            rotation.emergency(&options)
        } else if self.forget {
            rotation.forget(&options)
        } else {
            rotation.next(&evidence, &options)
        };
        let changed = match changed {
            Err(error @ Error::GateClosed { .. }) => {
                output::error(&error);
                return Ok(Answer::Due);
            }
            changed => changed?,
        };
        if self.emergency {
            words::warn_of_emergency(&changed);
        }
        let gate = changed.gate(&Evidence::new(), &options);
        self.print(&place, &changed, &gate, Some(before))?;
        Ok(Answer::Yes)
    }

    fn place(&self, input: &Input) -> Result<Place, Failure> {
        let named = self.directory.store();
        let Some(file) = &self.file else {
            let store =
                named.ok_or_else(|| Failure::usage("no directory", "name it with -d DIR"))?;
            return Ok(Place {
                store,
                cluster: None,
            });
        };
        let directory = named.as_ref().map(Store::directory);
        let (cluster, store) = read_cluster(file, directory, input)?;
        Ok(Place {
            store,
            cluster: Some(cluster),
        })
    }

    fn options<'a>(
        &self,
        place: &'a Place,
        passphrase: Option<&'a Passphrase>,
        waiting: &'a dyn Fn(&Path),
    ) -> Result<RotationOptions<'a>, Failure> {
        let mut options = RotationOptions::new().with_waiting(waiting);
        if let Some(cluster) = &place.cluster {
            options = options.with_cluster(cluster);
        }
        if let Some(passphrase) = passphrase {
            options = options.with_passphrase(passphrase);
        }
        Ok(match self.strategy.as_str() {
            "auto" => options,
            strategy => options.with_strategy(strategy.parse::<Strategy>()?),
        })
    }

    /// What is known about the members and clients.
    fn evidence(
        &self,
        rotation: &Rotation,
        place: &Place,
        options: &RotationOptions<'_>,
    ) -> Result<Evidence, Failure> {
        let names = self.names(rotation, place);
        let given = self.endpoint.iter().map(|member| &member.name);
        if let Some(unknown) = self
            .confirm_restarted
            .iter()
            .chain(given)
            .find(|name| !names.is_empty() && !names.contains(name))
        {
            return Err(Failure::usage(
                format!("{unknown} is no member"),
                format!("the members are {}", names.join(", ")),
            ));
        }
        let mut endpoints = self.endpoint.clone();
        for member in place.cluster.iter().flat_map(Cluster::endpoints) {
            if !endpoints.iter().any(|given| given.name == member.name) {
                endpoints.push(member);
            }
        }
        endpoints.retain(|member| !self.confirm_restarted.contains(&member.name));
        let asked = rotation.ask_members(&Probe::new(), &endpoints, options);
        let confirmed = self.confirm_restarted.iter().map(MemberReport::confirmed);
        let mut evidence = Evidence::new().with_members(asked.into_iter().chain(confirmed));
        if self.confirm_clients {
            evidence = evidence.with_clients_confirmed();
        }
        for serial in &self.confirm_issued {
            evidence = evidence.with_unused(serial);
        }
        Ok(evidence)
    }

    /// The names of the members: those of the specification, and those with files in the directory.
    fn names(&self, rotation: &Rotation, place: &Place) -> Vec<String> {
        let spec = place.cluster.iter();
        let named = spec.flat_map(|cluster| &cluster.spec().members);
        let mut names: Vec<String> = named.map(|entry| entry.name.clone()).collect();
        let others = rotation.members().iter();
        let others: Vec<String> = others
            .filter(|name| !names.contains(name))
            .cloned()
            .collect();
        names.extend(others);
        names
    }

    fn print(
        &self,
        place: &Place,
        rotation: &Rotation,
        gate: &Gate,
        before: Option<Stage>,
    ) -> Outcome {
        if self.json {
            output::print_json(&Document::of(rotation, gate, before))?;
        } else {
            let words = Words {
                rotation,
                gate,
                before,
                command: &self.command(place),
                apply: &self.apply(place),
            };
            output::print(&words.text())?;
        }
        Ok(if gate.is_open() || rotation.keeps_previous() {
            Answer::Yes
        } else {
            Answer::Due
        })
    }

    /// The command that goes to the next stage.
    fn command(&self, place: &Place) -> String {
        let peers = if self.peers { " --peers" } else { "" };
        format!("etcd-pki ca rotate {}{peers}", self.location(place))
    }

    /// The command that signs certificates again.
    fn apply(&self, place: &Place) -> String {
        match &self.file {
            Some(_) => format!("etcd-pki apply {}", self.location(place)),
            None => format!(
                "etcd-pki apply -f cluster.yaml -d {}",
                place.store.directory().display()
            ),
        }
    }

    fn location(&self, place: &Place) -> String {
        let directory = place.store.directory().display();
        match (&self.file, self.directory.store()) {
            (Some(file), None) => format!("-f {}", file.display()),
            (Some(file), Some(_)) => format!("-f {} -d {directory}", file.display()),
            (None, _) if place.store.layout() == etcd_pki_core::Layout::default() => {
                format!("-d {directory}")
            }
            (None, _) => format!("-d {directory} --layout {}", place.store.layout()),
        }
    }
}
