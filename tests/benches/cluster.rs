//! A cluster's certificates, whole: against Kubespray's openssl commands for 100 hosts, and against reading the files for 10,000,
//! with the memory that each certificate takes: `cargo bench --package etcd-pki-tests --bench cluster`. It takes some minutes, most of them openssl's.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot do its job must stop"
)]

use std::{fs, path::Path, time::Instant};

use etcd_pki_core::{Cluster, ClusterSpec, DefaultsSpec, EntrySpec, KeyAlgorithm, Store};
use etcd_pki_tests::{Scratch, kubespray::Kubespray};

const ROUNDS: usize = 5;

fn main() {
    let hosts: Vec<String> = (0..100).map(|number| format!("host-{number}")).collect();
    let names: Vec<&str> = hosts.iter().map(String::as_str).collect();

    println!("100 hosts, members and nodes at once: 301 certificates, files durable");
    let openssl = timed("openssl, Kubespray's commands", || {
        drop(Kubespray::create(&names, &names));
    });
    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcP256] {
        let scratch = Scratch::new("bench");
        let ours = timed(&format!("etcd-pki apply, {algorithm}"), || {
            apply(&cluster(100, algorithm), scratch.path());
        });
        println!("  {:<34} {:>8.1} times as fast", "", openssl / ours);
    }

    for hosts in [1_000, 10_000] {
        let certificates = 3 * hosts + 1;
        println!("{hosts} hosts: {certificates} certificates, ec-p256");
        let scratch = Scratch::new("bench");
        let cluster = cluster(hosts, KeyAlgorithm::EcP256);
        timed_with_memory("apply", certificates, || apply(&cluster, scratch.path()));
        let again = || apply(&cluster, scratch.path());
        timed_with_memory("apply again, nothing to do", certificates, again);

        let mut rounds: Vec<[f64; 2]> = (0..ROUNDS)
            .map(|_| [seconds(again), seconds(|| read_all(scratch.path()))])
            .collect();
        rounds.sort_by(|one, other| (one[0] / one[1]).total_cmp(&(other[0] / other[1])));
        let [again, read] = rounds[ROUNDS / 2];
        println!(
            "  {:<34} {again:>8.2} s, reading the files {read:.2} s: {:.2} times as long",
            format!("again, the median of {ROUNDS} rounds"),
            again / read
        );
    }
}

fn seconds(job: impl FnOnce()) -> f64 {
    let began = Instant::now();
    job();
    began.elapsed().as_secs_f64()
}

fn timed(what: &str, job: impl FnOnce()) -> f64 {
    let seconds = seconds(job);
    println!("  {what:<34} {seconds:>8.2} s");
    seconds
}

/// Tells the memory too that the process had at most, over what it had before.
fn timed_with_memory(what: &str, certificates: u32, job: impl FnOnce()) {
    // Forgets the most that there was (`proc_pid_clear_refs(5)`)
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS:");
    let seconds = seconds(job);
    let most = memory("VmHWM:").saturating_sub(before);
    println!(
        "  {what:<34} {seconds:>8.2} s, {:>5.1} MB more: {:.1} kB for each certificate",
        most as f64 / 1e3,
        most as f64 / f64::from(certificates)
    );
}

/// A line of `proc_pid_status(5)`, in kB.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// Each host is a member, with its admin, and a node, as Kubespray's groups are on small clusters.
fn cluster(hosts: u32, algorithm: KeyAlgorithm) -> Cluster {
    let host = |number: u32| EntrySpec::new(format!("host-{number}"));
    let address = |number: u32| std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string();
    let members = (0..hosts).map(|number| host(number).with_names([address(number)]).unwrap());
    let cluster = Cluster::try_from(ClusterSpec {
        defaults: DefaultsSpec {
            algorithm: Some(algorithm),
            ..DefaultsSpec::default()
        },
        members: members.collect(),
        nodes: (0..hosts).map(host).collect(),
        ..ClusterSpec::default()
    });
    cluster.unwrap()
}

fn apply(cluster: &Cluster, directory: &Path) {
    let store = Store::new(directory, cluster.layout());
    let report = cluster.plan(&store).unwrap().apply().unwrap();
    let _ = report.into_result().unwrap();
}

/// Whole, one after the other, as `fs::read` does.
fn read_all(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        std::hint::black_box(fs::read(entry.unwrap().path()).unwrap());
    }
}
