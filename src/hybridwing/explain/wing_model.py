"""What the wings of each class look like, place by place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.array_file import read_arrays, write_arrays
from hybridwing.errors import RunError
from hybridwing.explain.wing_pictures import DIMENSION, SIDE, WingPicture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Pixels = NDArray[np.float32]
    Floats = NDArray[np.float64]

KIND = "wings"
MOST_OF_A_CLASS = 30
"""Specimens of a class that are enough for its mean and spread."""
_POOLED = 8.0
#: Smallest spread of a colour: that of the light and of noise.
_LEAST_SPREAD = 0.03


def opponent(colours: NDArray[np.floating]) -> Floats:
    """Lightness, red against green, and both against blue, of red, green and blue in the last axis."""
    red, green, blue = np.moveaxis(np.asarray(colours, dtype=np.float64), -1, 0)
    return np.stack([(red + green + blue) / 3, red - green, (red + green) / 2 - blue], axis=-1)


@dataclass(frozen=True, eq=False)
class WingModel:
    """Means and spreads of the wing pictures of c classes."""

    names: tuple[str, ...]  # Subspecies, and crosses as ``"a x b"``
    counts: Floats  # Shape (c,): specimens of each
    means: Pixels  # Shape (c, DIMENSION): mean pictures, see `WingPicture.as_vector`
    # Shape (c, 2, SIDE, SIDE, 3): standard deviation within the class of the colours as `opponent` gives them.
    # Those of a class of few are drawn to those of all classes together.
    spreads: Pixels

    def picture(self, name: str) -> WingPicture:
        """Mean picture of a class."""
        return WingPicture.from_vector(self.means[self.names.index(name)])

    def spread(self, name: str) -> Pixels:
        """Spread of a class, shape (2, SIDE, SIDE, 3)."""
        spread: Pixels = self.spreads[self.names.index(name)]
        return spread

    def halfway(self, first: str, second: str) -> WingPicture:
        """A made cross: the mean of two classes' pictures."""
        one, other = (self.means[self.names.index(name)] for name in (first, second))
        return WingPicture.from_vector((one + other) / 2)

    def write(self, path: Path) -> None:
        """Write one ``.npz`` of plain arrays."""
        write_arrays(
            path,
            KIND,
            {"names": list(self.names)},
            {"counts": self.counts, "means": self.means, "spreads": self.spreads.reshape(len(self.names), -1)},
        )


def fit_wings(vectors: Pixels, names: Sequence[str | None]) -> WingModel | None:
    """Learn what the wings of each class look like, from wing pictures as `WingPicture.as_vector` gives them.

    Specimens of no class are left out; None where no class is known.
    """
    known = np.array([name is not None for name in names], dtype=np.bool_)
    if not known.any():
        return None
    vectors = vectors[known]
    classes, member = np.unique([str(name) for name in names if name is not None], return_inverse=True)
    grid = 2 * SIDE * SIDE
    inside = vectors[:, 3 * grid : 4 * grid].astype(np.float64)
    colours = opponent(vectors[:, : 3 * grid].reshape(len(vectors), grid, 3))
    counts = np.bincount(member).astype(np.float64)
    means, squares, weights = [], [], []
    for place in range(len(classes)):
        own = member == place
        weight = inside[own].sum(axis=0)
        seen = np.maximum(weight, 1e-6)[:, None]
        share = inside[own][..., None]
        plain = (vectors[own, : 3 * grid].reshape(-1, grid, 3) * share).sum(axis=0) / seen
        mean = (colours[own] * share).sum(axis=0) / seen
        rest = vectors[own, 3 * grid :].mean(axis=0)
        means.append(np.concatenate([plain.ravel(), rest]))
        squares.append((((colours[own] - mean) ** 2) * share).sum(axis=0))
        weights.append(weight[:, None])
    # One degree of freedom is spent on each mean; a place seen in one specimen alone says nothing of the spread.
    freedom = [np.maximum(weight - 1, 0) for weight in weights]
    pooled = sum(squares) / np.maximum(sum(freedom), 1)
    spreads = [
        np.sqrt((square + _POOLED * pooled) / (free + _POOLED) + _LEAST_SPREAD**2)
        for square, free in zip(squares, freedom, strict=True)
    ]
    shape = (len(classes), 2, SIDE, SIDE, 3)
    return WingModel(
        tuple(str(name) for name in classes),
        counts,
        np.stack(means).astype(np.float32),
        np.stack(spreads).astype(np.float32).reshape(shape),
    )


def read_wings(path: Path) -> WingModel | None:
    """Read a run's wings; None where the file is absent. Raises RunError if it is damaged."""
    if not path.is_file():
        return None
    header, arrays = read_arrays(path, KIND)
    names = header.get("names")
    try:
        spreads = arrays["spreads"].astype(np.float32).reshape(len(names), 2, SIDE, SIDE, 3)  # type: ignore[arg-type]
        means = arrays["means"].astype(np.float32)
        model = WingModel(tuple(names), arrays["counts"].astype(np.float64), means, spreads)  # type: ignore[arg-type]
        fits = (
            all(isinstance(name, str) for name in model.names)
            and model.counts.shape == (len(spreads),)
            and means.shape == (len(spreads), DIMENSION)
            and bool((spreads > 0).all())
        )
    except (KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise RunError(f"{path} does not hold what it should; train again")
    return model
