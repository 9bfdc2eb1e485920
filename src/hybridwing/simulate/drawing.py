"""Draw a specimen's wings as a picture of labels, twice as large as the photograph.

A label is one byte: bits 0 to 2 hold the part (0 background, 1 left forewing, 2 right forewing, 3 left
hindwing, 4 right hindwing, 5 body), bits 3 and up the `hybridwing.simulate.pattern.Element`. Left and
right are as one sees them in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from hybridwing.simulate.anatomy import anatomy, curve
from hybridwing.simulate.individuals import bend
from hybridwing.simulate.pattern import pattern

if TYPE_CHECKING:
    from hybridwing.simulate.anatomy import Points, Wing
    from hybridwing.simulate.individuals import Bend, Individual, Pose
    from hybridwing.simulate.pattern import Patch

LEFT_FORE, RIGHT_FORE, LEFT_HIND, RIGHT_HIND, BODY = 1, 2, 3, 4, 5
ELEMENT_SHIFT = 3
SUPERSAMPLING = 2


@dataclass(frozen=True)
class Drawing:
    """A specimen as labels and lines, both mode L and `SUPERSAMPLING` times the photograph's size."""

    labels: Image.Image  # Part and element of every pixel
    ink: Image.Image  # Veins and folds: 0 none, 255 full


@dataclass(frozen=True)
class Fit:
    """Everything that happens to wing coordinates on their way into a picture."""

    shape: Bend
    asymmetry: Bend
    place: Placement

    def __call__(self, points: Points) -> Points:
        """Points of shape (n, 2), bent and placed."""
        return self.place(self.asymmetry(self.shape(points)))


@dataclass(frozen=True)
class Placement:
    """Wing coordinates to pixels: mirror, turn, scale, shift."""

    mirrored: bool
    angle: float
    scale: float
    origin: tuple[float, float]

    def __call__(self, points: Points) -> Points:
        """Place points of shape (n, 2); y points down in the result."""
        cos, sin = np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))
        x, y = points[:, 0], points[:, 1]
        across = (x * cos - y * sin) * (-1 if self.mirrored else 1)
        return np.stack([self.origin[0] + self.scale * across, self.origin[1] - self.scale * (x * sin + y * cos)], 1)


def draw(animal: Individual, pose: Pose, wear: float, size: tuple[int, int], rng: np.random.Generator) -> Drawing:
    """Draw a specimen in a photograph of `size` (width, height) pixels.

    `wear` goes from 0 (fresh) to 1 (torn). The random numbers are for shape, asymmetry, rough edges and tears.
    """
    width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
    labels, ink = Image.new("L", (width, height)), Image.new("L", (width, height))
    wings = anatomy(animal.species)
    patches = pattern(
        animal.species, animal.phenotype, animal.traits, ventral=pose.ventral, rough=rng.standard_normal(8)
    )
    shapes = {"fore": bend(animal.traits.wing_aspect, rng), "hind": bend(animal.traits.wing_aspect, rng)}
    placements = _placements(pose, (width, height), rng)
    order = (LEFT_HIND, RIGHT_HIND, LEFT_FORE, RIGHT_FORE)
    for part in order[::-1] if pose.ventral else order:
        kind = "fore" if part in (LEFT_FORE, RIGHT_FORE) else "hind"
        wing: Wing = getattr(wings, kind)
        put = Fit(shapes[kind], bend(0.0, rng, strength=0.003), placements[part])
        _draw_wing(labels, ink, part, wing, getattr(patches, kind), put, wear, rng)
    if not pose.detached:
        _draw_body(labels, ink, pose, (width, height))
    return Drawing(labels, ink)


def _placements(pose: Pose, size: tuple[int, int], rng: np.random.Generator) -> dict[int, Placement]:
    scale = pose.span * size[0]
    cx, cy = pose.centre[0] * size[0], pose.centre[1] * size[1]
    spots = {
        RIGHT_FORE: (0.035, 0.05, pose.opening),
        LEFT_FORE: (-0.035, 0.05, pose.opening),
        RIGHT_HIND: (0.026, -0.028, pose.opening * 0.4 - 14),
        LEFT_HIND: (-0.026, -0.028, pose.opening * 0.4 - 14),
    }
    if pose.detached:
        spots = {
            RIGHT_FORE: (0.10, 0.14, 4.0),
            LEFT_FORE: (-0.10, 0.14, 4.0),
            RIGHT_HIND: (0.16, -0.35, 4.0),
            LEFT_HIND: (-0.16, -0.35, 4.0),
        }
    slack = np.array([0.03, 0.02, 5.5] if pose.detached else [0.0, 0.0, 1.5])
    turn = np.radians(pose.rotation)
    result = {}
    for part, (x, y, angle) in spots.items():
        mirrored = part in (LEFT_FORE, LEFT_HIND)
        loose = np.clip(rng.standard_normal(3), -2, 2) * slack
        px, py = x + loose[0], y + loose[1]
        origin = (
            cx + scale * (px * np.cos(turn) - py * np.sin(turn)),
            cy - scale * (px * np.sin(turn) + py * np.cos(turn)),
        )
        tilt = angle + loose[2] + (-pose.rotation if mirrored else pose.rotation)
        result[part] = Placement(mirrored, float(tilt), scale, origin)
    return result


