"""The tasks of the guides. test_kubespray.py runs those for Kubespray."""

from __future__ import annotations

import json
import re
from pathlib import Path

from conftest import REPOSITORY

GUIDES = REPOSITORY / "docs" / "guides"


def blocks(page: Path) -> list[str]:
    """Returns the YAML blocks of a page."""
    return re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_guides_name_only_options_that_exist(ansible):
    """Checks each task of the guides, if it calls a module."""
    pages = {}
    found = 0
    for block in (block for guide in ("ansible.md", "kubespray.md") for block in blocks(GUIDES / guide)):
        for module, text in re.findall(r"  etcd_pki\.core\.(\w+):\n((?:    .*\n)+)", block):
            if module not in pages:
                said = ansible.run("ansible-doc", "--json", f"etcd_pki.core.{module}").output
                pages[module] = json.loads(said[said.index("{") :])[f"etcd_pki.core.{module}"]["doc"]["options"]
            options = re.findall(r"^    (\w+):", text, re.MULTILINE)
            assert options and set(options) <= set(pages[module]), (module, options)
            found += 1
    assert found >= 4
