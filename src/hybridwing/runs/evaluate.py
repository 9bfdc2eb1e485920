"""Hold a run against a labelled catalogue."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from hybridwing.embeddings.catalogue import embed_catalogue
from hybridwing.embeddings.compute import DEFAULT, Compute
from hybridwing.evaluation.challenge_score import ChallengeScores, challenge_scores
from hybridwing.evaluation.metrics import DetectionMetrics, detection_metrics
from hybridwing.runs.folder import check_new_folder, new_folder
from hybridwing.runs.scoring import backbone_of, check_embeddings, score_images
from hybridwing.runs.tables import write_failures, write_metrics, write_predictions, write_rows, write_scores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable, Failure
    from hybridwing.runs.folder import Run, RunManifest

#: The file by which a folder is known to be an evaluation.
EVALUATION = "evaluation.json"
#: All that such a folder holds.
CONTENTS = (
    EVALUATION, "predictions_*.txt", "scores_*.json", "metrics.csv", "challenge.csv", "scores.csv", "failures.csv",
    "evaluation.png", "evaluation.svg",
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
    """

    run: RunManifest
    catalogue: Catalogue
    detectors: dict[str, DetectorEvaluation]
    failures: tuple[Failure, ...]


def evaluate(
    run: Run,
    catalogue: Catalogue,
    images: Path,
    *,
    embeddings: EmbeddingTable | None = None,
    backbone: str | None = None,
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
    compute : Compute
    progress : callable, optional
        Called with the number of images embedded and of all.

    Raises
    ------
    HybridwingError
        Of the kind that fits what is wrong with the input.
    """
    labels = catalogue.labels
    if embeddings is None:
        encoder = backbone_of(run, compute=compute, name=backbone)
        embeddings = embed_catalogue(catalogue, images, encoder, cache=compute.cache, progress=progress)
    check_embeddings(run, embeddings)
    uuids = [str(uuid) for uuid in catalogue.uuids]
    groups = catalogue.groups
    official = {"major", "minor", "mimic"} == set(groups)
    results = {}
    for name in run.manifest.detectors:
        scores = score_images(run.detector(name), embeddings, uuids)
        challenge = challenge_scores(scores, labels, groups) if official else None
        results[name] = DetectorEvaluation(scores, detection_metrics(scores, labels), challenge)
    wanted = set(uuids)
    failures = tuple(failure for failure in embeddings.failures if failure.uuid in wanted)
    return Evaluation(run.manifest, catalogue, results, failures)


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
        scores = {name: result.scores for name, result in results.items()}
        write_scores(partial / "scores.csv", uuids, evaluation.catalogue.labels, scores)
        write_failures(partial / "failures.csv", evaluation.failures)
        summary = {
            "catalogue": evaluation.catalogue.source.name,
            "catalogue_sha256": evaluation.catalogue.sha256,
            "n_images": len(uuids),
            "n_failed": len(evaluation.failures),
            "challenge": official,
            "run": asdict(evaluation.run),
        }
        (partial / EVALUATION).write_text(json.dumps(summary, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        save_figure(draw_evaluation(evaluation), partial / "evaluation")
