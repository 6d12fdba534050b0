"""Names and alternative names, valid or refused."""

from collections import ChainMap
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from types import MappingProxyType

import etcd_pki
import pytest
from etcd_pki import (
    CertificateAuthority,
    CertificateRequest,
    Check,
    Cluster,
    ClusterEntry,
    Identity,
    KubesprayScript,
    PrivateKey,
    Profile,
    Renewal,
    Role,
    Store,
    Verifier,
    write_files,
)

ODD = ["\ud800", "etcd-\udcff", "\0", "etcd\0-1", "a\nb", ""]


def test_a_text_may_list_names():
    """A text in the form of OpenSSL's list."""
    names = Identity("a", names=["DNS:b.lan, IP:10.0.0.1", "c", "URI:http://x/y,z"]).alternative_names
    assert names == ["b.lan", IPv4Address("10.0.0.1"), "c", "http://x/y,z"]
    for bad, said in [("a,,b", "is empty"), ("a,email:x@y", "of the kind email:"), ("etcd-1.lan.", "ends with a dot")]:
        with pytest.raises(etcd_pki.errors.InvalidAlternativeNameError, match=said) as raised:
            Identity("a", names=[bad])
        assert raised.value.hint


def test_alternative_names_are_text_or_addresses(ca):
    names = [
        "etcd-1.lan",
        IPv4Address("10.0.0.11"),
        IPv6Address("fd00::1"),
        "10.0.0.12",
        "DNS:x.lan",
        "IP:10.0.0.13",
        "URI:spiffe://a/b",
    ]
    certificate = ca.issue(Role.MEMBER, "etcd-1", names=names).certificate
    assert {"etcd-1.lan", "x.lan"} <= set(certificate.dns_names)
    assert set(map(IPv4Address, ("10.0.0.11", "10.0.0.12", "10.0.0.13"))) | {IPv6Address("fd00::1")} <= set(
        certificate.ip_addresses
    )
    assert certificate.uris == ["spiffe://a/b"]
    for iterable in (tuple(names), set(names), iter(names), dict.fromkeys(names).keys()):
        again = ca.issue(Role.MEMBER, "etcd-1", names=iterable).certificate
        assert set(again.dns_names) == set(certificate.dns_names)


def test_identities(ca):
    identity = Identity("etcd-1", names=["a.lan", IPv4Address("10.0.0.11")], organization="ops")
    assert (identity.name, identity.organization) == ("etcd-1", "ops")
    assert identity.alternative_names == ["a.lan", IPv4Address("10.0.0.11")]
    assert repr(identity) == "<Identity etcd-1, a.lan, 10.0.0.11>"
    same = Identity("etcd-1", names=["a.lan", "10.0.0.11"], organization="ops")
    assert identity == same and hash(identity) == hash(same) and identity != Identity("etcd-1")
    with pytest.raises(AttributeError):
        identity.name = "etcd-2"
    assert Identity("root", without_alternative_names=True).alternative_names is None
    assert ca.issue(Role.CLIENT, Identity(common_name="app")).certificate.subject == "CN=app"
    assert ca.issue(Role.CLIENT, Identity("app", organization="ops", without_common_name=True)).certificate.common_name is None
    with pytest.raises(etcd_pki.errors.NoSubjectError):
        ca.issue(Role.CLIENT, Identity())
    with pytest.raises(etcd_pki.errors.NoAlternativeNameError):
        ca.issue(Role.MEMBER, Identity(common_name="etcd-1"))
    with pytest.raises(etcd_pki.errors.CommonNameLengthError) as raised:
        Identity("a", common_name="a" * 65)
    assert raised.value.common_name == "a" * 65


