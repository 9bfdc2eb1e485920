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
from hybridwing.evaluation.arrow_table import is_unique, read_arrow, text_bytes
from hybridwing.evaluation.reference import REFERENCE_COLUMNS, Reference, read_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

__all__ = ["REFERENCE_COLUMNS", "Predictions", "Reference", "read_predictions", "read_reference"]

_EXACT_LENGTH = 16  # a decimal point and 15 digits
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_NOT_A_NUMBER = frozenset({"nan", "na", "none", "null", "inf", "infinity", "true", "false"})


@dataclass(frozen=True, eq=False)
class Predictions:
    """Scores by file name, as read from a predictions file.

    Attributes
    ----------
    filenames : pyarrow.ChunkedArray of string, length n
        Unique file names.
    scores : ndarray of shape (n,), float64
        Finite scores.
    source : str
        Where they came from, for messages.
    """

    filenames: pa.ChunkedArray
    scores: npt.NDArray[np.float64]
    source: str

    def aligned_to(self, filenames: pa.ChunkedArray, *, allow_extra: bool = False) -> npt.NDArray[np.float64]:
        """Scores in the order of another list of file names.

        Parameters
        ----------
        filenames : pyarrow.ChunkedArray of string, length m
            The images to be scored, unique.
        allow_extra : bool, default False
            Ignore predictions for other images.

        Returns
        -------
        ndarray of shape (m,), float64

        Raises
        ------
        ScoringError
            If a prediction is missing, or there are extra ones and `allow_extra` is False.
        """
        import pyarrow.compute as pc

        if filenames.equals(self.filenames):  # files made from one list, and nothing to look up
            return self.scores
        found = pc.index_in(filenames, value_set=self.filenames)
        if found.null_count:
            missing = filenames.filter(pc.is_null(found)).to_pylist()
            raise ScoringError(
                f"{self.source}: {len(missing)} of {len(filenames)} images have no prediction: "
                f"{first_few(missing)}. Every image of the reference needs one line 'filename,score'."
                + _hint(missing, self.filenames.to_pylist())
            )
        positions = found.to_numpy()
        if len(self.filenames) > len(filenames) and not allow_extra:
            unused = np.ones(len(self.filenames), dtype=np.bool_)
            unused[positions] = False
            extra = self.filenames.take(np.flatnonzero(unused)).to_pylist()
            raise ScoringError(
                f"{self.source}: {len(extra)} predictions are for images that the reference does not list: "
                f"{first_few(extra)}. If the reference is meant to hold only a part of the predicted images, "
                "ignore the rest with allow_extra=True (--allow-extra on the command line)."
            )
        return np.asarray(self.scores[positions])


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file: ``filename,score`` a line, no header.

    A byte-order mark, Windows line ends, blank lines and CSV quoting (for file names with commas) are
    understood. Numbers have the value that pandas' C reader gives them by default, as in the official
    program.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    ScoringError
        If the file cannot be read as such, or a line is malformed, duplicate or not a finite number. The
        message names the first few lines or files.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    data = text_bytes(path)
    try:
        table = read_arrow(data, ["filename", "score"], ["filename", "score"])
        names, scores = table["filename"], _numbers(table["score"], data)
        if np.isfinite(scores).all() and pc.all(pc.not_equal(names, "")).as_py() and is_unique(names):
            return Predictions(names, scores, str(path))
        problem = "a line is malformed"
    except (pa.ArrowInvalid, ValueError) as error:
        problem = str(error)
    faults = list(_faulty_lines(data.decode("utf-8-sig"))) or [problem]
    raise ScoringError(
        f"{path}: {len(faults)} line{'s are' if len(faults) > 1 else ' is'} not a usable 'filename,score': "
        + "; ".join(faults[:5])
        + (f"; and {len(faults) - 5} more." if len(faults) > 5 else ".")
    )


def _numbers(texts: pa.ChunkedArray, data: bytes) -> npt.NDArray[np.float64]:
    """Values of numbers as pandas' C reader has them.

    Its default parser rounds long numbers a bit differently from the nearest float64, which can part or join
    two scores. Up to 15 digits without an exponent every parser gives the nearest float64, and Arrow's is
    faster.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.match_substring_regex(texts, r"^ *-?[0-9]{1,15}(\.[0-9]*)? *$")
    if pc.all(plain).as_py() and pc.max(pc.binary_length(texts)).as_py() <= _EXACT_LENGTH:
        return np.asarray(pc.cast(pc.utf8_trim_whitespace(texts), pa.float64()).to_numpy())
    table = pd.read_csv(io.BytesIO(data), header=None, usecols=[1], dtype=np.float64, na_filter=False)
    return np.asarray(table[1].to_numpy())


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
