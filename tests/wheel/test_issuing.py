"""Certificates that etcd would refuse are not issued, and client certificates that etcd's peer
port accepts are reported."""

from datetime import datetime, timedelta, timezone
from subprocess import run

import etcd_pki
import pytest
from etcd_pki import CertificateAuthority, Cluster, Renewal, Role, Settings, Store


def limited(directory, extension):
    """Creates a CA with openssl, with an extension."""
    line = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca.pem -days 99 -subj /CN=etcd-ca "
        "-addext keyUsage=critical,keyCertSign,cRLSign -addext"
    )
    run([*line.split(), extension], cwd=directory, check=True, capture_output=True)
    return CertificateAuthority.from_files(directory / "ca.pem", directory / "ca-key.pem")


def test_what_a_ca_may_not_sign(tmp_path):
    ca = limited(tmp_path, "nameConstraints=critical,permitted;DNS:example.com")
    with pytest.raises(etcd_pki.errors.UnacceptableError) as raised:
        ca.issue(Role.CLIENT, "app", names=["app.lan"])
    error = raised.value
    assert (error.code, error.reason) == ("EP034", "CN=etcd-ca must not sign for app.lan (nameConstraints)")
    assert isinstance(error, ValueError) and error.hint == "leave the name out, or sign with another CA"
    assert ca.issue(Role.CLIENT, "app", names=["app.example.com"])
    cluster = Cluster(members=["etcd-1"], clients=["root"])
    for _ in range(2):
        report = cluster.plan(tmp_path).apply()
        assert {step.reasons[0].code for step in report.plan.blocked} == {"EP034"}
        assert not (tmp_path / "member-etcd-1.pem").exists()


def test_who_is_accepted_by_peers():
    ca = CertificateAuthority.create("etcd-ca")
    assert ca.issue(Role.CLIENT, "app").certificate.peer_port is None
    assert ca.issue(Role.CLIENT, "app", names=["URI:spiffe://c/app"]).certificate.peer_port is None
    finding = ca.issue(Role.NODE, "kube-1", names=["10.0.0.7", "kube-1.lan"]).certificate.peer_port
    assert (finding.code, finding.current) == ("EP044", ["kube-1.lan", "10.0.0.7"])
    assert ca.issue(Role.MEMBER, "etcd-1").certificate.peer_port is None
    node = etcd_pki.ClusterEntry("kube-1", names=["10.0.0.7"])
    for peers, code in [("shared", "EP044"), ("separate", None)]:
        cluster = Cluster(members=["etcd-1"], nodes=[node], ca=etcd_pki.ClusterCa(peers=peers))
        found = [pair.peer_port and pair.peer_port.code for pair in cluster.desired().pairs if pair.role == Role.NODE]
        assert found == [code]


def test_what_is_renewed_later_than_requested(tmp_path):
    Cluster(clients=["root"]).apply(tmp_path)
    plan = Renewal(Store(tmp_path)).plan_due("400d")
    (step,) = plan.blocked
    assert [(one.code, one.days) for one in step.reasons] == [("EP045", 365)]
    assert Renewal(Store(tmp_path)).plan_due().steps == []
    cluster = Cluster(clients=["root"], defaults=etcd_pki.ClusterDefaults(renew_before="200d"))
    (pair,) = cluster.desired().pairs
    assert pair.renewed_later().code == "EP045"
    end = datetime(2030, 1, 1, tzinfo=timezone.utc)
    cluster = Cluster(clients=["root"], defaults=etcd_pki.ClusterDefaults(validity=end, renew_before="60d"))
    (pair,) = cluster.desired().pairs
    plan = cluster.plan(tmp_path / "new", now=end - timedelta(days=365))
    assert plan.now_utc == end - timedelta(days=365)
    assert pair.renewed_later(now=plan.now_utc) is None
    assert pair.renewed_later(now=end - timedelta(days=90)).code == "EP045"


def test_the_names_that_peers_may_have(tmp_path):
    cluster = Cluster(members=["etcd-1"])
    cluster.apply(tmp_path)
    assert dict(Settings.etcd(Store(tmp_path), "etcd-1").optional) == {}
    known = Settings.etcd(Store(tmp_path), "etcd-1", cluster=Cluster(members=["etcd-1", "etcd-2"]))
    assert dict(known.optional) == {"ETCD_PEER_CERT_ALLOWED_CN": "etcd-member-etcd-1,etcd-member-etcd-2"}
