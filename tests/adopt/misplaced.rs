//! `adopt` on directories in which a pair has the contents of another pair: the contents of the
//! misplaced pair are not adopted.
use std::{fs, path::Path};

use etcd_pki_core::PrivateKey;
use etcd_pki_tests::{
    adopted::Adopted,
    cluster::{Cluster, SPECIFICATION},
    kubespray::Kubespray,
};

const CERTIFICATE: &[&str] = &[".pem"];
const PAIR: &[&str] = &[".pem", "-key.pem"];

/// Copies files of one pair over those of another.
fn copy(directory: &Path, from: &str, to: &str, endings: &[&str]) {
    for ending in endings {
        let file = |stem: &str| directory.join(format!("{stem}{ending}"));
        fs::copy(file(from), file(to)).unwrap();
    }
}

/// A cluster of this specification, in which a pair has been copied over another.
fn copied(specification: &str, from: &str, to: &str, endings: &[&str]) -> (Cluster, Adopted) {
    let cluster = Cluster::new(specification);
    let _ = cluster.apply();
    copy(&cluster.directory(), from, to, endings);
    let adopted = Adopted::of(&cluster.directory());
    (cluster, adopted)
}

#[test]
fn a_nodes_certificate_in_the_place_of_a_members() {
    let (_cluster, adopted) = copied(SPECIFICATION, "node-kube-1", "member-etcd-2", CERTIFICATE);
    let specification = &adopted.specification;
    assert!(specification.contains("  - etcd-2\n"), "{specification}");
    for lie in ["allow_member_common_name", "etcd-node", "0.0.0.0"] {
        assert!(!specification.contains(lie), "{specification}");
    }
    assert_eq!(
        adopted.notes,
        [
            "member-etcd-2.pem: is for another key than the one next to it, has the key of node-kube-1.pem and has no serverAuth, so its content is not used",
            "member-etcd-2.pem: its names are not known: write them before the next apply",
        ]
    );
    let faults = "renew: member-etcd-2-key.pem does not match the certificate; common name etcd-node-kube-1, should be etcd-member-etcd-2; \
         usages digitalSignature, clientAuth, should be digitalSignature, serverAuth, clientAuth; etcd-2 is missing; \
         localhost is missing; 127.0.0.1 is missing; ::1 is missing; 0.0.0.0 is not in the specification";
    adopted.assert_due(&[("member-etcd-2.pem", faults)]);

    // The specification gets what the note requests, and everything is as before
    let whole = specification.replace(
        "  - etcd-2\n",
        "  - {name: etcd-2, addresses: [10.0.0.12]}\n",
    );
    adopted.specify(&whole);
    let _ = adopted.json("apply");
    adopted.assert_due(&[]);
}

#[test]
fn the_names_of_a_member_are_looked_for_in_its_other_pairs() {
    let apart = format!("ca: {{peers: separate}}\nshared_names: [etcd]\n{SPECIFICATION}");
    let strict = (apart.as_str(), "peer-etcd-2.pem");
    let kubespray =
        format!("defaults: {{profile: kubespray, algorithm: ec-p256}}\n{SPECIFICATION}")
            .replace("  - {name: etcd-1, addresses: [10.0.0.11]}\n", "");
    for (specification, from) in [strict, (&kubespray, "admin-etcd-2.pem")] {
        let cluster = Cluster::new(specification);
        let _ = cluster.apply();
        let before = Adopted::of(&cluster.directory());
        copy(
            &cluster.directory(),
            "node-kube-1",
            "member-etcd-2",
            CERTIFICATE,
        );
        let adopted = Adopted::of(&cluster.directory());
        assert_eq!(adopted.specification, before.specification);
        let told = format!("member-etcd-2.pem: its names are those of {from}");
        assert_eq!(adopted.notes[1..], [told]);
        assert_eq!(
            adopted.due().into_keys().collect::<Vec<_>>(),
            ["member-etcd-2.pem"]
        );
        let _ = adopted.json("apply");
        adopted.assert_due(&[]);
    }
}

