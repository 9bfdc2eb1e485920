"""Preprocessing as a value: what happens between a photograph and a backbone's input."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from .views import BACKGROUNDS, VERSION, VIEWS, cut_view

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .finding import Found

#: Resampling filters by name. Pillow's filters always cover the source area, i.e. they antialias when shrinking.
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
RESIZE_MODES = ("squash", "shortest", "none")

#: Strips longer than this many times their short side are cut before they are resized.
_LONGEST_STRIP = 16

#: Pixels that decoding keeps on the picture's short side for each one of the input's. Of the whole twice as many, so
#: that drafts stay invisible; more for a part of the picture: a specimen's long side is about 0.9 of the short side of
#: the pictures that we simulate after the challenge's, a forewing's 0.45. A quarter of the challenge's 3,456 pixels is
#: 3.375 times the 256 that DINOv2 resizes to.
_DECODED = {"whole": 2.0, "specimen": 3.0, "forewings": 3.375, "hindwings": 3.375}

_Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocess:
    """How pictures are prepared; stored with every embedding table and every model."""

    # Side of the square the backbone sees, in pixels; for ``resize="none"`` the short side that decoding keeps
    size: int = 224
    # ``"squash"`` resizes to `size` × `size` without keeping the aspect ratio, as the challenge's sample does;
    # ``"shortest"`` resizes the short side to `resize_to` and cuts the centre, with black around it where `size` is
    # larger; ``"none"`` leaves the picture to the backbone
    resize: str = "squash"
    resize_to: int = 224  # Short side before the centre cut, in pixels; only for ``"shortest"``
    interpolation: str = "bilinear"  # Resampling filter, one of `FILTERS`
    # Whether the filter covers the source area when it shrinks. Always true: Pillow knows no other way
    antialias: bool = True
    # RGB values, scaled to [0, 1], are reduced by `mean` and then divided by `std`
    mean: _Triple = (0.0, 0.0, 0.0)
    std: _Triple = (1.0, 1.0, 1.0)
    view: str = "whole"  # Part of the picture: all of it, or what `.views` cuts out of it
    # Version of the code that cuts the view. 0 is replaced by the one of this package, `.views.VERSION`; of
    # ``"whole"``, which is not cut, it is always 0
    view_version: int = 0
    # ``"masked"`` or ``"kept"``: whether what is around a view becomes grey. Empty is replaced by ``"masked"``; of
    # ``"whole"``, of which nothing is cut away, it is always empty
    background: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be carried out, so that a bad value is found when it is made or read."""
        if self.resize not in RESIZE_MODES:
            raise ValueError(f"resize must be one of {', '.join(RESIZE_MODES)}; got {self.resize!r}")
        if self.interpolation not in tuple(FILTERS):
            raise ValueError(f"interpolation must be one of {', '.join(FILTERS)}; got {self.interpolation!r}")
        if self.view not in VIEWS:
            raise ValueError(f"view must be one of {', '.join(VIEWS)}; got {self.view!r}")
        if type(self.view_version) is not int or self.view_version < 0:
            raise ValueError(f"view_version must be a whole number from 0; got {self.view_version!r}")
        object.__setattr__(self, "view_version", 0 if self.view == "whole" else self.view_version or VERSION)
        if self.background not in ("", *BACKGROUNDS):
            raise ValueError(f"background must be one of {', '.join(BACKGROUNDS)}; got {self.background!r}")
        object.__setattr__(self, "background", "" if self.view == "whole" else self.background or "masked")
        for side, highest in (("size", 4096), ("resize_to", 8192)):
            pixels = getattr(self, side)
            if type(pixels) is not int or not 8 <= pixels <= highest:
                raise ValueError(f"{side} must be a whole number of pixels in [8, {highest}]; got {pixels!r}")
        if self.antialias is not True:
            raise ValueError("antialias must be true: shrinking without it is not offered")
        for name, triple in (("mean", self.mean), ("std", self.std)):
            # 0 and 0.0 are equal, but not in the JSON that a backbone's key is hashed from.
            object.__setattr__(self, name, _finite_triple(name, triple))
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive; got {self.std!r}")

    @property
    def short_side(self) -> int:
        """Pixels that decoding must keep on the picture's short side for this input to be sharp."""
        decoded = 2.0 if self.resize == "none" else _DECODED[self.view]
        return round(decoded * self.resized_side)

    @property
    def resized_side(self) -> int:
        """Short side of the picture once resized, before any cut, in pixels."""
        return self.resize_to if self.resize == "shortest" else self.size

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocess:
        """Read what `to_dict` wrote; ValueError for unknown or missing names and for values out of range."""
        unknown = sorted(str(name) for name in set(values) - set(cls.__dataclass_fields__))
        if unknown:
            raise ValueError(f"unknown preprocessing settings: {', '.join(unknown)}")
        missing = sorted(set(cls.__dataclass_fields__) - set(values))
        if missing:
            raise ValueError(f"missing preprocessing settings: {', '.join(missing)}")
        read = cls(**values)
        if values["view_version"] != read.view_version:
            raise ValueError(f"view_version {values['view_version']!r} is not that of the view {read.view!r}")
        return read

    def as_sample(self) -> Preprocess:
        """Return the same with the sample's resize: squashed to a square, bilinear, whole picture."""
        return replace(self, resize="squash", interpolation="bilinear", view="whole", background="")


