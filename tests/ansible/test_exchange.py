"""Keys that stay on their hosts, and requests that are exchanged through a directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import openssl

HOST = "etcd-1"


@pytest.fixture
def sides(tmp_path) -> tuple[dict, dict]:
    """Returns the options for the host, and those for the machine of the CA."""
    common = dict(members=[dict(name=HOST, addresses=["10.0.0.11"])], exchange=f"{tmp_path}/exchange")
    return dict(common, host=HOST, directory=f"{tmp_path}/host"), dict(common, directory=f"{tmp_path}/ca")


def fingerprint(path: Path) -> str:
    """Returns the fingerprint with colons, as openssl prints it."""
    return openssl("x509", "-in", path, "-noout", "-fingerprint", "-sha256").strip().rpartition("=")[2]


def test_there_and_back(ansible, sides, tmp_path):
    host, signer = sides
    request, again, sign = ansible.modules("cluster", host, host, signer)
    assert [change["action"] for change in request["changes"]] == ["request", "request"]
    assert not again["changed"] and again["changes"] == [] and len(again["waiting"]) == 2
    assert [change["action"] for change in sign["changes"]] == ["create", "trust", "sign", "sign"]
    ca = Path(signer["directory"]) / "ca.pem"
    shown = fingerprint(ca)
    plain = shown.replace(":", "")

    # Nothing comes from a CA that the user did not trust
    for flags in ((), ("--check",)):
        refused = ansible.module("cluster", flags, **host)
        assert refused["failed"] and plain in refused["msg"] and "give it in trust" in refused["msg"], refused
    assert sorted(path.name for path in Path(host["directory"]).glob("[!.]*.pem")) == [
        f"admin-{HOST}-key.pem",
        f"member-{HOST}-key.pem",
    ]
    other = ansible.module("cluster", **host, trust=["0" * 64])
    assert other["failed"] and plain in other["msg"]
    bad = ansible.module("cluster", **host, trust=["0" * 40])
    assert bad["failed"] and "SHA-256 has 64" in bad["msg"]
    alone = ansible.module("cluster", **signer, trust=[shown])
    assert alone["failed"] and "host" in alone["msg"]

    trusting = dict(host, trust=[f"sha256:{shown.lower()}"])
    check, made, done = (
        ansible.module("cluster", ("--check", "--diff"), **trusting),
        ansible.module("cluster", ("--diff",), **trusting),
        ansible.module("cluster", **trusting),
    )
    assert [change["action"] for change in made["changes"]] == ["trust", "install", "install"]
    assert made["ca_changed"] and check["changes"] == made["changes"]
    assert not done["changed"] and done["waiting"] == done["refused"] == []
    member = Path(host["directory"]) / f"member-{HOST}.pem"
    assert openssl("verify", "-x509_strict", "-CAfile", member.with_name("ca.pem"), member).endswith("OK\n")

    # Another CA that arrives later is refused by its fingerprint, and does not block the rest
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"),
        *("-subj", "/CN=evil", "-keyout", tmp_path / "evil-key.pem", "-out", tmp_path / "evil.pem"),
    )
    arrived = tmp_path / "exchange" / HOST / "ca.pem"
    arrived.write_text(arrived.read_text() + (tmp_path / "evil.pem").read_text())
    evil = ansible.module("cluster", **host)
    assert evil["failed"] and "CN=evil" in evil["msg"]
    (refusal,) = evil["refused"]
    assert fingerprint(tmp_path / "evil.pem").replace(":", "") in refusal["reason"]
    assert member.with_name("ca.pem").read_text().count("BEGIN") == 1
