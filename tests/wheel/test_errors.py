"""Exceptions: their classes, messages and facts."""

import builtins
import inspect
import os
import pickle
import re
import sys
from subprocess import run

import etcd_pki
import pytest
from etcd_pki import Certificate, CertificateAuthority, Cluster, FindingCode, Severity, Store, _words, errors
from tools import ROOT, program, python

CORE = ROOT / "etcd-pki-core/src"


def classes():
    found = vars(errors).values()
    return {one.__name__ for one in found if inspect.isclass(one) and issubclass(one, Exception) and one.__name__[0] != "_"}


def enumeration(name):
    """Returns the source before an enumeration of the core, and its variants."""
    for file in CORE.rglob("*.rs"):
        source = file.read_text()
        found = re.search(rf"^pub enum {name} \{{\n(.*?)^\}}", source, re.DOTALL | re.MULTILINE)
        if found:
            return source[found.end() :], re.findall(r"^    ([A-Z]\w*)", found.group(1), re.MULTILINE)
    raise LookupError(name)


WORDS = [name for name, one in vars(_words).items() if inspect.isclass(one) and issubclass(one, str) and name[0] != "_"]
# The core has a table for them, and no enumeration
WORDS.remove("FindingCode")


@pytest.mark.parametrize("name", WORDS)
def test_each_word_of_the_core(name):
    words = getattr(_words, name)
    source, variants = enumeration(name)
    assert variants
    # Python's names do not contain "other"
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


def test_each_finding_of_the_core_has_its_code():
    table = (CORE / "finding/table.rs").read_text()
    rows = dict(re.findall(r'entry\(\s*"(EP\d+)",\s*"(\w+)",', table))
    assert len(rows) > 50
    assert {code.value: code.name.lower() for code in FindingCode} == {**rows, "EP002": "expires_critical"}
    for code in FindingCode:
        assert pickle.loads(pickle.dumps(code)) is code == code.value


def test_severities_are_ordered():
    """They are ordered by meaning, not by their text."""
    ranked = [Severity.OK, Severity.UNKNOWN, Severity.WARNING, Severity.CRITICAL]
    assert sorted(reversed(ranked)) == ranked == list(Severity)
    assert max(Severity) is Severity.CRITICAL and min(Severity) is Severity.OK
    for low, high in zip(ranked, ranked[1:]):
        assert low < high and low <= high and high > low and high >= low and low >= low and low <= low
        assert not (low > high or low >= high or high < low or high <= low or low < low or low > low)
        # A text on either side counts as the severity with that name
        assert low < high.value and low.value < high and low <= high.value and low.value <= high
        assert high > low.value and high.value > low and high >= low.value and high.value >= low
    with pytest.raises(ValueError, match="'grave' is not a valid Severity"):
        assert Severity.OK < "grave"
    with pytest.raises(TypeError):
        assert Severity.OK < 3


FAMILIES = {
    "AlreadyExistsError",
    "BlockedError",
    "CaError",
    "ConflictError",
    "Error",
    "FileAccessError",
    "FormatError",
    "InvalidValueError",
    "PassphraseError",
    "SignerError",
    "SpecificationError",
    "VerificationError",
}


def test_the_public_names():
    names = set(etcd_pki.__all__)
    assert len(names) == len(etcd_pki.__all__)
    assert {name for name in names if name.endswith("Error")} == FAMILIES <= classes()
    assert set(dir(etcd_pki)) == names
    for name in names:
        assert getattr(etcd_pki, name) is not None
    with pytest.raises(ImportError, match="cannot import name 'Nothing' from 'etcd_pki'"):
        from etcd_pki import Nothing  # noqa: F401
    native = {name for name in dir(etcd_pki._etcd_pki) if inspect.isclass(getattr(etcd_pki._etcd_pki, name))}
    assert native <= names


def test_families():
    for name in classes() - {"Error"}:
        kind = getattr(errors, name)
        assert issubclass(kind, etcd_pki.Error) and kind.__module__ == "etcd_pki.errors"
        assert kind.__doc__
        # Tools that show or document a class search for this line
        assert inspect.getsource(kind).startswith(f"class {name}(")
        assert issubclass(kind, (ValueError, OSError)), name
        assert issubclass(kind, ValueError) != issubclass(kind, OSError), name
        # Each kind belongs to one family, and a handler for another family does not catch it
        assert sum(issubclass(kind, getattr(etcd_pki, family)) for family in FAMILIES - {"Error"}) == 1, name
    assert issubclass(etcd_pki.AlreadyExistsError, FileExistsError)
    assert issubclass(errors.MissingFileError, (etcd_pki.FileAccessError, FileNotFoundError))
    assert issubclass(errors.PermissionDeniedError, PermissionError)
    assert issubclass(errors.LockedError, TimeoutError)


