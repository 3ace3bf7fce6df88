"""The order of imports in pyproject.toml holds, names every part of the package, and `import penchant` stays light."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def named_in_order():
    """The modules that the order names, from top to bottom."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = settings["tool"]["importlinter"]["contracts"]
    return [module for layer in contract["layers"] for module in re.findall(r"penchant\.\w+", layer)]


def test_imports_go_down_only():
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    run = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_part_of_the_package_has_its_place_in_the_order():
    package = ROOT / "src" / "penchant"
    modules = {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    assert set(named_in_order()) == {f"penchant.{name}" for name in modules | folders}


def test_importing_penchant_loads_nothing_heavy():
    command = (
        "import sys, penchant, penchant.cli.app; "
        "heavy = {'torch', 'transformers', 'sklearn', 'lightgbm', 'implicit', 'plotly', 'onnxruntime', 'pandas'}; "
        "print(*sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
