"""Specifications, and the adoption of an existing directory."""

import copy
import json
import os
import pickle
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

import etcd_pki
import pytest
from etcd_pki import (
    Adoption,
    CaKind,
    Cluster,
    ClusterAdmin,
    ClusterCa,
    ClusterDefaults,
    ClusterEntry,
    ClusterFiles,
    Identity,
    KubesprayScript,
    Layout,
    Role,
)

YAML = """\
layout: kubeadm
directory: pki
ca: {common_name: etcd-ca, organization: ops, algorithm: ec-p384, validity: 10y, peers: shared}
defaults: {algorithm: ed25519, validity: 1y, renew_before: 20d, san: given}
shared_names: [etcd, 10.0.0.100]
members: [{name: etcd-1, addresses: [10.0.0.11], ports: {client: 4001}}]
nodes: [kube-1]
clients: [{name: backup, validity: 90d}]
files: {key_mode: "0640", directory_mode: "0750"}
ports: {peer: 7001}
"""


def built():
    return Cluster(
        layout=Layout.KUBEADM,
        directory="pki",
        ca=ClusterCa("etcd-ca", organization="ops", algorithm="ec-p384", validity="10y", peers="shared"),
        defaults=ClusterDefaults(algorithm="ed25519", validity="1y", renew_before=timedelta(days=20), take_names_as_given=True),
        shared_names=["etcd", IPv4Address("10.0.0.100")],
        members=[ClusterEntry("etcd-1", names=["10.0.0.11"], client_port=4001)],
        nodes=["kube-1"],
        clients=[ClusterEntry(Identity("backup"), validity=timedelta(days=90))],
        files=ClusterFiles(key_mode=0o640, directory_mode=0o750),
        peer_port=7001,
    )


def test_said_in_three_ways(tmp_path):
    cluster = Cluster.from_yaml(YAML)
    assert cluster == built()
    assert Cluster.from_yaml(cluster.to_yaml()) == cluster
    mapping = {
        "layout": "kubeadm",
        "directory": "pki",
        "ca": {"common_name": "etcd-ca", "organization": "ops", "algorithm": "ec-p384", "validity": "10y", "peers": "shared"},
        "defaults": {"algorithm": "ed25519", "validity": "1y", "renew_before": "20d", "san": "given"},
        "shared_names": ["etcd", "10.0.0.100"],
        "members": [{"name": "etcd-1", "addresses": ["10.0.0.11"], "ports": {"client": 4001}}],
        "nodes": ["kube-1"],
        "clients": [{"name": "backup", "validity": "90d"}],
        "files": {"key_mode": "0640", "directory_mode": "0750"},
        "ports": {"peer": "7001"},
    }
    assert Cluster.from_mapping(mapping) == Cluster.from_yaml(json.dumps(mapping)) == cluster
    assert cluster != Cluster(members=["etcd-1"])
    file = tmp_path / "cluster.yaml"
    file.write_text(YAML)
    from_file = Cluster.from_file(file)
    assert from_file.directory == tmp_path / "pki"
    assert from_file.to_yaml() == cluster.to_yaml()


