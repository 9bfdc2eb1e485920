"""Reading the two files that are scored against each other: predictions and reference."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import ScoringError, first_few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

REFERENCE_COLUMNS = ("filename", "hybrid_stat", "ssp_indicator")
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

        found = pc.index_in(filenames, value_set=self.filenames)
        if found.null_count:
            missing = filenames.filter(pc.is_null(found)).to_pylist()
            raise ScoringError(
                f"{self.source}: {len(missing)} of {len(filenames)} images have no prediction: "
                f"{first_few(missing)}. Every image of the reference needs one line 'filename,score'."
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


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference table's columns that scoring needs.

    Attributes
    ----------
    filenames : pyarrow.ChunkedArray of string, length n
        Unique file names.
    labels : ndarray of shape (n,), int8
        1 for a hybrid, 0 for a non-hybrid.
    groups : ndarray of shape (n,), str
        The ``ssp_indicator``.
    """

    filenames: pa.ChunkedArray
    labels: npt.NDArray[np.int8]
    groups: npt.NDArray[np.str_]


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

    data = _text_bytes(path)
    try:
        table = _read_arrow(data, ["filename", "score"], ["filename", "score"])
        names, scores = table["filename"], _numbers(table["score"], data)
        if np.isfinite(scores).all() and pc.all(pc.not_equal(names, "")).as_py() and _is_unique(names):
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


def read_reference(path: Path) -> Reference:
    """Read the columns of a reference table that scoring needs.

    Parameters
    ----------
    path : Path
        CSV file with a header and the columns ``filename``, ``hybrid_stat`` (0 or 1) and ``ssp_indicator``.

    Raises
    ------
    ScoringError
        If the file cannot be read, a column is missing, a label is neither 0 nor 1, an indicator is unknown,
        or a file is listed twice.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    data = _text_bytes(path)
    header = next(csv.reader(io.StringIO(data[:100_000].decode("utf-8-sig", errors="replace"))), [])
    missing = [name for name in REFERENCE_COLUMNS if name not in header]
    if missing:
        raise ScoringError(
            f"{path}: a reference table needs the columns {', '.join(REFERENCE_COLUMNS)}; "
            f"{' and '.join(missing)} not found among {', '.join(header)}."
        )
    try:
        table = _read_arrow(data, None, list(REFERENCE_COLUMNS))
    except (pa.ArrowInvalid, ValueError) as error:
        raise ScoringError(f"{path}: cannot be read as a CSV table: {error}.") from error
    if not len(table):
        raise ScoringError(f"{path}: the reference table has a header but no rows.")
    names = table["filename"]
    for column, rule, allowed in (
        ("hybrid_stat", "must be 0 or 1", ["0", "1"]),
        ("ssp_indicator", "must be major, minor or mimic", ["major", "minor", "mimic"]),
    ):
        good = pc.is_in(table[column], value_set=pa.array(allowed)).to_numpy()
        _require(path, column, rule, table[column], good)
    _require(path, "filename", "must be given", names, pc.not_equal(names, "").to_numpy())
    if not _is_unique(names):
        _require(path, "filename", "must be listed once", names, ~names.to_pandas().duplicated().to_numpy())
    indicator = table["ssp_indicator"].combine_chunks().dictionary_encode()
    groups = np.asarray(indicator.dictionary.to_pylist(), dtype=np.str_)[indicator.indices.to_numpy()]
    return Reference(names, pc.equal(table["hybrid_stat"], "1").to_numpy().astype(np.int8), groups)


def _require(path: Path, column: str, rule: str, cells: pa.ChunkedArray, good: npt.NDArray[np.bool_]) -> None:
    if not good.all():
        faults = [f"row {row + 1}: {cells[int(row)].as_py()!r}" for row in np.flatnonzero(~good)]
        raise ScoringError(f"{path}: {column} {rule}: {first_few(faults)}.")


def _read_arrow(data: bytes, names: list[str] | None, columns: list[str]) -> pa.Table:
    """Cells of a CSV file as strings; `names` where it has no header."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    return arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(column_names=names),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=b'"' in data),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=False,
        ),
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


def _is_unique(names: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    return bool(pc.count_distinct(names).as_py() == len(names))


def _text_bytes(path: Path) -> bytes:
    """Bytes of a text file that has something in it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScoringError(f"{path}: cannot be read: {error.strerror or error}.") from error
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ScoringError(f"{path}: the file is empty.")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ScoringError(
            f"{path}: not a UTF-8 text file (byte {error.start}); save it as CSV with the encoding UTF-8."
        ) from error
    if b"\0" in data:
        raise ScoringError(f"{path}: not a text file: it holds a NUL byte at position {data.index(0)}.")
    return data


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
