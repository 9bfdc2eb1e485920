"""What the default was chosen by: hybrids that training did not show, made from the training table of the silhouettes.

    python benchmarks/detection/choices.py SILHOUETTES [--left-out 2] [--rounds 3] [--json choices.json]

The reference table is not read. In each round a third of the specimens is held out. Recalls at a true-negative rate of
0.95, with thresholds from held-out non-hybrids:

- *known*: held-out hybrids;
- *back-crosses*: mean embeddings of a held-out hybrid and a specimen of its parent;
- *on new record*: the same, with the threshold from the non-hybrids of a record that training did not show;
- *worn*: hybrids as made-up species might wear them, against non-hybrids of their parent bent alike; and
  back-crosses of those;
- *crosses of the left-out*: a subspecies is taken away altogether, and crosses are put together from its specimens
  and held-out ones of the others, block by block, each block the one's, the other's or their mean, and not all of one;
- *left-out*: the specimens of that subspecies themselves. They are no hybrids: what finds the one finds the other.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from bent import as_worn_by, made_species
from PIL import Image
from variants import DEFAULT, OTHERS, SEED, InFull

from hybridwing.backbones.compute import DEFAULT as COMPUTE
from hybridwing.backbones.load import load
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.detectors.registry import detector_for_run
from hybridwing.embeddings.embed import embed_photographs, photographs
from hybridwing.runtime import pattern
from hybridwing.runtime.parents import block_slices

SPECIES, WORN_PARENTS = 6, 400
FEWEST = 25
"""Non-hybrids of a record by which a threshold can be set."""
MADE = {
    **{name: (lambda name=name: detector_for_run(name, seed=SEED)) for name in ("svm", *OTHERS, DEFAULT)},
    "ridge, likeliest in full": InFull,
}


@dataclass(frozen=True)
class Recalls:
    """At a true-negative rate of 0.95."""

    known: float
    back_crosses: float
    known_on_new_record: float
    back_crosses_on_new_record: float
    worn: float
    worn_back_crosses: float
    crosses_of_left_out: float
    left_out: float


@dataclass(frozen=True, eq=False)
class Silhouettes:
    """The training table, embedded; n specimens, of which w are also worn by each made-up species.

    Attributes
    ----------
    X, y : ndarray of shape (n, 862) and (n,)
    subspecies, records : ndarray of shape (n,), object
    parents : list of (str, str) or None
    worn_rows : ndarray of shape (w,), int64
        All hybrids, and specimens of their parent.
    worn : ndarray of shape (SPECIES, w, 862)
    """

    X: np.ndarray
    y: np.ndarray
    subspecies: np.ndarray
    records: np.ndarray
    parents: list[tuple[str, str] | None]
    worn_rows: np.ndarray
    worn: np.ndarray

    def fitted(self, name: str, rows: np.ndarray):
        return MADE[name]().fit(
            self.X[rows],
            self.y[rows],
            subspecies=self.subspecies[rows].tolist(),
            parents=[self.parents[row] for row in rows],
        )


def silhouettes(folder: Path) -> tuple[Silhouettes, str]:
    """Embed the training table; the name of the hybrids' parent that has specimens too."""
    table = read_catalogue(folder / "train.csv")
    embedded = embed_photographs(photographs(table, folder / "images"), load("pattern", COMPUTE))
    X = embedded.vectors[embedded.rows_of([str(uuid) for uuid in table.uuids])]
    y, subspecies = np.asarray(table.labels), table.subspecies
    pairs = table.parent_pairs
    parent = next(name for pair in pairs if pair for name in pair if name in set(subspecies))
    rng = np.random.default_rng(5)
    own = np.flatnonzero(subspecies == parent)
    rows = np.concatenate([np.flatnonzero(y == 1), rng.choice(own, min(WORN_PARENTS, len(own)), replace=False)])
    worn = np.empty((SPECIES, len(rows), X.shape[1]), dtype=np.float32)
    for number in range(SPECIES):
        species = made_species(1000 + number)
        for place, row in enumerate(rows):
            with Image.open(folder / "images" / str(table.table["filename"].iloc[row])) as picture:
                worn[number, place] = pattern.describe(as_worn_by(species, picture))
    return Silhouettes(X, y, subspecies, table.records, pairs, rows, worn), parent


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


def halved(one: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (one + other[rng.integers(len(other), size=len(one))]) / 2


def found(detector, pure: np.ndarray, asked: np.ndarray) -> float:
    return float((detector.decision_function(asked) > np.quantile(detector.decision_function(pure), 0.95)).mean())


def recalls(data: Silhouettes, name: str, parent: str, left_out: str, seed: int) -> Recalls:
    rng = np.random.default_rng(seed)
    out = rng.integers(0, 3, len(data.y)) == 0
    left, pure, hybrid = data.subspecies == left_out, data.y == 0, data.y == 1
    own = data.X[out & (data.subspecies == parent)]
    known = data.X[out & hybrid]
    shown = data.fitted(name, np.flatnonzero(~out))
    worn, worn_halved = [], []
    for species in data.worn:
        beside = species[out[data.worn_rows] & pure[data.worn_rows]]
        hybrids = species[out[data.worn_rows] & hybrid[data.worn_rows]]
        worn.append(found(shown, beside, hybrids))
        worn_halved.append(found(shown, beside, halved(hybrids, beside, rng)))
    on_new = []
    for record in np.unique(data.records[pure].astype(str)):
        new = pure & (data.records.astype(str) == record)
        if new.sum() >= FEWEST:
            fitted = data.fitted(name, np.flatnonzero(~new & ~(out & hybrid)))
            on_new.append([found(fitted, data.X[new], known), found(fitted, data.X[new], halved(known, own, rng))])
    others = data.X[out & ~left & pure]
    narrow = data.fitted(name, np.flatnonzero(~out & ~left))
    slices = block_slices(np.cumsum((0, *pattern.REGIONS[:-1])), data.X.shape[1])
    return Recalls(
        known=found(shown, data.X[out & pure], known),
        back_crosses=found(shown, own, halved(known, own, rng)),
        **dict(zip(("known_on_new_record", "back_crosses_on_new_record"), np.mean(on_new, axis=0), strict=True)),
        worn=float(np.mean(worn)),
        worn_back_crosses=float(np.mean(worn_halved)),
        crosses_of_left_out=found(narrow, others, swapped(others, data.X[left], slices, 200, rng)),
        left_out=found(narrow, others, data.X[left]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("silhouettes", type=Path, help="folder with train.csv and images")
    parser.add_argument("--left-out", default="2", help="code of the subspecies")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    data, parent = silhouettes(options.silhouettes)
    if not (data.subspecies == options.left_out).any() or options.left_out == parent:
        parser.error(f"{options.left_out} must be a subspecies of the table, and not {parent}, the parent")
    print(f"{'':30}" + "".join(f"{key.replace('_', ' '):>28}" for key in Recalls.__annotations__))
    figures = {}
    for name in MADE:
        rounds = [recalls(data, name, parent, options.left_out, number) for number in range(options.rounds)]
        figures[name] = {key: float(np.mean([asdict(one)[key] for one in rounds])) for key in asdict(rounds[0])}
        print(f"{name:30}" + "".join(f"{value:>28.3f}" for value in figures[name].values()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
