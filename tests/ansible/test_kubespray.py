"""The guide for Kubespray, in the real tasks of its role, of the oldest and the newest release
that the guide names.

Each host of an inventory has a folder, in which its Python starts. The role's paths start with
/proc/self/cwd, so each host has its own files at the same path, as on separate machines.
"""

from __future__ import annotations

import getpass
import grp
import ipaddress
import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import HERE, REPOSITORY, Ansible, Run, names, openssl, tool

GUIDE = REPOSITORY / "docs" / "guides" / "kubespray.md"
OLDEST, NEWEST = "v2.28.1", "v2.31.0"
HERE_ON_A_HOST = "/proc/self/cwd"
SCRIPT_TASKS = (
    "Gen_certs | run cert generation script for etcd and kube control plane nodes",
    "Gen_certs | run cert generation script for all clients",
)

INVENTORY = """\
[etcd]
node1
node2
[kube_control_plane]
node1
node2
[kube_node]
node3
[k8s_cluster:children]
kube_control_plane
kube_node
"""
IPV4 = dict(node1="ip=10.0.0.11", node2="ip=10.0.0.12 access_ip=192.0.2.12", node3="ip=10.0.0.13")
DEFAULTS = dict(
    force_etcd_cert_refresh=True,
    certificates_key_size=2048,
    certificates_duration=36500,
    kube_network_plugin="calico",
    calico_datastore="kdd",
    cilium_deploy_additionally=False,
    ipv4_stack=True,
    ipv6_stack=False,
    unsafe_show_logs=True,
    etcd_cert_dir_mode="0700",
    etcd_config_dir=f"{HERE_ON_A_HOST}/etcd",
    etcd_cert_dir=f"{HERE_ON_A_HOST}/etcd/ssl",
    etcd_script_dir=f"{HERE_ON_A_HOST}/scripts",
    etcd_cert_alt_names=["etcd.kube-system", "etcd"],
    etcd_cert_alt_ips=["192.0.2.1"],
    ansible_default_ipv4={"address": "10.9.9.4"},
    ansible_default_ipv6={"address": "fd99::6"},
    cert_files=dict(
        master=[
            f"{{{{ etcd_cert_dir }}}}/{kind}-{{{{ inventory_hostname }}}}{end}.pem"
            for kind in ("member", "admin")
            for end in ("", "-key")
        ],
        node=[f"{{{{ etcd_cert_dir }}}}/node-{{{{ inventory_hostname }}}}{end}.pem" for end in ("", "-key")],
    ),
)
# Kubespray's requirements.txt has the whole collection
IPADDR = """\
import ipaddress


def ipaddr(value):
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return False


class FilterModule:
    def filters(self):
        return {"ipaddr": ipaddr}
"""


def blocks(kind: str) -> list[str]:
    """Returns the guide's blocks of a kind."""
    return re.findall(rf"```{kind}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def with_the_command(tasks: str) -> str:
    """Returns the role's tasks with the change of the guide in every place where it fits."""
    (difference,) = blocks("diff")
    lines = difference.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in "- ")
    new = "".join(line[1:] for line in lines if line[0] in "+ ")
    assert tasks.count(old) == len(SCRIPT_TASKS), old
    return tasks.replace(old, new)


def with_the_module(tasks: str) -> str:
    """Returns the role's tasks with the guide's tasks in place of the two that run the script."""
    parts = re.split(r"^(?=- name: )", tasks, flags=re.MULTILINE)
    found = [part for part in parts if part.startswith(tuple(f"- name: {name}\n" for name in SCRIPT_TASKS))]
    assert len(found) == len(SCRIPT_TASKS)
    first = parts.index(found[0])
    assert parts[first + 1] == found[1]
    return "".join([*parts[:first], blocks("yaml")[0] + "\n", *parts[first + 2 :]])


