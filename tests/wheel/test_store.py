"""Files: they are written completely or not at all, and no other file is replaced."""

import os
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import etcd_pki
import pytest
from etcd_pki import CaKind, CertificateAuthority, Cluster, Layout, Role, Store, read_file, write_files
from etcd_pki.errors import InvalidStateError
from tools import python


def test_a_directory(ca, member, tmp_path):
    store = Store(tmp_path / "pki", layout="kubeadm")
    assert (store.directory, store.layout) == (tmp_path / "pki", Layout.KUBEADM)
    assert not store.directory.exists()
    with store.lock() as files:
        files.write_ca(ca)
        written = files.write(member)
        assert not files.names_ca_by_serial(ca.certificate)
        assert repr(files) == f"<LockedStore {tmp_path / 'pki'}, kubeadm layout>"
    assert store.ca().certificate == ca.certificate
    assert store.ca_paths().certificate.read_bytes() == ca.certificate.to_pem()
    assert {path.name for path, _ in store.certificates()} >= {written[0].certificate.name}
    assert repr(store) == f"<Store {tmp_path / 'pki'}, kubeadm layout>"


def test_a_lock_that_was_let_go(ca, tmp_path):
    with Store(tmp_path).lock() as files:
        pass
    with pytest.raises(InvalidStateError, match="the directory's lock was released"):
        files.write_ca(ca)
    with pytest.raises(InvalidStateError, match=r"take it again with Store\.lock\(\)"), files:
        pytest.fail("it is not held")
    assert not (tmp_path / "ca.pem").exists()


def test_a_lock_is_let_go_by_an_exception(tmp_path):
    with pytest.raises(KeyError), Store(tmp_path).lock():
        raise KeyError("something else")
    with Store(tmp_path).lock():
        pass


def test_a_lock_is_waited_for(ca, tmp_path):
    store = Store(tmp_path)
    order = []

    def write():
        with store.lock() as files:
            order.append("second")
            files.write_ca(ca)

    with store.lock():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


