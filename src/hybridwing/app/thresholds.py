"""What a threshold means for the specimens on a desk, in plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.detectors.calibration import TooFewError
from hybridwing.detectors.threshold import threshold_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.runs.run import Run

RATES = (*(round(0.80 + 0.01 * step, 2) for step in range(20)), 0.995)
"""True-negative rates that the slider offers, where the run can promise them."""


@dataclass(frozen=True)
class Limit:
    """A threshold on the slider."""

    tnr: float  # In (0, 1)
    value: float  # In (0, 1): a score above it is called hybrid

    def sentence(self, scores: Sequence[float]) -> str:
        """What it means for specimens with these scores.

        Examples
        --------
        >>> Limit(0.95, 0.9).sentence([0.95, 0.91, 0.5, *[0.1] * 97])
        'Of 100 pure specimens 5 are flagged. Here 2 of 100 are flagged; if nearly all are pure, expect about 5 false alarms.'
        """  # noqa: E501
        flagged, of_hundred = sum(score > self.value for score in scores), round(100 * (1 - self.tnr), 1)
        alarms = round((1 - self.tnr) * len(scores))
        return (
            f"Of 100 pure specimens {of_hundred:g} are flagged. Here {flagged:,} of {len(scores):,} are flagged; if "
            f"nearly all are pure, expect about {alarms:,} false alarms."
        )


def limits(run: Run) -> list[Limit]:
    """The thresholds that a run can promise, from low rates to high; empty where it can promise none."""
    saved, found = run.detector(), []
    for rate in RATES:
        try:
            found.append(Limit(rate, threshold_of(saved, rate).value))
        except TooFewError:
            break
    return found
