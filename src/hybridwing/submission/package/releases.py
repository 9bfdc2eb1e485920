"""Check that pip can install a pinned version on Python 3.10, which the challenge's container runs."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from packaging.version import InvalidVersion, Version

#: Seconds that pip may take to answer.
_PATIENCE = 30


@dataclass(frozen=True)
class Releases:
    """Releases of a package that pip offers to Python 3.10.

    Releases before `first_wheel` have to be compiled. The list is `complete` once the package no longer supports
    Python 3.10.
    """

    versions: frozenset[Version]
    first_wheel: Version
    complete: bool = False


@dataclass(frozen=True)
class ReleaseFault:
    """Why a pin cannot (``"fail"``) or may not (``"warn"``) be installed, and the line to write instead, if known."""

    status: Literal["fail", "warn"]
    why: str
    instead: str = ""


@cache
def _table() -> dict[str, Releases]:
    text = files("hybridwing.submission.package").joinpath("releases_python310.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {
        name: Releases(frozenset(map(Version, versions.split())), Version(first), state == "ended")
        for name, first, state, versions in rows
    }


@cache
def listed_by_pip(package: str) -> frozenset[Version] | None:
    """Releases of a package for Python 3.10 in pip's index today; None if it cannot be asked."""
    command = [sys.executable, "-m", "pip", "index", "versions", package, "--pre", "--python-version", "3.10"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--retries", "0", "--timeout", "5"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"^Available versions: (.+)$", done.stdout, re.MULTILINE)
    versions = set()
    for text in found[1].split(",") if found else ():
        try:
            versions.add(Version(text.strip()))
        except InvalidVersion:
            continue
    return frozenset(versions) or None


def release_fault(package: str, version: str) -> ReleaseFault | None:
    """Say why pip on Codabench cannot install a pinned version, or None.

    The package is spelt as the challenge's list spells it. Versions of the packages that most submissions pin are
    looked up in a table, those of others with pip.

    Examples
    --------
    >>> release_fault("numpy", "1.26.4") is None
    True
    >>> release_fault("torch", "2.3.0+cu121").instead
    'torch==2.3.0'
    """
    pinned = Version(version)
    known = _table().get(package)
    if pinned.local or pinned.is_devrelease:
        kind = f"a local build (+{pinned.local})" if pinned.local else "a nightly build"
        public = Version(pinned.base_version if pinned.is_devrelease else pinned.public)
        why = f"{version} is {kind}, which PyPI does not have: pip finds nothing and the run ends"
        return ReleaseFault("fail", why, f"{package}=={_nearest(known, public) or public}")
    if known is not None and pinned in known.versions:
        if pinned >= known.first_wheel:
            return None
        why = f"{version} has no ready-built wheel for Python 3.10: pip compiles it, which takes long or fails"
        return ReleaseFault("warn", why, f"{package}=={known.first_wheel}")
    # The table holds final releases only.
    if known is None or pinned.is_prerelease or (not known.complete and pinned > max(known.versions)):
        asked = listed_by_pip(package)
        if asked is None:
            why = f"whether {version} exists for Python 3.10 could not be looked up: pip has no index here"
            return ReleaseFault("warn", why)
        if pinned in asked:
            return None
        known = Releases(asked, min(asked))
    newest = max((one for one in known.versions if not one.is_prerelease), default=max(known.versions))
    if pinned > newest:
        why = f"no {package} {version} installs on Python 3.10, which the challenge runs; the newest is {newest}"
    else:
        why = f"pip finds no release {version} of {package} for Python 3.10, which the challenge runs"
    return ReleaseFault("fail", why, f"{package}=={_nearest(known, pinned)}")


def _nearest(known: Releases | None, wanted: Version) -> Version | None:
    """The nearest release: the next or the last of the same series, else the newest before it."""
    final = [one for one in known.versions if not one.is_prerelease and one >= known.first_wheel] if known else []
    series = [one for one in final if one.release[:2] == wanted.release[:2]]
    later = [one for one in series if one >= wanted]
    older = [one for one in final if one <= wanted]
    if later:
        return min(later)
    return max(series or older) if series or older else min(final, default=None)
