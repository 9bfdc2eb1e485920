"""Reading predictions, and putting them in the order of the images to be scored."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.text_table import SEPARATORS, separator_of
from hybridwing.errors import ScoringError, first_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_NOT_A_NUMBER = frozenset({"nan", "na", "none", "null", "inf", "infinity", "true", "false"})


@dataclass(frozen=True, eq=False)
class Predictions:
    """Scores by file name, as read from a predictions file."""

    filenames: npt.NDArray[np.object_]  # Unique, shape (n,)
    scores: npt.NDArray[np.float64]  # Finite, shape (n,)
    source: str  # Where they came from, for messages

    def aligned_to(self, filenames: npt.NDArray[np.object_], *, allow_extra: bool = False) -> npt.NDArray[np.float64]:
        """Scores in the order of another list of file names, each once; shape (m,).

        Raises ScoringError if a prediction is missing, or there are extra ones and `allow_extra` is False.
        """
        import pandas as pd

        positions = pd.Index(self.filenames).get_indexer(pd.Index(filenames))
        missing = filenames[positions < 0].tolist()
        if missing:
            raise ScoringError(
                f"{self.source}: {len(missing)} of {len(filenames)} images have no prediction: "
                f"{first_few(missing)}. Every image of the reference needs one line 'filename,score'."
                + _hint(missing, self.filenames.tolist())
            )
        if len(self.filenames) > len(filenames) and not allow_extra:
            unused = np.ones(len(self.filenames), dtype=np.bool_)
            unused[positions] = False
            extra = self.filenames[unused].tolist()
            raise ScoringError(
                f"{self.source}: {len(extra)} predictions are for images that the reference does not list: "
                f"{first_few(extra)}. If the reference is meant to hold only a part of the predicted images, "
                "ignore the rest with allow_extra=True (--allow-extra on the command line)."
            )
        return np.asarray(self.scores[positions])


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file: ``filename,score`` a line, no header.

    A byte-order mark, Windows line ends, blank lines and CSV quoting (for file names with commas) are understood.
    Numbers have the value that pandas' C reader gives them by default, as in the official program.

    Raises ScoringError if the file cannot be read as such, or a line is malformed, duplicate or not a finite number.
    The message names the first few lines or files.
    """
    import pandas as pd

    text, problem = _read_text(path), "a line is malformed"
    try:
        # pandas' default parser, as in the official program: it rounds some numbers of 16 digits and more otherwise
        # than to the nearest float64, which can part or join two scores.
        table = pd.read_csv(io.StringIO(text), header=None, dtype={0: str, 1: np.float64}, na_filter=False)
        if table.shape[1] == 2:
            names, scores = table[0].to_numpy(dtype=object), table[1].to_numpy()
            if np.isfinite(scores).all() and (names != "").all() and table[0].is_unique:
                return Predictions(names, scores, str(path))
    except ValueError as error:  # also of a line with other fields than the first
        problem = str(error)
    faults = list(_faulty_lines(text)) or [problem]
    raise ScoringError(
        f"{path}: {len(faults)} line{'s are' if len(faults) > 1 else ' is'} not a usable 'filename,score': "
        + "; ".join(faults[:5])
        + (f"; and {len(faults) - 5} more." if len(faults) > 5 else ".")
    )


def _read_text(path: Path) -> str:
    """Text of a file that has something in it, without a byte-order mark."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScoringError(f"{path}: cannot be read: {error.strerror or error}.") from error
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ScoringError(f"{path}: the file is empty.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScoringError(
            f"{path}: not a UTF-8 text file (byte {error.start}); save it as CSV with the encoding UTF-8."
        ) from error
    if "\0" in text:
        raise ScoringError(f"{path}: not a text file: it holds a NUL byte at position {data.index(0)}.")
    return text


def _hint(missing: Sequence[str], predicted: Sequence[str]) -> str:
    """Say why images are predicted under another name, where blanks or separators explain it."""
    by_name = {name.strip(): name for name in predicted}
    for name in missing:
        if name.strip() in by_name:
            return f" {by_name[name.strip()]!r} is predicted where the reference has {name!r}: correct the blanks."
    wanted = set(missing)
    for name in predicted:
        for mark in ";\t":
            if name.partition(mark)[0] in wanted and mark in name:
                return (
                    f" The prediction for {name!r} looks as if its fields were separated by {SEPARATORS[mark]}: "
                    "write 'filename,score' with a decimal point."
                )
    return ""


def _faulty_lines(text: str) -> Iterator[str]:
    """Say of each unusable line what is wrong with it; the slow way, for a file known to hold some."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    first_line: dict[str, int] = {}
    try:
        for fields in lines:
            number = lines.line_num
            problem = _line_problem(fields, number) if fields else ""
            if problem:
                yield f"line {number}: {problem}"
            elif fields:
                before = first_line.setdefault(fields[0], number)
                if before != number:
                    yield f"line {number}: {fields[0]} already has a prediction on line {before}"
    except csv.Error as error:
        yield f"line {lines.line_num}: {error}"


def _line_problem(fields: Sequence[str], number: int) -> str:
    if len(fields) == 1 and (mark := separator_of(fields[0])) != ",":
        return f"the fields are separated by {SEPARATORS[mark]}; the challenge reads commas: 'filename,score'"
    if len(fields) != 2:
        advice = " (quote a file name that holds a comma)" if len(fields) > 2 else ""
        return f"{len(fields)} fields instead of 2{advice}"
    name, score = fields
    if not name:
        return "the file name is missing"
    if not _NUMBER.fullmatch(score):
        word = score.strip().lower()
        if number == 1 and word.replace("_", "").isalpha() and word not in _NOT_A_NUMBER:
            return f"{name},{score} looks like a header, and a predictions file has none: delete it"
        return f"the score of {name} is {score!r}, not a finite number"
    if not np.isfinite(float(score)):
        return f"the score of {name} is too large"
    return ""
