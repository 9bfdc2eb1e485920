"""Name the subspecies, or the two parents, that photographs show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.errors import RunError
from hybridwing.runs.candidates import candidates_of
from hybridwing.runs.confidence import read_confidence
from hybridwing.runs.drawer import look_into
from hybridwing.runs.predict import NAMES, name_cells
from hybridwing.runs.tables import ImageRows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hybridwing.embeddings.embed import Source
    from hybridwing.embeddings.table import EmbeddingTable, Failure
    from hybridwing.explain.parents import Looks
    from hybridwing.runs.saved_run import SavedRun

COLUMNS = ("path", "name", "two_parents_probability", *NAMES, "reason", "failure")
"""Columns of a written identification."""

UNLIKE = "unlike all of them"
"""The name of an image that shows neither a known subspecies nor a cross of two."""


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

    @property
    def probability(self) -> float:
        """Probability of the name, among all subspecies or all pairs; 0 for an image that is unlike all of them."""
        if self.reason:
            return 0.0
        return self.looks.probability if self.is_cross else self.looks.identities[0][1]


@dataclass(frozen=True, eq=False)
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
    _beside = 3

    def others(self) -> list[tuple[Identification, str]]:
        """Images that look like another subspecies or cross than the table says, the surest first, and what it says."""
        if self.catalogue is None:
            return []
        known = zip(self.images, self.catalogue.table["cross"].fillna(self.catalogue.table["subspecies"]), strict=False)
        found = [(image, str(name)) for image, name in known if isinstance(name, str) and name != image.name]
        return sorted(found, key=lambda pair: -pair[0].probability)

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
    run: SavedRun,
    source: Source | EmbeddingTable,
    images: Path | str | EmbeddingTable | None = None,
    *,
    candidates: str | Sequence[str] = "species",
    compute: Compute = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> Identifications:
    """Name the subspecies that photographs show, or the two parents, or neither.

    The arguments are those of `hybridwing.runs.predict.predict`; the run was trained on two or more named subspecies.

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
    asked = candidates_of(run, knows.parents, candidates)
    drawer = look_into(run, source, images, compute, progress)
    table = drawer.embeddings
    possible = asked.possible(len(table), drawer.embedded)
    reasons = [""] * len(table) if knows.typicality is None else knows.typicality.reasons(table)
    looks = knows.parents.looks(table.vectors, (possible.subspecies, possible.pairs))
    named = tuple(
        Identification(drawer.paths[uuid], shown, reason or strange)
        for uuid, shown, reason, strange in zip(table.uuids, looks, reasons, possible.strange, strict=True)
    )
    return Identifications(
        named, table.failures, drawer.left_out,
        run=str(run.folder), catalogue=drawer.rows(table.uuids), notes=possible.notes,
    )  # fmt: skip
