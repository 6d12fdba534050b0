//! Following plans with requests: how far they are is told, and they are ended between two changes, which a plan made anew
//! finishes.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use etcd_pki_core::{Bundle, Cluster, Error, HostPlan, HostReport, Progress, SigningPlan, Store};
use etcd_pki_tests::Scratch;

/// The pairs of each host: of its member, the client beside that, and its node
const PAIRS: usize = 3;

/// The machines, below one folder, and what travels between them.
struct Machines {
    hosts: Vec<String>,
    cluster: Cluster,
    scratch: Scratch,
}

impl Machines {
    fn new(hosts: usize) -> Self {
        let hosts: Vec<_> = (1..=hosts).map(|number| format!("etcd-{number}")).collect();
        let names = hosts.join(", ");
        let specification = format!("members: [{names}]\nnodes: [{names}]\n");
        Self {
            hosts,
            cluster: Cluster::from_yaml(&specification).unwrap(),
            scratch: Scratch::new("requests-progress"),
        }
    }

    fn travelling(&self) -> PathBuf {
        self.scratch.path().join("travel")
    }

    fn store(&self, machine: &str) -> Store {
        Store::new(self.scratch.path().join(machine), self.cluster.layout())
    }

    fn plan_host(&self, host: &str) -> HostPlan {
        let (store, travelling) = (self.store(host), self.travelling());
        self.cluster
            .plan_host(&store, host, &travelling, SystemTime::now())
            .unwrap()
    }

    fn plan_signing(&self) -> SigningPlan {
        self.cluster
            .plan_signing(&self.store("ca"), &self.travelling(), SystemTime::now())
            .unwrap()
    }

    fn apply_host(&self, host: &str, progress: impl Progress) -> Result<HostReport, Error> {
        self.plan_host(host)
            .apply(&self.store(host).lock().unwrap(), progress)
            .map_err(Error::from)
    }

    fn apply_on_all_hosts(&self) {
        for host in &self.hosts {
            let _ = self.apply_host(host, |_, _| ()).unwrap();
        }
    }

    /// Each host's pairs fit, and nothing is to be done anywhere.
    fn assert_whole(&self) {
        for host in &self.hosts {
            let plan = self.plan_host(host);
            assert_eq!(plan.changes().count(), 0);
            for step in plan.steps() {
                let pem = |path| fs::read(path).unwrap();
                let paths = step.paths();
                let bundle = Bundle::from_pem(pem(&paths.certificate), pem(&paths.key));
                let _ = bundle.unwrap();
            }
        }
        assert_eq!(self.plan_signing().changes().count(), 0);
    }
}

/// Has enough after so many changes.
struct Enough {
    after: usize,
    done: AtomicUsize,
}

impl Enough {
    fn after(after: usize) -> Self {
        Self {
            after,
            done: AtomicUsize::new(0),
        }
    }
}

impl Progress for Enough {
    fn done(&self, done: usize, _all: usize) {
        self.done.fetch_max(done, Ordering::Relaxed);
    }

    fn is_interrupted(&self) -> bool {
        self.done.load(Ordering::Relaxed) >= self.after
    }
}

#[test]
fn every_change_is_told() {
    let machines = Machines::new(2);
    let told = Mutex::new(Vec::new());
    let tell = |done, all| told.lock().unwrap().push((done, all));
    let taken = || std::mem::take(&mut *told.lock().unwrap());

    let requested = machines.apply_host("etcd-1", tell).unwrap();
    assert_eq!(requested.requested, PAIRS);
    assert_eq!(taken(), [(1, 3), (2, 3), (3, 3)]);
    machines.apply_on_all_hosts();

    // The authority, and each host when it has all its certificates
    let ca = machines.store("ca");
    let plan = machines.plan_signing();
    let signed = plan.apply(&ca.lock().unwrap(), None, tell).unwrap();
    assert_eq!((signed.created, signed.signed), (1, 2 * PAIRS));
    let mut all = taken();
    all.sort_unstable();
    assert_eq!(all, [(1, 7), (4, 7), (7, 7)]);

    // The authority's certificate, and each pair
    let installed = machines.apply_host("etcd-1", tell).unwrap();
    assert_eq!((installed.trusted, installed.installed), (1, PAIRS));
    assert_eq!(taken(), [(1, 4), (2, 4), (3, 4), (4, 4)]);

    let _ = machines.apply_host("etcd-2", |_, _| ()).unwrap();
    machines.assert_whole();
    let _ = machines.apply_host("etcd-1", tell).unwrap();
    let plan = machines.plan_signing();
    let _ = plan.apply(&ca.lock().unwrap(), None, tell).unwrap();
    assert_eq!(taken(), []);
}

