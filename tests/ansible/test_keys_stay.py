"""No module replaces or removes a private key without a request, whatever path it is given."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import openssl

WHO = dict(role="member", name="etcd-1")


def keys(folder: Path) -> dict[str, Path]:
    """A key in each of the forms that key files have."""
    folder.mkdir()
    clear = folder / "pkcs8.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", clear)
    encrypting = ("pkcs8", "-topk8", "-in", clear, "-passout", "pass:correct horse")
    openssl(*encrypting, "-out", folder / "encrypted.pem")
    openssl(*encrypting, "-outform", "DER", "-out", folder / "encrypted.der")
    openssl("pkcs8", "-topk8", "-in", clear, "-nocrypt", "-outform", "DER", "-out", folder / "pkcs8.der")
    openssl("ec", "-in", clear, "-out", folder / "sec1.pem")
    openssl("ec", "-in", clear, "-outform", "DER", "-out", folder / "sec1.der")
    openssl("genrsa", "-traditional", "-out", folder / "pkcs1.pem", "2048")
    openssl("genrsa", "-traditional", "-aes128", "-passout", "pass:correct horse", "-out", folder / "old.pem", "2048")
    # Kinds of keys that the package does not sign with
    openssl("genpkey", "-algorithm", "ed448", "-outform", "DER", "-out", folder / "ed448.der")
    openssl("genpkey", "-algorithm", "DSA", "-genparam", "-pkeyopt", "dsa_paramgen_bits:1024", "-out", folder / "parameters")
    openssl("genpkey", "-paramfile", folder / "parameters", "-out", folder / "dsa.pem")
    (folder / "parameters").unlink()
    openssl("req", "-x509", "-new", "-key", clear, "-subj", "/CN=a server", "-out", folder / "both.pem")
    with open(folder / "both.pem", "ab") as both:
        both.write(clear.read_bytes())
    return {path.name: path for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("flags", [(), ("--check",)], ids=["run", "check"])
def test_a_path_with_a_key(ansible, tmp_path, ca, flags):
    own = tmp_path / "own-key.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", own)
    csr = openssl("req", "-new", "-key", own, "-subj", "/CN=etcd-1")
    found = keys(tmp_path / "keys")
    assert len(found) == 11
    before = {name: path.read_bytes() for name, path in found.items()}
    ways = [
        {"etcd_pki.core.certificate": dict(WHO, **ca, csr_content=csr, force=True, return_content=True)},
        {"etcd_pki.core.certificate": dict(state="absent", backup=True)},
        {"etcd_pki.core.certificate_request": dict(WHO, privatekey_path=str(own), force=True)},
        {"etcd_pki.core.certificate_request": dict(state="absent")},
    ]
    # Each way with one key, and each key with one way
    pairs = [("pkcs8.pem", way) for way in ways] + list(zip(found, ways * 3))
    tasks = [{module: dict(options, path=str(found[name]))} for name, way in pairs for module, options in way.items()]
    run = ansible.tasks(*tasks, flags=flags)
    for task, result in zip(tasks, run.results):
        ((_module, options),) = task.items()
        expected = f"{options['path']} holds a private key, which is neither replaced nor removed: name another file"
        assert result["failed"] and result["msg"] == expected, result
    assert "BEGIN" not in run.output.replace(csr, ""), "and none is returned"
    assert {name: path.read_bytes() for name, path in found.items()} == before
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == sorted(before), "nor copied"


def test_the_key_of_the_ca_is_no_certificate(ansible, ca):
    """The task names the CA's key in place of its certificate and would remove it."""
    key = Path(ca["ownca_privatekey_path"])
    before = key.read_bytes()
    result = ansible.module("certificate", path=str(key), state="absent")
    assert result["failed"] and "holds a private key" in result["msg"]
    assert key.read_bytes() == before


def test_a_file_that_is_written_is_none_that_is_read(ansible, tmp_path, ca):
    own, csr, link = tmp_path / "own-key.pem", tmp_path / "own.csr", tmp_path / "linked.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", own)
    openssl("req", "-new", "-key", own, "-subj", "/CN=etcd-1", "-out", csr)
    link.hardlink_to(ca["ownca_path"])
    signing = dict(WHO, **ca, csr_path=str(csr))
    new = f"{tmp_path}/new/../new.pem"
    (tmp_path / "new").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.glob("*.*") if path.is_file() and path.suffix in (".pem", ".csr")}
    tasks = [
        ({"etcd_pki.core.certificate": dict(signing, path=ca["ownca_path"])}, "ownca_path"),
        ({"etcd_pki.core.certificate": dict(signing, path=str(link))}, "ownca_path"),
        ({"etcd_pki.core.certificate": dict(signing, path=ca["ownca_path"], state="absent")}, "ownca_path"),
        ({"etcd_pki.core.certificate": dict(signing, path=ca["ownca_privatekey_path"])}, "ownca_privatekey_path"),
        ({"etcd_pki.core.certificate": dict(signing, path=str(csr))}, "csr_path"),
        ({"etcd_pki.core.certificate_request": dict(WHO, path=str(own), privatekey_path=str(own))}, "privatekey_path"),
        # Neither file exists yet
        ({"etcd_pki.core.certificate_request": dict(WHO, path=new, privatekey_path=f"{tmp_path}/new.pem")}, "privatekey_path"),
    ]
    for flags in (("--check",), ()):
        results = ansible.tasks(*(task for task, _option in tasks), flags=flags).results
        for (task, option), result in zip(tasks, results):
            ((_module, options),) = task.items()
            assert result["failed"], result
            assert result["msg"] == f"path and {option} are the same file, {options['path']}: give each its own"
    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "new.pem").exists()