def test_facts():
    cluster = built()
    assert cluster.layout is Layout.KUBEADM
    assert cluster.directory == Path("pki")
    assert cluster.hosts == ["etcd-1", "kube-1"]
    assert cluster.shared_names == ["etcd", IPv4Address("10.0.0.100")]
    assert [entry.identity.name for entry in cluster.members + cluster.nodes + cluster.clients] == ["etcd-1", "kube-1", "backup"]
    assert (cluster.ca.common_name, cluster.ca.organization) == ("etcd-ca", "ops")
    assert not cluster.ca.has_separate_peers
    assert cluster.defaults.renew_before == "20d"
    assert cluster.defaults.takes_names_as_given and not ClusterDefaults().takes_names_as_given
    assert cluster.files.key_mode == 0o640 and cluster.files.certificate_mode is None
    assert (cluster.client_port, cluster.peer_port) == (None, 7001)
    assert (cluster.members[0].client_port, cluster.members[0].peer_port) == (4001, None)
    (endpoints,) = cluster.endpoints
    assert (endpoints.name, endpoints.client, endpoints.peer) == ("etcd-1", "10.0.0.11:4001", "10.0.0.11:7001")
    assert repr(endpoints) == "<MemberEndpoints etcd-1 10.0.0.11:4001>"
    assert repr(cluster) == "<Cluster of 1 members, 1 nodes and 1 clients, kubeadm layout>"
    desired = cluster.desired()
    assert [(ca.kind, ca.common_name, ca.algorithm) for ca in desired.cas] == [(CaKind.CLIENT, "etcd-ca", "ec-p384")]
    assert {pair.role for pair in desired.pairs} == {Role.MEMBER, Role.NODE, Role.CLIENT}
    assert {pair.ca for pair in desired.pairs} == {CaKind.CLIENT}
    assert [pair.host for pair in cluster.desired(host="kube-1").pairs] == ["kube-1"]
    assert desired == cluster.desired() != cluster.desired(host="kube-1")


def test_files_of_the_ca(tmp_path):
    """The owner, group and mode of other keys do not apply to them."""
    numbers = {"owner": str(os.getuid()), "group": str(os.getgid())}
    of_ca = {"ca_owner": numbers["owner"], "ca_group": numbers["group"]}
    files = ClusterFiles(key_mode=0o640, ca_key_mode=0o400, **of_ca)
    assert (files.ca_key_mode, files.ca_owner, files.ca_group) == (0o400, numbers["owner"], numbers["group"])
    assert (files.owner, files.group) == (None, None)
    cluster = Cluster(clients=["root"], files=files)
    mapping = {"clients": ["root"], "files": {"key_mode": "0640", "ca": {**numbers, "key_mode": "0400"}}}
    assert Cluster.from_mapping(mapping) == cluster == Cluster.from_yaml(cluster.to_yaml()) != Cluster(clients=["root"])
    if os.getuid() == 0:
        cluster = Cluster(clients=["root"], files=ClusterFiles(ca_owner="65534", ca_group="65534", ca_key_mode=0o440))
    cluster.apply(tmp_path)
    states = {path.name: path.stat() for path in tmp_path.glob("*.pem")}
    modes = {name: state.st_mode & 0o777 for name, state in states.items()}
    wanted = {"ca-key.pem": 0o440, "client-root-key.pem": 0o600} if os.getuid() == 0 else {"ca-key.pem": 0o400}
    assert wanted.items() <= modes.items()
    if os.getuid() == 0:
        owners = {name: (state.st_uid, state.st_gid) for name, state in states.items()}
        assert owners["ca.pem"] == owners["ca-key.pem"] == (65534, 65534)
        assert owners["client-root.pem"] == owners["client-root-key.pem"] == (0, 0)
    for wrong in ({"ca_key_mode": 0o644}, {"ca_key_mode": 0o10000}, {"ca_owner": "no such user"}):
        with pytest.raises(ValueError):
            ClusterFiles(**wrong)


def test_the_client_beside_a_member():
    def roles(cluster):
        return [pair.role for pair in cluster.desired().pairs]

    assert roles(Cluster(members=["etcd-1"])) == [Role.MEMBER, Role.CLIENT]
    assert roles(Cluster(members=["etcd-1"], admin=False)) == [Role.MEMBER]
    assert Cluster(members=["etcd-1"], admin=False).admin is None
    assert Cluster(members=["etcd-1"], admin=ClusterAdmin(organization="ops")).admin.organization == "ops"


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_is_copied_and_pickled(take):
    assert take(built()) == built()


