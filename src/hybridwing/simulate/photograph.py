"""Turn a drawing into a photograph: scales, shadow, light, lens and noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from hybridwing.simulate.drawing import BODY, ELEMENT_SHIFT, SUPERSAMPLING, Drawing
from hybridwing.simulate.pattern import Element
from hybridwing.simulate.scenery import backdrop, label, light
from hybridwing.simulate.styles import STYLE_SEED, record_style

if TYPE_CHECKING:
    import numpy.typing as npt

    from hybridwing.simulate.taxa import Traits

    Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Scales:
    """Colours of one specimen's scales, sRGB 0 to 255: the ground of the wings, the body and every element.

    ``sheen`` is the strength of the blue iridescence of the dark scales, 0 to 1.
    """

    sheen: float
    ground: Floats
    body: Floats
    elements: dict[Element, Floats]


def scales(traits: Traits, wear: float, *, ventral: bool, rng: np.random.Generator) -> Scales:
    """Draw the colours; wear and age bleach them, the underside is paler and browner."""
    pale = 0.30 * ventral + 0.16 * wear
    red = np.array([196 + 6 * rng.standard_normal(), 52 - 12 * traits.redness, 30 - 3 * traits.redness])
    yellow = np.array([236, 216, 128]) + rng.normal(0, 5, 3)
    white = np.array([238, 233, 214]) + rng.normal(0, 4, 3)
    ground = np.array([36, 28, 24]) + 22 * wear * np.array([1.0, 0.75, 0.5]) + rng.normal(0, 2.5)
    ground = ground + 0.28 * ventral * (np.array([120, 96, 74]) - ground)
    faded_red = np.array([196, 120, 96])
    brownish = np.array([212, 200, 160])

    def bleached(colour: npt.NDArray[np.float64], towards: npt.NDArray[np.float64]) -> Floats:
        return np.clip(colour + pale * (towards - colour), 4, 250).astype(np.float32)

    reds = bleached(red, faded_red)
    yellows, whites = bleached(yellow, brownish), bleached(white, brownish)
    return Scales(
        sheen=0.0 if ventral else traits.iridescence,
        ground=np.clip(ground, 4, 250).astype(np.float32),
        body=np.clip(ground * 0.8 + 10, 4, 250).astype(np.float32),
        elements={
            Element.RED_BAND: reds,
            Element.YELLOW_BAND: yellows,
            Element.WHITE_BAND: whites,
            Element.DENNIS: np.clip(reds + np.array([6, 10, 4]), 0, 255).astype(np.float32),
            Element.RAY: np.clip(reds + np.array([8, 14, 6]), 0, 255).astype(np.float32),
            Element.YELLOW_BAR: yellows,
            Element.YELLOW_LINE: yellows,
            Element.WHITE_MARGIN: whites,
            Element.BASAL_SPOT: np.clip(red, 4, 250).astype(np.float32),
        },
    )


def photograph(drawing: Drawing, colours: Scales, record: int, wear: float, rng: np.random.Generator) -> Image.Image:
    """Photograph a drawn specimen in the style of a record: a picture of mode RGB, half as large as the drawing."""
    style = record_style(record)
    size = (drawing.labels.width // SUPERSAMPLING, drawing.labels.height // SUPERSAMPLING)
    wings = drawing.labels.copy()
    wings.putpalette(_palette(colours))
    skin = wings.convert("RGB").reduce(SUPERSAMPLING)
    cover = drawing.labels.point([0] + [255] * 255).reduce(SUPERSAMPLING)
    card = backdrop(record, size).copy()
    if style.label:
        label(card, style, rng)
    shaded = _textured(skin, drawing.ink.reduce(SUPERSAMPLING), colours, wear, rng)
    card = _with_shadow(card, cover, rng)
    card.paste(shaded, (0, 0), cover)
    blurred = card.filter(ImageFilter.BoxBlur(style.blur * size[0] / 512))
    picture = np.asarray(blurred, np.float32) * light(record, size)
    picture *= np.float32(1 + 0.03 * np.clip(rng.standard_normal(), -2, 2))
    picture += style.noise * _noise_window(size, rng)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def _palette(colours: Scales) -> list[int]:
    table = np.zeros((256, 3), np.float32)
    table[:] = colours.ground
    for element, colour in colours.elements.items():
        table[int(element) << ELEMENT_SHIFT : (int(element) + 1) << ELEMENT_SHIFT] = colour
    table[BODY] = colours.body
    return [int(v) for v in table.astype(np.uint8).ravel()]


def _textured(
    skin: Image.Image, ink: Image.Image, colours: Scales, wear: float, rng: np.random.Generator
) -> Image.Image:
    """Add veins, uneven scale cover and, on worn wings, bare patches."""
    # patches fade into the ground over a few rows of scales; outside the wings lies ground too, so no halo
    picture = np.asarray(skin.filter(ImageFilter.BoxBlur(skin.width / 620)), np.float32)
    veins = np.asarray(ink, np.float32)[:, :, None] * np.float32(0.85 / 255)
    dark = colours.ground * np.float32(0.62)
    picture = picture + veins * (dark - picture)
    cloud = _cloud(skin.size, 14, rng)
    grain = _noise_window(skin.size, rng)[:, :, 0]
    picture *= (1 + np.float32(0.07) * cloud + np.float32(0.045) * grain)[:, :, None]
    if colours.sheen > 0:
        # structural colour shows on dark scales alone, and by the angle of the light, so unevenly
        dark_scales = np.clip(1.2 - picture[:, :, :1] / 90, 0, 1)
        angle = np.clip(0.62 + np.float32(0.28) * _cloud(skin.size, 7, rng), 0.1, 1.2)[:, :, None]
        picture += np.float32(colours.sheen) * dark_scales * angle * np.array([-14, 20, 62], np.float32)
    if wear > 0.35:
        bare = np.clip((_cloud(skin.size, 40, rng) - np.float32(2.1 - wear)) * 1.5, 0, 1) * np.float32(0.5 * wear)
        picture += bare[:, :, None] * (np.array([150, 132, 112], np.float32) - picture)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def _with_shadow(card: Image.Image, cover: Image.Image, rng: np.random.Generator) -> Image.Image:
    width = card.width
    soft = (
        cover.reduce(4).filter(ImageFilter.BoxBlur(max(1.0, width / 280))).resize(card.size, Image.Resampling.BILINEAR)
    )
    strength = rng.uniform(0.25, 0.5)
    offset = (round(width * rng.uniform(0.002, 0.010)), round(width * rng.uniform(0.004, 0.012)))
    shade = Image.new("L", card.size)
    shade.paste(soft.point([round(v * strength) for v in range(256)]), offset)
    card.paste(Image.new("RGB", card.size, (22, 22, 26)), (0, 0), shade)
    return card


def _cloud(size: tuple[int, int], cells: int, rng: np.random.Generator) -> Floats:
    """Smooth noise of unit variance, about, with so many cells across."""
    small = rng.standard_normal((max(2, cells * size[1] // size[0]), cells)).astype(np.float32)
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


@lru_cache(maxsize=2)
def _noise_bank(size: tuple[int, int]) -> Floats:
    """Sensor noise larger than a picture: most of it grey, some of it coloured."""
    rng = np.random.default_rng((STYLE_SEED, *size))
    shape = (size[1] + 97, size[0] + 97)
    grey = rng.standard_normal(shape, dtype=np.float32)[:, :, None]
    return np.float32(0.8) * grey + np.float32(0.6) * rng.standard_normal((*shape, 3), dtype=np.float32)


def _noise_window(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    x, y = (int(v) for v in rng.integers(97, size=2))
    return _noise_bank(size)[y : y + size[1], x : x + size[0]]
