"""Write the tables of a collection: the official forms and the truth."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from hybridwing.csv_files import write_rows
from hybridwing.simulate.genetics import LOCI
from hybridwing.simulate.taxa import TAXA

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hybridwing.simulate.specimen import Specimen

TRAIN_COLUMNS = (
    "CAMID", "file_url", "hybrid_stat", "split", "zenodo_link", "md5", "subspecies", "parent_subspecies_1",
    "parent_subspecies_2", "filename",
)  # fmt: skip
REFERENCE_COLUMNS = ("CAMID", "file_url", "hybrid_stat", "X", "subspecies_ref", "filename", "ssp_indicator")


def write_train(path: Path, specimens: Iterable[Specimen]) -> int:
    """Write the training table in the official form; returns how many rows."""
    return _write(path, TRAIN_COLUMNS, (_train_row(s) for s in specimens if s.slot.split == "train"))


def write_reference(path: Path, specimens: Iterable[Specimen], *, val: bool) -> int:
    """Write the test table, or the validation table, which is part of it; returns how many rows."""
    chosen = (s for s in specimens if s.slot.split == "test" and (s.slot.val or not val))
    return _write(path, REFERENCE_COLUMNS, (_reference_row(s) for s in chosen))


def write_truth(path: Path, specimens: Sequence[Specimen]) -> int:
    """Write everything that is known of every specimen; returns how many rows."""
    rows = [_truth(s) for s in specimens]
    return _write(path, tuple(rows[0]), (tuple(row.values()) for row in rows))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    written = list(rows)
    write_rows(path, columns, written)
    return len(written)


def _train_row(specimen: Specimen) -> tuple[object, ...]:
    slot = specimen.slot
    # the official table orders a cross's parents by code, whichever was the mother
    codes = sorted(float(code) for name in slot.stratum.parents if (code := TAXA[name].code) is not None)
    own: tuple[object, ...] = ("", *codes) if slot.stratum.hybrid else (codes[0], "", "")
    status = "hybrid" if slot.stratum.hybrid else "non-hybrid"
    return (
        slot.camid, slot.file_url, status, slot.split, slot.zenodo_link, specimen.md5, *own, slot.filename,
    )  # fmt: skip


def _reference_row(specimen: Specimen) -> tuple[object, ...]:
    slot = specimen.slot
    return (
        slot.camid, slot.file_url, int(slot.stratum.hybrid), slot.x, slot.stratum.name, slot.filename,
        slot.stratum.indicator,
    )  # fmt: skip


def _truth(specimen: Specimen) -> dict[str, object]:
    slot, animal, pose = specimen.slot, specimen.animal, specimen.pose
    return {
        "filename": slot.filename,
        "CAMID": slot.camid,
        "species": animal.species,
        "subspecies": "" if slot.stratum.hybrid else slot.stratum.name,
        "cross": slot.stratum.name if slot.stratum.hybrid else "",
        "generation": animal.generation.value,
        "split": slot.split,
        "in_val": slot.val,
        "ssp_indicator": slot.stratum.indicator,
        "hybrid": slot.stratum.hybrid,
        "hybrid_index": round(animal.diploid.hybrid_index, 6),
        "looks_like_parent": animal.looks_like_parent,
        "elements": " ".join(animal.phenotype.elements()),
        **{locus: animal.diploid.genotype.spelled(locus) for locus in LOCI},
        **{name: round(value, 6) for name, value in asdict(animal.traits).items()},
        "record": slot.record,
        "side": "ventral" if pose.ventral else "dorsal",
        "detached": pose.detached,
        "centre_x": round(pose.centre[0], 6),
        "centre_y": round(pose.centre[1], 6),
        "span": round(pose.span, 6),
        "rotation": round(pose.rotation, 6),
        "opening": round(pose.opening, 6),
        "wear": round(specimen.wear, 6),
    }
