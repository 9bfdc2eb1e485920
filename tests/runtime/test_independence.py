"""A submission carries the runtime alone: it must not lean on the rest of the package, nor on what a worker lacks."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hybridwing

PACKAGE = Path(hybridwing.__file__).parent
RUNTIME = sorted((PACKAGE / "runtime").rglob("*.py"))
AT_ONCE = {"numpy", "scipy", "PIL"}
#: transformers brings safetensors and huggingface_hub along.
INSIDE_FUNCTIONS = AT_ONCE | {"torch", "transformers", "safetensors", "huggingface_hub"}
HEAVY = ("numpy", "pandas", "sklearn", "scipy", "torch", "transformers", "matplotlib", "pandera", "pyarrow", "PIL")


def imports(path: Path, *, everywhere: bool) -> set[str]:
    """Names of the packages that a module imports: when it is imported itself, or anywhere; not for types alone."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or "").split(".")[0])
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.orelse:
                visit(child)
        elif everywhere or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for child in ast.iter_child_nodes(node):
                visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def others(names: set[str]) -> set[str]:
    """What does not come with Python."""
    return {name for name in names if name not in sys.stdlib_module_names}


@pytest.mark.parametrize("path", RUNTIME, ids=lambda path: path.stem)
def test_the_runtime_imports_nothing_of_ours(path):
    foreign = others(imports(path, everywhere=True))
    assert "hybridwing" not in foreign
    inside = {name for name in foreign if name.startswith(".")}
    assert inside <= {f".{module.stem}" for module in RUNTIME} | {"."}
    assert foreign - inside <= INSIDE_FUNCTIONS


@pytest.mark.slow
@pytest.mark.parametrize("path", RUNTIME, ids=lambda path: path.stem)
def test_the_runtime_imports_only_what_every_worker_has(path):
    assert {name for name in others(imports(path, everywhere=False)) if not name.startswith(".")} <= AT_ONCE


def test_the_reader_of_imports_sees_what_it_should(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "import os.path, numpy as np\nfrom . import a\nfrom .b.c import d\nif TYPE_CHECKING:\n    import pandas\n"
        "def f():\n    import torch\nclass C:\n    import scipy\ntry:\n    import PIL\nexcept ImportError:\n    pass\n"
    )
    at_once = {"os", "numpy", ".", ".b", "scipy", "PIL"}
    assert imports(path, everywhere=False) == at_once
    assert imports(path, everywhere=True) == at_once | {"torch"}


def test_the_runtime_stands_alone_under_another_name(tmp_path):
    shutil.copytree(PACKAGE / "runtime", tmp_path / "carried", ignore=shutil.ignore_patterns("__pycache__"))
    modules = [path.stem for path in RUNTIME if path.stem != "__init__"]
    program = f"""
import importlib, json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("hybridwing", "torch", "transformers", "pandas", "sklearn", "pyarrow"):
            raise ModuleNotFoundError(f"No module named {{name!r}}")

sys.meta_path.insert(0, Absent())
sys.path.insert(0, {str(tmp_path)!r})
for name in {modules!r}:
    importlib.import_module("carried." + name)
from PIL import Image
from carried.decode import to_rgb
from carried.pattern import prepare
print(json.dumps([len(prepare(to_rgb(Image.new("L", (60, 40), 90))).value), sorted(sys.modules)]))
"""
    # -I: neither the working directory nor the environment's PYTHONPATH can lend the package.
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    length, loaded = json.loads(done.stdout)
    assert length == 862
    assert not any(name.split(".")[0] == "hybridwing" for name in loaded)


@pytest.mark.parametrize("module", ["hybridwing", "hybridwing.cli"])
def test_the_command_line_starts_without_anything_heavy(module):
    program = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert set(HEAVY) & set(done.stdout.split()) == set()


def test_every_room_can_be_entered_without_anything_heavy():
    rooms = sorted(f"hybridwing.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py"))
    program = f"import sys, {', '.join(rooms)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert len(rooms) >= 8
    assert set(HEAVY) & set(done.stdout.split()) == set()
