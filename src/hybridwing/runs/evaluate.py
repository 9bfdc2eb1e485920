"""Hold a run against a labelled catalogue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.embeddings.catalogue import embed_catalogue
from hybridwing.embeddings.compute import DEFAULT, Compute
from hybridwing.errors import ScoringError
from hybridwing.evaluation.bootstrap import Uncertainty, challenge_uncertainty, detection_uncertainty
from hybridwing.evaluation.challenge_score import ChallengeScores, challenge_scores
from hybridwing.evaluation.metrics import DetectionMetrics, detection_metrics
from hybridwing.evaluation.resampling import RESAMPLES
from hybridwing.runs.folder import check_new_folder, new_folder
from hybridwing.runs.insight import Insight, insight_of, write_insight
from hybridwing.runs.scoring import backbone_of, check_embeddings, score_images
from hybridwing.runs.tables import (
    write_failures,
    write_intervals,
    write_metrics,
    write_predictions,
    write_rows,
    write_scores,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable, Failure
    from hybridwing.runs.folder import Run, RunManifest

#: The file by which a folder is known to be an evaluation.
EVALUATION = "evaluation.json"
#: All that such a folder holds.
CONTENTS = (
    EVALUATION, "predictions_*.txt", "scores_*.json", "metrics.csv", "challenge.csv", "intervals.csv",
    "differences.csv", "parents.csv", "scores.csv", "failures.csv", "evaluation.png", "evaluation.svg",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class DetectorEvaluation:
    """One detector against one catalogue.

    Attributes
    ----------
    scores : ndarray of shape (n,), float64 in (0, 1)
        In the catalogue's order, four decimals.
    metrics : DetectionMetrics
        Over all images, with the threshold set on them.
    challenge : ChallengeScores or None
        The official scores; None for a catalogue without the groups major, minor and mimic.
    """

    scores: NDArray[np.float64]
    metrics: DetectionMetrics
    challenge: ChallengeScores | None


@dataclass(frozen=True, eq=False)
class Remainder:
    """The same scores on what is left when the images and specimens of another table are taken out.

    Attributes
    ----------
    without : str
        File name of that table.
    n_images, n_hybrids : int
        What is left.
    detectors : dict of str to DetectorEvaluation
    uncertainty : Uncertainty
    """

    without: str
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
    insight : Insight or None
        Which parents the images show, and which are like nothing in training.
    """

    run: RunManifest
    catalogue: Catalogue
    detectors: dict[str, DetectorEvaluation]
    failures: tuple[Failure, ...]
    uncertainty: Uncertainty
    remainder: Remainder | None = None
    insight: Insight | None = None


