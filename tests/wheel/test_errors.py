"""Exceptions: what kind, what they say, and their facts."""

import builtins
import inspect
import os
import pickle
import re
from subprocess import run

import etcd_pki
import pytest
from etcd_pki import Certificate, CertificateAuthority, Cluster, Store, _words, errors
from tools import ROOT, program, python

CORE = ROOT / "etcd-pki-core/src"


def classes():
    found = vars(errors).values()
    return {one.__name__ for one in found if inspect.isclass(one) and issubclass(one, Exception) and one.__name__[0] != "_"}


def enumeration(name):
    """The source behind an enumeration of the core, and its variants."""
    for file in CORE.rglob("*.rs"):
        source = file.read_text()
        found = re.search(rf"^pub enum {name} \{{\n(.*?)^\}}", source, re.DOTALL | re.MULTILINE)
        if found:
            return source[found.end() :], re.findall(r"^    ([A-Z]\w*)", found.group(1), re.MULTILINE)
    raise LookupError(name)


WORDS = [name for name, one in vars(_words).items() if inspect.isclass(one) and issubclass(one, str) and name[0] != "_"]


@pytest.mark.parametrize("name", WORDS)
def test_each_word_of_the_core(name):
    words = getattr(_words, name)
    source, variants = enumeration(name)
    assert variants
    # Python needs no word for that it is another one
    assert {one.name.replace("_", "").lower() for one in words} == {one.lower().replace("other", "") for one in variants}
    texts = re.search(r"fn name\(self\) -> &'static str \{(.*?)\n    \}", source, re.DOTALL)
    if texts:
        assert {one.value for one in words} == set(re.findall(r'=> "(.*?)"', texts.group(1)))
    for word in words:
        assert word == word.value == str(word) and isinstance(word, str)
        assert pickle.loads(pickle.dumps(word)) is word


def test_no_list_of_words_is_forgotten():
    native = (ROOT / "etcd-pki-py/src/words.rs").read_text()
    macro = re.search(r"^words!\((.*?)\);", native, re.DOTALL | re.MULTILINE).group(1)
    wanted = set(re.findall(r"\w+", macro)) | set(re.findall(r"^impl Words for (\w+)", native, re.MULTILINE))
    assert set(WORDS) == wanted >= {"Role", "CaKind", "KeyMatch"}


def test_the_public_names():
    names = set(etcd_pki.__all__)
    assert len(names) == len(etcd_pki.__all__)
    assert classes() <= names
    assert set(dir(etcd_pki)) == names
    for name in names:
        assert getattr(etcd_pki, name) is not None
    with pytest.raises(ImportError, match="cannot import name 'Nothing' from 'etcd_pki'"):
        from etcd_pki import Nothing  # noqa: F401
    native = {name for name in dir(etcd_pki._etcd_pki) if inspect.isclass(getattr(etcd_pki._etcd_pki, name))}
    assert native <= names


def test_families():
    for name in classes() - {"Error"}:
        kind = getattr(etcd_pki, name)
        assert issubclass(kind, etcd_pki.Error) and kind.__module__ == "etcd_pki.errors"
        assert kind.__doc__
        # Which tools that show or document it look for
        assert inspect.getsource(kind).startswith(f"class {name}(")
        if name != "SignerError":
            assert issubclass(kind, (ValueError, OSError)), name
            assert issubclass(kind, ValueError) != issubclass(kind, OSError), name
    assert issubclass(etcd_pki.ExistsError, FileExistsError)
    assert issubclass(etcd_pki.AuthorityExistsError, FileExistsError)
    assert issubclass(etcd_pki.IoNotFoundError, (etcd_pki.IoError, FileNotFoundError))
    assert issubclass(etcd_pki.IoPermissionError, PermissionError)
    assert issubclass(etcd_pki.LockedError, TimeoutError)


def test_no_name_of_python_is_hidden():
    """By `from etcd_pki import *`."""
    assert [name for name in etcd_pki.__all__ if hasattr(builtins, name)] == []


def test_what_the_system_refuses(tmp_path):
    missing = tmp_path / "ca.pem"
    with pytest.raises(FileNotFoundError) as raised:
        Certificate.from_file(missing)
    error = raised.value
    assert isinstance(error, etcd_pki.IoNotFoundError)
    assert (error.errno, error.filename, error.path, error.action) == (2, str(missing), missing, "read")
    assert error.strerror == os.strerror(2)
    assert str(error) == f"cannot read {missing}: No such file or directory (os error 2)"
    with pytest.raises(OSError) as raised:
        CertificateAuthority.create("etcd-ca").write("/proc/self/status/pki")
    assert raised.value.errno == 20


def test_a_file_whose_name_is_no_text(tmp_path):
    """Its bytes go through, as Python's own functions let them."""
    missing = tmp_path / os.fsdecode(b"caf\xe9.pem")
    with pytest.raises(FileNotFoundError) as raised:
        Certificate.from_file(missing)
    with pytest.raises(FileNotFoundError) as pythons:
        missing.read_bytes()
    assert raised.value.path == missing
    assert raised.value.filename == pythons.value.filename == str(missing)
    assert os.fsencode(raised.value.filename).endswith(b"caf\xe9.pem")
    str(raised.value).encode()
    assert pickle.loads(pickle.dumps(raised.value)).filename == str(missing)


