//! Where in YAML a fault is that only the whole shows.

use super::node::{Node, Value};
use crate::{cluster::fault::Fault, error::Error, identity::AlternativeName};

/// Says where the field of a fault is.
pub(super) fn located(mut fault: Fault, root: &Node) -> Error {
    let mut node = find(root, &fault.field);
    if let Some(name) = fault.name.take() {
        let mut field = fault.field.clone();
        if let Some(found) = find_name(node, &name, &mut field) {
            node = found;
            fault.field = field;
        }
    }
    fault.into_error(Some(node.position))
}

/// The value of a field such as `members[1].addresses`, or the nearest above it that is there.
fn find<'a>(root: &'a Node, field: &str) -> &'a Node {
    let mut node = root;
    for step in field.split(['.', '[']) {
        let next = match &node.value {
            Value::Mapping(fields) => fields
                .iter()
                .find(|(key, _)| matches!(&key.value, Value::Scalar(key) if key.text == step))
                .map(|(_, value)| value),
            Value::Sequence(items) => {
                let index = step.trim_end_matches(']').parse::<usize>().ok();
                index.and_then(|index| items.get(index))
            }
            Value::Scalar(_) => None,
        };
        let Some(next) = next else { break };
        node = next;
    }
    node
}

/// Where a name stands below a value. Completes the way to it.
fn find_name<'a>(node: &'a Node, name: &AlternativeName, field: &mut String) -> Option<&'a Node> {
    let length = field.len();
    let mut below = |step: String, node: &'a Node| {
        field.truncate(length);
        field.push_str(&step);
        find_name(node, name, field)
    };
    match &node.value {
        Value::Scalar(scalar) => {
            let found = scalar.text.parse::<AlternativeName>().ok();
            (found.as_ref() == Some(name)).then_some(node)
        }
        Value::Sequence(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| below(format!("[{index}]"), item)),
        Value::Mapping(fields) => fields.iter().find_map(|(key, value)| match &key.value {
            Value::Scalar(key) => below(format!(".{}", key.text), value),
            _ => None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use crate::cluster::Cluster;

    #[test]
    fn errors_name_line_and_field() {
        for case in WRONG.trim().split("\n\n") {
            let (text, expected) = case.split_once("\n=> ").unwrap();
            let message = Cluster::from_yaml(text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{text}\n=> {message}");
        }
    }

    #[test]
    fn what_looks_wrong_and_is_not() {
        for text in [
            // Loopback is everybody's, and what members share
            "members: [{name: a, addresses: [127.0.0.1]}, {name: b, addresses: [127.0.0.1]}]",
            "shared_names: [10.0.0.1]\nmembers: [{name: a, addresses: [10.0.0.1]}]",
            // Names of different roles, and common names of no member
            "members: [a]\nnodes: [a, b]\nclients: [a, {name: c, common_name: b}, {name: d, common_name: b}]",
            "members: [a]\nclients: [{name: c, common_name: etcd-member-a, allow_member_common_name: true}]",
            // The usual 30 days are no contradiction to a short life
            "defaults: {validity: 7d}\nmembers: [a]",
            "clients: [kube@example.com, {name: p, common_name: null, organization: o}]",
            // Names of each, of all, and of who only dials
            "defaults: {san: given}\nmembers: [{name: a, names: [a]}]\nnodes: [b]\nclients: [c]",
            "defaults: {san: given}\nshared_names: [etcd]\nmembers: [a]",
            "{}",
        ] {
            Cluster::from_yaml(text).unwrap();
        }
    }

    /// Specifications, and how what is said of each begins
    const WRONG: &str = r#"
a: [
=> line 1, column 4: this is not YAML: unclosed bracket

[]
=> line 1, column 1: a mapping is wanted, and this is a list

layout: kubspray
=> line 1, column 9: layout: unknown layout "kubspray"

ca:
  cn: x
=> line 2, column 3: ca.cn: there is no such field

ca:
  peers: shared
  peers: separate
=> line 3, column 3: ca.peers: it stands here twice, first on line 2

ca: {common_name: []}
=> line 1, column 19: ca.common_name: text is wanted, and this is a list

ca: {peer_common_name: x}
=> line 1, column 24: ca.peer_common_name: peers have no authority apart

members: a
=> line 1, column 10: members: a list is wanted, and this is text

members: [[a]]
=> line 1, column 11: members[0]: a mapping is wanted, and this is a list

members: [1]
=> line 1, column 11: members[0]: text is wanted, and this is a number

members: [{name: true}]
=> line 1, column 18: members[0].name: text is wanted, and this is true or false

members: [{addresses: []}]
=> line 1, column 11: members[0]: it has no name

members: [{name: a, san: none}]
=> line 1, column 21: members[0].san: there is no such field

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
=> line 1, column 26: clients[0].san: text is wanted, and this is a list

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
=> line 2, column 11: members[0].name: peer-ca.pem would be a file of the authority and of member ca

layout: kubeadm
members: [a, etcd]
=> line 2, column 14: members[1].name: etcd/ is where the authority is

layout: k3s
ca: {peers: shared}
=> line 2, column 13: ca.peers: in the k3s layout peers have

members: [{name: a, peer_common_name: x}]
=> line 1, column 39: members[0].peer_common_name: there is no pair for peers

layout: k3s
nodes: [{name: a, peer_common_name: x}]
=> line 2, column 19: nodes[0].peer_common_name: there is no such field

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
"#;
}
