"""Prepare one picture for several backbones and views at once: the specimen is looked for a single time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import pattern
from .finding import Found, find_wings
from .preprocess import Prepared, Preprocess, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image


@dataclass(frozen=True)
class PartInput:
    """What one part of a composite takes."""

    family: str  # ``"pattern"``, or how the weights are stored
    preprocess: Preprocess

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the input: the descriptor itself, or a square of three channels."""
        side = self.preprocess.size
        return (pattern.DIMENSION,) if self.family == "pattern" else (3, side, side)

    def prepared(self, image: Image.Image, found: Found | None) -> Prepared:
        """Input of one RGB picture in which the wings were looked for before."""
        if self.family == "pattern":
            return pattern.prepare(image, found)
        return prepare(image, self.preprocess, found)


def joint_view(parts: Sequence[PartInput]) -> str:
    """The view that stands for all: the first that is cut, or ``"whole"`` where none is.

    So whoever compares the view of a picture with this one learns whether every part shows what it should.
    """
    return next((part.preprocess.view for part in parts if part.preprocess.view != "whole"), "whole")


def prepare_parts(image: Image.Image, parts: Sequence[PartInput], found: Found | None = None) -> tuple[Prepared, ...]:
    """Each part's input of one RGB picture; the same values as if each had prepared it alone.

    `found` is what was found in the picture before, where others look at it too.
    """
    if found is None and any(part.family == "pattern" or part.preprocess.view != "whole" for part in parts):
        found = find_wings(image)
    return tuple(part.prepared(image, found) for part in parts)


def prepare_joined(image: Image.Image, parts: tuple[PartInput, ...], found: Found | None = None) -> Prepared:
    """All inputs of one RGB picture as one flat array, part after part; `found` as for `prepare_parts`.

    Where every part shows its view, the result has `joint_view` and the least confidence of all. Otherwise its
    view and its confidence are those of one part: of those that lack their view, the one that was found least surely.
    """
    prepared = prepare_parts(image, parts, found)
    lacking = [one for one, part in zip(prepared, parts, strict=True) if one.view != part.preprocess.view]
    worst = min(lacking or prepared, key=lambda one: one.confidence)
    value = np.concatenate([one.value.ravel() for one in prepared])
    doubt = next((one.doubt for one in prepared if one.doubt), "")
    return Prepared(value, worst.view if lacking else joint_view(parts), worst.confidence, doubt)
