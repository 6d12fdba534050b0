"""Ansible as a user runs it: programs in their own environments, playbooks in files, and what comes out.

The variables that say where things are, which tests/ansible.sh sets:

    ETCD_PKI_TEST_WHEEL             the wheel
    ETCD_PKI_TEST_ANSIBLE_OLDEST    a virtual environment with ansible-core 2.18 and the wheel
    ETCD_PKI_TEST_ANSIBLE_NEWEST    one with the newest ansible-core and the wheel
    ETCD_PKI_TEST_ANSIBLE_TARGET    one with Python 3.9 and the wheel: a host without Ansible

and ETCD_PKI_TEST_OPENSSL, _SETPRIV, _ETCD_NEWEST and _ETCDCTL_NEWEST, which tests/setup.sh writes into a file.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent


def tool(variable: str) -> Path:
    """A program, a directory or a file, by the variable that holds its path."""
    path = os.environ.get(f"ETCD_PKI_TEST_{variable}") or _prepared().get(f"ETCD_PKI_TEST_{variable}")
    if path is None:
        pytest.fail(f"ETCD_PKI_TEST_{variable} is not set: run tests/ansible.sh, after tests/setup.sh")
    if not Path(path).exists():
        pytest.fail(f"ETCD_PKI_TEST_{variable} names {path}, which is not there: run tests/ansible.sh, after tests/setup.sh")
    return Path(path)


def _prepared() -> dict[str, str]:
    """What tests/setup.sh has written."""
    tools = REPOSITORY / os.environ.get("ETCD_PKI_TEST_TOOLS", "target/test-tools")
    try:
        lines = (tools / "env").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines)


def openssl(*arguments: str | Path, data: bytes | None = None) -> str:
    """What openssl says."""
    command = [tool("OPENSSL"), *arguments]
    done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@dataclass
class Run:
    """What came of a playbook."""

    code: int
    output: str
    results: list[dict] = field(default_factory=list)

    def changed(self) -> list[str]:
        """The tasks that changed something, as HOST: TASK."""
        return [f"{result['host']}: {result['task']}" for result in self.results if result.get("changed")]


@dataclass
class Ansible:
    """Ansible in an environment of its own, and the Python of the hosts that it works on."""

    environment: Path
    target: Path
    folder: Path

    def run(self, program: str, *arguments: str | Path, cwd: Path | None = None, **variables: str) -> Run:
        """A program of Ansible's."""
        results = self.folder / "results"
        results.unlink(missing_ok=True)
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        inherited.update(
            HOME=str(home),
            LC_ALL="C.UTF-8",
            PATH=f"{self.environment / 'bin'}:{os.environ['PATH']}",
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback_plugins"),
            ANSIBLE_CALLBACKS_ENABLED="results",
            ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_NOCOLOR="true",
            ETCD_PKI_TEST_RESULTS=str(results),
            **variables,
        )
        done = subprocess.run(
            [self.environment / "bin" / program, *arguments],
            cwd=cwd or self.folder,
            env=inherited,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=1200,
            check=False,
            text=True,
        )
        lines = results.read_text().splitlines() if results.exists() else []
        return Run(done.returncode, done.stdout, [json.loads(line) for line in lines])

    def tasks(self, *tasks: dict, flags: tuple[str, ...] = ()) -> Run:
        """A playbook of these tasks, which goes on where one fails."""
        play = dict(
            hosts="localhost",
            gather_facts=False,
            ignore_errors=True,
            vars=dict(ansible_python_interpreter=str(self.target)),
            tasks=list(tasks),
        )
        path = self.folder / "playbook.yml"
        # JSON is YAML too
        path.write_text(json.dumps([play]))
        run = self.run("ansible-playbook", path, *flags)
        assert len(run.results) == len(tasks), run.output
        return run

    def module(self, name: str, flags: tuple[str, ...] = (), /, **options) -> dict:
        """The result of one module."""
        return self.tasks({f"etcd_pki.core.{name}": options}, flags=flags).results[0]

    def modules(self, name: str, /, *options: dict, flags: tuple[str, ...] = ()) -> list[dict]:
        """The results of a module that is called several times in one run."""
        return self.tasks(*({f"etcd_pki.core.{name}": one} for one in options), flags=flags).results


@pytest.fixture(params=["oldest", "newest"])
def ansible(request, tmp_path) -> Ansible:
    """Kubespray's Ansible, and the newest with hosts that have the oldest Python."""
    environment = tool(f"ANSIBLE_{request.param.upper()}")
    other = tool("ANSIBLE_TARGET") if request.param == "newest" else environment
    return Ansible(environment, other / "bin" / "python", tmp_path)


@pytest.fixture
def ca(tmp_path) -> dict[str, str]:
    """An authority made by openssl, as options of the module certificate."""
    key, certificate = tmp_path / "ca-key.pem", tmp_path / "ca.pem"
    authority(key, certificate)
    return dict(ownca_path=str(certificate), ownca_privatekey_path=str(key))


def authority(key: Path, certificate: Path, *more: str) -> None:
    """An authority by openssl."""
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    extensions = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=etcd-ca", "-days", "3650", *extensions, *more, "-out", certificate)


def names(certificate: str | Path) -> list[str]:
    """A certificate's alternative names, as openssl reads them."""
    said = openssl("x509", "-in", certificate, "-noout", "-ext", "subjectAltName")
    return sorted(re.findall(r"(?:DNS|IP Address):([^,\s]+)", said))


def messages(reasons: list[dict]) -> list[str]:
    """The sentences of reasons, each of which has a kind."""
    assert all(reason["kind"] and "code" in reason for reason in reasons), reasons
    return [reason["message"] for reason in reasons]


def mode(path: str | Path) -> int:
    """A file's permissions."""
    return os.stat(path).st_mode & 0o7777


def no_difference(result: dict) -> bool:
    """Whether a result's difference shows none."""
    diff = result.get("diff") or {}
    return diff.get("before") == diff.get("after")


@pytest.fixture
def bound_by_modes(ansible, tmp_path) -> Ansible:
    """The same for a user who is bound by the modes of files, which root is not."""
    if os.geteuid() != 0:
        return ansible
    python = tmp_path / "python"
    rights = "--bounding-set=-dac_override,-dac_read_search"
    python.write_text(f'#!/bin/sh\nexec {tool("SETPRIV")} {rights} {ansible.target} "$@"\n')
    python.chmod(0o755)
    return Ansible(ansible.environment, python, ansible.folder)
