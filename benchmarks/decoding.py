"""Time and peak memory of decoding, beside plain Pillow, on pictures that are made here.

    python benchmarks/decoding.py [--repeats 5]

An 18-megapixel JPEG in full, at a half and at a quarter, and a PNG of 119 megapixels (1 bit, a few hundred kilobytes).
Each measurement runs in a process of its own; memory is the peak of its resident set, less what it is after the
imports. Both ways give the same pixels, which is checked.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from hybridwing.images.decode import read_rgb
from hybridwing.runtime.decode import draft, to_rgb

JPEG_SIZE, PNG_SIZE = (5184, 3456), (12_000, 9_900)


#: Name, file, and the short side that is asked for.
PICTURES = (
    ("JPEG", "photograph.jpg", 0),
    ("JPEG, 1/2", "photograph.jpg", 1728),
    ("JPEG, 1/4", "photograph.jpg", 864),
    ("PNG", "large.png", 0),
)


def made(folder: Path) -> None:
    """Write the pictures."""
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (24, 36, 3), dtype=np.uint8)).resize(
        JPEG_SIZE, Image.Resampling.BICUBIC
    )
    noisy = np.asarray(smooth, np.int16) + rng.integers(-8, 9, (*JPEG_SIZE[::-1], 3), dtype=np.int16)
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / "photograph.jpg", quality=92)
    Image.new("1", PNG_SIZE, 1).save(folder / "large.png")


def by_pillow(path: str, short_side: int = 0) -> Image.Image:
    """A picture decoded as a submission decodes it."""
    with Image.open(path) as image:
        draft(image, short_side)
        return to_rgb(image)


def measured(way: str, path: Path, short_side: int, repeats: int) -> dict[str, object]:
    """Seconds (best of the repeats), peak megabytes and a digest of the pixels."""
    before, seconds = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    for _ in range(repeats):
        begun = time.perf_counter()
        picture = read_rgb(path, short_side) if way == "hybridwing" else by_pillow(str(path), short_side)
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    digest = hashlib.sha256(np.asarray(picture).data).hexdigest()
    return {"seconds": min(seconds), "megabytes": peak / 1024, "pixels": digest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.make:
        made(given.make)
        return
    if given.measure:
        way, path, short_side = given.measure
        print(json.dumps(measured(way, Path(path), int(short_side), given.repeats)))
        return
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: the peak of this one would count for those that it starts.
        subprocess.run([sys.executable, __file__, "--make", folder], check=True)
        for name, file, short_side in PICTURES:
            path = Path(folder) / file
            results = {}
            for way in ("Pillow", "hybridwing"):
                command = [sys.executable, __file__, "--repeats", str(given.repeats), "--measure", way, str(path)]
                out = subprocess.run([*command, str(short_side)], check=True, capture_output=True, text=True).stdout
                results[way] = json.loads(out)
            assert results["Pillow"]["pixels"] == results["hybridwing"]["pixels"], name
            for way, result in results.items():
                print(f"{name:10} {way:11} {result['seconds']:6.3f} s {result['megabytes']:6.0f} MB")


if __name__ == "__main__":
    main()
