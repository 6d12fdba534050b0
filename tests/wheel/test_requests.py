"""Requests, and keys that stay on their hosts."""

import copy
import os
import pickle
import shutil

import etcd_pki
import pytest
from etcd_pki import (
    Bundle,
    CertificateAuthority,
    CertificateRequest,
    Cluster,
    ClusterEntry,
    HostAction,
    Identity,
    PrivateKey,
    Role,
)
from tools import openssl


@pytest.fixture(scope="module")
def request_():
    return CertificateRequest.create(PrivateKey.generate(), Role.MEMBER, Identity("etcd-1", names=["10.0.0.11"]))


def test_goes_out_and_comes_in(request_, tmp_path):
    pem, der = request_.to_pem(), request_.to_der()
    assert openssl("req", "-verify", "-in", "/dev/stdin", "-noout", input=pem) == b""
    for read in CertificateRequest.from_pem(pem), CertificateRequest.from_pem(pem.decode()), CertificateRequest.from_der(der):
        assert read == request_ and hash(read) == hash(request_)
    file = tmp_path / "etcd-1.csr"
    file.write_bytes(pem)
    assert CertificateRequest.from_file(file) == request_


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_is_copied_and_pickled(request_, take):
    assert take(request_) == request_


def test_claims(request_):
    assert request_.subject == "CN=etcd-member-etcd-1"
    assert repr(request_) == "<CertificateRequest CN=etcd-member-etcd-1, ec-p256>"
    claims = {str(claim): claim for claim in request_.claims}
    assert claims["common name etcd-member-etcd-1"].kind == "common_name"
    assert claims["common name etcd-member-etcd-1"].facts == {"value": "etcd-member-etcd-1"}
    assert {claim.kind for claim in request_.claims} >= {"dns_name", "ip_address", "extended_key_usage"}
    assert request_.claims == CertificateRequest.from_der(request_.to_der()).claims
    assert len(set(request_.claims)) == len(request_.claims)
    assert request_.claimed().alternative_names == CertificateRequest.from_der(request_.to_der()).claimed().alternative_names


def test_a_signature_that_does_not_hold(request_):
    der = bytearray(request_.to_der())
    der[-1] ^= 1
    with pytest.raises(etcd_pki.Error) as raised:
        CertificateRequest.from_der(der)
    assert isinstance(raised.value, (etcd_pki.SignatureError, etcd_pki.MalformedError))


def test_keys_stay_on_their_hosts(tmp_path):
    cluster = Cluster(
        members=[ClusterEntry("etcd-1", names=["10.0.0.11"]), ClusterEntry("etcd-2", names=["10.0.0.12"])], admin=False
    )
    travelling, authority = tmp_path / "travelling", tmp_path / "authority"
    for host in ("etcd-1", "etcd-2"):
        plan = cluster.plan_host(tmp_path / host, host=host, requests=travelling)
        assert not plan.is_done
        assert [step.action for step in plan.changes] == [HostAction.REQUEST]
        assert plan.changes[0].makes_key
        report = plan.apply()
        assert (report.keys, report.requested, report.installed) == (1, 1, 0)
        with pytest.raises(ValueError, match="plan anew"):
            plan.apply()
    # A file that should not be there is refused, and told
    stranger = travelling / "etcd-1" / "stranger.csr"
    shutil.copy(plan.steps[0].request, stranger)
    signing = cluster.plan_signing(authority, requests=travelling)
    assert [step.host for step in signing.changes] == ["etcd-1", "etcd-2"]
    assert signing.created == [authority / "ca.pem"]
    assert [refusal.path for refusal in signing.refused] == [stranger]
    assert signing.refused[0].reason in str(signing.refused[0])
    report = signing.apply()
    assert (report.created, report.signed) == (1, 2)
    assert report.not_granted == []
    for host in ("etcd-1", "etcd-2"):
        report = cluster.plan_host(tmp_path / host, host=host, requests=travelling).apply()
        assert (report.trusted, report.installed) == (1, 1)
        bundle = Bundle.from_files(tmp_path / host / f"member-{host}.pem", tmp_path / host / f"member-{host}-key.pem")
        assert bundle.certificate.common_name == f"etcd-member-{host}"
        assert cluster.plan_host(tmp_path / host, host=host, requests=travelling).is_done
    secrets = [name for _, _, names in os.walk(travelling) for name in names if "key" in name]
    assert secrets == []


def test_progress(tmp_path):
    cluster, told = Cluster(members=["etcd-1"]), []

    def progress(done, all):
        told.append((done, all))

    def host():
        return cluster.plan_host(tmp_path / "etcd-1", host="etcd-1", requests=tmp_path / "travelling")

    def signing():
        return cluster.plan_signing(tmp_path / "authority", requests=tmp_path / "travelling")

    # Pairs; an authority and pairs; an authority that is trusted and pairs
    for plan, all in (host, 2), (signing, 3), (host, 3):
        plan().apply(progress=progress)
        assert told == sorted(told) and told[-1] == (all, all)
        told.clear()
    host().apply(progress=progress)
    signing().apply(progress=progress)
    assert told == []


def test_a_wrong_passphrase_does_not_use_a_plan_up(tmp_path):
    cluster, authority, travelling = Cluster(members=["etcd-1"]), tmp_path / "authority", tmp_path / "travelling"
    CertificateAuthority.create("etcd-ca").write(authority, passphrase="correct horse")
    cluster.plan_host(tmp_path / "etcd-1", host="etcd-1", requests=travelling).apply()
    plan = cluster.plan_signing(authority, requests=travelling)
    with pytest.raises(etcd_pki.EncryptedKeyError):
        plan.apply()
    with pytest.raises(etcd_pki.WrongPassphraseError) as raised:
        plan.apply(passphrase="wrong")
    assert raised.value.path == authority / "ca-key.pem"
    assert plan.apply(passphrase="correct horse").signed == 2
    with pytest.raises(etcd_pki.StateError, match="plan anew"):
        plan.apply(passphrase="correct horse")


def test_what_was_claimed_and_not_granted(tmp_path):
    cluster = Cluster(clients=["backup"], nodes=["kube-1"])
    plan = cluster.plan_host(tmp_path / "kube-1", host="kube-1", requests=tmp_path / "travelling")
    plan.apply()
    key = PrivateKey.from_file(tmp_path / "kube-1" / "node-kube-1-key.pem")
    greedy = CertificateRequest.create(key, Role.MEMBER, Identity("kube-1", organization="system:masters"))
    plan.steps[0].request.write_bytes(greedy.to_pem())
    report = cluster.plan_signing(tmp_path / "authority", requests=tmp_path / "travelling").apply()
    assert [refused.path for refused in report.not_granted] == [plan.steps[0].request]
    assert "organization system:masters" in map(str, report.not_granted[0].claims)
