"""Specimens that look like another name than the table gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.names import named
from hybridwing.detectors.out_of_fold import deal
from hybridwing.embeddings.selection import select
from hybridwing.explain.parent_fitting import fit_parent_model

if TYPE_CHECKING:
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.explain.parents import Looks

LEAST = 0.5
"""Probability from which on another name is listed."""


@dataclass(frozen=True)
class Mislabelled:
    """An image that looks like another subspecies or cross."""

    uuid: str
    specimen: str
    name: str  # Subspecies or cross in the table
    looks_like: str
    probability: float  # In [0.5, 1]


def find_mislabelled(catalogue: Catalogue, embeddings: EmbeddingTable, seed: int = 42) -> tuple[list[Mislabelled], int]:
    """Name every labelled specimen by a model that has not seen it, as `identify` does, and compare.

    A hybrid that looks like one of its parents is not listed, since many do; neither is a specimen whose subspecies no
    other specimen shows. `seed` deals the specimens into parts. Returns what is found, the surest first, and the number
    of images that were compared.
    """
    embeddings = select(embeddings, catalogue)
    rows = embeddings.rows_of([str(uuid) for uuid in catalogue.uuids])
    known = (catalogue.table["cross"].notna() | catalogue.table["subspecies"].notna()).to_numpy(dtype=bool)
    kept = (rows >= 0) & known & catalogue.table["hybrid"].notna().to_numpy(dtype=bool)
    table, vectors = named(catalogue.select(kept)), embeddings.vectors[rows[kept]]
    found: list[Mislabelled] = []
    asked = 0
    if len(set(table.specimens)) < 2:
        return found, asked
    part = deal(table.specimens, table.classes, table.labels, seed)
    for number in np.unique(part):
        seen, new = np.flatnonzero(part != number), np.flatnonzero(part == number)
        model = fit_parent_model(vectors[seen], table.subspecies[seen].tolist(), embeddings.backbone.traits)
        if model is None:
            continue
        names = {*model.names}
        for row, looks in zip(new, model.looks(vectors[new]), strict=True):
            own = {str(name) for name in (table.subspecies[row], *table.parents[row]) if name}
            if not own <= names:
                continue
            asked += 1
            shown, probability = _shown(looks)
            name = str(table.classes[row])
            if probability >= LEAST and shown != name and not (len(own) == 2 and shown in own):
                uuid, specimen = str(table.uuids[row]), str(table.specimens[row])
                found.append(Mislabelled(uuid, specimen, name, shown, probability))
    return sorted(found, key=lambda one: (-one.probability, one.uuid)), asked


def _shown(looks: Looks) -> tuple[str, float]:
    """The name that an image shows, and its probability among all names of one or two parents."""
    if looks.two_parents > LEAST:
        return " x ".join(looks.parents), looks.two_parents * looks.probability
    name, probability = looks.identities[0]
    return name, (1 - looks.two_parents) * probability
