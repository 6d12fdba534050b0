"""The tasks that the guides show."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import REPOSITORY, names, openssl

KUBESPRAY = REPOSITORY / "docs" / "guides" / "kubespray.md"
HOSTS = ("node1", "node2")


def blocks(page: Path) -> list[str]:
    """The YAML in a page."""
    return re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)


def indented(text: str, spaces: int) -> str:
    return "".join(" " * spaces + line for line in text.splitlines(keepends=True))


@pytest.fixture
def inventory(tmp_path, ansible) -> Path:
    """Two hosts with the variables that Kubespray's inventory and role have."""
    path = tmp_path / "inventory.ini"
    path.write_text(f"""\
[etcd]
node1 ip=10.0.0.11
node2 ip=10.0.0.12 access_ip=192.0.2.12
[k8s_cluster]
node1
node2
[all:vars]
ansible_connection=local
ansible_python_interpreter={ansible.target}
etcd_cert_dir={tmp_path}/ssl
""")
    return path


def put(inventory: Path, line: str, other: str) -> None:
    """Another line in the place of one in the inventory."""
    text = inventory.read_text()
    assert line in text
    inventory.write_text(text.replace(line, other))


@pytest.fixture
def playbook(tmp_path) -> Path:
    """The guide's task, where the role has the script's."""
    task, member = blocks(KUBESPRAY)
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "etcd.yml").write_text(member)
    path = tmp_path / "role.yml"
    variables = dict(etcd_cert_alt_names=["etcd.kube-system", "etcd"], etcd_cert_alt_ips=["192.0.2.1"])
    path.write_text(f"""\
- hosts: etcd
  gather_facts: false
  vars: {json.dumps(variables)}
  tasks:
{indented(task, 4)}
  handlers:
    - name: Set etcd_secret_changed
      ansible.builtin.debug: {{msg: changed}}
""")
    return path


def test_in_the_place_of_kubesprays_script(ansible, inventory, playbook, tmp_path):
    ssl = tmp_path / "ssl"
    first = ansible.run("ansible-playbook", "-i", inventory, playbook)
    assert first.code == 0 and "Set etcd_secret_changed" in str(first.results), first.output
    kinds = ("member", "admin", "node")
    expected = ["ca", *(f"{kind}-{host}" for kind in kinds for host in HOSTS)]
    assert sorted(path.name for path in ssl.glob("[!.]*")) == sorted(
        f"{name}{suffix}" for name in expected for suffix in (".pem", "-key.pem")
    )
    assert {"10.0.0.12", "192.0.2.12", "192.0.2.1", "etcd", "node2"} < set(names(ssl / "member-node2.pem"))
    assert "2048 bit" in openssl("pkey", "-in", ssl / "node-node1-key.pem", "-noout", "-text")
    again = ansible.run("ansible-playbook", "-i", inventory, playbook)
    assert again.code == 0 and again.changed() == [], again.output
    assert "Set etcd_secret_changed" not in str(again.results)


def test_a_link_of_kubesprays_role(ansible, inventory, playbook, tmp_path):
    """On a control plane the pair of another one may be a link to its own."""
    ssl = tmp_path / "ssl"
    assert ansible.run("ansible-playbook", "-i", inventory, playbook).code == 0
    own = {path: path.read_bytes() for path in ssl.glob("node-node1*")}
    for end in (".pem", "-key.pem"):
        (ssl / f"node-node2{end}").unlink()
        (ssl / f"node-node2{end}").symlink_to(f"node-node1{end}")
    run = ansible.run("ansible-playbook", "-i", inventory, playbook)
    assert run.code == 0, run.output
    (change,) = run.results[0]["changes"]
    assert (change["action"], Path(change["certificate"]).name) == ("re-issue", "node-node2.pem")
    assert not (ssl / "node-node2-key.pem").is_symlink()
    assert {path: path.read_bytes() for path in own} == own


