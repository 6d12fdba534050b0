"""Nothing is missing: Python has every public item of the Rust library, with the same name or as
its counterpart in Python."""

import re
from pathlib import Path

import etcd_pki
import pytest
from etcd_pki import errors

CORE = Path(__file__).resolve().parents[2] / "etcd-pki-core" / "src"

# The items with another counterpart in Python
OTHERWISE = {
    "AdminSpec": "ClusterAdmin",
    "AdvertisedCa": "the subject as str",
    "AlternativeName": "str | IPv4Address | IPv6Address",
    "CaProfile": "the keywords of CertificateAuthority.create",
    "CaAt": "the keyword now of the methods of CertificateAuthority",
    "CaFilesSpec": "the keywords of ClusterFiles",
    "CaRenewal": "the keywords of CertificateAuthority.renewed",
    "CaSpec": "ClusterCa",
    "ClusterSpec": "the keywords of Cluster",
    "CommonName": "the keywords common_name and without_common_name",
    "DefaultsSpec": "ClusterDefaults",
    "DnsName": "str",
    "Endpoint": "str, HOST:PORT",
    "Error": "one class for each kind, in etcd_pki.errors",
    "EntrySpec": "ClusterEntry",
    "ExportState": "the attribute state of ExportFile",
    "ExtendedKeyUsage": "str",
    "Entry": "the attributes code, kind and fix of Finding",
    "Facts": "the attributes of Finding",
    "FilesSpec": "ClusterFiles",
    "Fingerprint": "str",
    "Installation": "the keywords of install_certificate",
    "Issuance": "the arguments of record_issued",
    "KeyUsage": "str",
    "ListPaths": "the method list_paths of Store",
    "LockedFiles": "write_files, which takes the locks",
    "MisplacedAddress": "the address of it",
    "NewFile": "(path, contents, secret)",
    "NewRevocationList": "the keywords of CertificateAuthority.sign_revocation_list",
    "Overwrite": "overwrite=True",
    "Passphrase": "bytes | str",
    "Place": "the attributes block and line",
    "PortsSpec": "the keywords client_port and peer_port",
    "Position": "the attributes line and column",
    "RenewBefore": "timedelta | str",
    "Result": "exceptions",
    "RevokedSpec": "ClusterRevoked",
    "SerialNumber": "int",
    "StoreAt": "the keyword now of Store.ca",
    "Threshold": "timedelta | str",
    "Uri": "str",
    "Validity": "timedelta | datetime | str",
    "Replacement": "a warning of the command",
    "certificates_of_key": "Directory, which compares keys",
    "check_clock": "errors.ClockError of whatever issues",
    "key_path_of": "key_of",
    "parse_rfc3339": "datetime.fromisoformat",
    "peer_port_of": "Certificate.peer_port",
    "printable": "ascii",
    "read_ca": "CertificateAuthority.from_files",
    "read_ca_to_renew": "CertificateAuthority.from_files(for_renewal=True)",
    "read_private_key": "read_file and PrivateKey.from_pem",
    "read_regular_file": "Path.is_file and read_file",
    "replacement": "a warning of the command",
    "rfc3339": "datetime.isoformat",
    "write_files_with": "write_files",
}

# The items with another counterpart in Python's directory
STORE_OTHERWISE = {
    "ca_for_renewal": "ca(for_renewal=True)",
    "ca_with_key": "CertificateAuthority.from_pem",
    "key_for_ca": "read_file and PrivateKey.from_pem",
    "key_for_leaf": "read_file and PrivateKey.from_pem",
    "lock_while": "lock, and Ctrl-C",
    "lock_with": "lock",
    "new": "Store(directory)",
}


def used(source) -> set:
    """Returns the names that a file makes public with `pub use`."""
    names = set()
    for tree in re.findall(r"^pub use (?:crate|self)::(.*?);", source, re.DOTALL | re.MULTILINE):
        # `{module::{One, Other}, module::One}`, `module::{One, Other}` and `module::One`
        names.update(re.findall(r"\w+(?=\s*[,}]|$)", tree))
    return names


