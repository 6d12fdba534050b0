//! The commands that write keys.

use std::{fs, path::Path};

use super::command;

/// A command, and the preparation and check of its directory.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Its name, which is unique
    pub name: &'static str,
    /// Creates the files that the command begins with
    pub(super) prepare: fn(&Path),
    /// The command that is disturbed
    pub(super) command: &'static str,
    /// The command that finishes the work
    pub(super) next: &'static str,
    /// The command that finishes the work if the next command refuses
    pub(super) otherwise: Option<&'static str>,
    /// The command that succeeds if nothing is left to do
    pub(super) settled: Option<&'static str>,
}

impl Job {
    const fn new(name: &'static str, prepare: fn(&Path), command: &'static str) -> Self {
        Self {
            name,
            prepare,
            command,
            next: command,
            otherwise: None,
            settled: None,
        }
    }

    const fn settled(self, line: &'static str) -> Self {
        Self {
            settled: Some(line),
            ..self
        }
    }
}

const APPLY: &str = "apply -f cluster.yaml";
const PLAN: &str = "plan -f cluster.yaml --check";
const REQUEST: &str = "apply -f cluster.yaml --host m -d pki --requests exchange";
const SIGN: &str = "apply -f cluster.yaml -d ca --requests exchange";

/// All jobs.
pub const JOBS: &[Job] = &[
    Job::new("create", specified, APPLY).settled(PLAN),
    Job::new("create-separate", separate, APPLY).settled(PLAN),
    Job::new("renew", widened, APPLY).settled(PLAN),
    Job::new("rekey", widened, "apply -f cluster.yaml --rekey").settled(PLAN),
    Job::new(
        "rekey-backup",
        widened,
        "apply -f cluster.yaml --rekey --backup",
    )
    .settled(PLAN),
    Job::new("prune", narrowed, "apply -f cluster.yaml --prune")
        .settled("plan -f cluster.yaml --prune --check"),
    Job::new("ca-cut-off", only_ca_key, APPLY).settled(PLAN),
    // The next run creates the certificate for a key without one, and refuses if the CA is complete
    Job {
        otherwise: Some("ca show -d pki"),
        ..Job::new("ca-new", nothing, "ca new -d pki")
    }
    .settled("ca show -d pki"),
    Job::new("ca-renew", applied, "ca renew -d pki").settled(PLAN),
    Job::new("cert-issue", applied, "cert issue client x -d pki --force").settled("check pki"),
    Job::new(
        "cert-renew-rekey",
        applied,
        "cert renew --rekey -d pki pki/client-c.pem pki/member-m.pem",
    )
    .settled(PLAN),
    Job::new("key-new", folder, "key new -o out/k-key.pem --force")
        .settled("key show out/k-key.pem"),
    Job::new(
        "export",
        applied,
        "export --host m -f cluster.yaml -o out --force",
    )
    .settled("check out"),
    Job::new("crl-revoke", listed, "crl revoke --client c -d pki").settled("crl show -d pki"),
    Job::new(
        "kubespray",
        openssl_conf,
        "kubespray -f openssl.conf -d pki --algorithm ec-p256",
    )
    .settled("check pki"),
    Job::new("requests-host", requested_by_nobody, REQUEST),
    Job::new("requests-sign", requested, SIGN),
    Job::new("requests-install", signed, REQUEST).settled("check pki"),
];

const SWITCH: &str = "ca rotate -d pki --strategy link --confirm-restarted m --confirm-clients";
const DROP: &str = "ca rotate -d pki --confirm-restarted m --confirm-clients";
const CHECK: &str = "check pki";

