"""A Python interpreter, and the folders that it needs to see to run."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hybridwing.errors import SubmissionError

_QUESTION = """
import json, sys
prefixes = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
print(json.dumps([list(sys.version_info[:3]), prefixes, sys.path]))
"""
_PACKAGES = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Interpreter:
    """An interpreter, its version, and the folders that it needs to see: its prefixes and those of its packages.

    Links of its path are not resolved, since a virtual environment is found beside them. A project that is installed in
    editable mode is not among the folders.
    """

    python: Path
    version: tuple[int, ...]
    folders: tuple[Path, ...]

    @property
    def version_text(self) -> str:
        """E.g. ``"3.10.13"``."""
        return ".".join(map(str, self.version))


def inspect_interpreter(python: Path) -> Interpreter:
    """Ask an interpreter for its version and folders, outside of any sandbox.

    Ask before anything that is not trusted is installed for it: starting a Python runs what its packages put in
    ``.pth`` files.

    Raises
    ------
    SubmissionError
        If it does not answer as a Python does.
    """
    python = python.absolute()
    try:
        asked = subprocess.run(  # noqa: S603 - an interpreter that the user named, or that is on the path
            [str(python), "-E", "-c", _QUESTION],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            cwd=python.anchor,
        )
        version, prefixes, search = json.loads(asked.stdout)
        packages = [place for place in search if Path(place).name in _PACKAGES]
        folders = [Path(place) for place in dict.fromkeys([*prefixes, *packages]) if Path(place).is_dir()]
        return Interpreter(python, tuple(map(int, version)), tuple(folders))
    except (OSError, ValueError, TypeError, subprocess.SubprocessError) as error:
        raise SubmissionError(f"{python} does not run as a Python interpreter: {error}") from error


@functools.lru_cache(maxsize=1)
def running_interpreter() -> Interpreter:
    """The interpreter that runs this very process."""
    return inspect_interpreter(Path(sys.executable))
