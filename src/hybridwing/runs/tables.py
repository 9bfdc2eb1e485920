"""The CSV files of runs and evaluations, so that a column means the same everywhere."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridwing.catalogue.darwin_core import darwin_core
from hybridwing.catalogue.metadata import own_columns
from hybridwing.csv_files import read_rows, write_rows
from hybridwing.embeddings.table import Failure
from hybridwing.errors import RunError
from hybridwing.evaluation.metrics import DetectionMetrics
from hybridwing.files import write_text
from hybridwing.result_files import write_results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.evaluation.bootstrap import Uncertainty


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageRows:
    """A table with a row for each image, failures last; a subclass gives the columns and the rows.

    Attributes
    ----------
    run : str
        Folder of the run that judged.
    catalogue : Catalogue or None
        What a table says of the images, row for row.
    notes : tuple of str
        Limits that could not be applied, in words.
    """

    _columns: ClassVar[tuple[str, ...]]
    _beside: ClassVar[int]
    """Place among the columns at which those of the table stand."""

    run: str = ""
    catalogue: Catalogue | None = None
    notes: tuple[str, ...] = ()

    def _rows(self) -> list[Sequence[object]]:
        raise NotImplementedError

    def to_frame(self) -> pd.DataFrame:
        """The rows as pandas has them, what is not known empty.

        The columns are those of the module's ``COLUMNS``, and beside the verdict those of the specimens' table by
        their own names; one that is called as one of ours has `` (table)`` after it.
        """
        return self._frame().infer_objects()

    def _frame(self) -> pd.DataFrame:
        """The same as objects, which also hold file names that are not Unicode."""
        import pandas as pd

        frame = pd.DataFrame(self._rows(), columns=list(self._columns), dtype=object).replace("", None)
        if self.catalogue is None:
            return frame
        known = own_columns(self.catalogue, taken=self._columns)
        return pd.concat([frame.iloc[:, : self._beside], known, frame.iloc[:, self._beside :]], axis=1)

    def write(self, path: Path | str, *, dwc: bool = False) -> None:
        """Write what `to_frame` gives, as the ending says: ``.csv``, ``.xlsx`` or ``.parquet``.

        Parameters
        ----------
        path : Path or str
            See `hybridwing.result_files.write_results`; `hybridwing.csv_files.read_cell` reads a cell that
            looks like a formula.
        dwc : bool
            Write identifications in Darwin Core instead, see `hybridwing.catalogue.darwin_core.darwin_core`.

        Raises
        ------
        HybridwingError
            If the ending is none of these, or the file cannot be written.
        """
        frame = self._frame()
        if dwc:
            frame = darwin_core(frame, self.catalogue, run=self.run)
        write_results(Path(path), list(map(str, frame.columns)), frame.to_numpy(dtype=object).tolist())


def write_metrics(path: Path, metrics: Mapping[str, DetectionMetrics]) -> None:
    """A row a detector; the columns are the attributes of `DetectionMetrics`, empty where not measured."""
    header = ["detector", *(field.name for field in fields(DetectionMetrics))]
    rows = (
        [name, *("" if key in values.unmeasured() else value for key, value in asdict(values).items())]
        for name, values in metrics.items()
    )
    write_rows(path, header, rows)


def read_metrics(path: Path) -> dict[str, DetectionMetrics]:
    """What `write_metrics` wrote. Raises RunError if the file cannot be read."""
    kinds = {field.name: str(field.type) for field in fields(DetectionMetrics)}
    return {
        row.pop("detector"): DetectionMetrics(
            **{name: (int if kinds[name] == "int" else float)(value or "nan") for name, value in row.items()}  # type: ignore[arg-type]
        )
        for row in _rows_of(path)
    }


def read_failures(path: Path) -> tuple[Failure, ...]:
    """What `write_failures` wrote. Raises RunError if the file cannot be read."""
    return tuple(Failure(**row) for row in _rows_of(path))


def _rows_of(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(read_rows(file))
    except (OSError, ValueError, csv.Error) as error:
        raise RunError(f"{path} cannot be read: {error}; train again") from error


def write_intervals(measures: Path, differences: Path, found: Mapping[str, Uncertainty]) -> None:
    """Write measures of detectors, and differences of two, with intervals; by the name of the table taken out."""
    write_rows(
        measures,
        ("detector", "without", "measure", "value", "low", "high"),
        (
            (detector, without, measure, *estimate.cells)
            for without, uncertainty in found.items()
            for detector, estimates in uncertainty.measures.items()
            for measure, estimate in estimates.items()
        ),
    )
    write_rows(
        differences,
        ("first", "second", "without", "measure", "difference", "low", "high"),
        (
            (*pair, without, measure, *estimate.cells)
            for without, uncertainty in found.items()
            for pair, estimates in uncertainty.differences.items()
            for measure, estimate in estimates.items()
        ),
    )


def write_scores(
    path: Path,
    uuids: Sequence[str],
    specimens: Sequence[str],
    labels: NDArray[np.int8],
    scores: Mapping[str, NDArray[np.float64]],
) -> None:
    """A row an image and detector: detector, uuid, specimen, score, label (1 = hybrid)."""
    write_rows(
        path,
        ("detector", "uuid", "specimen", "score", "label"),
        (
            (name, uuid, specimen, float(score), int(label))
            for name, values in scores.items()
            for uuid, specimen, score, label in zip(uuids, specimens, values, labels, strict=True)
        ),
    )


@dataclass(frozen=True, eq=False)
class HeldOutImages:
    """What one detector of a run said of the images that training held out."""

    uuids: tuple[str, ...]
    scores: NDArray[np.float64]
    labels: NDArray[np.int8]  # 1 for a hybrid
    specimens: tuple[str, ...]


def read_scores(path: Path, detector: str) -> HeldOutImages:
    """Read the rows of one detector from what `write_scores` wrote.

    Raises RunError if the file is missing or damaged.
    """
    try:
        rows = [row for row in _rows_of(path) if row["detector"] == detector]
        return HeldOutImages(
            tuple(row["uuid"] for row in rows),
            np.array([float(row["score"]) for row in rows]),
            np.array([int(row["label"]) for row in rows], dtype=np.int8),
            tuple(row["specimen"] for row in rows),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} cannot be read: {error}; train again") from error


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
