//! Specifications in YAML: those that are accepted, errors with their position, and the written
//! form.

use std::path::{Path, PathBuf};

use super::{super::plain::is_plain, *};
use crate::{
    cluster::{
        AdminSpec, CaFilesSpec, CaSpec, CommonName, DefaultsSpec, EntrySpec, FilesSpec, Peers,
        PortsSpec, RenewBefore, RevokedSpec,
    },
    key::KeyAlgorithm,
    layout::Layout,
    role::{Compatibility, Role},
    time::validity::Validity,
    x509::{identity::Identity, revocation_list::RevocationReason},
};

/// Writes a cluster and reads it again.
fn assert_same(spec: ClusterSpec) {
    let cluster = Cluster::try_from(spec).unwrap();
    let yaml = cluster.to_yaml();
    let again = Cluster::from_yaml(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    assert_eq!(again, cluster, "{yaml}");
}

#[test]
fn every_field() {
    let cluster = Cluster::from_yaml(
        r#"
layout: kubeadm
directory: pki
ca: {common_name: a-ca, organization: A, algorithm: ec-p384, validity: 5y, peers: separate, peer_common_name: b-ca, record: false}
defaults: {algorithm: ed25519, validity: 2y, renew_before: 25%, profile: kubespray, san: given}
shared_names: [etcd, 10.0.0.1]
members: [{name: m, names: [m.lan], addresses: ["[::2]", IP:10.0.0.2], common_name: c, organization: O, algorithm: rsa-3072, validity: 9d, ports: {peer: 7001}}]
nodes: [{name: n, san: none}, {name: o, names: [o.lan], addresses: [10.0.0.3]}]
clients: [x, {name: p, common_name: null, organization: O}, {name: q, common_name: etcd-member-q, allow_member_common_name: true}]
files: {owner: 1000, group: root, key_mode: "0640", certificate_mode: '444', directory_mode: "0o750", ca: {owner: root, group: 7, key_mode: "0400"}}
ports: {client: "4001", peer: 65535}
revoked: [{client: alice}, {serial: "12:E4", reason: key-compromise}, {node: etcd-9}]
"#,
    )
    .unwrap();
    assert_eq!(cluster.layout(), Layout::Kubeadm);
    assert_eq!(cluster.directory(), Some(Path::new("pki")));
    let given = |name: &str| CommonName::Given(name.to_owned());
    let text = |text: &str| Some(text.to_owned());
    let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
    let addresses = |addresses: &[&str]| addresses.iter().map(|one| one.parse().unwrap()).collect();
    let expected = ClusterSpec {
        layout: Layout::Kubeadm,
        directory: Some(PathBuf::from("pki")),
        ca: CaSpec {
            common_name: text("a-ca"),
            organization: text("A"),
            algorithm: Some(KeyAlgorithm::EcP384),
            validity: Some(Validity::years(5)),
            peers: Some(Peers::Separate),
            peer_common_name: given("b-ca"),
            record: false,
        },
        defaults: DefaultsSpec {
            profile: Compatibility::Kubespray,
            algorithm: Some(KeyAlgorithm::Ed25519),
            validity: Some(Validity::years(2)),
            renew_before: Some(RenewBefore::percent(25).unwrap()),
            take_names_as_given: true,
        },
        shared_names: names(&["etcd", "10.0.0.1"]),
        members: vec![EntrySpec {
            names: names(&["m.lan"]),
            addresses: addresses(&["::2", "10.0.0.2"]),
            common_name: given("c"),
            organization: text("O"),
            algorithm: Some(KeyAlgorithm::Rsa3072),
            validity: Some(Validity::days(9)),
            ports: PortsSpec {
                client: None,
                peer: Some(7001),
            },
            ..EntrySpec::new("m")
        }],
        nodes: vec![
            EntrySpec {
                without_alternative_names: true,
                ..EntrySpec::new("n")
            },
            EntrySpec {
                names: names(&["o.lan"]),
                addresses: addresses(&["10.0.0.3"]),
                ..EntrySpec::new("o")
            },
        ],
        clients: vec![
            EntrySpec::new("x"),
            EntrySpec {
                common_name: CommonName::Absent,
                organization: text("O"),
                ..EntrySpec::new("p")
            },
            EntrySpec {
                common_name: given("etcd-member-q"),
                allow_member_common_name: true,
                ..EntrySpec::new("q")
            },
        ],
        admin: Some(AdminSpec::default()),
        files: FilesSpec {
            owner: text("1000"),
            group: text("root"),
            key_mode: Some(0o640),
            certificate_mode: Some(0o444),
            directory_mode: Some(0o750),
            ca: CaFilesSpec {
                owner: text("root"),
                group: text("7"),
                key_mode: Some(0o400),
            },
        },
        ports: PortsSpec {
            client: Some(4001),
            peer: Some(65535),
        },
        revoked: vec![
            RevokedSpec::client("alice"),
            RevokedSpec {
                reason: Some(RevocationReason::KeyCompromise),
                ..RevokedSpec::serial("12E4".parse().unwrap())
            },
            RevokedSpec::host("etcd-9"),
        ],
    };
    assert_eq!(*cluster.spec(), expected);
    assert_same(expected);
}

#[test]
fn json_and_what_is_left_out() {
    let json = Cluster::from_yaml(r#"{"members": [{"name": "a"}], "nodes": null, "ca": {}}"#);
    let yaml = Cluster::from_yaml("members:\n- a\nnodes:\n");
    assert_eq!(json.unwrap(), yaml.unwrap());
    let anchors = "members: [{name: a, validity: &life 9d}, {name: b, validity: *life}]";
    let anchors = Cluster::from_yaml(anchors).unwrap();
    assert_eq!(anchors.spec().members[1].validity, Some(Validity::days(9)));
}

#[test]
fn what_is_not_quoted_may_be_a_number() {
    let name = |text: &str| {
        let error = Cluster::from_yaml(&format!("clients: [{text}]")).err();
        error.map(|error| error.to_string())
    };
    for text in [
        "0600", "384", "-1", "1.5", "1e3", "0x1F", "0o600", ".5", ".inf", ".NaN",
    ] {
        let error = name(text).unwrap();
        assert!(error.ends_with("and this is a number"), "{text}: {error}");
    }
    for text in [
        "\"0600\"", "'1'", "!!str 1", "10.0.0.1", "90d", "33%", "1y", "yes", "inf", "nan", "e3",
        "y", "off",
    ] {
        assert_eq!(name(text), None, "{text}");
    }
    assert!(name("~").unwrap().ends_with("and this is nothing"));
    assert!(name("True").unwrap().ends_with("and this is true or false"));
    assert!(
        name("!own x")
            .unwrap()
            .contains("the tag !own means nothing here")
    );
    // An owner may be a number
    for (text, owner) in [("1000", "1000"), ("'007'", "007"), ("etcd", "etcd")] {
        let cluster = Cluster::from_yaml(&format!("files: {{owner: {text}}}")).unwrap();
        assert_eq!(cluster.spec().files.owner.as_deref(), Some(owner));
    }
}

#[test]
fn positions_are_counted_from_one() {
    let error = Cluster::from_yaml("nodes: [b]\r\nclients: [d\n").unwrap_err();
    assert!(error.to_string().contains("line 2, column 10"), "{error}");
    let error = Cluster::from_yaml("\u{feff}nodes:\n  - 1\n").unwrap_err();
    assert!(error.to_string().contains("line 2, column 5"), "{error}");
    // The error is at the place where the alias is used
    let error = Cluster::from_yaml("nodes: &n [a]\nlayout: *n\n").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("line 2, column 9: layout: text is expected"),
        "{error}"
    );
}

#[test]
fn aliases_copy_within_reason() {
    assert!(Cluster::from_yaml("nodes: &a [b]\nclients: *a\n").is_ok());
    let error = |text: &str| Cluster::from_yaml(text).unwrap_err().to_string();
    assert!(error("nodes: &a [*a]\n").contains("alias"));
    assert!(
        error("nodes: *b\n").contains("this is not YAML"),
        "{}",
        error("nodes: *b\n")
    );
    let mut bomb = "shared_names: &a0 [x, x]\nmembers:\n".to_owned();
    for level in 1..40 {
        let below = level - 1;
        bomb += &format!("- {{names: &a{level} [*a{below}, *a{below}]}}\n");
    }
    assert!(Cluster::from_yaml(&bomb).is_err());
    let mut many = "shared_names: &n [x, x, x, x, x, x, x, x, x, x]\nmembers:\n".to_owned();
    for level in 1..20_000 {
        many += &format!("- {{name: m{level}, names: *n}}\n");
    }
    assert!(
        error(&many).contains("aliases repeat more than 100000 values"),
        "{}",
        error(&many)
    );
    // All hosts may use the same alias
    let life: String = (0..10_000)
        .map(|host| format!("- {{name: h{host}, validity: *l}}\n"))
        .collect();
    let life = format!("defaults: {{validity: &l 90d}}\nnodes:\n{life}");
    assert_eq!(
        Cluster::from_yaml(&life).unwrap().spec().nodes.len(),
        10_000
    );
}

#[test]
fn a_million_values_and_no_more() {
    // The mapping, the name of the field and the list count as values too
    let list = |values: usize| format!("clients: [{}b]", "b,".repeat(values - 4));
    let spec = ClusterSpec::from_yaml(&list(limits::YAML_VALUES)).unwrap();
    assert_eq!(spec.clients.len(), limits::YAML_VALUES - 3);
    let error = ClusterSpec::from_yaml(&list(limits::YAML_VALUES + 1)).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it has more than 1000000 values"),
        "{error}"
    );
}

