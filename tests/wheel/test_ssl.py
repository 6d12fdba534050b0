"""TLS with the standard library, in real handshakes over a socket."""

import os
import socket
import ssl
import sys
import tempfile
import threading

import pytest
from etcd_pki import Bundle, Certificate, CertificateAuthority, InvalidValueError, Role
from etcd_pki.errors import InvalidStateError
from tools import openssl

# The default flags of Python 3.13
STRICT = ssl.VERIFY_X509_STRICT | getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)


def default_context(purpose, certificate):
    """Returns Python's own default context, as strict as that of 3.13."""
    context = ssl.create_default_context(purpose, cadata=certificate.to_pem().decode())
    if sys.version_info >= (3, 13):
        assert context.verify_flags & STRICT == STRICT
    context.verify_flags |= STRICT
    return context


def handshake(server, client, host="127.0.0.1", name=None):
    """Does a handshake and exchanges data. Raises the exception of the client, or otherwise that
    of the server."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)
    failures = []

    def serve():
        try:
            connection, _ = listener.accept()
            connection.settimeout(20)
            with server.wrap_socket(connection, server_side=True) as tls:
                tls.sendall(tls.recv(100).upper())
        except (ssl.SSLError, OSError) as error:
            failures.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with socket.create_connection(listener.getsockname(), timeout=20) as connection:
            with client.wrap_socket(connection, server_hostname=name or host) as tls:
                # In TLS 1.3, a client learns only now that its certificate is refused
                tls.sendall(b"etcd")
                assert tls.recv(100) == b"ETCD", failures
                return tls.version()
    finally:
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def client(ca):
    return ca.issue(Role.CLIENT, "backup")


REFUSED = (ssl.SSLError, ConnectionError)


def test_server_and_client(member, client):
    assert handshake(member.ssl_context_server(), client.ssl_context_client()) == "TLSv1.3"
    assert handshake(member.ssl_context_server(), client.ssl_context_client(), name="etcd-1.lan") == "TLSv1.3"


def test_pythons_default_contexts(ca, member, client):
    """Each of our contexts with one of Python's own."""
    dialling = default_context(ssl.Purpose.SERVER_AUTH, ca.certificate)
    handshake(member.ssl_context_server(client_cert_auth=False), dialling)
    with pytest.raises(REFUSED):
        handshake(member.ssl_context_server(), dialling)
    serving = default_context(ssl.Purpose.CLIENT_AUTH, ca.certificate)
    serving.verify_mode = ssl.CERT_REQUIRED
    with tempfile.TemporaryDirectory() as directory:
        pair = member.write(directory)[0]
        serving.load_cert_chain(pair.certificate, pair.key)
    handshake(serving, client.ssl_context_client())


def test_peers(ca, member):
    other = ca.issue(Role.MEMBER, "etcd-2", names=["127.0.0.1"])
    serving, dialling = member.ssl_context_peer(server_side=True), other.ssl_context_peer(server_side=False)
    handshake(serving, dialling)
    assert serving.verify_mode == dialling.verify_mode == ssl.CERT_REQUIRED
    assert dialling.check_hostname


def test_a_peer_is_no_client(ca, client):
    """Otherwise, any certificate of the CA would be accepted as a peer, and the server would not
    notice."""
    for bundle in (client, ca.issue(Role.NODE, "kube-1"), Bundle.from_pem(client.to_pem(), client.to_secret_pem())):
        for server_side in (True, False):
            with pytest.raises(InvalidStateError, match="serverAuth and clientAuth"):
                bundle.ssl_context_peer(ca.root, server_side=server_side)


@pytest.mark.parametrize("algorithm", ["ec-p256", "ec-p384", "ed25519", "rsa-2048"])
def test_algorithms(algorithm):
    ca = CertificateAuthority.create("etcd-ca", algorithm=algorithm)
    member = ca.issue(Role.MEMBER, "etcd-1", names=["127.0.0.1"], algorithm=algorithm)
    client = ca.issue(Role.CLIENT, "backup", algorithm=algorithm)
    handshake(member.ssl_context_server(), client.ssl_context_client())


def test_another_ca(other_ca, member, client):
    stranger = other_ca.issue(Role.CLIENT, "backup")
    with pytest.raises(REFUSED):
        handshake(member.ssl_context_server(), stranger.ssl_context_client(member_root(member)))
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self.signed certificate|signature failure|unable to get"):
        handshake(member.ssl_context_server(), stranger.ssl_context_client())
    peer = other_ca.issue(Role.MEMBER, "etcd-2", names=["127.0.0.1"])
    with pytest.raises(REFUSED):
        handshake(member.ssl_context_peer(server_side=True), peer.ssl_context_peer(member_root(member), server_side=False))


def member_root(member):
    """Returns the certificates that the member's own context trusts."""
    (der,) = member.ssl_context_server().get_ca_certs(binary_form=True)
    return Certificate.from_der(der)