@pytest.mark.parametrize("odd", ODD)
def test_odd_names(ca, odd, tmp_path):
    takers = [
        lambda: Identity(odd),
        lambda: ca.issue(Role.CLIENT, odd),
        lambda: ca.certify(ca.certificate.public_key, Role.CLIENT, odd),
        lambda: CertificateRequest.create(PrivateKey.generate(), Role.CLIENT, odd),
        lambda: Cluster(members=[odd]),
        lambda: ClusterEntry(odd),
        lambda: Cluster(clients=["root"]).plan(tmp_path, only=odd),
        lambda: Cluster(clients=["root"]).plan(tmp_path, host=odd),
        lambda: Cluster(clients=["root"]).desired(host=odd),
    ]
    for take in takers:
        with pytest.raises(ValueError) as raised:
            take()
        assert isinstance(raised.value, etcd_pki.Error)
        str(raised.value).encode()
    for name in (odd, "DNS:" + odd, "URI:" + odd):
        with pytest.raises(ValueError) as raised:
            Identity("etcd-1", names=[name])
        assert isinstance(raised.value, etcd_pki.Error)


@pytest.mark.parametrize("odd", ["../etcd", "a/b", "/etc/passwd", ".."])
def test_names_that_lead_elsewhere(ca, odd, tmp_path):
    """Such a name is valid in a subject, but not in a file name."""
    takers = [
        lambda: etcd_pki.Layout.KUBESPRAY.pairs(Role.CLIENT, odd),
        lambda: ca.issue(Role.CLIENT, odd).write(tmp_path),
        lambda: Cluster(clients=[odd]).apply(tmp_path),
        lambda: Cluster(clients=["root"]).plan(tmp_path, host=odd, exchange=tmp_path / "exchange"),
    ]
    for take in takers:
        with pytest.raises(etcd_pki.Error):
            take()
    assert list(tmp_path.iterdir()) in ([], [tmp_path / ".etcd-pki.lock"])


def test_surrogates_everywhere(ca):
    takers = [
        lambda text: CertificateAuthority.create(text),
        lambda text: CertificateAuthority.create("etcd-ca", organization=text),
        lambda text: Identity("a", common_name=text),
        lambda text: Identity("a", organization=text),
        lambda text: Profile(text),
        lambda text: PrivateKey.generate(text),
        lambda text: PrivateKey.from_pem(text),
        lambda text: PrivateKey.from_pem(ca.key.to_secret_pem(), passphrase=text),
        lambda text: ca.key.to_encrypted_pem(text),
        lambda text: Verifier(ca.certificate, host=text),
        lambda text: Cluster.from_yaml(text),
        lambda text: Cluster.from_mapping({"layout": text}),
        lambda text: etcd_pki.KubesprayScript(text),
        lambda text: etcd_pki.Check(ignore=[text], warning=text),
        lambda text: ca.issue(Role.CLIENT, "a", validity=text),
    ]
    for take in takers:
        with pytest.raises(ValueError) as raised:
            take("\ud800")
        assert isinstance(raised.value, etcd_pki.Error), take
        str(raised.value).encode()


@pytest.mark.parametrize(
    "wrong", ["10.0.0.300", "a..b", "-a.lan", "DNS:10.0.0.1", "IP:etcd-1", "fe80::1%eth0", "a.lan:2379", "x" * 300]
)
def test_what_is_no_alternative_name(wrong):
    with pytest.raises(etcd_pki.errors.InvalidAlternativeNameError) as raised:
        Identity("etcd-1", names=[wrong])
    assert raised.value.text in wrong
    assert raised.value.reason in str(raised.value)


def test_an_address_with_a_zone():
    with pytest.raises(etcd_pki.errors.InvalidAlternativeNameError):
        Identity("etcd-1", names=[IPv6Address("fe80::1%eth0")])


@pytest.mark.parametrize(
    "wrong", ["etcd-1.lan", b"etcd-1.lan", 7, [7], [b"etcd-1.lan"], [None], [["a"]], [IPv4Network("10.0.0.0/8")]]
)
def test_wrong_types(ca, wrong):
    for take in (
        lambda: Identity("etcd-1", names=wrong),
        lambda: ca.issue(Role.MEMBER, "etcd-1", names=wrong),
        lambda: ClusterEntry("etcd-1", names=wrong),
        lambda: Cluster(shared_names=wrong),
    ):
        with pytest.raises(TypeError):
            take()


