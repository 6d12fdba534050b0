"""The command: `python -m etcd_pki` and the console script, compared with the binary that cargo
builds."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tools import program

SCRIPT = [str(Path(sys.executable).with_name("etcd-pki"))]
MODULE = [sys.executable, "-m", "etcd_pki"]
WAYS = pytest.mark.parametrize("way", [SCRIPT, MODULE], ids=["script", "module"])
CLUSTER = "members: [{name: etcd-1, addresses: [10.0.0.11]}]\nclients: [root]\n"


def binary():
    return [program("ETCD_PKI_TEST_COMMAND")]


def run(command, *arguments, cwd, **options):
    done = subprocess.run([*command, *arguments], cwd=cwd, capture_output=True, timeout=60, check=False, **options)
    return done.returncode, steady(done.stdout), steady(done.stderr)


def steady(output):
    """Returns the output without the parts that differ at each run: times and random values."""
    return re.sub(rb"in \d+\.\d\d s", b"in N s", re.sub(rb"[0-9A-F]{32,}", b"HEX", output))


@pytest.fixture
def directories(tmp_path):
    """Creates the same files twice, because commands write."""
    both = tmp_path / "one", tmp_path / "other"
    for directory in both:
        directory.mkdir()
        (directory / "cluster.yaml").write_text(CLUSTER)
    return both


@WAYS
@pytest.mark.parametrize(
    "lines",
    [
        [["--help"]],
        [["--version"]],
        [[]],
        [["nonsense"]],
        [["cert", "show"]],
        [["plan", "-f", "cluster.yaml", "-d", "pki"]],
        [["plan", "-f", "cluster.yaml", "-d", "pki", "--exit-code"]],
        [["plan", "-f", "missing.yaml"]],
        [["apply", "-f", "cluster.yaml", "-d", "pki"], ["apply", "-f", "cluster.yaml", "-d", "pki"], ["check", "pki"]],
        [["apply", "-f", "cluster.yaml", "-d", "pki"], ["check", "pki", "-w", "400d", "--nagios"]],
        [["apply", "-f", "cluster.yaml", "-d", "pki"], ["cert", "show", "pki/client-root.pem", "--field", "subject"]],
        [["apply", "-f", "cluster.yaml", "-d", "pki"], ["env", "etcdctl", "--client", "root", "-d", "/nowhere"]],
        [["ca", "new", "-d", "pki"], ["ca", "new", "-d", "pki"]],
        [["ca", "new", "-d", "pki"], ["cert", "issue", "member", "etcd-1", "--san", "10.0.0.300", "-d", "pki"]],
        [["key", "public", "cluster.yaml"]],
        [["completions", "bash"]],
    ],
    ids=lambda lines: " then ".join(" ".join(line) for line in lines) or "nothing",
)
def test_says_and_returns_the_same(way, lines, directories):
    one, other = directories
    for line in lines:
        assert run(way, *line, cwd=one) == run(binary(), *line, cwd=other)
    assert sorted(file.name for file in one.rglob("*")) == sorted(file.name for file in other.rglob("*"))


def test_the_codes_differ_as_they_should(directories):
    """The comparison above is only useful if the codes differ."""
    one, _ = directories
    assert run(SCRIPT, "--version", cwd=one)[0] == 0
    assert run(SCRIPT, "plan", "-f", "missing.yaml", cwd=one)[0] == 1
    assert run(SCRIPT, "nonsense", cwd=one)[0] == 2


@WAYS
def test_standard_input(way, directories):
    one, other = directories
    assert run(way, "plan", "-f", "-", "-d", "pki", cwd=one, input=CLUSTER.encode()) == run(
        binary(), "plan", "-f", "-", "-d", "pki", cwd=other, input=CLUSTER.encode()
    )


@WAYS
def test_arguments_that_are_no_text(way, directories):
    one, other = directories
    odd = os.fsdecode(b"caf\xe9.pem")
    assert run(way, "cert", "show", odd, cwd=one) == run(binary(), "cert", "show", odd, cwd=other)


@pytest.mark.parametrize("way", [SCRIPT, MODULE, None], ids=["script", "module", "binary"])
def test_a_closed_pipe(way, directories):
    """A pipe as in `etcd-pki completions bash | head -1`: there is no error message, and the
    command succeeds."""
    process = subprocess.Popen(
        [*(way or binary()), "completions", "bash"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=directories[0]
    )
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), error) == (0, b"")


@pytest.mark.parametrize("way", [SCRIPT, MODULE, None], ids=["script", "module", "binary"])
def test_a_full_disk(way, directories):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*(way or binary()), "completions", "bash"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=directories[0],
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert b"No space left" in done.stderr and b"Traceback" not in done.stderr


def without(streams, command):
    """Runs the command with these standard streams closed."""
    return ["sh", "-c", 'exec "$@" ' + " ".join(f"{stream}>&-" for stream in streams), "sh", *command]


@WAYS
@pytest.mark.parametrize("streams", [(1,), (0, 1), (1, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize(
    "line",
    [["man"], ["apply", "-f", "cluster.yaml", "-d", "pki"], ["plan", "-f", "missing.yaml"]],
    ids=lambda line: line[0],
)
def test_closed_streams(way, line, streams, directories):
    """Closed streams as in `etcd-pki apply >&-`: messages are discarded, and do not get into a
    file that is written."""
    one, other = directories
    assert run(without(streams, [*way, *line]), cwd=one) == run(without(streams, [*binary(), *line]), cwd=other)
    assert sorted(file.name for file in one.rglob("*")) == sorted(file.name for file in other.rglob("*"))
    for file in one.glob("pki/*.pem"):
        assert file.read_text().startswith("-----BEGIN "), file


@WAYS
def test_an_interrupt_that_is_ignored(way, directories):
    """A shell ignores interrupts for a program that it runs with `&`, and users of nohup expect
    the same."""
    one, _ = directories
    (one / "cluster.yaml").write_text("defaults: {algorithm: rsa-2048}\nclients: [a, b, c, d, e, f]\n")
    process = subprocess.Popen(
        [*way, "apply", "-f", "cluster.yaml", "-d", "pki"],
        cwd=one,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.005)
    output, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert b"created" in output


@pytest.mark.parametrize("way", [SCRIPT, MODULE, None], ids=["script", "module", "binary"])
def test_ctrl_c(way, directories):
    """The command ends at once by the signal, without a traceback, and the next one does the
    rest."""
    one, _ = directories
    (one / "cluster.yaml").write_text(
        "defaults: {algorithm: rsa-4096}\nmembers: [" + ", ".join(f"etcd-{number}" for number in range(300)) + "]\n"
    )
    process = subprocess.Popen(
        [*(way or binary()), "apply", "-f", "cluster.yaml", "-d", "pki"], cwd=one, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 60
        while not list(one.glob("pki/*-key.pem")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGINT
    assert b"Traceback" not in error and b"panicked" not in error
    (one / "cluster.yaml").write_text(CLUSTER)
    assert run(way or binary(), "apply", "-f", "cluster.yaml", "-d", "pki", cwd=one)[0] == 0


def test_the_module_can_be_imported():
    """Tools that read the module import it."""
    import etcd_pki.__main__

    assert callable(etcd_pki.__main__.main)


def test_the_library_never_ends_the_process(tmp_path, monkeypatch, capfd):
    from etcd_pki import _etcd_pki

    monkeypatch.chdir(tmp_path)
    assert _etcd_pki.run(["etcd-pki", "--version"]) == 0
    assert capfd.readouterr().out.startswith("etcd-pki ")
    assert _etcd_pki.run(["etcd-pki", "nonsense"]) == 2
    assert _etcd_pki.run([]) == 2
    for wrong in (None, "etcd-pki", [7]):
        with pytest.raises(TypeError):
            _etcd_pki.run(wrong)


def test_python_stays_dumpable(tmp_path):
    """The binary makes its memory private. Python's process belongs to the caller, so nothing is
    changed in it."""
    program = (
        "import ctypes, resource\n"
        "from etcd_pki import _etcd_pki\n"
        "state = lambda: (ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))\n"
        "before = state()\n"
        f"assert _etcd_pki.run(['etcd-pki', 'key', 'new', '-o', {str(tmp_path / 'key.pem')!r}]) == 0\n"
        "assert state() == before, (before, state())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
