"""examples/ansible, unchanged: three hosts, a client, one machine that signs, and a real etcd
with the resulting files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import REPOSITORY, mode, names, openssl
from etcd import cluster, put_and_get

ADDRESSES = {"etcd-1": "127.0.0.1", "etcd-2": "127.0.0.2", "etcd-3": "127.0.0.3"}
SITE = ("-i", "inventory.ini", "site.yml")


@pytest.fixture
def example(tmp_path) -> Path:
    """A copy of the example, which creates its directory `demo` inside itself."""
    folder = tmp_path / "ansible"
    shutil.copytree(REPOSITORY / "examples" / "ansible", folder, ignore=shutil.ignore_patterns("demo"))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_whole_thing(ansible, example, tmp_path):
    demo = example / "demo"
    check = ansible.run("ansible-playbook", *SITE, "--check", "--diff", cwd=example)
    assert check.code == 0, check.output
    assert not demo.exists()

    first = ansible.run("ansible-playbook", *SITE, "--diff", cwd=example)
    assert first.code == 0, first.output
    assert "PRIVATE KEY" not in first.output
    files = contents(demo)
    keys = [name for name in files if "PRIVATE KEY" in files[name].decode()]
    assert sorted(keys) == [
        "ca/ca-key.pem",
        *(f"{host}/member-{host}-key.pem" for host in ADDRESSES),
        "root/client-root-key.pem",
    ]
    assert len({files[name] for name in keys}) == len(keys)
    assert all(mode(demo / name) == 0o600 for name in keys)
    for host, address in ADDRESSES.items():
        pem = demo / host / f"member-{host}.pem"
        assert openssl("verify", "-x509_strict", "-CAfile", demo / host / "ca.pem", pem).endswith("OK\n")
        assert {host, address} <= set(names(pem))

    second = ansible.run("ansible-playbook", *SITE, "--diff", cwd=example)
    assert second.code == 0 and second.changed() == [], second.output
    assert contents(demo) == files

    directories = {host: demo / host for host in ADDRESSES}
    with cluster(directories, ADDRESSES, tmp_path) as endpoints:
        put_and_get(endpoints, demo / "root", "client-root")
        another_address(ansible, example, files)
        # etcd reads its pair again at each handshake
        put_and_get(endpoints, demo / "root", "client-root")


def another_address(ansible, example, files):
    """Another address for one host changes its request and its certificate, on the CA's machine
    and on the host."""
    inventory = example / "inventory.ini"
    text = inventory.read_text()
    assert text.count('["127.0.0.2"]') == 1
    inventory.write_text(text.replace('["127.0.0.2"]', '["127.0.0.2", "127.0.0.22"]'))
    check = ansible.run("ansible-playbook", *SITE, "--check", "--diff", cwd=example)
    assert check.code == 0 and contents(example / "demo") == files
    run = ansible.run("ansible-playbook", *SITE, "--diff", cwd=example)
    assert run.code == 0, run.output
    for result in (check, run):
        assert {line.split(":")[0] for line in result.changed()} == {"etcd-2"}
        assert "address 127.0.0.22 is missing" in str(result.results)
    now = contents(example / "demo")
    changed = {name for name in files if files[name] != now[name]}
    assert files.keys() == now.keys()
    assert changed == {
        "etcd-2/member-etcd-2.csr",
        "ca/issued/member-etcd-2.pem",
        "ca/.etcd-pki-issued.jsonl",
        "etcd-2/member-etcd-2.pem",
    }
    assert "127.0.0.22" in names(example / "demo" / "etcd-2" / "member-etcd-2.pem")
    again = ansible.run("ansible-playbook", *SITE, cwd=example)
    assert again.code == 0 and again.changed() == [], again.output
