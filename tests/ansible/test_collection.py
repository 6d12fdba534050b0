"""The collection in the wheel: Ansible finds it, and Ansible's own checks accept it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import Ansible, tool

MODULES = ["ca_rotation", "certificate", "certificate_info", "certificate_install", "certificate_request", "cluster", "export"]


def test_ansible_finds_it(ansible):
    listed = ansible.run("ansible-galaxy", "collection", "list", "etcd_pki.core", "--format", "json")
    assert listed.code == 0, listed.output
    (collections,) = json.loads(listed.output[listed.output.index("{") :]).values()
    assert list(collections) == ["etcd_pki.core"]


@pytest.mark.parametrize("module", MODULES)
def test_documentation(ansible, module):
    said = ansible.run("ansible-doc", "--json", f"etcd_pki.core.{module}")
    assert said.code == 0, said.output
    page = json.loads(said.output[said.output.index("{") :])[f"etcd_pki.core.{module}"]
    assert page["doc"]["short_description"] and page["return"] and "etcd_pki.core." in page["examples"]
    assert {"check_mode", "diff_mode", "idempotent"} <= set(page["doc"]["attributes"])
    assert any("pip install etcd-pki" in line for line in page["doc"]["requirements"])
    shown = ansible.run("ansible-doc", f"etcd_pki.core.{module}")
    assert shown.code == 0 and "EXAMPLES" in shown.output, shown.output


def test_the_version_is_the_packages(ansible):
    with zipfile.ZipFile(tool("WHEEL")) as wheel:
        galaxy = wheel.read("ansible_collections/etcd_pki/core/galaxy.yml").decode()
    version = re.search(r"^version: (.*)$", galaxy, re.MULTILINE).group(1)
    assert tool("WHEEL").name.startswith(f"etcd_pki-{version}-")


def test_a_host_without_the_package(ansible, tmp_path):
    """The task reports which package is missing, and for which Python."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True, timeout=60)
    host = Ansible(ansible.environment, bare / "bin" / "python", ansible.folder)
    results = host.tasks(
        {"etcd_pki.core.certificate_info": dict(path="x.pem")},
        {"etcd_pki.core.certificate_request": dict(path="x", privatekey_path="y", role="client", name="z")},
        {"etcd_pki.core.certificate": dict(path="x", state="absent")},
        {"etcd_pki.core.certificate_install": dict(path="x", privatekey_path="y", content="z")},
        {"etcd_pki.core.ca_rotation": dict(directory=str(tmp_path / "pki"), stage="trusted")},
        {"etcd_pki.core.cluster": dict(directory=str(tmp_path / "pki"))},
        {"etcd_pki.core.export": dict(directory=str(tmp_path / "pki"), host="x", dest="y")},
    ).results
    for result in results:
        assert result["failed"] and "etcd-pki" in result["msg"] and str(bare) in result["msg"], result


def test_sanity(ansible, tmp_path):
    """Runs ansible-test sanity on the collection of the wheel."""
    # The path that ansible-test requires; git must track the files, because ansible-test asks git
    # for the list
    with zipfile.ZipFile(tool("WHEEL")) as wheel:
        inside = [name for name in wheel.namelist() if name.startswith("ansible_collections/")]
        wheel.extractall(tmp_path, inside)
    collection = tmp_path / "ansible_collections" / "etcd_pki" / "core"
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "as in the wheel"]):
        subprocess.run([*git, *arguments], cwd=collection, check=True, timeout=60)
    python = subprocess.run(
        [ansible.environment / "bin" / "python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout.strip()  # fmt: skip
    # Its installed packages are kept between runs
    home = ansible.environment.parent / f"{ansible.environment.name}-sanity"
    home.mkdir(exist_ok=True)
    ansible.folder = home
    command = ("ansible-test", "sanity", "--color", "no", "--python", python)
    run = ansible.run(*command, cwd=collection)
    if wanted := re.search(r"manually downloaded and saved to: (\S+)", run.output):
        # It downloads pip from a separate host; the pip that Python contains works as well
        Path(wanted.group(1)).write_text("import ensurepip\n\nensurepip.bootstrap()\n")
        run = ansible.run(*command, cwd=collection)
    assert run.code == 0, run.output
    for test in ("validate-modules", "import", "pylint", "pep8", "yamllint"):
        assert f'Running sanity test "{test}"' in run.output, run.output
    assert os.listdir(collection / "plugins" / "modules")