/// The changes of a CA rotation. If a killed run was complete, the next one may refuse.
pub const ROTATION: &[Job] = &[
    Job::new("rotate-prepare", applied, "ca rotate -d pki --prepare").settled(PLAN),
    Job {
        otherwise: Some(CHECK),
        ..Job::new("rotate-switch", prepared, SWITCH)
    }
    .settled(CHECK),
    Job::new("rotate-apply", switched, APPLY).settled(PLAN),
    Job {
        otherwise: Some(CHECK),
        ..Job::new("rotate-drop", rotated, DROP)
    }
    .settled(CHECK),
    Job::new("rotate-apply-after", dropped, APPLY).settled(PLAN),
    Job {
        otherwise: Some(CHECK),
        ..Job::new("rotate-forget", dropped, "ca rotate -d pki --forget")
    }
    .settled(CHECK),
    Job {
        otherwise: Some(CHECK),
        ..Job::new("rotate-back", prepared, "ca rotate -d pki --back")
    }
    .settled(CHECK),
    Job {
        otherwise: Some(CHECK),
        // Another way back would remove the key of the new CA
        next: "ca rotate -d pki --prepare",
        ..Job::new("rotate-back-switched", switched, "ca rotate -d pki --back")
    }
    .settled(CHECK),
    Job {
        otherwise: Some(CHECK),
        ..Job::new("rotate-back-dropped", dropped, "ca rotate -d pki --back")
    }
    .settled(CHECK),
];

fn nothing(_: &Path) {}

fn specify(directory: &Path, rest: &str) {
    fs::write(
        directory.join("cluster.yaml"),
        format!("directory: pki\n{rest}"),
    )
    .unwrap();
}

fn specified(directory: &Path) {
    specify(
        directory,
        "members: [{name: m, addresses: [10.0.0.11]}]\nclients: [c]\n",
    );
}

fn separate(directory: &Path) {
    specify(
        directory,
        "ca: {peers: separate}\nmembers: [{name: m, addresses: [10.0.0.11]}]\n",
    );
}

fn applied(directory: &Path) {
    specified(directory);
    succeed(APPLY, directory);
}

fn prepared(directory: &Path) {
    applied(directory);
    succeed("ca rotate -d pki --prepare", directory);
}

fn switched(directory: &Path) {
    applied(directory);
    succeed(SWITCH, directory);
}

fn rotated(directory: &Path) {
    switched(directory);
    succeed(APPLY, directory);
}

fn dropped(directory: &Path) {
    rotated(directory);
    succeed(DROP, directory);
}

fn widened(directory: &Path) {
    applied(directory);
    specify(
        directory,
        "members: [{name: m, addresses: [10.0.0.11, 10.0.0.12]}]\nclients: [c]\n",
    );
}

fn narrowed(directory: &Path) {
    applied(directory);
    specify(directory, "members: [{name: m, addresses: [10.0.0.11]}]\n");
}

fn listed(directory: &Path) {
    applied(directory);
    succeed("crl new -d pki", directory);
}

fn only_ca_key(directory: &Path) {
    applied(directory);
    for entry in fs::read_dir(directory.join("pki")).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("ca-key.pem") {
            fs::remove_file(path).unwrap();
        }
    }
}

fn folder(directory: &Path) {
    fs::create_dir(directory.join("out")).unwrap();
}

fn openssl_conf(directory: &Path) {
    fs::write(
        directory.join("openssl.conf"),
        "[alt_names]\nDNS.1 = localhost\nIP.1 = 10.0.0.1\n",
    )
    .unwrap();
}

fn requested_by_nobody(directory: &Path) {
    fs::write(
        directory.join("cluster.yaml"),
        "members: [{name: m, addresses: [10.0.0.11]}]\n",
    )
    .unwrap();
}

fn requested(directory: &Path) {
    requested_by_nobody(directory);
    succeed(REQUEST, directory);
}

/// The host already has the CA's certificate, so it trusts the certificates that arrive.
fn signed(directory: &Path) {
    requested(directory);
    succeed(SIGN, directory);
    fs::copy(directory.join("ca/ca.pem"), directory.join("pki/ca.pem")).unwrap();
}

fn succeed(line: &str, directory: &Path) {
    let output = command(line, directory);
    assert!(output.status.success(), "{line}: {}", super::said(&output));
}
