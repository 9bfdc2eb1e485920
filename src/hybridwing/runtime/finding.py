"""Find the specimen and its wings in a picture once, for all who cut something out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .orientation import LEAST_DIRECTION, Direction, find_direction
from .specimen import Specimen, find_specimen, working_copy
from .wings import WingMap, map_wings, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image


#: A piece that has a direction with this confidence is a specimen by itself; single wings hardly ever reach it.
_SPECIMEN = 0.8


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in a picture."""

    copy: NDArray[np.float32]  # Working copy that it was found in, of shape (height, width, 3), in [0, 1]
    specimen: Specimen
    direction: Direction  # Which way it lies
    wings: WingMap
    specimens: int = 1  # How many the picture seems to show, at least; 1 also where none was found

    @property
    def doubt(self) -> str:
        """Why what is shown may not be what it seems; empty where there is no doubt."""
        if self.specimens > 1:
            return f"the picture seems to show {self.specimens} specimens or more; hybridwing cut takes them apart"
        if self.specimen.confidence > 0 and self.direction.confidence < LEAST_DIRECTION:
            return f"which way the specimen lies cannot be told (confidence {self.direction.confidence:.2f})"
        return ""

    def upright(self) -> NDArray[np.float32]:
        """The specimen turned upright, on black; shape (height, width, 3), height and width as of the map of wings."""
        planes = [turned(self.copy[..., channel] * self.specimen.mask, self.wings.angle) for channel in range(3)]
        return np.stack(planes, axis=-1)


def find_wings(image: Image.Image) -> Found:
    """Find the specimen in an RGB picture, turn it upright and divide it."""
    return find_in_copy(working_copy(image))


def find_in_copy(copy: NDArray[np.float32]) -> Found:
    """Find the specimen in a working copy, see `hybridwing.runtime.specimen.working_copy`."""
    specimen = find_specimen(copy)
    direction = find_direction(copy, specimen.mask)
    whole = sum(find_direction(copy, piece).confidence >= _SPECIMEN for piece in specimen.pieces)
    return Found(copy, specimen, direction, map_wings(specimen.mask, direction.turn), max(1, whole))
