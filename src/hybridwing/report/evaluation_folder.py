"""The folder of an evaluation: predictions in the official form, scores with intervals, failures and a figure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hybridwing.csv_files import write_rows
from hybridwing.files import write_text
from hybridwing.folders import check_new_folder, new_folder
from hybridwing.report.figures import draw_evaluation, save_figure
from hybridwing.runs.parentage import write_parentage
from hybridwing.runs.tables import (
    write_failures,
    write_intervals,
    write_metrics,
    write_predictions,
    write_scores,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.evaluation.bootstrap import Uncertainty
    from hybridwing.runs.evaluate import Evaluation, Remainder

#: The file by which a folder is known to be an evaluation.
EVALUATION = "evaluation.json"
#: All that such a folder holds.
CONTENTS = (
    EVALUATION, "predictions_*.txt", "scores_*.json", "metrics.csv", "challenge.csv", "intervals.csv",
    "differences.csv", "parents.csv", "scores.csv", "failures.csv", "evaluation.png", "evaluation.svg",
)  # fmt: skip


def check_evaluation_folder(out: Path, *, overwrite: bool = False) -> None:
    """Refuse what `write_evaluation` would refuse, before the images are embedded.

    Raises RunError if `out` exists and may not be replaced.
    """
    check_new_folder(out, overwrite=overwrite, mark=EVALUATION, contents=CONTENTS)


def write_evaluation(evaluation: Evaluation, out: Path, *, overwrite: bool = False) -> None:
    """Write an evaluation: predictions in the official form, scores, metrics, failures and a figure.

    Raises RunError if `out` exists and may not be replaced, or cannot be written.
    """
    uuids = [str(uuid) for uuid in evaluation.catalogue.uuids]
    results = evaluation.detectors
    with new_folder(out, overwrite=overwrite, mark=EVALUATION, contents=CONTENTS) as partial:
        for name, result in results.items():
            write_predictions(partial / f"predictions_{name}.txt", uuids, result.scores)
            if result.challenge is not None:
                write_text(partial / f"scores_{name}.json", result.challenge.to_json())
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
        if evaluation.parentage is not None:
            write_parentage(partial / "parents.csv", evaluation.catalogue, evaluation.parentage)
        scores = {name: result.scores for name, result in results.items()}
        specimens = evaluation.catalogue.specimens.astype(str).tolist()
        write_scores(partial / "scores.csv", uuids, specimens, evaluation.catalogue.labels, scores)
        write_failures(partial / "failures.csv", evaluation.failures)
        summary = {
            "catalogue": evaluation.catalogue.source.name,
            "catalogue_sha256": evaluation.catalogue.sha256,
            "n_images": len(uuids),
            "n_failed": len(evaluation.failures),
            "challenge": official,
            "uncertainty": _summary(evaluation.uncertainty),
            "remainder": None if evaluation.remainder is None else _summary_of_remainder(evaluation.remainder),
            "parentage": None if evaluation.parentage is None else evaluation.parentage.summary(),
            "run": evaluation.run.to_dict(),
        }
        write_text(partial / EVALUATION, json.dumps(summary, indent=2, sort_keys=True) + "\n")
        save_figure(draw_evaluation(evaluation), partial / "evaluation")


def _summary(uncertainty: Uncertainty) -> dict[str, object]:
    """JSON values of the measures; the differences have their table."""
    return {
        "resamples": uncertainty.resamples,
        "level": uncertainty.level,
        "specimens": uncertainty.specimens,
        "measures": {
            detector: {name: list(estimate.cells) for name, estimate in measures.items()}
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
