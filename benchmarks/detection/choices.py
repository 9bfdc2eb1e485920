"""What the default's heads were chosen by: a subspecies left out of the training table, and crosses of it to be found.

    python benchmarks/detection/choices.py SILHOUETTES [--left-out 2.0] [--rounds 2] [--json choices.json]

The reference table is not read. In each round a third of the specimens is held out and the subspecies is taken away
altogether; crosses are put together from its specimens and held-out ones of the others, block by block, each block the
one's, the other's or their mean, and not all of one. Thresholds come from the held-out non-hybrids of the others.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from variants import OTHERS, SEED

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.detectors.registry import make_detector
from hybridwing.embeddings.catalogue import embed_catalogue
from hybridwing.embeddings.compute import DEFAULT as COMPUTE
from hybridwing.runtime.parents import block_slices

COMPARED = ("svm", *OTHERS, "fusion")


@dataclass(frozen=True)
class Recalls:
    """At a true-negative rate of 0.95 on held-out non-hybrids of the subspecies that were kept."""

    crosses_of_left_out: float
    left_out: float
    known_hybrids: float


def swapped(one: np.ndarray, other: np.ndarray, slices: list[slice], n: int, rng: np.random.Generator) -> np.ndarray:
    made = np.empty((n, one.shape[1]))
    for row in made:
        first, second = one[rng.integers(len(one))], other[rng.integers(len(other))]
        share = rng.choice([0.0, 0.5, 1.0], len(slices))
        if share.min() == share.max() != 0.5:
            share[rng.integers(len(slices))] = 0.5
        for block, part in zip(slices, share, strict=True):
            row[block] = (1 - part) * first[block] + part * second[block]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("silhouettes", type=Path, help="folder with train.csv and images")
    parser.add_argument("--left-out", default="2", help="code of the subspecies")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    table = read_catalogue(options.silhouettes / "train.csv")
    encoder = COMPUTE.load("pattern")
    embedded = embed_catalogue(table, options.silhouettes / "images", encoder)
    X = embedded.vectors[embedded.rows_of([str(uuid) for uuid in table.uuids])]
    y, subspecies = np.asarray(table.labels), table.subspecies
    blocks = encoder.spec.blocks
    slices = block_slices(np.cumsum((0, *blocks[:-1])), X.shape[1])
    left = np.array([name == options.left_out for name in subspecies])
    if not left.any():
        parser.error(f"no specimen is of subspecies {options.left_out}")
    found: dict[str, list[Recalls]] = {}
    for number in range(options.rounds):
        rng = np.random.default_rng(number)
        held_out = rng.integers(0, 3, len(y)) == 0
        kept = np.flatnonzero(~held_out & ~left)
        pure = X[held_out & ~left & (y == 0)]
        tests = (swapped(pure, X[left], slices, 200, rng), X[left], X[held_out & (y == 1)])
        for name in COMPARED:
            fitted = make_detector(name, seed=SEED).fit(
                X[kept],
                y[kept],
                subspecies=subspecies[kept].tolist(),
                parents=[table.parent_pairs[row] for row in kept],
                records=table.records[kept].tolist(),
            )
            limit = np.quantile(fitted.score_samples(pure), 0.95)
            recalls = Recalls(*(float((fitted.score_samples(test) > limit).mean()) for test in tests))
            found.setdefault(name, []).append(recalls)
    figures = {}
    print(f"{'':24}{'crosses of left-out':>20}{'left-out itself':>17}{'known hybrids':>15}")
    for name, ones in found.items():
        values = {key: float(np.mean([getattr(one, key) for one in ones])) for key in asdict(ones[0])}
        figures[name] = values
        print(
            f"{name:24}{values['crosses_of_left_out']:>20.3f}{values['left_out']:>17.3f}{values['known_hybrids']:>15.3f}"
        )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
