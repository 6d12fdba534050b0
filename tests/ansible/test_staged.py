"""A new key waits next to the pair in use until its certificate is installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from conftest import messages, mode, openssl

MEMBER = dict(role="member", name="etcd-1", names=["10.0.0.11"])


class Host:
    """The files of a host, and the tasks that change them."""

    def __init__(self, folder: Path, ca: dict):
        self.directory = folder / "pki"
        self.directory.mkdir(mode=0o700)
        self.key, self.certificate = self.directory / "m-key.pem", self.directory / "m.pem"
        self.staged = self.directory / ".m-key.pem.next"
        self.request = dict(
            MEMBER, path=f"{self.directory}/m.csr", privatekey_path=str(self.key), return_content=True, staged=True
        )
        self.sign = dict(MEMBER, **ca, path=f"{folder}/issued.pem", csr_content="{{ request.csr }}", return_content=True)
        self.install = dict(
            path=str(self.certificate),
            privatekey_path=str(self.key),
            content="{{ signed.certificate }}",
            ca_content="{{ signed.ca }}",
        )

    def tasks(self, request: dict, sign: dict, install: dict) -> list[dict]:
        """Returns the three tasks."""
        return [
            {"etcd_pki.core.certificate_request": request, "register": "request"},
            {"etcd_pki.core.certificate": sign, "register": "signed"},
            {"etcd_pki.core.certificate_install": install},
        ]

    def run(self, ansible, flags: tuple[str, ...] = (), request: dict | None = None) -> list[dict]:
        """Runs the three tasks, with other options for the request."""
        tasks = self.tasks(dict(self.request, **request or {}), self.sign, self.install)
        return ansible.tasks(*tasks, flags=flags).results

    def fail(self, ansible, request: dict) -> dict:
        """Runs the first two tasks, and the second fails. Returns the result of the first."""
        sign = dict(self.sign, ownca_privatekey_path=f"{self.directory}/missing")
        first, second = ansible.tasks(*self.tasks(dict(self.request, **request), sign, self.install)[:2]).results
        assert second["failed"]
        return first

    def contents(self) -> dict[str, bytes]:
        """Returns the contents of all files of the host."""
        return {path.name: path.read_bytes() for path in sorted(self.directory.iterdir()) if path.name != ".etcd-pki.lock"}

    def is_pair(self) -> bool:
        """Whether the key and the certificate in use match, as openssl reads them."""
        public = openssl("pkey", "-in", self.key, "-pubout")
        return public == openssl("x509", "-in", self.certificate, "-noout", "-pubkey")


@pytest.fixture
def host(tmp_path, ca) -> Host:
    return Host(tmp_path, ca)


NEW = dict(algorithm="ed25519", regenerate="partial_idempotence")


def test_a_new_key_is_installed_with_its_certificate(ansible, host):
    first = host.run(ansible, ("--diff",))
    assert [one["changed"] for one in first] == [True] * 3
    assert first[0]["staged"] is False and first[0]["staged_privatekey_path"] == str(host.staged)
    assert messages(first[2]["reasons"]) == ["the certificate is missing"]
    assert host.is_pair() and not host.staged.exists()
    assert (mode(host.key), mode(host.certificate)) == (0o600, 0o644)
    assert [one["changed"] for one in host.run(ansible)] == [False] * 3

    # A signature that fails leaves the pair in use as it was
    old = host.contents()
    failed = host.fail(ansible, NEW)
    assert failed["changed"] and failed["staged"]
    assert messages(failed["reasons"])[:2] == [
        "the key is ec-p256, should be ed25519",
        "the request is for another key",
    ]
    now = host.contents()
    assert {name: now[name] for name in ("m-key.pem", "m.pem")} == {name: old[name] for name in ("m-key.pem", "m.pem")}
    assert host.is_pair() and mode(host.staged) == 0o600
    staged = host.staged.read_bytes()
    again = host.fail(ansible, NEW)
    assert not again["changed"] and again["staged"] and host.contents() == now

    # Without the failure, check mode and then the run install both
    checked = host.run(ansible, ("--check", "--diff"), request=NEW)
    assert host.contents() == now
    assert not checked[0]["changed"] and checked[1]["changed"]
    os.chmod(host.key, 0o640)
    done = host.run(ansible, ("--diff",), request=NEW)
    assert [one["changed"] for one in done] == [False, True, True]
    assert messages(done[2]["reasons"]) == ["the staged key has its certificate", "another certificate is installed"]
    assert done[2]["privatekey_changed"]
    before, after = done[2]["diff"]["before"], done[2]["diff"]["after"]
    assert (before["key_algorithm"], after["key_algorithm"]) == ("ec-p256", "ed25519")
    assert host.is_pair() and host.key.read_bytes() == staged and not host.staged.exists()
    assert mode(host.key) == 0o640, "as the old key"
    assert [one["changed"] for one in host.run(ansible, request=NEW)] == [False] * 3


def test_an_interrupted_installation_is_finished(ansible, host):
    """After the first rename the new key is in use with the old certificate."""
    host.run(ansible)
    request, sign = ansible.tasks(*host.tasks(dict(host.request, **NEW), host.sign, host.install)[:2]).results
    assert request["staged"] and sign["changed"]
    shutil.copy(host.staged, host.key)
    assert not host.is_pair()
    for flags in (("--check",), ()):
        results = host.run(ansible, flags, request=NEW)
        assert [one["changed"] for one in results] == [False, False, True]
        assert not results[0]["staged"]
        assert messages(results[2]["reasons"]) == [
            "an interrupted run has installed the staged key",
            "another certificate is installed",
        ]
    assert host.is_pair() and not host.staged.exists()
    assert [one["changed"] for one in host.run(ansible, request=NEW)] == [False] * 3


def test_a_key_that_was_requested_once(ansible, host):
    """A key that one run stages is installed by the next, which does not request one."""
    host.run(ansible)
    old = host.contents()
    assert host.fail(ansible, dict(regenerate="always"))["staged"] and host.is_pair()
    done = host.run(ansible)
    assert [one["changed"] for one in done] == [False, True, True]
    assert host.is_pair() and host.key.read_bytes() != old["m-key.pem"]


def test_copies_of_what_is_replaced(ansible, host):
    host.run(ansible)
    old = host.contents()
    host.install["backup"] = True
    done = host.run(ansible, request=NEW)
    assert Path(done[2]["privatekey_backup_file"]).read_bytes() == old["m-key.pem"]
    assert mode(done[2]["privatekey_backup_file"]) == 0o600
    assert Path(done[2]["backup_file"]).read_bytes() == old["m.pem"]


@pytest.mark.parametrize("flags", [(), ("--check",)], ids=["run", "check"])
def test_certificates_that_are_refused(ansible, host, tmp_path, ca, flags):
    """Nothing changes, whatever is wrong with the certificate."""
    host.run(ansible)
    signed = (tmp_path / "issued.pem").read_text()
    other, evil = tmp_path / "other-key.pem", tmp_path / "evil.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", other)
    openssl("req", "-x509", "-new", "-key", other, "-subj", "/CN=etcd-1", "-addext", "basicConstraints=CA:FALSE", "-out", evil)
    expired, csr = tmp_path / "expired.pem", tmp_path / "expired.csr"
    openssl("req", "-new", "-key", host.key, "-subj", "/CN=etcd-1", "-out", csr)
    (tmp_path / "leaf.cnf").write_text("basicConstraints = CA:FALSE")
    dates = ("-days", "-1", "-extfile", tmp_path / "leaf.cnf")
    openssl("x509", "-req", "-in", csr, "-signkey", host.key, *dates, "-out", expired)
    old = host.contents()
    install = dict(path=str(host.certificate), privatekey_path=str(host.key))
    roots = Path(ca["ownca_path"]).read_text()
    key = host.key.read_text()
    results = ansible.modules(
        "certificate_install",
        dict(install, content=evil.read_text()),
        dict(install, content=roots),
        dict(install, content=key),
        dict(install, content=expired.read_text(), ca_content=roots),
        dict(install, content=expired.read_text(), ca_path=str(expired)),
        dict(install, content=signed, path=str(host.key)),
        dict(install, content=signed, path=ca["ownca_path"]),
        dict(install, src=str(host.certificate), content=signed),
        dict(install),
        flags=flags,
    )
    assert all(result["failed"] and not result.get("changed") for result in results)
    said = [result["msg"] for result in results]
    assert "the key does not match" in said[0] and str(host.key) in said[0]
    assert "is a CA, and not a leaf" in said[1]
    assert "PRIVATE KEY" not in said[2] and key.splitlines()[1] not in said[2]
    assert "signed by an unknown CA" in said[3]
    assert "expired" in said[4]
    assert "are the same file" in said[5]
    assert "a CA certificate" in said[6]
    assert host.contents() == old and Path(ca["ownca_path"]).read_text() == roots


def test_the_owner_of_keys(ansible, host):
    """A key that belongs to another user is used only if the task names this user."""
    if os.geteuid() != 0:
        pytest.skip("only root changes owners")
    owned = dict(privatekey_owner="12345")
    host.install.update(owned)
    assert [one["changed"] for one in host.run(ansible, request=owned)] == [True] * 3
    done = host.run(ansible, request=dict(owned, **NEW))
    assert done[2]["privatekey_changed"] and os.stat(host.key).st_uid == 12345
    assert os.stat(host.certificate).st_uid == 0
    host.install.pop("privatekey_owner")
    refused = host.run(ansible, request=dict(owned, regenerate="always"))
    assert refused[2]["failed"] and "12345" in refused[2]["msg"] and "give privatekey_owner" in refused[2]["msg"]
    assert host.is_pair()


def test_a_staged_key_needs_a_file(ansible, host):
    key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    given = {name: value for name, value in host.request.items() if name != "privatekey_path"}
    refused = ansible.module("certificate_request", **dict(given, privatekey_content=key))
    assert refused["failed"] and "give privatekey_path" in refused["msg"]


def test_the_certificate_alone(ansible, host):
    """Without a staged key only the certificate is installed, also in check mode and from a
    file."""
    request, sign = ansible.tasks(*host.tasks(dict(host.request, staged=False), host.sign, host.install)[:2]).results
    assert request["changed"] and not request["staged"] and "staged_privatekey_path" not in request
    src = dict(path=str(host.certificate), privatekey_path=str(host.key), src=host.sign["path"], ca_path=host.sign["ownca_path"])
    key = host.key.read_bytes()
    check, made, again = (ansible.module("certificate_install", flags, **src) for flags in (("--check",), (), ()))
    assert check["changed"] and check["reasons"] == made["reasons"] and made["changed"] and not again["changed"]
    assert host.key.read_bytes() == key and host.certificate.read_text() == sign["certificate"]


def test_check_mode_before_anything_exists(ansible, host):
    results = host.run(ansible, ("--check", "--diff"))
    assert [one["changed"] for one in results] == [True] * 3
    assert results[2]["not_after"] == "" and host.contents() == {}
