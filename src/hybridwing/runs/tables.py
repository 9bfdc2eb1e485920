"""The CSV files of runs and evaluations, so that a column means the same everywhere."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from hybridwing.csv_files import write_rows
from hybridwing.embeddings.table import Failure
from hybridwing.errors import RunError
from hybridwing.evaluation.metrics import DetectionMetrics
from hybridwing.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from hybridwing.evaluation.bootstrap import Uncertainty


def write_metrics(path: Path, metrics: Mapping[str, DetectionMetrics]) -> None:
    """A row a detector; the columns are the attributes of :class:`DetectionMetrics`, by their names."""
    header = ["detector", *(field.name for field in fields(DetectionMetrics))]
    write_rows(path, header, ([name, *asdict(values).values()] for name, values in metrics.items()))


def read_metrics(path: Path) -> dict[str, DetectionMetrics]:
    """What :func:`write_metrics` wrote.

    Raises
    ------
    RunError
        If the file cannot be read.
    """
    kinds = {field.name: str(field.type) for field in fields(DetectionMetrics)}
    return {
        row.pop("detector"): DetectionMetrics(
            **{name: (int if kinds[name] == "int" else float)(value) for name, value in row.items()}  # type: ignore[arg-type]
        )
        for row in _rows_of(path)
    }


def read_failures(path: Path) -> tuple[Failure, ...]:
    """What :func:`write_failures` wrote.

    Raises
    ------
    RunError
        If the file cannot be read.
    """
    return tuple(Failure(**row) for row in _rows_of(path))


def _rows_of(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(f"{path} cannot be read: {error}; train again") from error


def write_intervals(measures: Path, differences: Path, found: Mapping[str, Uncertainty]) -> None:
    """A row a detector (or two of them) and measure, with its interval; by the table that was taken out, if one was."""
    write_rows(
        measures,
        ("detector", "without", "measure", "value", "low", "high"),
        (
            (detector, without, measure, e.value, e.interval.low, e.interval.high)
            for without, uncertainty in found.items()
            for detector, estimates in uncertainty.measures.items()
            for measure, e in estimates.items()
        ),
    )
    write_rows(
        differences,
        ("first", "second", "without", "measure", "difference", "low", "high"),
        (
            (*pair, without, measure, e.value, e.interval.low, e.interval.high)
            for without, uncertainty in found.items()
            for pair, estimates in uncertainty.differences.items()
            for measure, e in estimates.items()
        ),
    )


def write_scores(
    path: Path,
    uuids: Sequence[str],
    labels: NDArray[np.int8] | None,
    scores: Mapping[str, NDArray[np.float64]],
) -> None:
    """A row an image and detector: detector, uuid, score, label (1 = hybrid; empty where unknown)."""
    known = [""] * len(uuids) if labels is None else [int(label) for label in labels]
    write_rows(
        path,
        ("detector", "uuid", "score", "label"),
        (
            (name, uuid, float(score), label)
            for name, values in scores.items()
            for uuid, score, label in zip(uuids, values, known, strict=True)
        ),
    )


def write_predictions(path: Path, filenames: Sequence[str], scores: NDArray[np.float64]) -> None:
    """``filename,score`` a line, no header, four decimals at most: what the challenge's ingestion writes.

    The scoring program compares the names letter by letter, so nothing is done against formulas here.
    """
    text = io.StringIO(newline="")
    pairs = zip(filenames, scores, strict=True)
    csv.writer(text, lineterminator="\n").writerows((name, round(float(score), 4)) for name, score in pairs)
    write_text(path, text.getvalue())


def write_failures(path: Path, failures: Sequence[Failure]) -> None:
    """A row an image that could not be embedded."""
    header = [field.name for field in fields(Failure)]
    write_rows(path, header, (list(asdict(failure).values()) for failure in failures))
