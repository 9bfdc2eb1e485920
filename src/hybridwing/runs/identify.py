"""Name the subspecies, or the two parents, that photographs show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.errors import RunError
from hybridwing.runs.confidence import read_confidence
from hybridwing.runs.predict import NAMES, embedded_by, name_cells
from hybridwing.runs.tables import ImageRows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hybridwing.backbones.request import Backbone
    from hybridwing.embeddings.embed import Source
    from hybridwing.embeddings.table import EmbeddingTable, Failure
    from hybridwing.explain.parents import Looks
    from hybridwing.runs.run import Run

COLUMNS = ("path", "name", "two_parents_probability", *NAMES, "reason", "failure")
"""Columns of a written identification."""

UNLIKE = "unlike all of them"
"""The name of what shows neither a known subspecies nor two."""


@dataclass(frozen=True)
class Identification:
    """What one image shows.

    Attributes
    ----------
    path : Path
    looks : Looks
        The likeliest subspecies and the likeliest parents.
    reason : str
        What makes the image unlike those in training; empty where it is like them.
    """

    path: Path
    looks: Looks
    reason: str

    @property
    def is_cross(self) -> bool:
        """Whether two parents are more probable than one subspecies."""
        return self.looks.two_parents > 0.5

    @property
    def name(self) -> str:
        """The subspecies, the two parents with an ``x`` between, or ``"unlike all of them"``."""
        if self.reason:
            return UNLIKE
        return " x ".join(self.looks.parents) if self.is_cross else self.looks.identities[0][0]


@dataclass(frozen=True)
class Identifications(ImageRows):
    """What photographs show, in the order given.

    Attributes
    ----------
    images : tuple of Identification
    failures : tuple of Failure
        Images that could not be embedded, with the reason.
    left_out : tuple of Path
        Files in searched folders whose names do not end as photographs' do.
    """

    images: tuple[Identification, ...]
    failures: tuple[Failure, ...]
    left_out: tuple[Path, ...]

    _columns = COLUMNS

    def _rows(self) -> list[Sequence[object]]:
        rows: list[Sequence[object]] = [
            (
                *(str(image.path), image.name, round(image.looks.two_parents, 4)),
                *name_cells(None if image.reason else image.looks, is_cross=image.is_cross),
                *(image.reason, ""),
            )
            for image in self.images
        ]
        unknown = ("",) * (len(COLUMNS) - 2)
        return [*rows, *((f.path, *unknown, f"{f.stage}: {f.reason}") for f in self.failures)]


def identify(
    run: Run,
    source: Source | EmbeddingTable,
    *,
    backbone: Backbone | str | None = None,
    compute: Compute = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> Identifications:
    """Name the subspecies that photographs show, or the two parents, or neither.

    Parameters
    ----------
    run : Run
        Trained on two or more named subspecies.
    source, backbone, compute, progress
        As for :func:`hybridwing.runs.predict.predict`.

    Raises
    ------
    RunError
        If the run knows fewer than two subspecies.
    HybridwingError
        If there are no images, none could be read, or embeddings are of another backbone.

    Examples
    --------
    >>> run = hw.load_run(example_run)
    >>> found = identify(run, run.embeddings)
    >>> list(found.to_frame().columns[:2])
    ['path', 'name']
    """
    knows = read_confidence(run)
    if knows.parents is None:
        raise RunError(
            f"{run.folder} cannot name subspecies: its table names fewer than two, or one image of each; train on a "
            "table with a column of subspecies"
        )
    table, paths, left_out = embedded_by(run, source, backbone, compute, progress)
    reasons = [""] * len(table) if knows.typicality is None else knows.typicality.reasons(table)
    looks = knows.parents.looks(table.vectors)
    images = tuple(
        Identification(paths[uuid], shown, reason)
        for uuid, shown, reason in zip(table.uuids, looks, reasons, strict=True)
    )
    return Identifications(images, table.failures, left_out)
