"""The pictures that a submission is tried on: simulated specimens, and the kinds of file that cameras make."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Kind = Literal["ordinary", "again", "large", "odd"]

#: Size and seed of the simulated collection that the specimens are drawn from, and how many: they differ in species,
#: cross and record.
_COLLECTION, _SEED, _ORDINARY = 1000, 42, 6
_LONG_SIDE = 640
#: Pixels of the photographs of the challenge, about 18 million.
_PHOTOGRAPH = (5184, 3456)
#: How often such a photograph is asked for, and its grain, in grey levels.
_TIMED, _GRAIN = 10, 19


@dataclass(frozen=True)
class ProbeImage:
    """One picture."""

    file: str  # Name in the folder; sorted, the names have the order in which the pictures are asked for
    what: str  # In words
    # ``"ordinary"``: as the challenge's; a submission must do it. ``"again"``: the first ordinary one once more.
    # ``"large"``: a photograph of full size, for the time. ``"odd"``: a submission had better do it
    kind: Kind


def write_probe_images(folder: Path) -> tuple[ProbeImage, ...]:
    """Write the pictures into a folder that is there already, the same for every submission."""
    pictures = list(_specimens())
    drawn: list[tuple[Kind, str, str, bytes]] = []
    for picture in pictures:
        drawn.append(("ordinary", "specimen.jpg", "a JPEG photograph", _saved(picture, "JPEG", quality=90)))
    drawn.append(("again", "again.jpg", "the first photograph once more", drawn[0][3]))
    for picture in pictures[:2]:
        large = _saved(_grainy(picture.resize(_PHOTOGRAPH, Image.Resampling.BILINEAR)), "JPEG", quality=90)
        drawn += [("large", "photograph.jpg", "a photograph of 18 megapixels", large)] * (_TIMED // 2)
    drawn += [("odd", *one) for one in _odd(pictures[1])]
    images = []
    for number, (kind, name, what, content) in enumerate(drawn):
        images.append(ProbeImage(f"{number:02}-{name}", what, kind))
        (folder / images[-1].file).write_bytes(content)
    return tuple(images)


def _specimens() -> Iterator[Image.Image]:
    from hybridwing.simulate.plan import plan
    from hybridwing.simulate.specimen import render

    slots = plan(_COLLECTION, _SEED)
    for slot in slots[:: len(slots) // _ORDINARY][:_ORDINARY]:
        yield render(slot, _SEED, _LONG_SIDE).picture


def _grainy(picture: Image.Image) -> Image.Image:
    """With the noise of a sensor, which makes a file of the size of a camera's, as slow to decode."""
    grain = np.random.default_rng(_SEED).integers(0, _GRAIN, (picture.height, picture.width, 1), dtype=np.uint8)
    return Image.fromarray(np.minimum(np.asarray(picture), 255 - _GRAIN) + grain)


def _odd(picture: Image.Image) -> Iterator[tuple[str, str, bytes]]:
    grey = picture.convert("L")
    transparent = picture.convert("RGBA")
    transparent.putalpha(grey.point(lambda value: 255 - value // 2))
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    turned = Image.Exif()
    turned[0x0112] = 6
    whole = _saved(picture, "JPEG", quality=90)
    yield "greyscale.jpg", "a greyscale JPEG", _saved(grey, "JPEG")
    yield "transparent.png", "an RGBA PNG", _saved(transparent, "PNG")
    yield "cmyk.jpg", "a CMYK JPEG", _saved(picture.convert("CMYK"), "JPEG")
    yield "deep.png", "a 16-bit greyscale PNG", _saved(deep, "PNG")
    yield "palette.png", "a palette PNG", _saved(picture.quantize(64), "PNG")
    yield "turned.jpg", "a JPEG turned by its EXIF orientation", _saved(picture, "JPEG", exif=turned)
    yield "tiny.png", "a picture of one pixel", _saved(picture.resize((1, 1)), "PNG")
    yield "truncated.jpg", "a JPEG that is cut off", whole[: len(whole) // 3]


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
