"""Fitting the subspecies of :mod:`hybridwing.explain.parents`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import RunError
from hybridwing.explain.parents import Block, ParentModel, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def fit_parents(
    vectors: NDArray[np.float32], subspecies: Sequence[str | None], blocks: Sequence[int] | None = None
) -> ParentModel | None:
    """Fit subspecies on non-hybrids.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
    subspecies : sequence of str or None, of length n
        None is left out.
    blocks : sequence of int, optional
        Lengths of the embedding's parts, which add up to d; by default it is one.

    Returns
    -------
    ParentModel or None
        None where fewer than two subspecies are known, or none has two images: nothing can be said then.

    Raises
    ------
    RunError
        If the blocks do not add up.
    """
    lengths = [vectors.shape[1]] if blocks is None else list(blocks)
    if sum(lengths) != vectors.shape[1]:
        raise RunError(f"blocks of {sum(lengths)} values do not fit embeddings of {vectors.shape[1]}")
    known = np.array([name is not None for name in subspecies], dtype=np.bool_)
    kinds = np.array([str(name) for name in subspecies])[known]
    names, member = np.unique(kinds, return_inverse=True)
    if len(names) < 2 or len(kinds) == len(names):
        return None
    values = vectors[known].astype(np.float64)
    begins = np.cumsum([0, *lengths[:-1]]).tolist()
    found = [
        _fitted(begin, values[:, begin : begin + length], member) for begin, length in zip(begins, lengths, strict=True)
    ]
    useful = tuple(block for block in found if block is not None)
    if not useful:
        return None
    return ParentModel(tuple(names.tolist()), np.bincount(member).astype(np.float64), useful)


def _fitted(begin: int, values: Floats, member: NDArray[np.intp]) -> Block | None:
    """Discriminants of one block; None where the subspecies do not differ in it."""
    from sklearn.covariance import ledoit_wolf

    part = unit(values)
    means = np.stack([part[member == kind].mean(axis=0) for kind in range(member.max() + 1)])
    centre = means.mean(axis=0)
    covariance, _ = ledoit_wolf(part - means[member], assume_centered=True)
    spectrum, axes = np.linalg.eigh(covariance)
    if spectrum[-1] <= 0:
        return None
    whitener = axes / np.sqrt(np.maximum(spectrum, 1e-10 * spectrum[-1]))
    _, strength, directions = np.linalg.svd((means - centre) @ whitener, full_matrices=False)
    # The centred means span one direction less than there are subspecies.
    kept = min(len(means) - 1, int((strength > 1e-9 * max(strength[0], 1e-300)).sum()))
    if not kept or strength[0] <= 0:
        return None
    projection = whitener @ directions[:kept].T
    return Block(begin, centre, projection, (means - centre) @ projection)
