//! Real etcd clusters: three members that are always killed when their test ends.

mod load;
mod member;
pub(crate) mod ports;
mod servers;
mod watch;

pub mod environment;

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use etcd_pki_core::cluster::Endpoint;

use self::servers::Servers;
pub use self::{
    load::{Client, Load},
    member::Member,
    watch::Watch,
};
use crate::{
    credentials::Credentials,
    output::{Output, run},
    scratch::Scratch,
    tool::Tool,
};

/// A cluster that has no leader by then never gets one.
const HEALTH_LIMIT: Duration = Duration::from_secs(60);
/// A message is in the log within moments.
const LOG_LIMIT: Duration = Duration::from_secs(10);
/// No test needs one cluster longer.
const LIFE_LIMIT: Duration = Duration::from_secs(300);

/// Allows one cluster at a time: the machine may be small, and a slow election looks like a refused
/// certificate.
static ONE_CLUSTER: Mutex<()> = Mutex::new(());

/// A version of etcd, from the oldest to the newest that are available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 3.4, Debian's
    Oldest,
    /// 3.5, built with Go 1.16
    V3_5,
    /// 3.7, built from its modules
    Newest,
}

impl Version {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Oldest, Self::V3_5, Self::Newest];

    fn etcd(self) -> Tool {
        match self {
            Self::Oldest => Tool::ETCD_OLDEST,
            Self::V3_5 => Tool::ETCD_3_5,
            Self::Newest => Tool::ETCD_NEWEST,
        }
    }

    fn etcdctl(self) -> Tool {
        match self {
            Self::Oldest => Tool::ETCDCTL_OLDEST,
            Self::V3_5 => Tool::ETCDCTL_3_5,
            Self::Newest => Tool::ETCDCTL_NEWEST,
        }
    }
}

/// A running cluster on 127.0.0.1. Its client and peer ports require certificates.
///
/// It belongs to the thread that starts it. No other cluster starts in this process at the same
/// time.
#[derive(Debug)]
pub struct Cluster {
    version: Version,
    members: Vec<Running>,
    servers: Servers,
    scratch: Scratch,
    _only: MutexGuard<'static, ()>,
}

#[derive(Debug)]
struct Running {
    name: String,
    server: usize,
    member: Member,
    initial: String,
    client_url: String,
    peer_url: String,
    log: PathBuf,
}

impl Cluster {
    /// Starts the members, and waits until each answers `etcdctl endpoint health` with these
    /// credentials.
    #[must_use]
    pub fn start(version: Version, members: &[Member], health: &Credentials) -> Self {
        let only = ONE_CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
        let scratch = Scratch::new("etcd");
        let urls: Vec<(String, String)> = members.iter().map(Member::free_urls).collect();
        let initial: Vec<String> = members
            .iter()
            .zip(&urls)
            .map(|(member, (_, peer_url))| format!("{}={peer_url}", member.name()))
            .collect();
        let mut cluster = Self {
            version,
            members: Vec::new(),
            servers: Servers::until(Instant::now() + LIFE_LIMIT),
            scratch,
            _only: only,
        };
        for (member, (client_url, peer_url)) in members.iter().zip(urls) {
            cluster.launch(member, client_url, peer_url, &initial.join(","));
        }
        cluster.wait_for_health(health);
        cluster
    }

    fn launch(&mut self, member: &Member, client_url: String, peer_url: String, initial: &str) {
        let name = member.name().to_owned();
        let log = self.scratch.path().join(format!("{name}.log"));
        let mut running = Running {
            name,
            server: 0,
            member: member.clone(),
            initial: initial.to_owned(),
            client_url,
            peer_url,
            log,
        };
        running.server = self.servers.start(&mut self.command(&running));
        self.members.push(running);
    }