def test_what_the_system_does_not_permit(tmp_path):
    """Where even root may not write."""
    with pytest.raises(OSError) as raised:
        CertificateAuthority.create("etcd-ca").write("/proc/1/fdinfo/pki")
    assert isinstance(raised.value, etcd_pki.IoError)
    assert raised.value.errno in (1, 2, 13) and str(raised.value.path).startswith("/proc/1/fdinfo")


def test_messages_and_hints_are_the_cores(tmp_path):
    """As the command, which is the core's as well, says them."""

    def spoken(*arguments):
        done = run([program("ETCD_PKI_TEST_COMMAND"), *map(str, arguments)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, done
        return done.stderr

    def told(act):
        with pytest.raises(etcd_pki.Error) as raised:
            act()
        hint = f"hint: {raised.value.hint}\n" if raised.value.hint else ""
        return f"etcd-pki: {raised.value}\n{hint}"

    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    specification = tmp_path / "cluster.yaml"
    specification.write_text("members:\n  - {name: etcd-1, adresses: [10.0.0.11]}\n")
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(etcd_pki.PrivateKey.generate().to_encrypted_pem("correct horse"))
    CertificateAuthority.create("etcd-ca").write(tmp_path / "pki")
    pairs = [
        (("cert", "show", damaged), lambda: Certificate.from_file(damaged)),
        (("plan", "-f", specification), lambda: Cluster.from_file(specification)),
        (("key", "public", encrypted), lambda: etcd_pki.PrivateKey.from_file(encrypted)),
        (("ca", "new", "-d", tmp_path / "pki"), lambda: CertificateAuthority.create("etcd-ca").write(tmp_path / "pki")),
        (
            ("cert", "issue", "member", "etcd-1", "--san", "10.0.0.300", "-d", tmp_path / "pki"),
            lambda: Store(tmp_path / "pki").ca().issue("member", "etcd-1", names=["10.0.0.300"]),
        ),
        (("cert", "show", tmp_path / "missing.pem"), lambda: Certificate.from_file(tmp_path / "missing.pem")),
    ]
    for arguments, act in pairs:
        assert told(act) == spoken(*arguments)


def test_an_exception_is_pickled(ca, member, tmp_path):
    """As multiprocessing does with what a worker raises."""
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "client-root.pem").symlink_to(tmp_path / "nowhere")
    raising = [
        lambda: Cluster(clients=["root"]).apply(tmp_path / "pki").raise_for_failures(),
        lambda: Certificate.from_file(tmp_path / "missing.pem"),
        lambda: Certificate.from_pem("nothing"),
        lambda: Cluster.from_yaml("members: 7"),
        lambda: etcd_pki.Identity("etcd-1", names=["10.0.0.300"]),
        lambda: etcd_pki.Verifier(ca.certificate, host="10.0.0.11", strict=True).verify(member.certificate).raise_for_reasons(),
    ]
    for act in raising:
        with pytest.raises(etcd_pki.Error) as raised:
            act()
        again = pickle.loads(pickle.dumps(raised.value))
        assert type(again) is type(raised.value)
        assert str(again) == str(raised.value)
        assert vars(again) == vars(raised.value)
        if isinstance(again, OSError):
            assert (again.errno, again.filename) == (raised.value.errno, raised.value.filename)


def annotated(kind):
    """The facts that a class says to have of its own, and of those all that are there in any case."""
    own = vars(kind).get("__annotations__", {})
    return set(own), {name for name, text in own.items() if "None" not in text}


def test_each_fact_is_annotated():
    """And none is that the native module does not give."""
    native = (ROOT / "etcd-pki-py/src/error.rs").read_text()
    arms = native[native.index("match error {") : native.index("_ => (")].split("        Error::")[1:]
    told = {}
    for arm in arms:
        words = re.findall(r'(reason_of)?\(\s*"(\w+)",', arm)
        names = {name for _, name in words if not name.endswith("Error")}
        if "reason_of(" in arm:
            names.add("reason")
        for name in re.findall(r'"(\w+Error)"', arm):
            told[name] = names
    assert len(told) > 25
    for name, names in told.items():
        facts, _ = annotated(getattr(etcd_pki, name))
        assert facts == names, name
    given = set(classes()) - told.keys()
    assert given == {"Error", "IoError", "IoNotFoundError", "IoPermissionError", "StateError", "VerificationError"}


def test_a_fact_that_is_not_there_is_none():
    with pytest.raises(etcd_pki.SpecificationError) as raised:
        Cluster(members=["etcd-1", "etcd-1"])
    assert (raised.value.line, raised.value.column, raised.value.path) == (None, None, None)
    assert "members" in raised.value.field
    for name in classes():
        facts, always = annotated(getattr(etcd_pki, name))
        for fact in facts - always:
            assert getattr(getattr(etcd_pki, name)(), fact) is None


def test_a_traceback_names_the_public_class():
    done = python("import etcd_pki; etcd_pki.Identity('')")
    assert done.returncode == 1
    assert 'etcd_pki.errors.InvalidNameError: the name "" ' in done.stderr


def test_one_made_by_hand():
    """Whoever fakes one in a test of their own needs no facts."""
    error = etcd_pki.WrongPassphraseError("no")
    assert (str(error), error.hint, error.args) == ("no", None, ("no",))
    assert str(etcd_pki.IoError()) == ""
    assert etcd_pki.ExistsError("it is there", "look", {"path": "ca.pem"}).path == "ca.pem"
