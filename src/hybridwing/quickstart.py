"""The main job from beginning to end on a collection that is made on the spot."""

from __future__ import annotations

import csv
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.embed import embed
from hybridwing.errors import RunError
from hybridwing.evaluation.challenge_score import GROUPS
from hybridwing.folders import new_folder
from hybridwing.report.evaluation_folder import write_evaluation
from hybridwing.runs.explaining import write_wings
from hybridwing.runs.train import train
from hybridwing.simulate.collection import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.runs.evaluate import Evaluation

#: Those of the sample, and the default.
DETECTORS = ("svm", "sgd", "knn", "gaussian", "ridge")
#: Fewer photographs hold too few hybrids to calibrate a detector on a part of them.
LEAST_SPECIMENS = 200
COLLECTION, RUN, EVALUATION = "collection", "run", "evaluation"


@dataclass(frozen=True)
class Ceiling:
    """How many hybrids of a group nobody can find in a picture."""

    group: str  # ``"major"``, ``"minor"`` or ``"mimic"``
    hybrids: int  # In the test set
    lookalikes: int  # Of these, those that look exactly like a parent


@dataclass(frozen=True, eq=False)
class QuickstartResult:
    """What the quickstart made."""

    images: Path  # The photographs
    run: Path  # The trained run
    evaluation_folder: Path
    evaluation: Evaluation  # Of the run on the simulated test set
    ceilings: tuple[Ceiling, ...]  # For the signal, non-signal and mimic hybrids


def quickstart(
    out: Path,
    *,
    specimens: int = 1000,
    size: int = 512,
    seed: int = 42,
    detectors: Sequence[str] = DETECTORS,
    overwrite: bool = False,
    progress: Callable[[str], AbstractContextManager[Callable[[int, int], None]]] | None = None,
) -> QuickstartResult:
    """Simulate a collection, train on it, and score the result on hybrids that the training did not show.

    Parameters
    ----------
    out : Path
        New folder for ``collection``, ``run`` and ``evaluation``; it appears when all three are complete.
    specimens : int
        Images in the collection, at least `LEAST_SPECIMENS`.
    size : int
        Long side of the photographs in pixels.
    seed : int
        Of the collection, the split and the detectors; in [0, 2**32).
    detectors : sequence of str
    overwrite : bool
        Replace what an earlier quickstart made.
    progress : callable, optional
        Takes the name of a stage and gives a context, whose value is called with the images done and all.

    Raises
    ------
    HybridwingError
        If `out` holds something else, or the settings do not serve.
    """
    if specimens < LEAST_SPECIMENS:
        raise RunError(f"the quickstart needs at least {LEAST_SPECIMENS} specimens; got {specimens}")
    if not 0 <= seed < 2**32:
        raise RunError(f"the seed must lie in [0, 2**32); got {seed}")
    progress = progress or (lambda _stage: nullcontext(lambda _done, _total: None))
    parts = (COLLECTION, RUN, EVALUATION)
    with new_folder(out, overwrite=overwrite, mark=COLLECTION, contents=parts) as partial:
        with progress("simulating photographs") as report:
            made = simulate(partial / COLLECTION, specimens=specimens, seed=seed, size=size, progress=report)
        with progress("training: embedding") as report:
            learned = read_catalogue(made.train)
            embeddings = embed(learned, made.images, progress=report)
            run = train(learned, embeddings, partial / RUN, detectors=detectors, seed=seed, split_method="stratified")
            write_wings(run.folder, learned, made.images, DEFAULT)
        with progress("evaluating: embedding") as report:
            test = read_catalogue(made.ref_test)
            evaluation = run.evaluate(test, run.embed(test, made.images, progress=report))
        write_evaluation(evaluation, partial / EVALUATION)
        ceilings = _ceilings(test, made.truth)
    return QuickstartResult(out / COLLECTION / made.images.name, out / RUN, out / EVALUATION, evaluation, ceilings)


def _ceilings(test: Catalogue, truth: Path) -> tuple[Ceiling, ...]:
    """Count the test hybrids that the truth says look like a parent."""
    with truth.open(newline="", encoding="utf-8") as file:
        alike = {row["filename"] for row in csv.DictReader(file) if row["looks_like_parent"] == "True"}
    hybrids = test.table[test.labels == 1]
    found = []
    for group in GROUPS:
        own = hybrids.loc[hybrids["group"] == group, "uuid"]
        found.append(Ceiling(group, len(own), int(own.isin(alike).sum())))
    return tuple(found)
