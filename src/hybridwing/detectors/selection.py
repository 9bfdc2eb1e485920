"""The choice of the detector that stands for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hybridwing.detectors.registry import DEFAULT_DETECTOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.evaluation.metrics import DetectionMetrics

FEWEST_HYBRIDS = 20
"""Held-out hybrids from which detectors are compared: with fewer, one or two images decide."""


class DetectorChoice(NamedTuple):
    """A detector and why it was chosen."""

    name: str  # The detector
    reason: str  # One sentence


def choose_detector(metrics: Mapping[str, DetectionMetrics]) -> DetectorChoice:
    """Choose one of a run's detectors by the held-out specimens.

    It is the one of the highest average precision. Of several with the same, and of all where fewer than
    `FEWEST_HYBRIDS` hybrids were held out, it is the default detector, or the first one asked for if the default
    is not among them.

    `metrics` are those on the held-out specimens, in the order in which the detectors were asked for; at least one.

    Examples
    --------
    >>> from hybridwing.evaluation.metrics import detection_metrics
    >>> labels = [0, 0, 0, 1]
    >>> scores = {"sgd": [0.1, 0.2, 0.3, 0.9], "ridge": [0.1, 0.2, 0.9, 0.3]}
    >>> choose_detector({name: detection_metrics(values, labels) for name, values in scores.items()}).reason
    'ridge is the default detector; 1 held-out hybrid is too few to compare detectors (at least 20 are needed)'
    """
    names = list(metrics)
    if len(names) == 1:
        return DetectorChoice(names[0], f"{names[0]} is the only detector of this run")
    hybrids = min(found.n_hybrids for found in metrics.values())
    highest = max(found.prc_auc for found in metrics.values())
    best = [name for name in names if metrics[name].prc_auc == highest]
    if hybrids < FEWEST_HYBRIDS:
        candidates = names
        few = f"{hybrids or 'no'} held-out hybrid{' is' if hybrids == 1 else 's are'}"
        why = f"{few} too few to compare detectors (at least {FEWEST_HYBRIDS} are needed)"
    elif len(best) > 1:
        candidates = best
        why = f"{' and '.join(best)} have the same average precision on the held-out specimens ({highest:.3f})"
    else:
        return DetectorChoice(
            best[0], f"{best[0]} has the highest average precision on the held-out specimens ({highest:.3f})"
        )
    if DEFAULT_DETECTOR in candidates:
        return DetectorChoice(DEFAULT_DETECTOR, f"{DEFAULT_DETECTOR} is the default detector; {why}")
    return DetectorChoice(candidates[0], f"{candidates[0]} was named first; {why}")
