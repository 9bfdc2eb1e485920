"""The main job from beginning to end on a collection that is made on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.runs.evaluate import Evaluation, evaluate, write_evaluation
from hybridwing.runs.folder import read_run
from hybridwing.runs.train import train
from hybridwing.simulate.collection import SimulatedCollection, simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

#: All that the core install offers.
DETECTORS = ("svm", "sgd", "knn", "gaussian")


@dataclass(frozen=True, eq=False)
class QuickstartResult:
    """What the quickstart made.

    Attributes
    ----------
    collection : SimulatedCollection
    run, evaluation_folder : Path
        The trained run and its evaluation on the simulated test set.
    evaluation : Evaluation
    """

    collection: SimulatedCollection
    run: Path
    evaluation_folder: Path
    evaluation: Evaluation


def quickstart(
    out: Path,
    *,
    specimens: int = 1000,
    size: int = 512,
    seed: int = 42,
    detectors: Sequence[str] = DETECTORS,
    progress: Callable[[str], AbstractContextManager[Callable[[int, int], None]]],
) -> QuickstartResult:
    """Simulate a collection, train on it, and score the result on hybrids that the training did not show.

    Parameters
    ----------
    out : Path
        New folder for ``collection``, ``run`` and ``evaluation``.
    specimens : int
        Images in the collection.
    size : int
        Long side of the photographs in pixels.
    seed : int
        Of the collection, the split and the detectors.
    detectors : sequence of str
    progress : callable
        Given the name of a stage, gives a context whose value is called with images done and all.

    Raises
    ------
    HybridwingError
        If `out` holds something already, or the settings do not serve.
    """
    with progress("simulating photographs") as report:
        collection = simulate(out / "collection", specimens=specimens, seed=seed, size=size, progress=report)
    run = out / "run"
    with progress("training: embedding") as report:
        train(read_catalogue(collection.train), collection.images, run, detectors=detectors, seed=seed, progress=report)
    with progress("evaluating: embedding") as report:
        test = read_catalogue(collection.ref_test)
        evaluation = evaluate(read_run(run), test, collection.images, progress=report)
    write_evaluation(evaluation, out / "evaluation")
    return QuickstartResult(collection, run, out / "evaluation", evaluation)
