"""The example with three hosts, and a real etcd cluster on its output."""

import os
import shlex
import socket
import subprocess
import sys
import time

import pytest
from etcd_pki import Certificate, Layout, Role
from tools import ROOT, program

EXAMPLE = ROOT / "examples/python/three_hosts.py"
HOSTS = {"etcd-1": "127.0.0.1", "etcd-2": "127.0.0.2", "etcd-3": "127.0.0.3"}
# A cluster that has no leader by then never gets one
LIMIT = 60


def run_example(directory):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(directory)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_example_says_how_it_is_called():
    for arguments in [], ["one", "two"]:
        done = subprocess.run([sys.executable, EXAMPLE, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "usage: python three_hosts.py DIRECTORY\n")


def free_port(address):
    with socket.create_server((address, 0)) as found:
        return found.getsockname()[1]


def settings(file):
    """Returns the settings of a systemd EnvironmentFile, with which etcd is started."""
    return dict(pair.split("=", 1) for line in file.read_text().splitlines() for pair in shlex.split(line, comments=True))


class Running:
    """Three members, and etcdctl with the pair of a user."""

    def __init__(self, version, directory, data):
        self.directory, self.version, self.processes = directory, version, []
        urls = {name: [f"https://{address}:{free_port(address)}" for _ in range(2)] for name, address in HOSTS.items()}
        self.endpoints = ",".join(client for client, _ in urls.values())
        for name, (client, peer) in urls.items():
            environment = {
                **settings(directory / f"{name}.env"),
                "ETCD_NAME": name,
                "ETCD_DATA_DIR": str(data / name),
                "ETCD_LISTEN_CLIENT_URLS": client,
                "ETCD_ADVERTISE_CLIENT_URLS": client,
                "ETCD_LISTEN_PEER_URLS": peer,
                "ETCD_INITIAL_ADVERTISE_PEER_URLS": peer,
                "ETCD_INITIAL_CLUSTER": ",".join(f"{name}={peer}" for name, (_, peer) in urls.items()),
                "ETCD_HEARTBEAT_INTERVAL": "50",
                "ETCD_ELECTION_TIMEOUT": "500",
                "ETCD_LOGGER": "zap",
                "ETCD_LOG_OUTPUTS": "stderr",
            }
            # They end with the tests, however the tests end
            server = [program("ETCD_PKI_TEST_SETPRIV"), "--pdeathsig", "KILL", program(f"ETCD_PKI_TEST_ETCD_{version}")]
            with open(data / f"{name}.log", "wb") as log:
                self.processes.append(subprocess.Popen(server, env=environment, stderr=log, stdout=log))

    def etcdctl(self, *arguments, user="root"):
        pair = Layout.KUBESPRAY.pairs(Role.CLIENT, user)[0].below(self.directory)
        environment = {
            "ETCDCTL_API": "3",
            "ETCDCTL_ENDPOINTS": self.endpoints,
            "ETCDCTL_CACERT": str(self.directory / "ca.pem"),
            "ETCDCTL_CERT": str(pair.certificate),
            "ETCDCTL_KEY": str(pair.key),
        }
        command = [program(f"ETCD_PKI_TEST_ETCDCTL_{self.version}"), "--dial-timeout=2s", "--command-timeout=5s"]
        return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False)

    def __enter__(self):
        deadline = time.monotonic() + LIMIT
        while True:
            assert all(process.poll() is None for process in self.processes), "a member has ended"
            health = self.etcdctl("endpoint", "health")
            if health.returncode == 0:
                return self
            assert time.monotonic() < deadline, health.stderr
            time.sleep(0.1)

    def __exit__(self, *error):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("version", ["OLDEST", "NEWEST"])
def test_a_cluster_starts_on_it(version, tmp_path):
    directory = tmp_path / "ssl"
    run_example(directory)
    running = Running(version, directory, tmp_path)
    try:
        with running:
            assert running.etcdctl("put", "/key", "value").stdout == "OK\n"
            assert running.etcdctl("get", "/key", "--print-value-only").stdout == "value\n"
            assert len(running.etcdctl("member", "list").stdout.splitlines()) == 3
    finally:
        running.__exit__()


def test_again_it_changes_nothing(tmp_path):
    first = run_example(tmp_path)
    assert first[-1] == "<Report create=11>"
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert run_example(tmp_path) == ["<Report up to date>"]
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    # A lost certificate is issued again, for the existing key
    key = Certificate.from_file(tmp_path / "member-etcd-2.pem").public_key
    os.unlink(tmp_path / "member-etcd-2.pem")
    assert "renew=1" in run_example(tmp_path)[-1]
    assert Certificate.from_file(tmp_path / "member-etcd-2.pem").public_key == key


def test_it_is_short():
    assert len(EXAMPLE.read_text().splitlines()) < 30
