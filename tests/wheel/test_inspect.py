"""The current state of a directory."""

from pathlib import Path

import pytest
from etcd_pki import (
    Action,
    CaKind,
    Certificate,
    Check,
    Cluster,
    ClusterCa,
    Layout,
    PrivateKey,
    Renewal,
    Verifier,
    inspect_directory,
)


def test_state(tmp_path):
    cluster = Cluster(members=["etcd-1"], clients=["root"], ca=ClusterCa(peers="separate"))
    cluster.apply(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing of ours")
    state = inspect_directory(tmp_path)
    assert (state.path, state.layout, state.findings) == (tmp_path, Layout.KUBESPRAY, [])
    assert [bundle.kind for bundle in state.bundles] == [CaKind.CLIENT, CaKind.PEER]
    for bundle in state.bundles:
        assert bundle.certificates == [bundle.signing_ca]
        assert (tmp_path / bundle.paths.key).exists()
    desired = {pair.paths for pair in cluster.desired().pairs}
    assert {pair.paths for pair in state.pairs} == desired
    assert all(pair.key == pair.certificate.public_key for pair in state.pairs)
    assert {one.path for one in state.results} == {one.path for one in Check().run([tmp_path])}


def test_what_is_wrong(tmp_path):
    Cluster(clients=["root", "app"]).apply(tmp_path)
    (tmp_path / "ca-key.pem").unlink()
    (tmp_path / "client-root-key.pem").write_bytes(PrivateKey.generate().to_secret_pem())
    (tmp_path / "client-app.pem").unlink()
    state = inspect_directory(str(tmp_path))
    assert state.bundles[0].signing_ca is None
    pairs = {pair.paths.certificate: pair for pair in state.pairs}
    assert pairs[Path("client-app.pem")].certificate is None and pairs[Path("client-app.pem")].key
    assert {finding.kind for finding in state.findings} == {"key_mismatch", "missing_certificate"}
    (mismatch,) = [finding for finding in state.findings if finding.kind == "key_mismatch"]
    assert mismatch.code == "EP005" and mismatch.path == tmp_path / "client-root-key.pem" and mismatch.fix


def test_no_directory(tmp_path):
    with pytest.raises(FileNotFoundError):
        inspect_directory(tmp_path / "missing")


def test_the_ca_next_to_a_file(tmp_path):
    """With a separate peer CA, that CA belongs to a member's peer certificate."""
    Cluster(members=["etcd-1"], ca=ClusterCa(peers="separate")).apply(tmp_path)
    for name in ["member-etcd-1.pem", "peer-etcd-1.pem"]:
        path = tmp_path / name
        certificate = Certificate.from_pem(path.read_bytes())
        assert Verifier.next_to(path, role="member").verify(certificate)
        (report,) = Renewal.next_to(path).apply_files([path])
        assert report.count(Action.RENEW) == 1
        assert Certificate.from_pem(path.read_bytes()).issuer == certificate.issuer
    member = Certificate.from_pem((tmp_path / "member-etcd-1.pem").read_bytes())
    assert not Verifier.next_to(tmp_path / "peer-etcd-1.pem").verify(member)


@pytest.mark.parametrize("next_to", [Verifier.next_to, Renewal.next_to])
def test_no_ca_next_to_a_file(tmp_path, next_to):
    with pytest.raises(FileNotFoundError):
        next_to(tmp_path / "x.pem")
