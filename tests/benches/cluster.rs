//! Certificates of a cluster: the time for 100 hosts, compared with Kubespray's openssl commands;
//! the first apply, compared with a loop that only writes the same files; and the second apply,
//! compared with reading the files. It also prints the memory for each certificate.
//!
//! `cargo bench --package etcd-pki-tests --bench cluster`. It takes some minutes, most of them for
//! openssl. A name runs one part: `-- openssl`, `-- first` or `-- again`. A number after it sets
//! the hosts of the last two: `-- first 1000`.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step stops the benchmark"
)]

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    thread,
    time::Instant,
};

use etcd_pki_core::{
    Cluster, KeyAlgorithm, Store,
    cluster::{ClusterSpec, DefaultsSpec, EntrySpec},
};
use etcd_pki_tests::{Scratch, kubespray::Kubespray, record::RECORD_FILE};

const ROUNDS: usize = 5;

/// The threads of the loop that only writes
const LOOPS: usize = 2;

fn main() {
    // Cargo adds `--bench`
    let words: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let part = words.first().map(String::as_str);
    let chosen = |name: &str| part.is_none_or(|part| part == name);
    let hosts = words.get(1).map(|number| number.parse().unwrap());
    let hosts = hosts.map_or_else(|| vec![1_000, 10_000], |hosts| vec![hosts]);
    if chosen("openssl") {
        against_openssl();
    }
    for hosts in hosts {
        if chosen("first") {
            first(hosts);
        }
        if chosen("again") {
            again(hosts);
        }
    }
}

/// Kubespray's certificates for 100 hosts.
fn against_openssl() {
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
}

/// The first apply, and a loop that only writes, syncs and renames the same files. The two
/// alternate, so that other load on the machine slows both down.
fn first(hosts: u32) {
    let cluster = cluster(hosts, KeyAlgorithm::EcP256);
    // Nothing is removed before the last round: if files were removed in the last minutes, ext4
    // needs a long time to find an inode for a new file
    let scratch = Scratch::new("bench");
    let model = scratch.path().join("model");
    apply(&cluster, &model);
    let files = files_of(&model);
    println!(
        "{hosts} hosts, the first apply: {} files, ec-p256",
        files.len()
    );
    // The loop does not write it: it is the cost of the record
    let record = fs::metadata(model.join(RECORD_FILE)).unwrap().len();
    println!(
        "  {:<34} {:>8.1} MB",
        "the record of what was issued",
        record as f64 / 1e6
    );
    // The files of a round of 10,000 hosts take half a gigabyte
    let count = if hosts < 10_000 { ROUNDS } else { 3 };
    let mut rounds = Vec::new();
    for round in 0..count {
        let ours = scratch.path().join(format!("ours-{round}"));
        let bare = scratch.path().join(format!("bare-{round}"));
        let ours = || seconds(|| apply(&cluster, &ours));
        let bare = || seconds(|| write_bare(&files, &bare));
        let (ours, bare) = if round % 2 == 0 {
            let ours = ours();
            (ours, bare())
        } else {
            let bare = bare();
            (ours(), bare)
        };
        println!(
            "  {:<34} {ours:>8.2} s, the bare loop on {LOOPS} threads {bare:.2} s: {:.2} times as long",
            format!("round {}", round + 1),
            ours / bare
        );
        rounds.push(ours / bare);
    }
    rounds.sort_by(f64::total_cmp);
    println!(
        "  {:<34} {:>8.2} times as long as the bare loop ({:.2} to {:.2})",
        format!("the median of {count} rounds"),
        rounds[count / 2],
        rounds[0],
        rounds[count - 1]
    );
}

/// A second apply, which has nothing to do, and reading the same files.
fn again(hosts: u32) {
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

/// Also prints by how much the memory of the process grew at its peak.
fn timed_with_memory(what: &str, certificates: u32, job: impl FnOnce()) {
    // Resets the peak (`proc_pid_clear_refs(5)`)
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

/// Reads whole files, one after the other, with `fs::read`.
fn read_all(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        std::hint::black_box(fs::read(entry.unwrap().path()).unwrap());
    }
}

/// A file that the loop writes.
struct Model {
    name: OsString,
    mode: u32,
    contents: Vec<u8>,
}

/// The keys and certificates of a directory, without the hidden files.
fn files_of(directory: &Path) -> Vec<Model> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let entries = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    let models = entries.map(|entry| Model {
        name: entry.file_name(),
        mode: entry.metadata().unwrap().mode(),
        contents: fs::read(entry.path()).unwrap(),
    });
    models.collect()
}

/// Writes each file under a temporary name, syncs it and renames it, on [`LOOPS`] threads.
fn write_bare(files: &[Model], directory: &Path) {
    fs::create_dir(directory).unwrap();
    thread::scope(|scope| {
        for files in files.chunks(files.len().div_ceil(LOOPS)) {
            scope.spawn(move || {
                for Model {
                    name,
                    mode,
                    contents,
                } in files
                {
                    let path = directory.join(name);
                    let temporary = path.with_extension("tmp");
                    let mut options = File::options();
                    options.write(true).create_new(true).mode(*mode);
                    let mut file = options.open(&temporary).unwrap();
                    file.write_all(contents).unwrap();
                    file.sync_all().unwrap();
                    fs::rename(temporary, path).unwrap();
                }
            });
        }
    });
}
