"""Cut composed drawers, in which every specimen's place is known.

    python benchmarks/drawers.py [--photographs FOLDER] [--drawers 12] [--sheet cut.png]

Pastes specimens, simulated ones or those of the photographs of a folder, a little turned, in rows onto one background
with a ruler, labels and a colour card; prints recall and precision of the places found at an intersection over union of
0.7 and more.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from hybridwing.images.decode import read_rgb
from hybridwing.images.drawer import places_of
from hybridwing.images.find import find_images
from hybridwing.runtime.finding import find_in_copy
from hybridwing.runtime.specimen import working_copy
from hybridwing.simulate.collection import simulate

Cutout = tuple[Image.Image, Image.Image]
Rectangle = tuple[int, int, int, int]
ENOUGH = 0.7
CELL = 300


def cutouts(paths: list[Path]) -> list[Cutout]:
    """Each photograph's specimen and its mask, cut to its box; those with wings on the body that were found well."""
    found = []
    for path in paths:
        picture = read_rgb(path, 256)
        picture.thumbnail((512, 512))
        seen = find_in_copy(working_copy(picture))
        if seen.specimen.confidence < 0.9 or not seen.wings.attached:
            continue
        mask = Image.fromarray(seen.specimen.mask.astype(np.uint8) * 255).resize(picture.size)
        box = mask.getbbox()
        if box is not None:
            found.append((picture.crop(box), mask.crop(box)))
    return found


def drawer(specimens: list[Cutout], rng: np.random.Generator) -> tuple[Image.Image, list[Rectangle]]:
    """A drawer, and the boxes of its specimens."""
    rows, columns = (int(rng.integers(2, 5)) for _ in range(2))
    size = CELL * columns + 120, CELL * rows + 120
    shade = rng.integers(190, 245, 3)
    pixels = shade + rng.normal(0, 3, (size[1], size[0], 3))
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    boxes = []
    for row in range(rows):
        for column in range(columns):
            if rng.random() < 0.12:  # an empty place
                continue
            cut, mask = specimens[int(rng.integers(len(specimens)))]
            scale = rng.uniform(0.68, 0.82) * CELL / max(cut.size)
            angle = float(rng.uniform(-15, 15))
            shape = tuple(max(1, round(scale * side)) for side in cut.size)
            turned, seen = (one.resize(shape).rotate(angle, expand=True) for one in (cut, mask))
            left = 60 + column * CELL + (CELL - turned.width) // 2 + int(rng.integers(-8, 9))
            top = 40 + row * CELL + (CELL - turned.height) // 2 + int(rng.integers(-8, 9))
            picture.paste(turned, (left, top), seen)
            box = seen.point([0] * 128 + [255] * 128).getbbox()
            assert box is not None
            boxes.append((left + box[0], top + box[1], left + box[2], top + box[3]))
            # Its label.
            x, y = 60 + column * CELL + CELL // 2, 40 + row * CELL + CELL - 16
            draw.rectangle((x - 36, y, x + 36, y + 22), fill=(252, 252, 248), outline=(90, 90, 90))
            for line in (6, 12, 17):
                draw.line((x - 30, y + line, x + int(rng.integers(5, 30)), y + line), fill=(40, 40, 40))
    draw.rectangle((60, size[1] - 44, size[0] - 60, size[1] - 16), fill=(240, 236, 200))
    for x in range(60, size[0] - 60, 10):
        draw.line((x, size[1] - 44, x, size[1] - 30), fill=(10, 10, 10))
    for number, colour in enumerate(((200, 30, 30), (30, 160, 60), (30, 60, 190), (230, 200, 30), (20, 20, 20))):
        draw.rectangle((8 + number * 26, 4, 33 + number * 26, 30), fill=colour, outline=(20, 20, 20))
    return picture, boxes


def overlap(one: Rectangle, other: Rectangle) -> float:
    """Intersection over union of two boxes: left, top, right, bottom."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (sum(areas) - wide * high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, help="folder of photographs, one specimen each")
    parser.add_argument("--drawers", type=int, default=12)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--sheet", type=Path, help="draw the places found and wanted of the first drawers here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.photographs is None:
            made = simulate(Path(folder) / "made", specimens=90, seed=options.seed, size=512, workers=1)
            paths = list(find_images([made.images]).images)
        else:
            paths = list(find_images([options.photographs]).images)
        specimens = cutouts(paths)
    rng = np.random.default_rng(options.seed)
    wanted = seen = right = 0
    sheets = []
    for _ in range(options.drawers):
        picture, boxes = drawer(specimens, rng)
        found = [(p.left, p.top, p.right, p.bottom) for p in places_of(picture)]
        wanted, seen = wanted + len(boxes), seen + len(found)
        right += sum(max((overlap(box, one) for one in found), default=0.0) >= ENOUGH for box in boxes)
        draw = ImageDraw.Draw(picture)
        for box in boxes:
            draw.rectangle(box, outline=(0, 160, 0), width=3)
        for box in found:
            draw.rectangle(box, outline=(220, 0, 0), width=2)
        sheets.append(picture)
    print(f"{options.drawers} drawers of {len(specimens)} different specimens: {wanted} places, {seen} found")
    print(
        f"at an intersection over union of {ENOUGH}: recall {right / wanted:.3f}, precision {right / max(seen, 1):.3f}"
    )
    if options.sheet:
        sheet = Image.new("RGB", (1800, 1200), "white")
        for number, picture in enumerate(sheets[:6]):
            picture.thumbnail((596, 596))
            sheet.paste(picture, (600 * (number % 3), 600 * (number // 3)))
        sheet.save(options.sheet)


if __name__ == "__main__":
    main()