def evaluate(
    run: Run,
    catalogue: Catalogue,
    images: Path,
    *,
    embeddings: EmbeddingTable | None = None,
    backbone: str | None = None,
    minus: Catalogue | None = None,
    resamples: int = RESAMPLES,
    compute: Compute = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score a labelled catalogue with every detector of a run.

    Parameters
    ----------
    run : Run
    catalogue : Catalogue
        Labelled; the reference form gives the challenge's scores as well.
    images : Path
        Folder that its file names are relative to.
    embeddings : EmbeddingTable, optional
        Made earlier from these images with the run's backbone.
    backbone : str, optional
        Where the run's backbone is now, if its folder was moved.
    minus : Catalogue, optional
        A table whose images and specimens are taken out for a second measurement beside the first: all of the
        challenge's validation table is in its test table, and who has looked at the one has seen a part of the other.
    resamples : int
        Of the bootstrap over specimens.
    compute : Compute
    progress : callable, optional
        Called with the number of images embedded and of all.

    Raises
    ------
    HybridwingError
        Of the kind that fits what is wrong with the input.
    """
    _ = catalogue.labels
    kept = None if minus is None else _kept(catalogue, minus)
    if embeddings is None:
        encoder = backbone_of(run, compute=compute, name=backbone)
        embeddings = embed_catalogue(
            catalogue, images, encoder, cache=compute.cache, options=compute.reading, progress=progress
        )
    check_embeddings(run, embeddings)
    uuids = [str(uuid) for uuid in catalogue.uuids]
    scores = {name: score_images(run.detector(name), embeddings, uuids) for name in run.manifest.detectors}
    results, uncertainty = _measured(catalogue, scores, resamples)
    remainder = None
    if minus is not None and kept is not None:
        left = catalogue.select(kept)
        found = _measured(left, {name: values[kept] for name, values in scores.items()}, resamples)
        remainder = Remainder(minus.source.name, len(left), int(left.labels.sum()), *found)
    wanted = set(uuids)
    failures = tuple(failure for failure in embeddings.failures if failure.uuid in wanted)
    return Evaluation(
        run.manifest, catalogue, results, failures, uncertainty, remainder, insight_of(run, catalogue, embeddings)
    )


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


def check_evaluation_folder(out: Path, *, overwrite: bool = False) -> None:
    """Refuse what :func:`write_evaluation` would refuse, before the images are embedded.

    Raises
    ------
    RunError
        If `out` exists and may not be replaced.
    """
    check_new_folder(out, overwrite=overwrite, mark=EVALUATION, contents=CONTENTS)


def write_evaluation(evaluation: Evaluation, out: Path, *, overwrite: bool = False) -> None:
    """Write an evaluation: predictions in the official form, scores, metrics, failures and a figure.

    Raises
    ------
    RunError
        If `out` exists and may not be replaced, or cannot be written.
    """
    from hybridwing.report.figures import draw_evaluation, save_figure

    uuids = [str(uuid) for uuid in evaluation.catalogue.uuids]
    results = evaluation.detectors
    with new_folder(out, overwrite=overwrite, mark=EVALUATION, contents=CONTENTS) as partial:
        for name, result in results.items():
            write_predictions(partial / f"predictions_{name}.txt", uuids, result.scores)
            if result.challenge is not None:
                (partial / f"scores_{name}.json").write_text(result.challenge.to_json(), encoding="utf-8")
        write_metrics(partial / "metrics.csv", {name: result.metrics for name, result in results.items()})
        official = {name: result.challenge.leaderboard() for name, result in results.items() if result.challenge}
        if official:
            columns = list(next(iter(official.values())))
            rows = ([name, *record.values()] for name, record in official.items())
            write_rows(partial / "challenge.csv", ["detector", *columns], rows)
        found = {"": evaluation.uncertainty}
        if evaluation.remainder is not None:
            found[evaluation.remainder.without] = evaluation.remainder.uncertainty
        write_intervals(partial / "intervals.csv", partial / "differences.csv", found)
        if evaluation.insight is not None:
            write_insight(partial / "parents.csv", evaluation.catalogue, evaluation.insight)
        scores = {name: result.scores for name, result in results.items()}
        write_scores(partial / "scores.csv", uuids, evaluation.catalogue.labels, scores)
        write_failures(partial / "failures.csv", evaluation.failures)
        summary = {
            "catalogue": evaluation.catalogue.source.name,
            "catalogue_sha256": evaluation.catalogue.sha256,
            "n_images": len(uuids),
            "n_failed": len(evaluation.failures),
            "challenge": official,
            "uncertainty": _summary(evaluation.uncertainty),
            "remainder": None if evaluation.remainder is None else _summary_of_remainder(evaluation.remainder),
            "insight": None if evaluation.insight is None else evaluation.insight.summary(),
            "run": evaluation.run.to_dict(),
        }
        (partial / EVALUATION).write_text(json.dumps(summary, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        save_figure(draw_evaluation(evaluation), partial / "evaluation")


def _summary(uncertainty: Uncertainty) -> dict[str, object]:
    """JSON values of the measures; the differences have their table."""
    return {
        "resamples": uncertainty.resamples,
        "level": uncertainty.level,
        "specimens": uncertainty.specimens,
        "measures": {
            detector: {name: [e.value, e.interval.low, e.interval.high] for name, e in measures.items()}
            for detector, measures in uncertainty.measures.items()
        },
    }


def _summary_of_remainder(remainder: Remainder) -> dict[str, object]:
    return {
        "without": remainder.without,
        "n_images": remainder.n_images,
        "n_hybrids": remainder.n_hybrids,
        **_summary(remainder.uncertainty),
    }
