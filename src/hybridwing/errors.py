"""Every error hybridwing raises on purpose.

A message says what was wrong, where (file, row, column) and what to do about it. The command line turns any of these
into one clear line and exit code 2.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic import ValidationError


LONGEST_WORD, LONGEST_LINE = 400, 4000
"""Characters that a message has in one word (a path may be long) and in one line."""

_ON_COMMAND_LINE = ContextVar("on the command line", default=False)


class HybridwingError(Exception):
    """Base of every error that is the input's fault and not a bug.

    Whatever a message repeats of the input is bounded here, so that a cell of a million characters does not fill the
    screen: a word of more than `LONGEST_WORD` characters and a line of more than `LONGEST_LINE` are cut.

    Examples
    --------
    >>> try:
    ...     hw.load_run("nowhere")
    ... except HybridwingError as error:
    ...     print(error)
    nowhere is no run folder: it has no run.json; make one with: hybridwing train … --out RUN
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(bounded(message))


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


def bounded(message: str) -> str:
    """A message with its longest words and lines cut in the middle.

    Examples
    --------
    >>> bounded("no file " + "x" * 1000)[:30], len(bounded("no file " + "x" * 1000))
    ('no file xxxxxxxxxxxxxxxxxxxxxx', 429)
    """
    if len(message) <= LONGEST_WORD:
        return message
    message = re.sub(rf"\S{{{LONGEST_WORD + 1},}}", lambda found: _cut(found.group(), LONGEST_WORD), message)
    return "\n".join(_cut(line, LONGEST_LINE) for line in message.split("\n"))


def _cut(text: str, longest: int) -> str:
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}… ({len(text)} characters) …{text[-half:]}"


@contextmanager
def on_the_command_line() -> Iterator[None]:
    """Within it, messages name options of the command line, and not what to write in Python."""
    token = _ON_COMMAND_LINE.set(True)
    try:
        yield
    finally:
        _ON_COMMAND_LINE.reset(token)


def remedy(python: str, option: str) -> str:
    """What to write, for whoever reads the message.

    Examples
    --------
    >>> remedy("columns=ColumnNames(label=...)", "--column label=...")
    'columns=ColumnNames(label=...) in Python, --column label=... on the command line'
    >>> with on_the_command_line():
    ...     remedy("columns=ColumnNames(label=...)", "--column label=...")
    '--column label=...'
    """
    return option if _ON_COMMAND_LINE.get() else f"{python} in Python, {option} on the command line"


def what_is_wrong(error: ValidationError | HybridwingError) -> str:
    """The first fault that pydantic found in a value, and where, in one line; another error as it is.

    Examples
    --------
    >>> from pydantic import TypeAdapter, ValidationError
    >>> try:
    ...     TypeAdapter(dict[str, int]).validate_json('{"seed": "x"}')
    ... except ValidationError as error:
    ...     what_is_wrong(error)
    "'seed': Input should be a valid integer, unable to parse string as an integer"
    """
    if isinstance(error, HybridwingError):
        return str(error)
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    return f"{place!r}: {first['msg']}" if place else first["msg"]


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "image"), counted(2082, "image"), counted(2, "image is", "images are")
    ('1 image', '2,082 images', '2 images are')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def first_few(items: Sequence[str], limit: int = 5) -> str:
    """Join the first few of many items for an error message.

    Examples
    --------
    >>> first_few(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    shown = ", ".join(items[:limit])
    rest = len(items) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown
