"""Private and public keys."""

import copy
import pickle

import etcd_pki
import pytest
from etcd_pki import Bundle, CertificateAuthority, Cluster, KeyAlgorithm, KeyFormat, PrivateKey, PublicKey, Role, Store
from tools import openssl

FAST = ["ec-p256", "ec-p384", "ed25519", "rsa-2048"]


@pytest.fixture(scope="module")
def key():
    return PrivateKey.generate()


@pytest.mark.parametrize("algorithm", FAST)
def test_goes_out_and_comes_in(algorithm):
    key = PrivateKey.generate(algorithm)
    assert key.algorithm is KeyAlgorithm(algorithm)
    pem, der = key.to_secret_pem(), key.to_secret_der()
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    for read in (
        PrivateKey.from_pem(pem),
        PrivateKey.from_pem(pem.decode()),
        PrivateKey.from_pem(bytearray(pem)),
        PrivateKey.from_pem(memoryview(pem)),
        PrivateKey.from_der(der),
    ):
        assert read.public_key == key.public_key
        assert read.to_secret_der() == der
    public = key.public_key
    assert public.algorithm is key.algorithm
    assert public.algorithm_name == algorithm
    assert PublicKey.from_pem(public.to_pem()) == PublicKey.from_der(public.to_der()) == public
    assert hash(PublicKey.from_der(public.to_der())) == hash(public)
    assert openssl("pkey", "-pubout", input=pem) == public.to_pem()


def test_the_word_and_its_text_are_the_same():
    assert PrivateKey.generate(KeyAlgorithm.ED25519).algorithm == "ed25519"
    assert str(KeyAlgorithm.ED25519) == "ed25519"


@pytest.mark.parametrize("format, begin", [("pkcs8", b"PRIVATE"), ("sec1", b"EC PRIVATE")])
def test_formats(key, format, begin):
    pem = key.to_secret_pem(format=KeyFormat(format))
    assert pem.startswith(b"-----BEGIN " + begin + b" KEY-----")
    assert PrivateKey.from_pem(pem).public_key == key.public_key


def test_a_format_of_another_algorithm(key):
    with pytest.raises(etcd_pki.errors.UnsupportedAlgorithmError):
        key.to_secret_pem(format="pkcs1")


def test_from_file(key, tmp_path):
    for name, contents in ("key.pem", key.to_secret_pem()), ("key.der", key.to_secret_der()):
        file = tmp_path / name
        file.write_bytes(contents)
        assert PrivateKey.from_file(file).public_key == key.public_key
        assert PrivateKey.from_file(str(file)).public_key == key.public_key


@pytest.mark.parametrize("passphrase", ["correct horse", b"correct horse", bytearray(b"correct horse")])
def test_encrypted(key, passphrase, tmp_path):
    pem = key.to_encrypted_pem(passphrase)
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert PrivateKey.from_pem(pem, passphrase="correct horse").public_key == key.public_key
    file = tmp_path / "key.pem"
    file.write_bytes(pem)
    assert PrivateKey.from_file(file, passphrase=passphrase).public_key == key.public_key
    assert openssl("pkey", "-passin", "pass:correct horse", "-pubout", input=pem) == key.public_key.to_pem()


def test_a_wrong_passphrase_and_none(key, tmp_path):
    pem = key.to_encrypted_pem("correct horse")
    file = tmp_path / "key.pem"
    file.write_bytes(pem)
    with pytest.raises(etcd_pki.errors.WrongPassphraseError, match="the passphrase does not open the private key"):
        PrivateKey.from_pem(pem, passphrase="wrong")
    with pytest.raises(
        etcd_pki.errors.EncryptedKeyError, match=r"^the private key is encrypted\nhint: give its passphrase with passphrase=$"
    ):
        PrivateKey.from_pem(pem)
    with pytest.raises(etcd_pki.errors.EncryptedKeyError) as raised:
        PrivateKey.from_file(file)
    assert str(raised.value) == f"{file}: the private key is encrypted"
    assert raised.value.path == file
    for wrong in (3, ["correct horse"], object()):
        with pytest.raises(TypeError):
            PrivateKey.from_pem(pem, passphrase=wrong)


def test_equals_itself_only(key):
    same = PrivateKey.from_der(key.to_secret_der())
    assert key == key
    assert key != same
    assert hash(key) == hash(key)
    assert key != "key" and key != None  # noqa: E711


def test_the_key_of_a_bundle_or_a_ca_is_one(ca, member):
    for owner in (ca, member):
        assert owner.key == owner.key
        assert len({owner.key, owner.key}) == 1
        assert owner.key != PrivateKey.from_der(owner.key.to_secret_der())
    assert ca.key != member.key


