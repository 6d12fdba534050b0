//! etcd's own verdict: three members that use only our certificates, in each version, with each
//! kind of key.
#![allow(clippy::expect_used, reason = "a failing step fails the test")]

use std::{fs, thread};

use etcd_pki_core::{
    Certificate, Identity, KeyAlgorithm, Role, Validity, inspect, layout::PairPaths,
    role::Compatibility, settings::Settings,
};
use etcd_pki_tests::{
    Credentials, Directory, apiserver,
    etcd::{Cluster, Member, Version},
    go,
};

const HOSTS: [&str; 3] = ["etcd-1", "etcd-2", "etcd-3"];

#[test]
fn oldest_etcd_takes_what_it_should_and_refuses_the_rest() {
    takes_what_it_should_and_refuses_the_rest(Version::Oldest);
}

#[test]
fn etcd_3_5_takes_what_it_should_and_refuses_the_rest() {
    takes_what_it_should_and_refuses_the_rest(Version::V3_5);
}

#[test]
fn newest_etcd_takes_what_it_should_and_refuses_the_rest() {
    takes_what_it_should_and_refuses_the_rest(Version::Newest);
}

fn takes_what_it_should_and_refuses_the_rest(version: Version) {
    // etcd treats RSA keys of other lengths in the same way.
    for algorithm in [
        KeyAlgorithm::EcP256,
        KeyAlgorithm::EcP384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ] {
        let files = Files::create(algorithm);
        let cluster = Cluster::start(version, &files.members(), &files.client);
        serves_every_role(&cluster, &files);
        let mut refused = refuses_on_the_client_port(&cluster, &files);
        refuses_on_the_peer_port(&cluster, &files);
        refused.extend(is_refused_by_its_clients(&cluster, &files));
        gives_etcdctl_nothing(&cluster, &refused);
    }
}

/// Credentials and members with which etcdctl must fail. All are tried at the end in parallel,
/// because etcdctl takes its time to give up.
struct RefusedEtcdctl {
    what: &'static str,
    member: usize,
    credentials: Credentials,
}

fn gives_etcdctl_nothing(cluster: &Cluster, refused: &[RefusedEtcdctl]) {
    thread::scope(|scope| {
        for RefusedEtcdctl {
            what,
            member,
            credentials,
        } in refused
        {
            scope.spawn(move || {
                let url = cluster.client_url(*member);
                let get = ["get", "member", "--command-timeout=1s"];
                let get = cluster.etcdctl_at(url, credentials, &get);
                assert!(!get.success(), "{what}: etcdctl gets {}", get.stdout());
            });
        }
    });
}

/// The files of a cluster that etcd-pki created.
struct Files {
    directory: Directory,
    member: Credentials,
    node: Credentials,
    client: Credentials,
}

impl Files {
    fn create(algorithm: KeyAlgorithm) -> Self {
        let directory = Directory::create("cluster", algorithm);
        let members = HOSTS.map(|host| directory.issue(Role::Member, host, &[]));
        let node = directory.issue(Role::Node, "kube-1", &[]);
        let client = directory.issue(Role::Client, "root", &[]);
        Self {
            member: directory.credentials(&members[0]),
            node: directory.credentials(&node),
            client: directory.credentials(&client),
            directory,
        }
    }

    /// The members, with the settings that `etcd-pki env etcd` prints.
    fn members(&self) -> [Member; 3] {
        HOSTS.map(|host| {
            let settings =
                Settings::etcd(self.directory.store(), host).expect("a member's settings");
            Member::new(host).with_environment_file(&settings.to_string())
        })
    }
}

fn serves_every_role(cluster: &Cluster, files: &Files) {
    for (role, credentials) in [
        ("member", &files.member),
        ("node", &files.node),
        ("client", &files.client),
    ] {
        let call = |arguments: &[&str]| cluster.etcdctl(credentials, arguments).expect_success();
        call(&["put", role, "is here"]);
        assert_eq!(call(&["get", role]).stdout(), format!("{role}\nis here\n"));
        let listed = call(&["member", "list"]);
        for host in HOSTS {
            assert!(listed.stdout().contains(host), "{}", listed.stdout());
        }
    }
    apiserver::write_and_read(&cluster.endpoints(), &files.node)
        .assert_accepted("a node's certificate in kube-apiserver");
}

fn refuses_on_the_client_port(cluster: &Cluster, files: &Files) -> Vec<RefusedEtcdctl> {
    let nobody = Credentials::without_certificate(&files.client.ca);
    // This CA trusts the cluster, and the cluster does not trust it.
    let stranger = Directory::create("stranger", files.directory.algorithm());
    let stranger = stranger.issue(Role::Client, "root", &[]);
    let expired = files.directory.issue_odd(
        "expired",
        Role::Client.profile().with_validity(Validity::days(1)),
        &Identity::new("root").expect("a name"),
        2,
    );

    let version = format!("{}/version", cluster.client_url(0));
    go::dial(&version, &files.client, None)
        .verdict
        .assert_accepted("a client's certificate");
    let strangers = [
        (
            "no certificate",
            nobody,
            "client didn't provide a certificate",
        ),
        (
            "another CA's",
            files.directory.credentials(&stranger),
            "certificate signed by unknown authority",
        ),
        (
            "an expired one",
            files.directory.credentials(&expired),
            "certificate has expired or is not yet valid",
        ),
    ];
    strangers
        .into_iter()
        .map(|(what, credentials, logged)| {
            go::dial(&version, &credentials, None)
                .verdict
                .assert_refused(what, "remote error: tls:");
            // The client learns little; the member's log has the reason.
            cluster.wait_for_log(0, logged);
            RefusedEtcdctl {
                what,
                member: 0,
                credentials,
            }
        })
        .collect()
}