@dataclass
class Kubespray:
    """A copy of the role, edited as the guide describes, and its hosts."""

    ansible: Ansible
    folder: Path
    way: str

    def inventory(self, hosts: dict[str, str], groups: str = INVENTORY) -> None:
        for host in hosts:
            (self.folder / host).mkdir(exist_ok=True)
            python = self.folder / f"python-{host}"
            python.write_text(f'#!/bin/sh\ncd {shlex.quote(str(self.folder / host))} && exec {self.ansible.target} "$@"\n')
            python.chmod(0o755)
        lines = [
            f"{host} {variables} ansible_python_interpreter={self.folder}/python-{host}" for host, variables in hosts.items()
        ]
        (self.folder / "inventory.ini").write_text("\n".join(lines) + "\n" + groups + "[all:vars]\nansible_connection=local\n")

    def run(self, *arguments: str, **variables) -> Run:
        """Runs the part of Kubespray's etcd play that creates certificates."""
        owner = dict(etcd_owner=getpass.getuser(), etcd_cert_group=grp.getgrgid(os.getgid()).gr_name)
        # JSON is YAML too
        (self.folder / "group_vars" / "all.yml").write_text(json.dumps({**DEFAULTS, **owner, **variables}))
        return self.ansible.run(
            "ansible-playbook",
            "-i",
            self.folder / "inventory.ini",
            self.folder / "play.yml",
            *arguments,
            ANSIBLE_COLLECTIONS_PATH=str(self.folder / "collections"),
            ANSIBLE_PIPELINING="true",
            ANSIBLE_ROLES_PATH=str(self.folder / "roles"),
        )

    @staticmethod
    def made(run: Run) -> list[str]:
        """Returns the tasks that changed certificates."""
        assert run.code == 0, run.output
        tasks = [result["task"] for result in run.results if result.get("changed")]
        return [task for task in tasks if task.startswith(("etcd : Gen_certs | make", "etcd : Gen_certs | run"))]

    @staticmethod
    def handled(run: Run) -> bool:
        """Returns whether the role's handler ran."""
        return any("Set etcd_secret_changed" in result["task"] for result in run.results)

    def ssl(self, host: str) -> Path:
        return self.folder / host / "etcd" / "ssl"

    def files(self, host: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.ssl(host).glob("[!.]*.pem")}

    def script(self, masters: str, hosts: str) -> None:
        """Runs the role's own script on the first host."""
        text = (self.folder / "roles" / "etcd" / "templates" / "make-ssl-etcd.sh.j2").read_text()
        script = self.folder / "make-ssl-etcd.sh"
        script.write_text(text.replace("{{certificates_key_size}}", "2048").replace("{{certificates_duration}}", "36500"))
        config = self.folder / "node1" / "etcd" / "openssl.conf"
        environment = dict(os.environ, MASTERS=masters, HOSTS=hosts, PATH=f"{tool('OPENSSL').parent}:{os.environ['PATH']}")
        done = subprocess.run(
            ["bash", script, "-f", config, "-d", self.ssl("node1")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def of(*cases: tuple[str, str]):
    """Runs a test for these releases and ways."""
    return pytest.mark.parametrize("kubespray", cases, indirect=True, ids="-".join)


every_release = of((OLDEST, "command"), (OLDEST, "module"), (NEWEST, "command"), (NEWEST, "module"))
newest_release = of((NEWEST, "command"), (NEWEST, "module"))


@pytest.fixture
def kubespray(request, tmp_path) -> Kubespray:
    release, way = request.param
    environment = tool("ANSIBLE_OLDEST")
    ansible = Ansible(environment, environment / "bin" / "python", tmp_path)
    shutil.copytree(HERE / "kubespray" / release / "roles", tmp_path / "roles")
    tasks = tmp_path / "roles" / "etcd" / "tasks" / "gen_certs_script.yml"
    tasks.write_text({"command": with_the_command, "module": with_the_module}[way](tasks.read_text()))
    filters = tmp_path / "collections" / "ansible_collections" / "ansible" / "utils" / "plugins" / "filter"
    filters.mkdir(parents=True)
    (filters / "ipaddr.py").write_text(IPADDR)
    (tmp_path / "group_vars").mkdir()
    if way == "module":
        (tmp_path / "group_vars" / "etcd.yml").write_text(blocks("yaml")[1])
    (tmp_path / "play.yml").write_text("""\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: network_facts}
    # As Kubespray prepares each host
    - ansible.builtin.file: {path: "{{ etcd_config_dir }}", state: directory}
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: etcd, tasks_from: check_certs}
    - ansible.builtin.include_role: {name: etcd, tasks_from: gen_certs_script}
  handlers:
    - name: Set etcd_secret_changed
      ansible.builtin.set_fact: {etcd_secret_changed: true}
""")
    built = Kubespray(ansible, tmp_path, way)
    built.inventory(IPV4)
    return built


def expected(members: list[str], nodes: list[str]) -> list[str]:
    stems = ["ca", *(f"{kind}-{host}" for host in members for kind in ("member", "admin")), *(f"node-{host}" for host in nodes)]
    return sorted(f"{stem}{end}.pem" for stem in stems for end in ("", "-key"))


@every_release
def test_in_the_place_of_the_script(kubespray):
    """The first host has no `ip` in the inventory, so it has the address that Kubespray falls
    back to."""
    kubespray.inventory(dict(IPV4, node1="etcd_access_address=node1.etcd.lan"))
    first = kubespray.run()
    assert kubespray.made(first) and kubespray.handled(first), first.output
    # A worker gets a pair only if its network plugin connects to etcd
    assert sorted(kubespray.files("node1")) == expected(["node1", "node2"], ["node1", "node2"])
    ssl = kubespray.ssl("node1")
    assert {"10.0.0.12", "192.0.2.12", "192.0.2.1", "etcd", "node2"} < set(names(ssl / "member-node2.pem"))
    assert {"node1", "10.9.9.4", "node1.etcd.lan"} < set(names(ssl / "member-node1.pem"))
    assert "2048 bit" in openssl("pkey", "-in", ssl / "node-node1-key.pem", "-noout", "-text")
    for stem in ("member-node2", "admin-node1", "node-node1"):
        openssl("x509", "-in", ssl / f"{stem}.pem", "-noout", "-checkend", str(86400 * 36000))
    # The role has copied them
    for stem in ("ca", "member-node2", "admin-node1"):
        assert kubespray.files("node2")[f"{stem}.pem"] == kubespray.files("node1")[f"{stem}.pem"]
    files = kubespray.files("node1")
    again = kubespray.run()
    assert kubespray.made(again) == [] and not kubespray.handled(again), again.output
    assert kubespray.files("node1") == files


IPV6 = dict(node1="ip6=fd00::11", node2="ip6=fd00::12 access_ip6=2001:db8::12", node3="ip6=fd00::13")


def long_form(address: str) -> str:
    """Returns an address in the form of openssl."""
    return ":".join(f"{int(part, 16):X}" for part in ipaddress.ip_address(address).exploded.split(":"))


@every_release
def test_ipv6_only(kubespray):
    kubespray.inventory(IPV6)
    kubespray.made(kubespray.run(ipv4_stack=False, ipv6_stack=True))
    found = set(names(kubespray.ssl("node1") / "member-node2.pem"))
    assert {long_form("fd00::12"), long_form("2001:db8::12"), "node2"} < found
    assert "10.9.9.4" not in found


@every_release
def test_dual_stack_and_names_over_64_characters(kubespray):
    long = {host: f"{host}.{'a' * 30}.{'b' * 30}.example.com" for host in IPV4}
    groups = re.sub(r"node\d", lambda found: long[found[0]], INVENTORY)
    kubespray.inventory({long[host]: f"{IPV4[host]} {IPV6[host]}" for host in IPV4}, groups)
    kubespray.made(kubespray.run(ipv4_stack=True, ipv6_stack=True))
    first, second, _ = long.values()
    found = set(names(kubespray.ssl(first) / f"member-{second}.pem"))
    assert {"10.0.0.12", "192.0.2.12", long_form("fd00::12"), long_form("2001:db8::12"), second} < found
    subject = openssl("x509", "-in", kubespray.ssl(first) / f"node-{second}.pem", "-noout", "-subject")
    assert len(second) > 64 and subject.strip() == "subject=CN = etcd-node-node2"


@newest_release
def test_a_route_reflector_in_k8s_cluster(kubespray):
    """It connects to etcd, as all hosts of k8s_cluster do if Calico's data is in etcd."""
    groups = INVENTORY + "calico_rr\n[calico_rr]\nnode2\nrr1\n"
    kubespray.inventory(dict(IPV4, rr1="ip=10.0.0.14"), groups)
    kubespray.made(kubespray.run(calico_datastore="etcd"))
    assert sorted(kubespray.files("node1")) == expected(["node1", "node2"], ["node1", "node2", "node3", "rr1"])


@newest_release
@pytest.mark.parametrize(
    "plugin",
    [dict(kube_network_plugin="flannel"), dict(kube_network_plugin="custom_cni", cilium_deploy_additionally=True)],
    ids=str,
)
def test_one_worker_more(kubespray, plugin):
    """Workers with these network plugins connect to etcd."""
    kubespray.made(kubespray.run(**plugin))
    before = kubespray.files("node1")
    assert sorted(before) == expected(["node1", "node2"], ["node1", "node2", "node3"])
    kubespray.inventory(dict(IPV4, node4="ip=10.0.0.14"), INVENTORY.replace("node3\n", "node3\nnode4\n"))
    assert kubespray.made(kubespray.run(**plugin))
    after = kubespray.files("node1")
    assert set(after) - set(before) == {"node-node4.pem", "node-node4-key.pem"}
    assert {name: after[name] for name in before} == before
    assert sorted(kubespray.files("node4")) == ["ca.pem", "node-node4-key.pem", "node-node4.pem"]


@newest_release
def test_without_the_refresh(kubespray):
    """The command runs only if a file is missing, as the guide warns. The module always runs,
    and the role copies the files that it created."""
    kubespray.made(kubespray.run())
    before = kubespray.files("node1")
    other = dict(force_etcd_cert_refresh=False, etcd_cert_alt_names=["etcd.example.com"])
    if kubespray.way == "command":
        assert kubespray.made(kubespray.run(**other)) == [] and kubespray.files("node1") == before
        return
    check = kubespray.run("--check", "--diff", **other)
    assert "etcd.example.com is missing" in check.output and kubespray.files("node1") == before
    assert kubespray.made(kubespray.run(**other))
    assert "etcd.example.com" in names(kubespray.ssl("node1") / "member-node2.pem")
    assert kubespray.files("node2")["member-node2.pem"] == kubespray.files("node1")["member-node2.pem"]


@newest_release
def test_on_what_the_script_and_the_role_made(kubespray):
    """The CA lacks keyUsage, so it is renewed with its key. The link of a control plane to its
    own pair becomes a separate pair of the other control plane."""
    kubespray.made(kubespray.run())
    ssl = kubespray.ssl("node1")
    shutil.rmtree(ssl)
    kubespray.script("node1 node2", "node1 node2")
    for end in (".pem", "-key.pem"):
        (ssl / f"node-node2{end}").unlink()
        (ssl / f"node-node2{end}").symlink_to(ssl / f"node-node1{end}")
    before = kubespray.files("node1")
    run = kubespray.run()
    assert kubespray.made(run) and kubespray.handled(run)
    after = kubespray.files("node1")
    assert {name for name in after if after[name] != before[name]} == {"ca.pem", "node-node2.pem", "node-node2-key.pem"}
    assert not (ssl / "node-node2-key.pem").is_symlink()
    for stem in ("node-node1", "node-node2"):
        assert openssl("verify", "-x509_strict", "-CAfile", ssl / "ca.pem", ssl / f"{stem}.pem").endswith("OK\n")
    assert kubespray.files("node2")["ca.pem"] == after["ca.pem"]
