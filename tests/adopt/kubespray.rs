//! A cluster on a directory that Kubespray created, in which the command replaces openssl.
#![allow(clippy::expect_used, reason = "a failing step fails the test")]

use std::process::Command;

use etcd_pki_core::layout::PairPaths;
use etcd_pki_tests::{
    Credentials, Output, Tool, apiserver,
    command::etcd_pki,
    etcd::{Cluster, Member, Version},
    kubespray::Kubespray,
    run,
};

const HOSTS: [&str; 3] = ["etcd-1", "etcd-2", "etcd-3"];

/// The lines that create a client certificate, in files named STEM: those of openssl, and their
/// replacements.
const LINES: [[&str; 2]; 3] = [
    [
        "openssl genrsa -out STEM-key.pem 2048",
        "etcd-pki key new --algorithm rsa-2048 -o STEM-key.pem",
    ],
    [
        "openssl req -new -key STEM-key.pem -out STEM.csr -subj /CN=etcd-client",
        "etcd-pki csr new --key STEM-key.pem --cn etcd-client -o STEM.csr",
    ],
    [
        "openssl x509 -req -in STEM.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out STEM.pem -days 365",
        "etcd-pki cert sign STEM.csr --ca ca.pem --ca-key ca-key.pem --role client --cn etcd-client \
         --days 365 -o STEM.pem",
    ],
];

/// The lines that each client uses.
const CLIENTS: [(&str, [usize; 3]); 5] = [
    ("none-replaced", [OPENSSL, OPENSSL, OPENSSL]),
    ("key-replaced", [OURS, OPENSSL, OPENSSL]),
    ("request-replaced", [OPENSSL, OURS, OPENSSL]),
    ("signature-replaced", [OPENSSL, OPENSSL, OURS]),
    ("all-replaced", [OURS, OURS, OURS]),
];
const OPENSSL: usize = 0;
const OURS: usize = 1;

#[test]
fn every_etcd_takes_a_client_certificate_with_each_line_replaced() {
    let directory = Kubespray::create(&HOSTS, &["kube-1"]);
    for (stem, whose) in CLIENTS {
        for (line, whose) in LINES.iter().zip(whose) {
            call(&directory, &line[whose].replace("STEM", stem));
        }
    }
    call(&directory, "etcd-pki cert issue client etcd-client -d .");

    let present = |pair: PairPaths| Credentials::new(directory.ca().certificate, pair);
    let admin = directory.admin(HOSTS[0]);
    let clients = CLIENTS.map(|(stem, _)| (stem, directory.named(stem)));
    let others = [
        ("at-once", directory.named("client-etcd-client")),
        ("admin", admin.clone()),
    ];
    for version in Version::ALL {
        let members = HOSTS.map(|host| Member::with_pair(host, &present(directory.member(host))));
        let cluster = Cluster::start(version, &members, &present(admin.clone()));
        for (what, pair) in clients.iter().chain(&others) {
            let client = present(pair.clone());
            let call = |arguments: &[&str]| cluster.etcdctl(&client, arguments).expect_success();
            call(&["put", what, "is here"]);
            assert_eq!(call(&["get", what]).stdout(), format!("{what}\nis here\n"));
            assert_eq!(call(&["member", "list"]).stdout().lines().count(), 3);
        }
        if version == Version::Newest {
            let listed = members_by_printed_settings(&directory, &cluster);
            assert_eq!(listed.stdout().lines().count(), 3);
        }
        apiserver::write_and_read(&cluster.endpoints(), &present(directory.node("kube-1")))
            .assert_accepted("Kubespray's node certificate");
    }
}

/// Runs a line in the directory, without quotes; it must succeed.
#[track_caller]
fn call(directory: &Kubespray, line: &str) {
    let (program, arguments) = line.split_once(' ').expect("a program and its arguments");
    let mut command = match program {
        "openssl" => Tool::OPENSSL.command(),
        _ => Command::new(etcd_pki()),
    };
    command.args(arguments.split_whitespace());
    let _ = run(command.current_dir(directory.path())).expect_success();
}

/// Runs etcdctl in a shell that has only the settings that the command prints.
fn members_by_printed_settings(directory: &Kubespray, cluster: &Cluster) -> Output {
    let script = "\
        eval \"$(\"$1\" env etcdctl --client etcd-client -d \"$2\")\" &&
        exec \"$3\" --endpoints \"$4\" --command-timeout=10s member list";
    run(Command::new("/bin/sh")
        .env_clear()
        .args(["-c", script, "sh"])
        .arg(etcd_pki())
        .arg(directory.path())
        .arg(Tool::ETCDCTL_NEWEST.path())
        .arg(cluster.endpoints()))
    .expect_success()
}
