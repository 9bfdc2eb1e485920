"""The page of a run: how well its detectors do, on whom, against the record alone, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.detectors.calibration import TooFewError
from hybridwing.detectors.threshold import threshold_of
from hybridwing.embeddings.selection import select
from hybridwing.evaluation.bootstrap import MEASURE_TITLES, Uncertainty
from hybridwing.evaluation.intervals import Proportion
from hybridwing.evaluation.metrics import detection_metrics, threshold_at_tnr
from hybridwing.files import write_text
from hybridwing.images.listed import ImageFolder
from hybridwing.report.drawing import svg_of
from hybridwing.report.embedding_map import embedding_map
from hybridwing.report.explained import page_environment
from hybridwing.report.run_figures import draw_classes_scores, draw_curves
from hybridwing.report.wing_drawing import thumbnail
from hybridwing.runs.explaining import Explainer
from hybridwing.runs.training_choice import choice_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.runs.evaluate import Evaluation
    from hybridwing.runs.run import Run

_CONTROL = "record alone"
_RATES = (0.8, 0.9, 0.95, 0.99)
_GALLERY, _THUMBNAIL = 8, 220


@dataclass(frozen=True, eq=False)
class Judged:
    """Labelled images and what the detectors of a run said of them."""

    title: str
    # Shape (n,): empty where a record is not known
    uuids: NDArray[np.str_]
    classes: NDArray[np.str_]
    records: NDArray[np.str_]
    labels: NDArray[np.bool_]  # Shape (n,): whether it is a hybrid
    vectors: NDArray[np.floating]  # Shape (n, d): embeddings; of those that failed, zeros
    scores: dict[str, NDArray[np.float64]]  # Shape (n,): by detector
    uncertainty: Uncertainty
    failures: int = 0  # Images that could not be embedded
    control: NDArray[np.float64] = field(init=False)  # Shape (n,): scores by the record alone

    def __post_init__(self) -> None:
        """Score by the record alone: the share of hybrids among its other images, shrunk towards the share of all."""
        _, record = np.unique(self.records, return_inverse=True)
        hybrids, images = np.bincount(record, self.labels)[record], np.bincount(record)[record]
        control = (hybrids - self.labels + self.labels.mean()) / images
        object.__setattr__(self, "control", control)


def held_out(run: Run) -> Judged:
    """What training held out."""
    knows = Explainer(run)
    own = run.held_out[run.manifest.best_detector]
    table = run.embeddings
    index = table.rows_of(own.uuids)
    metadata = table.metadata
    records = (
        metadata["record"].fillna("").astype(str).to_numpy()[index]
        if metadata is not None and "record" in metadata
        else np.full(len(index), "")
    )
    return Judged(
        f"{len(index)} held-out images of {run.manifest.catalogue_name}",
        np.array(own.uuids),
        np.array([knows.classes[row] or "hybrid" for row in index]),
        records.astype(str),
        own.labels == 1,
        table.vectors[index],
        {name: found.scores for name, found in run.held_out.items()},
        run.uncertainty,
    )


def judged_by(evaluation: Evaluation, embeddings: EmbeddingTable) -> Judged:
    """What an evaluation found."""
    catalogue = evaluation.catalogue
    embeddings = select(embeddings, catalogue)
    rows = embeddings.rows_of([str(uuid) for uuid in catalogue.uuids])
    vectors = np.where((rows >= 0)[:, None], embeddings.vectors[rows], 0)
    return Judged(
        f"{len(catalogue)} images of {catalogue.source.name}",
        catalogue.uuids.astype(str),
        catalogue.classes.astype(str),
        np.array([record or "" for record in catalogue.records]),
        catalogue.labels == 1,
        vectors,
        {name: result.scores for name, result in evaluation.detectors.items()},
        evaluation.uncertainty,
        len(evaluation.failures),
    )


def write_run_report(
    run: Run,
    judged: Judged,
    page: Path,
    *,
    images: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the page of a run as one HTML file that needs nothing beside it; an existing one is replaced in one step.

    `judged` is what `held_out` or `judged_by` gives. With `images`, the folder of the photographs, a
    gallery is shown, and `progress` is called with the number of thumbnails made and of all.
    """
    best = run.manifest.best_detector
    scores, labels = judged.scores[best], judged.labels
    both = bool(labels.any() and not labels.all())
    limit = threshold_at_tnr(scores, labels.astype(np.int8)) if not labels.all() else 1.0
    figures = {}
    if both:
        figures["curves"] = svg_of(draw_curves({**judged.scores, _CONTROL: judged.control}, labels), "curves")
    figures["classes"] = svg_of(draw_classes_scores(scores, labels, judged.classes, limit), "classes")
    text = (
        page_environment()
        .get_template("run.html.j2")
        .render(
            run=run,
            command=choice_of(run.manifest).command(run.manifest.catalogue_name, "PHOTOGRAPHS", run.folder.name),
            judged=judged,
            best=best,
            both=both,
            limit=limit,
            figures=figures,
            measures=[
                name for name in MEASURE_TITLES if any(name in of for of in judged.uncertainty.measures.values())
            ],
            titles=MEASURE_TITLES,
            control=detection_metrics(judged.control, labels.astype(np.int8)) if both else None,
            by_class=[
                (name, int(own.sum()), float(np.median(scores[own])), int((scores[own] > limit).sum()))
                for name in sorted(set(judged.classes))
                for own in [judged.classes == name]
            ],
            by_cross=list(_shares(scores, judged.control, judged.classes[labels], labels, limit, hybrid=True)),
            by_record=list(_shares(scores, judged.control, judged.records[~labels], ~labels, limit, hybrid=False)),
            calibration=list(_calibration(run, best, scores[~labels])),
            map=embedding_map(judged.vectors, judged.uuids, judged.classes, labels, scores),
            gallery=_gallery(judged, scores, limit, images, progress) if images is not None else {},
        )
    )
    write_text(page, text)


