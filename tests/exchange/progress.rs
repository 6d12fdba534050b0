//! The progress of plans with requests: each change is reported, and the next plan finishes a plan
//! that was interrupted between two changes.
use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use etcd_pki_core::{
    Bundle, Certificate, Cluster, Error, Plan, Store,
    plan::{Action, ApplyOptions, PlanOptions, Progress, Report, Step},
    x509::Fingerprint,
};
use etcd_pki_tests::Scratch;

/// The pairs of each host: its member, the client of that member, and its node
const PAIRS: usize = 3;

/// The machines, in one folder, and the exchange directory.
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

    fn exchange(&self) -> PathBuf {
        self.scratch.path().join("exchange")
    }

    fn store(&self, machine: &str) -> Store {
        Store::new(self.scratch.path().join(machine), self.cluster.layout())
    }

    fn plan_host(&self, host: &str) -> Plan {
        let options = PlanOptions::new().with_host(host);
        let mut options = options.with_exchange(self.exchange());
        if let Ok(ca) = fs::read(self.store("ca").directory().join("ca.pem")) {
            let ca = Certificate::from_bytes(&ca).unwrap();
            options = options.with_trust(Fingerprint::of(&ca));
        }
        self.cluster.plan_with(&self.store(host), &options).unwrap()
    }

    fn plan_signing(&self) -> Plan {
        let options = PlanOptions::new().with_exchange(self.exchange());
        self.cluster.plan_with(&self.store("ca"), &options).unwrap()
    }

    fn apply_host(&self, host: &str, progress: impl Progress) -> Result<Report, Error> {
        apply(&self.plan_host(host), progress)
    }

    fn apply_on_all_hosts(&self) {
        for host in &self.hosts {
            let _ = self.apply_host(host, |_, _| ()).unwrap();
        }
    }

    /// The pairs of each host match, and nothing is due anywhere.
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

fn apply(plan: &Plan, progress: impl Progress) -> Result<Report, Error> {
    let options = ApplyOptions::new().with_progress(&progress);
    plan.apply_with(&options)?.into_result()
}

/// Interrupts the work after this number of changes.
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
fn every_change_is_reported() {
    let machines = Machines::new(2);
    let reported = Mutex::new(Vec::new());
    let tell = |done, all| reported.lock().unwrap().push((done, all));
    let taken = || std::mem::take(&mut *reported.lock().unwrap());

    let requested = machines.apply_host("etcd-1", tell).unwrap();
    assert_eq!(requested.count(Action::Request), PAIRS);
    assert_eq!(taken(), [(1, 3), (2, 3), (3, 3)]);
    machines.apply_on_all_hosts();

    // One change for the CA, and one for each host when it has all its certificates
    let signed = apply(&machines.plan_signing(), tell).unwrap();
    let counts = [Action::Create, Action::Sign, Action::Trust].map(|action| signed.count(action));
    assert_eq!(counts, [1, 2 * PAIRS, 2]);
    let all = taken();
    assert_eq!(all.first(), Some(&(1, 9)));
    assert_eq!(all.iter().max(), Some(&(9, 9)));

    // One change for the CA certificate, and one for each pair
    let installed = machines.apply_host("etcd-1", tell).unwrap();
    let counts = [Action::Trust, Action::Install].map(|action| installed.count(action));
    assert_eq!(counts, [1, PAIRS]);
    assert_eq!(taken(), [(1, 4), (2, 4), (3, 4), (4, 4)]);

    let _ = machines.apply_host("etcd-2", |_, _| ()).unwrap();
    machines.assert_whole();
    let _ = machines.apply_host("etcd-1", tell).unwrap();
    let _ = apply(&machines.plan_signing(), tell).unwrap();
    assert_eq!(taken(), []);
}

#[test]
fn what_waits_is_no_change() {
    let machines = Machines::new(2);
    machines.apply_on_all_hosts();
    let plan = machines.plan_host("etcd-1");
    assert_eq!(plan.changes().count(), PAIRS);
    let never = |_, _| panic!("nothing is done, and nothing is reported");
    let report = apply(&plan, never).unwrap();
    assert_eq!((report.changed(), report.steps().count()), (0, 0));
}

#[test]
fn a_host_is_ended_between_two_changes() {
    let machines = Machines::new(2);
    for _ in 0..2 {
        let ended = machines.apply_host("etcd-1", Enough::after(1));
        assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    }
    // One more request was written each time
    let left = machines.plan_host("etcd-1");
    let waiting = left.steps().iter().filter(|step| !step.makes_key()).count();
    assert_eq!(waiting, 2);

    machines.apply_on_all_hosts();
    let _ = apply(&machines.plan_signing(), |_, _| ()).unwrap();
    // The first change trusts the CA certificate. Then each change replaces one pair
    for after in [1, 1, 1] {
        let ended = machines.apply_host("etcd-1", Enough::after(after));
        assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    }
    let ended = machines.apply_host("etcd-1", |_, _| ()).unwrap();
    let counts = [Action::Trust, Action::Install].map(|action| ended.count(action));
    assert_eq!(counts, [0, 1]);
    let _ = machines.apply_host("etcd-2", |_, _| ()).unwrap();
    machines.assert_whole();
}

#[test]
fn signing_is_ended_between_two_hosts() {
    // More than any machine signs in parallel
    let hosts = 150;
    let machines = Machines::new(hosts);
    machines.apply_on_all_hosts();
    let sign = |after| {
        let signed = apply(&machines.plan_signing(), Enough::after(after));
        assert!(matches!(signed, Err(Error::Interrupted)), "{signed:?}");
        machines.plan_signing()
    };
    let plan = sign(1);
    // The CA exists, and signs from then on
    assert_eq!(plan.steps()[0].action(), Action::Keep);
    let unsigned = |plan: &Plan| {
        let signs = |step: &&Step| step.action() == Action::Sign;
        plan.changes().filter(signs).count()
    };
    assert_eq!(unsigned(&plan), hosts * PAIRS);
    assert_eq!(unsigned(&sign(0)), hosts * PAIRS);

    let left = unsigned(&sign(1));
    assert!((1..hosts * PAIRS).contains(&left), "{left}");
    // A host has all its certificates, or none
    let mut signed = 0;
    for host in &machines.hosts {
        let folder = machines.exchange().join(host);
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

    let report = apply(&machines.plan_signing(), |_, _| ()).unwrap();
    let counts = [Action::Create, Action::Sign].map(|action| report.count(action));
    assert_eq!(counts, [0, left]);
    machines.apply_on_all_hosts();
    machines.assert_whole();
}
