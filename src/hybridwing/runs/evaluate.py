"""Hold a run against a labelled catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.readers import as_catalogue
from hybridwing.embeddings.selection import as_embeddings, require_same_backbone, select
from hybridwing.errors import ScoringError
from hybridwing.evaluation.bootstrap import Uncertainty, challenge_uncertainty, detection_uncertainty
from hybridwing.evaluation.challenge_score import ChallengeScores, challenge_scores
from hybridwing.evaluation.metrics import DetectionMetrics, detection_metrics
from hybridwing.evaluation.resampling import RESAMPLES
from hybridwing.runs.parentage import EvaluatedParentage, evaluated_parentage
from hybridwing.runs.scoring import score_images

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from hybridwing.catalogue.readers import TableLike
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable, Failure
    from hybridwing.runs.folder import RunManifest
    from hybridwing.runs.saved_run import SavedRun


@dataclass(frozen=True, eq=False)
class DetectorEvaluation:
    """One detector against one catalogue."""

    scores: NDArray[np.float64]  # Shape (n,); in (0, 1): in the catalogue's order, four decimals
    metrics: DetectionMetrics  # Over all images, with the threshold set on them
    # The official scores; None for a catalogue without the groups major, minor and mimic
    challenge: ChallengeScores | None


@dataclass(frozen=True, eq=False)
class Remainder:
    """The same scores on what is left when the images and specimens of another table are taken out."""

    without: str  # File name of that table
    # What is left
    n_images: int
    n_hybrids: int
    detectors: dict[str, DetectorEvaluation]
    uncertainty: Uncertainty


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A run against a catalogue.

    Attributes
    ----------
    run : RunManifest
        What was evaluated.
    catalogue : Catalogue
    detectors : dict of str to DetectorEvaluation
    failures : tuple of Failure
        Images that could not be embedded; they were scored as a typical training specimen.
    uncertainty : Uncertainty
        Intervals of the challenge's measures, or of the detection metrics, and differences between the detectors.
    remainder : Remainder or None
        Without the images of another table, if one was to be taken out.
    parentage : EvaluatedParentage or None
        Which parents the images show, and which are like nothing in training.
    """

    run: RunManifest
    catalogue: Catalogue
    detectors: dict[str, DetectorEvaluation]
    failures: tuple[Failure, ...]
    uncertainty: Uncertainty
    remainder: Remainder | None = None
    parentage: EvaluatedParentage | None = None

    def to_frame(self) -> pd.DataFrame:
        """A row a detector and measure: ``detector``, ``measure``, ``value``, and the interval, ``low`` to ``high``."""
        import pandas as pd

        rows = [
            (detector, name, *found.cells)
            for detector, measures in self.uncertainty.measures.items()
            for name, found in measures.items()
        ]
        return pd.DataFrame(rows, columns=["detector", "measure", "value", "low", "high"])


def evaluate(
    run: SavedRun,
    catalogue: TableLike,
    embeddings: EmbeddingTable | Path | str,
    *,
    minus: TableLike | None = None,
    resamples: int = RESAMPLES,
) -> Evaluation:
    """Score a labelled catalogue with every detector of a run.

    Parameters
    ----------
    run : SavedRun
        What `hw.train` or `hw.load_run` gave.
    catalogue : Catalogue, path or data frame
        Labelled; the reference form gives the challenge's scores as well.
    embeddings : EmbeddingTable or path
        Of the catalogue's images, and maybe more, by the run's backbone.
    minus : Catalogue, path or data frame, optional
        A table whose images and specimens are taken out for a second measurement beside the first: all of the
        challenge's validation table is in its test table, and who has looked at the one has seen a part of the other.
    resamples : int
        Of the bootstrap over specimens.

    Raises
    ------
    HybridwingError
        Of the kind that fits what is wrong with the input.

    Examples
    --------
    >>> run = hw.load_run(example_run)
    >>> reference = hw.read_catalogue(collection.ref_val)
    >>> found = evaluate(run, reference, run.embed(reference, collection.images), resamples=100)
    >>> sorted(found.detectors)
    ['svm']
    """
    catalogue = as_catalogue(catalogue)
    _ = catalogue.labels
    taken_out = None if minus is None else as_catalogue(minus)
    kept = None if taken_out is None else _kept(catalogue, taken_out)
    embeddings = select(as_embeddings(embeddings), catalogue)
    scores = scores_of(run, catalogue, embeddings)
    results, uncertainty = _measured(catalogue, scores, resamples)
    remainder = None
    if taken_out is not None and kept is not None:
        left = catalogue.select(kept)
        found = _measured(left, {name: values[kept] for name, values in scores.items()}, resamples)
        remainder = Remainder(taken_out.source.name, len(left), int(left.labels.sum()), *found)
    parentage = evaluated_parentage(run, catalogue, embeddings)
    return Evaluation(run.manifest, catalogue, results, embeddings.failures, uncertainty, remainder, parentage)


def scores_of(run: SavedRun, catalogue: Catalogue, embeddings: EmbeddingTable) -> dict[str, NDArray[np.float64]]:
    """Scores of a catalogue's images by every detector of a run, in the catalogue's order.

    Raises EmbeddingError if the embeddings are not by the run's backbone, or of other images.
    """
    require_same_backbone(embeddings.backbone, run.manifest.backbone, f"the run {run.folder}")
    uuids = [str(uuid) for uuid in catalogue.uuids]
    return {name: score_images(run.detector(name), embeddings, uuids) for name in run.manifest.detectors}


def _measured(
    catalogue: Catalogue, scores: dict[str, NDArray[np.float64]], resamples: int
) -> tuple[dict[str, DetectorEvaluation], Uncertainty]:
    """Measures of every detector, official ones where the table has the challenge's groups, with intervals."""
    labels, groups, specimens = catalogue.labels, catalogue.groups, catalogue.specimens
    official = {"major", "minor", "mimic"} == set(groups)
    results = {
        name: DetectorEvaluation(
            values, detection_metrics(values, labels), challenge_scores(values, labels, groups) if official else None
        )
        for name, values in scores.items()
    }
    if official:
        return results, challenge_uncertainty(scores, labels, groups, specimens, resamples=resamples)
    return results, detection_uncertainty(scores, labels, specimens, resamples=resamples)


def _kept(catalogue: Catalogue, minus: Catalogue) -> NDArray[np.intp]:
    """Rows of images that are not in another table and show no specimen of it."""
    files, specimens = set(minus.uuids), set(minus.specimens)
    kept = [
        row
        for row, (uuid, specimen) in enumerate(zip(catalogue.uuids, catalogue.specimens, strict=True))
        if uuid not in files and specimen not in specimens
    ]
    for count, what in ((len(catalogue) - len(kept), "is in"), (len(kept), "is left without")):
        if not count:
            raise ScoringError(f"{catalogue.source}: no image {what} {minus.source}; is that the table to take out?")
    return np.array(kept, dtype=np.intp)
