"""How the photographs of one record look: the nuisances that real batches carry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Backdrop:
    """What the specimens lie on: a colour (sRGB, 0 to 255) and how coarse and strong its texture is."""

    name: str
    colour: Colour
    grain: float
    strength: float


BACKDROPS = (
    Backdrop("blue card", (86, 128, 172), 1.0, 4.0),
    Backdrop("light grey card", (172, 173, 174), 1.5, 3.5),
    Backdrop("white paper", (226, 225, 220), 2.5, 4.0),
    Backdrop("cream paper", (222, 214, 194), 3.0, 5.0),
    Backdrop("dark grey card", (122, 124, 126), 1.5, 4.0),
)


@dataclass(frozen=True)
class RecordStyle:
    """The look of a record."""

    backdrop: Backdrop
    white_balance: tuple[float, float, float]  # Factors on red, green and blue
    exposure: float  # Factor on brightness
    vignetting: float  # Share of light lost in the corners
    slope: tuple[float, float]  # Light gained from left to right and from top to bottom, as shares
    ruler: str | None  # Edge of the picture: ``"bottom"``, ``"left"``, ``"top"`` or None
    card: str | None  # ``"colour"``, ``"grey"`` or None
    card_corner: str  # ``"upper left"``, ``"upper right"``, ``"lower right"``
    label: bool  # Whether a hand-written label lies beside the specimen
    detached: float  # Share of specimens whose wings lie apart
    ventral: float  # Share of pictures of the underside
    white_standard: bool  # Whether file names end in ``_whitestandard``
    zoom: float  # Factor on the specimens' size
    blur: float  # Standard deviation of the blur, in pixels of a 512 px picture
    noise: float  # Standard deviation of the noise, grey levels
    quality: int  # JPEG quality

    @property
    def middle(self) -> float:
        """Where specimens lie, as a share of the picture's height: clear of the ruler."""
        return {"bottom": 0.45, "top": 0.53}.get(self.ruler or "", 0.48)


STYLE_SEED = 20240917
"""Styles hang on the record alone, so a record looks the same in every collection."""

WHITE_STANDARD_RECORDS = {9000001: 0.4, 9000002: 1.0}
"""Records whose file names end in ``_whitestandard``, and their share of ventral pictures, as officially."""


@lru_cache(maxsize=64)
def record_style(record: int) -> RecordStyle:
    """The look of one record, drawn once from its number."""
    rng = np.random.default_rng((STYLE_SEED, record))
    warm = rng.normal(0, 0.035)
    return RecordStyle(
        backdrop=BACKDROPS[record % len(BACKDROPS)],
        white_balance=(1 + warm, 1.0, 1 - 1.2 * warm),
        exposure=float(rng.uniform(0.92, 1.06)),
        vignetting=float(rng.uniform(0.02, 0.22)),
        slope=(float(rng.normal(0, 0.05)), float(rng.normal(0, 0.04))),
        ruler=(None, "bottom", "bottom", "left", "top")[int(rng.integers(5))],
        card=("colour", "colour", "grey", None)[int(rng.integers(4))],
        card_corner=("upper left", "upper right", "lower right")[int(rng.integers(3))],
        label=bool(rng.random() < 0.7),
        detached=float(rng.choice([0.0, 0.05, 0.9, 1.0])),
        ventral=WHITE_STANDARD_RECORDS.get(record, 0.0),
        white_standard=record in WHITE_STANDARD_RECORDS,
        zoom=float(rng.uniform(0.9, 1.06)),
        blur=float(rng.uniform(0.25, 0.75)),
        noise=float(rng.uniform(1.5, 4.0)),
        quality=int(rng.integers(84, 96)),
    )
