//! Rotations of the CA of real clusters under constant reads, writes and a watch: no request is
//! lost, and no stage begins before it is safe.

use std::{fs, path::Path, time::Duration};

use etcd_pki_core::{
    Certificate, Layout, Role,
    cluster::{CaSpec, ClusterSpec, EntrySpec, Peers, PortsSpec},
    layout::PairPaths,
    probe::{Answer, Probe},
    x509::AdvertisedCa,
};
use etcd_pki_tests::{
    Credentials, Output, Scratch,
    command::etcd_pki_in,
    etcd::{Client, Cluster, Load, Member, Version, Watch},
    kubespray::Kubespray,
    openssl,
};
use serde_json::Value;

const HOSTS: [&str; 3] = ["etcd-1", "etcd-2", "etcd-3"];
/// A client gives up after ten seconds
const RETRIES: usize = 40;
const PAUSE: Duration = Duration::from_millis(250);
/// Everything that clients write
const PREFIX: &str = "load/";

/// A running cluster, and the directory of its files.
struct Live<'a> {
    directory: &'a Path,
    cluster: Cluster,
    root: Credentials,
}

/// Three members on this machine, and a client.
fn specification() -> ClusterSpec {
    ClusterSpec {
        directory: Some(".".into()),
        members: HOSTS
            .iter()
            .map(|host| EntrySpec::new(*host).with_names(["127.0.0.1"]).unwrap())
            .collect(),
        clients: vec!["root".into()],
        ..ClusterSpec::default()
    }
}

fn pair(directory: &Path, role: Role, name: &str) -> PairPaths {
    Layout::Kubespray.pairs(role, name).unwrap()[0].below(directory)
}

fn write(directory: &Path, spec: &ClusterSpec) {
    fs::write(directory.join("cluster.yaml"), spec.to_yaml()).unwrap();
}

/// Copies a file to another directory.
fn copy(file: &Path, to: &Path) -> std::path::PathBuf {
    let copy = to.join(file.file_name().unwrap());
    fs::copy(file, &copy).unwrap();
    copy
}

impl<'a> Live<'a> {
    /// Makes the missing files of the specification, and starts the members.
    fn make(version: Version, directory: &'a Path, spec: ClusterSpec) -> Self {
        write(directory, &spec);
        let _ = etcd_pki_in(directory, "apply -f cluster.yaml").expect_success();
        let root = pair(directory, Role::Client, "root");
        Self::start(version, directory, spec, root)
    }

    /// Starts the members, and adds their ports to the specification. The client `root` has this
    /// pair.
    fn start(
        version: Version,
        directory: &'a Path,
        mut spec: ClusterSpec,
        root: PairPaths,
    ) -> Self {
        let ca = directory.join("ca.pem");
        let root = Credentials::new(&ca, root);
        let members = HOSTS.map(|host| {
            let member = pair(directory, Role::Member, host);
            let member = Member::with_pair(host, &Credentials::new(&ca, member));
            let peer = Layout::Kubespray.peer_pair(host).unwrap().below(directory);
            if peer.certificate.exists() {
                return member.with_peer(&Credentials::new(directory.join("peer-ca.pem"), peer));
            }
            member
        });
        let cluster = Cluster::start(version, &members, &root);
        for (number, member) in spec.members.iter_mut().enumerate() {
            let [client, peer] = cluster.endpoints_of(number).map(|one| Some(one.port()));
            member.ports = PortsSpec { client, peer };
        }
        write(directory, &spec);
        Self {
            directory,
            cluster,
            root,
        }
    }

    fn run(&self, line: &str) -> Output {
        etcd_pki_in(self.directory, line)
    }

    /// Goes to another stage.
    #[track_caller]
    fn rotate(&self, options: &str, stage: &str) {
        let line = format!("ca rotate -f cluster.yaml --json {options}");
        let document = self.run(&line).expect_success().json();
        assert_eq!(document["stage"], stage, "{document:#}");
    }

    /// Tries to go to the next stage, which is not safe yet. Nothing changes.
    #[track_caller]
    fn is_refused(&self, options: &str) {
        let files = || {
            ["ca.pem", "ca-key.pem", "peer-ca.pem"]
                .map(|name| fs::read(self.directory.join(name)).ok())
        };
        let before = files();
        let output = self.run(&format!("ca rotate -f cluster.yaml {options}"));
        let output = output.expect_code(3);
        assert!(output.stdout().contains("closed"), "{}", output.stdout());
        assert_eq!(files(), before);
    }

