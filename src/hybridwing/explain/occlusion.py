"""What a score owes to each place of the wings, where the embedding itself has no places: they are covered in turn.

One place of the wings, left and right, is painted over in the photograph with what a pure specimen has there, and the
photograph is embedded and scored again (occlusion: Zeiler & Fergus 2014, *ECCV*). What the score loses is the place's
contribution. The wings are found once, so that a covered place moves no wing, and every view is cut as it was. A grey
square would do worse: no specimen has one, and the network's answer to it says little of the wing below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from hybridwing.embeddings.shards import Batches
from hybridwing.explain.contributions import Group, cell
from hybridwing.explain.pattern_columns import is_pattern
from hybridwing.explain.wing_pictures import SIDE, laid_on, picture_of, upright_of
from hybridwing.runtime.composite import PartInput, prepare_joined
from hybridwing.runtime.finding import find_wings
from hybridwing.runtime.specimen import working_copy
from hybridwing.runtime.views import LEAST_CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.backbones.base import BackboneSpec, LoadedBackbone
    from hybridwing.explain.wing_pictures import WingPicture
    from hybridwing.runtime.finding import Found

    Floats = NDArray[np.float64]

CELLS = 4
"""Places along a side of a wing's box that are covered one by one."""
#: A place counts where this share of its mean neighbour's pixels is wing.
_LEAST_WING = 0.2
#: Share of a place of the pure specimens' mean that is wing where its colour can be taken.
_KNOWN = 0.5


def needs_covering(backbone: BackboneSpec) -> bool:
    """Whether a part of the embedding has no places of its own, as `pattern` has."""
    return not all(is_pattern(part) for part in backbone.leaves)


@dataclass(frozen=True, eq=False)
class Covered:
    """Places of one photograph, and its embeddings without each."""

    groups: tuple[Group, ...]  # The places; they hold no columns
    # Shape (g, d): embedding of the photograph in which that place is covered; a row for each set of places where such
    # were named
    vectors: NDArray[np.float32]


def cover(
    image: Image.Image,
    backbone: LoadedBackbone,
    pure: WingPicture | None,
    batch: int = 0,
    together: Sequence[Sequence[int]] | None = None,
) -> Covered | None:
    """Embed a photograph with each place of the wings covered; None where no specimen is found in it.

    The photograph is RGB, decoded as for the backbone. `pure` is what is painted over a place, relative to the light of
    the photograph; by default the specimen's own mean colour of that wing. `batch` is the number of pictures a forward
    pass; 0 stands for what suits the backbone. `together` are places, as indices into the groups, that are covered at
    once for one embedding each; by default each is covered by itself.
    """
    found = find_wings(image)
    if found.specimen.confidence * found.wings.plausible("specimen") < LEAST_CONFIDENCE:
        return None
    groups, masks = _places(found)
    if not groups:
        return None
    if together is not None:
        masks = [np.max([masks[place] for place in places], axis=0) for places in together]
    paint = _to_photograph(_paint(found, pure), found, image.size)
    batches = Batches(backbone, batch or backbone.batch_size)
    vectors = []
    for start in range(0, len(masks), batches.size):
        inputs = []
        for mask in masks[start : start + batches.size]:
            covered = Image.composite(paint, image, _to_photograph(mask, found, image.size))
            inputs.append(_input(covered, backbone.spec, replace(found, copy=working_copy(covered))))
        vectors.append(batches.forward(inputs))
    return Covered(groups, np.concatenate(vectors))


def _places(found: Found) -> tuple[tuple[Group, ...], list[NDArray[np.uint8]]]:
    """The places that hold wing, and for each a mask in the upright working copy, 255 where it is."""
    parts = found.wings.parts
    numbers = np.arange(1.0, 2 * CELLS**2 + 1).reshape(2, CELLS, CELLS)
    member = laid_on(parts, numbers, Image.Resampling.NEAREST).round().astype(int)
    pixels = np.bincount(member.ravel(), minlength=numbers.size + 1)[1:]
    groups, masks = [], []
    for place, count in enumerate(pixels.tolist()):
        wing, number = divmod(place, CELLS**2)
        if count > _LEAST_WING * pixels.reshape(2, -1)[wing].max():
            groups.append(cell(wing, number, CELLS, np.empty(0, np.int64)))
            masks.append(((member == place + 1) * 255).astype(np.uint8))
    return tuple(groups), masks


def _paint(found: Found, pure: WingPicture | None) -> NDArray[np.uint8]:
    """What lies under a cover, in the upright working copy; shape (height, width, 3)."""
    _, light = upright_of(found)
    picture = picture_of(found) if pure is None else pure
    colours = np.empty((2, SIDE, SIDE, 3))
    for wing in range(2):
        known = picture.inside[wing] > _KNOWN
        mean = picture.colours[wing][known].mean(axis=0) if known.any() else np.full(3, 0.5)
        seen = known[..., None] & (pure is not None)
        colours[wing] = np.where(seen, picture.colours[wing], mean)
    planes = [laid_on(found.wings.parts, colours[..., channel]) for channel in range(3)]
    return (np.stack(planes, axis=-1) * light * 255).clip(0, 255).astype(np.uint8)


def _to_photograph(upright: NDArray[np.uint8], found: Found, size: tuple[int, int]) -> Image.Image:
    """Turn a plane, or three, of the upright working copy back to how the specimen lies in the photograph."""
    back = Image.fromarray(upright).rotate(-found.wings.angle, Image.Resampling.BILINEAR, expand=True)
    height, width = found.copy.shape[:2]
    left, top = (back.width - width) / 2, (back.height - height) / 2
    return back.resize(size, Image.Resampling.BILINEAR, (left, top, left + width, top + height))


def _input(image: Image.Image, backbone: BackboneSpec, found: Found) -> NDArray[np.float32]:
    """What the backbone's forward pass takes of a photograph in which the wings were found before."""
    parts = tuple(PartInput(part.family, part.preprocess) for part in backbone.leaves)
    return (prepare_joined(image, parts, found) if backbone.parts else parts[0].prepared(image, found)).value
