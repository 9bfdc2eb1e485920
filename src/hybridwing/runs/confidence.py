"""What a run keeps besides its detectors so that predictions say what they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.catalogue.names import named
from hybridwing.explain.parent_fitting import fit_parent_model
from hybridwing.explain.parents import ParentModel, read_parents
from hybridwing.explain.pattern_columns import is_pattern
from hybridwing.explain.typicality import Typicality, read_typicality
from hybridwing.explain.typicality_fitting import Images, fit_typicality
from hybridwing.runs.folder import PARENTS, SCORES, TYPICALITY
from hybridwing.runs.tables import read_scores

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.runs.saved_run import SavedRun


@dataclass(frozen=True, eq=False)
class Confidence:
    """What a run knows beyond scores; None for what it was not trained to know."""

    typicality: Typicality | None
    parents: ParentModel | None

    @property
    def lacking(self) -> tuple[str, ...]:
        """What the run cannot say, in words."""
        absent = []
        if self.typicality is None:
            absent.append("whether an image looks like anything in training (every image gets a verdict)")
        if self.parents is None:
            absent.append("which parents an image shows")
        return tuple(absent)


def write_typicality(
    folder: Path,
    seen: tuple[Catalogue, NDArray[np.float32]],
    unseen: tuple[Catalogue, NDArray[np.float32]],
    embeddings: EmbeddingTable,
) -> None:
    """Learn and write what images look like.

    `seen` are images to learn from, `unseen` others that set the limits, each with embeddings of shape (n, d).
    `embeddings` are those of the whole catalogue: they tell how often the view asked for was not found, or was in
    doubt.
    """
    catalogue, vectors = seen
    trained = {str(uuid) for uuid in catalogue.uuids}
    typicality = fit_typicality(
        Images(vectors, _undersides(catalogue)),
        Images(unseen[1], _undersides(unseen[0])),
        regions=embeddings.backbone.region_widths,
        is_pattern=is_pattern(embeddings.backbone),
        fallbacks=sum(not one.doubt and one.uuid in trained for one in embeddings.fallbacks),
        doubts=sum(bool(one.doubt) and one.uuid in trained for one in embeddings.fallbacks),
    )
    typicality.write(folder / TYPICALITY)


def write_parents(folder: Path, catalogue: Catalogue, vectors: NDArray[np.float32], backbone: BackboneSpec) -> None:
    """Learn and write the subspecies, where two or more are known."""
    model = fit_parent_model(vectors, named(catalogue).subspecies.tolist(), backbone.traits)
    if model is not None:
        model.write(folder / PARENTS)


def _undersides(catalogue: Catalogue) -> NDArray[np.bool_]:
    """Which images are known to show an underside."""
    return (catalogue.table["side"] == "ventral").fillna(value=False).to_numpy(dtype=bool)


def read_confidence(run: SavedRun) -> Confidence:
    """Read what a run knows beyond scores. Raises RunError if a file is damaged or belongs to another run."""
    dimension = run.manifest.backbone.dimension
    return Confidence(
        read_typicality(run.folder / TYPICALITY, dimension), read_parents(run.folder / PARENTS, dimension)
    )


def held_out_hybrids(run: SavedRun, detector: str) -> list[float]:
    """Scores of the held-out hybrids by one detector. Raises RunError if the run's table of scores cannot be read."""
    found = read_scores(run.folder / SCORES, detector)
    return [float(score) for score in found.scores[found.labels == 1]]
