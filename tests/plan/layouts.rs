//! Clusters in the layouts of other tools, with two CAs if the layout has them.
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use etcd_pki_core::layout::PairPaths;
use etcd_pki_tests::{
    Credentials, Scratch,
    command::etcd_pki,
    etcd::{Cluster, Member, Version},
    is_own_file, openssl, run,
};

const HOSTS: [&str; 3] = ["one", "two", "three"];

/// The directory of a specification that has been applied.
fn applied(scratch: &Scratch, specification: &str) -> PathBuf {
    let file = scratch.path().join("cluster.yaml");
    fs::write(&file, specification).unwrap();
    let _ = etcd_pki_at(scratch.path(), &["apply", "-f", "cluster.yaml"]);
    let planned = etcd_pki_at(scratch.path(), &["plan", "-f", "cluster.yaml", "--check"]);
    assert!(planned.contains("up to date"), "{planned}");
    scratch.path().join("pki")
}

fn etcd_pki_at(directory: &Path, arguments: &[&str]) -> String {
    let output = run(Command::new(etcd_pki())
        .current_dir(directory)
        .args(arguments));
    output.expect_success().stdout().to_owned()
}

fn pair(directory: &Path, stem: &str) -> PairPaths {
    let pair = PairPaths {
        certificate: format!("{stem}.crt").into(),
        key: format!("{stem}.key").into(),
    };
    pair.below(directory)
}

#[test]
fn etcd_runs_on_the_two_cas_of_k3s() {
    let scratch = Scratch::new("k3s");
    let members: Vec<String> = HOSTS.map(|host| format!("  - {host}\n")).into();
    let specification = format!(
        "layout: k3s\ndirectory: pki\nmembers:\n{}nodes: [one]\n",
        members.concat()
    );
    let directory = applied(&scratch, &specification);

    let clients = directory.join("server-ca.crt");
    let peers = directory.join("peer-ca.crt");
    let members = HOSTS.map(|host| {
        let of_host = |stem| pair(&directory.join(host), stem);
        Member::with_pair(host, &Credentials::new(&clients, of_host("server-client")))
            .with_peer(&Credentials::new(&peers, of_host("peer-server-client")))
    });
    let node = Credentials::new(&clients, pair(&directory.join("one"), "client"));
    let cluster = Cluster::start(Version::Newest, &members, &node);
    let listed = cluster.etcdctl(&node, &["member", "list"]).expect_success();
    assert_eq!(listed.stdout().lines().count(), 3);
}

/// The names that k3s uses (`genETCDCerts` in `pkg/daemons/control/deps/deps.go`): the
/// specification names them, and `adopt` finds them.
#[test]
fn k3s_may_keep_its_own_common_names() {
    let scratch = Scratch::new("k3s");
    let member = "{name: a, common_name: etcd-server, peer_common_name: etcd-peer}";
    let node = "{name: a, common_name: etcd-client}";
    let ca = "{common_name: etcd-server-ca, peer_common_name: etcd-peer-ca}";
    let specification =
        format!("layout: k3s\ndirectory: pki\nca: {ca}\nmembers: [{member}]\nnodes: [{node}]\n");
    let directory = applied(&scratch, &specification);
    for (file, issuer, subject) in [
        ("server-client", "etcd-server-ca", "etcd-server"),
        ("peer-server-client", "etcd-peer-ca", "etcd-peer"),
        ("client", "etcd-server-ca", "etcd-client"),
    ] {
        let line = format!("x509 -in {file}.crt -noout -subject -issuer -nameopt RFC2253");
        let shown = openssl::call(&directory, &line);
        let expected = format!("subject=CN={subject}\nissuer=CN={issuer}\n");
        assert_eq!(shown.stdout(), expected);
    }

    let adopted = etcd_pki_at(scratch.path(), &["adopt", "pki", "--layout", "k3s"]);
    assert!(
        adopted.contains("peer_common_name: etcd-peer\n"),
        "{adopted}"
    );
    fs::write(scratch.path().join("adopted.yaml"), adopted).unwrap();
    etcd_pki_at(scratch.path(), &["plan", "-f", "adopted.yaml", "--check"]);
}

/// The values that `env etcd` prints for each trusted file, certificate and key, below the
/// directory.
fn settings(directory: &Path, layout: &str) -> Vec<String> {
    let place = directory.to_str().unwrap();
    let arguments = [
        "env", "etcd", "--host", "a", "-d", place, "--layout", layout,
    ];
    let printed = etcd_pki_at(directory, &arguments);
    let lines = printed.lines().filter(|line| line.contains("_FILE="));
    lines
        .map(|line| line.replace(&format!("{place}/"), ""))
        .collect()
}

