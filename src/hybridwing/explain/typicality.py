"""Out-of-distribution check: whether an image is typical of the training images. Otherwise its score means nothing.

There are up to four measures. The limit of each comes from held-out images by the split-conformal rule:

- the distance of an embedding to its nearest training embeddings, each region of the embedding on its own scale (Sun et
  al. 2022, "Out-of-distribution detection with deep nearest neighbors", ICML, arXiv:2204.06507; without their
  normalisation, since the length of an embedding shows that a picture is empty);
- where the training table names some undersides, how much an image looks like them (`.typicality_fitting`);
- for `pattern`, whether the specimen would be more typical upside down, and whether its wings are paler than those of
  similar specimens, as undersides are (`.pattern_columns`).

The share of typical images that may be rejected is divided among the measures (Bonferroni).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridwing.array_file import read_arrays, write_arrays
from hybridwing.errors import RunError
from hybridwing.explain.pattern_columns import paleness, turned_over
from hybridwing.runtime.pattern import DIMENSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from hybridwing.embeddings.table import EmbeddingTable, Fallback

    Floats = NDArray[np.float64]
    Vectors = NDArray[np.float32]

KIND = "typicality"
NEIGHBOURS = 5
"""Nearest training images whose mean distance counts."""
SIMILAR = 20
"""Nearest training images whose ground colour an image is compared with."""
LEVEL = 0.99
"""Share of images like the held-out ones that pass as typical."""
MOST_FALLBACKS = 0.05
"""If the view was not found in a larger share of the training images than this, an image without it is typical."""
LEAST_TURN = 1.1
"""An image counts as upside down if it is this many times farther from the training images than turned over: simulated
specimens upside down are at least 1.13 times farther, upright ones at most 0.88 times."""
_LEAST_DISTANCE = 1e-9  # the distance of a copy of a training image is 0, which cannot be divided by
#: Arrays that hold one value for each held-out image; only the first is always there.
_HELD_OUT = ("distances", "turns", "sides", "paleness")


@dataclass(frozen=True, eq=False)
class Typicality:
    """The training images, and the held-out images' values of each measure."""

    vectors: Vectors  # Shape (m, d): training embeddings
    scale: Floats  # Shape (d,): divisor of each column
    distances: Floats  # Shape (h,): distances of the held-out images to the training images
    fallback_share: float  # In [0, 1]: share of the training images in which the view was not found
    doubt_share: float = 0.0  # In [0, 1]: share of the training images whose view is in doubt
    # Shape (h,): how many times farther from the training images the held-out images are than turned over; None unless
    # the backbone is `pattern`
    turns: Floats | None = None
    # Shape (d,): direction in which undersides lie, see `.typicality_fitting`; None where the training table
    # names too few undersides, or so many that they are typical
    direction: Floats | None = None
    sides: Floats | None = None  # Shape (h,): products of the held-out images with `direction`
    paleness: Floats | None = None  # Shape (h,): paleness of the held-out images; None unless the backbone is `pattern`

    def distance(self, vectors: NDArray[np.floating]) -> Floats:
        """Mean Euclidean distance to the five nearest training embeddings, shape (n,)."""
        found: Floats = self._nearest(vectors, NEIGHBOURS)[0].mean(axis=1)
        return found

    def turn(self, vectors: NDArray[np.floating], distances: Floats) -> Floats:
        """How many times farther from the training images embeddings of `pattern` are than turned over, shape (n,).

        `distances` are those of the same embeddings, see `distance`.
        """
        over = self.distance(turned_over(np.asarray(vectors, dtype=np.float64)))
        return distances / np.maximum(over, _LEAST_DISTANCE)

    def side(self, vectors: NDArray[np.floating]) -> Floats:
        """How much embeddings look like those of undersides, shape (n,). `direction` must be there."""
        assert self.direction is not None
        return np.asarray(np.asarray(vectors, dtype=np.float64) @ self.direction)

    def pale(self, vectors: NDArray[np.floating]) -> Floats:
        """How much paler wings are than in similar training images, shape (n,); of embeddings of `pattern`."""
        asked, known = np.asarray(vectors, dtype=np.float64), self.vectors.astype(np.float64)
        similar = self._nearest(asked, SIMILAR)[1]
        # A few images at a time: each brings twenty others.
        parts = np.array_split(np.arange(len(asked)), max(1, len(asked) // 64))
        return np.concatenate([paleness(asked[rows], known[similar[rows]]) for rows in parts])

    def _nearest(self, vectors: NDArray[np.floating], count: int) -> tuple[Floats, NDArray[np.intp]]:
        """Distances and rows of the nearest training images, each of shape (n, count or all there are)."""
        from sklearn.neighbors import NearestNeighbors

        count = min(count, len(self.vectors))
        search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(self.vectors / self.scale)
        distances, rows = search.kneighbors(np.asarray(vectors, dtype=np.float64) / self.scale)
        return distances, rows

    @property
    def level(self) -> float:
        """Least share of images like the held-out ones that are within all limits, in [0, 1].

        It is 0.99 where enough images were held out. With fewer, the limits are their largest values.
        """
        count = len(self.distances)
        return 1.0 - len(self._measured) * (1.0 - self._rank / (count + 1))

    def limit(self, values: Floats) -> float:
        """Return the value beyond which an image is not typical, from the held-out images' values of one measure."""
        return float(np.sort(values)[self._rank - 1])

    def reasons(self, embeddings: EmbeddingTable) -> tuple[str, ...]:
        """Return why each image of a table is not typical, in the table's order; empty where it is typical."""
        fallbacks = {fallback.uuid: fallback for fallback in embeddings.fallbacks}
        found = [self._fallback(fallbacks.get(uuid)) for uuid in embeddings.uuids]
        if not found:
            return ()
        for row, reason in self._atypical(embeddings.vectors):
            found[row] = found[row] or reason
        return tuple(found)

    def _fallback(self, fallback: Fallback | None) -> str:
        if fallback is None:
            return ""
        if fallback.doubt:
            return "" if self.doubt_share > MOST_FALLBACKS else fallback.doubt
        if self.fallback_share > MOST_FALLBACKS:
            return ""
        if fallback.confidence == 0:
            return "no specimen was found in the picture"
        return f"the view was not found (confidence {fallback.confidence:.2f})"

    def _atypical(self, vectors: NDArray[np.floating]) -> Iterator[tuple[int, str]]:
        """Rows beyond a limit and the reason, the most telling measure first."""
        limit, distances = self.limit(self.distances), self.distance(vectors)
        if self.turns is not None:
            for row in np.flatnonzero(self.turn(vectors, distances) > max(LEAST_TURN, self.limit(self.turns))):
                yield int(row), "more like the training images when turned over: the specimen may lie upside down"
        for row in np.flatnonzero(distances > limit):
            times = distances[row] / max(limit, _LEAST_DISTANCE)
            yield int(row), f"unlike the training images: {times:.2f} times the largest distance that is usual"
        if self.sides is not None:
            for row in np.flatnonzero(self.side(vectors) > self.limit(self.sides)):
                yield int(row), "looks like an underside: more like those in training than upper sides are"
        if self.paleness is not None:
            for row in np.flatnonzero(self.pale(vectors) > self.limit(self.paleness)):
                yield int(row), "looks like an underside or faded: paler wings than training images of such a pattern"

    @property
    def _measured(self) -> list[Floats]:
        return [values for values in (self.distances, self.turns, self.sides, self.paleness) if values is not None]

    @property
    def _rank(self) -> int:
        """Rank of the held-out image whose value is the limit, from the smallest: the split-conformal rule."""
        count = len(self.distances)
        missed = (1.0 - LEVEL) / len(self._measured)
        return min(math.ceil((count + 1) * (1.0 - missed) - 1e-9), count)

    def write(self, path: Path) -> None:
        """Write one ``.npz`` of plain arrays."""
        arrays: dict[str, Vectors | Floats] = {
            "vectors": self.vectors,
            "scale": self.scale,
            "distances": self.distances,
        }
        optional = {"turns": self.turns, "direction": self.direction, "sides": self.sides, "paleness": self.paleness}
        arrays.update({name: values for name, values in optional.items() if values is not None})
        write_arrays(path, KIND, {"fallback_share": self.fallback_share, "doubt_share": self.doubt_share}, arrays)


def read_typicality(path: Path, dimension: int) -> Typicality | None:
    """Read a run's typicality; None where the file is absent.

    Raises RunError if the file is damaged or not of embeddings of this dimension.
    """
    if not path.is_file():
        return None
    header, arrays = read_arrays(path, KIND)
    shares: list[Any] = [header.get(name) for name in ("fallback_share", "doubt_share")]
    needed, known = {"vectors", "scale", "distances"}, {"vectors", "scale", "direction", *_HELD_OUT}
    paired = ("sides" in arrays) == ("direction" in arrays)
    if (
        not needed <= set(arrays) <= known
        or not paired
        or not all(isinstance(share, float | int) and 0 <= share <= 1 for share in shares)
    ):
        raise RunError(f"{path} does not hold what it should; train again")
    with np.errstate(over="ignore"):
        vectors = arrays["vectors"].astype(np.float32)
    scale = arrays["scale"].astype(np.float64)
    held_out = {name: arrays[name].astype(np.float64) for name in (*_HELD_OUT, "direction") if name in arrays}
    count = held_out["distances"].shape
    if (
        vectors.ndim != 2
        or vectors.shape[1:] != (dimension,)
        or not len(vectors)
        or scale.shape != (dimension,)
        or not (scale >= np.finfo(np.float32).tiny).all()
        or not np.isfinite(vectors).all()
        or len(count) != 1
        or not count[0]
        or any(values.shape != count for name, values in held_out.items() if name != "direction")
        or held_out.get("direction", scale).shape != (dimension,)
        or (dimension != DIMENSION and not {"turns", "paleness"}.isdisjoint(held_out))
    ):
        raise RunError(f"{path} is not of embeddings of {dimension} values; train again")
    return Typicality(vectors, scale, fallback_share=float(shares[0]), doubt_share=float(shares[1]), **held_out)
