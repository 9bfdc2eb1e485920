"""The wheel, installed where nothing else is."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program that sees no packages but its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=500, check=False, env=env)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_it_runs_with_the_packages_that_it_asks_for_alone(tmp_path):
    for needed in ("pip", "hatchling"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    pip = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--retries", "0")
    run(sys.executable, *pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("hybridwing-*.whl")
    venv.create(tmp_path / "empty", with_pip=True)
    scripts = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin")
    installed = run(scripts / "python", *pip, "install", "--no-compile", "--only-binary", ":all:", wheel, check=False)
    if "No matching distribution" in installed.stderr:
        pytest.skip(f"pip reaches no index with the dependencies: {installed.stderr.splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr
    bare = "import hybridwing, sys; print(hybridwing.__version__, 'numpy' in sys.modules)"
    assert run(scripts / "python", "-c", bare).stdout.split() == [wheel.name.split("-")[1], "False"]
    assert "Usage: hybridwing" in run(scripts / "hybridwing", "--help").stdout
    assert "svm" in run(scripts / "hybridwing", "detectors").stdout