#[test]
fn one_document_that_says_something() {
    for bad in [
        "",
        "# nothing\n",
        "---\n",
        "~",
        "nodes: [a]\n---\nnodes: [b]\n",
        &"[".repeat(10_000),
        &format!("nodes: {}{}", "[".repeat(100), "]".repeat(100)),
    ] {
        assert!(Cluster::from_yaml(bad).is_err(), "{bad:.20}");
    }
    assert!(Cluster::from_yaml("---\nnodes: [a]\n...\n").is_ok());
}

fn read_admin(admin: &str) -> Cluster {
    Cluster::from_yaml(&format!("members: [a]\nadmin: {admin}")).unwrap()
}

#[test]
fn an_admin_that_is_usual_missing_or_of_kubeadm() {
    let files = |cluster: Cluster| cluster.desired().unwrap().pairs.len();
    assert_eq!(files(read_admin("none")), 1);
    assert_eq!(files(read_admin("")), 2);
    let cluster =
        read_admin("{san: none, organization: system:masters, algorithm: ed25519, validity: 90d}");
    let admin = cluster.spec().admin.as_ref().unwrap();
    assert!(admin.without_alternative_names);
    assert_eq!(admin.organization.as_deref(), Some("system:masters"));
    assert_eq!(admin.validity, Some(Validity::days(90)));
    let pair = cluster.desired().unwrap().pairs.remove(1);
    assert_eq!(pair.identity.organization(), Some("system:masters"));
    assert!(pair.identity.alternative_names().is_none());
}

