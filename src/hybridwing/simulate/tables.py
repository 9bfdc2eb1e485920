"""Write the tables of a collection, the official forms and the truth, and say what the truth holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from hybridwing.csv_files import write_rows
from hybridwing.simulate.genetics import LOCI
from hybridwing.simulate.taxa import TAXA

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hybridwing.simulate.specimen import Specimen

TRAIN_COLUMNS = (
    "CAMID", "file_url", "hybrid_stat", "split", "zenodo_link", "md5", "subspecies", "parent_subspecies_1",
    "parent_subspecies_2", "filename",
)  # fmt: skip
REFERENCE_COLUMNS = ("CAMID", "file_url", "hybrid_stat", "X", "subspecies_ref", "filename", "ssp_indicator")

README = """SIMULATED SPECIMENS

Nothing here is a photograph of an animal. The images, genotypes, records and web addresses were made by
hybridwing.simulate; the record numbers (9000001 and up) and the specimen numbers (SIM...) are invented and
lead nowhere. Do not publish results on these images as results on butterflies. If you use them, cite the
hybridwing software and say that they are simulated.

truth.csv: one row an image
  filename, CAMID          as in the other tables
  species                  A (like Heliconius erato) or B (like H. melpomene)
  subspecies, cross        one of the two is filled; a cross is written mother x father
  generation               pure, F1, F2, or first back-cross (BC1) to the first or second parent of the cross
  split, in_val            train or test; whether the row is in ref_val.csv too
  ssp_indicator, hybrid    major, minor or mimic; True for hybrids
  hybrid_index             share of all simulated alleles that descend from the second parent, 0 to 1
  looks_like_parent        True where the set of pattern elements is that of a pure parent (the pure: always)
  elements                 the pattern elements that show
  optix ... ro             the two alleles at every pattern locus, in alphabetical order
  band_size ... wing_aspect  quantitative traits, in standard deviations; iridescence from 0 to 1
  record                   the (invented) source record
  side, detached           dorsal or ventral; whether the wings lie apart
  centre_x, centre_y, span shares of the picture's width (centre_y: height); span is the length of a forewing
  rotation, opening        degrees, counter-clockwise; how far the forewings are raised
  wear                     0 fresh to 1 torn and faded

masks/<filename without extension>.png: one byte a pixel (indexed; the palette is for reading by eye)
  value & 7                part: 0 background, 1 left forewing, 2 right forewing, 3 left hindwing,
                           4 right hindwing, 5 body; left and right as seen in the picture
  value >> 3               element: 0 ground, 1 red band, 2 yellow band, 3 white band, 4 dennis, 5 ray,
                           6 yellow bar, 7 yellow line, 8 white margin, 9 red spot at the base of the
                           hindwing's underside
  Veins are drawn over the elements in the photograph and are not in the mask.
"""


def write_train(path: Path, specimens: Iterable[Specimen]) -> None:
    """Write the training table in the official form."""
    write_rows(path, TRAIN_COLUMNS, (_train_row(s) for s in specimens if s.slot.split == "train"))


def write_reference(path: Path, specimens: Iterable[Specimen], *, val: bool) -> None:
    """Write the test table, or the validation table, which is part of it."""
    chosen = (s for s in specimens if s.slot.split == "test" and (s.slot.val or not val))
    write_rows(path, REFERENCE_COLUMNS, (_reference_row(s) for s in chosen))


def write_truth(path: Path, specimens: Iterable[Specimen]) -> None:
    """Write everything that is known of every specimen."""
    rows = [_truth(s) for s in specimens]
    write_rows(path, tuple(rows[0]), (tuple(row.values()) for row in rows))


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
