"""A Python interpreter, and the folders that it needs to see to run."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridwing.errors import SubmissionError

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUESTION = """
import json, sys
prefixes = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
print(json.dumps([list(sys.version_info[:3]), prefixes, sys.path]))
"""
_ABSENT = """
import importlib.metadata, importlib.util, json, sys
modules, names = json.loads(sys.argv[1])
versions = {}
for name in names:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps([[name for name in modules if importlib.util.find_spec(name) is None], versions]))
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
    ``.pth`` files. Raises SubmissionError if it does not answer as a Python does.
    """
    python = python.absolute()
    version, prefixes, search = _ask(python, 3, _QUESTION)
    packages = [place for place in search if Path(place).name in _PACKAGES]
    folders = [Path(place) for place in dict.fromkeys([*prefixes, *packages]) if Path(place).is_dir()]
    return Interpreter(python, tuple(map(int, version)), tuple(folders))


def installed_packages(
    python: Path, modules: Sequence[str], names: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Which of some modules an interpreter lacks, and the installed versions of some packages, outside of any sandbox.

    Modules are named without dots, packages as pip calls them. Raises SubmissionError if it does not answer as a Python
    does.
    """
    absent, versions = _ask(python, 2, _ABSENT, json.dumps([[*modules], [*names]]))
    return tuple(absent), dict(versions)


def _ask(python: Path, count: int, code: str, *arguments: str) -> list[Any]:
    """What a piece of code prints: a JSON list of `count` values."""
    command = [str(python), "-E", "-c", code, *arguments]
    options: dict[str, Any] = {"capture_output": True, "text": True, "check": True, "timeout": 60}
    try:
        # An interpreter that the user named, or that is on the path.
        answer = json.loads(subprocess.run(command, cwd=python.anchor, **options).stdout)  # noqa: S603
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SubmissionError(f"{python} does not run as a Python interpreter: {error}") from error
    if not isinstance(answer, list) or len(answer) != count:
        raise SubmissionError(f"{python} does not run as a Python interpreter: it answered {str(answer)[:80]!r}")
    return answer


@functools.lru_cache(maxsize=1)
def running_interpreter() -> Interpreter:
    """The interpreter that runs this process."""
    return inspect_interpreter(Path(sys.executable))