def test_an_empty_passphrase(key, ca, member, tmp_path):
    """An empty passphrase protects nothing, so it is refused as the command refuses it, and
    nothing is written."""
    pem, clear = key.to_encrypted_pem("correct horse"), ca.key.to_secret_pem()
    paths = ca.write(tmp_path / "clear")
    cluster = Cluster(clients=["root"])
    with Store(tmp_path / "locked").lock() as files:
        for empty in ("", b"", bytearray()):
            for act in (
                lambda empty=empty: key.to_encrypted_pem(empty),
                lambda empty=empty: PrivateKey.from_pem(pem, passphrase=empty),
                lambda empty=empty: PrivateKey.from_der(key.to_secret_der(), passphrase=empty),
                lambda empty=empty: PrivateKey.from_file(paths.key, passphrase=empty),
                lambda empty=empty: Bundle.from_pem(member.to_pem(), member.to_secret_pem(), passphrase=empty),
                lambda empty=empty: CertificateAuthority.from_pem(ca.certificate.to_pem(), clear, passphrase=empty),
                lambda empty=empty: CertificateAuthority.from_files(paths.certificate, paths.key, passphrase=empty),
                lambda empty=empty: Store(tmp_path / "clear").ca(passphrase=empty),
                lambda empty=empty: ca.write(tmp_path / "pki", passphrase=empty),
                lambda empty=empty: files.write_ca(ca, passphrase=empty),
                lambda empty=empty: cluster.apply(tmp_path / "pki", passphrase=empty),
                lambda empty=empty: cluster.plan(tmp_path / "pki").apply(passphrase=empty),
            ):
                with pytest.raises(etcd_pki.errors.MalformedError, match=r"^not a valid passphrase: it is empty"):
                    act()
    assert not (tmp_path / "pki").exists() and list((tmp_path / "locked").iterdir()) == [tmp_path / "locked/.etcd-pki.lock"]


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps])
def test_is_neither_copied_nor_pickled(key, ca, member, take):
    for secret in (key, ca, member, {"key": [key]}):
        if take is copy.copy and isinstance(secret, dict):
            continue
        with pytest.raises(TypeError, match="can be neither copied nor pickled"):
            take(secret)


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_public_key_is_copied_and_pickled(key, take):
    assert take(key.public_key) == key.public_key


def test_shows_facts_and_nothing_secret(key, ca, member):
    assert repr(key) == str(key) == "<PrivateKey ec-p256>"
    public = key.public_key
    assert repr(public) == f"<PublicKey ec-p256, SHA-256 {public.fingerprint_sha256}>"
    for holder in (key, ca, member):
        # An attribute contains no secret; only methods with names that show it return secrets
        for name in dir(holder):
            assert "secret" not in name or callable(getattr(holder, name))
            if not callable(getattr(holder, name)):
                assert type(getattr(holder, name)) is not bytes


def test_is_frozen(key):
    for name in ("algorithm", "public_key", "anything"):
        with pytest.raises(AttributeError):
            setattr(key, name, None)
    with pytest.raises(TypeError):
        PrivateKey()
    with pytest.raises(TypeError):

        class Derived(PrivateKey):
            """A key class that could give false answers."""


def test_the_key_of_a_bundle_and_of_a_ca(ca, member):
    assert member.key.public_key == member.certificate.public_key
    assert ca.key.public_key == ca.certificate.public_key
    again = CertificateAuthority.load(ca.certificate, ca.key)
    assert again.issue(Role.CLIENT, "backup").certificate.issuer == "CN=etcd-ca"


def test_signs(key, tmp_path):
    (tmp_path / "public.pem").write_bytes(key.public_key.to_pem())
    (tmp_path / "message").write_bytes(b"message")
    (tmp_path / "signature").write_bytes(key.sign(b"message"))
    told = openssl("dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "message", cwd=tmp_path)
    assert told == b"Verified OK\n"


@pytest.mark.parametrize("wrong", [None, 5, 1.5, object(), ["pem"], open])
def test_what_is_no_contents(wrong):
    for read in (PrivateKey.from_pem, PrivateKey.from_der, PublicKey.from_pem, PublicKey.from_der):
        with pytest.raises(TypeError, match="expected bytes or str, not "):
            read(wrong)


def test_what_holds_no_key(ca):
    with pytest.raises(etcd_pki.errors.MissingBlockError) as raised:
        PrivateKey.from_pem(ca.certificate.to_pem())
    assert (raised.value.what, raised.value.found) == ("private key", ["a certificate"])
    with pytest.raises(etcd_pki.errors.SeveralBlocksError) as raised:
        PrivateKey.from_pem(ca.key.to_secret_pem() * 2)
    assert raised.value.lines == [1, 6]


def test_a_key_that_is_used_and_not_made(tmp_path):
    openssl("ecparam", "-name", "secp521r1", "-genkey", "-noout", "-out", "key.pem", cwd=tmp_path)
    key = PrivateKey.from_pem((tmp_path / "key.pem").read_bytes())
    assert key.algorithm is KeyAlgorithm.EC_P521
    assert key.public_key.algorithm is KeyAlgorithm.EC_P521
    with pytest.raises(etcd_pki.errors.UnsupportedAlgorithmError, match="making a key of ec-p521"):
        PrivateKey.generate("ec-p521")


def test_an_unknown_algorithm():
    with pytest.raises(etcd_pki.errors.InvalidChoiceError) as raised:
        PrivateKey.generate("rsa-512")
    assert raised.value.text == "rsa-512"
    not_made = ("rsa", "ec-p521")
    assert raised.value.choices == [word.value for word in KeyAlgorithm if word not in not_made]
    assert str(raised.value) == 'unknown key algorithm "rsa-512"'
