"""Arbitrary text and bytes as input for every reader: only the expected exceptions are raised."""

import json
import os
import string

import etcd_pki
import pytest
from etcd_pki import (
    Adoption,
    Bundle,
    Certificate,
    CertificateAuthority,
    CertificateRequest,
    Check,
    Cluster,
    ClusterCa,
    ClusterDefaults,
    ClusterEntry,
    Identity,
    KubesprayScript,
    PrivateKey,
    Profile,
    PublicKey,
    Role,
    Store,
    Verifier,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

MEANT = (etcd_pki.Error, TypeError, ValueError, OSError)

CA = CertificateAuthority.create("etcd-ca")
KEY = PrivateKey.generate()
RSA = PrivateKey.generate("rsa-2048")
REQUEST = CertificateRequest.create(KEY, Role.MEMBER, Identity("etcd-1", names=["10.0.0.11", "etcd-1.lan", "URI:a://b"]))
MEMBER = CA.issue(Role.MEMBER, "etcd-1", names=["10.0.0.11"])
GOOD = [
    KEY.to_secret_pem(),
    KEY.to_secret_der(),
    KEY.to_secret_pem(format="sec1"),
    RSA.to_secret_pem(format="pkcs1"),
    RSA.to_secret_der(),
    KEY.public_key.to_pem(),
    KEY.public_key.to_der(),
    REQUEST.to_pem(),
    REQUEST.to_der(),
    MEMBER.certificate.to_pem(),
    MEMBER.certificate.to_der(),
    CA.certificate.to_pem(),
]
YAML = b"""\
layout: kubespray
ca: {common_name: etcd-ca, validity: 10y, peers: separate}
defaults: {algorithm: ec-p256, validity: 1y, renew_before: 33%}
shared_names: &names [etcd, 10.0.0.100]
members: [{name: etcd-1, addresses: [10.0.0.11]}, {name: etcd-2}]
nodes: [kube-1]
clients: [root, {name: backup, validity: 90d}]
files: {key_mode: "0600"}
"""
CONFIGURATION = b"[req]\n[alt_names]\nDNS.1 = localhost\nIP.1 = 10.0.0.11\n"

LOADERS = {
    "PrivateKey.from_pem": PrivateKey.from_pem,
    "PrivateKey.from_der": PrivateKey.from_der,
    "PrivateKey.from_pem with a passphrase": lambda contents: PrivateKey.from_pem(contents, passphrase="correct horse"),
    "PublicKey.from_pem": PublicKey.from_pem,
    "PublicKey.from_der": PublicKey.from_der,
    "Certificate.from_pem": Certificate.from_pem,
    "Certificate.from_der": Certificate.from_der,
    "Certificate.all_from_bytes": Certificate.all_from_bytes,
    "CertificateRequest.from_pem": CertificateRequest.from_pem,
    "CertificateRequest.from_der": CertificateRequest.from_der,
    "Bundle.from_pem": lambda contents: Bundle.from_pem(contents, KEY.to_secret_pem()),
    "the key of Bundle.from_pem": lambda contents: Bundle.from_pem(MEMBER.to_pem(), contents),
    "CertificateAuthority.from_pem": lambda contents: CertificateAuthority.from_pem(contents, contents),
    "Cluster.from_yaml": Cluster.from_yaml,
    "KubesprayScript": lambda text: KubesprayScript(text).cluster(),
}
ALL = settings(max_examples=int(os.environ.get("ETCD_PKI_TEST_EXAMPLES", "150")), deadline=None, database=None)
any_text = st.text(st.characters(blacklist_categories=())) | st.text(string.printable)
every_loader = pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS.keys())


def look(value):
    """Reads all attributes of a value."""
    for name in dir(value):
        if not name.startswith("_"):
            getattr(value, name)
    repr(value), hash(value) if type(value).__hash__ else None


def meant(act):
    """Checks that a result is complete, or that the exception is an expected one and can be
    shown."""
    try:
        value = act()
    except MEANT as error:
        assert "panicked" not in str(error)
        str(error).encode()
        repr(error)
    else:
        for one in value if isinstance(value, list) else [value]:
            look(one)


@every_loader
@ALL
@given(contents=st.binary() | any_text)
@example(contents=b"")
@example(contents="\ud800")
def test_anything(load, contents):
    meant(lambda: load(contents))