/// The owner of a client certificate must not pass for a member.
fn refuses_on_the_peer_port(cluster: &Cluster, files: &Files) {
    let members = format!("{}/members", cluster.peer_url(0));
    let answer = go::dial(&members, &files.member, None);
    answer.verdict.assert_accepted("a member's certificate");
    assert_eq!(answer.status, 200, "{}", answer.body);
    for (what, credentials) in [("a node's", &files.node), ("a client's", &files.client)] {
        // Go's client gets the refusal before or after it has sent its request
        go::dial(&members, credentials, None)
            .verdict
            .assert_refused_for_one_of(what, &["EOF", "server closed idle connection"]);
        cluster.wait_for_log(0, "certificate is valid for 0.0.0.0, not 127.0.0.1");
    }
    // The reason why a client has that address: without any name every version accepts it, and a
    // certificate with a name or an address of its own is accepted from that address. Our findings
    // agree.
    let named = |name: &str, names: &[&str]| {
        let identity = Identity::new(name).expect("a name");
        identity.with_names(names).expect("names")
    };
    for (identity, code) in [
        (
            named("nameless", &[]).without_alternative_names(),
            Some("EP011"),
        ),
        (named("own-address", &["127.0.0.1"]), Some("EP044")),
        (named("own-name", &["localhost"]), Some("EP044")),
        (named("uri", &["URI:spiffe://cluster/app"]), None),
        (
            named(
                "uris",
                &["URI:spiffe://cluster/app", "URI:https://localhost/"],
            ),
            None,
        ),
    ] {
        for role in [Role::Node, Role::Client] {
            let what = format!("{:?} of a {role}", identity.name());
            let odd = format!("{}-{role}", identity.name().expect("a name"));
            let pair = files
                .directory
                .issue_odd(&odd, role.profile(), &identity, 0);
            let pem = fs::read(&pair.certificate).expect("its certificate");
            let certificate = Certificate::from_pem(pem).expect("a certificate");
            let finding = inspect::peer_port(&certificate);
            assert_eq!(finding.map(|finding| finding.code()), code, "{what}");
            let answer = go::dial(&members, &files.directory.credentials(&pair), None);
            if code.is_some() {
                answer.verdict.assert_accepted(&what);
                assert_eq!(answer.status, 200, "{}", answer.body);
            } else {
                answer
                    .verdict
                    .assert_refused_for_one_of(&what, &["EOF", "server closed idle connection"]);
            }
        }
    }
    // A certificate with the address of another host is refused
    let elsewhere = named("elsewhere-client", &["10.9.9.9"]);
    let elsewhere =
        files
            .directory
            .issue_odd("elsewhere-client", Role::Client.profile(), &elsewhere, 0);
    go::dial(&members, &files.directory.credentials(&elsewhere), None)
        .verdict
        .assert_refused_for_one_of("another host's", &["EOF", "server closed idle connection"]);
    let nobody = Credentials::without_certificate(&files.member.ca);
    go::dial(&members, &nobody, None)
        .verdict
        .assert_refused("no certificate", "remote error: tls:");
}

/// etcd reads its pair again at every handshake, so a member presents a new certificate without a
/// restart.
fn is_refused_by_its_clients(cluster: &Cluster, files: &Files) -> Vec<RefusedEtcdctl> {
    for url in urls(cluster, 1) {
        go::dial(&url, &files.member, Some("etcd-9"))
            .verdict
            .assert_refused(
                "a wrong name",
                "certificate is valid for etcd-2, localhost, not etcd-9",
            );
    }
    let named = |name: &str, address: &str| {
        let identity = Identity::new(name).expect("a name");
        identity.with_names([address]).expect("an address")
    };
    // Valid for a server and for a client, but of another host
    let elsewhere = files.directory.issue_odd(
        "elsewhere",
        Compatibility::Kubespray.profile(Role::Node),
        &named("elsewhere", "10.9.9.9"),
        0,
    );
    // A certificate of a node, with the address that clients connect to
    let posing = files.directory.issue_odd(
        "posing",
        Role::Node.profile(),
        &named("posing", "127.0.0.1"),
        0,
    );
    let node = files.node.pair.clone().expect("a node's pair");
    let shown = [
        (
            "another host's as a member's",
            1,
            elsewhere,
            "certificate is valid for 10.9.9.9, not 127.0.0.1",
        ),
        (
            "a node's as a member's",
            2,
            node,
            "certificate is valid for 0.0.0.0, not 127.0.0.1",
        ),
        (
            "a node's of the member's address",
            2,
            posing,
            "certificate specifies an incompatible key usage",
        ),
    ];
    shown
        .into_iter()
        .map(|(what, member, pair, because)| {
            show(files, HOSTS[member], &pair);
            for url in urls(cluster, member) {
                go::dial(&url, &files.member, None)
                    .verdict
                    .assert_refused(what, because);
            }
            RefusedEtcdctl {
                what,
                member,
                credentials: files.client.clone(),
            }
        })
        .collect()
}

/// A page of each port of a member
fn urls(cluster: &Cluster, member: usize) -> [String; 2] {
    [
        format!("{}/version", cluster.client_url(member)),
        format!("{}/members", cluster.peer_url(member)),
    ]
}

/// Copies another pair over the files of a member.
fn show(files: &Files, host: &str, pair: &PairPaths) {
    let layout = files.directory.store().layout();
    let served = layout.pairs(Role::Member, host).expect("a member's files");
    let served = served[0].below(files.directory.path());
    fs::copy(&pair.key, &served.key).expect("another key");
    fs::copy(&pair.certificate, &served.certificate).expect("another certificate");
}
