"""Runs Ansible as a user does: programs in their own environments, playbooks in files, and their
results.

The variables with the paths, which tests/ansible.sh sets:

    ETCD_PKI_TEST_WHEEL             the wheel
    ETCD_PKI_TEST_ANSIBLE_OLDEST    a virtual environment with ansible-core 2.18 and the wheel
    ETCD_PKI_TEST_ANSIBLE_NEWEST    one with the newest ansible-core and the wheel
    ETCD_PKI_TEST_ANSIBLE_TARGET    one with Python 3.9 and the wheel: a host without Ansible

and ETCD_PKI_TEST_OPENSSL, _SETPRIV, _ETCD_NEWEST and _ETCDCTL_NEWEST, which tests/setup.sh
writes into a file.
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
    """Returns the path of a program, a directory or a file, which is in an environment variable."""
    path = os.environ.get(f"ETCD_PKI_TEST_{variable}") or _prepared().get(f"ETCD_PKI_TEST_{variable}")
    if path is None:
        pytest.fail(f"ETCD_PKI_TEST_{variable} is not set: run tests/ansible.sh, after tests/setup.sh")
    if not Path(path).exists():
        pytest.fail(f"ETCD_PKI_TEST_{variable} names {path}, which is not there: run tests/ansible.sh, after tests/setup.sh")
    return Path(path)


def _prepared() -> dict[str, str]:
    """Returns the variables that tests/setup.sh has written."""
    tools = REPOSITORY / os.environ.get("ETCD_PKI_TEST_TOOLS", "target/test-tools")
    try:
        lines = (tools / "env").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines)


def openssl(*arguments: str | Path, data: bytes | None = None) -> str:
    """Returns the output of openssl."""
    command = [tool("OPENSSL"), *arguments]
    done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@dataclass
class Run:
    """The result of a playbook."""

    code: int
    output: str
    results: list[dict] = field(default_factory=list)

    def changed(self) -> list[str]:
        """Returns the tasks that changed something, as HOST: TASK."""
        return [f"{result['host']}: {result['task']}" for result in self.results if result.get("changed")]


@dataclass
class Ansible:
    """Ansible in its own environment, and the Python of the hosts that it manages."""

    environment: Path
    target: Path
    folder: Path

    def run(self, program: str, *arguments: str | Path, cwd: Path | None = None, **variables: str) -> Run:
        """Runs a program of Ansible."""
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
        """Runs a playbook of these tasks, which continues after a failing task."""
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
        """Returns the result of one module."""
        return self.tasks({f"etcd_pki.core.{name}": options}, flags=flags).results[0]

    def modules(self, name: str, /, *options: dict, flags: tuple[str, ...] = ()) -> list[dict]:
        """Returns the results of a module that one run calls several times."""
        return self.tasks(*({f"etcd_pki.core.{name}": one} for one in options), flags=flags).results


@pytest.fixture(params=["oldest", "newest"])
def ansible(request, tmp_path) -> Ansible:
    """Kubespray's Ansible, and the newest Ansible with hosts that have the oldest Python."""
    environment = tool(f"ANSIBLE_{request.param.upper()}")
    other = tool("ANSIBLE_TARGET") if request.param == "newest" else environment
    return Ansible(environment, other / "bin" / "python", tmp_path)


@pytest.fixture
def ca(tmp_path) -> dict[str, str]:
    """A CA that openssl created, as options of the module certificate."""
    key, certificate = tmp_path / "ca-key.pem", tmp_path / "ca.pem"
    make_ca(key, certificate)
    return dict(ownca_path=str(certificate), ownca_privatekey_path=str(key))


def make_ca(key: Path, certificate: Path, *more: str) -> None:
    """Creates a CA with openssl."""
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    extensions = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=etcd-ca", "-days", "3650", *extensions, *more, "-out", certificate)


def names(certificate: str | Path) -> list[str]:
    """Returns the alternative names of a certificate, as openssl reads them."""
    said = openssl("x509", "-in", certificate, "-noout", "-ext", "subjectAltName")
    return sorted(re.findall(r"(?:DNS|IP Address):([^,\s]+)", said))


def messages(reasons: list[dict]) -> list[str]:
    """Returns the messages of reasons. Each reason must have a kind."""
    assert all(reason["kind"] and "code" in reason for reason in reasons), reasons
    return [reason["message"] for reason in reasons]


def mode(path: str | Path) -> int:
    """Returns the permissions of a file."""
    return os.stat(path).st_mode & 0o7777


def no_difference(result: dict) -> bool:
    """Returns whether a result's diff is empty."""
    diff = result.get("diff") or {}
    return diff.get("before") == diff.get("after")


@pytest.fixture
def bound_by_modes(ansible, tmp_path) -> Ansible:
    """Runs the same as a user to whom file modes apply. They do not apply to root."""
    if os.geteuid() != 0:
        return ansible
    python = tmp_path / "python"
    rights = "--bounding-set=-dac_override,-dac_read_search"
    python.write_text(f'#!/bin/sh\nexec {tool("SETPRIV")} {rights} {ansible.target} "$@"\n')
    python.chmod(0o755)
    return Ansible(ansible.environment, python, ansible.folder)
