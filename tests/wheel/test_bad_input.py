"""Any argument is accepted or refused with the right exception: nothing panics, and no other
exception is raised."""

import inspect
import os
import sys
from datetime import datetime, timedelta, timezone

import etcd_pki
import pytest
from etcd_pki import (
    Certificate,
    CertificateAuthority,
    CertificateRequest,
    Check,
    Cluster,
    ClusterFiles,
    Identity,
    PrivateKey,
    Role,
    Store,
    Verifier,
)

CA = CertificateAuthority.create("etcd-ca")
KEY = PrivateKey.generate()
ITSELF = []
ITSELF.append(ITSELF)

# The objects with the methods
OBJECTS = {
    type(one).__name__: one
    for one in (
        CA,
        CA.issue(Role.MEMBER, "etcd-1"),
        CA.certificate,
        CertificateRequest.create(KEY, Role.CLIENT, "app"),
        Check(),
        Cluster(members=["etcd-1"], directory="pki"),
        Identity("app"),
        KEY,
        KEY.public_key,
        Store("pki"),
        Verifier(CA.certificate),
    )
}

# Valid values for the other arguments
GOOD = {
    "certificate": CA.certificate,
    "certificates": CA.certificate,
    "contents": CA.certificate.to_pem(),
    "der": KEY.to_secret_der(),
    "files": [],
    "host": "etcd-1",
    "identity": "app",
    "key": KEY,
    "message": b"message",
    "paths": ["pki"],
    "pem": KEY.to_secret_pem(),
    "public_key": KEY.public_key,
    "request": CertificateRequest.create(KEY, Role.CLIENT, "app"),
    "role": "client",
    "signer": KEY,
}


class Stubborn:
    """Raises an exception in every method."""

    def _raise(self, *arguments):
        raise LookupError("not today")

    __fspath__ = __iter__ = __len__ = __bool__ = __index__ = __str__ = __call__ = _raise
    packed = property(_raise)


ODD = {
    "None": None,
    "int": 7,
    "negative": -1,
    "huge": 1 << 80,
    "float": 1.5,
    "bytes": b"x",
    "text": "x",
    "empty": "",
    "NUL": "a\0b",
    "surrogate": "\ud800",
    "list": [],
    "numbers": [1],
    "nested": [[[]]],
    "itself": ITSELF,
    "dict": {"a": object()},
    "object": object(),
    "stubborn": Stubborn(),
    "type": int,
    "file": open(os.devnull),
    "memoryview": memoryview(b"abcd")[::2],
    "naive": datetime(2030, 1, 1),
    "first": datetime.min.replace(tzinfo=timezone.utc),
    "last": datetime.max.replace(tzinfo=timezone.utc),
    "negative time": timedelta(-1),
    "longest": timedelta.max,
    "key": KEY,
    "certificate": CA.certificate,
}


def callables():
    """Returns every function, constructor and method with arguments. CPython before 3.11 shows
    no arguments of native constructors."""
    for name in etcd_pki.__all__:
        value = getattr(etcd_pki, name)
        if inspect.isclass(value) and issubclass(value, BaseException):
            continue
        if getattr(value, "__text_signature__", None):
            yield name, value
        for member, attribute in vars(value).items() if inspect.isclass(value) else ():
            native = getattr(attribute, "__func__", attribute)
            owner = value if isinstance(attribute, staticmethod) else OBJECTS.get(name)
            if member[0] != "_" and owner is not None and getattr(native, "__text_signature__", None):
                yield f"{name}.{member}", getattr(owner, member)


def arguments():
    for name, function in callables():
        parameters = inspect.signature(function).parameters.values()
        for parameter in parameters:
            good = {
                other.name: GOOD.get(other.name, "x")
                for other in parameters
                if other.default is other.empty and other is not parameter
            }
            yield pytest.param(function, good, parameter.name, id=f"{name}({parameter.name})")


ARGUMENTS = list(arguments())


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_there_are_arguments():
    assert len(ARGUMENTS) > 100
    names = {argument.id.split("(")[0] for argument in ARGUMENTS}
    assert {"Cluster.apply", "CertificateAuthority.from_signer", "PrivateKey.from_pem", "read_file"} <= names
    assert sys.version_info < (3, 11) or {"Cluster", "Identity", "Store"} <= names


@pytest.mark.parametrize(("function", "good", "name"), ARGUMENTS)
def test_is_taken_or_refused(function, good, name):
    for kind, odd in ODD.items():
        try:
            function(**good, **{name: odd})
        except LookupError as error:
            assert (kind, str(error)) == ("stubborn", "not today")
        except (TypeError, ValueError, OSError) as error:
            # These can be logged
            if kind != "stubborn":
                str(error).encode()


# In a mapping, a value that JSON does not support is replaced by its text
TYPED = [argument for argument in ARGUMENTS if argument.values[0] != Cluster.from_mapping]


@pytest.mark.parametrize(("function", "good", "name"), TYPED)
def test_what_is_nothing_of_the_kind_is_a_type_error(function, good, name):
    with pytest.raises(TypeError):
        function(**good, **{name: object()})


@pytest.mark.parametrize("name", ["key_mode", "certificate_mode", "directory_mode"])
def test_what_is_no_mode(name):
    for wrong in (-1, 1 << 32, 1 << 80, 0o10000, 0o000):
        with pytest.raises(etcd_pki.SpecificationError):
            ClusterFiles(**{name: wrong})


@pytest.mark.parametrize("wrong", ["", "text", b"", b"bytes"])
def test_text_is_no_list_of_certificates(wrong):
    for take in (
        Verifier,
        lambda wrong: CertificateAuthority.load(wrong, CA.key),
        lambda wrong: OBJECTS["Bundle"].ssl_context_client(wrong),
        lambda wrong: etcd_pki.Bundle(CA.certificate, KEY, wrong),
    ):
        with pytest.raises(TypeError, match="expected Certificate or an iterable of them, not "):
            take(wrong)


def test_what_is_no_function_does_nothing():
    plan = Cluster(members=["etcd-1"]).plan("pki")
    with pytest.raises(TypeError, match="expected a function of two numbers, not int"):
        plan.apply(progress=7)
    with pytest.raises(TypeError):
        Cluster(members=["etcd-1"]).apply("pki", progress="progress")
    assert not os.path.exists("pki")
    assert plan.apply().changed == 3
    assert Certificate.from_file("pki/ca.pem").is_ca