def test_no_certificate(ca, member):
    bare = ssl.create_default_context(cadata=ca.certificate.to_pem().decode())
    for serving in member.ssl_context_server(), member.ssl_context_peer(server_side=True):
        with pytest.raises(REFUSED):
            handshake(serving, bare)
    handshake(member.ssl_context_server(client_cert_auth=False), bare)


def test_a_wrong_host(member, client):
    with pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname mismatch|IP address mismatch"):
        handshake(member.ssl_context_server(), client.ssl_context_client(), name="etcd-2.lan")
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        handshake(member.ssl_context_server(), client.ssl_context_client(), name="10.9.9.9")


def test_roles_are_minded(client, ca):
    """A client's certificate cannot be used by a server, and a server's certificate without
    clientAuth cannot be used by a client."""
    posing = ca.issue(Role.CLIENT, "posing", names=["127.0.0.1"])
    with pytest.raises(ssl.SSLCertVerificationError, match=r"unsuitable certificate purpose|unsupported certificate purpose"):
        handshake(posing.ssl_context_server(), client.ssl_context_client())


def test_one_that_was_read_is_told_whom_to_trust(ca, member, client):
    read = Bundle.from_pem(member.to_pem(), member.to_secret_pem())
    for make in read.ssl_context_server, read.ssl_context_client:
        with pytest.raises(InvalidStateError, match="say which with trusted="):
            make()
    for bundle in read, member:
        for make in bundle.ssl_context_server, bundle.ssl_context_client:
            with pytest.raises(InvalidValueError, match="trusted= has no certificate") as raised:
                make([])
            assert "leave trusted= out" in raised.value.hint
    handshake(read.ssl_context_server(ca.root), client.ssl_context_client([ca.root]))
    handshake(read.ssl_context_server(trusted=iter([ca.root])), client.ssl_context_client())
    for wrong in ("ca.pem", 7, [b"certificate"]):
        with pytest.raises(TypeError):
            read.ssl_context_server(wrong)
    with pytest.raises(TypeError):
        read.ssl_context_peer(ca.root)


def test_below_an_intermediate(tmp_path):
    """An intermediate CA that openssl created: the chain is sent, and the root is trusted. If
    the root is unknown, the intermediate itself is trusted, as in etcd."""
    (tmp_path / "openssl.conf").write_text(
        "[req]\ndistinguished_name=name\nx509_extensions=root\n[name]\n"
        "[root]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
        "[below]\nbasicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config openssl.conf"
    signed = "-CA root.pem -CAkey root-key.pem -CAcreateserial -days 9 -extfile openssl.conf -extensions below"
    for command in (
        f"req -x509 {new} -keyout root-key.pem -out root.pem -subj /CN=root -days 9",
        f"req {new} -keyout below-key.pem -out below.csr -subj /CN=below",
        f"x509 -req -in below.csr -out below.pem {signed}",
    ):
        openssl(*command.split(), cwd=tmp_path)
    key = (tmp_path / "below-key.pem").read_bytes()
    below, root = (tmp_path / "below.pem").read_bytes(), (tmp_path / "root.pem").read_bytes()
    for certificates in (below + root, below):
        ca = CertificateAuthority.from_pem(certificates, key)
        member = ca.issue(Role.MEMBER, "etcd-1", names=["127.0.0.1"])
        client = ca.issue(Role.CLIENT, "backup")
        assert len(member.chain) == 1
        handshake(member.ssl_context_server(), client.ssl_context_client())


def test_nothing_is_left_on_a_disk(member, tmp_path, monkeypatch):
    """No temporary file is created, and no file stays open."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    opened = []
    watched = {"on": True}
    sys.addaudithook(lambda event, arguments: watched["on"] and event == "open" and opened.append(arguments))
    before = open_files()
    member.ssl_context_server()
    member.ssl_context_client()
    watched["on"] = False
    assert list(tmp_path.iterdir()) == []
    assert open_files() == before
    written = [path for path, mode, flags in opened if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and isinstance(path, str)]
    assert written == []


def open_files():
    return {
        name: os.readlink(f"/proc/self/fd/{name}")
        for name in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{name}")
    }


def test_where_a_system_has_no_files_in_memory(member, client, tmp_path, monkeypatch):
    """The necessary file then contains an encrypted key, and is removed."""
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []
    load = ssl.SSLContext.load_cert_chain

    def look(context, certfile, *arguments, **keywords):
        seen.append((os.stat(certfile).st_mode & 0o777, open_and_read(certfile)))
        return load(context, certfile, *arguments, **keywords)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", look)
    serving = member.ssl_context_server()
    dialling = client.ssl_context_client()
    assert list(tmp_path.iterdir()) == []
    assert [mode for mode, _ in seen] == [0o600, 0o600]
    for _, contents in seen:
        assert contents.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        assert b"BEGIN PRIVATE KEY" not in contents
    handshake(serving, dialling)


def open_and_read(path):
    with open(path, "rb") as file:
        return file.read()


def test_versions(member):
    for context in (member.ssl_context_server(), member.ssl_context_client()):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.verify_flags & ssl.VERIFY_X509_STRICT
