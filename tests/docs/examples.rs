//! The programs in `examples/`, executed, and checks of their output.
use std::{env, fs, path::Path, process::Command};

use etcd_pki_core::{CertificateRequest, Identity, Layout, PrivateKey, Role};
use etcd_pki_tests::{
    Credentials, Output, Scratch, command,
    etcd::{Cluster, Member, Version},
    openssl::{self, Purpose},
    run,
};

fn example(name: &str, arguments: &[&Path]) -> Output {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap());
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "etcd-pki-examples",
            "--example",
            name,
            "--",
        ])
        .args(arguments);
    run(&mut cargo).expect_success()
}

#[test]
fn three_members_and_a_request() {
    let scratch = Scratch::new("examples");
    let directory = scratch.path().join("ssl");
    let printed = example("three_members", &[&directory]);
    assert!(
        printed.stdout().contains("ETCD_PEER_CERT_FILE="),
        "{}",
        printed.stdout()
    );
    assert!(
        printed.stdout().contains("export ETCDCTL_CERT="),
        "{}",
        printed.stdout()
    );
    let ca = directory.join("ca.pem");
    for number in 1..=3 {
        let member = directory.join(format!("member-etcd-{number}.pem"));
        let address = format!("127.0.0.{number}");
        openssl::verify_strict(&ca, &member, Purpose::Server).assert_accepted(&address);
        openssl::verify_host(&ca, &member, &address).assert_accepted(&address);
    }

    let claims = Identity::from_common_name("root")
        .unwrap()
        .with_organization("system:masters")
        .unwrap();
    let request =
        CertificateRequest::create(&PrivateKey::generate().unwrap(), Role::Client, claims).unwrap();
    let file = scratch.path().join("app.csr");
    fs::write(&file, request.to_pem()).unwrap();
    let signed = example("sign_request", &[&directory, &file, Path::new("backup")]);
    assert_eq!(
        signed.stderr(),
        "not granted: organization system:masters\nnot granted: common name root\n"
    );
    let certificate = scratch.path().join("app.pem");
    fs::write(&certificate, signed.stdout()).unwrap();
    openssl::verify_strict(&ca, &certificate, Purpose::Client).assert_accepted("the client");
}

#[test]
fn a_key_that_is_elsewhere() {
    let scratch = Scratch::new("elsewhere");
    let certificate = scratch.path().join("certificate.pem");
    fs::write(&certificate, example("key_elsewhere", &[]).stdout()).unwrap();
    let shown = openssl::call(
        scratch.path(),
        "x509 -noout -subject -issuer -in certificate.pem",
    );
    assert_eq!(shown.stdout(), "subject=CN = backup\nissuer=CN = etcd-ca\n");
}

/// etcd starts with the output of the README's first command.
#[test]
fn the_readmes_first_command() {
    let scratch = Scratch::new("three-members");
    let directory = scratch.path().join("three-members");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shell/three-members.sh");
    let mut command = Command::new("sh");
    command
        .arg(script)
        .arg(&directory)
        .env("ETCD_PKI", command::etcd_pki());
    let printed = run(&mut command).expect_success();
    assert!(
        printed
            .stdout()
            .contains("--initial-cluster etcd-1=https://127.0.0.1:2380,")
    );
    let members = ["etcd-1", "etcd-2", "etcd-3"].map(|host| {
        let settings = fs::read_to_string(directory.join(format!("{host}.env"))).unwrap();
        Member::new(host).with_environment_file(&settings)
    });
    let pair = Layout::Kubespray.pairs(Role::Client, "root").unwrap()[0].below(&directory);
    let root = Credentials::new(directory.join("ca.pem"), pair);
    let cluster = Cluster::start(Version::Newest, &members, &root);
    let listed = cluster.etcdctl(&root, &["member", "list"]).expect_success();
    assert_eq!(listed.stdout().lines().count(), 3);
}
