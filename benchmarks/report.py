"""How long the page of a prediction of 20,000 images takes to build, and how large it is.

    python benchmarks/report.py RUN PHOTOGRAPHS [--images 20000]

The photographs of a folder are ranked once. Then the page is built of as many images as asked for, the ranked ones
again and again under names of their own: 60 cards with pictures and reasons, and a table of all.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import hybridwing as hw
from hybridwing.report.prediction_page import write_prediction


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--images", type=int, default=20_000)
    options = parser.parse_args()
    run = hw.load_run(options.run)
    ranked = run.predict(options.photographs)
    more = (
        replace(image, path=Path(f"drawer {number}", image.path.name))
        for number, image in enumerate(islice(cycle(ranked.images), options.images - len(ranked.images)))
    )
    images = (replace(one, rank=place) for place, one in enumerate((*ranked.images, *more), start=1))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "ranked.html"
        began = time.perf_counter()
        write_prediction(replace(ranked, images=tuple(images)), run, page)
        took = time.perf_counter() - began
        print(f"{options.images:,} images: {took:.1f} s, {page.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
