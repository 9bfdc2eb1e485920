"""Score the images of an embedding table with a saved detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.runtime.scoring import calibrated_scores, fallback_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.runtime.arrays import SavedDetector


def stand_in_note(failed: int, images: int) -> str:
    """What images without an embedding do to the figures of a table of so many images, in words."""
    were, count = ("was", "counts") if failed == 1 else ("were", "count")
    given = f"{were} given the score of a typical training specimen"
    return f"{failed} of {images} images {given} and {count} in every figure"


def score_images(detector: SavedDetector, embeddings: EmbeddingTable, uuids: Sequence[str]) -> NDArray[np.float64]:
    """Scores of images in the order asked for, in (0, 1), rounded to four decimals as a submission's scores are.

    An image that failed gets the score of a typical training specimen.
    """
    rows = embeddings.rows_of(uuids)
    scores = np.full(len(rows), fallback_score(detector))
    scores[rows >= 0] = calibrated_scores(detector, embeddings.vectors[rows[rows >= 0]])
    return np.round(scores, 4)
