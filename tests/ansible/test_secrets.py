"""No output contains a key or a passphrase, whatever the user requests."""

from __future__ import annotations

from pathlib import Path

from conftest import openssl

LOUD = ("-vvv", "--diff")


def lines_of(*keys: str) -> list[str]:
    """Returns the secret lines of a PEM key: all except its first and last line."""
    return [line for key in keys for line in key.splitlines() if line and not line.startswith("-----")]


def test_nothing_secret_is_shown(ansible, tmp_path, ca):
    encrypted = openssl("pkcs8", "-topk8", "-in", ca["ownca_privatekey_path"], "-passout", "pass:correct-horse")
    given = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    who = dict(role="member", name="etcd-1")
    request = dict(who, path=f"{tmp_path}/m.csr", privatekey_path=f"{tmp_path}/m-key.pem", backup=True, return_content=True)
    signing = dict(who, path=f"{tmp_path}/m.pem", csr_path=f"{tmp_path}/m.csr", return_content=True)
    signing.update(ownca_path=ca["ownca_path"], ownca_privatekey_content=encrypted)
    cluster = dict(directory=f"{tmp_path}/pki", members=["etcd-1"], ownca_privatekey_passphrase="battery-staple")
    tasks = [
        {"etcd_pki.core.certificate_request": request},
        {"etcd_pki.core.certificate_request": dict(request, regenerate="always", privatekey_passphrase="tr0ub4dor")},
        {"etcd_pki.core.certificate_request": dict(who, path=f"{tmp_path}/c.csr", privatekey_content=given)},
        {"etcd_pki.core.certificate": dict(signing, ownca_privatekey_passphrase="correct-horse")},
        {"etcd_pki.core.certificate": dict(signing, ownca_privatekey_passphrase="wrong-mule")},
        {"etcd_pki.core.certificate": dict(signing, ownca_privatekey_content=given)},
        {"etcd_pki.core.cluster": cluster},
        {"etcd_pki.core.cluster": dict(cluster, clients=["root"], ownca_privatekey_passphrase="wrong-mule")},
    ]
    run = ansible.tasks(*tasks, flags=LOUD)
    checked = ansible.tasks(*tasks, flags=(*LOUD, "--check"))
    failed = [result["failed"] for result in run.results]
    assert failed == [False, False, False, False, True, True, False, True], run.output
    keys = [given, encrypted, Path(ca["ownca_privatekey_path"]).read_text()]
    keys += [path.read_text() for path in (*tmp_path.glob("*-key.pem*"), *tmp_path.glob("pki/*-key.pem"))]
    assert len(keys) >= 7
    for output in (run.output, checked.output):
        assert "Using module file" in output, "it is as loud as it was asked to be"
        assert "PRIVATE KEY" not in output
        for secret in (*lines_of(*keys), "correct-horse", "wrong-mule", "battery-staple", "tr0ub4dor"):
            assert secret not in output, secret
