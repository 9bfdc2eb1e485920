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
    """Discriminants of one block; None where the subspecies do not differ in it.

    With S the shrunken covariance and M the centred means, x S^-1 M^T G^(-1/2), where G = M S^-1 M^T, has the unit
    matrix for its covariance within subspecies, and keeps all of the means' distances.
    """
    part = unit(values)
    means = np.stack([part[member == kind].mean(axis=0) for kind in range(member.max() + 1)])
    centre = means.mean(axis=0)
    solved = _solved(part - means[member], (means - centre).T)
    if solved is None:
        return None
    spectrum, axes = np.linalg.eigh((means - centre) @ solved)
    kept = spectrum > 1e-9 * max(float(spectrum[-1]), 1e-300)
    # The centred means span one direction less than there are subspecies.
    kept[: len(kept) - (len(means) - 1)] = False
    if not kept.any():
        return None
    projection = solved @ (axes[:, kept] / np.sqrt(spectrum[kept]))
    return Block(begin, centre, projection, (means - centre) @ projection)


def _solved(residuals: Floats, right: Floats) -> Floats | None:
    """The inverse of the residuals' covariance, shrunken towards a multiple of the unit matrix, times `right`.

    The shrinkage is Ledoit & Wolf's, as ``sklearn.covariance.ledoit_wolf_shrinkage`` gives it. Wide embeddings have
    more numbers than there are images, and then the images' inner products are solved for. None where there is no
    variance.
    """
    count, width = residuals.shape
    wide = width > count
    product = residuals @ residuals.T if wide else residuals.T @ residuals
    lengths = (residuals**2).sum(axis=1)
    mean = float(lengths.sum()) / (count * width)
    if mean <= 0:
        return None
    squares = float((product**2).sum()) / count**2
    spread = squares / width - mean**2
    noise = (float((lengths**2).sum()) / count - squares) / (width * count)
    shrinkage = min(max(noise, 0.0), spread) / spread if spread > 0 else 1.0
    # Of variance that is the same everywhere nothing is left to shrink, and without a floor nothing could be solved.
    ridge, scale = max(shrinkage, 1e-6) * mean, (1 - shrinkage) / count
    if not wide:
        return np.asarray(np.linalg.solve(scale * product + ridge * np.eye(width), right))
    # Woodbury: (scale R^T R + ridge I)^-1 = (I - R^T (R R^T + (ridge / scale) I)^-1 R) / ridge
    if scale <= 0:
        return np.asarray(right / ridge)
    inner = np.linalg.solve(product + ridge / scale * np.eye(count), residuals @ right)
    return np.asarray((right - residuals.T @ inner) / ridge)
