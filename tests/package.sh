#!/usr/bin/env bash
# Builds the Python package for publication, the source package first and the wheel from it, and
# checks both: their contents, the stable ABI of the wheel, that the stubs agree with the module,
# and the types. tests/run.sh calls it after tests/setup.sh. The wheel is left in target/dist.
set -euo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$tests")
tools=${ETCD_PKI_TEST_TOOLS:-target/test-tools}
[[ $tools = /* ]] || tools=$root/$tools
dist=$root/target/dist
bin=$tools/package/bin
cd "$root"

say() { echo "package: $*" >&2; }
stop() {
    say "$*"
    exit 1
}

mkdir -p "$tools/stamps"
requirements=$tests/python/package-requirements.txt
stamp=$tools/stamps/package
if [[ ! -f $stamp || $(<"$stamp") != "$(sha256sum "$requirements")" ]]; then
    say "installing $(grep --invert-match '^#' "$requirements" | tr '\n' ' ')"
    python3 -m venv --clear "$tools/package"
    "$bin/python" -m pip install --quiet --requirement "$requirements"
    sha256sum "$requirements" >"$stamp"
fi

say "format and lints"
"$bin/ruff" format --check etcd-pki-py tests examples
"$bin/ruff" check etcd-pki-py tests examples

say "building the source distribution, and the wheel from it"
rm -rf "$dist"
"$bin/maturin" sdist --manifest-path etcd-pki-py/Cargo.toml --out "$dist"
# In the folder with the last run's objects, not in the directory that pip unpacks to
CARGO_TARGET_DIR=$root/target/wheel "$bin/python" -m pip wheel --quiet --no-deps --wheel-dir "$dist" "$dist"/*.tar.gz
wheel=$(echo "$dist"/*.whl)

say "what is in them"
"$bin/twine" check --strict "$dist"/*
[[ $wheel = *-cp39-abi3-* ]] || stop "$wheel is not for the stable ABI of CPython 3.9 and later"
"$bin/abi3audit" --strict "$wheel"
names=$("$bin/python" -m zipfile --list "$wheel")
for wanted in etcd_pki/py.typed etcd_pki/_etcd_pki/__init__.pyi .cyclonedx.json LICENSE-MIT LICENSE-APACHE \
    ansible_collections/etcd_pki/core/plugins/modules/cluster.py; do
    grep --quiet --fixed-strings "$wanted" <<<"$names" || stop "$wheel lacks $wanted"
done

say "the stubs and the types"
"$bin/python" -m pip install --quiet --force-reinstall --no-deps "$wheel"
# Outside of the checkout, so that the installed package is checked
cd "$tools"
"$bin/python" -m mypy.stubtest etcd_pki --allowlist "$tests/python/stubtest-allowlist.txt"
"$bin/mypy" --strict --package etcd_pki
"$bin/mypy" --strict "$root"/examples/python/*.py "$tests/wheel/typed.py"
"$bin/pyright" --warnings --pythonpath "$bin/python" "$root"/examples/python/*.py "$tests/wheel/typed.py"

say "the reference"
rm -rf "$root/target/reference"
# With the same command as a reader; a warning means that a part would be missing
PYTHONWARNINGS=error "$bin/pdoc" --output-directory "$root/target/reference" etcd_pki
"$bin/python" - "$root/target/reference/etcd_pki.html" <<'END'
import sys
from pathlib import Path
from types import ModuleType

import etcd_pki

reference = Path(sys.argv[1])
page = reference.read_text()


def is_missing(name):
    if isinstance(getattr(etcd_pki, name), ModuleType):
        return not (reference.with_suffix("") / f"{name}.html").is_file()
    return f'id="{name}"' not in page and name != "__version__"


missing = [name for name in etcd_pki.__all__ if is_missing(name)]
sys.exit(f"package: the reference lacks {', '.join(missing)}" if missing else 0)
END
