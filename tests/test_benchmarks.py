"""Every benchmark starts: what it measures has not moved away under it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
#: Shows the help of each benchmark, one after the other in one process, so that slow imports are paid once.
PROGRAM = """
import os, runpy, sys
for path in sys.argv[1:]:
    sys.argv[:] = [path, "--help"]
    before = list(sys.path)
    sys.path.insert(0, os.path.dirname(path))  # as Python does for a script
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        assert end.code == 0, path
    sys.path[:] = before
"""


@pytest.mark.slow
def test_every_benchmark_shows_its_help():
    found = sorted(path for path in BENCHMARKS.iterdir() if path.suffix == ".py" or (path / "__main__.py").is_file())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, found)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("--help") >= len(found) > 20
