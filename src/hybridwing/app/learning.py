"""Refit the detector with what was decided, in a process of its own: ``python -m hybridwing.app.learning PROJECT``.

The refitted run stands beside the one in use. What would change is said before anybody takes it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridwing.app.project import MODELS, Project
from hybridwing.app.scoring import end_with_parent, scores_of
from hybridwing.catalogue.crosses import cross_columns
from hybridwing.catalogue.decisions import Decided, with_decisions
from hybridwing.catalogue.schema import COLUMNS, Catalogue
from hybridwing.detectors.calibration import TooFewError
from hybridwing.detectors.threshold import threshold_of
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import RunError
from hybridwing.runs.train import train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.runs.run import Run

CANDIDATE = "candidate"
"""Setting that holds a `Change`, until it is taken or left."""
_PREFIX = "desk-"


@dataclass(frozen=True)
class Change:
    """What a refitted model would change."""

    model: int  # Its number
    decisions: int  # Specimens that it learned from besides
    # Verdicts on the desk's other specimens that would become hybrid, non-hybrid, and that would stay
    to_hybrid: int
    to_non_hybrid: int
    same: int
    measure: str  # The measured scores of both, in words


def refit(project: Project, tnr: float = 0.95) -> Change:
    """Fit the detector again on the training table and on what was decided, and compare.

    Verdicts are compared at a true-negative rate. Specimens that were called unsure teach nothing. Raises
    HybridwingError if nothing was decided yet, or the detector cannot be fitted on it.
    """
    run = project.run()
    vectors = project.vectors()
    decided = [
        d for number, d in project.decisions().items() if d.choice in ("hybrid", "non-hybrid") and number in vectors
    ]
    if not decided:
        raise RunError("nothing to learn from yet: decide of some specimens that they are hybrids or not")
    old = run.embeddings
    keys = [f"{_PREFIX}{d.specimen}" for d in decided]
    named = [*zip(keys, decided, strict=True)]
    catalogue = with_decisions(_learned(run), [Decided(k, d.choice == "hybrid", d.parents.strip()) for k, d in named])
    fallbacks = project.fallbacks()
    fallen = (replace(fallbacks[d.specimen], uuid=k) for k, d in named if d.specimen in fallbacks)
    joined = EmbeddingTable(
        (*old.uuids, *keys),
        np.concatenate([old.vectors, np.stack([vectors[d.specimen] for d in decided])]),
        old.backbone,
        fallbacks=(*old.fallbacks, *fallen),
        precision=old.precision,
        runtime=old.runtime,
    )
    number, manifest = project.next_model(), run.manifest
    new = train(
        catalogue,
        joined,
        project.folder / MODELS / str(number),
        detectors=[manifest.best_detector],
        seed=manifest.seed,
    )
    project.keep_scores(scores_of(new, vectors, fallbacks), model=number)
    change = _compared(project, run, new, number, len(decided), tnr)
    project.set_setting(CANDIDATE, json.dumps(asdict(change)))
    return change


def candidate(project: Project) -> Change | None:
    """A refitted model that waits to be taken or left."""
    stored = project.setting(CANDIDATE)
    return Change(**json.loads(stored)) if stored else None


def end_candidate(project: Project, *, take: bool) -> None:
    """Take the refitted model into use, or leave it; the old one stays either way."""
    change = candidate(project)
    if change is not None and take:
        project.use_model(change.model)
    project.set_setting(CANDIDATE, "")


def _learned(run: Run) -> Catalogue:
    """The table that a run learned from, as its embeddings tell."""
    import pandas as pd

    old = run.embeddings
    if old.metadata is None or "label" not in old.metadata:
        raise RunError("the run's embeddings do not say which specimens are hybrids; train it again from a table")
    known = old.metadata.astype(object).where(old.metadata.notna(), None).to_dict("records")
    frame = pd.DataFrame([_row(uuid, row) for uuid, row in zip(old.uuids, known, strict=True)], columns=list(COLUMNS))
    frame["row"] = range(1, len(frame) + 1)
    return Catalogue(frame.astype(dict(COLUMNS)), "custom", Path("decisions"), run.manifest.catalogue_sha256)


def _row(uuid: str, known: Mapping[Any, Any]) -> dict[str, object]:
    same = ("species", "subspecies", "record", "side")
    return {
        "uuid": uuid,
        "filename": uuid,
        "specimen": known.get("specimen") or uuid,
        "hybrid": None if known["label"] is None else known["label"] == "hybrid",
        **cross_columns(known.get("cross")),
        **{name: known.get(name) for name in same},
    }


def _compared(project: Project, old: Run, new: Run, number: int, learned: int, tnr: float) -> Change:
    decided = project.decisions()
    before, after = _verdicts(project, old, project.model, tnr), _verdicts(project, new, number, tnr)
    both = [one for one in before if one in after and one not in decided]
    to_hybrid = sum(after[one] and not before[one] for one in both)
    to_non_hybrid = sum(before[one] and not after[one] for one in both)
    measured = " against ".join(_measured(run) for run in (new, old))
    return Change(number, learned, to_hybrid, to_non_hybrid, len(both) - to_hybrid - to_non_hybrid, measured)


def _verdicts(project: Project, run: Run, model: int, tnr: float) -> dict[int, bool]:
    """Whether each specimen of which something can be told would be called a hybrid."""
    try:
        limit = threshold_of(run.detector(), tnr).value
    except TooFewError:
        return {}
    return {s.id: s.score > limit for s in project.specimens(model) if s.score is not None and not s.reason}


def _measured(run: Run) -> str:
    found = run.metrics[run.manifest.best_detector]
    held_out = f"{run.manifest.n_heldout_hybrids} of {run.manifest.n_heldout} held-out specimens hybrids"
    return f"ROC area {found.roc_auc:.3f} ({held_out})"


def main() -> None:
    """Refit, and say on standard error what went wrong."""
    end_with_parent()
    refit(Project(Path(sys.argv[1])), float(sys.argv[2]))


if __name__ == "__main__":
    main()