def test_several_at_once_do_each_thing_once(tmp_path):
    """Several processes run at the same time."""
    code = "import sys; from etcd_pki import Cluster; print(Cluster(members=['etcd-1'], admin=False).apply(sys.argv[1]).changed)"
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(python(code, tmp_path / "pki"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done.stdout for done in outcomes) == ["0\n", "0\n", "2\n"], [done.stderr for done in outcomes]


def test_pairs_all_or_none(ca, tmp_path):
    bundles = [ca.issue(Role.CLIENT, name) for name in ("one", "two")]
    pairs = [(bundle, Layout.KUBESPRAY.pairs(Role.CLIENT, bundle.name)[0]) for bundle in bundles]
    (tmp_path / "client-two.pem").write_text("mine")
    with Store(tmp_path).lock() as files:
        with pytest.raises(etcd_pki.errors.ExistingFileError) as raised:
            files.write_pairs(pairs)
        assert raised.value.path == tmp_path / "client-two.pem"
        assert not (tmp_path / "client-one.pem").exists()
        # A file that is not a certificate is not replaced
        with pytest.raises(etcd_pki.errors.NotReplaceableError) as raised:
            files.write_pairs(pairs, overwrite=True)
        assert raised.value.path == tmp_path / "client-two.pem" and raised.value.found in str(raised.value)
        assert not (tmp_path / "client-one.pem").exists()
        (tmp_path / "client-two.pem").write_bytes(ca.issue(Role.CLIENT, "two").to_pem())
        files.write_pairs(pairs, overwrite=True)
    assert (tmp_path / "client-two.pem").read_bytes() == bundles[1].to_pem()


def test_the_ca_in_a_lock(ca, other_ca, tmp_path):
    with Store(tmp_path).lock() as files:
        files.write_ca(ca)
        with pytest.raises(etcd_pki.errors.ExistingCaError):
            files.write_ca(other_ca)
        files.renew_ca(ca.renewed())
        kept = files.replace_ca(other_ca, passphrase="correct horse")
    assert kept.certificate.name.startswith("ca-replaced-")
    assert kept.key.read_bytes() == ca.key.to_secret_pem()
    assert Store(tmp_path).ca(passphrase="correct horse").certificate == other_ca.certificate


def test_a_separate_peer_ca(ca, other_ca, tmp_path):
    store = Store(tmp_path)
    paths = store.ca_paths(CaKind.PEER)
    assert (paths.certificate.name, paths.key.name) == ("peer-ca.pem", "peer-ca-key.pem")
    with store.lock() as files:
        files.write_ca(ca)
        files.write_ca(other_ca, kind="peer", passphrase="correct horse")
        with pytest.raises(etcd_pki.errors.ExistingCaError):
            files.write_ca(ca, kind="peer")
    assert paths.certificate.read_bytes() == other_ca.certificate.to_pem()
    peers = store.ca(CaKind.PEER, passphrase="correct horse")
    assert peers.certificate == other_ca.certificate
    renewed = peers.renewed()
    with store.lock() as files:
        files.renew_ca(renewed, kind="peer")
        with pytest.raises(etcd_pki.errors.KeyMismatchError):
            files.renew_ca(ca.renewed(), kind="peer")
    assert store.ca(CaKind.PEER, passphrase="correct horse").certificate == renewed.certificate
    assert store.ca().certificate == ca.certificate


def test_a_ca_that_has_expired_is_loaded_to_be_renewed(tmp_path):
    store = Store(tmp_path)
    for kind in CaKind:
        paths = store.ca_paths(kind)
        short = CertificateAuthority.create("etcd-ca", validity="1s")
        write_files([(paths.certificate, short.certificate.to_pem(), False), (paths.key, short.key.to_secret_pem(), True)])
        # It is valid until its last second has ended
        while short.certificate.not_valid_after_utc + timedelta(seconds=1) >= datetime.now(timezone.utc):
            time.sleep(0.1)
        with pytest.raises(etcd_pki.errors.CaExpiredError) as raised:
            store.ca(kind)
        assert raised.value.path == paths.certificate
        renewed = store.ca(kind, for_renewal=True).renewed(validity="1d")
        assert renewed.certificate.public_key == short.certificate.public_key
        assert renewed.certificate.not_valid_after_utc > datetime.now(timezone.utc)


def test_whose_a_file_is_by_its_name(tmp_path):
    store = Store(tmp_path, layout="kubeadm")
    assert store.is_named(tmp_path / "etcd" / "peer.crt")
    assert not store.is_named(tmp_path / "apiserver.crt")
    assert not store.is_named("etcd/peer.crt")
    Cluster(layout="kubeadm", members=["etcd-1"]).apply(tmp_path)
    assert store.other_layout() is None
    file, layout = Store(tmp_path).other_layout()
    assert layout is Layout.KUBEADM and (tmp_path / file).is_file()


def test_files_of_ones_own(tmp_path):
    secret, public = tmp_path / "secret", tmp_path / "public"
    write_files([(secret, b"one", True), (str(public), "two", False)])
    assert (read_file(secret), read_file(str(public))) == (b"one", b"two")
    assert [file.stat().st_mode & 0o777 for file in (secret, public)] == [0o600, 0o644]
    with pytest.raises(FileExistsError):
        write_files([(secret, b"three", True)])
    write_files([(secret, b"three", True)], overwrite=True)
    assert read_file(secret) == b"three"
    for wrong in (7, "files", [7], [(secret, b"one")], [(secret, 1, True)], [(secret, b"one", None)]):
        with pytest.raises((TypeError, ValueError)):
            write_files(wrong)
    big = tmp_path / "big"
    with open(big, "wb") as file:
        file.truncate(etcd_pki.READ_LIMIT + 1)
    with pytest.raises(etcd_pki.errors.TooLargeError) as raised:
        read_file(big)
    assert raised.value.limit == etcd_pki.READ_LIMIT


class Raises:
    def __fspath__(self):
        raise LookupError("no path today")


class Lies:
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


def readers():
    for kind in (etcd_pki.PrivateKey, etcd_pki.Certificate, etcd_pki.CertificateRequest, Cluster):
        yield kind.from_file
    yield read_file
    yield etcd_pki.Certificate.all_from_file
    yield lambda path: etcd_pki.Bundle.from_files(path, path)
    yield lambda path: etcd_pki.CertificateAuthority.from_files(path, path)
    yield lambda path: Store(path).ca()
    yield lambda path: Cluster(members=["etcd-1"]).plan(path).apply()
    yield lambda path: etcd_pki.Adoption.read(path)
    yield lambda path: write_files([(path, b"", False)])


@pytest.mark.parametrize("read", list(readers()))
def test_what_is_no_path(read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LookupError, match="no path today"):
        read(Raises())
    with open(os.devnull) as file:
        for wrong in (file, 7, Lies(7), object(), [str(tmp_path)]):
            with pytest.raises(TypeError):
                read(wrong)
    for wrong in (f"{tmp_path}/a\0b", Path(f"{tmp_path}/a\0b"), Lies(f"{tmp_path}/a\0b"), f"{tmp_path}/\ud800"):
        with pytest.raises((ValueError, OSError)):
            read(wrong)
    assert list(tmp_path.iterdir()) == []


def test_names_of_files_that_are_no_text(ca, tmp_path):
    """Python represents their bytes as surrogates, as input and as output."""
    directory = tmp_path / os.fsdecode(b"caf\xe9")
    paths = ca.write(directory)
    assert paths.certificate == directory / "ca.pem"
    assert os.fsencode(paths.certificate).endswith(b"caf\xe9/ca.pem")
    assert Store(directory).ca().certificate == ca.certificate
    with pytest.raises(FileExistsError) as raised:
        ca.write(directory)
    assert raised.value.directory == directory


@pytest.mark.parametrize("read", list(readers()))
def test_a_directory_where_a_file_is_expected(read, tmp_path):
    """The same for a device that never ends, in place of a file."""
    (tmp_path / "ca.pem").mkdir()
    (tmp_path / "ca-key.pem").mkdir()
    with pytest.raises((etcd_pki.Error, OSError)):
        read(tmp_path)
