//! A cluster's certificates, whole: against Kubespray's openssl commands for 100 hosts, and against reading the files for 10,000:
//! `cargo bench --package etcd-pki-tests --bench cluster`. It takes some minutes, most of them openssl's.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot do its job must stop"
)]

use std::{fs, path::Path, time::Instant};

use etcd_pki_core::{Cluster, ClusterDefaults, Compatibility, Identity, KeyAlgorithm, Store};
use etcd_pki_tests::{Scratch, kubespray::Kubespray};

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
        println!("{hosts} hosts: {} certificates, ec-p256", 3 * hosts + 1);
        let scratch = Scratch::new("bench");
        let cluster = cluster(hosts, KeyAlgorithm::EcP256);
        timed("apply", || apply(&cluster, scratch.path()));
        let again = timed("apply again, nothing to do", || {
            apply(&cluster, scratch.path())
        });
        let read = timed("reading the files", || read_all(scratch.path()));
        println!(
            "  {:<34} {:>8.2} times as long as reading",
            "",
            again / read
        );
    }
}

fn timed(what: &str, job: impl FnOnce()) -> f64 {
    let began = Instant::now();
    job();
    let seconds = began.elapsed().as_secs_f64();
    println!("  {what:<34} {seconds:>8.2} s");
    seconds
}

/// Each host is a member, with its admin, and a node, as Kubespray's groups are on small clusters.
fn cluster(hosts: u32, algorithm: KeyAlgorithm) -> Cluster {
    let identity = |number: u32| Identity::new(&format!("host-{number}")).unwrap();
    let address = |number: u32| std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string();
    let members = (0..hosts).map(|number| identity(number).with_names([address(number)]).unwrap());
    let defaults = ClusterDefaults::default()
        .algorithm(algorithm)
        .following(Compatibility::Strict);
    Cluster::builder()
        .defaults(defaults)
        .members(members)
        .nodes((0..hosts).map(identity))
        .build()
        .unwrap()
}

fn apply(cluster: &Cluster, directory: &Path) {
    let store = Store::open(directory, cluster.layout());
    let plan = cluster.plan(&store).unwrap();
    let _ = plan.apply(&store.lock().unwrap(), None, |_, _| ()).unwrap();
}

fn read_all(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        std::hint::black_box(fs::read(entry.unwrap().path()).unwrap());
    }
}
