"""Every error hybridwing raises on purpose.

A message says what was wrong, where (file, row, column) and what to do about it. The command line turns any of these
into one clear line and exit code 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


LONGEST_ITEM = 200
"""Characters of one value that a message repeats (a path may be long)."""


class HybridwingError(Exception):
    """Base of every error that is the input's fault and not a bug."""


class MissingExtraError(HybridwingError):
    """An optional dependency is needed for this and is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}', which is not installed; "
            f"install it with: pip install 'hybridwing[{extra}]'"
        )


class WriteError(HybridwingError, OSError):
    """A file could not be written.

    Parameters
    ----------
    path : Path
        The file, by the name that it was to have.
    cause : OSError
        What the operating system said.
    """

    def __init__(self, path: Path, cause: OSError) -> None:
        self.path, self.reason = path, cause.strerror or str(cause)
        super().__init__(f"cannot write {path}: {self.reason}")
        self.errno, self.strerror = cause.errno, cause.strerror

    def __str__(self) -> str:
        return str(self.args[0])


class CatalogueError(HybridwingError):
    """A table of specimens could not be read or is not what it should be."""


class ImageError(HybridwingError):
    """One image could not be turned into pixels.

    Parameters
    ----------
    stage : str
        Where it failed: ``"open"``, ``"decode"``, ``"preprocess"`` or ``"embed"``.
    reason : str
        What was wrong, in one line.
    """

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason


class BackboneError(HybridwingError):
    """A backbone is unknown, or its files are missing or unusable."""


class EmbeddingError(HybridwingError):
    """An embedding table could not be read, or does not fit what it is used with."""


class DetectorError(HybridwingError):
    """A detector is unknown, cannot be fitted on this data, or its saved file is unusable."""


class ScoringError(HybridwingError):
    """Predictions and reference cannot be scored against each other."""


class RunError(HybridwingError):
    """A run folder is missing, incomplete or was made by something else."""


class SubmissionError(HybridwingError):
    """A challenge submission cannot be built or opened, or is refused before anything of it is unpacked or run."""


class SimulationError(HybridwingError):
    """A simulated collection cannot be made with these settings."""


def shown(value: str, longest: int = 80) -> str:
    """Quote a value of the user's for a message, cut where it is long.

    Examples
    --------
    >>> shown("left"), shown("x" * 1000, longest=5)
    ("'left'", "'xxxxx…' (1000 characters)")
    """
    return repr(value) if len(value) <= longest else f"{value[:longest] + '…'!r} ({len(value)} characters)"


def first_few(items: Sequence[str], limit: int = 5) -> str:
    """Join the first few of many items for an error message; very long ones are cut.

    Examples
    --------
    >>> first_few(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    told = ", ".join(item if len(item) <= LONGEST_ITEM else f"{item[:LONGEST_ITEM]}…" for item in items[:limit])
    rest = len(items) - limit
    return f"{told} and {rest} more" if rest > 0 else told
