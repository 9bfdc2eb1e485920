"""Which pictures does a run give no verdict on, and which verdicts does it keep?

Simulates a collection, trains on it, and asks about its test photographs and about pictures that are none of the kind:
empty ones, noise, text, blobs, specimens upside down, and silhouettes if a folder of them is given. Undersides are
asked of the run, whose training has some, and of one trained without any.

    python benchmarks/abstention.py [--specimens 1400] [--silhouettes FOLDER] [--json results.json]
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.evaluation.intervals import Proportion
from hybridwing.runs.predict import predict
from hybridwing.runs.train import train
from hybridwing.simulate.collection import simulate
from hybridwing.simulate.plan import plan
from hybridwing.simulate.specimen import render

SIZE, COUNT = 320, 30
SHAPE = (SIZE, SIZE * 3 // 4)


def odd_pictures(seed: int) -> dict[str, list[Image.Image]]:
    """Pictures that show no butterfly, and butterflies as no collection shows them."""
    rng = np.random.default_rng(seed)
    slots = [
        s for s in plan(4432, seed + 1) if s.split == "test" and not s.stratum.hybrid and s.stratum.indicator != "mimic"
    ]
    upright = [
        render(replace(slot, ventral=False), seed + 1, SIZE).picture for slot in slots[:: len(slots) // COUNT][:COUNT]
    ]
    under = [
        render(replace(slot, ventral=True), seed + 2, SIZE).picture for slot in slots[:: len(slots) // COUNT][:COUNT]
    ]
    return {
        "black, grey, white": [
            Image.new("RGB", SHAPE, (v, v, v)) for v in np.linspace(0, 255, COUNT).astype(int).tolist()
        ],
        "noise": [Image.fromarray(rng.integers(0, 256, (*SHAPE[::-1], 3), dtype=np.uint8)) for _ in range(COUNT)],
        "a page of text": [_text(rng) for _ in range(COUNT)],
        "coloured blobs": [_blobs(rng) for _ in range(COUNT)],
        "upside down": [picture.rotate(180) for picture in upright],
        "underside": under,
        "upright, from another collection": upright,
    }


def _text(rng: np.random.Generator) -> Image.Image:
    page = Image.new("RGB", SHAPE, (250, 248, 240))
    pen = ImageDraw.Draw(page)
    for line in range(10, SHAPE[1] - 10, 12):
        pen.text(
            (12 + int(rng.integers(4)), line), "".join(rng.choice(list("abcdefgh ijkl mno"), 45)), fill=(20, 20, 20)
        )
    return page


def _blobs(rng: np.random.Generator) -> Image.Image:
    picture = Image.new("RGB", SHAPE, tuple(rng.integers(150, 255, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(1, 6))):
        x, y, width, height = rng.integers((20, 20, 20, 20), (240, 180, 120, 90)).tolist()
        pen.ellipse((x, y, x + width, y + height), fill=tuple(rng.integers(0, 255, 3).tolist()))
    return picture.filter(ImageFilter.GaussianBlur(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specimens", type=int, default=1400)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--silhouettes", type=Path, help="folder of silhouettes")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    figures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        made = simulate(root / "collection", specimens=arguments.specimens, seed=arguments.seed, size=SIZE)
        learned, test = read_catalogue(made.train), read_catalogue(made.ref_test)
        with made.truth.open(newline="", encoding="utf-8") as file:
            under = {row["filename"] for row in csv.DictReader(file) if row["side"] == "ventral"}
        seen_above = learned.select(np.array([name not in under for name in learned.table["filename"]]))
        runs = {
            title: train(table, made.images, root / title, split_method="stratified").run
            for title, table in (("all", learned), ("no undersides", seen_above))
        }

        def asked(title: str, paths: list[Path], run: str = "all") -> None:
            ranking = predict(runs[run], paths)
            found = Proportion(sum(image.verdict == "cannot tell" for image in ranking.images), len(ranking.images))
            figures[title] = f"{found.count} of {found.total} ({found.interval.low:.3f} to {found.interval.high:.3f})"
            print(f"{title}: {figures[title]}", flush=True)

        groups = test.groups.astype(str)
        for group, name in (("major", "signal"), ("minor", "non-signal"), ("mimic", "mimic")):
            for label, kind in ((0, "non-hybrids"), (1, "hybrids")):
                rows = np.flatnonzero((groups == group) & (test.labels == label))
                asked(f"test: {name} {kind}", [made.images / str(test.table["filename"][row]) for row in rows])
        for title, pictures in odd_pictures(arguments.seed).items():
            folder = root / title.replace(" ", "-").replace(",", "")
            folder.mkdir()
            for number, picture in enumerate(pictures):
                picture.save(folder / f"{number:03d}.jpg", quality=92)
            asked(title, [folder])
            if title == "underside":
                asked("underside, by a run that was shown none", [folder], "no undersides")
        if arguments.silhouettes:
            asked("silhouettes", sorted(arguments.silhouettes.iterdir())[::20])
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
