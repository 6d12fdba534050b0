"""The rotation of a CA by plays, stage by stage."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from conftest import no_difference, openssl

NAMES = ["etcd-1", "etcd-2"]
CONFIRMED = dict(confirm_restarted=NAMES, confirm_clients=True)


@pytest.fixture
def options(ansible, tmp_path) -> dict:
    """Returns the specification of a cluster, after its files were made."""
    members = [dict(name=name, addresses=[f"127.0.0.{number}"]) for number, name in enumerate(NAMES, 1)]
    # No member listens on these ports
    options = dict(directory=f"{tmp_path}/pki", members=members, ports=dict(client=1, peer=2))
    assert ansible.module("cluster", **options)["changed"]
    return options


def files(options: dict) -> dict[str, bytes]:
    """Returns the contents of all files."""
    return {path.name: path.read_bytes() for path in Path(options["directory"]).iterdir()}


def issuer(options: dict, name: str) -> str:
    """Returns the issuer of a certificate, after openssl has verified it with the trust bundle."""
    directory = Path(options["directory"])
    certificate = directory / f"member-{name}.pem"
    assert openssl("verify", "-x509_strict", "-CAfile", directory / "ca.pem", certificate).endswith("OK\n")
    return openssl("x509", "-in", certificate, "-noout", "-issuer")


def rotate(ansible, options: dict, flags: tuple[str, ...] = (), **more) -> dict:
    return ansible.module("ca_rotation", flags, **options, **more)


def reach(ansible, options: dict, **more) -> dict:
    """Goes to a stage: in check mode, for real, and once more without a change."""
    old = files(options)
    check = rotate(ansible, options, ("--check", "--diff"), **more)
    assert check["changed"] and files(options) == old, check
    done = rotate(ansible, options, ("--diff",), **more)
    assert done["changed"] and done["stage"] == check["stage"] and done["diff"] == check["diff"], done
    assert done["previous_ca_kept"] == check["previous_ca_kept"]
    return done


def test_all_stages(ansible, options):
    old = issuer(options, "etcd-1")
    trusted = reach(ansible, options, stage="trusted")
    assert (trusted["previous_stage"], trusted["stage"], trusted["next_stage"]) == ("steady", "trusted", "switched")
    assert (trusted["gate"], trusted["signing_ca"]) == ("closed", "CN=etcd-ca")
    again = rotate(ansible, options, ("--diff",), stage="trusted")
    assert not again["changed"] and no_difference(again)
    assert Path(options["directory"], "ca.pem").read_text().count("BEGIN CERTIFICATE") == 2

    # The gate is closed until the members and the clients are known to trust the new CA
    unchanged = files(options)
    for flags in ((), ("--check",)):
        for confirmed in ({}, dict(confirm_restarted=NAMES[:1], confirm_clients=True), dict(confirm_restarted=NAMES)):
            closed = rotate(ansible, options, flags, stage="switched", strategy="bundle", **confirmed)
            assert closed["failed"] and "the stage switched is not safe yet" in closed["msg"]
            assert (closed["stage"], closed["gate"], closed["strategy"]) == ("trusted", "closed", "bundle")
            assert closed["obstacles"] and all(obstacle in closed["msg"] for obstacle in closed["obstacles"])
            assert {member["name"]: member["ready"] for member in closed["members"]} == {
                name: name in confirmed.get("confirm_restarted", []) for name in NAMES
            }
    skipped = rotate(ansible, options, stage="steady", **CONFIRMED)
    assert skipped["failed"] and "the next one is switched, not steady" in skipped["msg"]
    assert files(options) == unchanged

    switched = reach(ansible, options, stage="switched", strategy="bundle", **CONFIRMED)
    assert switched["signing_ca"] != "CN=etcd-ca" and len(switched["certificates_to_renew"]) == 4
    assert issuer(options, "etcd-1") == old

    closed = rotate(ansible, options, stage="steady", **CONFIRMED)
    assert closed["failed"] and "member-etcd-1.pem" in closed["msg"]
    signed = ansible.module("cluster", **options)
    assert {change["action"] for change in signed["changes"]} == {"renew"}
    assert issuer(options, "etcd-1") != old

    steady = reach(ansible, options, stage="steady", **CONFIRMED)
    assert (steady["stage"], steady["previous_ca_kept"]) == ("steady", True)
    assert not rotate(ansible, options, stage="steady")["changed"]
    next_one = rotate(ansible, options, stage="trusted")
    assert next_one["failed"] and "previous CA" in next_one["msg"]
    ansible.module("cluster", **options)
    forgotten = reach(ansible, options, forget=True)
    assert not forgotten["previous_ca_kept"] and not rotate(ansible, options, forget=True)["changed"]
    assert issuer(options, "etcd-1") != old
    assert not ansible.module("cluster", **options)["changed"]


def test_back(ansible, options):
    old = {name: contents for name, contents in files(options).items() if name.endswith(".pem")}
    reach(ansible, options, stage="trusted")
    reach(ansible, options, stage="switched", **CONFIRMED)
    assert reach(ansible, options, back=True)["stage"] == "trusted"
    assert reach(ansible, options, back=True)["stage"] == "steady"
    assert {name: contents for name, contents in files(options).items() if name.endswith(".pem")} == old
    for flags in ((), ("--check",)):
        refused = rotate(ansible, options, flags, back=True)
        assert refused["failed"] and "no rotation to undo" in refused["msg"]


def test_a_play_waits_for_the_gate(ansible, options, tmp_path):
    """The gate opens while the task is retried, because another process signs the certificates."""
    reach(ansible, options, stage="trusted")
    reach(ansible, options, stage="switched", **CONFIRMED)
    specification = tmp_path / "cluster.json"
    specification.write_text(json.dumps(options))
    program = "import sys, time; time.sleep(4); import etcd_pki; etcd_pki.Cluster.from_file(sys.argv[1]).apply()"
    command = shlex.join([str(ansible.target), "-c", program, str(specification)])
    run = ansible.tasks(
        {"ansible.builtin.command": command, "async": 120, "poll": 0, "changed_when": False},
        {
            "etcd_pki.core.ca_rotation": dict(options, stage="steady", **CONFIRMED),
            "register": "rotation",
            "until": "rotation is success",
            "retries": 60,
            "delay": 1,
        },
    )
    rotation = run.results[1]
    assert not rotation["failed"] and rotation["stage"] == "steady" and rotation["attempts"] > 1, run.output


def test_bad_input(ansible, options):
    unchanged = files(options)
    none, two, peers, place = ansible.modules(
        "ca_rotation",
        options,
        dict(options, stage="trusted", back=True),
        dict(options, stage="trusted", peers=True),
        dict(options, stage="trusted", directory=f"{options['directory']}-missing"),
    )
    assert "exactly one of stage, back and forget is required" in none["msg"] and none["failed"]
    assert "exactly one of stage, back and forget is required" in two["msg"] and two["failed"]
    assert peers["failed"] and "peer-ca.pem" in peers["msg"]
    assert place["failed"] and "-missing" in place["msg"]
    other = ansible.module("ca_rotation", **dict(options, stage="trusted", ca=dict(common_name="other-ca")))
    assert other["failed"] and "other-ca" in other["msg"]
    assert files(options) == unchanged