@st.composite
def damaged(draw, good):
    """Valid input with some bytes changed, removed, repeated or inserted."""
    contents = bytearray(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(contents)))
        kind = draw(st.sampled_from("change cut double insert".split()))
        length = draw(st.integers(1, 20))
        if kind == "change" and at < len(contents):
            contents[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del contents[at : at + length]
        elif kind == "double":
            contents[at:at] = contents[at : at + length]
        else:
            contents[at:at] = draw(st.binary(max_size=length))
    return bytes(contents)


@every_loader
@ALL
@given(contents=damaged(GOOD))
def test_damaged(load, contents):
    meant(lambda: load(contents))
    meant(lambda: load(contents.decode("latin-1")))


@ALL
@given(text=damaged([YAML, CONFIGURATION]).map(lambda contents: contents.decode("latin-1")))
def test_damaged_text(text):
    meant(lambda: Cluster.from_yaml(text))
    meant(lambda: KubesprayScript(text).cluster())


@ALL
@given(
    armoured=st.sampled_from(
        [
            "CERTIFICATE",
            "PRIVATE KEY",
            "RSA PRIVATE KEY",
            "EC PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "CERTIFICATE REQUEST",
            "PUBLIC KEY",
        ]
    ),
    contents=st.binary(),
    passphrase=st.binary() | any_text,
)
def test_anything_in_armour(armoured, contents, passphrase):
    from base64 import encodebytes

    pem = f"-----BEGIN {armoured}-----\n{encodebytes(contents).decode()}-----END {armoured}-----\n"
    for load in LOADERS.values():
        meant(lambda load=load: load(pem))
    meant(lambda: PrivateKey.from_pem(pem, passphrase=passphrase))


@ALL
@given(text=any_text)
@example(text="DNS:")
@example(text="9" * 400 + "d")
@example(text="[::1]:80")
@example(text="xn--")
def test_words_and_names(text):
    meant(lambda: Identity(text))
    meant(lambda: Identity("a", names=[text]))
    meant(lambda: Identity("a", common_name=text, organization=text))
    meant(lambda: CA.issue(Role.CLIENT, Identity("a", organization=text)).certificate)
    meant(lambda: CertificateAuthority.create(text).certificate)
    meant(lambda: Profile(text))
    meant(lambda: Profile(Role.CLIENT, validity=text))
    meant(lambda: Check(warning=text, critical=text, ignore=[text]))
    meant(lambda: ClusterEntry(text, names=[text], validity=text))
    meant(lambda: ClusterCa(text, validity=text, peers=text))
    meant(lambda: ClusterDefaults(renew_before=text))
    meant(lambda: Verifier(CA.certificate, host=text).verify(MEMBER.certificate))
    meant(lambda: etcd_pki.Layout.KUBEADM.pairs(Role.CLIENT, text))


@settings(ALL, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=any_text)
@example(text="\ud800")
@example(text="a\0b")
def test_names_of_files(text, tmp_path):
    for load in (
        PrivateKey.from_file,
        Certificate.from_file,
        CertificateRequest.from_file,
        Cluster.from_file,
        etcd_pki.read_file,
    ):
        meant(lambda load=load: load(str(tmp_path) + "/" + text))
    meant(lambda: Cluster(clients=["root"]).plan(str(tmp_path / "none") + text, only=text, host=text))
    meant(lambda: Check().run([str(tmp_path) + "/" + text]))


# Functions that read files, with a file of the contents, and with a directory in which each file
# has them
READERS = {
    "PrivateKey.from_file": lambda file, directory: PrivateKey.from_file(file),
    "Certificate.from_file": lambda file, directory: Certificate.from_file(file),
    "CertificateRequest.from_file": lambda file, directory: CertificateRequest.from_file(file),
    "Cluster.from_file": lambda file, directory: Cluster.from_file(file),
    "Bundle.from_files": lambda file, directory: Bundle.from_files(file, directory / "good-key.pem"),
    "the key of Bundle.from_files": lambda file, directory: Bundle.from_files(directory / "good.pem", file),
    "CertificateAuthority.from_files": lambda file, directory: CertificateAuthority.from_files(file, file),
    "the key of CertificateAuthority.from_files": lambda file, directory: CertificateAuthority.from_files(
        directory / "root", file
    ),
    "Adoption.read": lambda file, directory: Adoption.read(directory),
    "Store.ca": lambda file, directory: Store(directory).ca(),
    "Store.certificates": lambda file, directory: Store(directory).certificates(),
    "Store.member_common_names": lambda file, directory: Store(directory).member_common_names(),
    "Check.run": lambda file, directory: Check().run([directory]),
    "a plan": lambda file, directory: Cluster(members=["etcd-1"]).plan(directory),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
@settings(ALL, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.binary() | any_text.map(lambda text: text.encode("utf-8", "surrogatepass")) | damaged([*GOOD, YAML]))
@example(contents=b"")
@example(contents=CA.certificate.to_pem() + CA.key.to_secret_pem())
@example(contents=MEMBER.to_pem() + MEMBER.to_secret_pem())
def test_contents_of_files(read, contents, tmp_path):
    for name in ("ca.pem", "ca-key.pem", "member-etcd-1.pem", "member-etcd-1-key.pem", "cluster.yaml"):
        (tmp_path / name).write_bytes(contents)
    (tmp_path / "good.pem").write_bytes(MEMBER.to_pem())
    (tmp_path / "good-key.pem").write_bytes(MEMBER.to_secret_pem())
    (tmp_path / "root").write_bytes(CA.certificate.to_pem())
    meant(lambda: read(tmp_path / "cluster.yaml", tmp_path))


@ALL
@given(passphrase=st.binary() | any_text)
def test_passphrases(passphrase):
    """The right passphrase decrypts, and no other one does."""
    pem = KEY_ENCRYPTED
    meant(lambda: PrivateKey.from_pem(pem, passphrase=passphrase))


KEY_ENCRYPTED = KEY.to_encrypted_pem("correct horse")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=20,
)
fields = st.sampled_from("layout directory ca defaults shared_names members nodes clients admin files".split())


@ALL
@given(mapping=st.dictionaries(fields | any_text, values) | values)
def test_mappings(mapping):
    meant(lambda: Cluster.from_mapping(mapping))


@ALL
@given(number=st.integers(), real=st.floats())
def test_numbers_where_none_is_wanted(number, real):
    for load in LOADERS.values():
        for wrong in (number, real):
            with pytest.raises(TypeError):
                load(wrong)


@ALL
@given(text=any_text)
def test_what_is_read_says_the_same_again(text):
    """JSON is YAML, whatever its strings contain."""
    try:
        cluster = Cluster.from_yaml(json.dumps({"members": [{"name": "etcd-1", "common_name": text}]}))
    except etcd_pki.Error:
        return
    assert Cluster.from_yaml(cluster.to_yaml()) == cluster
