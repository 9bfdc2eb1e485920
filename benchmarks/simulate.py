"""Measure how fast simulated photographs are made.

Run ``python benchmarks/simulate.py`` (options: ``--help``); it prints a table and then the same as JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path

from hybridwing.simulate.collection import simulate


def measure(specimens: int, size: int, workers: int) -> dict[str, float | int]:
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        simulate(Path(folder) / "collection", specimens=specimens, size=size, workers=workers)
        seconds = time.perf_counter() - begin
    return {
        "workers": workers,
        "size_px": size,
        "images": specimens,
        "seconds": round(seconds, 2),
        "images_per_s": round(specimens / seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specimens", type=int, default=600)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    rows = [measure(options.specimens, options.size, workers) for workers in options.workers]
    print("  ".join(f"{name:>12}" for name in rows[0]))
    for row in rows:
        print("  ".join(f"{value:>12}" for value in row.values()))
    print(json.dumps({"machine": platform.machine(), "python": platform.python_version(), "rows": rows}))


if __name__ == "__main__":
    main()
