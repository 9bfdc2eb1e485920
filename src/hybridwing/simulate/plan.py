"""The slots of a collection: which stratum, table, record and file name every image has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.simulate.proportions import scale
from hybridwing.simulate.styles import record_style

if TYPE_CHECKING:
    from hybridwing.simulate.strata import Stratum


@dataclass(frozen=True)
class Slot:
    """One image to be made."""

    number: int  # Its place in the collection, from 0; also the key of its random numbers
    stratum: Stratum
    record: int
    split: str  # ``"train"`` or ``"test"``
    val: bool  # Whether it is in the validation table as well
    ventral: bool  # Whether it shows the underside

    @property
    def camid(self) -> str:
        """Specimen number, such as ``"SIM000001"``."""
        return f"SIM{self.number + 1:06d}"

    @property
    def source_name(self) -> str:
        """File name in the record, such as ``"SIM000001_d.JPG"``."""
        tail = "_whitestandard" if record_style(self.record).white_standard else ""
        return f"{self.camid}_{'v' if self.ventral else 'd'}{tail}.JPG"

    @property
    def x(self) -> int:
        """Image number in the reference tables."""
        return self.number + 1

    @property
    def filename(self) -> str:
        """Name in the images folder: by specimen in train, by image and source in test, as officially."""
        return f"{self.camid}.jpg" if self.split == "train" else f"{self.x}_{self.source_name}"

    @property
    def zenodo_link(self) -> str:
        """Address of the (invented) record."""
        return f"https://zenodo.org/record/{self.record}"

    @property
    def file_url(self) -> str:
        """Address of the (invented) file."""
        return f"{self.zenodo_link}/files/{self.source_name}"


def plan(specimens: int, seed: int) -> tuple[Slot, ...]:
    """Lay out a collection in random order, so that numbers tell nothing about the class.

    Raises SimulationError if `specimens` are too few; see `hybridwing.simulate.proportions.scale`.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    rows: list[tuple[Stratum, int, str, bool]] = []
    for share in scale(specimens):
        rows += [(share.stratum, record, "train", False) for record in share.train_records]
        in_val = np.zeros(share.test, bool)
        in_val[rng.permutation(share.test)[: share.val]] = True
        pairs = zip(share.test_records, in_val, strict=True)
        rows += [(share.stratum, record, "test", bool(val)) for record, val in pairs]
    order = rng.permutation(len(rows))
    under = rng.random(len(rows))
    return tuple(
        Slot(number, stratum, record, split, val, bool(under[number] < record_style(record).ventral))
        for number, (stratum, record, split, val) in enumerate(rows[i] for i in order)
    )