    /// The command that starts a member, for the first time or again.
    fn command(&self, running: &Running) -> Command {
        let directory = self.scratch.path().join(&running.name);
        let log_file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&running.log)
            .expect("a log file");
        let mut command = self.version.etcd().server();
        command
            // Settings of this machine for another etcd have no effect.
            .env_clear()
            .envs(running.member.settings())
            .env("ETCD_NAME", &running.name)
            .env("ETCD_DATA_DIR", &directory)
            .env("ETCD_LISTEN_CLIENT_URLS", &running.client_url)
            .env("ETCD_ADVERTISE_CLIENT_URLS", &running.client_url)
            .env("ETCD_LISTEN_PEER_URLS", &running.peer_url)
            .env("ETCD_INITIAL_ADVERTISE_PEER_URLS", &running.peer_url)
            .env("ETCD_INITIAL_CLUSTER", &running.initial)
            .env("ETCD_INITIAL_CLUSTER_STATE", "new")
            // Half of the usual values: the first leader is elected in half the time.
            .env("ETCD_HEARTBEAT_INTERVAL", "50")
            .env("ETCD_ELECTION_TIMEOUT", "500")
            // 3.4 would log in another format.
            .env("ETCD_LOGGER", "zap")
            .env("ETCD_LOG_OUTPUTS", "stderr")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log_file);
        command
    }

    /// Restarts a member as a service manager does, and waits until it is healthy. It loads its
    /// trusted CAs again.
    pub fn restart(&self, member: usize, health: &Credentials) {
        let running = &self.members[member];
        self.servers
            .restart(running.server, &mut self.command(running));
        let deadline = Instant::now() + HEALTH_LIMIT;
        loop {
            let is_healthy = running.listens()
                && self
                    .etcdctl_at(&running.client_url, health, &["endpoint", "health"])
                    .success();
            if is_healthy {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "member {} is not healthy after its restart",
                running.name
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_for_health(&self, credentials: &Credentials) {
        let deadline = Instant::now() + HEALTH_LIMIT;
        loop {
            assert!(
                self.servers.all_run(),
                "a member of etcd {:?} has ended",
                self.version
            );
            // etcdctl connects once and then waits for a second, so it starts when all members
            // listen.
            let state = if self.members.iter().all(Running::listens) {
                let health = self.etcdctl(credentials, &["endpoint", "health"]);
                if health.success() {
                    return;
                }
                health.stderr().to_owned()
            } else {
                "a member does not listen".to_owned()
            };
            assert!(
                Instant::now() < deadline,
                "etcd {:?} is not healthy after {HEALTH_LIMIT:?}: {state}",
                self.version,
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The client URL of a member, by its position in the list of members.
    #[must_use]
    pub fn client_url(&self, member: usize) -> &str {
        &self.members[member].client_url
    }

    /// The peer URL of a member, by its position in the list of members.
    #[must_use]
    pub fn peer_url(&self, member: usize) -> &str {
        &self.members[member].peer_url
    }

    /// Host and port of the client URL and of the peer URL of a member.
    #[must_use]
    pub fn endpoints_of(&self, member: usize) -> [Endpoint; 2] {
        let running = &self.members[member];
        [&running.client_url, &running.peer_url].map(|url| {
            let (_, address) = url.split_once("://").expect("a URL");
            address.parse().expect("a host and a port")
        })
    }

    /// The client URLs of all, separated by commas.
    #[must_use]
    pub fn endpoints(&self) -> String {
        let urls: Vec<_> = self
            .members
            .iter()
            .map(|member| member.client_url.as_str())
            .collect();
        urls.join(",")
    }

    /// Runs etcdctl of the cluster's version with all its members.
    #[must_use]
    pub fn etcdctl(&self, credentials: &Credentials, arguments: &[&str]) -> Output {
        self.etcdctl_at(&self.endpoints(), credentials, arguments)
    }

    /// Runs etcdctl with some of the members.
    #[must_use]
    pub fn etcdctl_at(
        &self,
        endpoints: &str,
        credentials: &Credentials,
        arguments: &[&str],
    ) -> Output {
        let command = self.version.etcdctl().command();
        let mut command = self.etcdctl_command(command, endpoints, credentials);
        // It repeats refused calls.
        command
            .args(["--dial-timeout=2s", "--command-timeout=2s"])
            .args(arguments);
        run(&mut command)
    }

    /// Adds the endpoints and the credentials to a command of etcdctl.
    fn etcdctl_command(
        &self,
        mut command: Command,
        endpoints: &str,
        credentials: &Credentials,
    ) -> Command {
        command
            .env_clear()
            .env("ETCDCTL_ENDPOINTS", endpoints)
            .env("ETCDCTL_CACERT", &credentials.ca);
        if let Some(pair) = &credentials.pair {
            command
                .env("ETCDCTL_CERT", &pair.certificate)
                .env("ETCDCTL_KEY", &pair.key);
        }
        if self.version == Version::Oldest {
            // Debian's etcdctl uses the API of etcd 2 otherwise.
            command.env("ETCDCTL_API", "3");
        }
        command
    }

    /// The log of a member until now.
    #[must_use]
    pub fn log(&self, member: usize) -> String {
        read_log(&self.members[member].log)
    }

    /// Waits until the log of a member contains `text`. Fails the test if that does not happen.
    #[track_caller]
    pub fn wait_for_log(&self, member: usize, text: &str) {
        let deadline = Instant::now() + LOG_LIMIT;
        while !self.log(member).contains(text) {
            assert!(
                Instant::now() < deadline,
                "member {} has not logged `{text}`",
                self.members[member].name
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Running {
    fn listens(&self) -> bool {
        let (_, address) = self.client_url.split_once("://").expect("a URL");
        TcpStream::connect(address).is_ok()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if thread::panicking() {
            for member in &self.members {
                eprintln!("--- the end of {}", member.log.display());
                let log = read_log(&member.log);
                let lines: Vec<_> = log.lines().collect();
                for line in &lines[lines.len().saturating_sub(15)..] {
                    eprintln!("{line}");
                }
            }
        }
    }
}

fn read_log(log: &Path) -> String {
    String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned()
}
