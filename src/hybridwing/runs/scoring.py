"""Score images with the detectors of a run; what `evaluate` and `predict` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.backbones.registry import name_again
from hybridwing.embeddings.compute import DEFAULT, Compute
from hybridwing.errors import BackboneError, EmbeddingError, RunError
from hybridwing.runtime.scoring import calibrated_scores, fallback_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.backbones.base import Backbone
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.runs.folder import Run
    from hybridwing.runtime.arrays import SavedDetector


def backbone_of(run: Run, *, compute: Compute = DEFAULT, name: str | None = None) -> Backbone:
    """Load the backbone a run was trained with.

    Parameters
    ----------
    run : Run
    compute : Compute
    name : str, optional
        Where the backbone is now, if its folder was moved.

    Raises
    ------
    RunError
        If the weights or the descriptor are not those the run was trained with.
    BackboneError
        If it is not where it was.
    """
    manifest = run.manifest
    try:
        backbone = compute.load(
            name or name_again(manifest.backbone),
            preprocess=manifest.preprocess,
            view=manifest.backbone.preprocess.view,
            feature=manifest.backbone.feature,
            background=manifest.backbone.preprocess.background or None,
        )
    except BackboneError as error:
        if name is not None:
            raise
        raise BackboneError(f"{error} (if the backbone of {run.folder} was moved, name it with --backbone)") from error
    if backbone.spec.key != manifest.backbone.key:
        raise RunError(
            f"the backbone {name or manifest.backbone.name} is not the one that {run.folder} was trained with "
            "(other weights, descriptor version or preprocessing); train again, or name the right one with --backbone"
        )
    return backbone


def check_embeddings(run: Run, embeddings: EmbeddingTable) -> None:
    """Refuse embeddings that another backbone made.

    Raises
    ------
    EmbeddingError
        If weights, descriptor or preprocessing are not those of the run.
    """
    if embeddings.backbone.key != run.manifest.backbone.key:
        raise EmbeddingError(
            f"the embeddings were made by {embeddings.backbone.name}, and {run.folder} was trained on those of "
            f"{run.manifest.backbone.name}, with other weights or preprocessing"
        )


def score_images(detector: SavedDetector, embeddings: EmbeddingTable, uuids: Sequence[str]) -> NDArray[np.float64]:
    """Scores of images in the order asked for; one that failed gets the score of a typical training specimen.

    Returns
    -------
    ndarray of shape (n,), float64 in (0, 1)
        Rounded to four decimals, as a submission's scores are.
    """
    rows = embeddings.rows_of(uuids)
    scores = np.full(len(rows), fallback_score(detector))
    scores[rows >= 0] = calibrated_scores(detector, embeddings.vectors[rows[rows >= 0]])
    return np.round(scores, 4)