def test_is_frozen():
    for value, name in (built(), "members"), (built().ca, "common_name"), (built(), "anything"):
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_contradictions():
    with pytest.raises(etcd_pki.SpecificationError) as raised:
        Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11"]), ClusterEntry("etcd-2", names=["10.0.0.11"])])
    assert raised.value.field.startswith("members[1]")
    assert raised.value.line is None
    with pytest.raises(etcd_pki.SpecificationError) as raised:
        Cluster.from_yaml("members:\n  - {name: etcd-1, adresses: [10.0.0.11]}\n")
    error = raised.value
    assert (error.line, error.column, error.field, error.hint) == (2, 20, "members[0].adresses", "did you mean addresses?")
    assert str(error).startswith("line 2, column 20: members[0].adresses: ")
    assert isinstance(error, ValueError)


def test_a_member_whose_name_is_not_added_needs_another():
    given = ClusterDefaults(take_names_as_given=True)
    with pytest.raises(etcd_pki.SpecificationError) as raised:
        Cluster(members=["etcd-1"], defaults=given)
    assert raised.value.field == "members[0].names" and "shared_names" in raised.value.hint
    with pytest.raises(etcd_pki.SpecificationError) as raised:
        Cluster.from_mapping({"members": [{"name": "etcd-1"}], "defaults": {"san": "given"}})
    assert raised.value.field == "members[0].names"
    cluster = Cluster(members=["etcd-1"], defaults=given, shared_names=["etcd"])
    assert cluster.desired().pairs[0].alternative_names == ["etcd"]


def test_without_a_directory():
    for act in (Cluster.plan, Cluster.apply):
        with pytest.raises(etcd_pki.SpecificationError) as raised:
            act(Cluster(members=["etcd-1"]))
        assert raised.value.field == "directory"


@pytest.mark.parametrize(
    "arguments",
    [
        {"members": "etcd-1"},
        {"members": 7},
        {"members": [7]},
        {"members": [None]},
        {"clients": {"a": 1}.items()},
        {"shared_names": "etcd"},
        {"shared_names": b"etcd"},
        {"layout": 7},
        {"ca": "etcd-ca"},
        {"defaults": {}},
        {"admin": "yes"},
        {"admin": 1},
        {"files": 0o600},
        {"directory": 7},
        {"client_port": "2379"},
        {"hosts": []},
    ],
)
def test_wrong_types(arguments):
    with pytest.raises(TypeError):
        Cluster(**arguments)


@pytest.mark.parametrize("port", [0, -1, 65536, 2**70])
def test_numbers_that_are_no_port(port):
    for make in (lambda: Cluster(peer_port=port), lambda: ClusterEntry("etcd-1", client_port=port)):
        with pytest.raises(etcd_pki.errors.SpecificationError, match=f"{port} is no port"):
            make()


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"members": ["etcd-1"], "clients": [{"name": "a", "validity": "90"}]}, "clients[0].validity"),
        ({"members": [{"name": "etcd-1", "adresses": ["10.0.0.11"]}]}, "members[0].adresses"),
        ({"members": "etcd-1"}, "members"),
        ({"members": ["etcd-1"], "defaults": {"validity": "9d", "renew_before": "9d"}}, "defaults.renew_before"),
        ({"members": ["etcd-1", "etcd-1"]}, "members[1].name"),
    ],
)
def test_errors_of_a_mapping_name_the_field(mapping, field):
    """The caller has not seen the text that is read."""
    with pytest.raises(etcd_pki.SpecificationError) as raised:
        Cluster.from_mapping(mapping)
    error = raised.value
    assert (error.line, error.column, error.field) == (None, None, field)
    assert str(error).startswith(f"{field}: ")


def test_mappings_that_are_none():
    for wrong in (7, [], {"members": {1, 2}}, {"members": object()}, {"a": float("nan")}, {7: 7}):
        with pytest.raises((TypeError, ValueError)):
            Cluster.from_mapping(wrong)
    endless = {}
    endless["members"] = endless
    with pytest.raises(ValueError):
        Cluster.from_mapping(endless)


