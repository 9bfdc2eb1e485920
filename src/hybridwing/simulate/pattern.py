"""From a phenotype and its traits to coloured patches, in wing coordinates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.simulate.anatomy import anatomy, curve
from hybridwing.simulate.genetics import Aristaless, Phenotype, Ro, WntA

if TYPE_CHECKING:
    from hybridwing.simulate.anatomy import Anatomy, Points
    from hybridwing.simulate.taxa import Traits


class Element(IntEnum):
    """Pattern elements; the number stands in bits 3 and up of the truth masks."""

    GROUND = 0
    RED_BAND = 1
    YELLOW_BAND = 2
    WHITE_BAND = 3
    DENNIS = 4
    RAY = 5
    YELLOW_BAR = 6
    YELLOW_LINE = 7
    WHITE_MARGIN = 8
    BASAL_SPOT = 9


@dataclass(frozen=True)
class Patch:
    """One patch of one element: a closed outline of shape (n, 2) in wing coordinates."""

    element: Element
    outline: Points


@dataclass(frozen=True)
class Pattern:
    """Patches of a forewing and a hindwing in painting order."""

    fore: tuple[Patch, ...]
    hind: tuple[Patch, ...]


_BANDS: dict[WntA, tuple[tuple[tuple[float, float], ...], ...]] = {
    WntA.BROAD: (
        (
            (0.50, 0.19), (0.59, 0.222), (0.67, 0.222), (0.735, 0.17), (0.765, 0.08), (0.762, -0.02),
            (0.725, -0.11), (0.66, -0.155), (0.59, -0.145), (0.525, -0.095), (0.485, -0.02), (0.47, 0.06),
            (0.475, 0.135),
        ),
    ),
    WntA.COMPACT: (
        (
            (0.40, 0.118), (0.46, 0.165), (0.55, 0.195), (0.62, 0.185), (0.645, 0.12), (0.63, 0.04),
            (0.60, -0.04), (0.54, -0.095), (0.46, -0.105), (0.415, -0.06), (0.425, 0.0), (0.40, 0.06),
        ),
    ),
    WntA.SPLIT: (
        (
            (0.30, 0.10), (0.37, 0.122), (0.445, 0.122), (0.465, 0.06), (0.44, -0.02), (0.45, -0.09),
            (0.40, -0.135), (0.33, -0.10), (0.315, -0.03), (0.29, 0.03),
        ),
        (
            (0.57, 0.20), (0.65, 0.232), (0.73, 0.222), (0.775, 0.15), (0.775, 0.06), (0.73, -0.01),
            (0.66, -0.03), (0.61, 0.01), (0.60, 0.08), (0.565, 0.14),
        ),
    ),
    WntA.SPOTS: (
        ((0.41, 0.11), (0.455, 0.125), (0.475, 0.075), (0.445, 0.02), (0.405, 0.03), (0.395, 0.07)),
        ((0.52, 0.175), (0.585, 0.205), (0.635, 0.20), (0.61, 0.17), (0.55, 0.15)),
        ((0.525, 0.135), (0.60, 0.165), (0.655, 0.155), (0.64, 0.125), (0.56, 0.105)),
        ((0.525, 0.09), (0.61, 0.105), (0.64, 0.085), (0.60, 0.06), (0.53, 0.058)),
        ((0.50, 0.035), (0.575, 0.035), (0.61, 0.01), (0.57, -0.01), (0.505, -0.005)),
        ((0.465, -0.045), (0.53, -0.04), (0.57, -0.065), (0.52, -0.085), (0.455, -0.075)),
    ),
    WntA.REDUCED: (
        ((0.53, 0.175), (0.60, 0.205), (0.645, 0.195), (0.635, 0.15), (0.58, 0.13), (0.525, 0.14)),
        ((0.535, 0.095), (0.60, 0.105), (0.63, 0.075), (0.59, 0.045), (0.535, 0.05)),
    ),
    WntA.MELANIC: (),
}  # fmt: skip
_BAND_SCALE = {WntA.BROAD: 1.1, WntA.SPLIT: 1.28}
_DENNIS_FORE = (
    (0.01, 0.018), (0.08, 0.05), (0.17, 0.075), (0.27, 0.09), (0.33, 0.062), (0.345, 0.0), (0.40, -0.06),
    (0.39, -0.115), (0.30, -0.115), (0.19, -0.078), (0.09, -0.038), (0.01, -0.012),
)  # fmt: skip
_DENNIS_HIND = (
    (0.01, 0.02), (0.10, 0.04), (0.21, 0.033), (0.30, -0.012), (0.31, -0.05), (0.20, -0.018), (0.02, -0.02),
)  # fmt: skip
_BAR = (
    (0.05, -0.01), (0.16, 0.0), (0.30, -0.015), (0.44, -0.03), (0.555, -0.03), (0.59, -0.055), (0.55, -0.085),
    (0.42, -0.09), (0.28, -0.085), (0.15, -0.075), (0.06, -0.05),
)  # fmt: skip
_BASAL_SPOTS = (
    ((0.035, 0.045), (0.06, 0.062), (0.085, 0.055), (0.065, 0.038)),
    ((0.03, 0.0), (0.055, 0.008), (0.075, -0.006), (0.05, -0.018)),
    ((0.03, -0.045), (0.052, -0.048), (0.06, -0.075), (0.036, -0.072)),
)
_LINE = (
    (0.03, 0.012), (0.15, 0.05), (0.29, 0.078), (0.37, 0.085), (0.37, 0.066), (0.27, 0.048), (0.14, 0.02), (0.03, 0.0),
)  # fmt: skip


def pattern(species: str, phenotype: Phenotype, traits: Traits, *, ventral: bool, rough: Points) -> Pattern:
    """Lay out a phenotype on the wings of species ``"A"`` or ``"B"``, which have rays of different form.

    The underside (`ventral`) has red spots at the base of the hindwing, and weaker dennis and rays. `rough` holds
    standard normal numbers, shape (k,), that make the edges of the patches uneven.
    """
    wings = anatomy(species)
    if ventral:
        traits = replace(traits, dennis_size=traits.dennis_size - 2.0, ray_width=traits.ray_width - 1.2)
    fore = [*_dennis(phenotype, traits, _DENNIS_FORE), *_line(phenotype), *_band(species, phenotype, traits)]
    hind = [
        *_margin(phenotype, wings),
        *_dennis(phenotype, traits, _DENNIS_HIND),
        *_rays(species, phenotype, traits, wings),
        *_bar(phenotype, traits),
        *(Patch(Element.BASAL_SPOT, curve(points, closed=True)) for points in _BASAL_SPOTS if ventral),
    ]
    return Pattern(
        tuple(Patch(p.element, _roughened(p.outline, rough, i)) for i, p in enumerate(fore)),
        tuple(Patch(p.element, _roughened(p.outline, rough, i + len(fore))) for i, p in enumerate(hind)),
    )


def _band(species: str, phenotype: Phenotype, traits: Traits) -> list[Patch]:
    light = Element.WHITE_BAND if phenotype.light is Aristaless.WHITE else Element.YELLOW_BAND
    size = _BAND_SCALE.get(phenotype.band, 1.0) * (1 + 0.085 * traits.band_size)
    shift = np.array([0.014 * traits.band_place + (0.02 if species == "B" else 0.0), 0.0])
    patches = []
    for points in _BANDS[phenotype.band]:
        outline = curve(points, closed=True)
        middle = outline.mean(axis=0)
        if phenotype.edge is Ro.TOOTHED:
            outline = _toothed(outline, middle)
        outline = middle + _turned((outline - middle) * size, 0.06 * traits.band_slant) + shift
        if phenotype.band is WntA.SPLIT and phenotype.band_red:
            core = middle + shift + (outline - middle - shift) * 0.62
            patches += [Patch(Element.RED_BAND, outline), Patch(light, core)]
        else:
            patches.append(Patch(Element.RED_BAND if phenotype.band_red else light, outline))
    return patches


def _toothed(outline: Points, middle: Points) -> Points:
    away = outline - middle
    distal = np.clip(away[:, :1] / 0.12, 0, 1)
    return middle + away * (1 + 0.09 * distal * np.sin(90 * away[:, 1:]))


def _dennis(phenotype: Phenotype, traits: Traits, points: tuple[tuple[float, float], ...]) -> list[Patch]:
    if not phenotype.dennis:
        return []
    stretch = np.array([1 + 0.07 * traits.dennis_size, 1 + 0.03 * traits.dennis_size])
    return [Patch(Element.DENNIS, curve(points, closed=True) * stretch)]


def _line(phenotype: Phenotype) -> list[Patch]:
    return [Patch(Element.YELLOW_LINE, curve(_LINE, closed=True))] if phenotype.line else []


def _bar(phenotype: Phenotype, traits: Traits) -> list[Patch]:
    if not phenotype.bar:
        return []
    outline = curve(_BAR, closed=True)
    middle = outline.mean(axis=0)
    width = np.array([1 + 0.03 * traits.bar_width, 1 + 0.16 * traits.bar_width])
    return [Patch(Element.YELLOW_BAR, middle + (outline - middle) * width + [0, 0.012 * traits.bar_place])]


def _margin(phenotype: Phenotype, wings: Anatomy) -> list[Patch]:
    if not phenotype.margin:
        return []
    outline = wings.hind.outline
    first, last = int(len(outline) * 0.29), int(len(outline) * 0.74)
    outer = outline[first:last]
    middle = np.array([0.3, -0.12])
    taper = np.sin(np.pi * np.linspace(0, 1, len(outer))) ** 0.35
    return [Patch(Element.WHITE_MARGIN, np.vstack([outer, (outer - (outer - middle) * 0.13 * taper[:, None])[::-1]]))]


def _rays(species: str, phenotype: Phenotype, traits: Traits, wings: Anatomy) -> list[Patch]:
    """One ray in every space behind the first vein; those of species B are nail-headed."""
    if not phenotype.rays:
        return []
    width = 0.0135 * (1 + 0.16 * traits.ray_width)
    reach = np.clip(0.80 + 0.05 * traits.ray_length, 0.55, 0.93)
    t = np.linspace(0, 1, 9)
    taper = 1.0 - 0.55 * t if species == "A" else 0.55 + 1.25 * np.exp(-((t / 0.22) ** 2))
    patches = []
    for start, end in wings.hind.spaces[1:]:
        along = end - start
        across = np.array([-along[1], along[0]]) / np.hypot(*along)
        middle = start + along * (0.02 + reach * t)[:, None]
        side = across * (width * taper)[:, None]
        patches.append(Patch(Element.RAY, np.vstack([middle + side, (middle - side)[::-1]])))
    return patches


def _turned(points: Points, angle: float) -> Points:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]))


def _roughened(outline: Points, rough: Points, which: int) -> Points:
    """Move an outline in and out by smooth noise: a few sines whose phases come from `rough`."""
    turn = np.linspace(0, 2 * np.pi, len(outline), endpoint=False)
    phases = 3 * np.resize(np.roll(rough, which * 5), 4)
    wave = sum(np.sin(k * turn + phase) / k for k, phase in zip((3, 5, 8, 13), phases, strict=True))
    middle = outline.mean(axis=0)
    away = outline - middle
    length = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-9)[:, None]
    return np.asarray(outline + away / length * 0.008 * np.asarray(wave)[:, None])
