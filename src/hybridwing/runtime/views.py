"""Cut a view out of a photograph: the specimen, its forewings or its hindwings, upright on plain grey.

Everything around the view is painted one grey, the same for every backbone, so that nothing can be learnt from the
photographer's background; it can be kept instead, in the same cut, to see what it does. Grey rather than a backbone's
mean colour: that of some preprocessing is black, on which dark wings have no outline; and the published means lie
within half a standard deviation of this grey.

A view is a square, so that no resizing distorts it. In ``specimen`` the specimen lies in its middle. In ``forewings``
and ``hindwings`` the left wing lies above the right one, which is mirrored: both look like left wings, at one scale,
wherever they lay in the photograph and however far apart, and fill the square better than a pair side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .finding import Found, find_wings
from .specimen import WORKING_SIDE
from .wings import LEFT_FOREWING, LEFT_HINDWING, WingMap, box_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

VIEWS = ("whole", "specimen", "forewings", "hindwings")
#: What is done with all that is around a view.
BACKGROUNDS = ("masked", "kept")
#: Raise when a view of the same picture changes, be it here, in `.specimen` or in `.wings`: it is part of the
#: cache key, of every table and of every run. The descriptor of `.pattern` has a version of its own.
VERSION = 1
#: What is around a view, in every channel.
GREY = 128
#: Below this confidence a view is not used.
LEAST_CONFIDENCE = 0.5
#: Free rim on every side of a view, as a share of what it shows.
_MARGIN = 0.03
#: Pictures much larger than what is needed are reduced before they are turned; this many pixels for each one needed.
_OVERSAMPLING = 2
#: The mask's soft rim is cut at two thirds of its height: a little inside, where no background shines through.
_INSIDE = [0] * 170 + [255] * 86
_FILTER = Image.Resampling.BILINEAR


@dataclass(frozen=True, eq=False)
class View:
    """A part of a picture."""

    image: Image.Image  # Mode RGB
    view: str  # What it shows: the view asked for, or ``"whole"`` where that was not found
    confidence: float  # How surely the view that was asked for was found, in [0, 1]; 1 for ``"whole"``
    doubt: str = ""  # See `.finding.Found.doubt`


@dataclass(frozen=True, eq=False)
class _Panel:
    """A strip of a view, as wide as the view, and what it shows."""

    # Pixels of the upright working copy that are to be seen, shape (height, width); the others become grey
    shown: NDArray[np.bool_]
    # Place in the upright working copy that lies in the middle of the panel, in pixels
    across: float
    down: float
    mirrored: bool  # Left and right are exchanged


def cut_view(
    image: Image.Image,
    view: str,
    side: int | None = None,
    pad: float = 1.0,
    background: str = "masked",
    found: Found | None = None,
) -> View:
    """Cut a view out of an RGB picture.

    `side` is the pixels to which the view will be resized: it is then cut with no more than twice as many. By default
    it has the picture's own resolution. `pad`, at least 1, is a factor on the square's side, for a backbone that will
    cut a rim off. What is around the view becomes grey (``"masked"``), or stays as far as the picture reaches
    (``"kept"``); ``"whole"`` is not cut. `found` is what was found in the picture before, where several views of it are
    cut.
    """
    if view == "whole":
        return View(image, "whole", 1.0)
    found = found or find_wings(image)
    wings = found.wings
    confidence = found.specimen.confidence * wings.plausible(view)
    square, panels = _panels(wings, view)
    if confidence < LEAST_CONFIDENCE or not panels:
        return View(image, "whole", confidence, found.doubt)
    drawn = _drawn(image, wings, square * pad, panels, side, keep=background == "kept")
    return View(drawn, view, confidence, found.doubt)


def _panels(wings: WingMap, view: str) -> tuple[float, list[_Panel]]:
    """Side of a view's square in pixels of the working copy, and its panels from above to below."""
    if view == "specimen":
        shown = [wings.parts > 0]
    else:
        left = LEFT_FOREWING if view == "forewings" else LEFT_HINDWING
        shown = [wings.parts == left, wings.parts == left + 1]
    boxes = [box_of(mask) for mask in shown]
    seen = [box for box in boxes if box is not None]
    if not seen:
        return 0.0, []
    height = max(rows.stop - rows.start for rows, _ in seen)
    width = max(columns.stop - columns.start for _, columns in seen)
    square = max(width, len(boxes) * (1 + 2 * _MARGIN) * height) * (1 + 2 * _MARGIN)
    panels = []
    for place, (mask, box) in enumerate(zip(shown, boxes, strict=True)):
        down, across = ((part.start + part.stop) / 2 for part in box) if box else (0.0, 0.0)
        panels.append(_Panel(mask, across, down, mirrored=place == 1))
    return square, panels


def _drawn(
    image: Image.Image, wings: WingMap, square: float, panels: list[_Panel], side: int | None, *, keep: bool
) -> Image.Image:
    """Draw a view from the picture itself, which may be larger than the working copy it was found in."""
    full = max(image.size) / WORKING_SIDE
    scale = full if side is None else min(full, _OVERSAMPLING * side / square)
    # Turning reads single pixels: a picture that is to shrink is averaged first.
    source = image.reduce(int(full / scale)) if full >= 2 * scale else image
    pixels = max(len(panels), round(square * scale))
    view = Image.new("RGB", (pixels, pixels), (GREY, GREY, GREY))
    edges = [round(pixels * part / len(panels)) for part in range(len(panels) + 1)]
    for panel, top, bottom in zip(panels, edges, edges[1:], strict=False):
        size, step = (pixels, bottom - top), square / pixels
        flip = -1.0 if panel.mirrored else 1.0
        # Output pixel (x, y) shows the place (a x + b y + c, d x + e y + f) of the upright working copy.
        upright = (flip * step, 0.0, panel.across - flip * step * pixels / 2,
                   0.0, step, panel.down - step * size[1] / 2)  # fmt: skip
        there = _in_source(upright, wings, source)
        turned = source.transform(size, Image.Transform.AFFINE, there, _FILTER)
        if keep:
            mask = Image.new("L", source.size, 255).transform(size, Image.Transform.AFFINE, there, _FILTER)
        else:
            seen = Image.fromarray(panel.shown.astype(np.uint8) * 255)
            mask = seen.transform(size, Image.Transform.AFFINE, upright, Image.Resampling.BILINEAR)
        view.paste(turned, (0, top), mask.point(_INSIDE))
    return view


def _in_source(upright: tuple[float, ...], wings: WingMap, source: Image.Image) -> tuple[float, ...]:
    """Follow an affine map into the upright working copy by the turn back and the scale of the source."""
    a, b, c, d, e, f = upright
    longest = max(source.size)
    scale, angle = longest / WORKING_SIDE, np.deg2rad(wings.angle)
    cos, sin = scale * float(np.cos(angle)), scale * float(np.sin(angle))
    c, f = c - wings.parts.shape[1] / 2, f - wings.parts.shape[0] / 2
    middle = source.width / 2, source.height / 2
    return (
        cos * a - sin * d, cos * b - sin * e, cos * c - sin * f + middle[0],
        sin * a + cos * d, sin * b + cos * e, sin * c + cos * f + middle[1],
    )  # fmt: skip