def public_names() -> set:
    """Returns the public names of lib.rs and of its public modules, except plan, inspect and probe."""
    library = (CORE / "lib.rs").read_text()
    names = used(library)
    modules = re.findall(r"^pub mod (\w+);", library, re.MULTILINE)
    assert {"ca", "store", "x509"} <= set(modules)
    for module in set(modules) - {"plan", "inspect", "verify", "probe"}:
        source = (CORE / f"{module}.rs").read_text()
        names |= used(source) | set(re.findall(r"^pub (?:struct|enum|trait) (\w+)", source, re.MULTILINE))
    return names


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
    # An error about a file has the class of its kind, with the attribute path
    kinds.remove("File")
    # If the user interrupts with Ctrl-C, or `progress` raises, the caller gets the original
    # exception
    kinds.remove("Interrupted")
    native = (CORE.parents[1] / "etcd-pki-py/src/error.rs").read_text()
    arms = native[native.index("match error {") : native.index('_ => ("Error"')].split("        Error::")[1:]
    classes = {re.match(r"\w+", arm)[0]: set(re.findall(r'"(\w+Error)"', arm)) for arm in arms}
    assert classes.keys() - {"File", "Io"} == kinds - {"Io"}
    for kind in kinds - {"Io"}:
        (name,) = classes[kind]
        assert issubclass(getattr(errors, name), errors.Error)
        # No two kinds have the same class
        assert sum(name in others for others in classes.values()) == 1


def test_every_claim_has_its_kind():
    body = re.search(r"pub enum Claim \{\n(.*?)\n\}", (CORE / "request/claim.rs").read_text(), re.DOTALL).group(1)
    variants = re.findall(r"^    ([A-Z]\w+)", body, re.MULTILINE)
    native = (CORE.parents[1] / "etcd-pki-py" / "src" / "claim.rs").read_text()
    assert variants
    assert [variant for variant in variants if f"Claim::{variant}" not in native] == []


# The items of modules with names that are not at the root, if they have another counterpart in
# Python
MODULES_OTHERWISE = {
    "ApplyOptions": "the keywords of Plan.apply",
    "PlanOptions": "the keywords of Cluster.plan",
    "Host": "str | IPv4Address | IPv6Address",
    "Progress": "a function of two numbers, and Ctrl-C",
    "Target": "the attributes ca and pair of Step",
    "ca_kind": "Verifier.next_to",
    "directory": "inspect_directory",
    "key_of": "Checked.key",
    "reasons": "CertificateAuthority.reasons",
    "revocation_file": "Verifier.next_to",
    "store_of": "Renewal.next_to",
    "verifier": "Verifier.next_to",
}


@pytest.mark.parametrize("module", ["plan", "inspect"])
def test_every_public_name_of_a_module(module):
    blocks = re.findall(r"^pub use self::\{(.*?)\n\};", (CORE / f"{module}.rs").read_text(), re.DOTALL | re.MULTILINE)
    listed = re.findall(r"\w+::(?:\{(.*?)\}|(\w+))", "".join(blocks), re.DOTALL)
    names = {name for several, one in listed for name in re.findall(r"\w+", several or one)}
    assert len(names) > 3
    assert sorted(names - OTHERWISE.keys() - MODULES_OTHERWISE.keys() - set(etcd_pki.__all__)) == []


@pytest.mark.parametrize(
    ("file", "kind", "otherwise"),
    [
        ("finding.rs", "Finding", {"entry": "code, kind and fix", "facts": "attributes"}),
        ("plan.rs", "Plan", {"store": "directory", "apply_with": "apply", "now": "now_utc"}),
        (
            "plan/step.rs",
            "Step",
            {
                "target": "ca, pair and paths",
                "relative_paths": "paths",
                "directory": "paths",
                "not_before": "not_valid_before_utc",
                "not_after": "not_valid_after_utc",
                "due": "due_utc",
            },
        ),
        (
            "plan/report.rs",
            "Report",
            {
                "step": "steps",
                "into_result": "raise_for_failures",
                "first_error": "raise_for_failures",
                "is_interrupted": "Ctrl-C",
            },
        ),
        ("inspect/directory.rs", "Directory", {}),
        ("inspect/directory.rs", "TrustBundle", {}),
        ("inspect/directory.rs", "CurrentPair", {}),
        ("inspect/checked.rs", "Checked", {}),
    ],
)
def test_every_method_of_a_type(file, kind, otherwise):
    bodies = []
    for source in [CORE / file, *CORE.glob(f"{file.removesuffix('.rs')}/*.rs")]:
        bodies += re.findall(rf"^impl {kind} \{{\n(.*?)\n\}}", source.read_text(), re.DOTALL | re.MULTILINE)
    methods = {name for body in bodies for name in re.findall(r"^    pub (?:const )?fn (\w+)", body, re.MULTILINE)}
    assert methods
    assert {name for name in methods if not hasattr(getattr(etcd_pki, kind), name)} == otherwise.keys()


def test_every_fact_of_a_finding():
    body = re.search(r"pub struct Facts \{\n(.*?)\n\}", (CORE / "finding/facts.rs").read_text(), re.DOTALL).group(1)
    facts = re.findall(r"^    pub (\w+):", body, re.MULTILINE)
    assert len(facts) > 5
    assert [fact for fact in facts if not hasattr(etcd_pki.Finding, fact)] == []
