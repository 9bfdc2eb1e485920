"""Who resembles whom by embeddings: copies, and images unlike their own class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from hybridwing.embeddings.table import EmbeddingTable

NEIGHBOURS = 5
_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The nearest images of each image.

    Attributes
    ----------
    vectors : ndarray of shape (n, d), float32
        Embeddings with every dimension standardised, of unit length.
    nearest : ndarray of shape (n, k), int
        Rows of the nearest others, nearest first.
    cosine : ndarray of shape (n, k), float32
        Their cosine similarity, in [-1, 1].
    """

    vectors: npt.NDArray[np.float32]
    nearest: npt.NDArray[np.intp]
    cosine: npt.NDArray[np.float32]


def neighbourhood(vectors: npt.NDArray[np.float32], k: int = NEIGHBOURS) -> Neighbourhood:
    """Find the k nearest of each image, in blocks: n² products, but memory of a block.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Embeddings. Dimensions that do not vary are left out of account.
    k : int, default 5
        At most n - 1 are returned.
    """
    unit = standardised(vectors)
    n = len(unit)
    k = min(k, max(n - 1, 0))
    nearest = np.empty((n, k), dtype=np.intp)
    cosine = np.empty((n, k), dtype=np.float32)
    for start in range(0, n if k else 0, _BLOCK):
        stop = min(start + _BLOCK, n)
        products = unit[start:stop] @ unit.T
        products[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        best = np.argpartition(-products, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(products, best, axis=1)
        order = np.lexsort((best, -values), axis=1)  # ties by row, so that the result does not depend on the blocks
        nearest[start:stop] = np.take_along_axis(best, order, axis=1)
        cosine[start:stop] = np.clip(np.take_along_axis(values, order, axis=1), -1, 1)
    return Neighbourhood(unit, nearest, cosine)


def standardised(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Vectors with every dimension at zero mean and unit variance, then of unit length; a mean vector stays zero."""
    if not len(vectors):
        return vectors
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    spread = centred.std(axis=0)
    varies = spread > 1e-6 * max(float(spread.max(initial=0.0)), 1e-12)
    scaled = centred[:, varies] / spread[varies]
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(np.divide(scaled, lengths, out=np.zeros_like(scaled), where=lengths > 0), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class EmbeddedImages:
    """The images of the audited tables that an embedding table holds.

    Attributes
    ----------
    uuids : tuple of n str
    neighbours : Neighbourhood
    """

    uuids: tuple[str, ...]
    neighbours: Neighbourhood

    def copies(self, least: float) -> list[tuple[str, str, float]]:
        """Images whose nearest other is a likely copy: pairs and their cosine, the closest first."""
        pairs: dict[tuple[str, str], float] = {}
        for row, uuid in enumerate(self.uuids):
            for other, cosine in zip(self.neighbours.nearest[row], self.neighbours.cosine[row], strict=True):
                if cosine >= least:
                    first, second = sorted((uuid, self.uuids[other]))
                    pairs[first, second] = max(float(cosine), pairs.get((first, second), -1.0))
        return sorted(((a, b, c) for (a, b), c in pairs.items()), key=lambda pair: (-pair[2], pair[0], pair[1]))


def embedded_images(embeddings: EmbeddingTable, uuids: list[str]) -> EmbeddedImages:
    """Neighbours among those of the images that have an embedding, in the order of `uuids`."""
    place = {uuid: row for row, uuid in enumerate(embeddings.uuids)}
    kept = [uuid for uuid in dict.fromkeys(uuids) if uuid in place]
    rows = np.array([place[uuid] for uuid in kept], dtype=np.intp)
    return EmbeddedImages(tuple(kept), neighbourhood(embeddings.vectors[rows]))