#[test]
fn the_settings_of_etcd_follow_the_peer_ca() {
    let scratch = Scratch::new("k3s");
    let directory = applied(&scratch, "layout: k3s\ndirectory: pki\nmembers: [a]\n");
    assert_eq!(
        settings(&directory, "k3s"),
        [
            "ETCD_CERT_FILE=server-client.crt",
            "ETCD_KEY_FILE=server-client.key",
            "ETCD_TRUSTED_CA_FILE=server-ca.crt",
            "ETCD_PEER_CERT_FILE=peer-server-client.crt",
            "ETCD_PEER_KEY_FILE=peer-server-client.key",
            "ETCD_PEER_TRUSTED_CA_FILE=peer-ca.crt",
        ]
    );

    let scratch = Scratch::new("kubespray");
    let apart = "directory: pki\nca: {peers: separate}\nmembers: [a]\n";
    let directory = applied(&scratch, apart);
    assert_eq!(
        settings(&directory, "kubespray")[2..],
        [
            "ETCD_TRUSTED_CA_FILE=ca.pem",
            "ETCD_PEER_CERT_FILE=peer-a.pem",
            "ETCD_PEER_KEY_FILE=peer-a-key.pem",
            "ETCD_PEER_TRUSTED_CA_FILE=peer-ca.pem",
        ]
    );

    let scratch = Scratch::new("etcdadm");
    let shared = "layout: etcdadm\ndirectory: pki\nmembers: [a]\nnodes: [a]\n";
    let directory = applied(&scratch, shared);
    assert_eq!(
        settings(&directory, "etcdadm")[3..],
        [
            "ETCD_PEER_CERT_FILE=peer.crt",
            "ETCD_PEER_KEY_FILE=peer.key",
            "ETCD_PEER_TRUSTED_CA_FILE=ca.crt",
        ]
    );
}

/// If several hosts have separate trees, the settings of each host contain its own files and the
/// common CA above them.
#[test]
fn the_settings_of_a_host_among_others() {
    let scratch = Scratch::new("trees");
    let specification = "layout: kubeadm\ndirectory: pki\nmembers: [a, b]\nnodes: [a, c]\n";
    let directory = applied(&scratch, specification);
    assert_eq!(
        settings(&directory, "kubeadm"),
        [
            "ETCD_CERT_FILE=a/etcd/server.crt",
            "ETCD_KEY_FILE=a/etcd/server.key",
            "ETCD_TRUSTED_CA_FILE=etcd/ca.crt",
            "ETCD_PEER_CERT_FILE=a/etcd/peer.crt",
            "ETCD_PEER_KEY_FILE=a/etcd/peer.key",
            "ETCD_PEER_TRUSTED_CA_FILE=etcd/ca.crt",
        ]
    );
    let of = |arguments: &[&str]| {
        let common = ["-d", "pki", "--layout", "kubeadm"];
        etcd_pki_at(scratch.path(), &[arguments, &common].concat())
    };
    let allowed = "# ETCD_PEER_CERT_ALLOWED_CN=etcd-member-a,etcd-member-b\n";
    assert!(of(&["env", "etcd", "--host", "b"]).ends_with(allowed));
    let apiserver = of(&["env", "apiserver", "--host", "c"]);
    assert!(
        apiserver.contains("/pki/c/apiserver-etcd-client.crt\n"),
        "{apiserver}"
    );
    let etcdctl = of(&["env", "etcdctl", "--member", "b"]);
    assert!(etcdctl.contains("/pki/b/etcd/server.crt\n"), "{etcdctl}");
    let missing = run(Command::new(etcd_pki()).current_dir(scratch.path()).args([
        "env", "etcd", "--host", "c", "-d", "pki", "--layout", "kubeadm",
    ]));
    assert!(
        missing.stderr().contains("pki/etcd/server.crt"),
        "{}",
        missing.stderr()
    );
}

/// If a member has two pairs with different names, members present the peer pair to each other.
#[test]
fn the_names_that_peers_may_have() {
    let scratch = Scratch::new("peers");
    let member = "{name: a, common_name: etcd-server, peer_common_name: etcd-peer}";
    for ca in ["shared", "separate"] {
        let specification =
            format!("layout: kubeadm\ndirectory: {ca}\nca: {{peers: {ca}}}\nmembers: [{member}]\n");
        applied(&scratch, &specification);
        fs::write(scratch.path().join("env.yaml"), &specification).unwrap();
        let of_specification = ["env", "etcd", "--host", "a", "-f", "env.yaml"];
        let printed = etcd_pki_at(scratch.path(), &of_specification);
        assert!(printed.ends_with("ALLOWED_CN=etcd-peer\n"), "{printed}");
        // These files do not show whether there are other members
        let of_files = [
            "env", "etcd", "--host", "a", "-d", ca, "--layout", "kubeadm",
        ];
        let printed = etcd_pki_at(scratch.path(), &of_files);
        assert!(!printed.contains("ALLOWED_CN"), "{printed}");
        // A copy, as before a renewal, does not count as another member
        let [etcd, copy] = ["etcd", "b/etcd"].map(|path| scratch.path().join(ca).join(path));
        fs::create_dir_all(&copy).unwrap();
        for file in ["peer.crt", "peer.key"] {
            fs::copy(etcd.join(file), copy.join(file)).unwrap();
        }
        let printed = etcd_pki_at(scratch.path(), &of_files);
        assert!(!printed.contains("ALLOWED_CN"), "{printed}");
    }
}

