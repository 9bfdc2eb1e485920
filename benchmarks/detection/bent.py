"""Silhouettes as another species might wear them: the same patterns in other proportions.

A co-mimic's pattern has the same elements in somewhat other places, shapes and sizes. So a made-up species bends all
its specimens by one smooth field, the same on both sides of the body, and lets elements grow or shrink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

SIDE = 384
"""Pixels a side of a bent silhouette."""
_KNOTS = 4
_BEND = 0.02
"""Standard deviation of the displacement at a knot, as a share of the side."""
_GROWTH = 0.25
"""Largest shift of the threshold at which a blurred edge is drawn again; 0.25 is about a pixel and a half."""


@dataclass(frozen=True, eq=False)
class MadeSpecies:
    """How a made-up species differs.

    Attributes
    ----------
    field : ndarray of shape (2, SIDE, SIDE), float64
        Where each pixel is taken from: down and across, in pixels.
    growth : float
        How much elements grow, or shrink where negative.
    """

    field: np.ndarray
    growth: float


def made_species(seed: int) -> MadeSpecies:
    """Draw a species."""
    rng = np.random.default_rng(seed)
    knots = rng.normal(size=(2, _KNOTS, _KNOTS)) * _BEND * SIDE
    down, across = np.mgrid[0:SIDE, 0 : SIDE / 2]
    places = [down / (SIDE - 1) * (_KNOTS - 1), across / (SIDE / 2 - 1) * (_KNOTS - 1)]
    left = np.stack([ndimage.map_coordinates(plane, places, order=3, mode="nearest") for plane in knots])
    right = left[:, :, ::-1] * np.array([1, -1])[:, None, None]
    return MadeSpecies(np.concatenate([left, right], axis=2), float(rng.uniform(-_GROWTH, _GROWTH)))


def as_worn_by(species: MadeSpecies, picture: Image.Image) -> Image.Image:
    """A silhouette as that species wears it; mode RGB, SIDE × SIDE."""
    small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    down, across = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    places = [down + species.field[0], across + species.field[1]]
    pixels = ndimage.map_coordinates(np.asarray(small, dtype=np.float32) / 255, places, order=1, mode="constant")
    edges = (ndimage.gaussian_filter(pixels, 2.0) - (0.5 - species.growth)) * 8 + 0.5
    return Image.fromarray((np.clip(edges, 0, 1) * 255).round().astype(np.uint8)).convert("RGB")
