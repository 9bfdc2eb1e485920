"""Time what one look for the specimen saves where several views of a picture are prepared.

    python benchmarks/several_views.py [--images DIR] [--pictures 24] [--size 1024] [--json results.json]

Prints, in milliseconds of processor time (median over pictures, the best of three each), what the three views cost when
each looks for the specimen itself and when they share it, with `pattern` beside them and without. Simulated
photographs serve where no folder is given.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.images.decode import read_rgb
from hybridwing.images.find import find_images
from hybridwing.runtime import pattern
from hybridwing.runtime.composite import PartInput, prepare_parts
from hybridwing.runtime.finding import find_wings
from hybridwing.runtime.preprocess import Preprocess, prepare
from hybridwing.simulate.collection import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

VIEWS = tuple(
    PartInput("transformers", Preprocess(224, "shortest", 256, view=view))
    for view in ("specimen", "forewings", "hindwings")
)
DESCRIPTOR = PartInput("pattern", Preprocess(size=256, resize="none", interpolation="box", view="specimen"))
REPEATS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="folder of photographs; left out, they are simulated")
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--size", type=int, default=1024, help="long side of simulated photographs")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.images
        if folder is None:
            made = simulate(
                Path(place) / "collection", specimens=max(90, arguments.pictures), size=arguments.size, workers=1
            )
            folder = made.images
        pictures = [read_rgb(path) for path in find_images([folder]).images[: arguments.pictures]]
    figures = {
        "pictures": len(pictures),
        "finding the specimen": milliseconds(find_wings, pictures),
        "three views, each for itself": milliseconds(views_apart, pictures),
        "three views together": milliseconds(lambda one: prepare_parts(one, VIEWS), pictures),
        "pattern and three views, each for itself": milliseconds(
            lambda one: (pattern.prepare(one), views_apart(one)), pictures
        ),
        "pattern and three views together": milliseconds(
            lambda one: prepare_parts(one, (DESCRIPTOR, *VIEWS)), pictures
        ),
    }
    print(json.dumps(figures, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def views_apart(image: Image.Image) -> None:
    """Every view with a look of its own for the specimen."""
    for part in VIEWS:
        prepare(image, part.preprocess)


def milliseconds(work: Callable[[Image.Image], object], pictures: list[Image.Image]) -> float:
    """Median over pictures of the best time for each."""
    best = []
    for picture in pictures:
        spent = []
        for _ in range(REPEATS):
            begun = time.process_time()
            work(picture)
            spent.append(time.process_time() - begun)
        best.append(min(spent))
    return round(1000 * float(np.median(best)), 1)


if __name__ == "__main__":
    main()
