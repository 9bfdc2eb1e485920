"""Fitting the subspecies of `hybridwing.explain.parents`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.detectors.parent_model import fit_gaussians
from hybridwing.explain.parents import ParentModel, Trait
from hybridwing.runtime.parents import unit_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def fit_parent_model(
    vectors: NDArray[np.float32], subspecies: Sequence[str | None], traits: Sequence[slice] | None = None
) -> ParentModel | None:
    """Fit subspecies on the embeddings of non-hybrids, shape (n, d); specimens without a subspecies are left out.

    `traits` are the columns of each trait; by default all columns are one trait. None where fewer than two subspecies
    are known, where none has two images, or where the subspecies do not differ: there is nothing to tell parents by.
    """
    known = np.array([name is not None for name in subspecies], dtype=np.bool_)
    names, member = np.unique(np.array([str(name) for name in subspecies])[known], return_inverse=True)
    if len(names) < 2 or len(member) == len(names):
        return None
    found = []
    for trait in traits or [slice(0, vectors.shape[1])]:
        columns = vectors[known, trait].astype(np.float64)
        block = [slice(0, columns.shape[1])]
        unit = unit_blocks(columns, block)
        means, whitener = fit_gaussians(unit, member, len(names), len(names), block)
        if (unit != means[member]).any():
            found.append(_discriminants(trait.start, means, whitener))
    kept = tuple(trait for trait in found if trait is not None)
    return ParentModel(tuple(names.tolist()), np.bincount(member).astype(np.float64), kept) if kept else None


def _discriminants(start: int, means: Floats, whitener: Floats) -> Trait | None:
    """Project one trait on the directions in which its whitened means differ; None where they do not.

    The projection has the unit matrix for its covariance within subspecies and keeps all distances between the means.
    """
    centre = means.mean(axis=0)
    _, sizes, axes = np.linalg.svd((means - centre) @ whitener, full_matrices=False)
    # Centred means span one direction fewer than there are subspecies.
    kept = (sizes**2 > 1e-9 * max(float(sizes[0]) ** 2, 1e-300)) & (np.arange(len(sizes)) < len(means) - 1)
    if not kept.any():
        return None
    projection = whitener @ axes[kept].T
    return Trait(start, centre, projection, (means - centre) @ projection)
