"""Reading large CSV files with Arrow, without a Python object for any cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.errors import ScoringError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def text_bytes(path: Path) -> bytes:
    """Bytes of a text file that has something in it.

    Raises
    ------
    ScoringError
        If it cannot be read, is empty, or is no UTF-8 text.
    """
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


def read_arrow(data: bytes, names: list[str] | None, columns: list[str], separator: str = ",") -> pa.Table:
    """Cells of some columns of a CSV file, as strings.

    Parameters
    ----------
    data : bytes
        The file's.
    names : list of str or None
        Names of all columns, where the file has no header.
    columns : list of str
        The columns to read.
    separator : str, default ","

    Raises
    ------
    pyarrow.ArrowInvalid
        If it is not such a file.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    return arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(column_names=names),
        parse_options=arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=b'"' in data),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=columns,
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=False,
        ),
    )


def is_unique(names: pa.ChunkedArray) -> bool:
    """Whether no name is there twice."""
    return len(names.unique()) == len(names)  # twice as fast as Arrow's count_distinct
