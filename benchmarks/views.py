"""Hold the views that are found without weights against the truth of simulated photographs.

    python benchmarks/views.py [--specimens 400] [--seed 42] [--json results.json]

Prints the intersection over union (IoU) of the masks of specimen, forewings and hindwings in the working copy, by the
look of the photograph; what the failures are; what a confidence is worth, on these photographs and on the same ones
made hard (little contrast, a side cut off, much noise); and the time a picture takes.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from hybridwing.images.decode import read_rgb
from hybridwing.runtime.specimen import find_specimen, working_copy
from hybridwing.runtime.views import LEAST_CONFIDENCE, cut_view
from hybridwing.runtime.wings import LEFT_FOREWING, LEFT_HINDWING, map_wings
from hybridwing.simulate.collection import simulate
from hybridwing.simulate.specimen import mask_name
from hybridwing.simulate.styles import record_style

VIEWS = ("specimen", "forewings", "hindwings")
#: IoU below which a view is called a failure.
FAILURE = 0.5
CONFIDENCES = (0.0, 0.15, 0.3, 0.5, 0.7, 0.9, 1.001)
SIDE = 224


@dataclass(frozen=True)
class Outcome:
    """One view of one picture."""

    filename: str
    picture: str
    backdrop: str
    wings: str
    ruler: str
    side: str
    worn: str
    view: str
    iou: float
    confidence: float
    seconds: float


def measure(root: Path, specimens: int, seed: int, size: int) -> list[Outcome]:
    """Find the views of every photograph of a new collection, as it is and made hard."""
    made = simulate(root / "collection", specimens=specimens, seed=seed, size=size, workers=1)
    outcomes: list[Outcome] = []
    with made.truth.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            image = read_rgb(made.images / row["filename"], 512)
            parts = Image.open(made.truth.parent / "masks" / mask_name(row["filename"]))
            labels = Image.fromarray(np.asarray(parts) & 7)
            outcomes += compared(image, labels, row, "as it is")
            name, hard, cut = HARD[number % len(HARD)](image, labels, np.random.default_rng((seed, number)))
            outcomes += compared(hard, cut, row, name)
    return outcomes


def compared(image: Image.Image, labels: Image.Image, row: dict[str, str], picture: str) -> list[Outcome]:
    """IoU of each view with the truth, both in the upright working copy, and its confidence."""
    style = record_style(int(row["record"]))
    rgb = working_copy(image)
    specimen = find_specimen(rgb)
    wings = map_wings(specimen.mask)
    small = labels.resize(rgb.shape[1::-1], Image.Resampling.NEAREST)
    truth = np.asarray(small.rotate(wings.angle, Image.Resampling.NEAREST, expand=True))
    outcomes = []
    for view in VIEWS:
        first = {"forewings": LEFT_FOREWING, "hindwings": LEFT_HINDWING}.get(view, 0)
        found = (wings.parts == first) | (wings.parts == first + 1) if first else wings.parts > 0
        true = (truth == first) | (truth == first + 1) if first else truth > 0
        begun = time.process_time()
        cut_view(image, view, side=SIDE)
        seconds = time.process_time() - begun
        outcomes.append(
            Outcome(
                row["filename"], picture, style.backdrop.name, "apart" if row["detached"] == "True" else "on the body",
                style.ruler or "none", row["side"], "worn" if float(row["wear"]) > 0.5 else "fresh", view,
                float((found & true).sum() / max(1, (found | true).sum())),
                specimen.confidence * wings.plausible(view), seconds,
            )
        )  # fmt: skip
    return outcomes


def _faint(image: Image.Image, labels: Image.Image, rng: np.random.Generator) -> tuple[str, Image.Image, Image.Image]:
    """A tenth to a third of the contrast."""
    pixels = np.asarray(image, np.float32)
    middle = np.median(pixels, axis=(0, 1))
    return "faint", _picture(middle + rng.uniform(0.1, 0.33) * (pixels - middle)), labels


def _cut_off(image: Image.Image, labels: Image.Image, rng: np.random.Generator) -> tuple[str, Image.Image, Image.Image]:
    """A side is missing, up to half of the picture."""
    share = rng.uniform(0.15, 0.5)
    cut = [one.crop((round(share * one.width), 0, one.width, one.height)) for one in (image, labels)]
    return "cut off", cut[0], cut[1]


def _noisy(image: Image.Image, labels: Image.Image, rng: np.random.Generator) -> tuple[str, Image.Image, Image.Image]:
    """Noise of a standard deviation of 50 to 130 grey levels."""
    pixels = np.asarray(image, np.float32)
    return "noisy", _picture(pixels + rng.uniform(50, 130) * rng.standard_normal(pixels.shape)), labels


HARD = (_faint, _cut_off, _noisy)


def _picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def summary(outcomes: list[Outcome]) -> dict[str, float]:
    """Figures of a group of outcomes of one view."""
    ious = np.array([one.iou for one in outcomes])
    return {
        "pictures": len(outcomes),
        "median_iou": round(float(np.median(ious)), 3),
        "iou_quantile_5": round(float(np.quantile(ious, 0.05)), 3),
        "fallback_share": round(float(np.mean([one.confidence < LEAST_CONFIDENCE for one in outcomes])), 3),
        "failure_share": round(float(np.mean(ious < FAILURE)), 3),
        "kept_failure_share": round(
            float(np.mean([one.iou < FAILURE and one.confidence >= LEAST_CONFIDENCE for one in outcomes])), 3
        ),
    }


def table(outcomes: list[Outcome]) -> list[dict[str, object]]:
    """Summaries of the pictures as they are, by view and by look, and of the hard ones."""
    rows: list[dict[str, object]] = []
    plain = [one for one in outcomes if one.picture == "as it is"]
    for view in VIEWS:
        rows.append({"view": view, "group": "all", **summary([o for o in plain if o.view == view])})
        for field in ("wings", "backdrop", "ruler", "side", "worn"):
            for value in sorted({str(getattr(o, field)) for o in plain}):
                group = [o for o in plain if o.view == view and getattr(o, field) == value]
                rows.append({"view": view, "group": f"{field}: {value}", **summary(group)})
        for picture in sorted({o.picture for o in outcomes} - {"as it is"}):
            group = [o for o in outcomes if o.view == view and o.picture == picture]
            rows.append({"view": view, "group": picture, **summary(group)})
    return rows


def by_confidence(outcomes: list[Outcome]) -> list[dict[str, object]]:
    """What a confidence is worth, over plain and hard pictures."""
    rows: list[dict[str, object]] = []
    for view in VIEWS:
        for low, high in pairwise(CONFIDENCES):
            group = [one for one in outcomes if one.view == view and low <= one.confidence < high]
            if group:
                rows.append({"view": view, "confidence": f"{low:.2f} to {min(high, 1.0):.2f}", **summary(group)})
    return rows


def show(rows: list[dict[str, object]]) -> None:
    """Print rows of equal keys as a table."""
    print("  ".join(f"{name:>20}" for name in rows[0]))
    for row in rows:
        print("  ".join(f"{value:>20}" for value in row.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specimens", type=int, default=400, help="photographs in all (default: 400)")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--size", type=int, default=1024, help="long side of the photographs, pixels (default: 1024)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = measure(Path(folder), options.specimens, options.seed, options.size)
    plain = [one for one in outcomes if one.picture == "as it is"]
    figures = {
        "views": table(outcomes),
        "confidence": by_confidence(outcomes),
        "failures": [asdict(one) for one in sorted(plain, key=lambda one: one.iou) if one.iou < FAILURE],
        "milliseconds": {v: round(1e3 * float(np.median([o.seconds for o in plain if o.view == v])), 1) for v in VIEWS},
    }
    show(figures["views"])
    print()
    show(figures["confidence"])
    print(f"\nfailures (IoU under {FAILURE}) of the pictures as they are:")
    for one in figures["failures"]:
        print("  ", one)
    print("\nmedian milliseconds of one core to find and cut a view of decoded pixels:", figures["milliseconds"])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