/// A misplaced pair with a key that matches: the key does not show the mistake.
#[test]
fn whole_pairs_in_the_places_of_others() {
    let kubespray =
        format!("defaults: {{profile: kubespray, algorithm: ec-p256}}\n{SPECIFICATION}");
    for (specification, from, to) in [
        (SPECIFICATION, "node-kube-1", "member-etcd-2"),
        (SPECIFICATION, "member-etcd-1", "node-kube-1"),
        (SPECIFICATION, "member-etcd-1", "member-etcd-2"),
        (SPECIFICATION, "member-etcd-1", "client-root"),
        (SPECIFICATION, "ca", "member-etcd-2"),
        (&kubespray, "node-kube-1", "member-etcd-2"),
        (&kubespray, "member-etcd-1", "node-kube-1"),
    ] {
        let (_cluster, adopted) = copied(specification, from, to, PAIR);
        let stderr = &adopted.specification;
        for field in [
            "common_name: etcd-node",
            "common_name: etcd-member",
            "allow_member",
        ] {
            assert!(!stderr.contains(field), "{from} {to} {stderr}");
        }
        let begins = format!("{to}.pem: has the key of {from}.pem");
        assert!(
            adopted.notes[0].starts_with(&begins),
            "{from} {to} {:?}",
            adopted.notes
        );
        let due = &adopted.due()[&format!("{to}.pem")];
        let common_name = if from == "ca" {
            "etcd-ca".to_owned()
        } else {
            format!("etcd-{from}")
        };
        // A certificate that may be a CA's is never replaced, and a key that two pairs share is
        // replaced only with --rekey
        assert!(due.starts_with("blocked: "), "{due}");
        assert!(
            due.contains(&format!("common name {common_name}, should be")),
            "{due}"
        );
    }
}

/// A certificate belongs to its file name if the CA signed it for that name, whatever key is next
/// to it.
#[test]
fn what_a_run_left_that_was_cut_off_is_believed() {
    let cluster = Cluster::applied();
    let before = Adopted::of(&cluster.directory());
    let key = PrivateKey::generate().unwrap().to_secret_pem();
    fs::write(cluster.file("member-etcd-2-key.pem"), key).unwrap();
    let adopted = Adopted::of(&cluster.directory());
    assert_eq!(adopted.specification, before.specification);
    assert!(adopted.notes.is_empty(), "{:?}", adopted.notes);
    adopted.assert_due(&[(
        "member-etcd-2.pem",
        "renew: member-etcd-2-key.pem does not match the certificate",
    )]);

    // The contents of another CA's certificate do not matter
    let other = Cluster::applied();
    fs::copy(
        other.file("member-etcd-2.pem"),
        cluster.file("member-etcd-2.pem"),
    )
    .unwrap();
    let adopted = Adopted::of(&cluster.directory());
    assert!(adopted.notes[0].starts_with("member-etcd-2.pem: is for another key than"));
}

/// If the file names contain no host name, another pair shows the name of the host.
#[test]
fn a_host_is_called_as_in_a_pair_that_is_its_own() {
    let cluster = Cluster::new(
        "layout: kubeadm\ndirectory: ssl\nmembers: [{name: etcd-1, addresses: [10.0.0.11]}]\nnodes: [etcd-1]\n",
    );
    let _ = cluster.apply();
    let before = Adopted::of(&cluster.directory());
    let (node, server) = ("apiserver-etcd-client.crt", "etcd/server.crt");
    fs::copy(cluster.file(node), cluster.file(server)).unwrap();
    let adopted = Adopted::of(&cluster.directory());
    assert_eq!(adopted.specification, before.specification);
    let told = format!(
        "{server}: is for another key than the one next to it and has no serverAuth, so its content is not used"
    );
    assert_eq!(adopted.notes, [told]);
    assert_eq!(adopted.due().into_keys().collect::<Vec<_>>(), [server]);
}

/// Kubespray's own directory, in which every certificate is valid for every usage.
#[test]
fn a_kubespray_directory() {
    let hosts = &["DNS:node1", "DNS:node2", "IP:10.0.0.1", "IP:10.0.0.2"];
    let kubespray = Kubespray::create_with(&["node1", "node2"], &["node1"], hosts);
    let before = Adopted::of(kubespray.path());
    copy(kubespray.path(), "node-node1", "member-node2", PAIR);
    let adopted = Adopted::of(kubespray.path());
    assert_eq!(adopted.specification, before.specification);
    assert_eq!(
        adopted.notes,
        [
            "member-node2.pem: has the key of node-node1.pem, so its content is not used",
            "member-node2.pem: its names are those of admin-node2.pem",
        ]
    );
}
