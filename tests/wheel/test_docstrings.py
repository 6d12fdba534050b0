"""Every example in a docstring of the package, executed unchanged."""

import doctest
import importlib
import inspect
import io
import operator
import pkgutil
import pydoc
import re
import sys
from datetime import timedelta

import etcd_pki
import pytest
from etcd_pki import CertificateAuthority, Cluster, ClusterDefaults, KeyAlgorithm, Layout, PrivateKey, Profile, Store
from etcd_pki._etcd_pki import ca_paths
from tools import ROOT

# CPython before 3.11 does not show the signature of a native constructor
signatures_are_shown = pytest.mark.skipif(sys.version_info < (3, 11), reason="no signatures of native constructors")


MODULES = ["etcd_pki", *(f"etcd_pki.{module.name}" for module in pkgutil.iter_modules(etcd_pki.__path__))]


def documented():
    """Returns each docstring with an example once, with the name of its object."""
    found = {}
    for name in MODULES:
        module = importlib.import_module(name)
        found[name] = module.__doc__
        for kind, value in inspect.getmembers(module, lambda value: inspect.isclass(value) or inspect.isroutine(value)):
            if not str(getattr(value, "__module__", "")).startswith("etcd_pki"):
                continue
            found[f"{value.__module__}.{kind}"] = value.__doc__
            for member in vars(value) if inspect.isclass(value) else ():
                found[f"{value.__module__}.{kind}.{member}"] = getattr(getattr(value, member), "__doc__", None)
    return {name: text for name, text in found.items() if isinstance(text, str) and ">>> " in text}


EXAMPLES = documented()
NATIVE = ROOT / "etcd-pki-py/src"
SOURCES = {str(file.relative_to(NATIVE)): file.read_text() for file in NATIVE.rglob("*.rs")}