@pytest.mark.parametrize("fallback", ["fallback_ip=10.0.0.21", """ansible_default_ipv4='{"address": "10.0.0.21"}'"""])
def test_an_inventory_of_kubesprays_without_ip(ansible, inventory, playbook, tmp_path, fallback):
    """The address is the one that Kubespray falls back to, and the names are those of its openssl.conf."""
    put(inventory, "node1 ip=10.0.0.11", f"node1 {fallback} etcd_access_address=node1.etcd.lan")
    put(inventory, "[all:vars]", "[all:vars]\napiserver_loadbalancer_domain_name=lb.lan")
    run = ansible.run("ansible-playbook", "-i", inventory, playbook)
    assert run.code == 0, run.output
    ssl = tmp_path / "ssl"
    assert {"node1", "10.0.0.21", "node1.etcd.lan", "lb.lan", "etcd"} < set(names(ssl / "member-node1.pem"))
    other = set(names(ssl / "member-node2.pem"))
    assert {"node2", "10.0.0.12", "lb.lan"} < other and not {"10.0.0.21", "node1.etcd.lan"} & other


def test_a_route_reflector_of_kubesprays(ansible, inventory, playbook, tmp_path):
    """It dials etcd, and may stand outside k8s_cluster."""
    put(inventory, "[all:vars]", "[calico_rr]\nnode2\nrr1\n[all:vars]")
    run = ansible.run("ansible-playbook", "-i", inventory, playbook)
    assert run.code == 0, run.output
    nodes = sorted(path.name for path in (tmp_path / "ssl").glob("node-*[0-9].pem"))
    assert nodes == ["node-node1.pem", "node-node2.pem", "node-rr1.pem"]


def test_on_what_kubesprays_script_made(ansible, inventory, playbook, tmp_path):
    ssl = tmp_path / "ssl"
    ssl.mkdir()
    script = tmp_path / "openssl.conf"
    script.write_text("[ssl_client]\nextendedKeyUsage=clientAuth,serverAuth\nsubjectAltName=DNS:localhost,DNS:node1\n")
    ca, ca_key = ssl / "ca.pem", ssl / "ca-key.pem"
    openssl("genrsa", "-out", ca_key, "2048")
    openssl("req", "-x509", "-new", "-nodes", "-key", ca_key, "-days", "36500", "-out", ca, "-subj", "/CN=etcd-ca")
    for kind in ("member", "admin", "node"):
        key, pem = ssl / f"{kind}-node1-key.pem", ssl / f"{kind}-node1.pem"
        openssl("genrsa", "-out", key, "2048")
        asked = openssl("req", "-new", "-key", key, "-subj", f"/CN=etcd-{kind}-node1")
        signing = ("-CA", ca, "-CAkey", ca_key, "-days", "36500", "-extensions", "ssl_client", "-extfile", script)
        pem.write_text(openssl("x509", "-req", *signing, data=asked.encode()))
    keys = {path: path.read_bytes() for path in ssl.glob("*-key.pem")}
    run = ansible.run("ansible-playbook", "-i", inventory, playbook)
    assert run.code == 0, run.output
    actions = {Path(change["certificate"]).name: change["action"] for change in run.results[0]["changes"]}
    assert actions == {
        "ca.pem": "renew",
        **{f"{kind}-node1.pem": "renew" for kind in ("member", "admin", "node")},
        **{f"{kind}-node2.pem": "create" for kind in ("member", "admin", "node")},
    }
    assert {path: path.read_bytes() for path in keys} == keys
    assert openssl("verify", "-x509_strict", "-CAfile", ca, ssl / "node-node1.pem").endswith("OK\n")


def test_the_guide_names_only_options_that_exist(ansible):
    """Each task of the guide for Ansible, as far as it says what a module is to do."""
    pages = {}
    found = 0
    for block in blocks(REPOSITORY / "docs" / "guides" / "ansible.md"):
        for module, text in re.findall(r"  etcd_pki\.core\.(\w+):\n((?:    .*\n)+)", block):
            if module not in pages:
                said = ansible.run("ansible-doc", "--json", f"etcd_pki.core.{module}").output
                pages[module] = json.loads(said[said.index("{") :])[f"etcd_pki.core.{module}"]["doc"]["options"]
            options = re.findall(r"^    (\w+):", text, re.MULTILINE)
            assert options and set(options) <= set(pages[module]), (module, options)
            found += 1
    assert found >= 4
