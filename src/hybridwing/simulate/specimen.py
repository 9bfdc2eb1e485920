"""Make one specimen: image and mask on disk, truth as a value."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from hybridwing.simulate.drawing import ELEMENT_SHIFT, SUPERSAMPLING, draw
from hybridwing.simulate.individuals import Individual, Pose, individual, pose
from hybridwing.simulate.photograph import photograph, scales
from hybridwing.simulate.styles import record_style

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.simulate.plan import Slot


@dataclass(frozen=True)
class Specimen:
    """What is true of one image."""

    slot: Slot  # Its place in the collection
    animal: Individual
    pose: Pose  # How it lies
    wear: float  # From 0 (fresh) to 1 (torn and faded)
    md5: str  # Of the JPEG file's bytes


@dataclass(frozen=True)
class Rendered:
    """A specimen before it is written: the photograph (RGB) and the truth mask (mode P), of one size."""

    animal: Individual
    pose: Pose
    wear: float
    picture: Image.Image
    mask: Image.Image


def mask_name(filename: str) -> str:
    """Name of the truth mask of an image."""
    return f"{filename.rsplit('.', 1)[0]}.png"


def render(slot: Slot, seed: int, size: int) -> Rendered:
    """Draw and photograph the specimen of a slot; it depends on the seed and the slot's number alone.

    `size` is the long side of the picture in pixels, which is 4 : 3.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, slot.number)))
    style = record_style(slot.record)
    animal = individual(slot.stratum, rng)
    lies = pose(
        detached=bool(rng.random() < style.detached),
        ventral=slot.ventral,
        zoom=style.zoom,
        middle=style.middle,
        rng=rng,
    )
    wear = float(rng.beta(1.3, 3.2))
    drawing = draw(animal, lies, wear, (size, size * 3 // 4), rng)
    colours = scales(animal.traits, wear, ventral=slot.ventral, rng=rng)
    picture = photograph(drawing, colours, slot.record, wear, rng)
    middle = np.asarray(drawing.labels)[::SUPERSAMPLING, ::SUPERSAMPLING]
    mask = Image.fromarray(np.ascontiguousarray(middle))
    mask.putpalette(_mask_palette())
    return Rendered(animal, lies, wear, picture, mask)


def write_specimen(slot: Slot, seed: int, size: int, images: Path, masks: Path) -> Specimen:
    """Render the specimen of a slot and write its JPEG and its mask."""
    rendered = render(slot, seed, size)
    buffer = io.BytesIO()
    rendered.picture.save(buffer, "JPEG", quality=record_style(slot.record).quality)
    (images / slot.filename).write_bytes(buffer.getvalue())
    rendered.mask.save(masks / mask_name(slot.filename), "PNG", compress_level=4)
    digest = hashlib.md5(buffer.getvalue(), usedforsecurity=False).hexdigest()
    return Specimen(slot, rendered.animal, rendered.pose, rendered.wear, digest)


_MASK_HUES = (
    (0, 0, 0), (200, 50, 30), (230, 210, 90), (245, 245, 235), (220, 90, 40), (235, 120, 40), (250, 235, 80),
    (210, 190, 40), (200, 225, 245), (190, 30, 60),
)  # fmt: skip
_MASK_GREYS = (0, 60, 75, 90, 105, 130, 0, 0)


def _mask_palette() -> list[int]:
    """Colours that let a person read a mask: parts in greys, elements in their own colours."""
    table = np.zeros((256, 3), np.uint8)
    for element, hue in enumerate(_MASK_HUES):
        for part, grey in enumerate(_MASK_GREYS):
            shade = np.clip(np.add(hue, part * 4 - 16), 0, 255) if element else (grey, grey, grey)
            table[element << ELEMENT_SHIFT | part] = shade
    return [int(v) for v in table.ravel()]