def test_an_iterable_that_raises(ca):
    def names():
        yield "etcd-1.lan"
        raise LookupError("no more names")

    with pytest.raises(LookupError, match="no more names"):
        ca.issue(Role.MEMBER, "etcd-1", names=names())


def test_names_beyond_ascii():
    assert Identity("etcd-1", names=["bücher.example"]).alternative_names == ["xn--bcher-kva.example"]


def test_what_may_be_secret_is_never_repeated():
    key = PrivateKey.generate()
    for refused in (
        lambda: key.to_encrypted_pem("hunter2\ud800"),
        lambda: PrivateKey.from_pem(key.to_encrypted_pem("x"), passphrase="hunter2\ud800"),
        lambda: PrivateKey.from_pem("-----BEGIN PRIVATE KEY-----\nhunter2\ud800"),
    ):
        with pytest.raises(etcd_pki.errors.MalformedError, match="surrogates") as raised:
            refused()
        assert "hunter2" not in f"{raised.value!r} {vars(raised.value)}"


@pytest.mark.parametrize("given", ["etcd-1", b"etcd-1", {"etcd-1": "10.0.0.11"}, MappingProxyType({"etcd-1": 1}), ChainMap()])
@pytest.mark.parametrize(
    "take",
    [
        lambda given: Cluster(members=given),
        lambda given: Cluster(nodes=given),
        lambda given: Cluster(clients=given),
        lambda given: Cluster(shared_names=given),
        lambda given: ClusterEntry("etcd-1", names=given),
        lambda given: Identity("etcd-1", names=given),
        lambda given: KubesprayScript("[alt_names]\nIP.1 = 10.0.0.1\n", masters=given),
        lambda given: KubesprayScript("[alt_names]\nIP.1 = 10.0.0.1\n", hosts=given),
        lambda given: Check(ignore=given),
        lambda given: Check().run(given),
        lambda given: Renewal(Store("pki")).plan_files(given),
        lambda given: CertificateAuthority.from_files("ca.pem", "ca-key.pem", member_common_names=given),
        lambda given: write_files(given),
        lambda given: Cluster(clients=["root"]).plan("pki", host="a", exchange="b", trust=given),
        lambda given: Cluster(clients=["root"]).apply("pki", host="a", exchange="b", trust=given),
    ],
)
def test_neither_text_nor_a_mapping_is_a_list(take, given):
    """Otherwise, the letters of the text or the keys of the mapping would be the items."""
    with pytest.raises(TypeError, match=f"expected an iterable such as a list, not {type(given).__name__}"):
        take(given)


@pytest.mark.parametrize("given", ["etcd-1", {"etcd-1": True}])
@pytest.mark.parametrize(
    ("take", "wanted"),
    [
        (lambda given: Cluster(clients=["root"]).plan("pki", prune=given), "expected bool or an iterable of names, not"),
        (lambda given: Verifier(given), "expected Certificate or an iterable of them, not"),
    ],
)
def test_nor_where_something_else_than_a_list_may_be(take, wanted, given):
    with pytest.raises(TypeError, match=wanted):
        take(given)


def test_anything_that_is_iterated_over_will_do():
    cluster = Cluster(members=(f"etcd-{number}" for number in (1, 2)), clients={"root"})
    assert cluster.hosts == ["etcd-1", "etcd-2"]


def test_what_is_desired_has_the_names_of_its_role():
    desired = Cluster(members=["etcd-1"]).desired()
    (ca,), (member, admin) = desired.cas, desired.pairs
    assert ca.common_name == "etcd-ca"
    loopback = ["localhost", ip_address("127.0.0.1"), ip_address("::1")]
    assert (member.common_name, member.alternative_names) == ("etcd-member-etcd-1", ["etcd-1", *loopback])
    assert admin.alternative_names == [ip_address("0.0.0.0")]
