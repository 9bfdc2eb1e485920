"""Peak memory and time of the embedding engine, beside the challenge sample's loop, as the collection grows.

    python benchmarks/embedding_memory.py [--counts 1000 10000 100000] [--sample-counts 1000 10000] [--json FILE]

The backbone is tiny and its embedding as long as BioCLIP's (512 numbers), so that what is measured is the engine. Each
measurement runs in a process of its own; memory is the peak of its resident set, less what it is after the imports. The
sample's loop grows its array by concatenation, which copies all that there is with every batch of four: at 100,000
images that is 2.6 terabytes, so it is measured there only when asked to (--sample-counts 1000 10000 100000).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.job import embed_to_file
from hybridwing.runtime.preprocess import Prepared, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

DIMENSION, SIDE, SAMPLE_BATCH = 512, 8, 4
WEIGHTS = np.random.default_rng(0).standard_normal((3 * SIDE * SIDE, DIMENSION)).astype(np.float32)


class TinyBackbone:
    """A picture of 8 × 8 pixels times a random matrix."""

    prepare_in_processes = False
    precision = "fp32"
    runtime = "numpy"
    batch_size = 32
    spec = BackboneSpec("tiny", "test", "v1", "", "random", DIMENSION, Preprocess(size=SIDE))

    @staticmethod
    def prepare(image: Image.Image) -> Prepared:
        return Prepared(np.asarray(image.resize((SIDE, SIDE)), np.float32).ravel() / 255)

    def forward(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(batch) @ WEIGHTS


def photographs(folder: Path, distinct: int = 100) -> list[Path]:
    """A few small JPEGs; a collection lists them again and again under other names."""
    paths = []
    for number in range(distinct):
        path = folder / f"{number}.jpg"
        pixels = np.random.default_rng(number).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        paths.append(path)
    return paths


def engine(folder: Path, count: int) -> None:
    """The engine, to a file."""
    paths = photographs(folder)
    items = [(f"image-{number:07d}", paths[number % len(paths)]) for number in range(count)]
    summary = embed_to_file(items, TinyBackbone(), folder / "e.parquet")
    assert summary.embedded == count


def sample_loop(folder: Path, count: int) -> None:
    """The sample's loop, without its worker processes."""
    paths, backbone = photographs(folder), TinyBackbone()
    features = None
    for start in range(0, count, SAMPLE_BATCH):
        places = range(start, min(start + SAMPLE_BATCH, count))
        batch = [backbone.prepare(Image.open(paths[n % len(paths)]).convert("RGB")).value for n in places]
        made = backbone.forward(batch)
        features = made if features is None else np.concatenate((features, made), axis=0)
    assert features is not None
    assert len(features) == count


WORKS = {"engine": engine, "sample": sample_loop}


def peak_megabytes() -> float:
    """Peak of the resident set."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1024**2 if sys.platform == "darwin" else 1024)


def child(work: str, count: int) -> None:
    """Measure once, and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as place:
        engine(Path(place), 8)  # what is imported when first used counts for nobody
        before, begun = peak_megabytes(), time.perf_counter()
        folder = Path(place) / "work"
        folder.mkdir()
        WORKS[work](folder, count)
        seconds = time.perf_counter() - begun
    print(json.dumps({"work": work, "images": count, "megabytes": peak_megabytes() - before, "seconds": seconds}))


def measured(work: str, count: int) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--child", work, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--sample-counts", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child[0], int(arguments.child[1]))
        return
    print(f"{'':10}{'images':>9}{'MB more':>10}{'seconds':>10}{'images/s':>10}")
    figures = []
    for work, counts in (("engine", arguments.counts), ("sample", arguments.sample_counts)):
        for count in counts:
            made = measured(work, count)
            figures.append(made)
            rate = count / made["seconds"]
            row = f"{work:10}{count:>9}{made['megabytes']:>10.1f}{made['seconds']:>10.1f}{rate:>10.0f}"
            print(row, flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
