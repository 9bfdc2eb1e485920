"""Find the specimen and its wings in a picture once, for all who cut something out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .specimen import Specimen, find_specimen, working_copy
from .wings import WingMap, map_wings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in a picture.

    Attributes
    ----------
    copy : ndarray of shape (height, width, 3), float32 in [0, 1]
        Working copy that it was found in.
    specimen : Specimen
    wings : WingMap
    """

    copy: NDArray[np.float32]
    specimen: Specimen
    wings: WingMap


def find_wings(image: Image.Image) -> Found:
    """Find the specimen in an RGB picture, turn it upright and divide it."""
    return find_in_copy(working_copy(image))


def find_in_copy(copy: NDArray[np.float32]) -> Found:
    """Find the specimen in a working copy, see :func:`hybridwing.runtime.specimen.working_copy`."""
    specimen = find_specimen(copy)
    return Found(copy, specimen, map_wings(specimen.mask))
