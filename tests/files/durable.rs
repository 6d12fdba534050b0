//! Durability after a power failure: no file gets its name before its contents are on the disk, and
//! every new name is on the disk when the command ends. strace lists the system calls of the
//! command, in the order in which they begin and end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod trace;

use etcd_pki_tests::{
    Tool,
    cluster::{Cluster, SPECIFICATION},
    command::etcd_pki,
    is_lock, stderr_of,
};

use self::trace::Trace;

/// Applies a specification, and checks the calls.
fn traced(cluster: &Cluster, options: &[&str], inject: Option<&str>) -> Trace {
    let log = cluster.path().join("trace");
    let mut strace = Tool::STRACE.command();
    strace.args(["--follow-forks", "--decode-fds=path", "--quiet=all"]);
    strace.args(["--string-limit=4096", "-o"]).arg(&log);
    strace.args(["-e", &format!("trace={}", trace::CALLS)]);
    if let Some(inject) = inject {
        strace.args(["-e", &format!("inject={inject}")]);
    }
    strace
        .arg(etcd_pki())
        .args(["apply", "-f", "cluster.yaml"])
        .args(options)
        .current_dir(cluster.path());
    let _ = stderr_of(&strace.output().unwrap(), 0);
    let trace = Trace::read(&log);
    assert_eq!(trace.faults(), &[] as &[String]);
    trace
}

/// A specification with enough pairs for several threads.
fn large() -> String {
    let member = |number| format!("  - {{name: etcd-{number}, addresses: [10.0.0.{number}]}}\n");
    let members: String = (1..=12).map(member).collect();
    format!("directory: ssl\nmembers:\n{members}nodes: [kube-1]\nclients: [root]\n")
}

/// The names in the directory that got a file in this run, without the lock.
fn named(cluster: &Cluster, trace: &Trace) -> Vec<String> {
    let directory = cluster.directory().canonicalize().unwrap();
    let names = trace.named(&directory);
    names.into_iter().filter(|name| !is_lock(name)).collect()
}

fn contents(cluster: &Cluster) -> Vec<String> {
    cluster.contents().into_keys().collect()
}

/// New files have no name (O_TMPFILE) until they are complete.
#[test]
fn a_first_apply() {
    let cluster = Cluster::new(&large());
    let trace = traced(&cluster, &[], None);
    assert_eq!(named(&cluster, &trace), contents(&cluster));
    assert!(trace.renamed().is_empty());
    // With one thread, the order of the calls would show nothing
    assert!(trace.threads() > 4, "{}", trace.threads());
}

/// The same on a system where a file without a name cannot get one.
#[test]
fn a_first_apply_without_links() {
    let cluster = Cluster::new(&large());
    let trace = traced(&cluster, &[], Some("linkat:error=EOPNOTSUPP"));
    assert_eq!(named(&cluster, &trace), contents(&cluster));
    assert!(trace.renamed().len() >= contents(&cluster).len());
}

/// The same for files that replace others.
#[test]
fn renewals() {
    let cluster = Cluster::new(&large());
    let _ = cluster.apply();
    cluster.specify(&large().replace("[root]", "[{name: root, organization: operators}]"));
    let trace = traced(&cluster, &["--rekey"], None);
    assert_eq!(
        named(&cluster, &trace),
        ["client-root-key.pem", "client-root.pem"]
    );
    // The keys stay
    cluster.specify(&large().replace("addresses: [", "addresses: [192.0.2.1, "));
    let trace = traced(&cluster, &[], None);
    let certificates = contents(&cluster).into_iter();
    let certificates: Vec<String> = certificates
        .filter(|name| name.starts_with("member-") && !name.ends_with("-key.pem"))
        .collect();
    assert_eq!(certificates.len(), 12);
    let names = named(&cluster, &trace);
    assert!(
        certificates.iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    assert!(
        names.iter().all(|name| !name.ends_with("-key.pem")),
        "{names:?}"
    );
    assert!(trace.renamed().len() >= 12);
}

/// Folders have names as well.
#[test]
fn folders() {
    let text = SPECIFICATION.replace("members:", "layout: kubeadm\nmembers:");
    let cluster = Cluster::new(&text);
    let trace = traced(&cluster, &[], None);
    assert!(trace.made() >= 3, "{}", trace.made());
}

/// A test of the check itself: each of these calls is a fault.
#[test]
fn faults_are_found() {
    let working = "1 openat(AT_FDCWD</d>, \".\", O_RDONLY|O_DIRECTORY) = 4</d>\n";
    let open = "1 openat(AT_FDCWD</d>, \".\", O_RDWR|O_TMPFILE, 0600) = 3</d/#7 (deleted)>\n";
    let write = "1 write(3</d/#7 (deleted)>, \"x\", 1) = 1\n";
    let sync = "1 fsync(3</d/#7 (deleted)>) = 0\n";
    let link = "1 linkat(3</d/#7 (deleted)>, \"\", 4</d>, \"x.pem\", AT_EMPTY_PATH) = 0\n";
    let done = "1 fsync(4</d>) = 0\n";
    let begin = "2 fsync(4</d> <unfinished ...>\n";
    let end = "2 <... fsync resumed>) = 0\n";
    let faults = |lines: &[&str]| Trace::of(&lines.concat()).faults().len();
    assert_eq!(faults(&[open, write, sync, link, done]), 0);
    assert_eq!(faults(&[open, write, sync, link]), 1);
    assert_eq!(faults(&[open, write, link, done]), 1);
    assert_eq!(faults(&[open, write, link, sync, done]), 1);
    assert_eq!(faults(&[open, write, sync, write, link, done]), 1);
    assert_eq!(faults(&[open, write, sync, link, begin, end]), 0);
    assert_eq!(faults(&[open, write, sync, begin, link, end]), 1);
    let named = "1 openat(4</d>, \".etcd-pki-1.tmp\", O_RDWR|O_CREAT|O_EXCL, 0600) = 3</d/.etcd-pki-1.tmp>\n";
    let rename =
        "1 renameat2(4</d>, \".etcd-pki-1.tmp\", 4</d>, \"x.pem\", RENAME_NOREPLACE) = 0\n";
    assert_eq!(faults(&[working, named, write, sync, rename, done]), 0);
    assert_eq!(faults(&[working, named, write, rename, done]), 1);
    let failed = sync.replace("= 0", "= -1 EIO (Input/output error)");
    assert_eq!(faults(&[open, write, &failed, link, done]), 1);
}