#[test]
fn what_waits_is_no_change() {
    let machines = Machines::new(2);
    machines.apply_on_all_hosts();
    let plan = machines.plan_host("etcd-1");
    assert_eq!(plan.changes().count(), PAIRS);
    let never = |_, _| panic!("nothing is done, and nothing is told");
    let report = plan.apply(&machines.store("etcd-1").lock().unwrap(), never);
    assert_eq!(report.unwrap(), HostReport::default());
}

#[test]
fn a_host_is_ended_between_two_changes() {
    let machines = Machines::new(2);
    for _ in 0..2 {
        let ended = machines.apply_host("etcd-1", Enough::after(1));
        assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    }
    // Each time one of them was requested
    let left = machines.plan_host("etcd-1");
    let waiting = left.steps().iter().filter(|step| !step.makes_key()).count();
    assert_eq!(waiting, 2);

    machines.apply_on_all_hosts();
    let plan = machines.plan_signing();
    let _ = plan
        .apply(&machines.store("ca").lock().unwrap(), None, |_, _| ())
        .unwrap();
    // The authority's certificate is trusted, and then one pair at a time takes its place
    for after in [1, 1, 1] {
        let ended = machines.apply_host("etcd-1", Enough::after(after));
        assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    }
    let ended = machines.apply_host("etcd-1", |_, _| ()).unwrap();
    assert_eq!((ended.trusted, ended.installed), (0, 1));
    let _ = machines.apply_host("etcd-2", |_, _| ()).unwrap();
    machines.assert_whole();
}

#[test]
fn signing_is_ended_between_two_hosts() {
    // More than any machine signs for at once
    let hosts = 150;
    let machines = Machines::new(hosts);
    machines.apply_on_all_hosts();
    let sign = |after| {
        let ca = machines.store("ca");
        let plan = machines.plan_signing();
        let signed = plan.apply(&ca.lock().unwrap(), None, Enough::after(after));
        let signed = signed.map_err(Error::from);
        assert!(matches!(signed, Err(Error::Interrupted)), "{signed:?}");
        machines.plan_signing()
    };
    let plan = sign(1);
    // The authority was made, and signs from then on
    assert_eq!(plan.created().count(), 0);
    assert_eq!(plan.changes().count(), hosts * PAIRS);
    assert_eq!(sign(0).changes().count(), hosts * PAIRS);

    let left = sign(1).changes().count();
    assert!((1..hosts * PAIRS).contains(&left), "{left}");
    // A host has all its certificates, or none
    let mut signed = 0;
    for host in &machines.hosts {
        let folder = machines.travelling().join(host);
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
        let is_certificate = |name: &&std::ffi::OsString| {
            let name = name.to_string_lossy();
            name.ends_with(".pem") && name != "ca.pem"
        };
        let certificates = names.iter().filter(is_certificate).count();
        assert!([0, PAIRS].contains(&certificates), "{names:?}");
        assert_eq!(
            names.iter().any(|name| name == "ca.pem"),
            certificates == PAIRS,
            "{names:?}"
        );
        signed += certificates;
    }
    assert_eq!(signed + left, hosts * PAIRS);

    let plan = machines.plan_signing();
    let report = plan
        .apply(&machines.store("ca").lock().unwrap(), None, |_, _| ())
        .unwrap();
    assert_eq!((report.created, report.signed), (0, left));
    machines.apply_on_all_hosts();
    machines.assert_whole();
}
