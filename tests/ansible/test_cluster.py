"""A whole cluster in one call."""

from __future__ import annotations

import ipaddress
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Ansible, messages, mode, names, no_difference, openssl

SPECIFICATION = dict(
    members=[
        dict(name="etcd-1", names=["etcd-1.lan"], addresses=["10.0.0.11", "fd00::11"]),
        dict(name="etcd-2", addresses=["10.0.0.12"]),
    ],
    nodes=["kube-1"],
    clients=["root", dict(name="backup", validity="90d")],
    shared_names=["etcd"],
)


def ip(name: str) -> str:
    """Returns a name unchanged, and an address in the short form, which openssl does not write."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


@pytest.fixture
def options(tmp_path) -> dict:
    return dict(SPECIFICATION, directory=f"{tmp_path}/pki")


def test_made_once(ansible, options):
    check = ansible.module("cluster", ("--check", "--diff"), **options)
    assert check["changed"] and not os.path.exists(options["directory"])
    assert check["next_renewal"] is None and check["ca_changed"]
    made = ansible.module("cluster", ("--diff",), **options)
    assert made["changes"] == check["changes"] and made["diff"] == check["diff"]
    assert made["diff"]["before"] == {}
    said = made["diff"]["after"]
    for change in made["changes"]:
        path = change["certificate"]
        has = [] if change["role"] == "ca" else sorted(ip(name) for name in names(path))
        assert said.pop(path) == dict(names=has, action="create", reasons=messages(change["reasons"]))
    assert said == {}
    said = [(change["action"], Path(change["certificate"]).name, change["role"], change["host"]) for change in made["changes"]]
    assert said == [
        ("create", "ca.pem", "ca", None),
        ("create", "member-etcd-1.pem", "member", "etcd-1"),
        ("create", "admin-etcd-1.pem", "client", "etcd-1"),
        ("create", "member-etcd-2.pem", "member", "etcd-2"),
        ("create", "admin-etcd-2.pem", "client", "etcd-2"),
        ("create", "node-kube-1.pem", "node", "kube-1"),
        ("create", "client-root.pem", "client", None),
        ("create", "client-backup.pem", "client", None),
    ]
    assert made["next_renewal_certificate"] == f"{options['directory']}/client-backup.pem"
    assert made["next_renewal"].endswith("Z")
    assert check["hosts_to_restart"] == made["hosts_to_restart"] == []
    codes = [(reason["code"], reason["kind"], reason["severity"]) for reason in made["changes"][1]["reasons"]]
    assert codes == [("EP017", "missing_key", "warning"), ("EP016", "missing_certificate", "warning")]
    assert all(reason["fix"] for change in made["changes"] for reason in change["reasons"])
    member = Path(options["directory"]) / "member-etcd-1.pem"
    assert openssl("verify", "-x509_strict", "-CAfile", member.with_name("ca.pem"), member).endswith("OK\n")
    assert {"etcd", "10.0.0.11", "etcd-1.lan"} < set(names(member))
    assert mode(member.with_name("member-etcd-1-key.pem")) == 0o600
    for flags in ((), ("--check", "--diff")):
        again = ansible.module("cluster", flags, **options)
        assert not again["changed"] and again["changes"] == [] and not again["ca_changed"]
        assert again["next_renewal"] == made["next_renewal"]
        assert (again.get("diff") or {}).get("before") == (again.get("diff") or {}).get("after")


def test_one_change_touches_one_certificate(ansible, options):
    ansible.module("cluster", **options)
    files = {path.name: path.read_bytes() for path in Path(options["directory"]).glob("[!.]*")}
    members = [SPECIFICATION["members"][0], dict(name="etcd-2", addresses=["10.0.0.99"])]
    changed = dict(options, members=members)
    check = ansible.module("cluster", ("--check", "--diff"), **changed)
    made = ansible.module("cluster", ("--diff",), **changed)
    for result in (check, made):
        (change,) = result["changes"]
        assert change["action"] == "renew"
        assert messages(change["reasons"]) == ["10.0.0.99 is missing", "10.0.0.12 is not in the specification"]
        assert [reason.get("name") for reason in change["reasons"]] == ["10.0.0.99", "10.0.0.12"]
        assert not result["ca_changed"] and result["hosts_to_restart"] == []
        path = f"{options['directory']}/member-etcd-2.pem"
        always = ["127.0.0.1", "::1", "etcd", "etcd-2", "localhost"]
        assert result["diff"] == dict(
            before={path: dict(names=sorted(["10.0.0.12", *always]))},
            after={path: dict(names=sorted(["10.0.0.99", *always]), action="renew", reasons=messages(change["reasons"]))},
        )
    now = {path.name: path.read_bytes() for path in Path(options["directory"]).glob("[!.]*")}
    assert [name for name in files if files[name] != now[name]] == ["member-etcd-2.pem"] and files.keys() == now.keys()


def test_who_is_gone(ansible, options):
    ansible.module("cluster", **options)
    fewer = dict(options, members=SPECIFICATION["members"][:1])
    kept = ansible.module("cluster", ("--diff",), **fewer)
    checked = ansible.module("cluster", ("--check", "--diff"), prune=True, **fewer)
    files = [f"{options['directory']}/{name}-etcd-2" for name in ("admin", "member")]
    unmanaged = [dict(certificate=f"{file}.pem", privatekey=f"{file}-key.pem") for file in files]
    assert not kept["changed"] and no_difference(kept)
    assert kept["unmanaged"] == checked["unmanaged"] == unmanaged
    removed = dict(action="remove", reasons=[])
    assert checked["changed"] and checked["changes"] == [dict(pair, **removed, role=None, host=None) for pair in unmanaged]
    # Names limit the removal; an unknown name removes nothing
    nobody, admin, _ = ansible.modules(
        "cluster", dict(fewer, prune=["etcd-9"]), dict(fewer, prune=["etcd-2"]), dict(fewer), flags=("--check",)
    )
    assert not nobody["changed"] and admin["changes"] == checked["changes"]
    assert len(admin["warnings"]) == 2 and "stays valid until" in admin["warnings"][0]
    wrong = ansible.module("cluster", **dict(fewer, prune="etcd-2"))
    assert wrong["failed"] and "neither true nor false" in wrong["msg"]
    pruned, again = ansible.modules("cluster", dict(fewer, prune=True), dict(fewer, prune=True), flags=("--diff",))
    assert pruned["changes"] == checked["changes"] and pruned["unmanaged"] == []
    for result in (checked, pruned):
        assert result["diff"]["before"] == {
            f"{files[0]}.pem": dict(names=["0.0.0.0"]),
            f"{files[1]}.pem": dict(names=sorted(["10.0.0.12", "127.0.0.1", "::1", "etcd", "etcd-2", "localhost"])),
        }
        assert result["diff"]["after"] == {f"{file}.pem": removed for file in files}
    assert not again["changed"]
    assert not any("etcd-2" in name for name in os.listdir(options["directory"]))


def test_cas_that_need_a_hand(ansible, options):
    directory = options["directory"]
    apart, shared = dict(options, ca=dict(peers="separate")), dict(options, prune=True)
    other = dict(options, layout="kubeadm")
    made, kept, again, refused = ansible.modules("cluster", apart, shared, shared, other)
    ca = dict(certificate=f"{directory}/peer-ca.pem", privatekey=f"{directory}/peer-ca-key.pem")
    assert made["unmanaged_ca"] is None and made["missing_ca_keys"] == []
    assert kept["unmanaged_ca"] == again["unmanaged_ca"] == ca
    assert not again["changed"] and Path(ca["privatekey"]).exists()
    assert refused["failed"] and "(hint: say layout: kubespray, or use an empty directory)" in refused["msg"]
    os.remove(f"{directory}/ca-key.pem")
    os.remove(f"{directory}/client-root.pem")
    check = ansible.module("cluster", ("--check",), **options)
    assert check["changed"] and check["missing_ca_keys"] == [f"{directory}/ca-key.pem"]


def test_a_difference_of_modes_alone(ansible, options):
    ansible.module("cluster", **options)
    key, certificate = (f"{options['directory']}/member-etcd-1{end}.pem" for end in ("-key", ""))
    os.chmod(key, 0o644)
    for flags in (("--check", "--diff"), ("--diff",)):
        result = ansible.module("cluster", flags, **options)
        (change,) = result["changes"]
        assert (change["action"], change["certificate"], len(change["reasons"])) == ("chmod", certificate, 1)
        assert result["diff"]["before"] == {key: dict(mode="0644")}
        assert result["diff"]["after"] == {
            key: dict(mode="0600"),
            certificate: dict(action="chmod", reasons=messages(change["reasons"])),
        }
    assert mode(key) == 0o600


def test_files_modes_and_layouts(ansible, options, tmp_path):
    files = dict(key_mode="0640", certificate_mode="0444", directory_mode="0750")
    kubeadm = dict(options, directory=f"{tmp_path}/kubeadm", layout="kubeadm", ca=dict(peers="separate"))
    rsa = dict(options, directory=f"{tmp_path}/rsa", admin="none")
    rsa.update(defaults=dict(algorithm="rsa-2048", profile="kubespray", san="given"))
    rsa.update(members=["etcd-1"], nodes=[], clients=[], ca=dict(common_name="a CA", validity="5y"))
    number, modes, again, layout, habits, alone, host = ansible.modules(
        "cluster",
        dict(options, files=dict(key_mode=0o640)),
        dict(options, files=files),
        dict(options, files=files),
        kubeadm,
        rsa,
        dict(directory=f"{tmp_path}/alone"),
        dict(options, directory=f"{tmp_path}/host", host="kube-1"),
    )
    assert number["failed"] and "octal" in number["msg"] and "quotes" in number["msg"]
    assert modes["changed"] and not again["changed"]
    directory = Path(options["directory"])
    # The mode for keys does not apply to a CA key
    assert (mode(directory), mode(directory / "ca-key.pem"), mode(directory / "ca.pem")) == (0o750, 0o600, 0o444)
    assert mode(directory / "member-etcd-1-key.pem") == 0o640
    assert f"{tmp_path}/kubeadm/etcd-1/etcd/peer.crt" in [change["certificate"] for change in layout["changes"]]
    assert sorted(os.listdir(tmp_path / "rsa")) == [
        ".etcd-pki-issued.jsonl",
        ".etcd-pki.lock",
        "ca-key.pem",
        "ca.pem",
        "member-etcd-1-key.pem",
        "member-etcd-1.pem",
    ]
    assert names(tmp_path / "rsa" / "member-etcd-1.pem") == ["etcd"]
    assert "2048 bit" in openssl("pkey", "-in", tmp_path / "rsa" / "member-etcd-1-key.pem", "-noout", "-text")
    assert "a CA" in openssl("x509", "-in", tmp_path / "rsa" / "ca.pem", "-noout", "-subject") and habits["changed"]
    assert (
        sorted(os.listdir(tmp_path / "alone")) == [".etcd-pki-issued.jsonl", ".etcd-pki.lock", "ca-key.pem", "ca.pem"]
        and alone["changed"]
    )
    assert {change["host"] for change in host["changes"]} <= {"kube-1", None}


def test_an_encrypted_ca(ansible, options):
    secret = dict(options, ownca_privatekey_passphrase="correct horse")
    more, mistake = dict(clients=["other"]), dict(ownca_privatekey_passphrase="battery staple")
    made, without, wrong = ansible.modules("cluster", secret, {**options, **more}, {**secret, **more, **mistake})
    kept, unasked, mistaken, asked = ansible.modules(
        "cluster",
        options,
        {**options, **more},
        {**secret, **more, **mistake},
        {**secret, **more},
        flags=("--check",),
    )
    again = ansible.module("cluster", **{**secret, **more})
    assert made["changed"] and "ENCRYPTED" in (Path(options["directory"]) / "ca-key.pem").read_text()
    for result in (without, wrong, unasked, mistaken):
        assert result["failed"] and "passphrase" in result["msg"], result
    assert asked["changed"] and not asked["failed"]
    assert not kept["failed"] and not kept["changed"], "nothing must be signed"
    assert again["changed"] and not again["failed"]


def test_several_at_once_do_each_thing_once(ansible, options, tmp_path):
    def one(number: int) -> dict:
        folder = tmp_path / str(number)
        folder.mkdir()
        return Ansible(ansible.environment, ansible.target, folder).module("cluster", **options)

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(one, range(3)))
    assert not any(result["failed"] for result in results), results
    assert sum(len(result["changes"]) for result in results if result["changed"]) == 8


def test_what_was_done_before_it_failed(ansible, options, tmp_path):
    directory = Path(options["directory"])
    directory.mkdir()
    (tmp_path / "precious").write_text("precious")
    (directory / "client-root.pem").symlink_to("../precious")
    failed = ansible.module("cluster", **options)
    assert failed["failed"] and failed["changed"] and failed["ca_changed"]
    assert "client-root.pem is a symbolic link (hint: " in failed["msg"]
    done = [change["certificate"] for change in failed["changes"]]
    assert f"; {len(done)} of 8 changes are done, and another run does the rest" in failed["msg"] and len(done) == 7
    (failure,) = failed["failures"]
    assert failure["certificate"] == str(directory / "client-root.pem") and failure["message"] in failed["msg"]
    there = [path for path in directory.glob("[!.]*") if not path.name.endswith("-key.pem") and not path.is_symlink()]
    assert sorted(done) == sorted(map(str, there))
    (directory / "client-root.pem").unlink()
    rest = ansible.module("cluster", **options)
    assert len(rest["changes"]) == 8 - len(done) and not rest["ca_changed"]


def test_links_within_the_directory(ansible, tmp_path):
    """Kubespray uses such links so that a control plane finds its own pair under the names of
    the others."""
    directory = tmp_path / "pki"
    options = dict(directory=str(directory), members=["node-1"])
    ansible.module("cluster", **options, nodes=["node-1"])
    pair = [directory / f"node-node-2{end}.pem" for end in ("", "-key")]
    for link in pair:
        link.symlink_to(link.name.replace("node-2", "node-1"))
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    # A new certificate adds a line to the record
    record = before.pop(".etcd-pki-issued.jsonl")
    both = dict(options, nodes=["node-1", "node-2", "node-3"])
    for flags in (("--check",), ()):
        refused = ansible.module("cluster", flags, **both)
        assert refused["failed"], refused
        assert f"{pair[0]} is a symbolic link (hint: remove the link, or say replace_links: true" in refused["msg"]
        # The other pairs are created in any case
        assert bool(refused.get("changed")) == (directory / "node-node-3.pem").exists() == (not flags)
        now = {path.name: path.read_bytes() for path in directory.iterdir()}
        assert {name: now[name] for name in before} == before
        assert now[".etcd-pki-issued.jsonl"].startswith(record)
    before = now

    said = dict(both, replace_links=True)
    check = ansible.module("cluster", ("--check",), **said)
    made, again = ansible.modules("cluster", said, said)
    actions = [(change["action"], Path(change["certificate"]).name) for change in made["changes"]]
    assert actions == [("re-issue", pair[0].name)]
    assert check["changes"] == made["changes"] and not again["changed"]
    assert f"{pair[0].name} is a link to node-node-1.pem" in messages(made["changes"][0]["reasons"])
    assert not any(link.is_symlink() for link in pair) and mode(pair[1]) == 0o600
    now = {path.name: path.read_bytes() for path in directory.iterdir()}
    replaced = {link.name for link in pair}
    assert {name for name in before if now[name] != before[name]} == replaced | {".etcd-pki-issued.jsonl"}


def test_a_link_out_of_the_directory_is_never_replaced(ansible, options, tmp_path):
    directory = Path(options["directory"])
    directory.mkdir()
    (tmp_path / "precious").write_text("precious")
    (directory / "client-root.pem").symlink_to("../precious")
    for flags in ((), ("--check",)):
        failed = ansible.module("cluster", flags, **options, replace_links=True)
        assert failed["failed"] and "client-root.pem is a symbolic link (hint: " in failed["msg"], failed
    assert (tmp_path / "precious").read_text() == "precious" and (directory / "client-root.pem").is_symlink()


def test_what_is_no_file_is_never_replaced(ansible, options):
    directory = Path(options["directory"])
    key = directory / "client-root-key.pem"
    key.mkdir(parents=True)
    for flags in (("--check",), (), ("--check",)):
        before = sorted(directory.iterdir())
        failed = ansible.module("cluster", flags, **options)
        assert not flags or sorted(directory.iterdir()) == before
        assert failed["failed"] and bool(failed.get("changed")) == (not flags), failed
        assert f"{key} is no regular file (hint: " in failed["msg"], failed
        assert key.is_dir()
    key.rmdir()
    rest = ansible.module("cluster", **options)
    assert [Path(change["certificate"]).name for change in rest["changes"]] == ["client-root.pem"]


def test_bad_input(ansible, options, tmp_path):
    gone = tmp_path / "gone"
    ansible.module("cluster", **dict(options, directory=str(gone)))
    (gone / "ca.pem").unlink()
    (gone / "ca-key.pem").unlink()
    results = ansible.modules(
        "cluster",
        dict(options, members=[dict(name="etcd-1", adresses=["10.0.0.11"])]),
        dict(options, ca=dict(common_nam="x")),
        dict(options, members=["etcd-1", "etcd-1"]),
        dict(options, members=[dict(name="etcd-1", addresses=["10.0.0.300"])]),
        dict(options, members=[["etcd-1"]]),
        dict(options, defaults=dict(validity="soon")),
        dict(options, only="nobody"),
        dict(options, layout="own"),
        dict(members=["etcd-1"]),
        dict(options, directory=str(gone)),
        dict(options, files=dict(owner="nobody-of-this-name")),
    )
    for result, expected in zip(results, [
        "members[0].adresses: there is no such field (hint: did you mean addresses?)", "common_nam", "etcd-1", "10.0.0.300",
        "members[0]", "soon", "nobody", "own", "directory",
        "bring back its files, or use an empty directory)", "nobody-of-this-name",
    ]):  # fmt: skip
        assert result["failed"], result
        assert expected in result["msg"] and "MODULE FAILURE" not in result["msg"], result["msg"]
        assert " --" not in result["msg"], "a task has no options of the command"
        assert "line 1" not in result["msg"], "the author of the task has not seen that line"
    assert not os.path.exists(options["directory"])
    assert not (gone / "ca.pem").exists(), "no CA is made beside what another one has signed"


def test_revoked(ansible, tmp_path):
    """The lists are written once, and what prune removes is revoked."""
    options = dict(directory=f"{tmp_path}/pki", members=["etcd-1"])
    ansible.module("cluster", **options, clients=["root", "alice", "bob"])
    options.update(clients=["root", "bob"], revoked=[dict(client="alice", reason="keyCompromise"), dict(serial="4A1C")])
    check = ansible.module("cluster", ("--check",), **options)
    made = ansible.module("cluster", **options)
    assert made["changes"] == check["changes"]
    [change] = made["changes"]
    assert (change["action"], Path(change["certificate"]).name, change["privatekey"]) == ("revoke", "revoked.crl", None)
    assert {reason["code"] for reason in change["reasons"]} == {"EP055"}
    assert not ansible.module("cluster", **options)["changed"]
    options.update(clients=["root"], prune=True, revoke=True)
    made = ansible.module("cluster", **options)
    assert [change["action"] for change in made["changes"]] == ["revoke", "remove", "remove"]
    shown = openssl("crl", "-in", f"{tmp_path}/pki/revoked.pem", "-noout", "-text")
    assert shown.count("Serial Number:") == 3
    assert not ansible.module("cluster", **options)["changed"]
