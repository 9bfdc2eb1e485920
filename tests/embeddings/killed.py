"""Kill an embedding job before every second of its steps in turn, call it again, and say what came of it.

Run as a script, so that the process that forks has no threads. Prints a line of JSON for every moment at which the job
was killed, and one more for the job that ended by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.compute import Compute
from hybridwing.embeddings.job import embed_to_file
from hybridwing.runtime.preprocess import Prepared, Preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL import Image

KILLED = 9


class Countdown:
    """Ends the process when it has been called a number of times."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self) -> None:
        if self.left == 0:
            os._exit(KILLED)
        self.left -= 1

    def before(self, owner: Any, name: str) -> None:
        """Call it before every call of a function."""
        real = getattr(owner, name)

        def counted(*args: Any, **options: Any) -> Any:
            self()
            return real(*args, **options)

        setattr(owner, name, counted)


class MeanColour:
    """An embedding that depends on its batch, as the last digits of a real one may; it counts its images in a file."""

    prepare_in_processes = False
    precision = "fp32"
    runtime = "numpy"
    batch_size = 3

    def __init__(self, count: Path, step: Callable[[], None]) -> None:
        self.count, self.step = count, step

    spec = BackboneSpec("mean", "test", "v1", "", "mean", 3, Preprocess(size=8))

    @staticmethod
    def prepare(image: Image.Image) -> Prepared:
        return Prepared(np.asarray(image, np.float32).mean(axis=(0, 1)))

    def forward(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        self.step()
        with self.count.open("a") as file:
            file.write("x" * len(batch))
        return np.stack(batch) + np.float32(0.001) * np.stack(batch).mean()


def run(images: Path, work: Path, left: int, *, cached: bool) -> None:
    """Do the job with so many steps to live; -1 for ever."""
    step = Countdown(left)
    if left >= 0:
        for owner, name in ((Path, "replace"), (Path, "unlink"), (shutil, "rmtree"), (os, "rmdir")):
            step.before(owner, name)
    items = [(path.name, path) for path in sorted(images.glob("*.png"))]
    cache = work / "cache" if cached else None
    embed_to_file(
        items,
        MeanColour(work / "count", step),
        work / "e.parquet",
        compute=Compute(workers=1, cache=cache),
        shard_size=6,
    )


def main(images: Path, root: Path, cached: bool) -> None:
    # The steps that one of the two jobs is not killed before, the other is.
    moment = int(cached)
    while True:
        work = root / f"{cached}-{moment}"
        work.mkdir()
        child = os.fork()
        if child == 0:
            run(images, work, moment, cached=cached)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        unfinished = bool(list(work.glob(".*.parts")))
        # A job that had ended is not gone on with: called again, it would be another one, with a fuller cache.
        ended = b"" if unfinished else (work / "e.parquet").read_bytes()
        again = os.fork()
        if again == 0:
            run(images, work, -1, cached=cached)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(again, 0)[1]) == 0
        left = sorted(path.name for path in work.iterdir() if path.name not in ("cache", "count"))
        print(
            json.dumps(
                {
                    "moment": moment,
                    "killed": code == KILLED,
                    "unfinished": unfinished,
                    "table": (ended or (work / "e.parquet").read_bytes()).hex(),
                    "forwarded": len((work / "count").read_text()),
                    "left": left,
                }
            )
        )
        if code == 0:
            return
        moment += 2


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "cached")
