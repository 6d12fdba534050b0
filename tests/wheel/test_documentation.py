"""The code on the package's front page and in the guide, executed unchanged."""

import doctest
import io
import os
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = doctest.ELLIPSIS


def shown(text, kind):
    """Returns the first block of a kind in a page."""
    return re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL).group(1)


@pytest.mark.parametrize("page", ["etcd-pki-py/README.md", "docs/guides/python.md", "docs/reference/specification.md"])
def test_examples(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = io.StringIO()
    text = (ROOT / page).read_text()
    names = {"text": shown(text, "yaml")} if "```yaml" in text else {}
    examples = doctest.DocTestParser().get_doctest(text, names, page, page, 0)
    assert examples.examples
    result = doctest.DocTestRunner(optionflags=FLAGS).run(examples, out=report.write)
    assert result.failed == 0, report.getvalue()


def test_front_page_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "etcd-pki-py/README.md").read_text()
    program, printed = shown(text, "python"), shown(text, "text")
    output = io.StringIO()
    with redirect_stdout(output):
        exec(compile(program, "README.md", "exec"), {})
    assert output.getvalue() == printed
    assert (tmp_path / "pki" / "ca-key.pem").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["pki"]


def test_the_readme_s_program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text()
    (tmp_path / "cluster.yaml").write_text(shown(text, "yaml"))
    program = shown(text, "python")
    with redirect_stdout(io.StringIO()) as output:
        exec(compile(program, "README.md", "exec"), {})
    assert output.getvalue().startswith("create    ca.pem ")
    assert (tmp_path / "pki" / "client-app-key.pem").exists()
