"""Compare systems on one set of images: official measures with bootstrap intervals, and differences pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hybridwing.errors import ScoringError
from hybridwing.evaluation.bootstrap import challenge_uncertainty
from hybridwing.evaluation.challenge_score import GROUPS
from hybridwing.evaluation.intervals import LEVEL
from hybridwing.evaluation.resampling import RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from hybridwing.evaluation.intervals import Estimate

COLUMNS: Mapping[str, str] = {
    "challenge_score": "Challenge Score",
    "A_score_major_recall": "Signal Hybrid Recall",
    "A_score_minor_recall": "Non-Signal Hybrid Recall",
    "A_PRC_AUC_major": "PRC AUC Signal Hybrids",
    "A_PRC_AUC_minor": "PRC AUC Non-Signal Hybrids",
    "mimic_recall": "Mimic Hybrid Recall",
    "mimic_PRC_AUC": "PRC AUC Mimic Hybrids",
}
"""The seven columns of the challenge's leaderboard, in its order, with short titles; keys as in ``scores.json``."""


@dataclass(frozen=True)
class ComparedSystem:
    """One system of a comparison."""

    name: str
    measures: dict[str, Estimate]  # By the keys of `COLUMNS`; one that the table cannot give is absent
    # This system's measure less that of the first, on the same resamples; empty for the first. One that rests on too
    # few specimens is absent.
    differences: dict[str, Estimate]
    # Share of the resamples in which its challenge score is higher than the first's, ties counting half; None for the
    # first, and where this rests on too few specimens.
    share_ahead: float | None


@dataclass(frozen=True)
class Comparison:
    """Systems measured on the same images."""

    systems: tuple[ComparedSystem, ...]  # In the order they were given: differences are to the first
    images: int
    specimens: int
    hybrids: dict[str, int]  # Hybrids of each group, on which the recalls rest
    resamples: int
    # A sentence on each thing that is absent, each ranking that is upside down, and images that a run could not score
    notes: tuple[str, ...] = ()
    level: ClassVar[float] = LEVEL  # Of the intervals


def compare(
    scores: Mapping[str, npt.NDArray[np.float64]],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.object_] | npt.NDArray[np.str_],
    specimens: npt.ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = 42,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Measure systems with intervals, and hold each against the first.

    Specimens are resampled within group and label, and all systems are measured on the same resamples: what makes a
    draw of specimens easy or hard drops out of the differences. The threshold is set anew on each. `scores` are hybrid
    scores by the system's name; the other arguments are those of
    `hybridwing.evaluation.bootstrap.challenge_uncertainty`.

    Raises ScoringError if there are no systems, or an argument does not fit.
    """
    if not scores:
        raise ScoringError("There is nothing to compare.")
    first = next(iter(scores))
    found = challenge_uncertainty(
        scores,
        labels,
        groups,
        specimens,
        pairs=[(name, first) for name in scores if name != first],
        resamples=resamples,
        seed=seed,
        progress=progress,
    )

    def columns(measures: Mapping[str, Estimate]) -> dict[str, Estimate]:
        return {key: measures[key] for key in COLUMNS if key in measures}

    systems = tuple(
        ComparedSystem(
            name,
            columns(measures),
            columns(found.differences.get((name, first), {})),
            found.ahead.get((name, first)),
        )
        for name, measures in found.measures.items()
    )
    group_names = np.asarray(groups).astype(str)
    hybrids = {group: int(((group_names == group) & (np.asarray(labels) == 1)).sum()) for group in GROUPS}
    images, individuals = len(group_names), len(np.unique(np.asarray(specimens).astype(str)))
    return Comparison(systems, images, individuals, hybrids, resamples, found.notes)
