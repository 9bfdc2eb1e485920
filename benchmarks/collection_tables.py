"""Read real collection tables with no flags, and train on the pure subspecies of one with made pictures.

Prints how each table's columns and names are read, by count. The photographs of the tables are not at hand: every pure
specimen of TRAIN_TABLE gets a simulated one, of its own subspecies or of one that it mimics, so the figures are of the
simulation and show that a real table goes the whole way.

    python benchmarks/collection_tables.py heliconius_collection.csv [MORE_TABLES] [--size 160]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import hybridwing as hw
from hybridwing.cli.show_description import show_reading
from hybridwing.simulate.plan import Slot
from hybridwing.simulate.specimen import render
from hybridwing.simulate.strata import FIRST_RECORD, Stratum
from hybridwing.simulate.taxa import TAXA

LOOKS_LIKE = {
    "bellula": "dignus", "cythera": "cyrbia", "ecuadorensis": "etylus", "melpomene": "hydara", "meriana": "amalfreda",
    "nanna": "phyllis", "rosina": "demophoon", "vulcanus": "venus",
}  # fmt: skip
"""Subspecies of *H. melpomene* that the simulation does not have, with one of *H. erato* that they mimic."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train_table", type=Path)
    parser.add_argument("tables", type=Path, nargs="*")
    parser.add_argument("--size", type=int, default=160, help="long side of the made pictures")
    arguments = parser.parse_args()
    for path in (arguments.train_table, *arguments.tables):
        table = hw.read_catalogue(path)
        show_reading(path.name, table.reading)
        kinds = Counter(
            {True: "hybrid", False: "non-hybrid"}.get(value, "unlabelled") for value in table.table["hybrid"]
        )
        print(f"{path.name}: {len(table)} rows, {dict(kinds)}, {len(table.reading.names)} names")
    table = hw.read_catalogue(arguments.train_table)
    pure = table.select((table.table["hybrid"] == False).fillna(value=False).to_numpy(dtype=bool))  # noqa: E712
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (file, subspecies) in enumerate(zip(pure.uuids, pure.subspecies, strict=True)):
            like = subspecies if subspecies in TAXA else LOOKS_LIKE[subspecies]
            slot = Slot(number, Stratum((like,), "major", 0, ()), FIRST_RECORD, "train", val=False, ventral=False)
            render(slot, 42, arguments.size).picture.save(folder / file, "JPEG")
        run = hw.train(pure, hw.embed(pure, folder), folder / "run")
    print(f"\ntrained on {run.manifest.n_train} pure specimens of {len(set(pure.subspecies))} subspecies")
    print(run.manifest.choice)


if __name__ == "__main__":
    main()