def _finite_triple(name: str, values: object) -> _Triple:
    """Three finite floats, whatever kind of sequence and of numbers they came as."""
    try:
        red, green, blue = (float(value) for value in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        red = green = blue = float("nan")
    if not np.isfinite((red, green, blue)).all():
        raise ValueError(f"{name} must hold three finite numbers; got {values!r}")
    return red, green, blue


def resized(image: Image.Image, prep: Preprocess) -> Image.Image:
    """Resize and cut an RGB picture as `prep` says; ``"none"`` returns it as it is.

    Of a picture longer than sixteen times its short side, ``"shortest"`` takes the middle before it resizes.
    """
    method = FILTERS[prep.interpolation]
    if prep.resize == "none":
        return image
    if prep.resize == "squash":
        return image.resize((prep.size, prep.size), method)
    image = _shortened(image)
    width, height = image.size
    short = min(width, height)
    # The long side is cut to an integer and the offset rounded as torchvision does for PIL images.
    target = (
        prep.resize_to if width == short else int(prep.resize_to * width / short),
        prep.resize_to if height == short else int(prep.resize_to * height / short),
    )
    scaled = image.resize(target, method)
    if prep.size > prep.resize_to:
        # As transformers' processors for PIL images do (image_transforms.center_crop), which lay black around it.
        left, top = (target[0] - prep.size) // 2, (target[1] - prep.size) // 2
    else:
        left, top = round((target[0] - prep.size) / 2.0), round((target[1] - prep.size) / 2.0)
    return scaled.crop((left, top, left + prep.size, top + prep.size))


def _shortened(image: Image.Image) -> Image.Image:
    """Take the middle of a strip: blown up to the asked short side, all of it could fill the memory."""
    width, height = image.size
    longest = _LONGEST_STRIP * min(width, height)
    if max(width, height) <= longest:
        return image
    left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
    return image.crop((left, top, left + min(width, longest), top + min(height, longest)))


@dataclass(frozen=True, eq=False)
class Prepared:
    """One picture as a backbone takes it, and which part of the picture that is."""

    value: NDArray[np.float32]  # What the backbone's forward pass takes, e.g. of shape (3, size, size)
    view: str = "whole"  # The view it shows: the one asked for, or ``"whole"`` where that was not found
    confidence: float = 1.0  # How surely the view was found, in [0, 1]; 1 for ``"whole"`` where it was asked for
    doubt: str = ""  # Why the picture may not show what it seems to, see `.finding.Found.doubt`; empty for most


def prepare(image: Image.Image, prep: Preprocess, found: Found | None = None) -> Prepared:
    """Cut the view out of an RGB picture and make a backbone's input of it.

    Where the view is not found well enough the whole picture is taken, and the result says so. `found` is what was
    found in the picture before, where several views of it are wanted.
    """
    side = None if prep.resize == "none" else prep.resized_side
    # What "shortest" will cut off is added around the view beforehand.
    pad = max(1.0, prep.resized_side / prep.size)
    cut = cut_view(image, prep.view, side, pad, background=prep.background, found=found)
    return Prepared(to_input(cut.image, prep), cut.view, cut.confidence, cut.doubt)


def to_input(image: Image.Image, prep: Preprocess) -> NDArray[np.float32]:
    """Input of one RGB picture, of shape (3, size, size): channels first, normalised by mean and standard deviation."""
    pixels = np.asarray(resized(image, prep), dtype=np.float32) / np.float32(255.0)
    normal = (pixels - np.asarray(prep.mean, np.float32)) / np.asarray(prep.std, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1))