def _shares(
    scores: NDArray[np.float64],
    control: NDArray[np.float64],
    names: NDArray[np.str_],
    members: NDArray[np.bool_],
    limit: float,
    *,
    hybrid: bool,
) -> Iterator[tuple[str, Proportion, Proportion]]:
    """By name: images called hybrid by the detector, and by the record alone at the same true-negative rate."""
    others = ~members if hybrid else members
    alone = threshold_at_tnr(control, (~others).astype(np.int8)) if others.any() else 1.0
    own, ruled = scores[members], control[members]
    for name in sorted(set(names)):
        these = names == name
        count = int(these.sum())
        found, known = (int((v[these] > t).sum()) for v, t in ((own, limit), (ruled, alone)))
        yield name or "unknown", Proportion(found, count), Proportion(known, count)


def _calibration(run: Run, best: str, pure: NDArray[np.float64]) -> Iterator[tuple[float, float, Proportion]]:
    """Promised true-negative rate, its threshold, and the non-hybrids that kept to it."""
    for rate in _RATES:
        try:
            value = threshold_of(run.detector(best), rate).value
        except TooFewError:
            continue
        if len(pure):
            yield rate, value, Proportion(int((pure <= value).sum()), len(pure))


def _gallery(
    judged: Judged,
    scores: NDArray[np.float64],
    limit: float,
    images: Path,
    progress: Callable[[int, int], None] | None,
) -> dict[str, list[tuple[str, str, str]]]:
    """Hybrids found, hybrids missed and false alarms: address of the thumbnail, name and what is true of each."""
    order = np.argsort(-scores, kind="stable")
    called = scores[order] > limit
    hybrid = judged.labels[order]
    chosen = {
        "Hybrids ranked first": order[hybrid & called][:_GALLERY],
        "Hybrids missed, the lowest first": order[hybrid & ~called][::-1][:_GALLERY],
        "False alarms, the highest first": order[~hybrid & called][:_GALLERY],
    }
    folder, total, done = ImageFolder(images), sum(len(rows) for rows in chosen.values()), 0
    shown: dict[str, list[tuple[str, str, str]]] = {}
    for title, rows in chosen.items():
        shown[title] = []
        for row in rows:
            done += 1
            if progress is not None:
                progress(done, total)
            uuid = str(judged.uuids[row])
            if address := thumbnail(folder.locate(uuid), _THUMBNAIL):
                shown[title].append((address, uuid, f"{judged.classes[row]}, {scores[row]:.4f}"))
    return shown