    fn status(&self, options: &str) -> Value {
        let line = format!("ca rotate -f cluster.yaml --status --json {options}");
        let output = self.run(&line);
        assert!([Some(0), Some(3)].contains(&output.code()), "{output:?}");
        let document = output.json();
        let is_open = output.code() == Some(0);
        assert!(
            is_open || document["gate"] == "closed",
            "{:?}: {document:#}",
            output.code()
        );
        document
    }

    #[track_caller]
    fn is_at(&self, stage: &str, strategy: &str, gate: &str) {
        let status = self.status("");
        assert_eq!(status["stage"], stage, "{status:#}");
        assert_eq!(status["strategy"], strategy, "{status:#}");
        assert_eq!(status["gate"], gate, "{status:#}");
    }

    /// Signs certificates again where it is due.
    #[track_caller]
    fn apply(&self, options: &str) {
        let line = format!("apply -f cluster.yaml {options}");
        let _ = self.run(&line).expect_success();
    }

    /// The CAs in a trust bundle, the signing one first.
    fn cas(&self, file: &str) -> Vec<Certificate> {
        Certificate::all_from_bytes(&fs::read(self.directory.join(file)).unwrap()).unwrap()
    }

    /// The answers of a member's client port and peer port.
    fn ask(&self, member: usize) -> [Answer; 2] {
        let endpoints = self.cluster.endpoints_of(member);
        endpoints.map(|endpoint| Probe::new().ask(&endpoint).unwrap())
    }

    /// Checks which CA has signed the certificate that each member serves on both ports.
    #[track_caller]
    fn serves(&self, issuers: [&Certificate; 3]) {
        for (member, issuer) in issuers.into_iter().enumerate() {
            for answer in self.ask(member) {
                let served = answer.certificate().unwrap();
                served.check_issued_by(issuer).unwrap();
            }
        }
    }

    /// Checks which CAs a member has loaded on both ports.
    #[track_caller]
    fn trusts(&self, member: usize, cas: &[&Certificate]) {
        let cas: Vec<AdvertisedCa> = cas.iter().map(|ca| AdvertisedCa::of(ca).unwrap()).collect();
        for answer in self.ask(member) {
            assert_eq!(answer.advertised(), Some(&cas[..]), "{}", HOSTS[member]);
        }
    }

    fn restart(&self, member: usize) {
        self.cluster.restart(member, &self.root);
    }

    fn restart_all(&self) {
        for member in 0..HOSTS.len() {
            self.restart(member);
        }
    }

    /// Clients that keep the files of this moment.
    fn frozen(&self, to: &Path) -> Credentials {
        let pair = self.root.pair.as_ref().unwrap();
        Credentials::new(
            copy(&self.root.ca, to),
            PairPaths {
                certificate: copy(&pair.certificate, to),
                key: copy(&pair.key, to),
            },
        )
    }

    /// Drops the old CA in the last stages of a rotation: the new one alone is in the bundle, and
    /// the old key is removed.
    fn finish(&self, new: &Certificate) {
        self.rotate("--confirm-clients", "steady");
        assert_eq!(self.cas("ca.pem"), std::slice::from_ref(new));
        self.rotate("--back", "switched");
        self.rotate("--confirm-clients", "steady");
        self.apply("");
        self.restart_all();
        for member in 0..HOSTS.len() {
            self.trusts(member, &[new]);
            for answer in self.ask(member) {
                assert_eq!(answer.chain().len(), 1, "the link certificate is served");
            }
        }
        self.rotate("--forget", "steady");
        assert!(!self.directory.join("ca-previous-key.pem").exists());
    }
}

