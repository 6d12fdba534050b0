//! The target for exchange directories: the input is a list of files, links and folders, which the
//! CA's machine and a host read.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
    sync::OnceLock,
};

use etcd_pki_core::{
    Certificate, Cluster, Layout, Plan, Store,
    plan::{ApplyOptions, PlanOptions},
    verify,
};

use super::bounds::{check_error, check_text};
use crate::{Scratch, is_own_file};

/// The beginning of a file: it is followed by its kind and its path
const SEPARATOR: &[u8] = b"=== ";
/// The maximum number of files in an input. Each costs one or two system calls.
const FILES: usize = 40;

/// The specification of the corpus.
pub(super) const SPECIFICATION: &str =
    "members: [{name: etcd-1, addresses: [10.0.0.11]}]\nnodes: [etcd-2]\n";
const HOST: &str = "etcd-1";

/// The directory of the CA, and that of a host that trusts the CA and has its own keys.
struct Machines {
    _scratch: Scratch,
    ca: PathBuf,
    host: PathBuf,
}

impl Machines {
    fn new() -> Self {
        let scratch = Scratch::new("fuzz");
        let [ca, host, exchange] = ["ca", "host", "exchange"].map(|name| scratch.path().join(name));
        apply(&host, &exchange, true).unwrap();
        apply(&ca, &exchange, false).unwrap();
        // The host trusts the CA before anything arrives
        fs::copy(ca.join("ca.pem"), host.join("ca.pem")).unwrap();
        apply(&host, &exchange, true).unwrap();
        Self {
            _scratch: scratch,
            ca,
            host,
        }
    }
}

fn cluster() -> Cluster {
    Cluster::from_yaml(SPECIFICATION).unwrap()
}

fn options(exchange: &Path, on_host: bool) -> PlanOptions {
    let options = PlanOptions::new().with_exchange(exchange);
    if on_host {
        options.with_host(HOST)
    } else {
        options
    }
}

fn plan(directory: &Path, exchange: &Path, on_host: bool) -> etcd_pki_core::Result<Plan> {
    let store = Store::new(directory, Layout::Kubespray);
    cluster().plan_with(&store, &options(exchange, on_host))
}

fn apply(directory: &Path, exchange: &Path, on_host: bool) -> etcd_pki_core::Result<()> {
    let store = Store::new(directory, Layout::Kubespray);
    let report = cluster().apply(&store, &options(exchange, on_host), &ApplyOptions::new())?;
    report.plan().refused().iter().for_each(check_text);
    report.into_result().map(drop)
}

pub(super) fn exchange(data: &[u8]) {
    static MACHINES: OnceLock<Machines> = OnceLock::new();
    let machines = MACHINES.get_or_init(Machines::new);
    let scratch = Scratch::new("fuzz-exchange");
    let [ca, host, exchange, outside] =
        ["ca", "host", "exchange", "outside"].map(|name| scratch.path().join(name));
    copy(&machines.ca, &ca);
    copy(&machines.host, &host);
    fs::write(&outside, "precious").unwrap();
    fs::create_dir(&exchange).unwrap();
    lay_out(data, &fs::canonicalize(&exchange).unwrap());
    let trusted = read_ca(&host);

    let before = (files(&ca), files(&host), files(&exchange));
    for (directory, on_host) in [(&ca, false), (&host, true)] {
        match plan(directory, &exchange, on_host) {
            Ok(plan) => {
                plan.refused().iter().for_each(check_text);
                plan.steps().iter().for_each(check_text);
            }
            Err(error) => check_error(&error),
        }
    }
    assert_eq!(
        (files(&ca), files(&host), files(&exchange)),
        before,
        "a plan writes"
    );

    for (directory, on_host) in [(&ca, false), (&host, true)] {
        if let Err(error) = apply(directory, &exchange, on_host) {
            check_error(&error);
        }
    }
    assert_eq!(
        files(&ca),
        before.0,
        "an exchange directory changes the directory of the CA"
    );
    assert_eq!(fs::read(&outside).unwrap(), b"precious");
    for (path, contents) in files(&exchange) {
        let is_new = before.2.get(&path) != Some(&contents);
        let has_key = contents.windows(11).any(|bytes| bytes == b"PRIVATE KEY");
        assert!(
            !is_new || !has_key,
            "a private key is in {}",
            path.display()
        );
    }
    // The host trusts no other key than before, and etcd can read its file
    let key = trusted[0].public_key();
    assert!(
        read_ca(&host)
            .iter()
            .all(|certificate| certificate.public_key() == key)
    );
    for (path, contents) in files(&host) {
        if path.extension().is_some_and(|end| end == "pem")
            && !path.to_string_lossy().ends_with("-key.pem")
        {
            assert!(
                verify::certificate_chain(&contents).is_ok(),
                "{}",
                path.display()
            );
        }
    }
}

fn read_ca(directory: &Path) -> Vec<Certificate> {
    verify::trusted_ca(&fs::read(directory.join("ca.pem")).unwrap()).unwrap()
}

/// Creates the files of an input. Files that cannot be created, for example below another file, are
/// omitted.
fn lay_out(data: &[u8], exchange: &Path) {
    let begins: Vec<usize> = (0..data.len())
        .filter(|at| data[*at..].starts_with(SEPARATOR) && (*at == 0 || data[*at - 1] == b'\n'))
        .chain([data.len()])
        .collect();
    for range in begins.windows(2).take(FILES) {
        let entry = &data[range[0] + SEPARATOR.len()..range[1]];
        let end = entry
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(entry.len());
        let contents = entry.get(end + 1..).unwrap_or_default();
        let line = String::from_utf8_lossy(&entry[..end]).into_owned();
        let Some((kind, name)) = line.split_once(' ') else {
            continue;
        };
        let name = Path::new(name);
        if name.components().count() > 4
            || !name
                .components()
                .all(|part| matches!(part, Component::Normal(_)))
        {
            continue;
        }
        let path = exchange.join(name);
        // Files of an input are created in the exchange directory, not through its links
        let parent = path.parent().unwrap();
        let _ = fs::create_dir_all(parent);
        if fs::canonicalize(parent).ok().as_deref() != Some(parent) {
            continue;
        }
        // A link leads to the file outside, to the host's keys, or to another file of the directory
        let target = String::from_utf8_lossy(contents);
        let target = target.trim_end();
        // A link to anything but these could lead out of the scratch folder
        let is_inside =
            !target.contains('\0') && !target.starts_with('/') && !target.contains("../../..");
        let _ = match kind {
            "link" if is_inside => symlink(target, &path),
            "folder" => fs::create_dir_all(&path),
            _ => fs::File::create_new(&path).and_then(|mut file| file.write_all(contents)),
        };
    }
}

/// The files below a directory, without lock files. Links are not followed.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_symlink() {
                found.insert(
                    path.clone(),
                    fs::read_link(path)
                        .unwrap()
                        .into_os_string()
                        .into_encoded_bytes(),
                );
            } else if !is_own_file(&path) {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
