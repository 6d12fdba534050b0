"""Shared functions of the tests: the programs that judge, and Python in a separate process."""

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
    """Returns the paths that tests/setup.sh has written."""
    file = TOOLS / "env"
    lines = file.read_text().splitlines() if file.is_file() else []
    return dict(line.split("=", 1) for line in lines)


def program(variable):
    """Returns the path of a program. A variable has the path. A missing program fails the test."""
    path = os.environ.get(variable) or prepared().get(variable)
    if path is None or not Path(path).is_file():
        pytest.fail(f"a program is missing: {variable} is {path}: run tests/setup.sh, and the tests by tests/wheel.sh")
    return path


def openssl(*arguments, **options):
    """Returns the output of openssl."""
    done = subprocess.run(
        [program("ETCD_PKI_TEST_OPENSSL"), *map(str, arguments)], capture_output=True, timeout=60, check=False, **options
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def python(code, *arguments, **options):
    """Runs code in a separate interpreter, with a limit of one minute."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
