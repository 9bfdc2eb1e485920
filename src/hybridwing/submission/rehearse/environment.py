"""A fresh virtual environment with nothing but a submission's own requirements."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.submission.sandbox.outcome import Limits
from hybridwing.submission.sandbox.sandbox import run_python

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What the challenge's container runs.
PYTHON = (3, 10)
_GIB = 2**30
_SHOWN = 1500


@dataclass(frozen=True)
class Environment:
    """An interpreter to run a submission with.

    Attributes
    ----------
    python : Path
    description : str
        Version, and whether its packages are the submission's own.
    log : str
        What pip said; empty where nothing was installed.
    seconds : float
        That making it took.
    """

    python: Path
    description: str
    log: str = ""
    seconds: float = 0.0


def running_environment() -> Environment:
    """The interpreter and the packages that this very process has."""
    return Environment(Path(sys.executable), f"Python {_version_text(sys.version_info[:3])} and its packages")


def fresh_environment(
    folder: Path, requirements: Sequence[str], *, python: Path | None = None, seconds: float = 600.0
) -> Environment:
    """Make a virtual environment and install requirements into it one by one, as the ingestion program does.

    Parameters
    ----------
    folder : Path
        New; the environment's own.
    requirements : sequence of str
        Lines for pip, already held against the whitelist.
    python : Path, optional
        Interpreter to make it from; by default Python 3.10 where it is found, and otherwise the running one.
    seconds : float
        Time for all of it.

    Raises
    ------
    SubmissionError
        If the environment cannot be made, or a requirement cannot be installed.
    """
    begun = time.monotonic()
    base = python or find_python()
    made = subprocess.run(  # noqa: S603 - an interpreter that the user named or that is on the path
        [str(base), "-m", "venv", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        raise SubmissionError(f"{base} -m venv failed: {(made.stderr or made.stdout).strip()[-_SHOWN:]}")
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    log = []
    pip = next(folder.rglob("site-packages/pip/__main__.py"))
    settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    for line in requirements:
        left = seconds - (time.monotonic() - begun)
        limits = Limits(
            seconds=max(left, 1.0), memory=8 * _GIB, file_bytes=8 * _GIB, disk_bytes=24 * _GIB, cpu_seconds=seconds
        )
        done = run_python(
            pip,
            ["install", "--no-cache-dir", "--disable-pip-version-check", line],
            folder=folder,
            limits=limits,
            network=True,
            python=interpreter,
            environment=settings,
        )
        log.append(f"$ pip install {line}\n{done.output}")
        if done.ended != "ok":
            raise SubmissionError(f"pip install {line}: {done.reason(limits)}: {_last_line(done.output)}")
    version = _version_of(interpreter)
    description = f"Python {_version_text(version)} in a fresh environment with the submission's own requirements"
    if version[:2] != PYTHON:
        description += f" (the challenge runs {_version_text(PYTHON)}, which was not found here)"
    return Environment(interpreter, description, "\n".join(log), time.monotonic() - begun)


def find_python() -> Path:
    """Python 3.10 where the path has one that works, and otherwise the running interpreter."""
    import shutil

    found = shutil.which(f"python{_version_text(PYTHON)}")
    if found and _answers(found):
        return Path(found)
    return Path(sys.executable)


def _answers(python: str) -> bool:
    """Whether it is an interpreter, and not a launcher's script for one that is not installed."""
    try:
        return _version_of(Path(python))[:2] == PYTHON
    except (OSError, ValueError):
        return False


def _version_of(python: Path) -> tuple[int, ...]:
    asked = subprocess.run(  # noqa: S603
        [str(python), "-c", "import sys; print(*sys.version_info[:3])"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return tuple(int(part) for part in asked.stdout.split()) or (0,)


def _version_text(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:_SHOWN] if lines else "it printed nothing"
