"""Keeps the stub of the native module whole: its docstrings are those that Rust gives to the module itself.

    python tests/python/stub_docstrings.py STUB            rewrites STUB
    python tests/python/stub_docstrings.py STUB --check    fails if that would change it

Types are written in the stub by hand, words in Rust. `ruff format` goes over it afterwards.
"""

import ast
import difflib
import sys
import textwrap
from pathlib import Path

from etcd_pki import _etcd_pki

WIDTH = 124


def main() -> int:
    path = Path(sys.argv[1])
    old = path.read_text()
    new = documented(undocumented(old))
    if "--check" not in sys.argv:
        path.write_text(new)
        return 0
    # A formatter may have set blank lines between
    old, new = ast.unparse(ast.parse(old)), ast.unparse(ast.parse(new))
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "the stub", "the module"))
    return int(old != new)


def undocumented(source: str) -> str:
    """The stub without its docstrings."""
    lines = source.splitlines()
    for node in sorted(holders(ast.parse(source)), key=lambda node: -node.lineno):
        first = node.body[0]
        if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)):
            continue
        begin, end = first.lineno - 1, first.end_lineno
        if isinstance(node, ast.FunctionDef) and len(node.body) == 1:
            lines[begin - 1] += " ..."
        del lines[begin:end]
    return "\n".join(lines) + "\n"


def documented(source: str) -> str:
    """The stub with the docstrings of the module."""
    lines = source.splitlines()
    for node in sorted(holders(ast.parse(source)), key=lambda node: -node.lineno):
        text = docstring(node)
        if not text:
            continue
        if isinstance(node, ast.ClassDef):
            at, indent = node.lineno, " " * (node.col_offset + 4)
        else:
            # `...` makes room for the docstring
            at, indent = node.end_lineno, " " * (node.col_offset + 4)
            lines[at - 1] = lines[at - 1].removesuffix(" ...")
        lines[at:at] = quoted(text, indent)
    return "\n".join(lines) + "\n"


def holders(tree: ast.Module) -> list:
    """The classes and functions that have docstrings, each told where it belongs."""
    found = []
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            node.owner = None
            found.append(node)
        if isinstance(node, ast.ClassDef):
            for below in node.body:
                if isinstance(below, ast.FunctionDef):
                    below.owner = node.name
                    found.append(below)
    return found


def docstring(node) -> str:
    owner = getattr(_etcd_pki, node.owner) if node.owner else _etcd_pki
    if node.owner and node.name.startswith("__"):
        return ""
    text = getattr(owner, node.name).__doc__
    if not text:
        raise SystemExit(f"{node.owner or ''}.{node.name} has no docstring")
    return text


def quoted(text: str, indent: str) -> list:
    """As a docstring; the paragraphs of Rust's comments are filled anew, and examples stay as they are."""
    paragraphs = [fill(paragraph, indent) for paragraph in text.strip().split("\n\n")]
    body = ("\n\n".join(paragraphs)).replace("\\", "\\\\").splitlines()
    if len(body) == 1:
        return [f'{indent}"""{body[0]}"""']
    lines = [f'{indent}"""{body[0]}', *(indent + line if line else "" for line in body[1:])]
    return [*lines, f'{indent}"""']


def fill(paragraph: str, indent: str) -> str:
    if paragraph.startswith(">>>"):
        return paragraph
    # Three quotes stand before the first line
    return textwrap.fill(" ".join(paragraph.split()), WIDTH - len(indent) - 6, break_long_words=False)


if __name__ == "__main__":
    sys.exit(main())
