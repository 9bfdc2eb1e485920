"""Images that are outliers of their own class, by embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hybridwing.audit.neighbours import EmbeddedImages

FEWEST = 4
"""Images a class must have for its mean to say anything."""


@dataclass(frozen=True)
class ClassOutlier:
    """An image that looks more like another class than like its own.

    Attributes
    ----------
    uuid, class_name, record : str
    looks_like : str
        Nearest other class, by its mean embedding.
    excess : float in [-2, 2]
        Cosine to the mean of `looks_like` minus the cosine to the mean of its own class without this image. Above 0 it
        is nearer to the other class.
    own_neighbours : int
        How many of its nearest images are of its own class.
    neighbours : tuple of (str, str, float)
        Those images: key, class and cosine, nearest first.
    """

    uuid: str
    class_name: str
    record: str
    looks_like: str
    excess: float
    own_neighbours: int
    neighbours: tuple[tuple[str, str, float], ...]


def find_class_outliers(images: EmbeddedImages, classes: Sequence[str], records: Sequence[str]) -> list[ClassOutlier]:
    """Find images that are nearer to the mean of another class and have none of their own among the nearest images.

    Parameters
    ----------
    images : EmbeddedImages
        The labelled images of one table, n of them.
    classes, records : sequence of n str

    Returns
    -------
    list of ClassOutlier
        The largest excess first. Classes of fewer than `FEWEST` images are neither asked about nor compared with.
    """
    vectors = images.neighbours.vectors.astype(np.float64)
    names, member = np.unique(np.asarray(classes, dtype=str), return_inverse=True)
    sizes = np.bincount(member, minlength=len(names))
    large = sizes >= FEWEST
    if large.sum() < 2:
        return []
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, member, vectors)
    to_others = vectors @ _unit(sums).T
    to_others[:, ~large] = -np.inf
    to_others[np.arange(len(vectors)), member] = -np.inf
    to_own = np.einsum("nd,nd->n", vectors, _unit(sums[member] - vectors))
    excess = to_others.max(axis=1) - to_own
    found = []
    for row in np.flatnonzero((excess > 0) & large[member]).tolist():
        near = images.neighbours.nearest[row]
        own = int(np.count_nonzero(member[near] == member[row]))
        if own:
            continue
        cosines = images.neighbours.cosine[row]
        shown = tuple((images.uuids[at], classes[at], float(c)) for at, c in zip(near, cosines, strict=True))
        looks_like = str(names[to_others[row].argmax()])
        found.append(
            ClassOutlier(images.uuids[row], classes[row], records[row], looks_like, float(excess[row]), own, shown)
        )
    return sorted(found, key=lambda outlier: (-outlier.excess, outlier.uuid))


def _unit(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0))
