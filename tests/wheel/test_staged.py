"""Staged keys, and the files that an export would change."""

import pytest
from etcd_pki import CertificateRequest, Cluster, PairPaths, PrivateKey, install_certificate, staged_key_path, write_files
from etcd_pki.errors import InvalidNameError, KeyMismatchError, WrongPassphraseError
from tools import openssl


@pytest.fixture
def paths(ca, tmp_path):
    """A pair in use, and a staged key."""
    old = ca.issue("client", "backup")
    paths = PairPaths(tmp_path / "backup.pem", tmp_path / "backup-key.pem")
    write_files([(paths.certificate, old.to_pem(), False), (paths.key, old.to_secret_pem(), True)])
    return paths


def signed(ca, key):
    """Returns a certificate for a key, in PEM."""
    return ca.sign(CertificateRequest.create(key, "client", "backup"), "client", "backup").to_pem()


def test_a_staged_key_and_its_certificate(ca, paths):
    staged = staged_key_path(paths.key)
    assert (staged.parent, staged.name) == (paths.key.parent, ".backup-key.pem.next")
    key = PrivateKey.generate("ed25519")
    write_files([(staged, key.to_secret_pem(), True)])
    certificate = signed(ca, key)
    old = paths.certificate.read_bytes(), paths.key.read_bytes()
    planned = install_certificate(paths, certificate, dry_run=True)
    assert (planned.certificate, planned.key, planned.staged_key, planned.is_changed) == (True, True, True, True)
    assert (paths.certificate.read_bytes(), paths.key.read_bytes()) == old and staged.exists()
    done = install_certificate(paths, certificate)
    assert done == planned and hash(done) == hash(planned) and repr(done) == "<Installed key and certificate>"
    assert not staged.exists() and paths.certificate.read_bytes() == certificate
    assert openssl("pkey", "-in", paths.key, "-pubout") == openssl("x509", "-in", paths.certificate, "-noout", "-pubkey")
    again = install_certificate(paths, certificate)
    assert not again.is_changed and repr(again) == "<Installed nothing>"


def test_what_is_refused(ca, paths):
    other = ca.issue("client", "backup").to_pem()
    old = paths.certificate.read_bytes(), paths.key.read_bytes()
    for dry_run in (True, False):
        with pytest.raises(KeyMismatchError):
            install_certificate(paths, other, dry_run=dry_run)
    with pytest.raises(InvalidNameError, match="no user of this host"):
        install_certificate(paths, other, key_owner="no such user")
    key = PrivateKey.generate()
    write_files([(staged_key_path(paths.key), key.to_encrypted_pem("correct horse"), True)])
    certificate = signed(ca, key)
    with pytest.raises(WrongPassphraseError):
        install_certificate(paths, certificate, passphrase="wrong mule")
    assert (paths.certificate.read_bytes(), paths.key.read_bytes()) == old
    assert install_certificate(paths, certificate, passphrase="correct horse").key
    assert b"ENCRYPTED" in paths.key.read_bytes()


def test_the_changes_of_an_export(tmp_path):
    cluster = Cluster(members=["etcd-1", "etcd-2"])
    cluster.apply(tmp_path / "all")
    out = tmp_path / "out"
    changes = cluster.export_changes(out, host="etcd-1", store=tmp_path / "all")
    assert changes.is_changed and not changes.needs_overwrite and not out.exists()
    assert {file.state for file in changes.files} == {"missing"}
    assert {file.path.name for file in changes.files if file.is_secret} == {"member-etcd-1-key.pem", "admin-etcd-1-key.pem"}
    assert all(file.source == tmp_path / "all" / file.path.name for file in changes.files)
    exported = cluster.export(out, host="etcd-1", store=tmp_path / "all")
    assert exported.files == [file.path for file in changes.files]
    (out / "client-old-key.pem").write_text("")
    done = cluster.export_changes(out, host="etcd-1", store=tmp_path / "all")
    assert not done.is_changed and done.needs_overwrite and done.other_files == [out / "client-old-key.pem"]
    assert repr(done) == f"<ExportChanges {len(exported.files)} files>"
    assert repr(done.files[0]) == f"<ExportFile {out / 'ca.pem'}: up to date>"
    assert done != changes
