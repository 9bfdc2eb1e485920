"""Turn photographs and see whether the specimen is turned back.

    python benchmarks/orientation.py [--photographs FOLDER] [--specimens 100] [--angles 20] [--sheet wrong.png]

Each photograph, simulated or of the folder, is turned by the four quarter turns and by random angles, and the turn that
sets the specimen upright is held against the truth: right within 30 degrees (the view is then set exactly upright by
its axis), wrong, or withheld. Also for half specimens and single forewings, which have to be withheld, and the time of
one core a picture takes. The photographs of the folder have to stand upright.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from hybridwing.images.decode import read_rgb
from hybridwing.images.find import find_images
from hybridwing.runtime.finding import find_in_copy
from hybridwing.runtime.orientation import LEAST_DIRECTION, find_direction
from hybridwing.runtime.specimen import find_specimen, working_copy
from hybridwing.runtime.wings import map_wings
from hybridwing.simulate.collection import simulate

RIGHT = 30.0


def turned(image: Image.Image, angle: float) -> Image.Image:
    """Turn counter-clockwise onto a larger picture, filled with the colour of the frame."""
    if angle % 90 == 0:
        return image.rotate(angle, expand=True)
    pixels = np.asarray(image)
    frame = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    fill = tuple(int(value) for value in np.median(frame, axis=0))
    return image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=fill)


def apart(one: float, other: float) -> float:
    """Degrees between two angles."""
    return abs((one - other + 180.0) % 360.0 - 180.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, help="folder of upright photographs, one specimen each")
    parser.add_argument("--specimens", type=int, default=100, help="photographs to simulate without one (default: 100)")
    parser.add_argument("--angles", type=int, default=20, help="random angles for each photograph (default: 20)")
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--most", type=int, default=10_000, help="photographs at most, evenly taken")
    parser.add_argument("--sheet", type=Path, help="draw here what was turned, wrong ones first")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        root = options.photographs
        if root is None:
            root = simulate(Path(folder) / "made", specimens=options.specimens, seed=options.seed, workers=1).images
        pictures = []
        paths = find_images([root]).images
        for path in paths[:: max(1, -(-len(paths) // options.most))]:
            picture = read_rgb(path, 384)
            picture.thumbnail((640, 640))
            pictures.append((path.name, picture))
    find_in_copy(working_copy(pictures[0][1]))  # what is imported at the first call is no picture's time
    outcomes: dict[str, list[str]] = {}
    shown: list[tuple[bool, Image.Image]] = []
    seconds = [0.0, 0.0]
    count = 0
    for name, picture in pictures:
        for angle in (0.0, 90.0, 180.0, 270.0, *rng.uniform(0, 360, options.angles)):
            copy = working_copy(turned(picture, float(angle)))
            begun = time.process_time()
            found = find_in_copy(copy)
            middle = time.process_time()
            map_wings(find_specimen(copy).mask)  # what was done before directions were told
            seconds[0] += middle - begun
            seconds[1] += time.process_time() - middle
            count += 1
            outcome = "withheld"
            if found.direction.confidence >= LEAST_DIRECTION:
                outcome = "right" if apart(found.wings.angle, -angle) <= RIGHT else "WRONG"
            group = f"turned by {angle:g}" if angle % 90 == 0 else "at a random angle"
            outcomes.setdefault(group, []).append(outcome)
            if found.specimens > 1:
                outcomes.setdefault("taken for several specimens", []).append(outcome)
            if outcome != "right":
                print(f"  {outcome}: {name} turned by {angle:.0f}, confidence {found.direction.confidence:.2f}")
            if options.sheet and (outcome != "right" or rng.random() < 0.02):
                small = Image.fromarray((255 * copy).astype(np.uint8)).rotate(found.wings.angle, expand=True)
                small.thumbnail((146, 146))
                ImageDraw.Draw(small).text((2, 2), outcome, fill=(255, 0, 0))
                shown.append((outcome != "right", small))
        copy = working_copy(picture)
        specimen = find_specimen(copy)
        wings = map_wings(specimen.mask)
        if wings.angle == 0.0:
            left = (wings.parts == 1) | (wings.parts == 3)
            for group, part in (("half a specimen", left), ("a forewing alone", wings.parts == 1)):
                told = find_direction(copy, part).confidence >= LEAST_DIRECTION
                outcomes.setdefault(group, []).append("told all the same" if told else "withheld")
    for group, results in outcomes.items():
        shares = {result: f"{np.mean([one == result for one in results]):.4f}" for result in sorted(set(results))}
        print(f"{group:>28} {len(results):6} {shares}")
    before, after = (1e3 * value / count for value in (seconds[1], seconds[0]))
    print(
        f"milliseconds of one core to find specimen and wings in a copy: {after:.1f}; without directions {before:.1f}"
    )
    if options.sheet:
        sheet = Image.new("RGB", (1500, 900), "white")
        for number, (_, small) in enumerate(sorted(shown, key=lambda one: not one[0])[:60]):
            sheet.paste(small, (150 * (number % 10), 150 * (number // 10)))
        sheet.save(options.sheet)


if __name__ == "__main__":
    main()