def test_the_module_lists_the_families():
    listed = re.findall(r"^- ``(\w+)``: ", errors.__doc__, re.MULTILINE)
    assert len(listed) == len(FAMILIES) and set(listed) == FAMILIES


def test_no_name_of_python_is_hidden():
    """`from etcd_pki import *` would hide it."""
    assert [name for name in etcd_pki.__all__ if hasattr(builtins, name)] == []


def test_what_the_system_refuses(tmp_path):
    missing = tmp_path / "ca.pem"
    with pytest.raises(FileNotFoundError) as raised:
        Certificate.from_file(missing)
    error = raised.value
    assert isinstance(error, etcd_pki.errors.MissingFileError)
    assert (error.errno, error.filename, error.path, error.action) == (2, str(missing), missing, "read")
    assert error.strerror == os.strerror(2)
    assert str(error) == f"cannot read {missing}: No such file or directory (os error 2)"
    with pytest.raises(OSError) as raised:
        CertificateAuthority.create("etcd-ca").write("/proc/self/status/pki")
    assert raised.value.errno == 20


def test_a_file_whose_name_is_no_text(tmp_path):
    """Its bytes are kept, as in Python's own functions."""
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
    """A directory in which even root may not write."""
    with pytest.raises(OSError) as raised:
        CertificateAuthority.create("etcd-ca").write("/proc/1/fdinfo/pki")
    assert isinstance(raised.value, etcd_pki.FileAccessError)
    assert raised.value.errno in (1, 2, 13) and str(raised.value.path).startswith("/proc/1/fdinfo")


