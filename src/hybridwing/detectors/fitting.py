"""Fit a detector, calibrate it on held-out specimens and return it ready to save: one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.detectors.calibration import calibrate
from hybridwing.errors import DetectorError
from hybridwing.runtime.arrays import FormatError, SavedDetector
from hybridwing.runtime.scoring import raw_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from hybridwing.detectors.base import Detector


def fit_detector(
    detector: Detector,
    X_train: ArrayLike,
    y_train: ArrayLike,
    X_heldout: ArrayLike,
    y_heldout: ArrayLike,
    *,
    subspecies: Sequence[str | None] | None = None,
    parents: Sequence[tuple[str, str] | None] | None = None,
) -> SavedDetector:
    """Fit a detector, see `make_detector`, on training specimens and calibrate it on others.

    Embeddings have shape (n, n_features), and labels are 1 for a hybrid, 0 for a non-hybrid. Among the held-out
    specimens at least one is a non-hybrid; hybrids are not needed. `subspecies` and `parents` are those of the training
    specimens, as for ``Detector.fit``.

    The result is complete: arrays, score map, held-out non-hybrid scores and fallback score. The same detector and data
    give the same bytes when saved. Raises DetectorError if the data cannot be used.
    """
    detector.fit(X_train, y_train, subspecies=subspecies, parents=parents)
    saved = detector.to_saved()
    # Scored as a submission scores, so that the map is fitted to the very numbers it will be given.
    try:
        raw = raw_scores(saved, X_heldout)
    except FormatError as error:
        raise DetectorError(f"the held-out embeddings cannot be used: {error}") from error
    unscored = np.flatnonzero(np.isnan(raw))
    if len(unscored):
        raise DetectorError(
            f"{len(unscored)} held-out embeddings cannot be scored, the first in row {unscored[0]}: they "
            "hold NaN, infinity or far too large values; leave them out"
        )
    return calibrate(saved, raw, y_heldout)
