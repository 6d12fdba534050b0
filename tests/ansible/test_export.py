"""The files of one host in a separate directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import mode, no_difference, openssl

HOST = "etcd-1"


@pytest.fixture
def options(ansible, tmp_path) -> dict:
    """Returns the options for the export of a host, after the files of all hosts were made."""
    cluster = dict(
        directory=f"{tmp_path}/all",
        members=[dict(name=HOST, addresses=["10.0.0.11"]), dict(name="etcd-2", addresses=["10.0.0.12"])],
        files=dict(key_mode="0640"),
    )
    assert ansible.module("cluster", **cluster)["changed"]
    return dict(cluster, host=HOST, dest=f"{tmp_path}/out")


def names(directory: str) -> list[str]:
    """Returns the names of the files in a directory, except the lock file."""
    return sorted(name for name in os.listdir(directory) if name != ".etcd-pki.lock")


FILES = ["admin-etcd-1-key.pem", "admin-etcd-1.pem", "ca.pem", "member-etcd-1-key.pem", "member-etcd-1.pem"]


def test_exported_once(ansible, options):
    check = ansible.module("export", ("--check", "--diff"), **options)
    assert check["changed"] and not os.path.exists(options["dest"])
    made = ansible.module("export", ("--diff",), **options)
    assert made["changed"] and made["changes"] == check["changes"] and made["diff"] == check["diff"]
    assert {change["state"] for change in made["changes"]} == {"missing"}
    assert sorted(Path(path).name for path in made["files"]) == names(options["dest"]) == FILES
    assert made["diff"]["before"] == {} and len(made["diff"]["after"]) == len(FILES)
    for name in FILES:
        path = Path(options["dest"], name)
        assert path.read_bytes() == Path(options["directory"], name).read_bytes()
        assert mode(path) == (0o640 if "-key" in name else 0o644)
    for flags in ((), ("--check", "--diff")):
        again = ansible.module("export", flags, **options)
        assert not again["changed"] and again["changes"] == [] and no_difference(again)


def test_other_files_are_kept_unless_requested(ansible, options):
    ansible.module("export", **options)
    key, certificate = (Path(options["dest"], name) for name in ("member-etcd-1-key.pem", "member-etcd-1.pem"))
    stale = Path(options["dest"], "client-old-key.pem")
    stale.write_text("an old key")
    key.chmod(0o600)
    old = certificate.read_text()
    renewed = ansible.module("cluster", **dict(member(options), rekey=True))
    assert [Path(change["certificate"]).name for change in renewed["changes"]] == ["member-etcd-1.pem"]
    options = dict(options, members=member(options)["members"])
    for flags in (("--check",), ()):
        refused = ansible.module("export", flags, **options)
        assert refused["failed"] and "give overwrite: true" in refused["msg"]
        assert certificate.read_text() == old
    overwrite = dict(options, overwrite=True)
    check = ansible.module("export", ("--check", "--diff"), **overwrite)
    made = ansible.module("export", ("--diff",), **overwrite)
    assert made["changes"] == check["changes"] and made["diff"] == check["diff"]
    states = {Path(change["path"]).name: change["state"] for change in made["changes"]}
    assert states == {key.name: "other contents", certificate.name: "other contents"}
    before, after = made["diff"]["before"][str(key)], made["diff"]["after"][str(key)]
    assert before["public_key_fingerprint"] != after["public_key_fingerprint"]
    assert made["other_files"] == [str(stale)] and stale.read_text() == "an old key"
    assert openssl("pkey", "-in", key, "-pubout") == openssl("x509", "-in", certificate, "-noout", "-pubkey")
    assert not ansible.module("export", **options)["changed"]

    key.chmod(0o600)
    moded = ansible.module("export", **overwrite)
    assert [change["state"] for change in moded["changes"]] == ["other permissions"] and mode(key) == 0o640


def member(options: dict) -> dict:
    """Returns the options of the cluster with another address for the host, for a new certificate."""
    members = [dict(name=HOST, addresses=["10.0.0.11", "10.0.0.99"]), *options["members"][1:]]
    return {name: value for name, value in dict(options, members=members).items() if name not in ("host", "dest")}


def test_the_key_of_a_ca_is_never_exported(ansible, options):
    separate = dict(options, directory=f"{options['directory']}-separate", ca=dict(peers="separate"))
    cluster = {name: value for name, value in separate.items() if name not in ("host", "dest")}
    made, exported = ansible.tasks({"etcd_pki.core.cluster": cluster}, {"etcd_pki.core.export": separate}).results
    assert made["changed"] and exported["changed"]
    assert {"ca.pem", "peer-ca.pem"} <= set(names(options["dest"]))
    assert not {"ca-key.pem", "peer-ca-key.pem"} & set(names(options["dest"]))


def test_what_is_refused(ansible, options):
    """Nothing is exported if the host is unknown, or if a pair of the host does not match."""
    key = Path(options["directory"], "member-etcd-1-key.pem")
    unknown = ansible.module("export", **dict(options, host="etcd-9"))
    assert unknown["failed"] and "etcd-9" in unknown["msg"]
    key.write_bytes(Path(options["directory"], "member-etcd-2-key.pem").read_bytes())
    for flags in (("--check",), ()):
        mismatch = ansible.module("export", flags, **options)
        assert mismatch["failed"] and "does not match" in mismatch["msg"]
    assert not os.path.exists(options["dest"])
