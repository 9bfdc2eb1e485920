"""What a run says of the parents of a labelled catalogue's images, and which are like nothing in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.catalogue.names import named
from hybridwing.csv_files import write_rows
from hybridwing.evaluation.intervals import Proportion
from hybridwing.runs.confidence import read_confidence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.explain.parents import Parentage
    from hybridwing.runs.saved_run import SavedRun


@dataclass(frozen=True)
class EvaluatedParentage:
    """Parents of every image of a catalogue, and the images that are like nothing in training, in its order."""

    parentages: tuple[Parentage | None, ...]  # None for an image without an embedding, and where the run cannot tell
    # Why an image is like nothing in training; empty where it is like something, and where the run cannot tell; None
    # for an image without an embedding
    reasons: tuple[str | None, ...]
    # The subspecies of a non-hybrid, the two parents of a hybrid, sorted; empty where they are not known, or not
    # among the subspecies of the training.
    truths: tuple[tuple[str, ...], ...]
    lacking: tuple[str, ...]  # What the run cannot say, in words

    def agreement(self) -> Iterator[tuple[str, Proportion]]:
        """How often the parents were right, in words and counts, for hybrids and for non-hybrids if there are any."""
        pairs = [(p, t) for p, t in zip(self.parentages, self.truths, strict=True) if p is not None and t]
        hybrids = [(p, t) for p, t in pairs if len(t) == 2]
        others = [(p, t) for p, t in pairs if len(t) == 1]
        for what, images, right in (
            ("hybrids that are said to have two parents", hybrids, lambda p, _: len(p.parents) == 2),
            ("hybrids of which both parents are right", hybrids, lambda p, t: p.parents == t),
            ("hybrids of which a parent is right", hybrids, lambda p, t: bool({*p.parents} & {*t})),
            ("non-hybrids said to be of their subspecies alone", others, lambda p, t: p.parents == t),
        ):
            if images:
                yield what, Proportion(sum(bool(right(p, t)) for p, t in images), len(images))

    def summary(self) -> dict[str, object]:
        """Counts for JSON."""
        return {
            "agreement": {what: [found.count, found.total] for what, found in self.agreement()},
            "unlike_training": sum(bool(reason) for reason in self.reasons),
            "lacking": list(self.lacking),
        }


def evaluated_parentage(run: SavedRun, catalogue: Catalogue, embeddings: EmbeddingTable) -> EvaluatedParentage:
    """What a run says of a catalogue's images. Raises RunError if a file of the run is damaged."""
    knows = read_confidence(run)
    rows = embeddings.rows_of([str(uuid) for uuid in catalogue.uuids])
    strange = [""] * len(embeddings) if knows.typicality is None else knows.typicality.reasons(embeddings)
    parents = [None] * len(embeddings) if knows.parents is None else knows.parents.parentage(embeddings.vectors)
    table = named(catalogue)
    known = set() if knows.parents is None else set(knows.parents.names)
    truths = (
        (str(own),) if own is not None else tuple(sorted(pair)) if pair else ()
        for own, pair in zip(table.subspecies, table.parent_pairs, strict=True)
    )
    return EvaluatedParentage(
        tuple(parents[row] if row >= 0 else None for row in rows),
        tuple(strange[row] if row >= 0 else None for row in rows),
        tuple(truth if known.issuperset(truth) else () for truth in truths),
        knows.lacking,
    )


def write_parentage(path: Path, catalogue: Catalogue, parentage: EvaluatedParentage) -> None:
    """Write a row for each image: its parents with their probability, the hybrid index, the truth, what is unusual."""
    header = (
        "uuid", "parent_1", "parent_2", "parent_probability", "two_parents_probability", "hybrid_index",
        "hybrid_index_low", "hybrid_index_high", "true_parents", "unlike_training",
    )  # fmt: skip
    rows = zip(catalogue.uuids, parentage.parentages, parentage.truths, parentage.reasons, strict=True)
    write_rows(path, header, ((uuid, *_cells(found), " x ".join(truth), reason) for uuid, found, truth, reason in rows))


def _cells(found: Parentage | None) -> tuple[object, ...]:
    if found is None:
        return ("",) * 7
    first, second = (*found.parents, "")[:2]
    interval = found.interval
    return first, second, found.probability, found.two_parents, found.hybrid_index, interval.low, interval.high
