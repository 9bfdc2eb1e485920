"""The training specimens that are nearest to an image, with distances that mean something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Neighbours:
    """The nearest of one class."""

    name: str  # A subspecies, or a cross as ``"a x b"``
    is_hybrid: bool
    uuids: tuple[str, ...]  # Keys of the training images, nearest first
    distances: tuple[float, ...]  # Euclidean, each region of the embedding divided by its spread
    # In [0, 1]: share of the class's own images that lie nearer to their nearest of the class than this image does: 0.5
    # is as usual for one of them, 1 farther than any. None where the class has fewer than three images.
    quantile: float | None


NEAREST = 3
"""Neighbours that are named."""


class NeighbourSearch:
    """Embeddings of the training images, of shape (n, d), by class, with columns divided by `scale`.

    The name of a class is None where it is not known.
    """

    def __init__(
        self,
        vectors: NDArray[np.floating],
        uuids: Sequence[str],
        names: Sequence[str | None],
        hybrid: Sequence[bool],
        scale: Floats,
    ) -> None:
        self._scale = scale
        self._vectors = np.asarray(vectors, dtype=np.float64) / scale
        self._uuids = np.array(uuids, dtype=object)
        self._names = np.array(names, dtype=object)
        self._hybrid = np.asarray(hybrid, dtype=np.bool_)
        self._usual: dict[str, Floats] = {}

    def nearest(self, vector: NDArray[np.floating], name: str) -> Neighbours | None:
        """The nearest of a class; None where no image of it is known. An image is not its own neighbour."""
        return self._among(vector, np.flatnonzero(self._names == name), name)

    def nearest_hybrids(self, vector: NDArray[np.floating]) -> Neighbours | None:
        """The nearest known hybrids, whatever their cross, measured against the cross of the nearest."""
        found = self._among(vector, np.flatnonzero(self._hybrid), "")
        if found is None:
            return None
        cross = self._names[np.flatnonzero(self._uuids == found.uuids[0])[0]]
        quantile = None if cross is None else self._quantile(found.distances[0], cross)
        return Neighbours(cross or "hybrid", True, found.uuids, found.distances, quantile)

    def _among(self, vector: NDArray[np.floating], rows: NDArray[np.intp], name: str) -> Neighbours | None:
        distances = np.sqrt(((self._vectors[rows] - np.asarray(vector, np.float64) / self._scale) ** 2).sum(axis=1))
        rows, distances = rows[distances > 0], distances[distances > 0]
        if not len(rows):
            return None
        order = np.argsort(distances, kind="stable")[:NEAREST]
        near = tuple(float(value) for value in distances[order])
        hybrid = bool(self._hybrid[rows[order[0]]])
        quantile = self._quantile(near[0], name) if name else None
        return Neighbours(name, hybrid, tuple(str(uuid) for uuid in self._uuids[rows[order]]), near, quantile)

    def _quantile(self, distance: float, name: str) -> float | None:
        usual = self._usual.get(name)
        if usual is None:
            from scipy.spatial.distance import pdist, squareform

            own = self._vectors[self._names == name]
            apart = squareform(pdist(own)) + np.diag(np.full(len(own), np.inf)) if len(own) > 2 else np.empty((0, 1))
            usual = self._usual[name] = np.sort(apart.min(axis=1))
        return float(np.searchsorted(usual, distance) / len(usual)) if len(usual) else None