def _draw_wing(
    labels: Image.Image,
    ink: Image.Image,
    part: int,
    wing: Wing,
    patches: tuple[Patch, ...],
    put: Fit,
    wear: float,
    rng: np.random.Generator,
) -> None:
    outline, scale = put(wing.outline), put.place.scale
    left, top = np.floor(outline.min(axis=0)).astype(int) - 2
    right, bottom = np.ceil(outline.max(axis=0)).astype(int) + 3
    box = (max(left, 0), max(top, 0), min(right, labels.width), min(bottom, labels.height))
    corner = np.array(box[:2])
    size = (int(box[2] - box[0]), int(box[3] - box[1]))
    mask = Image.new("L", size)
    pen = ImageDraw.Draw(mask)
    pen.polygon(_flat(outline - corner), fill=255)
    for tear in _tears(wing, wear, rng):
        pen.polygon(_flat(put(tear) - corner), fill=0)
    painted = Image.new("L", size, part)
    pen = ImageDraw.Draw(painted)
    for patch in patches:
        pen.polygon(_flat(put(patch.outline) - corner), fill=part | int(patch.element) << ELEMENT_SHIFT)
    lines = Image.new("L", size)
    pen = ImageDraw.Draw(lines)
    for i, vein in enumerate(wing.veins):
        pen.line(_flat(put(vein) - corner), fill=200, width=max(1, round(scale * (0.0075 if i < 3 else 0.006))))
    pen.line(_flat(outline - corner), fill=150, width=max(1, round(scale * 0.006)))
    at = (int(box[0]), int(box[1]))
    labels.paste(painted, at, mask)
    ink.paste(lines, at, mask)


def _tears(wing: Wing, wear: float, rng: np.random.Generator) -> list[Points]:
    """Notches in the outer margin: none on a fresh wing, several on a worn one."""
    count = int(rng.poisson(5 * wear**1.5))
    middle = wing.outline.mean(axis=0)
    found = []
    for _ in range(count):
        at = int(rng.uniform(0.30, 0.72) * len(wing.outline))
        edge = wing.outline[at]
        inward = (middle - edge) / np.hypot(*(middle - edge))
        side = np.array([-inward[1], inward[0]])
        deep, wide = rng.uniform(0.02, 0.10) * (0.4 + wear), rng.uniform(0.015, 0.05)
        jag = rng.uniform(-0.3, 0.3, 2)
        found.append(
            np.array(
                [
                    edge - 0.04 * inward - wide * side,
                    edge + (0.6 + jag[0]) * deep * inward - 0.5 * wide * side,
                    edge + deep * inward,
                    edge + (0.6 + jag[1]) * deep * inward + 0.5 * wide * side,
                    edge - 0.04 * inward + wide * side,
                ]
            )
        )
    return found


_TORSO = (
    (0.0, 0.15), (0.028, 0.135), (0.03, 0.11), (0.026, 0.095), (0.050, 0.07), (0.056, 0.0), (0.042, -0.06),
    (0.03, -0.09), (0.031, -0.2), (0.027, -0.3), (0.016, -0.37), (0.0, -0.395),
)  # fmt: skip
_ANTENNA = ((0.012, 0.14), (0.05, 0.25), (0.10, 0.37), (0.135, 0.44))


def _draw_body(labels: Image.Image, ink: Image.Image, pose: Pose, size: tuple[int, int]) -> None:
    scale = pose.span * size[0]
    origin = (pose.centre[0] * size[0], pose.centre[1] * size[1])
    half = np.asarray(_TORSO)
    torso = curve(np.vstack([half, (half * [-1, 1])[-2:0:-1]]), closed=True)
    place = Placement(mirrored=False, angle=pose.rotation, scale=scale, origin=origin)
    pen = ImageDraw.Draw(labels)
    for sign in (-1, 1):
        feeler = place(curve(np.asarray(_ANTENNA) * [sign, 1], closed=False))
        pen.line(_flat(feeler), fill=BODY, width=max(1, round(scale * 0.009)))
        x, y = feeler[-1]
        club = scale * 0.011
        pen.ellipse((x - club, y - club, x + club, y + club), fill=BODY)
    pen.polygon(_flat(place(torso)), fill=BODY)
    shade = ImageDraw.Draw(ink)
    for y in (-0.12, -0.17, -0.22, -0.27, -0.32):
        shade.line(_flat(place(np.array([[-0.024, y], [0.024, y]]))), fill=120, width=max(1, round(scale * 0.006)))


def _flat(points: Points) -> list[float]:
    return points.ravel().tolist()
