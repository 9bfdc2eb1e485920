"""Whether an image looks like anything in training: where it does not, no score means anything.

The measure is the distance of an embedding to its nearest training embeddings (Sun et al. 2022, "Out-of-distribution
detection with deep nearest neighbors", ICML, arXiv:2204.06507; without their normalisation, since the length of an
embedding tells of empty pictures). What is far is read off held-out images by the split-conformal rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.array_file import read_arrays, write_arrays
from hybridwing.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hybridwing.embeddings.table import EmbeddingTable, Fallback

    Floats = NDArray[np.float64]
    Vectors = NDArray[np.float32]

KIND = "familiarity"
NEIGHBOURS = 5
LEVEL = 0.99
"""Share of images like the held-out ones that are not to be taken for strange."""
MOST_VECTORS = 4000
"""Training embeddings that are kept; of more, evenly spaced ones."""
MOST_FALLBACKS = 0.05
"""Where more training images than this lack the view asked for, lacking it is nothing strange."""


@dataclass(frozen=True, eq=False)
class Familiarity:
    """What training images look like.

    Attributes
    ----------
    vectors : ndarray of shape (m, d), float32
        Training embeddings.
    distances : ndarray of shape (h,), float64
        Distances of the held-out images, rising.
    fallback_share : float in [0, 1]
        Share of the training images in which the view asked for was not found.
    """

    vectors: Vectors
    distances: Floats
    fallback_share: float

    def distance(self, vectors: NDArray[np.floating]) -> Floats:
        """Mean Euclidean distance to the five nearest training embeddings, shape (n,)."""
        return _distances(np.asarray(vectors, dtype=np.float64), self.vectors.astype(np.float64))

    @property
    def limit(self) -> tuple[float, float]:
        """The distance beyond which an image is strange, and the share of images like the held-out ones within it.

        The split-conformal rule at 0.99; with too few held-out images for that, the largest of their distances.
        """
        count = len(self.distances)
        rank = min(math.ceil((count + 1) * LEVEL - 1e-9), count)
        return float(self.distances[rank - 1]), rank / (count + 1)

    def reasons(self, embeddings: EmbeddingTable) -> tuple[str, ...]:
        """Why each image of a table is like nothing in training, in its order; empty where it is like something."""
        fallbacks = {fallback.uuid: fallback for fallback in embeddings.fallbacks}
        limit, _ = self.limit
        found = self.distance(embeddings.vectors)
        return tuple(
            self._reason(fallbacks.get(uuid), float(distance), limit)
            for uuid, distance in zip(embeddings.uuids, found, strict=True)
        )

    def _reason(self, fallback: Fallback | None, distance: float, limit: float) -> str:
        if fallback is not None and self.fallback_share <= MOST_FALLBACKS:
            return (
                "no specimen was found in the picture"
                if fallback.confidence == 0
                else (f"the view was not found (confidence {fallback.confidence:.2f})")
            )
        if distance > limit:
            return f"unlike the training images: {distance / limit:.2f} times the largest distance that is usual"
        return ""

    def write(self, path: Path) -> None:
        """Write one ``.npz`` of plain arrays."""
        header = {"fallback_share": self.fallback_share}
        write_arrays(path, KIND, header, {"vectors": self.vectors, "distances": self.distances})


def fit_familiarity(train: Vectors, held_out: Vectors, *, fallbacks: int = 0, images: int = 1) -> Familiarity:
    """Learn what training images look like.

    Parameters
    ----------
    train : ndarray of shape (m, d), float32
        Embeddings of the training images, hybrids too.
    held_out : ndarray of shape (h, d), float32
        Of others of the same kind; at least one.
    fallbacks, images : int
        Training images in which the view asked for was not found, and all.

    Raises
    ------
    RunError
        If there is nothing to learn from.
    """
    if not len(train) or not len(held_out):
        raise RunError("how like training an image is takes training and held-out images")
    kept = np.linspace(0, len(train) - 1, min(len(train), MOST_VECTORS)).round().astype(np.intp)
    vectors = np.ascontiguousarray(train[kept], dtype=np.float32)
    distances = np.sort(_distances(held_out.astype(np.float64), vectors.astype(np.float64)))
    return Familiarity(vectors, distances, fallbacks / max(images, 1))


def read_familiarity(path: Path, dimension: int) -> Familiarity | None:
    """Read what a run knows of its training images; None for a run of before there was such a file.

    Raises
    ------
    RunError
        If the file is damaged or not of embeddings of this dimension.
    """
    if not path.is_file():
        return None
    header, arrays = read_arrays(path, KIND)
    share = header.get("fallback_share")
    if set(arrays) != {"vectors", "distances"} or not isinstance(share, float | int):
        raise RunError(f"{path} does not hold what it should; train again")
    vectors, distances = arrays["vectors"], np.sort(arrays["distances"].astype(np.float64))
    if (
        vectors.ndim != 2
        or vectors.shape[1:] != (dimension,)
        or not len(vectors)
        or distances.ndim != 1
        or not len(distances)
    ):
        raise RunError(f"{path} is not of embeddings of {dimension} values; train again")
    return Familiarity(vectors.astype(np.float32), distances, float(share))


def _distances(vectors: Floats, known: Floats) -> Floats:
    """Mean distance to the nearest of the known vectors, a block of rows at a time."""
    norms = (known**2).sum(axis=1)
    nearest = min(NEIGHBOURS, len(known))
    blocks: Sequence[Floats] = [
        np.partition((block**2).sum(axis=1)[:, None] - 2 * block @ known.T + norms, nearest - 1, axis=1)[:, :nearest]
        for block in np.array_split(vectors, max(1, len(vectors) // 512))
    ]
    return np.asarray(np.sqrt(np.concatenate(blocks).clip(0)).mean(axis=1))