/// Checks that a watch that began before the load has reported every write.
fn sees_all(watch: &Watch<'_>, load: &Load<'_>) {
    let written = load.written();
    // Events arrive in order, so the others have arrived before this one
    watch.wait_for_a_key();
    let seen = watch.seen();
    let missing: Vec<_> = written.keys().filter(|key| !seen.contains(*key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// No member is restarted until all certificates are of the new CA, and clients that trust the old one
/// alone are served until then.
fn by_link(version: Version) {
    let scratch = Scratch::new("link");
    let old_files = Scratch::new("link-old");
    let directory = scratch.path();
    let live = Live::make(version, directory, specification());
    let frozen = live.frozen(old_files.path());
    let load = Load::new(&live.cluster, RETRIES, PAUSE);
    let [current, old] = [("current", &live.root), ("old", &frozen)]
        .map(|(name, credentials)| Client::new(name, credentials));
    // It begins before the load, so it sees everything
    let watch = live.cluster.watch(PREFIX, &frozen);
    load.during(&[&current, &old], || {
        let a = live.cas("ca.pem").remove(0);
        live.is_at("steady", "link", "open");
        live.rotate("", "switched");
        // The stage between exists in the files, although nothing waits in it
        live.rotate("--back", "trusted");
        live.is_at("trusted", "link", "open");
        live.rotate("--back", "steady");
        assert_eq!(live.cas("ca.pem"), std::slice::from_ref(&a));
        live.rotate("", "switched");
        let b = live.cas("ca.pem").remove(0);
        live.is_refused("--confirm-clients");
        // One member first
        live.apply("--only etcd-1");
        live.serves([&b, &a, &a]);
        live.is_refused("--confirm-clients");
        live.apply("");
        live.serves([&b, &b, &b]);
        // All the way back, and again
        live.rotate("--back", "trusted");
        live.apply("");
        live.serves([&a, &a, &a]);
        live.rotate("--back", "steady");
        live.rotate("", "switched");
        live.apply("");
        let b = live.cas("ca.pem").remove(0);
        live.serves([&b, &b, &b]);
        for member in 0..HOSTS.len() {
            live.trusts(member, &[&a]);
            live.is_refused("--confirm-clients");
            live.restart(member);
            live.trusts(member, &[&b, &a]);
            watch.wait_for_a_key();
        }
        // Clients trust the old CA alone, and are still served
        live.is_refused("");
        live.is_at("switched", "link", "closed");
        sees_all(&watch, &load);
        old.stop();
        drop(watch);
        live.finish(&b);
    });
    load.check(&live.root, 60);
}

/// Makes a certificate with these extensions for the CA's key, with OpenSSL.
fn certify(directory: &Path, extensions: &[&str]) {
    let extensions = extensions.join("\n");
    let configuration = format!(
        "[req]\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\n[ca]\n{extensions}\n\
         subjectKeyIdentifier=hash\n"
    );
    fs::write(directory.join("ca.conf"), configuration).unwrap();
    let _ = openssl::call(
        directory,
        "req -x509 -new -key ca-key.pem -config ca.conf -days 3650 -subj /CN=etcd-ca -out ca.pem",
    );
}

fn certify_with_path_length(directory: &Path, path_length: u8) {
    let path_length = format!("basicConstraints=critical,CA:TRUE,pathlen:{path_length}");
    certify(
        directory,
        &[&path_length, "keyUsage=critical,keyCertSign,cRLSign"],
    );
}

/// A CA with path length 0: all are restarted before the new CA signs.
fn by_bundle(version: Version) {
    let scratch = Scratch::new("bundle");
    let directory = scratch.path();
    let _ = openssl::call(
        directory,
        "ecparam -name prime256v1 -genkey -noout -out ca-key.pem",
    );
    certify_with_path_length(directory, 0);
    let live = Live::make(version, directory, specification());
    let load = Load::new(&live.cluster, RETRIES, PAUSE);
    let current = Client::new("current", &live.root);
    let [first_files, second_files] = ["bundle-1", "bundle-2"].map(Scratch::new);
    let watch = live.cluster.watch(PREFIX, &live.frozen(first_files.path()));
    load.during(&[&current], || {
        let a = live.cas("ca.pem").remove(0);
        live.is_at("steady", "bundle", "open");
        live.rotate("", "trusted");
        live.rotate("--back", "steady");
        assert_eq!(live.cas("ca.pem"), std::slice::from_ref(&a));
        live.rotate("", "trusted");
        let b = live.cas("ca.pem").remove(1);
        for member in 0..HOSTS.len() {
            live.is_refused("--confirm-clients");
            live.restart(member);
            live.trusts(member, &[&a, &b]);
            watch.wait_for_a_key();
        }
        live.is_refused("");
        live.is_at("trusted", "bundle", "closed");
        // The watch is a client, and is restarted with the new bundle
        sees_all(&watch, &load);
        drop(watch);
        let restarted = live.frozen(second_files.path());
        let watch = live.cluster.watch(PREFIX, &restarted);
        live.rotate("--confirm-clients", "switched");
        live.rotate("--back", "trusted");
        live.serves([&a, &a, &a]);
        live.rotate("--confirm-clients", "switched");
        live.apply("--only etcd-1");
        live.serves([&b, &a, &a]);
        live.is_refused("--confirm-clients");
        live.apply("");
        live.serves([&b, &b, &b]);
        live.is_refused("");
        watch.wait_for_a_key();
        live.finish(&b);
    });
    load.check(&live.root, 60);
}

#[test]
fn by_link_on_the_oldest_etcd() {
    by_link(Version::Oldest);
}

#[test]
fn by_link_on_the_newest_etcd() {
    by_link(Version::Newest);
}

#[test]
fn by_bundle_on_the_oldest_etcd() {
    by_bundle(Version::Oldest);
}

#[test]
fn by_bundle_on_the_newest_etcd() {
    by_bundle(Version::Newest);
}

/// Kubespray's CA has no keyUsage and no path length. Its successor is strict.
#[test]
fn from_a_ca_of_kubespray() {
    let old = Kubespray::create(&HOSTS, &[]);
    let directory = old.path();
    // New versions of OpenSSL add keyUsage to it
    certify(directory, &["basicConstraints=critical,CA:TRUE"]);
    let adopted = etcd_pki_in(directory, "adopt .").expect_success();
    let mut spec = ClusterSpec::from_yaml(adopted.stdout()).unwrap();
    spec.directory = Some(".".into());
    for member in &mut spec.members {
        member.addresses = vec!["127.0.0.1".parse().unwrap()];
    }
    let live = Live::start(Version::Newest, directory, spec, old.admin(HOSTS[0]));
    let load = Load::new(&live.cluster, RETRIES, PAUSE);
    let current = Client::new("current", &live.root);
    load.during(&[&current], || {
        let a = live.cas("ca.pem").remove(0);
        assert_eq!((a.key_usages(), a.path_length()), (None, None));
        live.is_at("steady", "link", "open");
        live.rotate("", "switched");
        let b = live.cas("ca.pem").remove(0);
        assert_eq!(
            (b.key_usages().map(<[_]>::len), b.path_length()),
            (Some(2), Some(1))
        );
        live.apply("--only etcd-1");
        live.apply("");
        live.serves([&b, &b, &b]);
        live.is_refused("--confirm-clients");
        live.restart_all();
        live.finish(&b);
        let _ = live.run("check .").expect_success();
    });
    load.check(&live.root, 20);
}

/// With a separate peer CA, each CA is rotated while the other stays.
#[test]
fn both_cas_of_separate_peers() {
    let scratch = Scratch::new("peers");
    let directory = scratch.path();
    let spec = ClusterSpec {
        ca: CaSpec {
            peers: Some(Peers::Separate),
            ..CaSpec::default()
        },
        ..specification()
    };
    let live = Live::make(Version::Newest, directory, spec);
    let load = Load::new(&live.cluster, RETRIES, PAUSE);
    let current = Client::new("current", &live.root);
    load.during(&[&current], || {
        for (file, other, options) in [
            ("ca.pem", "peer-ca.pem", ""),
            ("peer-ca.pem", "ca.pem", "--peers"),
        ] {
            let (a, kept) = (live.cas(file).remove(0), live.cas(other));
            let confirmed = format!("{options} --confirm-clients");
            // The strategy of each CA is what its members have shown
            if live.status(options)["strategy"] == "bundle" {
                live.rotate(options, "trusted");
                live.is_refused(&confirmed);
                live.restart_all();
                live.rotate(&confirmed, "switched");
            } else {
                live.rotate(options, "switched");
            }
            let b = live.cas(file).remove(0);
            assert_ne!(b, a);
            live.is_refused(&confirmed);
            live.apply("");
            live.restart_all();
            live.rotate(&confirmed, "steady");
            assert_eq!(live.cas(file), [b]);
            assert_eq!(live.cas(other), kept);
            live.apply("");
            live.rotate(&format!("{options} --forget"), "steady");
        }
        live.restart_all();
        for member in 0..HOSTS.len() {
            let files = ["ca.pem", "peer-ca.pem"];
            for (answer, file) in live.ask(member).iter().zip(files) {
                let ca = live.cas(file).remove(0);
                let expected = AdvertisedCa::of(&ca).unwrap();
                assert_eq!(answer.advertised(), Some(&[expected][..]), "{file}");
                answer.certificate().unwrap().check_issued_by(&ca).unwrap();
            }
        }
    });
    load.check(&live.root, 20);
}

/// What counts is the certificate of the CA that the members have loaded, not the file: a CA that
/// was renewed with a longer path length still needs the other strategy until they are restarted.
#[test]
fn a_path_length_counts_after_the_restart() {
    let scratch = Scratch::new("path-length");
    let directory = scratch.path();
    let _ = openssl::call(
        directory,
        "ecparam -name prime256v1 -genkey -noout -out ca-key.pem",
    );
    certify_with_path_length(directory, 0);
    let live = Live::make(Version::Newest, directory, specification());
    live.is_at("steady", "bundle", "open");
    certify_with_path_length(directory, 1);
    live.is_at("steady", "bundle", "open");
    live.is_refused("--strategy link");
    for member in 0..HOSTS.len() {
        live.is_at("steady", "bundle", "open");
        live.restart(member);
    }
    live.is_at("steady", "link", "open");
}
