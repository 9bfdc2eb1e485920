"""Hold detectors to an honest protocol on one labelled catalogue: nothing is left out silently, nothing is tuned."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.detectors.registry import detector_names, make_detector
from hybridwing.embeddings.catalogue import embed_catalogue
from hybridwing.embeddings.compute import DEFAULT, Compute
from hybridwing.errors import DetectorError, EmbeddingError
from hybridwing.evaluation.resampling import RESAMPLES
from hybridwing.runs.folder import check_new_folder, new_folder
from hybridwing.runs.tables import write_failures, write_rows
from hybridwing.validation.held_out import HeldOutScores, held_out_scores, record_only_scores
from hybridwing.validation.protocols import PARTS, Protocol, folds
from hybridwing.validation.report import ProtocolReport, protocol_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable, Failure
    from hybridwing.evaluation.intervals import Estimate

#: The file by which a folder is known to be a validation, and all that such a folder holds.
VALIDATION = "validation.json"
CONTENTS = (VALIDATION, "validation.csv", "differences.csv", "scores.csv", "failures.csv")


@dataclass(frozen=True, eq=False)
class Validation:
    """What a protocol found.

    Attributes
    ----------
    protocol : {"cross", "subspecies", "record", "specimen"}
    catalogue : Catalogue
        The images that have an embedding.
    backbone : BackboneSpec
    report : ProtocolReport
        Every detector and the record alone.
    scores : tuple of HeldOutScores
        Out of fold, by scorer.
    failures : tuple of Failure
        Images without an embedding; they were left out.
    seed, parts : int
    record_weights : bool
        Whether the detectors that can weighed specimens by their records.
    """

    protocol: Protocol
    catalogue: Catalogue
    backbone: BackboneSpec
    report: ProtocolReport
    scores: tuple[HeldOutScores, ...]
    failures: tuple[Failure, ...]
    seed: int
    parts: int
    record_weights: bool = True


def validate(
    catalogue: Catalogue,
    images: Path,
    *,
    protocol: Protocol = "cross",
    backbone: str = "pattern",
    detectors: Sequence[str] = ("svm",),
    seed: int = 42,
    parts: int = PARTS,
    resamples: int = RESAMPLES,
    make_crosses: bool = True,
    preprocess: str = "default",
    view: str = "whole",
    feature: str = "default",
    background: str | None = None,
    record_weights: bool = True,
    compute: Compute = DEFAULT,
    embeddings: EmbeddingTable | None = None,
    progress: Callable[[str], AbstractContextManager[Callable[[int, int], None]]] | None = None,
) -> Validation:
    """Score what each detector was not shown, under a protocol, beside a score from the record alone.

    Parameters
    ----------
    catalogue : Catalogue
        Labelled: the training table. A reference table has no place here.
    images : Path
        Folder that its file names are relative to.
    protocol, parts
        See :func:`hybridwing.validation.protocols.folds`.
    detectors : sequence of str
        See :func:`hybridwing.detectors.registry.detector_names`; one named twice is fitted once.
    seed : int
        Deals the specimens, and decides the detectors' and the bootstrap's draws.
    resamples : int
        Of the bootstrap.
    make_crosses : bool
        See :func:`hybridwing.validation.held_out.held_out_scores`.
    backbone, preprocess, view, feature, background
        See :func:`hybridwing.backbones.registry.load_backbone`. Where
        `embeddings` are given they need not be, and must be what those were made with where they are.
    record_weights : bool
        See :func:`hybridwing.detectors.registry.make_detector`.
    compute : Compute
    embeddings : EmbeddingTable, optional
        Made earlier from these images, and maybe more.
    progress : callable, optional
        Given ``"embedding"`` or ``"fitting"``, gives a context whose value is called with images or folds done and all.

    Raises
    ------
    HybridwingError
        Of the kind that fits what is wrong with the input.
    """
    names = tuple(dict.fromkeys(detectors))
    if not names:
        raise DetectorError(f"no detector is named; choose one or more of {', '.join(detector_names())}")
    for name in names:
        make_detector(name, seed=seed)
    folds(catalogue, protocol, parts=parts, seed=seed)
    shown = progress or _silently
    if embeddings is None:
        encoder = compute.load(backbone, preprocess=preprocess, view=view, feature=feature, background=background)
        with shown("embedding") as report_images:
            embeddings = embed_catalogue(
                catalogue, images, encoder, cache=compute.cache, options=compute.reading, progress=report_images
            )
    elif (backbone, preprocess, view, feature, background) != ("pattern", "default", "whole", "default", None):
        encoder = compute.load(backbone, preprocess=preprocess, view=view, feature=feature, background=background)
        if embeddings.backbone.key != encoder.spec.key:
            raise EmbeddingError(
                f"the embeddings were made by {embeddings.backbone.name}, and not as --backbone {backbone} "
                f"--view {view} says: leave out --backbone, --preprocess, --view, --feature and --background, or "
                "--embeddings"
            )
    rows = embeddings.rows_of([str(uuid) for uuid in catalogue.uuids])
    if not (rows >= 0).any():
        raise EmbeddingError("no image of the catalogue has an embedding; see which images failed")
    known = catalogue.select(rows >= 0)
    divided = folds(known, protocol, parts=parts, seed=seed)
    vectors = embeddings.vectors[rows[rows >= 0]]
    scored = []
    with shown("fitting") as report_fits:
        for place, name in enumerate(names):

            def fitted(done: int, total: int, before: int = place) -> None:
                report_fits(before * total + done, len(names) * total)

            scored.append(
                held_out_scores(
                    vectors,
                    known,
                    divided,
                    name,
                    seed=seed,
                    make_crosses=make_crosses,
                    blocks=embeddings.backbone.widths,
                    record_weights=record_weights,
                    progress=fitted,
                )
            )
    scored.append(record_only_scores(known, divided))
    report = protocol_report(known, scored, resamples=resamples, seed=seed)
    wanted = {str(uuid) for uuid in catalogue.uuids}
    failures = tuple(failure for failure in embeddings.failures if failure.uuid in wanted)
    return Validation(
        protocol, known, embeddings.backbone, report, tuple(scored), failures, seed, parts, record_weights
    )


@contextmanager
def _silently(_stage: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda _done, _total: None


def check_validation_folder(out: Path, *, overwrite: bool = False) -> None:
    """Refuse what :func:`write_validation` would refuse, before the images are embedded.

    Raises
    ------
    RunError
        If `out` exists and may not be replaced.
    """
    check_new_folder(out, overwrite=overwrite, mark=VALIDATION, contents=CONTENTS)


def write_validation(validation: Validation, out: Path, *, overwrite: bool = False) -> None:
    """Write a validation: the table with intervals, the differences, every out-of-fold score.

    Raises
    ------
    RunError
        If `out` exists and may not be replaced, or cannot be written.
    """
    with new_folder(out, overwrite=overwrite, mark=VALIDATION, contents=CONTENTS) as partial:
        (partial / VALIDATION).write_text(to_json(validation), encoding="utf-8")
        report = validation.report
        measures = ("recall", "false_alarms", "roc_auc")
        header = ["scorer", "held_out", "hybrids", "non_hybrids", "reference"]
        header += [f"{name}{end}" for name in measures for end in ("", "_low", "_high")]
        write_rows(
            partial / "validation.csv",
            [*header, "note"],
            (
                [row.scorer, row.unit, row.hybrids, row.non_hybrids, row.reference]
                + [cell for name in measures for cell in _cells(getattr(row, name))]
                + [row.note]
                for row in report.rows
            ),
        )
        write_rows(
            partial / "differences.csv",
            ("first", "second", "measure", "difference", "low", "high"),
            ((d.first, d.second, d.measure, *_cells(d.difference)) for d in report.differences),
        )
        write_rows(
            partial / "scores.csv",
            ("scorer", "held_out", "uuid", "label", "role", "level"),
            (row for scored in validation.scores for row in _score_rows(validation.catalogue, scored)),
        )
        write_failures(partial / "failures.csv", validation.failures)


def to_json(validation: Validation) -> str:
    """The report as JSON text, with what it was made from; without the out-of-fold scores."""
    summary = {
        "protocol": validation.protocol,
        "catalogue": validation.catalogue.source.name,
        "catalogue_sha256": validation.catalogue.sha256,
        "backbone": validation.backbone.name,
        "view": validation.backbone.views,
        "background": validation.backbone.background,
        "n_images": len(validation.catalogue),
        "n_failed": len(validation.failures),
        "seed": validation.seed,
        "parts": validation.parts,
        "record_weights": validation.record_weights,
        **asdict(validation.report),
    }
    return json.dumps(summary, indent=2) + "\n"


def _cells(estimate: Estimate | None) -> tuple[object, object, object]:
    return ("", "", "") if estimate is None else (estimate.value, estimate.interval.low, estimate.interval.high)


def _score_rows(catalogue: Catalogue, scored: HeldOutScores) -> Iterator[tuple[object, ...]]:
    uuids, labels = catalogue.uuids, catalogue.labels
    for unit, row, asked, level in zip(scored.units, scored.rows, scored.asked, scored.levels, strict=True):
        role = "asked" if asked else "reference"
        yield scored.scorer, unit, uuids[row], int(labels[row]), role, "" if np.isnan(level) else float(level)
