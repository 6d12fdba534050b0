"""The information about a certificate."""

from __future__ import annotations

from pathlib import Path

from conftest import openssl


def test_facts(ansible, ca):
    certificate = Path(ca["ownca_path"])
    at = dict(now="+0s", tomorrow="+1d", long_ago="-52w", far="+5000d", instant="2030-12-31T23:59:59Z", asn1="20991231235959Z")
    path, content, checked, twice = (
        *ansible.modules("certificate_info", dict(path=str(certificate), valid_at=at), dict(content=certificate.read_text())),
        ansible.module("certificate_info", ("--check", "--diff"), path=str(certificate)),
        ansible.module("certificate_info", content=certificate.read_text() * 2),
    )
    assert path["valid_at"] == dict(now=True, tomorrow=True, long_ago=False, far=False, instant=True, asn1=False)
    for result in (path, content, checked, twice):
        assert not result["changed"] and not result["failed"]
        assert result["subject"] == result["issuer"] == "CN=etcd-ca"
        assert result["is_ca"] and result["role"] is None and not result["expired"]
        assert result["key_usages"] == ["keyCertSign", "cRLSign"]
        assert openssl("x509", "-in", certificate, "-noout", "-serial").strip() == f"serial={result['serial_number']}"
        fingerprint = openssl("x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").replace(":", "")
        assert fingerprint.strip().endswith(result["fingerprint"])
    assert [behind["subject"] for behind in twice["chain"]] == ["CN=etcd-ca"]
    assert path["chain"] == []


def test_bad_input(ansible, tmp_path, ca):
    nothing, both, missing, key, instant, beyond, far, directory = results = ansible.modules(
        "certificate_info",
        dict(),
        dict(path="a", content="b"),
        dict(path=f"{tmp_path}/nowhere.pem"),
        dict(path=ca["ownca_privatekey_path"]),
        dict(path=ca["ownca_path"], valid_at=dict(x="tomorrow")),
        dict(path=ca["ownca_path"], valid_at=dict(x="+9000000d")),
        dict(path=ca["ownca_path"], valid_at=dict(x="+999999999999w")),
        dict(path=str(tmp_path)),
    )
    for result in results:
        assert result["failed"] and "MODULE FAILURE" not in result["msg"], result
    assert f"{tmp_path}/nowhere.pem" in missing["msg"]
    assert "a private key" in key["msg"] and ca["ownca_privatekey_path"] in key["msg"]
    for result in (instant, beyond, far):
        assert "valid_at.x" in result["msg"]
    assert "path" in nothing["msg"] and "mutually exclusive" in both["msg"] and str(tmp_path) in directory["msg"]
