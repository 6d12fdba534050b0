"""Immutable values can be copied, and values about a certificate can be pickled."""

import copy
import pickle
from datetime import datetime, timezone

import pytest
from etcd_pki import (
    CertificateRequest,
    Check,
    Cluster,
    ClusterAdmin,
    ClusterCa,
    ClusterDefaults,
    ClusterEntry,
    ClusterFiles,
    Identity,
    Layout,
    Profile,
    Role,
    Settings,
    Store,
    Verifier,
)


@pytest.fixture
def told(ca, member, tmp_path):
    """Returns claims and findings, with facts of many kinds."""
    request = ca.issue(Role.MEMBER, "etcd-2", names=["10.0.0.12", "etcd-2.lan"])
    again = ca.reasons(member.certificate, request.key.public_key, Role.CLIENT, Identity("backup", organization="o"))
    late = datetime(2090, 1, 1, tzinfo=timezone.utc)
    reasons = Verifier(ca.certificate, role="member", host="10.0.0.9", at=late).verify(member.certificate).reasons
    Cluster(clients=["root"]).apply(tmp_path / "pki")
    key = tmp_path / "pki" / "client-root-key.pem"
    key.chmod(0o644)
    modes = [reason for step in Cluster(clients=["root"]).plan(tmp_path / "pki").steps for reason in step.reasons]
    findings = [finding for one in Check(at=late).run([tmp_path / "pki"]) for finding in one.findings]
    claims = CertificateRequest.create(member.key, Role.MEMBER, Identity("etcd-1", names=["10.0.0.11", "a.lan"])).claims
    found = [*claims, *again, *modes, *reasons, *findings]
    assert {type(one).__name__ for one in found} == {"Claim", "Finding"}
    assert len({one.kind for one in found}) > 5
    return found


def facts(one):
    """Returns every attribute."""
    return {name: getattr(one, name) for name in dir(type(one)) if name[0] != "_"}


def test_what_is_told_is_pickled(told):
    for one in told:
        again = pickle.loads(pickle.dumps(one))
        assert type(again) is type(one) and again == one and hash(again) == hash(one)
        assert (str(again), repr(again), facts(again)) == (str(one), repr(one), facts(one))
    assert pickle.loads(pickle.dumps(told)) == told


def test_what_is_told_differs_by_its_facts(tmp_path):
    """Values with the same text can be unequal."""
    reasons = []
    for name in ("one", "other"):
        Cluster(clients=["root"]).apply(tmp_path / name)
        (tmp_path / name / "client-root-key.pem").chmod(0o644)
        plan = Cluster(clients=["root"]).plan(tmp_path / name)
        reasons += [reason for step in plan.steps for reason in step.reasons]
    one, other = reasons
    assert str(one) == str(other) and one != other and one.path != other.path == tmp_path / "other" / "client-root-key.pem"
    assert one == one and {one, other} == {other, one}


def test_facts_are_the_askers(told):
    for one in told:
        before = facts(one)
        for value in facts(one).values():
            if isinstance(value, list):
                value.append("more")
        assert facts(one) == before
        with pytest.raises(AttributeError):
            one.kind = "another"


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy])
def test_copies(take, told, tmp_path):
    values = [
        *told,
        Identity("etcd-1", names=["10.0.0.11"]),
        Profile(Role.CLIENT, validity="90d"),
        ClusterEntry("etcd-1"),
        ClusterCa("etcd-ca"),
        ClusterDefaults(renew_before="30d"),
        ClusterFiles(key_mode=0o640),
        ClusterAdmin(),
        Layout.KUBESPRAY.ca(),
        Settings.etcdctl(Store(tmp_path / "pki"), Role.CLIENT, "root"),
        Cluster(clients=["root"]).desired(),
        *Cluster(clients=["root"]).desired().cas,
        *Cluster(clients=["root"]).desired().pairs,
    ]
    for value in values:
        assert take(value) is value
    assert copy.deepcopy({"all": values})["all"] == values