#[test]
fn what_an_admin_cannot_be() {
    for (admin, expected) in [
        ("all", "line 2, column 8: admin: the only word here is none"),
        ("{san: all}", "line 2, column 14: admin.san: the only word"),
        (
            "{name: a}",
            "line 2, column 9: admin.name: there is no such field",
        ),
        (
            "{validity: 8000y}",
            "line 2, column 19: admin.validity: the validity ends past",
        ),
    ] {
        let error = Cluster::from_yaml(&format!("members: [a]\nadmin: {admin}")).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn the_field_that_was_meant() {
    let known = [
        "name",
        "names",
        "addresses",
        "common_name",
        "organization",
        "validity",
    ];
    for (name, expected) in [
        ("adresses", "did you mean addresses?"),
        ("Common-Name", "did you mean common_name?"),
        ("organisation", "did you mean organization?"),
        ("Name", "did you mean name?"),
        ("validty", "did you mean validity?"),
    ] {
        assert_eq!(nearest(name, &known), expected);
    }
    assert!(nearest("sans", &known).starts_with("the fields here are name, names"));
}

#[test]
fn plain_and_quoted() {
    for plain in [
        "etcd-1", "10.0.0.1", "90d", "a@b.c", "/etc/ssl", "ec-p256", "_x",
    ] {
        assert!(is_plain(plain), "{plain}");
    }
    for quoted in [
        "",
        "no",
        "NULL",
        "1",
        "1e5",
        "0x1f",
        "2026-01-01",
        "*.etcd",
        "fd00::1",
        "a: b #c",
        "bücher",
        "a\u{85}\u{202e}",
    ] {
        assert!(!is_plain(quoted), "{quoted}");
    }
    let written = |name: &str| {
        let organization = Some(name.to_owned());
        let admin = Some(AdminSpec {
            organization,
            ..AdminSpec::default()
        });
        let spec = ClusterSpec {
            admin,
            ..ClusterSpec::default()
        };
        assert_eq!(ClusterSpec::from_yaml(&spec.to_yaml()).unwrap(), spec);
        spec.to_yaml().lines().last().unwrap().trim().to_owned()
    };
    for (text, expected) in [
        ("a\"\\", r#"organization: "a\"\\""#),
        ("bücher", "organization: \"bücher\""),
        ("a\u{202e}", "organization: \"a\\U0000202E\""),
        // Unicode classes this filler character as a letter
        (
            "a\u{3164}\u{e0041}",
            "organization: \"a\\U00003164\\U000E0041\"",
        ),
    ] {
        assert_eq!(written(text), expected);
    }
    let hidden: String = ('\0'..='\u{ffff}')
        .filter(|letter| !text::is_printable(*letter))
        .collect();
    assert!(written(&hidden).chars().all(text::is_printable));
}

/// All combinations of names, common names, organizations, alternative names and other fields.
#[test]
fn entries_of_every_shape() {
    const TEXTS: &[&str] = &[
        "a",
        "1",
        "1.5",
        "true",
        "No",
        "~",
        "é",
        "a: b",
        "a #b",
        "- a",
        "[a",
        "{a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "'a'",
        "\"a\"",
        "\\",
        "%a",
        "@a",
        "`a",
        "a\u{200d}b",
        "a\u{a0}b",
        "0x1f",
        "1_000",
        "2026-01-01",
        "12:30:45",
        "=",
        "<<",
        "a,b",
        "?",
        ":",
        "none",
        "\u{fffd}a",
        "😀",
    ];
    const NAMES: &[&[&str]] = &[
        &[],
        &["a.b"],
        &["10.0.0.1"],
        &["a.b", "fd00::1", "10.0.0.1"],
        &["fd00::1", "a.b", "URI:spiffe://c/etcd", "*.d"],
    ];
    for (index, text) in TEXTS.iter().enumerate() {
        let other = TEXTS[(index * 7 + 3) % TEXTS.len()];
        let is_file_name = Layout::Kubespray.pairs(Role::Client, text).is_ok();
        let name = if is_file_name { text } else { "a" };
        let names = NAMES[index % NAMES.len()];
        let identity = Identity::new(name).unwrap().with_names(names).unwrap();
        let given = identity.clone().with_common_name(other).unwrap();
        let organized = given.clone().with_organization(text).unwrap();
        let entries = [
            identity.clone(),
            given,
            organized.clone(),
            organized.clone().without_common_name(),
            identity.without_alternative_names(),
        ];
        for identity in entries {
            let entry = EntrySpec::from(identity);
            let full = EntrySpec {
                algorithm: Some(KeyAlgorithm::ALL[index % 6]),
                validity: Some(Validity::days(index as u32 + 1)),
                allow_member_common_name: true,
                ..entry.clone()
            };
            for entry in [entry, full] {
                assert_same(ClusterSpec {
                    clients: vec![entry],
                    ..ClusterSpec::default()
                });
            }
        }
    }
}

#[test]
fn errors_name_line_and_field() {
    let mut wrong = String::new();
    for case in WRONG.trim().split("\n\n") {
        let (text, expected) = case.split_once("\n=> ").unwrap();
        let message = Cluster::from_yaml(text)
            .err()
            .map_or_else(String::new, |error| error.to_string());
        if !message.starts_with(expected) {
            wrong += &format!("{text}\n=> {message}\nexpected {expected}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_looks_wrong_and_is_not() {
    for text in [
        // All members may have addresses of loopback and those that members share
        "members: [{name: a, addresses: [127.0.0.1]}, {name: b, addresses: [127.0.0.1]}]",
        "shared_names: [10.0.0.1]\nmembers: [{name: a, addresses: [10.0.0.1]}]",
        // Entries of different roles may have the same name, and clients any common name that no
        // member has
        "members: [a]\nnodes: [a, b]\nclients: [a, {name: c, common_name: b}, {name: d, common_name: b}]",
        "members: [a]\nclients: [{name: c, common_name: etcd-member-a, allow_member_common_name: true}]",
        // The default of 30 days does not contradict a short validity
        "defaults: {validity: 7d}\nmembers: [a]",
        "clients: [kube@example.com, {name: p, common_name: null, organization: o}]",
        // Names of one entry, of all, and of a client
        "defaults: {san: given}\nmembers: [{name: a, names: [a]}]\nnodes: [b]\nclients: [c]",
        "defaults: {san: given}\nshared_names: [etcd]\nmembers: [a]",
        "ports: {client: 2380, peer: 2379}\nmembers: [a]",
        "ports: {client: 4001, peer: null}\nmembers: [{name: a, ports: {client: 1, peer: 65535}}, {name: b, ports: }]",
        "{}",
    ] {
        Cluster::from_yaml(text).unwrap();
    }
}

/// Invalid specifications, each with the beginning of its error
const WRONG: &str = r#"
nodes: [
=> line 1, column 8: this is not YAML: unclosed bracket

[]
=> line 1, column 1: a mapping is expected, and this is a list

layout: kubspray
=> line 1, column 9: layout: unknown layout "kubspray"

ca:
  cn: x
=> line 2, column 3: ca.cn: there is no such field

ca:
  peers: shared
  peers: separate
=> line 3, column 3: ca.peers: it is here twice, first on line 2

ca: {common_name: []}
=> line 1, column 19: ca.common_name: text is expected, and this is a list

ca: {peer_common_name: x}
=> line 1, column 24: ca.peer_common_name: peers have no separate CA

members: a
=> line 1, column 10: members: a list is expected, and this is text

members: [[a]]
=> line 1, column 11: members[0]: a name or a mapping is expected, and this is a list

members: [1]
=> line 1, column 11: members[0]: a name or a mapping is expected, and this is a number

members: [{name: true}]
=> line 1, column 18: members[0].name: text is expected, and this is true or false

members: [{addresses: []}]
=> line 1, column 11: members[0]: it has no name

members: [{name: a, san: none}]
=> line 1, column 26: members[0].san: clients connect to a member by its names

members: [a_ b]
=> line 1, column 11: members[0].name: "a_ b" is no DNS name

nodes:
- ../a
=> line 2, column 3: nodes[0].name: the name "../a" has a slash

nodes: [a-key]
=> line 1, column 9: nodes[0].name: the name "a-key" ends in -key

clients:
- {name: a}
- b
- a
=> line 4, column 3: clients[2].name: a is already clients[0]

members: [a, b.lan, B.LAN]
=> line 1, column 21: members[2].name: B.LAN is already members[1]

clients:
- {name: a, names: [a..b]}
=> line 2, column 21: clients[0].names[0]: "a..b" is no DNS name

clients: [{name: a, addresses: [b]}]
=> line 1, column 33: clients[0].addresses[0]: b is no address

clients: [{name: a, san: [b]}]
=> line 1, column 26: clients[0].san: text is expected, and this is a list

clients: [{name: a, names: [b], san: none}]
=> line 1, column 38: clients[0].san: it is none, and there are

clients: [{name: a, common_name: null}]
=> line 1, column 34: clients[0].common_name: the subject would be empty

clients: [{name: a, common_name: etcd-member-x}]
=> line 1, column 34: clients[0].common_name: etcd-member-x is a member's

clients: [etcd-member-x]
=> line 1, column 11: clients[0].name: etcd-member-x is a member's

clients: [{name: a, validity: 90}]
=> line 1, column 31: clients[0].validity: "90" is no duration

clients: [{name: a, validity: 8000y}]
=> line 1, column 31: clients[0].validity: the validity ends past

clients: [{name: a, validity: 2020-01-01T00:00:00Z}]
=> line 1, column 31: clients[0].validity: the validity would end on

defaults: {renew_before: 50%}
=> line 1, column 26: defaults.renew_before: "50%" is more than a third

defaults: {validity: 9d, renew_before: 9d}
=> line 1, column 40: defaults.renew_before: a certificate is not valid

files: {key_mode: 0600}
=> line 1, column 19: files.key_mode: a number can be read as octal or as decimal

files: {key_mode: 384}
=> line 1, column 19: files.key_mode: a number can be read

files: {key_mode: "0644"}
=> line 1, column 19: files.key_mode: 0644 gives more

files: {owner: "a b"}
=> line 1, column 16: files.owner: the name "a b" names no user

members:
- {name: a, addresses: [10.0.0.1]}
- name: b
  addresses:
  - 10.0.0.2
  - 10.0.0.1
=> line 6, column 5: members[1].addresses[1]: 10.0.0.1 is an address of a and of b

members: [{name: a, common_name: x}]
clients:
- b
- {name: c, common_name: x}
=> line 4, column 26: clients[1].common_name: client c would have the common name of member a, x

ca: {peers: separate}
members: [ca]
=> line 2, column 11: members[0].name: peer-ca.pem would be a file of the CA and of member ca

layout: kubeadm
members: [a, etcd]
=> line 2, column 14: members[1].name: etcd/ is where the CA is

layout: k3s
ca: {peers: shared}
=> line 2, column 13: ca.peers: in the k3s layout peers have

members: [{name: a, peer_common_name: x}]
=> line 1, column 39: members[0].peer_common_name: there is no separate pair for peers

layout: k3s
nodes: [{name: a, peer_common_name: x}]
=> line 2, column 37: nodes[0].peer_common_name: there is no separate pair for peers

members: [{name: a, allow_member_common_name: true}]
=> line 1, column 47: members[0].allow_member_common_name: it is for nodes and clients

members: [{name: a, address: [10.0.0.1]}]
=> line 1, column 21: members[0].address: there is no such field

defaults: {renew_before: 30}
=> line 1, column 26: defaults.renew_before: "30" is neither a number with a unit

shared_names: [a b]
=> line 1, column 16: shared_names[0]: "a b" is no DNS name

members: [a]
nodes: [{name: b, common_name: etcd-member-a}]
=> line 2, column 32: nodes[0].common_name: etcd-member-a is a member's

members: [{name: a, common_name: x}]
clients: [x]
=> line 2, column 11: clients[0].name: client x would have the common name of member a, x

members:
- 10.0.0.1
- {name: b, names: [10.0.0.1, "::1"]}
=> line 3, column 21: members[1].names[0]: 10.0.0.1 is an address of 10.0.0.1 and of b

defaults: {san: given}
members: [etcd-1]
=> line 2, column 11: members[0].names: a member needs a name or an address

defaults: {san: given}
members:
- {name: a, addresses: [10.0.0.1]}
- {name: b, names: []}
=> line 4, column 20: members[1].names: a member needs a name or an address

ports: 2379
=> line 1, column 8: ports: a mapping is expected, and this is a number

ports: {clients: 2379}
=> line 1, column 9: ports.clients: there is no such field

ports: {client: 0}
=> line 1, column 17: ports.client: 0 is no port

ports: {client: 65536}
=> line 1, column 17: ports.client: 65536 is no port

ports: {client: -1}
=> line 1, column 17: ports.client: -1 is no port

ports: {client: 2379.5}
=> line 1, column 17: ports.client: 2379.5 is no port

ports: {client: "+1"}
=> line 1, column 17: ports.client: +1 is no port

ports: {peer: [2380]}
=> line 1, column 15: ports.peer: a port from 1 to 65535 is expected, and this is a list

ports: {peer: true}
=> line 1, column 15: ports.peer: a port from 1 to 65535 is expected, and this is true or false

ports: {client: 2380}
members: [a]
=> line 1, column 8: ports: clients and peers of a have the same port 2380

members: [a, {name: b, ports: {peer: 2379}}]
=> line 1, column 31: members[1].ports: clients and peers of b have the same port 2379

nodes: [{name: a, ports: {client: 1}}]
=> line 1, column 26: nodes[0].ports: only members have ports
"#;
