"""That nothing is missing: what the Rust library makes public is there, under its name or as what Python has for it."""

import re
from pathlib import Path

import etcd_pki
import pytest

CORE = Path(__file__).resolve().parents[2] / "etcd-pki-core" / "src"

# What Python says otherwise
OTHERWISE = {
    "AlternativeName": "str | IPv4Address | IPv6Address",
    "AuthorityProfile": "the keywords of CertificateAuthority.create",
    "ClusterBuilder": "the keywords of Cluster",
    "DnsName": "str",
    "Error": "one class for each kind",
    "ExtendedKeyUsage": "str",
    "Host": "str | IPv4Address | IPv6Address",
    "KeyUsage": "str",
    "MisplacedAddress": "the address of it",
    "NewFile": "(path, contents, secret)",
    "Overwrite": "overwrite=True",
    "Passphrase": "bytes | str",
    "Place": "the attributes block and line",
    "Position": "the attributes line and column",
    "Progress": "a function of two numbers, and Ctrl-C",
    "Purpose": "Wanted.is_authority, .role and .algorithm",
    "RenewBefore": "timedelta | str",
    "Result": "exceptions",
    "SerialNumber": "int",
    "Threshold": "timedelta | str",
    "Unfinished": "the attribute done of an exception",
    "Uri": "str",
    "Validity": "timedelta | datetime | str",
    "check_clock": "ClockError of whatever issues",
    "parse_rfc3339": "datetime.fromisoformat",
    "printable": "ascii",
    "read_authority": "CertificateAuthority.from_files",
    "read_authority_to_renew": "CertificateAuthority.from_files(to_renew=True)",
    "read_regular_file": "Path.is_file and read_file",
    "rfc3339": "datetime.isoformat",
    "write_files_with": "write_files",
}

# What Python's directory says otherwise
STORE_OTHERWISE = {
    "authority_to_renew": "authority(to_renew=True)",
    "lock_while": "lock, and Ctrl-C",
    "lock_with": "lock",
    "open": "Store(directory)",
    "peer_authority_to_renew": "peer_authority(to_renew=True)",
}


def public_names() -> set:
    """What lib.rs gives to its users."""
    library = (CORE / "lib.rs").read_text()
    block = re.search(r"pub use crate::\{(.*?)\n\};", library, re.DOTALL).group(1)
    # `module::{One, Other}` and `module::One`
    listed = re.findall(r"\w+::(?:\{(.*?)\}|(\w+))", block, re.DOTALL)
    return {name for several, one in listed for name in re.findall(r"\w+", several or one)}


def test_every_public_name_of_the_library():
    names = public_names()
    assert {"Certificate", "Cluster", "write_files"} <= names
    missing = sorted(names - OTHERWISE.keys() - set(etcd_pki.__all__))
    assert missing == []


def test_what_is_said_otherwise_exists():
    assert sorted(OTHERWISE.keys() - public_names()) == []


def test_every_method_of_a_directory():
    blocks = []
    for source in CORE.rglob("*.rs"):
        blocks += re.findall(r"^impl (Store|LockedStore) \{\n(.*?)\n\}", source.read_text(), re.DOTALL | re.MULTILINE)
    methods = {(kind, name) for kind, body in blocks for name in re.findall(r"^    pub fn (\w+)", body, re.MULTILINE)}
    assert {("Store", "trusts"), ("LockedStore", "write")} <= methods
    assert STORE_OTHERWISE.keys() <= {name for _, name in methods}
    missing = {name for kind, name in methods if not hasattr(getattr(etcd_pki, kind), name)}
    assert sorted(missing) == sorted(STORE_OTHERWISE)


def test_one_exception_for_each_kind_of_error():
    source = (CORE / "error.rs").read_text()
    body = re.search(r"pub enum Error \{\n(.*?)\n\}", source, re.DOTALL).group(1)
    kinds = set(re.findall(r"^    (\w+)(?: \{|,)", body, re.MULTILINE))
    # What went wrong in a file is of the kind that it is of, with the attribute path
    kinds.remove("File")
    # Who ends the work, by Ctrl-C or out of `progress`, is given what was raised there
    kinds.remove("Interrupted")
    classes = {name.removesuffix("Error") for name in etcd_pki.__all__ if name.endswith("Error")}
    # The base, the two that Python tells apart by the system's answer, the verdict's, and that of Python's objects
    assert classes - {"", "IoNotFound", "IoPermission", "Verification", "State"} == kinds


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("request/claim.rs", "Claim"),
        ("plan/cause.rs", "Cause"),
        ("check/finding.rs", "Finding"),
        ("verify/verdict.rs", "Reason"),
    ],
)
def test_every_variant_is_described(file, kind):
    body = re.search(rf"pub enum {kind} \{{\n(.*?)\n\}}", (CORE / file).read_text(), re.DOTALL).group(1)
    variants = re.findall(r"^    ([A-Z]\w+)", body, re.MULTILINE)
    native = (CORE.parents[1] / "etcd-pki-py" / "src" / "facts.rs").read_text()
    described = native[native.index(f"impl Described for {kind} ") :]
    described = described[: described.index("\n}\n")]
    assert variants
    assert [variant for variant in variants if f"Self::{variant}" not in described] == []
