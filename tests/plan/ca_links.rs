//! A CA with a file that is a symbolic link: nothing is signed with it, and nothing is written
//! through the link.
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use etcd_pki_core::CertificateAuthority;
use etcd_pki_tests::{
    cluster::{self, Cluster},
    command::etcd_pki_in,
    is_own_file,
    machines::{self, Machines},
    openssl, stderr_of,
};

/// Moves a file to another place, and creates a link to it in its old place.
fn link(directory: &Path, file: &str) {
    let place = directory.join(file);
    let away = directory.with_extension("away").join(file);
    fs::create_dir_all(away.parent().unwrap()).unwrap();
    fs::rename(&place, &away).unwrap();
    symlink(&away, &place).unwrap();
}

/// Nothing is signed with a CA that is reached only through a link: a plan reports it, and nothing
/// is written.
#[test]
fn a_ca_behind_a_link_signs_nothing() {
    for file in ["ca.pem", "ca-key.pem"] {
        let cluster = Cluster::applied();
        link(&cluster.directory(), file);
        // Nothing is due, so nothing is signed
        assert!(cluster.due().is_empty(), "{file}");
        fs::remove_file(cluster.file("client-root.pem")).unwrap();
        fs::remove_file(cluster.file("client-backup.pem")).unwrap();
        let key = cluster.file("member-etcd-1-key.pem");
        fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
        let before = cluster.contents();
        let due = cluster.due();
        let blocked = due.values().filter(|one| one.starts_with("blocked: "));
        assert_eq!(blocked.count(), 2, "{due:?}");
        let reason = format!("ssl/{file} is a link that leads to");
        assert!(due["client-root.pem"].contains(&reason), "{due:?}");
        let printed = stderr_of(&cluster.command("apply").output().unwrap(), 1);
        assert!(
            printed.contains(&format!("ssl/{file} is a symbolic link")),
            "{printed}"
        );
        assert_eq!(cluster.contents(), before, "{file}");
        let renew = "cert renew -d ssl ssl/member-etcd-1.pem";
        let renewed = etcd_pki_in(cluster.path(), renew).expect_code(1);
        assert!(
            renewed.stderr().contains("put the file itself there"),
            "{renewed:?}"
        );
        assert_eq!(cluster.contents(), before, "{file}");
        // Changes that need no CA are done
        assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// The same for a CA that must be renewed, or created.
#[test]
fn a_ca_behind_a_link_is_not_written() {
    for file in ["ca.pem", "ca-key.pem"] {
        let cluster = Cluster::applied();
        fs::write(cluster.file("ca.pem"), without_key_usage(&cluster)).unwrap();
        assert!(cluster.due()["ca.pem"].starts_with("renew: "));
        link(&cluster.directory(), file);
        let before = cluster.contents();
        let due = cluster.due();
        assert!(
            due["ca.pem"].starts_with(&format!("blocked: ssl/{file} is a link")),
            "{due:?}"
        );
        let _ = stderr_of(&cluster.command("apply").output().unwrap(), 1);
        assert_eq!(cluster.contents(), before);
    }
    for target in ["missing.pem", "empty.pem"] {
        let cluster = Cluster::new(cluster::SPECIFICATION);
        fs::create_dir(cluster.directory()).unwrap();
        fs::write(cluster.path().join("empty.pem"), "").unwrap();
        symlink(format!("../{target}"), cluster.file("ca.pem")).unwrap();
        let due = cluster.due();
        assert!(
            due.values().all(|one| one.starts_with("blocked: ")),
            "{due:?}"
        );
        let _ = stderr_of(&cluster.command("apply").output().unwrap(), 1);
        let names = fs::read_dir(cluster.directory()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name());
        let names: Vec<_> = names.filter(|name| !is_own_file(name)).collect();
        assert_eq!(names, ["ca.pem"]);
    }
}

/// The certificate of the cluster's CA, issued again with its key and without keyUsage.
fn without_key_usage(cluster: &Cluster) -> Vec<u8> {
    fs::write(
        cluster.path().join("openssl.cnf"),
        "[req]\ndistinguished_name = dn\nx509_extensions = ca\n[dn]\n[ca]\n\
         basicConstraints = critical,CA:TRUE\nsubjectKeyIdentifier = hash\n",
    )
    .unwrap();
    let line = "req -x509 -new -key ssl/ca-key.pem -subj /CN=etcd-ca -days 3000 -config openssl.cnf -out root.pem";
    let _ = openssl::call(cluster.path(), line);
    fs::read(cluster.path().join("root.pem")).unwrap()
}

/// The machine that signs requests, and a host that must trust another bundle.
#[test]
fn a_ca_behind_a_link_where_keys_stay_on_hosts() {
    for file in ["ca.pem", "ca-key.pem"] {
        let machines = Machines::installed(machines::SPECIFICATION);
        link(&machines.path("ca"), file);
        let (done, printed) = machines.apply("ca");
        assert_eq!(done["done"]["signed"], 0);
        assert!(
            printed.contains("nothing is signed through a link"),
            "{printed}"
        );
        fs::remove_file(machines.path("travel/etcd-1/member-etcd-1.pem")).unwrap();
        let before = machines.files("travel");
        let output = machines.command("plan", "ca").output().unwrap();
        let plan = String::from_utf8(output.stdout).unwrap();
        let reason = format!("ca/{file} is a link that leads to");
        assert!(plan.contains("blocked") && plan.contains(&reason), "{plan}");
        let printed = stderr_of(&machines.command("apply", "ca").output().unwrap(), 1);
        assert!(
            printed.contains(&format!("ca/{file} is a symbolic link")),
            "{printed}"
        );
        assert_eq!(machines.files("travel"), before);
    }
    let machines = Machines::installed(machines::SPECIFICATION);
    link(&machines.path("etcd-1"), "ca.pem");
    // Nothing is written through it, so it may stay
    let _ = machines.quietly("etcd-1");
    let other = CertificateAuthority::create("other").unwrap();
    let bundle = fs::read_to_string(machines.path("ca/ca.pem")).unwrap();
    let bundle = bundle + &other.certificate().to_pem();
    fs::write(machines.path("travel/etcd-1/ca.pem"), bundle).unwrap();
    fs::remove_file(machines.path("etcd-1/member-etcd-1.pem")).unwrap();
    let before = machines.files("etcd-1");
    let trust = [other.certificate().fingerprint_sha256()];
    for verb in ["plan", "apply"] {
        let mut command = machines.command_trusting(verb, "etcd-1", &trust);
        let output = command.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(printed.contains("etcd-1/ca.pem is a "), "{verb}: {printed}");
        assert_eq!(output.status.success(), verb == "plan", "{printed}");
        assert_eq!(machines.files("etcd-1"), before);
    }
}

/// The same for a folder that is a link, whichever of the files it contains.
#[test]
fn a_ca_in_a_linked_folder() {
    let cluster =
        Cluster::new("layout: kubeadm\ndirectory: ssl\nmembers: [etcd-1]\nnodes: [etcd-1]\n");
    let _ = cluster.apply();
    let client = cluster.file("apiserver-etcd-client.crt");
    fs::remove_file(&client).unwrap();
    link(&cluster.directory(), "etcd");
    let due = cluster.due();
    let reason = &due["apiserver-etcd-client.crt"];
    assert!(
        reason.starts_with("blocked: ssl/etcd is a link that leads to"),
        "{due:?}"
    );
    let _ = stderr_of(&cluster.command("apply").output().unwrap(), 1);
    assert!(!client.exists());
}
