"""Validate detectors under a protocol on one labelled catalogue, and write what was found."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.readers import as_catalogue
from hybridwing.csv_files import write_rows
from hybridwing.detectors.registry import DEFAULT_DETECTOR
from hybridwing.embeddings.selection import as_embeddings, select
from hybridwing.errors import EmbeddingError
from hybridwing.evaluation.resampling import RESAMPLES
from hybridwing.files import write_text
from hybridwing.folders import check_new_folder, new_folder
from hybridwing.runs.tables import write_failures
from hybridwing.runs.train import check_detectors
from hybridwing.validation.held_out import Fitting, HeldOutScores, held_out_scores, record_only_scores
from hybridwing.validation.protocols import PARTS, Protocol, folds
from hybridwing.validation.report import MEASURES, ProtocolReport, protocol_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.catalogue.readers import TableLike
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable, Failure

#: The file by which a folder is known to be a validation, and all that such a folder holds.
VALIDATION = "validation.json"
_HEADER = (
    *("scorer", "held_out", "hybrids", "non_hybrids", "reference"),
    *(f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")),
    "note",
)
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
    """

    protocol: Protocol
    catalogue: Catalogue
    backbone: BackboneSpec
    report: ProtocolReport
    scores: tuple[HeldOutScores, ...]
    failures: tuple[Failure, ...]
    seed: int
    parts: int

    def to_frame(self) -> pd.DataFrame:
        """A row a scorer and held-out unit, with recall, false alarms and ROC area and their intervals."""
        import pandas as pd

        return pd.DataFrame(_report_rows(self.report), columns=[*_HEADER])


def validate(
    catalogue: TableLike,
    embeddings: EmbeddingTable | Path | str,
    *,
    protocol: Protocol = "cross",
    detectors: Sequence[str] = (DEFAULT_DETECTOR,),
    seed: int = 42,
    parts: int = PARTS,
    resamples: int = RESAMPLES,
    make_crosses: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Validation:
    """Hide some images in turn, fit each detector on the rest and score the hidden ones, also by the record alone.

    Parameters
    ----------
    catalogue : Catalogue, path or data frame
        Labelled: the training table. A reference table has no place here.
    embeddings : EmbeddingTable or path
        Of the catalogue's images, and maybe more.
    protocol : str
        What is hidden: all hybrids of one ``"cross"``, one ``"subspecies"``, one ``"record"``, or a part of the
        ``"specimen"`` names; see `hybridwing.validation.protocols`.
    parts : int
        Into how many parts the specimens of every class are dealt.
    detectors : sequence of str
        See ``hybridwing detectors``; one named twice is fitted once.
    seed : int
        Deals the specimens, and decides the detectors' and the bootstrap's draws.
    resamples : int
        Of the bootstrap.
    make_crosses : bool
        Whether crosses are made for a detector that needs hybrids where training shows none. Without them it has no
        score there, and the table says so.
    progress : callable, optional
        Called with the number of folds fitted and of all.

    Raises
    ------
    HybridwingError
        Of the kind that fits what is wrong with the input.

    Examples
    --------
    >>> found = validate(collection.train, example_embeddings, protocol="specimen", detectors=["svm"], resamples=100)
    >>> [scored.scorer for scored in found.scores]
    ['svm', 'record only']
    """
    names = tuple(dict.fromkeys(detectors))
    check_detectors(names, seed)
    catalogue = as_catalogue(catalogue)
    folds(catalogue, protocol, parts=parts, seed=seed)
    embeddings = select(as_embeddings(embeddings), catalogue)
    rows = embeddings.rows_of([str(uuid) for uuid in catalogue.uuids])
    if not (rows >= 0).any():
        raise EmbeddingError("no image of the catalogue has an embedding; see which images failed")
    known = catalogue.select(rows >= 0)
    divided = folds(known, protocol, parts=parts, seed=seed)
    fitting = Fitting(make_crosses, embeddings.backbone.widths, seed)
    scored = []
    for place, name in enumerate(names):

        def fitted(done: int, total: int, before: int = place) -> None:
            if progress is not None:
                progress(before * total + done, len(names) * total)

        scored.append(held_out_scores(embeddings.vectors, known, divided, name, fitting, progress=fitted))
    scored.append(record_only_scores(known, divided))
    report = protocol_report(known, scored, resamples=resamples, seed=seed)
    return Validation(protocol, known, embeddings.backbone, report, tuple(scored), embeddings.failures, seed, parts)


def check_validation_folder(out: Path, *, overwrite: bool = False) -> None:
    """Refuse what `write_validation` would refuse, before the images are embedded.

    Raises RunError if `out` exists and may not be replaced.
    """
    check_new_folder(out, overwrite=overwrite, mark=VALIDATION, contents=CONTENTS)


def write_validation(validation: Validation, out: Path, *, overwrite: bool = False) -> None:
    """Write a validation: the table with intervals, the differences, every out-of-fold score.

    Raises RunError if `out` exists and may not be replaced, or cannot be written.
    """
    with new_folder(out, overwrite=overwrite, mark=VALIDATION, contents=CONTENTS) as partial:
        write_text(partial / VALIDATION, to_json(validation))
        report = validation.report
        write_rows(partial / "validation.csv", _HEADER, _report_rows(report))
        write_rows(
            partial / "differences.csv",
            ("first", "second", "measure", "difference", "low", "high"),
            ((d.first, d.second, d.measure, *d.difference.cells) for d in report.differences),
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
        **asdict(validation.report),
    }
    return json.dumps(summary, indent=2) + "\n"


def _report_rows(report: ProtocolReport) -> list[list[object]]:
    return [
        [row.scorer, row.unit, row.hybrids, row.non_hybrids, row.reference]
        + [cell for one in (row.recall, row.false_alarms, row.roc_auc) for cell in (one.cells if one else ("",) * 3)]
        + [row.note]
        for row in report.rows
    ]


def _score_rows(catalogue: Catalogue, scored: HeldOutScores) -> Iterator[tuple[object, ...]]:
    uuids, labels = catalogue.uuids, catalogue.labels
    for unit, row, asked, level in zip(scored.units, scored.rows, scored.asked, scored.levels, strict=True):
        role = "asked" if asked else "reference"
        yield scored.scorer, unit, uuids[row], int(labels[row]), role, "" if np.isnan(level) else float(level)
