"""What the tests share: the programs that judge, and Python in a process of its own."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / os.environ.get("ETCD_PKI_TEST_TOOLS", "target/test-tools")


@cache
def prepared():
    """The paths that tests/setup.sh wrote down."""
    file = TOOLS / "env"
    lines = file.read_text().splitlines() if file.is_file() else []
    return dict(line.split("=", 1) for line in lines)


def program(variable):
    """The path of a program, by its variable. One that is missing fails the test."""
    path = os.environ.get(variable) or prepared().get(variable)
    if path is None or not Path(path).is_file():
        pytest.fail(f"a program is missing: {variable} is {path}: run tests/setup.sh, and the tests by tests/wheel.sh")
    return path


def openssl(*arguments, **options):
    """What openssl prints."""
    done = subprocess.run(
        [program("ETCD_PKI_TEST_OPENSSL"), *map(str, arguments)], capture_output=True, timeout=60, check=False, **options
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def python(code, *arguments, **options):
    """Runs code in an interpreter of its own, which ends in a minute."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
