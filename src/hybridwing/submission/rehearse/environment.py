"""A fresh virtual environment with nothing but a submission's own requirements."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.submission.package.python310 import PYTHON
from hybridwing.submission.rehearse.submission_run import last_line
from hybridwing.submission.sandbox.bubblewrap import Access
from hybridwing.submission.sandbox.interpreter import Interpreter, inspect_interpreter
from hybridwing.submission.sandbox.run_program import ResourceLimits, run_program

if TYPE_CHECKING:
    from collections.abc import Sequence

_GIB = 2**30
_SHOWN = 1500


def fresh_environment(
    folder: Path,
    requirements: Sequence[str],
    *,
    python: Path | None,
    seconds: float,
    trusted: bool,
) -> tuple[Interpreter, str]:
    """Make a virtual environment and install requirements into it one by one, as the ingestion program does.

    The requirements are lines for pip that were held against the whitelist. The base is `python`; where that is None,
    Python 3.10 where it is found and otherwise the running interpreter. All of it may take `seconds`. The installation
    has the network, in the sandbox too. Returns the interpreter and what pip printed.

    Raises SubmissionError if the environment cannot be made, or a requirement cannot be installed.
    """
    begun = time.monotonic()
    base = python or find_python()
    made = subprocess.run(  # noqa: S603 - an interpreter that the user named or that is on the path
        [str(base), "-m", "venv", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        raise SubmissionError(f"{base} -m venv failed: {(made.stderr or made.stdout).strip()[-_SHOWN:]}")
    # Asked now: what is installed later may put code of its own in the interpreter's place.
    interpreter = inspect_interpreter(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    log = []
    pip = next(folder.rglob("site-packages/pip/__main__.py"))
    settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    for line in requirements:
        left = seconds - (time.monotonic() - begun)
        limits = ResourceLimits(seconds=max(left, 1.0), file_bytes=8 * _GIB, disk_bytes=24 * _GIB)
        done = run_program(
            pip,
            ["install", "--no-cache-dir", "--disable-pip-version-check", line],
            folder=folder,
            access=Access(
                readable=[path for path in map(Path, settings.values()) if path.is_absolute() and path.exists()],
                writable=[folder],
                network=True,
            ),
            limits=limits,
            interpreter=interpreter,
            environment=settings,
            trusted=trusted,
        )
        log.append(f"$ pip install {line}\n{done.output}")
        if done.ending != "ok":
            raise SubmissionError(f"pip install {line}: {done.reason(limits)}: {last_line(done.output)}")
    return interpreter, "\n".join(log)


def find_python() -> Path:
    """Python 3.10 where the path has one that works, and otherwise the running interpreter."""
    found = shutil.which("python3.10")
    try:
        # It may be a launcher's script for a version that is not installed.
        works = found is not None and inspect_interpreter(Path(found)).version[:2] == PYTHON
    except SubmissionError:
        works = False
    return Path(found) if found and works else Path(sys.executable)
