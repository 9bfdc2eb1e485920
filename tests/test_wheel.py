"""The wheel, installed where nothing is but what it asks for."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def run(*command: str | Path) -> str:
    """Standard output of a program that sees no packages but its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=500, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def needed(requirements: list[str]) -> set[str]:
    """Names of the packages that these ask for, those that they ask for in turn, and so on."""
    found: set[str] = set()
    left = [(Requirement(text), "") for text in requirements]
    while left:
        requirement, extra = left.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        new = {f"{name}[{extra}]" for extra in requirement.extras} | {name}
        for key in new - found:
            inner = key.partition("[")[2].rstrip("]")
            left += [(Requirement(text), inner) for text in distribution(name).requires or ()]
        found |= new
    return {name.partition("[")[0] for name in found}


def lend(name: str, packages: Path) -> None:
    """Link what one of the packages of this environment has installed."""
    for file in distribution(name).files or ():
        top = file.parts[0]
        if top not in ("..", "__pycache__") and not (packages / top).exists():
            (packages / top).symlink_to(Path(str(distribution(name).locate_file(top))))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_it_runs_with_the_packages_that_it_asks_for_alone(tmp_path):
    for tool in ("pip", "hatchling"):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-cache-dir")
    run(*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("hybridwing-*.whl")
    venv.create(tmp_path / "empty", symlinks=True)
    program = tmp_path / "empty" / "bin" / "python"
    run(*pip, "--python", program, "install", "--no-index", "--no-deps", "--no-compile", wheel)
    (packages,) = (tmp_path / "empty" / "lib").glob("python*/site-packages")
    (information,) = packages.glob("hybridwing-*.dist-info/METADATA")
    asked = re.findall(r"^Requires-Dist: (.*)$", information.read_text(encoding="utf-8"), re.MULTILINE)
    for name in needed(asked):
        lend(name, packages)
    assert not (packages / "torch").exists()
    bare = "import hybridwing, sys; print(hybridwing.__version__, 'numpy' in sys.modules)"
    assert run(program, "-c", bare).split() == [wheel.name.split("-")[1], "False"]
    assert "Usage: hybridwing" in run(program.with_name("hybridwing"), "--help")
    assert "svm" in run(program.with_name("hybridwing"), "detectors")
    made = tmp_path / "made"
    run(program.with_name("hybridwing"), "simulate", made, "--specimens", "150", "--size", "64")
    run(program.with_name("hybridwing"), "describe", made / "train.csv", "--out", tmp_path / "described")