/// Removed hosts are reported in every layout, including peer pairs and trees of hosts, and
/// `--prune` removes all their files.
#[test]
fn who_is_gone_goes_in_every_layout() {
    for (layout, ca, gone) in [
        (
            "kubespray",
            "separate",
            &["admin-c.pem", "member-c.pem", "node-c.pem", "peer-c.pem"][..],
        ),
        ("cfssl", "shared", &["c.pem", "node-c.pem", "peer-c.pem"]),
        (
            "kubeadm",
            "separate",
            &[
                "c/apiserver-etcd-client.crt",
                "c/etcd/healthcheck-client.crt",
                "c/etcd/peer.crt",
                "c/etcd/server.crt",
            ],
        ),
        (
            "k3s",
            "separate",
            &[
                "c/client.crt",
                "c/peer-server-client.crt",
                "c/server-client.crt",
            ],
        ),
        (
            "etcdadm",
            "shared",
            &[
                "c/apiserver-etcd-client.crt",
                "c/etcdctl-etcd-client.crt",
                "c/peer.crt",
                "c/server.crt",
            ],
        ),
    ] {
        let scratch = Scratch::new(layout);
        let head = format!("layout: {layout}\ndirectory: pki\nca: {{peers: {ca}}}\n");
        let with =
            |hosts: &str| format!("{head}members: [{hosts}]\nnodes: [{hosts}]\nclients: [x]\n");
        let directory = applied(&scratch, &with("a, b"));
        let expected = files(&directory);
        let _ = applied(&scratch, &with("a, b, c"));
        fs::write(scratch.path().join("cluster.yaml"), with("a, b")).unwrap();
        let plan = etcd_pki_at(scratch.path(), &["plan", "-f", "cluster.yaml", "--json"]);
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let mut unmanaged: Vec<_> = plan["unmanaged"]
            .as_array()
            .unwrap()
            .iter()
            .map(|path| path.as_str().unwrap())
            .collect();
        unmanaged.sort_unstable();
        assert_eq!(unmanaged, gone, "{layout}");
        assert_eq!(files(&directory).len(), expected.len() + 2 * gone.len());
        etcd_pki_at(scratch.path(), &["apply", "-f", "cluster.yaml", "--prune"]);
        assert_eq!(files(&directory), expected, "{layout}");
        assert!(!directory.join("c").exists(), "{layout}");
    }
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path)
            } else if !is_own_file(&path) {
                found.push(path)
            }
        }
    }
    found.sort();
    found
}

/// Users who may read the files can reach them: new directories belong to the owner of the files.
/// Existing directories keep their owner.
#[test]
fn directories_belong_to_whom_their_files_do() {
    let scratch = Scratch::new("owner");
    let specification = "layout: kubeadm\ndirectory: above/pki\nmembers: [a, b]\n\
        files: {owner: nobody, group: nogroup, directory_mode: '0750', certificate_mode: '0640'}\n";
    fs::write(scratch.path().join("cluster.yaml"), specification).unwrap();
    let of = |path: &str| {
        let metadata = scratch.path().join(path).metadata().unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o777)
    };
    etcd_pki_at(scratch.path(), &["apply", "-f", "cluster.yaml"]);
    for directory in [
        "above",
        "above/pki",
        "above/pki/etcd",
        "above/pki/a",
        "above/pki/a/etcd",
    ] {
        assert_eq!(of(directory), (65_534, 65_534, 0o750), "{directory}");
    }
    assert_eq!(of("above/pki/a/etcd/server.crt"), (65_534, 65_534, 0o640));

    let export = ["export", "-f", "cluster.yaml", "--host", "a", "-o"];
    let exported = run(Command::new(etcd_pki())
        .current_dir(scratch.path())
        .args(export)
        .arg("out"))
    .expect_success();
    assert_eq!(exported.stderr(), "");
    for (path, mode) in [
        ("out", 0o750),
        ("out/etcd", 0o750),
        ("out/etcd/ca.crt", 0o640),
        ("out/etcd/server.key", 0o600),
    ] {
        assert_eq!(of(path), (65_534, 65_534, mode), "{path}");
    }
    fs::create_dir(scratch.path().join("there")).unwrap();
    let unknown = specification.replace("nogroup", "etcd-pki-nobody");
    fs::write(scratch.path().join("unknown.yaml"), unknown).unwrap();
    let before = of("there");
    let exported = run(Command::new(etcd_pki()).current_dir(scratch.path()).args([
        "export",
        "-f",
        "unknown.yaml",
        "--host",
        "a",
        "-o",
        "there",
    ]))
    .expect_success();
    assert!(
        exported
            .stderr()
            .contains("cannot change the owner to etcd-pki-nobody here"),
        "{}",
        exported.stderr()
    );
    assert_eq!(of("there"), before);
    assert_eq!(of("there/etcd/ca.crt").0, 65_534);
    assert_eq!(of("there/etcd/ca.crt").1, before.1);
}