def test_messages_are_the_cores_and_hints_are_in_the_words_of_python(tmp_path):
    """The command prints the same messages, with the names of its options."""

    def spoken(*arguments):
        done = run([program("ETCD_PKI_TEST_COMMAND"), *map(str, arguments)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, done
        return done.stderr

    def told(act):
        with pytest.raises(etcd_pki.Error) as raised:
            act()
        return str(raised.value), raised.value.hint

    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    specification = tmp_path / "cluster.yaml"
    specification.write_text("members:\n  - {name: etcd-1, adresses: [10.0.0.11]}\n")
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(etcd_pki.PrivateKey.generate().to_encrypted_pem("correct horse"))
    ca = CertificateAuthority.create("etcd-ca")
    ca.write(tmp_path / "pki")
    long = "a" * 65
    same = None
    pairs = [
        (("cert", "show", damaged), lambda: Certificate.from_file(damaged), same),
        (("plan", "-f", specification), lambda: Cluster.from_file(specification), same),
        (("cert", "show", tmp_path / "missing.pem"), lambda: Certificate.from_file(tmp_path / "missing.pem"), same),
        (
            ("cert", "issue", "member", "etcd-1", "--san", "10.0.0.300", "-d", tmp_path / "pki"),
            lambda: Store(tmp_path / "pki").ca().issue("member", "etcd-1", names=["10.0.0.300"]),
            same,
        ),
        (
            ("key", "public", encrypted),
            lambda: etcd_pki.PrivateKey.from_file(encrypted),
            "give its passphrase with passphrase=",
        ),
        (
            ("ca", "new", "-d", tmp_path / "pki"),
            lambda: CertificateAuthority.create("etcd-ca").write(tmp_path / "pki"),
            "; replace_ca=True replaces it on purpose",
        ),
        (
            ("cert", "issue", "client", "a", "--cn", "etcd-member-a", "-d", tmp_path / "pki"),
            lambda: Store(tmp_path / "pki").ca().issue("client", etcd_pki.Identity("a", common_name="etcd-member-a")),
            "allow_member_common_name=True",
        ),
        (
            ("cert", "issue", "client", "a", "--cn", long, "-d", tmp_path / "pki"),
            lambda: etcd_pki.Identity("a", common_name=long),
            f"give a shorter one, such as common_name={long[:64]}",
        ),
    ]
    for arguments, act, ours in pairs:
        text, hint = told(act)
        message, _, theirs = spoken(*arguments).partition("\nhint: ")
        assert f"etcd-pki: {text}" == message
        if ours is same:
            assert f"{hint}\n" == theirs
        else:
            assert ours in hint and hint != theirs and " --" not in hint


def options(text):
    """Returns the parts of a text that look like an option of the command."""
    return re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)


def test_no_hint_names_an_option():
    """The table of the native module contains each option that the core writes in a hint, and
    replaces it with a Python keyword."""
    table = (ROOT / "etcd-pki-py/src/hint.rs").read_text()
    rows = [(row[0], row[1]) for row in re.findall(r'\(\s*"([^"]+)",\s*"([^"]+)",?\s*\)', table[: table.index("];")])]
    assert len(rows) > 10
    assert [keyword for _, keyword in rows if options(keyword)] == []
    found, used = [], set()
    for file in [*CORE.rglob("*.rs"), *(ROOT / "etcd-pki-py/src").rglob("*.rs")]:
        # Arguments for etcd, and its own tests, are not hints
        if file in (CORE / "settings.rs", ROOT / "etcd-pki-py/src/hint.rs"):
            continue
        source = file.read_text().partition("#[cfg(test)]")[0]
        source = re.sub(r"^\s*//.*$", "", source, flags=re.MULTILINE)
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', source, re.DOTALL):
            if not options(text):
                continue
            text = re.sub(r"\\\n\s*", "", text)
            for command, keyword in rows:
                used.update({command} if command in text else ())
                text = text.replace(command, keyword)
            found.append(text)
    assert len(found) > 10
    assert [text for text in found if options(text)] == []
    assert {command for command, _ in rows} - used == set()


def test_a_hint_is_a_note():
    """Python 3.11 and later show it in a traceback (PEP 678)."""
    with pytest.raises(etcd_pki.Error) as raised:
        Cluster(members=["etcd-1", "etcd-1"])
    error = raised.value
    assert error.hint
    assert error.__notes__ == [f"hint: {error.hint}"]
    assert pickle.loads(pickle.dumps(error)).__notes__ == error.__notes__
    error.add_note("of the second rack")
    assert pickle.loads(pickle.dumps(error)).__notes__ == [f"hint: {error.hint}", "of the second rack"]
    assert str(error) == error.args[0] and "hint" not in str(error)
    done = python("import etcd_pki; etcd_pki.Cluster(members=['etcd-1', 'etcd-1'])")
    assert (f"hint: {error.hint}" in done.stderr) == (sys.version_info >= (3, 11))


def test_an_exception_is_pickled(ca, member, tmp_path):
    """multiprocessing pickles the exceptions of a worker."""
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
    """Returns the facts of a class and of its family, and those among them that are always
    present."""
    own = {}
    for one in reversed(kind.__mro__):
        if one.__module__ == "etcd_pki.errors" and one is not etcd_pki.Error:
            own.update(vars(one).get("__annotations__", {}))
    return set(own), {name for name, text in own.items() if "None" not in text}


def test_each_fact_is_annotated():
    """The native module gives every annotated fact, too."""
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
        facts, _ = annotated(getattr(errors, name))
        assert facts == names, name
    by_system = {"FileAccessError", "MissingFileError", "PermissionDeniedError"}
    assert classes() - told.keys() - FAMILIES == {"InvalidStateError", "VerdictError"} | (by_system - FAMILIES)


def test_a_fact_that_is_not_there_is_none():
    with pytest.raises(etcd_pki.SpecificationError) as raised:
        Cluster(members=["etcd-1", "etcd-1"])
    assert (raised.value.line, raised.value.column, raised.value.path) == (None, None, None)
    assert "members" in raised.value.field
    for name in classes():
        facts, always = annotated(getattr(errors, name))
        for fact in facts - always:
            assert getattr(getattr(errors, name)(), fact) is None


def test_a_traceback_names_the_public_class():
    done = python("import etcd_pki; etcd_pki.Identity('')")
    assert done.returncode == 1
    assert 'etcd_pki.errors.InvalidNameError: the name "" ' in done.stderr


def test_one_made_by_hand():
    """A test of a user can create an exception without facts."""
    error = etcd_pki.errors.WrongPassphraseError("no")
    assert (str(error), error.hint, error.args) == ("no", None, ("no",))
    assert str(etcd_pki.FileAccessError()) == "" and not hasattr(etcd_pki.FileAccessError(), "__notes__")
    assert etcd_pki.errors.ExistingFileError("it is there", "look", {"path": "ca.pem"}).path == "ca.pem"
