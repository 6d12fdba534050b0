//! A live cluster under constant reads and writes while its certificates are renewed, get new keys
//! and get other names: no request fails after its retries, and members present the certificates on
//! the disk.
use std::{fs, path::Path, thread, time::Duration};

use etcd_pki_core::{Certificate, Layout, layout::PairPaths};
use etcd_pki_tests::{
    Credentials, Scratch,
    command::etcd_pki_in,
    etcd::{Client, Cluster, Load, Member, Version},
    openssl,
};

const HOSTS: [&str; 3] = ["etcd-1", "etcd-2", "etcd-3"];
const ROUNDS: usize = 5;
/// The number of retries of a client, each longer than the time between two renames
const RETRIES: usize = 4;
const PAUSE: Duration = Duration::from_millis(20);

fn specification(shared: &str) -> String {
    format!(
        "directory: .\nshared_names: [{shared}]\nmembers: [etcd-1, etcd-2, etcd-3]\nclients: [root]\n"
    )
}

fn pair(directory: &Path, role: etcd_pki_core::Role, name: &str) -> PairPaths {
    Layout::Kubespray.pairs(role, name).unwrap()[0].below(directory)
}

#[test]
fn renewed_re_keyed_and_renamed_under_load() {
    let scratch = Scratch::new("live");
    let directory = scratch.path();
    let specify =
        |shared: &str| fs::write(directory.join("cluster.yaml"), specification(shared)).unwrap();
    specify("etcd");
    let _ = etcd_pki_in(directory, "apply -f cluster.yaml").expect_success();
    let ca = directory.join("ca.pem");
    let client = pair(directory, etcd_pki_core::Role::Client, "root");
    let member = |name| pair(directory, etcd_pki_core::Role::Member, name);
    let members = HOSTS.map(|host| Member::with_pair(host, &Credentials::new(&ca, member(host))));
    let cluster = Cluster::start(
        Version::Newest,
        &members,
        &Credentials::new(&ca, client.clone()),
    );

    let load = Load::new(&cluster, RETRIES, PAUSE);
    let root = Credentials::new(&ca, client.clone());
    let [one, two] = ["one", "two"].map(|name| Client::new(name, &root));
    load.during(&[&one, &two], || {
        for round in 0..ROUNDS {
            for line in [
                "cert renew member-etcd-1.pem member-etcd-2.pem member-etcd-3.pem client-root.pem -d .",
                "cert renew member-etcd-1.pem member-etcd-2.pem member-etcd-3.pem -d . --rekey",
            ] {
                let _ = etcd_pki_in(directory, line).expect_success();
                thread::sleep(Duration::from_millis(300));
            }
            specify(&format!("etcd, round-{round}"));
            let _ = etcd_pki_in(directory, "apply -f cluster.yaml").expect_success();
            thread::sleep(Duration::from_millis(300));
        }
    });
    load.check(&root, 100);

    // Members present the newest certificate, with the newest name, without a restart
    for (number, host) in HOSTS.iter().enumerate() {
        let address = cluster
            .client_url(number)
            .trim_start_matches("https://")
            .to_owned();
        let shown = openssl::call(
            directory,
            &format!(
                "s_client -connect {address} -CAfile ca.pem -cert client-root.pem -key client-root-key.pem"
            ),
        );
        let served = Certificate::from_pem(shown.stdout()).unwrap();
        let on_disk = Certificate::from_pem(fs::read(member(host).certificate).unwrap()).unwrap();
        assert_eq!(served, on_disk);
        let newest = format!("round-{}", ROUNDS - 1);
        assert!(
            served.dns_names().contains(&newest),
            "{:?}",
            served.dns_names()
        );
    }
}