def test_there_are_examples():
    wanted = {
        "Bundle",
        "Certificate",
        "CertificateAuthority",
        "CertificateRequest",
        "Check",
        "Cluster",
        "Finding",
        "Identity",
        "Plan",
        "PrivateKey",
        "Renewal",
        "Report",
        "Store",
        "Verifier",
    }
    assert {f"etcd_pki.{name}" for name in wanted} <= EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_runs_as_it_stands(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = io.StringIO()
    test = doctest.DocTestParser().get_doctest(EXAMPLES[name], {}, name, None, 0)
    result = doctest.DocTestRunner().run(test, out=report.write)
    assert result.failed == 0, report.getvalue()


def test_all_that_is_public_is_documented():
    missing = [
        name
        for name in etcd_pki.__all__
        if not name.startswith("_") and name != "READ_LIMIT" and not inspect.getdoc(getattr(etcd_pki, name))
    ]
    for name in etcd_pki.__all__:
        value = getattr(etcd_pki, name)
        if inspect.isclass(value) and value.__module__ == "etcd_pki" and not issubclass(value, Exception):
            for member, attribute in vars(value).items():
                if not member.startswith("_") and not inspect.getdoc(attribute):
                    missing.append(f"{name}.{member}")
    assert missing == []


def test_the_package_lists_what_it_has():
    """The list is on the first page of help(etcd_pki)."""
    listed = set(re.findall(r"\w+", etcd_pki.__doc__.partition(">>> written[0]")[2]))
    names = {name for name in etcd_pki.__all__ if not name.endswith("Error") and name != "__version__"}
    assert names - listed == set()
    text = pydoc.plain(pydoc.render_doc(etcd_pki))
    assert text.index("What is here, by topic") < text.index("class CertificateAuthority(")
    # Names with a lazy import could be missing
    assert [name for name in names if inspect.isclass(getattr(etcd_pki, name)) and f"class {name}" not in text] == []


def constructors():
    """Returns each class that can be called, and its parameters."""
    for name in etcd_pki.__all__:
        value = getattr(etcd_pki, name)
        if inspect.isclass(value) and value.__module__ == "etcd_pki" and getattr(value, "__text_signature__", None):
            yield name, list(inspect.signature(value).parameters)


CONSTRUCTORS = dict(constructors())


@signatures_are_shown
def test_there_are_constructors():
    assert len(CONSTRUCTORS) == sum(source.count("#[new]") for source in SOURCES.values())
    assert {"Identity", "Cluster", "Check", "Store"} <= CONSTRUCTORS.keys()


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_each_argument_is_explained_in_the_class(name):
    words = set(re.findall(r"`(\w+)`", getattr(etcd_pki, name).__doc__))
    assert [parameter for parameter in CONSTRUCTORS[name] if parameter not in words] == []


@pytest.mark.parametrize("file", SOURCES)
def test_nothing_is_said_where_it_is_lost(file):
    """Python does not show the Rust doc comment of a constructor."""
    assert re.findall(r"///.*\n\s*(?:#\[(?!new\]).*\n\s*)*#\[new\]", SOURCES[file]) == []


def callables():
    """Returns each function, class and method with a signature that Python can show."""
    for name in [*etcd_pki.__all__, "_etcd_pki.ca_paths"]:
        value = operator.attrgetter(name)(etcd_pki)
        if getattr(value, "__text_signature__", None):
            yield name, value
        for member, attribute in vars(value).items() if inspect.isclass(value) and value.__module__ == "etcd_pki" else ():
            attribute = getattr(attribute, "__func__", attribute)
            if member[0] != "_" and getattr(attribute, "__text_signature__", None):
                yield f"{name}.{member}", attribute


@signatures_are_shown
def test_defaults_are_told():
    """An ellipsis in help() would hide a default."""
    signatures = {name: inspect.signature(value) for name, value in callables()}
    assert {"Store", "CertificateAuthority.create", "Bundle.write", "write_files"} <= signatures.keys()
    assert [name for name, signature in signatures.items() if "Ellipsis" in str(signature)] == []
    assert str(signatures["Store"]) == "(directory, *, layout='kubespray')"


@signatures_are_shown
def test_the_defaults_that_are_told_are_the_defaults(tmp_path):
    def told(name, parameter):
        return inspect.signature(operator.attrgetter(name)(etcd_pki)).parameters[parameter].default

    ca = CertificateAuthority.create("etcd-ca")
    assert PrivateKey.generate().algorithm == told("PrivateKey.generate", "algorithm")
    assert ca.key.algorithm == Profile("member").algorithm == KeyAlgorithm.EC_P256
    assert told("CertificateAuthority.create", "compatibility") == told("Profile", "compatibility") == "strict"
    assert ClusterDefaults().compatibility == told("ClusterDefaults", "compatibility")
    assert Store("pki").layout == told("Store", "layout")
    assert Cluster().layout == told("Cluster", "layout")
    assert Cluster().admin == Cluster(admin=told("Cluster", "admin")).admin != Cluster(admin=False).admin
    assert ca.key.to_secret_pem() == ca.key.to_secret_pem(format=told("PrivateKey.to_secret_pem", "format"))
    written = ca.write(tmp_path)
    assert written == ca_paths(told("CertificateAuthority.write", "layout"), "client").below(tmp_path)
    member = ca.issue("member", "etcd-1")
    assert member.write(tmp_path) == [
        pair.below(tmp_path) for pair in Layout(told("Bundle.write", "layout")).pairs("member", "etcd-1")
    ]
    for days in 29, 31:
        issued = ca.issue("member", "etcd-1", validity=timedelta(days=200)).certificate
        now = issued.not_valid_after_utc - timedelta(days=days)
        due = ca.reasons(issued, issued.public_key, "member", "etcd-1", now=now)
        again = ca.reasons(
            issued,
            issued.public_key,
            "member",
            "etcd-1",
            now=now,
            renew_before=told("CertificateAuthority.reasons", "renew_before"),
        )
        assert (due, bool(due)) == (again, days == 29)
