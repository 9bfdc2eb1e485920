"""Whether an image looks like anything in training: where it does not, no score means anything.

Up to four measures, each with its own limit read off held-out images by the split-conformal rule:

- the distance of an embedding to its nearest training embeddings (Sun et al. 2022, "Out-of-distribution detection with
  deep nearest neighbors", ICML, arXiv:2204.06507; without their normalisation, since the length of an embedding tells
  of empty pictures), each block of columns on its own scale;
- where the training table names some undersides, how much an image looks like them (:mod:`.undersides`);
- of `pattern`, whether the specimen would be more like the others upside down, and whether its wings are paler than
  like ones, as undersides are (:mod:`.pattern_columns`).

The share of ordinary images that may be turned away is divided among the measures (Bonferroni).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.array_file import read_arrays, write_arrays
from hybridwing.errors import RunError
from hybridwing.explain.neighbours import distance_to_nearest, nearest_rows
from hybridwing.explain.pattern_columns import paleness, turned_over
from hybridwing.runtime.pattern import DIMENSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from hybridwing.embeddings.table import EmbeddingTable, Fallback

    Floats = NDArray[np.float64]
    Vectors = NDArray[np.float32]

KIND = "familiarity"
NEIGHBOURS = 5
LIKE = 20
"""Training images that an image's ground colour is compared with."""
LEVEL = 0.99
"""Share of images like the held-out ones that are not to be taken for strange."""
MOST_FALLBACKS = 0.05
"""Where more training images than this lack the view asked for, lacking it is nothing strange."""
LEAST_TURN = 1.1
"""An image is not upside down unless it is this many times farther from training than turned over: simulated
specimens upside down are at least 1.13 times farther, upright ones at most 0.88 times."""
_LEAST_DISTANCE = 1e-9  # copies of training images have none, and nothing is divided by it
#: Arrays that hold one value for each held-out image; runs of earlier versions have the first alone.
_HELD_OUT = ("distances", "turns", "sides", "paleness")


@dataclass(frozen=True, eq=False)
class Familiarity:
    """What training images look like.

    Attributes
    ----------
    vectors : ndarray of shape (m, d), float32
        Training embeddings.
    scale : ndarray of shape (d,), float64
        What each column is divided by.
    distances : ndarray of shape (h,), float64
        Distances of the held-out images.
    fallback_share : float in [0, 1]
        Share of the training images in which the view asked for was not found.
    turns : ndarray of shape (h,), float64, or None
        How many times farther from training the held-out images are than turned over; None where that is not known.
    direction : ndarray of shape (d,), float64, or None
        Along which undersides lie, see :func:`.undersides.direction_of`; None where the training table names too few,
        or so many that they are nothing strange.
    sides : ndarray of shape (h,), float64, or None
        Products of the held-out images with it.
    paleness : ndarray of shape (h,), float64, or None
        Paleness of the held-out images; None where that is not known.
    """

    vectors: Vectors
    scale: Floats
    distances: Floats
    fallback_share: float
    turns: Floats | None = None
    direction: Floats | None = None
    sides: Floats | None = None
    paleness: Floats | None = None

    def distance(self, vectors: NDArray[np.floating]) -> Floats:
        """Mean Euclidean distance to the five nearest training embeddings, shape (n,)."""
        return distance_to_nearest(np.asarray(vectors, dtype=np.float64) / self.scale, self._known, NEIGHBOURS)

    def turn(self, vectors: NDArray[np.floating], distances: Floats) -> Floats:
        """How many times farther from training embeddings of `pattern` are than turned over, shape (n,).

        `distances` are theirs, see :meth:`distance`.
        """
        over = self.distance(turned_over(np.asarray(vectors, dtype=np.float64)))
        return distances / np.maximum(over, _LEAST_DISTANCE)

    def side(self, vectors: NDArray[np.floating]) -> Floats:
        """How much embeddings look like those of undersides, shape (n,); for runs that know `direction`."""
        assert self.direction is not None
        return np.asarray(np.asarray(vectors, dtype=np.float64) @ self.direction)

    def pale(self, vectors: NDArray[np.floating]) -> Floats:
        """How much paler than in like training images the wings of embeddings of `pattern` are, shape (n,)."""
        asked = np.asarray(vectors, dtype=np.float64)
        like = nearest_rows(asked / self.scale, self._known, LIKE)
        # A few images at a time: each brings twenty others.
        parts = np.array_split(np.arange(len(asked)), max(1, len(asked) // 64))
        known = self.vectors.astype(np.float64)
        return np.concatenate([paleness(asked[rows], known[like[rows]]) for rows in parts])

    @property
    def level(self) -> float:
        """Share of images like the held-out ones that are within all limits, in [0, 1], at least.

        0.99 where so many images were held out; with fewer, what the largest of their values allow.
        """
        count = len(self.distances)
        return 1.0 - len(self._measured) * (1.0 - self._rank / (count + 1))

    def limit(self, values: Floats) -> float:
        """The value beyond which an image is strange, of one measure's values for the held-out images."""
        return float(np.sort(values)[self._rank - 1])

    def reasons(self, embeddings: EmbeddingTable) -> tuple[str, ...]:
        """Why each image of a table is like nothing in training, in its order; empty where it is like something."""
        fallbacks = {fallback.uuid: fallback for fallback in embeddings.fallbacks}
        found = [self._fallback(fallbacks.get(uuid)) for uuid in embeddings.uuids]
        for row, reason in self._strange(embeddings.vectors):
            found[row] = found[row] or reason
        return tuple(found)

    def _fallback(self, fallback: Fallback | None) -> str:
        if fallback is None or self.fallback_share > MOST_FALLBACKS:
            return ""
        if fallback.confidence == 0:
            return "no specimen was found in the picture"
        return f"the view was not found (confidence {fallback.confidence:.2f})"

    def _strange(self, vectors: NDArray[np.floating]) -> Iterator[tuple[int, str]]:
        """Rows beyond a limit and why, what says most first."""
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
        """Which of the held-out images' values, from the smallest, is the limit: the split-conformal rule."""
        count = len(self.distances)
        missed = (1.0 - LEVEL) / len(self._measured)
        return min(math.ceil((count + 1) * (1.0 - missed) - 1e-9), count)

    @property
    def _known(self) -> Floats:
        return self.vectors.astype(np.float64) / self.scale

    def write(self, path: Path) -> None:
        """Write one ``.npz`` of plain arrays."""
        arrays: dict[str, Vectors | Floats] = {
            "vectors": self.vectors,
            "scale": self.scale,
            "distances": self.distances,
        }
        optional = {"turns": self.turns, "direction": self.direction, "sides": self.sides, "paleness": self.paleness}
        arrays.update({name: values for name, values in optional.items() if values is not None})
        write_arrays(path, KIND, {"fallback_share": self.fallback_share}, arrays)


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
    needed, known = {"vectors", "distances"}, {"vectors", "scale", "direction", *_HELD_OUT}
    paired = ("sides" in arrays) == ("direction" in arrays)
    if not needed <= set(arrays) <= known or not paired or not isinstance(share, float | int) or not 0 <= share <= 1:
        raise RunError(f"{path} does not hold what it should; train again")
    with np.errstate(over="ignore"):
        vectors = arrays["vectors"].astype(np.float32)
    # Runs of earlier versions compared the columns as they are.
    scale = arrays.get("scale", np.ones(dimension)).astype(np.float64)
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
    return Familiarity(vectors, scale, fallback_share=float(share), **held_out)
