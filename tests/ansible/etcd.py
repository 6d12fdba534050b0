"""A real etcd cluster, which ends with the test that started it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from conftest import tool

START_SECONDS = 60


@contextlib.contextmanager
def cluster(directories: dict[str, Path], addresses: dict[str, str], folder: Path) -> Iterator[list[str]]:
    """Starts a member for each directory, with its files in the layout kubespray. Yields the
    endpoints."""
    client, peer = free_ports(addresses.values(), 2)
    members = ",".join(f"{name}=https://{address}:{peer}" for name, address in addresses.items())
    with contextlib.ExitStack() as stack:
        for name, address in addresses.items():
            pair = [f"{directories[name]}/member-{name}.pem", f"{directories[name]}/member-{name}-key.pem"]
            log = stack.enter_context(open(folder / f"{name}.log", "w"))
            server = subprocess.Popen(
                [
                    # It ends with this process, in every case
                    tool("SETPRIV"), "--pdeathsig", "KILL", tool("ETCD_NEWEST"),
                    "--name", name, "--data-dir", folder / f"{name}.etcd", "--logger", "zap",
                    "--initial-cluster", members, "--initial-cluster-state", "new",
                    "--listen-client-urls", f"https://{address}:{client}", "--advertise-client-urls", f"https://{address}:{client}",
                    "--listen-peer-urls", f"https://{address}:{peer}", "--initial-advertise-peer-urls", f"https://{address}:{peer}",
                    "--cert-file", pair[0], "--key-file", pair[1], "--client-cert-auth",
                    "--trusted-ca-file", directories[name] / "ca.pem",
                    "--peer-cert-file", pair[0], "--peer-key-file", pair[1], "--peer-client-cert-auth",
                    "--peer-trusted-ca-file", directories[name] / "ca.pem",
                ],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(server.wait)
            stack.callback(server.kill)
        yield [f"https://{address}:{client}" for address in addresses.values()]


def etcdctl(endpoint: str, directory: Path, pair: str, *arguments: str) -> subprocess.CompletedProcess:
    """Runs etcdctl with the files of a client."""
    files = ["--cacert", directory / "ca.pem", "--cert", directory / f"{pair}.pem", "--key", directory / f"{pair}-key.pem"]
    command = [tool("ETCDCTL_NEWEST"), "--endpoints", endpoint, "--command-timeout=5s", *files, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def put_and_get(endpoints: list[str], directory: Path, pair: str) -> None:
    """Writes through one member and reads through each, after the cluster has started."""
    deadline = time.monotonic() + START_SECONDS
    while (put := etcdctl(endpoints[0], directory, pair, "put", "key", "value")).returncode != 0:
        assert time.monotonic() < deadline, put.stderr
        time.sleep(0.3)
    for endpoint in endpoints:
        got = etcdctl(endpoint, directory, pair, "get", "key", "--print-value-only")
        assert got.stdout.strip() == "value", got.stderr


def free_ports(addresses, count: int) -> list[int]:
    """Returns ports that are free on all of the addresses."""
    addresses = list(addresses)
    found: list[int] = []
    while len(found) < count:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.create_server((addresses[0], 0)))
            port = first.getsockname()[1]
            try:
                for address in addresses[1:]:
                    stack.enter_context(socket.create_server((address, port)))
            except OSError:
                continue
            if port not in found:
                found.append(port)
    return found
