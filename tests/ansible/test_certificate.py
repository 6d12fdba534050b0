"""Signing on the machine of the CA."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from conftest import make_ca, messages, mode, names, openssl
from etcd_pki import CertificateAuthority, PrivateKey


@pytest.fixture
def csr(tmp_path) -> str:
    """A request of another tool that claims more than is granted."""
    return request(tmp_path / "m-key.pem", "/O=system:masters/CN=root")


def request(key: Path, subject: str) -> str:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    return openssl("req", "-new", "-key", key, "-subj", subject, "-addext", "basicConstraints=CA:TRUE")


@pytest.fixture
def options(tmp_path, ca, csr) -> dict:
    (tmp_path / "issued").mkdir()
    names = ["10.0.0.11", "etcd-1.lan"]
    path = f"{tmp_path}/issued/member-etcd-1.pem"
    return dict(ca, path=path, csr_content=csr, role="member", name="etcd-1", names=names, return_content=True)


def test_signed_once_with_the_names_of_the_task(ansible, options):
    check = ansible.module("certificate", ("--check", "--diff"), **options)
    assert check["changed"] and messages(check["reasons"]) == ["the certificate is missing"]
    assert (check["certificate"], check["not_after"]) == ("", "")
    assert check["diff"]["after"]["common_name"] == "etcd-member-etcd-1"
    assert not {"serial_number", "fingerprint"} & set(check["diff"]["after"])
    assert not os.path.exists(options["path"])

    made = ansible.module("certificate", ("--diff",), **options)
    assert made["changed"] and made["reasons"] == check["reasons"]
    assert made["not_granted"] == check["not_granted"]
    assert sorted(made["not_granted"]) == ["basicConstraints CA:TRUE", "common name root", "organization system:masters"]
    assert any("claims, and does not get" in warning for warning in made["warnings"])
    assert made["certificate"] == Path(options["path"]).read_text()
    assert made["ca"].strip() == Path(options["ownca_path"]).read_text().strip()
    assert mode(options["path"]) == 0o644
    assert openssl("verify", "-x509_strict", "-CAfile", options["ownca_path"], options["path"]).endswith("OK\n")
    assert names(options["path"]) == sorted(["0:0:0:0:0:0:0:1", "10.0.0.11", "127.0.0.1", "etcd-1", "etcd-1.lan", "localhost"])
    assert openssl("x509", "-in", options["path"], "-noout", "-subject").strip() == "subject=CN = etcd-member-etcd-1"

    again, checked = (ansible.module("certificate", flags, **options) for flags in (("--diff",), ("--check", "--diff")))
    for result in (again, checked):
        assert not result["changed"] and result["reasons"] == []
        assert result["diff"]["before"] == result["diff"]["after"]
        assert result["certificate"] == made["certificate"]


def test_what_makes_it_sign_again(ansible, options, tmp_path):
    ansible.module("certificate", **options)
    first = Path(options["path"]).read_text()
    another_key = request(tmp_path / "other-key.pem", "/CN=etcd-1")
    other = [tmp_path / "other-ca-key.pem", tmp_path / "other-ca.pem"]
    make_ca(*other)
    for change, reasons in [
        (dict(names=["10.0.0.12", "etcd-1.lan"]), ["10.0.0.12 is missing", "10.0.0.11 is not in the specification"]),
        (dict(role="client"), ["common name etcd-member-etcd-1, should be etcd-1"]),
        (dict(organization="etcd"), ["organization none, should be etcd"]),
        (dict(csr_content=another_key), ["the key does not match the certificate"]),
        (
            dict(ownca_privatekey_path=str(other[0]), ownca_path=str(other[1])),
            ["signed by an unknown CA, CN=etcd-ca; the trusted one has the same name and another key"],
        ),
        (dict(force=True), ["it was requested (force)"]),
    ]:
        changed = dict(options, **change)
        checked = ansible.module("certificate", ("--check", "--diff"), **changed)
        assert checked["changed"] and messages(checked["reasons"])[: len(reasons)] == reasons, change
        assert checked["certificate"] == first
    assert Path(options["path"]).read_text() == first

    changed = dict(options, names=["10.0.0.12"], backup=True)
    made, again = ansible.modules("certificate", changed, changed)
    assert made["changed"] and not again["changed"]
    assert Path(made["backup_file"]).read_text() == first
    assert "10.0.0.12" in names(options["path"])
    # Another validity alone is no reason to renew, and the module accepts the notation of Ansible's
    # users
    assert not ansible.module("certificate", **dict(changed, ownca_not_after="+52w"))["changed"]


def test_renewed_before_its_end(ansible, options):
    ending = dict(options, validity="2d")
    # A certificate is due at most a third of its two days before it expires, so it is not due yet
    made, kept = ansible.modules("certificate", ending, dict(ending, renew_before="40h"))
    assert made["changed"] and not kept["changed"]
    short = dict(options, validity="3s")
    short_made, too_late = ansible.tasks(
        {"etcd_pki.core.certificate": dict(short, force=True)},
        {"ansible.builtin.wait_for": dict(timeout=4)},
        {"etcd_pki.core.certificate": options},
    ).results[::2]
    assert short_made["changed"] and too_late["changed"]
    assert messages(too_late["reasons"])[0].startswith("expired on ")


def test_until_and_beyond_the_ca(ansible, options, ca):
    until, asn1, beyond = ansible.modules(
        "certificate",
        dict(options, validity="2027-06-30T12:00:00Z", force=True),
        dict(options, validity="20270630110000Z", force=True),
        dict(options, validity="20y", force=True),
    )
    assert until["not_after"] == "2027-06-30T12:00:00Z"
    assert asn1["not_after"] == "2027-06-30T11:00:00Z"
    assert any("it ends with its CA" in warning for warning in beyond["warnings"])
    end = openssl("x509", "-in", ca["ownca_path"], "-noout", "-enddate")
    assert openssl("x509", "-in", options["path"], "-noout", "-enddate") == end


def test_contents_and_passphrases(ansible, options, tmp_path, ca):
    encrypted = tmp_path / "encrypted.pem"
    openssl("pkcs8", "-topk8", "-in", ca["ownca_privatekey_path"], "-passout", "pass:correct horse", "-out", encrypted)
    given = {name: value for name, value in options.items() if not name.startswith(("ownca_", "csr_"))}
    given.update(ownca_content=Path(ca["ownca_path"]).read_text(), ownca_privatekey_content=encrypted.read_text())
    given["csr_path"] = f"{tmp_path}/m.csr"
    Path(given["csr_path"]).write_text(options["csr_content"])
    without, wrong, right, mixed = ansible.modules(
        "certificate",
        given,
        dict(given, ownca_privatekey_passphrase="battery staple"),
        dict(given, ownca_privatekey_passphrase="correct horse"),
        options,
    )
    for result in (without, wrong):
        assert result["failed"] and "(hint: give the right passphrase with ownca_privatekey_passphrase)" in result["msg"]
    assert right["changed"] and not right["failed"]
    assert not mixed["changed"]


def test_a_ca_of_kubespray(ansible, options, tmp_path):
    key, certificate = tmp_path / "k-key.pem", tmp_path / "k.pem"
    openssl("genpkey", "-algorithm", "RSA", "-out", key)
    openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=etcd-ca", "-days", "36500", "-out", certificate)
    old = dict(options, ownca_path=str(certificate), ownca_privatekey_path=str(key))
    made = ansible.module("certificate", **old)
    assert made["changed"] and any("has no keyUsage" in warning for warning in made["warnings"])
    assert openssl("verify", "-CAfile", certificate, options["path"]).endswith("OK\n")


def test_under_an_intermediate(ansible, options, tmp_path, ca):
    key, leaf_ca, extensions = tmp_path / "i-key.pem", tmp_path / "i.pem", tmp_path / "i.cnf"
    extensions.write_text("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    asked = openssl("req", "-new", "-key", key, "-subj", "/CN=etcd-intermediate")
    signed = openssl(
        "x509", "-req", "-CA", ca["ownca_path"], "-CAkey", ca["ownca_privatekey_path"], "-days", "99",
        "-extfile", extensions, data=asked.encode(),
    )  # fmt: skip
    leaf_ca.write_text(signed + Path(ca["ownca_path"]).read_text())
    below = dict(options, ownca_path=str(leaf_ca), ownca_privatekey_path=str(key))
    made, again = ansible.modules("certificate", below, below)
    assert made["changed"] and not again["changed"]
    assert made["certificate"].count("BEGIN CERTIFICATE") == 2
    assert made["ca"].strip() == Path(ca["ownca_path"]).read_text().strip()
    assert openssl("verify", "-CAfile", ca["ownca_path"], "-untrusted", options["path"], options["path"]).endswith("OK\n")


def test_differences_of_modes_and_of_what_is_asked_for(ansible, options):
    def changes(result: dict) -> dict:
        before, after = result["diff"]["before"], result["diff"]["after"]
        return {fact: (before.get(fact), after.get(fact)) for fact in before | after if before.get(fact) != after.get(fact)}

    made = ansible.module("certificate", ("--diff",), **dict(options, mode="0640"))
    assert messages(made["reasons"]) == ["the certificate is missing"] and "mode" not in made["diff"]["before"]
    for flags in (("--check", "--diff"), ("--diff",)):
        mended = ansible.module("certificate", flags, **dict(options, mode="0600"))
        reasons = [f"{options['path']} had another owner, group or mode"]
        assert (
            changes(mended) == {"mode": ("0640", "0600"), "reasons": (None, reasons)} and messages(mended["reasons"]) == reasons
        )
    for flags in (("--check", "--diff"), ("--diff",)):
        forced = ansible.module("certificate", flags, **dict(options, force=True))
        assert changes(forced)["reasons"] == (None, ["it was requested (force)"])
    again = ansible.module("certificate", ("--diff",), **dict(options, mode="0600"))
    assert changes(again) == {} and not again["changed"]
    gone = ansible.module("certificate", ("--diff",), path=options["path"], state="absent")
    assert gone["diff"]["before"]["common_name"] == "etcd-member-etcd-1"
    assert gone["diff"]["after"] == {"reasons": ["state is absent"]}


@pytest.mark.parametrize("flags", [("--check",), ()], ids=["check mode", "for real"])
def test_attributes_that_no_file_can_have(ansible, options, flags):
    number, owner, group = ansible.modules(
        "certificate", dict(options, mode=600), dict(options, owner="nosuch"), dict(options, group="nosuch"), flags=flags
    )
    assert number["msg"].startswith("mode: a number can be read as octal or as decimal") and "quotes" in number["msg"]
    assert owner["msg"].startswith("owner: there is no user nosuch on this host")
    assert group["msg"].startswith("group: there is no group nosuch on this host")
    assert not os.path.exists(options["path"])


def test_removed(ansible, options):
    ansible.module("certificate", **options)
    gone = dict(path=options["path"], state="absent", backup=True)
    checked = ansible.module("certificate", ("--check",), **gone)
    assert checked["changed"] and os.path.exists(options["path"])
    removed, again = ansible.modules("certificate", gone, gone)
    assert removed["changed"] and not again["changed"]
    assert not os.path.exists(options["path"]) and os.path.exists(removed["backup_file"])


def test_check_mode_before_all_is_there(ansible, options, tmp_path, ca):
    """In check mode, files that earlier tasks would create may be missing. Existing files must
    be right."""
    encrypted = tmp_path / "encrypted.pem"
    openssl("pkcs8", "-topk8", "-in", ca["ownca_privatekey_path"], "-passout", "pass:correct horse", "-out", encrypted)
    other = [tmp_path / "other-ca-key.pem", tmp_path / "other-ca.pem"]
    make_ca(*other)
    without = {name: value for name, value in options.items() if name != "csr_content"}
    missing = dict(ownca_path=f"{tmp_path}/none/ca.pem", ownca_privatekey_path=f"{tmp_path}/none/ca-key.pem")
    unmade = dict(options, csr_content="")
    ask, read, ca_missing, passphrase, right, match, absent_match, names_refused, before_refused = ansible.modules(
        "certificate",
        unmade,
        dict(without, csr_path=f"{tmp_path}/none.csr"),
        dict(options, **missing),
        dict(unmade, ownca_privatekey_path=str(encrypted), ownca_privatekey_passphrase="battery staple"),
        dict(unmade, ownca_privatekey_path=str(encrypted), ownca_privatekey_passphrase="correct horse"),
        dict(unmade, ownca_privatekey_path=str(other[0])),
        dict(without, csr_path=f"{tmp_path}/none.csr", ownca_path=str(other[1])),
        dict(unmade, names=["a..b"]),
        dict(options, **missing, renew_before="50%"),
        flags=("--check",),
    )
    for result in (ask, read, right):
        assert not result["failed"] and result["changed"], result
        assert messages(result["reasons"]) == ["the certificate is missing", "the request is missing"]
    assert "warnings" not in ask
    assert read["warnings"] == [f"csr_path: {tmp_path}/none.csr is missing, and has to be made first"]
    assert messages(ca_missing["reasons"]) == ["the certificate is missing", "the CA is missing"]
    assert ca_missing["warnings"] == [
        f"{option}: {path} is missing, and has to be made first" for option, path in missing.items()
    ]
    assert passphrase["failed"] and "passphrase" in passphrase["msg"]
    for result in (match, absent_match):
        assert result["failed"] and "does not match" in result["msg"], result
    assert names_refused["failed"] and "a..b" in names_refused["msg"]
    assert before_refused["failed"] and "50%" in before_refused["msg"]


def test_bad_input(ansible, options, tmp_path, ca):
    other = [tmp_path / "other-ca-key.pem", tmp_path / "other-ca.pem"]
    make_ca(*other)
    expired = tmp_path / "expired.pem"
    # The same key and name; openssl issues no expired certificate
    key = PrivateKey.from_file(ca["ownca_privatekey_path"])
    begin = datetime.now(timezone.utc) - timedelta(days=99)
    old = CertificateAuthority.create("etcd-ca", key=key, validity=timedelta(days=9), now=begin)
    expired.write_bytes(old.certificate.to_pem())
    lines = options["csr_content"].splitlines()
    middle = lines[3]
    lines[3] = middle[:10] + ("A" if middle[10] != "A" else "B") + middle[11:]
    results = ansible.modules(
        "certificate",
        dict(options, csr_content="no request"),
        dict(options, csr_content="\n".join(lines)),
        dict(options, csr_content=""),
        dict(options, csr_content=Path(ca["ownca_path"]).read_text()),
        dict(options, ownca_privatekey_path=str(other[0])),
        dict(options, ownca_path=str(expired)),
        dict(options, ownca_path=f"{tmp_path}/nowhere.pem"),
        dict(options, path=f"{tmp_path}/nowhere/m.pem"),
        dict(options, ownca_content="x"),
        dict(options, validity="soon"),
        dict(options, renew_before="50%"),
        dict(options, validity="-5d"),
        dict(options, validity="+999999999999w"),
        dict(options, role="client", common_name="etcd-member-etcd-1"),
        dict(options, names=["a..b"]),
    )
    for result in results:
        assert result["failed"], result
        assert "Traceback" not in str(result.get("exception", "")) and "MODULE FAILURE" not in result["msg"], result
    said = [result["msg"] for result in results]
    for position, expected in enumerate([
        "request", "request", "request", "request", "does not match", "expired", "nowhere.pem", "is no directory",
        "mutually exclusive", "soon", "50%", "it is negative", "+999999999999w", "etcd-member-etcd-1", "a..b",
    ]):  # fmt: skip
        assert expected in said[position], said[position]
    # The author of a task cannot use an option of the command
    words = re.findall(r"(?<!\S)--[a-z]\S*", " ".join(said))
    assert words == ["--peer-cert-allowed-cn"], words
    assert "allow_member_common_name: true" in said[13]
    assert not os.path.exists(options["path"])
