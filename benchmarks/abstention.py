"""Which pictures does a run give no verdict on, and which verdicts does it keep?

Simulates a collection, trains on it, and asks about its test photographs and about pictures that are none of the kind:
empty ones, noise, text, blobs, undersides, specimens upside down, and, if a folder of them is given, silhouettes of
real specimens. Undersides are asked of a run whose training was shown none, and of one that was shown some under names
that tell. With silhouettes, a run is trained on them too, and asked about others as they are and upside down.

    python benchmarks/abstention.py [--specimens 1400] [--seed 42] [--backbone pattern] [--view whole]
        [--silhouettes FOLDER] [--json results.json]

Constants of the measures were chosen on collections of the seeds 101 and 102.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from hybridwing.backbones.request import Backbone
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.embed import embed
from hybridwing.evaluation.intervals import Proportion
from hybridwing.runs.predict import predict
from hybridwing.runs.train import train
from hybridwing.simulate.collection import simulate
from hybridwing.simulate.plan import plan
from hybridwing.simulate.specimen import render

if TYPE_CHECKING:
    from hybridwing.runs.run import Run

SIZE, COUNT, BUTTERFLIES = 320, 30, 100
SHOWN = 24  # undersides in the training of the run that is shown some
SHAPE = (SIZE, SIZE * 3 // 4)


def odd_pictures(seed: int) -> dict[str, list[Image.Image]]:
    """Pictures that show no butterfly, and butterflies as no collection shows them."""
    rng = np.random.default_rng(seed)
    slots = [
        s for s in plan(4432, seed + 1) if s.split == "test" and not s.stratum.hybrid and s.stratum.indicator != "mimic"
    ]
    slots = slots[:: len(slots) // BUTTERFLIES][:BUTTERFLIES]
    upright = [render(replace(slot, ventral=False), seed + 1, SIZE).picture for slot in slots]
    under = [render(replace(slot, ventral=True), seed + 2, SIZE).picture for slot in slots]
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


def with_undersides(table: Path, images: Path, specimens: int, seed: int) -> Path:
    """A training table that also lists undersides of other non-hybrids, of all its subspecies and records."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = {row["filename"]: row for row in rows}
    slots = [s for s in plan(specimens, seed) if s.filename in known and not s.stratum.hybrid]
    for slot in slots[:: len(slots) // SHOWN][:SHOWN]:
        row = dict(known[slot.filename])
        name = f"{slot.camid}u_v.JPG"
        render(replace(slot, ventral=True), seed + 3, SIZE).picture.save(images / name, quality=92)
        row |= {
            "CAMID": f"{slot.camid}u",
            "filename": name,
            "md5": hashlib.md5((images / name).read_bytes()).hexdigest(),
        }
        row["file_url"] = f"{row['file_url'].rsplit('/', 1)[0]}/{name}"
        rows.append(row)
    made = table.with_name("train-with-undersides.csv")
    with made.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return made


class Questions:
    """Asks runs and keeps what they answered."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, object]] = {}

    def ask(self, title: str, paths: list[Path], run: Run) -> None:
        images = predict(run, paths).images
        found = Proportion(sum(image.verdict == "cannot tell" for image in images), len(images))
        why = Counter(image.reason.split(":")[0].split(" (")[0] for image in images if image.reason)
        low, high = found.interval.low, found.interval.high
        self.figures[title] = {"count": found.count, "total": found.total, "interval": [low, high], "reasons": why}
        reasons = "; ".join(f"{number} {reason}" for reason, number in why.most_common())
        print(f"{title}: {found.count} of {found.total} ({low:.3f} to {high:.3f}) {reasons}", flush=True)


def ask_about_silhouettes(folder: Path, root: Path, questions: Questions) -> None:
    """Train on silhouettes of real specimens and ask about others, as they are and upside down."""
    run = train(
        read_catalogue(folder / "train.csv"),
        embed(read_catalogue(folder / "train.csv"), folder / "images"),
        root / "silhouettes",
        detectors=("knn",),
    )
    names = [str(name) for name in read_catalogue(folder / "ref_val.csv").table["filename"]][::4]
    turned = root / "turned"
    for name in names:
        (turned / name).parent.mkdir(parents=True, exist_ok=True)
        Image.open(folder / "images" / name).convert("L").rotate(180).save(turned / name)
    questions.ask("real silhouettes, by a run on such", [folder / "images" / name for name in names], run)
    questions.ask("real silhouettes upside down, by a run on such", [turned / name for name in names], run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specimens", type=int, default=1400)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--backbone", default="pattern")
    parser.add_argument("--view", default="whole")
    parser.add_argument("--silhouettes", type=Path, help="folder with images/, train.csv and ref_val.csv")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    questions = Questions()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        made = simulate(root / "collection", specimens=arguments.specimens, seed=arguments.seed, size=SIZE)
        learned, test = read_catalogue(made.train), read_catalogue(made.ref_test)
        with made.truth.open(newline="", encoding="utf-8") as file:
            under = {row["filename"] for row in csv.DictReader(file) if row["side"] == "ventral"}
        seen_above = learned.select(np.array([name not in under for name in learned.table["filename"]]))
        shown = read_catalogue(with_undersides(made.train, made.images, arguments.specimens, arguments.seed))
        none, some = (
            train(
                table,
                embed(table, made.images, Backbone(arguments.backbone, view=arguments.view)),
                root / title,
                detectors=("knn",),
                split_method="stratified",
            )
            for title, table in (("none", seen_above), ("some", shown))
        )
        groups = test.groups.astype(str)
        names = test.table["filename"].astype(str)
        above = ~names.isin(under).to_numpy()
        for group, name in (("major", "signal"), ("minor", "non-signal"), ("mimic", "mimic")):
            for label, kind in ((0, "non-hybrids"), (1, "hybrids")):
                rows = np.flatnonzero((groups == group) & (test.labels == label) & above)
                questions.ask(f"test: {name} {kind}", [made.images / names.iloc[row] for row in rows], none)
        questions.ask("test: all of these", [made.images / name for name in names[above]], none)
        for title, pictures in odd_pictures(arguments.seed).items():
            folder = root / title.replace(" ", "-").replace(",", "")
            folder.mkdir()
            for number, picture in enumerate(pictures):
                picture.save(folder / f"{number:03d}.jpg", quality=92)
            questions.ask(title, [folder], none)
            if title in ("underside", "upright, from another collection"):
                questions.ask(f"{title}, by a run that was shown {SHOWN} undersides", [folder], some)
        if arguments.silhouettes:
            images = sorted((arguments.silhouettes / "images").iterdir())[::20]
            questions.ask("real silhouettes, by the run on photographs", images, none)
            ask_about_silhouettes(arguments.silhouettes, root, questions)
    if arguments.json:
        arguments.json.write_text(json.dumps(questions.figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
