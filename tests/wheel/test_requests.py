"""Requests, and keys that stay on their hosts."""

import copy
import os
import pickle
import shutil
from ipaddress import IPv4Address, IPv6Address

import etcd_pki
import pytest
from etcd_pki import (
    Action,
    Bundle,
    Certificate,
    CertificateAuthority,
    CertificateRequest,
    Cluster,
    ClusterEntry,
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


def test_names(tmp_path):
    """Alternative names that OpenSSL wrote into a request have the same form as those of a
    certificate."""
    (tmp_path / "openssl.conf").write_text(
        "[req]\ndistinguished_name = dn\nreq_extensions = ext\nprompt = no\n"
        "[dn]\nO = ops\nOU = racks\nCN = backup\n"
        "[ext]\nsubjectAltName = DNS:b.lan, DNS:a.lan, IP:10.0.0.1, IP:fd00::1, URI:spiffe://a/b, email:ops@a.lan\n"
    )
    new = ("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem")
    pem = openssl(*new, "-config", "openssl.conf", cwd=tmp_path)
    request = CertificateRequest.from_pem(pem)
    assert (request.common_name, request.organizations) == ("backup", ["ops"])
    assert (request.dns_names, request.uris) == (["b.lan", "a.lan"], ["spiffe://a/b"])
    assert request.ip_addresses == [IPv4Address("10.0.0.1"), IPv6Address("fd00::1")]
    assert request.other_names == ["e-mail ops@a.lan"]
    nameless = CertificateRequest.create(
        PrivateKey.generate(), Role.CLIENT, Identity(organization="ops", without_common_name=True)
    )
    assert (nameless.common_name, nameless.dns_names, nameless.uris, nameless.other_names) == (None, [], [], [])


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_is_copied_and_pickled(request_, take):
    assert take(request_) == request_


def test_claims(request_):
    assert request_.subject == "CN=etcd-member-etcd-1"
    assert repr(request_) == "<CertificateRequest CN=etcd-member-etcd-1, ec-p256>"
    claims = {str(claim): claim for claim in request_.claims}
    assert claims["common name etcd-member-etcd-1"].kind == "common_name"
    assert claims["common name etcd-member-etcd-1"].value == "etcd-member-etcd-1"
    assert {claim.kind for claim in request_.claims} >= {"dns_name", "ip_address", "extended_key_usage"}
    assert request_.claims == CertificateRequest.from_der(request_.to_der()).claims
    assert len(set(request_.claims)) == len(request_.claims)
    assert request_.claimed().alternative_names == CertificateRequest.from_der(request_.to_der()).claimed().alternative_names


def test_a_signature_that_does_not_hold(request_):
    der = bytearray(request_.to_der())
    der[-1] ^= 1
    with pytest.raises(etcd_pki.Error) as raised:
        CertificateRequest.from_der(der)
    assert isinstance(raised.value, (etcd_pki.errors.SignatureError, etcd_pki.errors.MalformedError))


def test_keys_stay_on_their_hosts(tmp_path):
    cluster = Cluster(
        members=[ClusterEntry("etcd-1", names=["10.0.0.11"]), ClusterEntry("etcd-2", names=["10.0.0.12"])], admin=False
    )
    exchange, ca = tmp_path / "exchange", tmp_path / "ca"
    for host in ("etcd-1", "etcd-2"):
        plan = cluster.plan(tmp_path / host, host=host, exchange=exchange)
        assert plan.has_work and plan.exchange == exchange / host
        (step,) = plan.changes
        assert (step.action, step.host, step.request) == (Action.REQUEST, host, exchange / host / f"member-{host}.csr")
        assert step.makes_key
        report = plan.apply()
        assert (report.keys, report.count(Action.REQUEST), report.count(Action.INSTALL)) == (1, 1, 0)
        (waits,) = cluster.plan(tmp_path / host, host=host, exchange=exchange).changes
        assert waits.action is Action.WAIT
        with pytest.raises(etcd_pki.errors.FileChangedError):
            plan.apply()
    # An unexpected file is refused
    stranger = exchange / "etcd-1" / "stranger.csr"
    shutil.copy(plan.changes[0].request, stranger)
    signing = cluster.plan(ca, exchange=exchange)
    assert signing.exchange == exchange and signing.hosts_without_request == []
    signed = [step for step in signing.changes if step.action is Action.SIGN]
    assert [(step.host, step.file) for step in signed] == [
        (host, exchange / host / f"member-{host}.csr") for host in ("etcd-1", "etcd-2")
    ]
    assert [step.paths.certificate for step in signing.changes if step.action is Action.CREATE] == [ca / "ca.pem"]
    assert [refusal.path for refusal in signing.refused] == [stranger]
    assert signing.refused[0].reason in str(signing.refused[0])
    report = signing.apply()
    assert (report.count(Action.CREATE), report.count(Action.SIGN)) == (1, 2)
    assert report.denied_claims == [] and report.is_complete
    fingerprint = Certificate.from_file(ca / "ca.pem").fingerprint_sha256
    for host in ("etcd-1", "etcd-2"):
        (blocked,) = cluster.apply(tmp_path / host, host=host, exchange=exchange).failures
        (untrusted,) = blocked.step.reasons
        assert (untrusted.code, untrusted.current) == ("EP046", [fingerprint])
        assert not (tmp_path / host / "ca.pem").exists() and fingerprint in str(blocked.error)
        spelled = ":".join(fingerprint[at : at + 2].lower() for at in range(0, 64, 2))
        with pytest.raises(etcd_pki.errors.MalformedError):
            cluster.plan(tmp_path / host, host=host, exchange=exchange, trust=[fingerprint[1:]])
        report = cluster.apply(tmp_path / host, host=host, exchange=exchange, trust=["sha256:" + spelled])
        assert (report.count(Action.TRUST), report.count(Action.INSTALL)) == (1, 1)
        (trust,) = [done.step for done in report.done if done.step.action is Action.TRUST]
        trusted = Certificate.from_file(ca / "ca.pem")
        assert trust.fingerprint_sha256 == trusted.fingerprint_sha256
        assert (trust.trusted_sha256, trust.untrusted_sha256) == ([trusted.fingerprint_sha256], [])
        bundle = Bundle.from_files(tmp_path / host / f"member-{host}.pem", tmp_path / host / f"member-{host}-key.pem")
        assert bundle.certificate.common_name == f"etcd-member-{host}"
        assert not cluster.plan(tmp_path / host, host=host, exchange=exchange).has_work
    secrets = [name for _, _, names in os.walk(exchange) for name in names if "key" in name]
    assert secrets == []


def test_progress(tmp_path):
    cluster, told = Cluster(members=["etcd-1"]), []

    def progress(done, all):
        told.append((done, all))

    def host():
        ca = tmp_path / "ca" / "ca.pem"
        trust = [Certificate.from_file(ca).fingerprint_sha256] if ca.exists() else None
        return cluster.plan(tmp_path / "etcd-1", host="etcd-1", exchange=tmp_path / "exchange", trust=trust)

    def signing():
        return cluster.plan(tmp_path / "ca", exchange=tmp_path / "exchange")

    # The steps: pairs; then a CA, its certificate for the host, and pairs; then a CA that is
    # trusted, and pairs
    for plan, all in (host, 2), (signing, 4), (host, 3):
        plan().apply(progress=progress)
        assert told == sorted(told) and told[-1] == (all, all)
        told.clear()
    host().apply(progress=progress)
    signing().apply(progress=progress)
    assert told == []


def test_a_wrong_passphrase_does_not_use_a_plan_up(tmp_path):
    cluster, ca, exchange = Cluster(members=["etcd-1"]), tmp_path / "ca", tmp_path / "exchange"
    CertificateAuthority.create("etcd-ca").write(ca, passphrase="correct horse")
    cluster.apply(tmp_path / "etcd-1", host="etcd-1", exchange=exchange)
    plan = cluster.plan(ca, exchange=exchange)
    with pytest.raises(etcd_pki.errors.EncryptedKeyError):
        plan.apply()
    with pytest.raises(etcd_pki.errors.WrongPassphraseError) as raised:
        plan.apply(passphrase="wrong")
    assert raised.value.path == ca / "ca-key.pem"
    assert plan.apply(passphrase="correct horse").count(Action.SIGN) == 2
    with pytest.raises(etcd_pki.errors.FileChangedError):
        plan.apply(passphrase="correct horse")


def test_what_was_claimed_and_not_granted(tmp_path):
    cluster = Cluster(clients=["backup"], nodes=["kube-1"])
    plan = cluster.plan(tmp_path / "kube-1", host="kube-1", exchange=tmp_path / "exchange")
    plan.apply()
    (request,) = [step.request for step in plan.changes]
    key = PrivateKey.from_file(tmp_path / "kube-1" / "node-kube-1-key.pem")
    greedy = CertificateRequest.create(key, Role.MEMBER, Identity("kube-1", organization="system:masters"))
    request.write_bytes(greedy.to_pem())
    report = cluster.apply(tmp_path / "ca", exchange=tmp_path / "exchange")
    assert [denied.path for denied in report.denied_claims] == [request]
    assert "organization system:masters" in map(str, report.denied_claims[0].claims)