def test_yaml_of_any_depth():
    for deep in ("[" * 100_000, '{"a":' * 100_000, "a: " + "&a [*a]" * 1000):
        with pytest.raises(etcd_pki.Error):
            Cluster.from_yaml(deep)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        Cluster.from_file(tmp_path / "cluster.yaml")
    (tmp_path / "latin-1.yaml").write_bytes(b"members: [\xe9tcd]")
    with pytest.raises(etcd_pki.errors.MalformedError) as raised:
        Cluster.from_file(tmp_path / "latin-1.yaml")
    assert raised.value.path == tmp_path / "latin-1.yaml"


def test_adoption(tmp_path):
    cluster = Cluster(members=[ClusterEntry("etcd-1", names=["10.0.0.11"])], nodes=["kube-1"], clients=["root"])
    cluster.apply(tmp_path)
    found = Adoption.read(tmp_path)
    assert [entry.identity.name for entry in found.cluster.members] == ["etcd-1"]
    assert not found.cluster.plan(tmp_path).has_work
    assert found.remarks == []
    (tmp_path / "node-kube-1.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    remarks = Adoption.read(tmp_path, layout="kubespray").remarks
    assert [remark.path.name for remark in remarks] == ["node-kube-1.pem"]
    assert remarks[0].text in str(remarks[0]) and repr(remarks[0]) == f"<Remark {remarks[0]}>"
    (tmp_path / "empty").mkdir()
    with pytest.raises(etcd_pki.errors.NotAdoptableError) as raised:
        Adoption.read(tmp_path / "empty")
    assert raised.value.directory == tmp_path / "empty"


def test_kubesprays_script(tmp_path):
    script = KubesprayScript("[alt_names]\nDNS.1 = localhost\nIP.1 = 10.0.0.11\n", masters=["etcd-1"], hosts=["kube-1"])
    assert set(script.names) >= {"localhost", IPv4Address("10.0.0.11")}
    assert not script.is_empty
    assert script.cluster().apply(tmp_path).changed == 4
    assert (tmp_path / "node-kube-1-key.pem").exists()
    assert script.misplaced_addresses == []
    by_address = KubesprayScript("[alt_names]\nDNS.1 = 10.0.0.11\nDNS.2 = localhost\nIP.1 = 10.0.0.11\n")
    assert by_address.names == [IPv4Address("10.0.0.11"), "localhost"]
    assert by_address.misplaced_addresses == [IPv4Address("10.0.0.11")]
    with pytest.raises(etcd_pki.Error):
        KubesprayScript("[alt_names]\nIP.1 = 10.0.0.300\n")
    with pytest.raises(etcd_pki.Error) as refused:
        KubesprayScript("[alt_names]\nemail.1 = etcd@lan\n")
    assert "openssl.conf" in refused.value.hint


def test_layouts():
    assert Layout.KUBESPRAY.ca().certificate == Path("ca.pem")
    assert Layout.KUBEADM.pairs(Role.MEMBER, "etcd-1")[0].key.suffix == ".key"
    assert Layout("k3s").ca("peer").key.name == "peer-ca.key" and Layout.K3S.peer_pair("etcd-1")
    assert Layout.KUBESPRAY.member_client("etcd-1").certificate.name == "admin-etcd-1.pem"
    below = Layout.KUBESPRAY.ca().below("/etc/ssl")
    assert below.key == Path("/etc/ssl/ca-key.pem")
    assert below == etcd_pki.PairPaths("/etc/ssl/ca.pem", Path("/etc/ssl/ca-key.pem"))
    assert hash(below) == hash(etcd_pki.PairPaths("/etc/ssl/ca.pem", "/etc/ssl/ca-key.pem"))
    with pytest.raises(etcd_pki.errors.InvalidNameError):
        Layout.KUBESPRAY.pairs("member", "../etcd-1")
