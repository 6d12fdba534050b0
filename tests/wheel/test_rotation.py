"""The rotation of a CA."""

import pytest
from etcd_pki import CaKind, Cluster, ClusterCa, Gate, Rotation, Stage, Store, Strategy, errors

MEMBERS = ["etcd-1", "etcd-2"]


@pytest.fixture
def store(tmp_path):
    Cluster(members=MEMBERS, clients=["root"]).apply(tmp_path / "ssl")
    return Store(tmp_path / "ssl")


def test_a_whole_rotation(store):
    cluster = Cluster(members=MEMBERS, clients=["root"])
    rotation = Rotation.read(store)
    assert (rotation.stage, rotation.kind, rotation.strategy) == (Stage.STEADY, CaKind.CLIENT, Strategy.LINK)
    assert rotation.members == MEMBERS
    old = rotation.signing_ca
    assert rotation.old_ca == old and rotation.new_ca is None and rotation.link is None
    trial = rotation.trial()
    assert len(trial.chain) == 1

    rotation = rotation.next(confirmed=MEMBERS, strategy="link")
    assert (rotation.stage, rotation.strategy) == (Stage.SWITCHED, Strategy.LINK)
    assert rotation.new_ca == rotation.signing_ca != old
    assert rotation.link is not None
    assert len(rotation.leaves_of_other_ca) == 5
    cluster.apply(store.directory)

    rotation = Rotation.read(store)
    assert rotation.leaves_of_other_ca == []
    gate = rotation.gate(confirmed=["etcd-1"])
    assert isinstance(gate, Gate) and not gate.is_open
    assert (gate.next, gate.strategy) == (Stage.STEADY, Strategy.LINK)
    assert [member.name for member in gate.members] == MEMBERS
    assert [member.is_ready for member in gate.members] == [True, False]
    assert gate.obstacles[0].startswith("etcd-2: ")
    with pytest.raises(errors.GateClosedError) as raised:
        rotation.next(confirmed=["etcd-1"])
    assert raised.value.reasons == gate.obstacles
    assert isinstance(raised.value, errors.CaError)

    rotation = rotation.next(confirmed=MEMBERS, clients_confirmed=True)
    assert rotation.stage == Stage.STEADY and rotation.keeps_previous
    cluster.apply(store.directory)
    rotation = rotation.forget()
    assert not rotation.keeps_previous and not rotation.is_unfinished


def test_the_way_back(store):
    rotation = Rotation.read(store)
    with pytest.raises(errors.RotationError):
        rotation.back()
    prepared = rotation.prepare()
    assert prepared.stage == Stage.TRUSTED
    with pytest.raises(errors.FileChangedError):
        rotation.prepare()
    assert prepared.back().stage == Stage.STEADY


def test_an_emergency(store):
    old = Rotation.read(store).signing_ca
    rotation = Rotation.read(store).emergency()
    assert rotation.stage == Stage.STEADY
    assert rotation.signing_ca != old


def test_a_peer_ca(tmp_path):
    cluster = Cluster(members=MEMBERS, ca=ClusterCa(peers="separate"))
    cluster.apply(tmp_path / "ssl")
    store = Store(tmp_path / "ssl")
    rotation = Rotation.read(store, "peer").prepare(cluster=cluster)
    assert (rotation.kind, rotation.stage) == (CaKind.PEER, Stage.TRUSTED)
    assert Rotation.read(store).stage == Stage.STEADY


def test_files_that_fit_no_stage(store):
    Rotation.read(store).prepare()
    (store.directory / "ca-link.pem").unlink()
    with pytest.raises(errors.RotationError) as raised:
        Rotation.read(store)
    assert "ca-link.pem is missing" in raised.value.reason
    assert raised.value.directory == store.directory
