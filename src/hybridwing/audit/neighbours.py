"""Which images resemble which by their embeddings: copies, and images unlike their own class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.audit.findings import MOST_ROWS, EvidenceTable, Finding, clear
from hybridwing.errors import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from hybridwing.embeddings.table import EmbeddingTable

NEIGHBOURS = 5
COPY_COSINE = 0.95
"""Images whose standardised embeddings have this cosine or more are taken for copies. The nearest of several hundred
different specimens reach 0.90: BioCLIP and DINOv2 on challenge photographs, ``pattern`` on simulated ones."""
FEWEST = 4
"""Images a class must have for its mean to say anything."""
_MOST_OUTLIERS = 25


@dataclass(frozen=True, eq=False)
class EmbeddedImages:
    """n images with the k nearest of each."""

    uuids: tuple[str, ...]
    vectors: npt.NDArray[np.float32]  # Shape (n, d), every dimension standardised, of unit length
    nearest: npt.NDArray[np.intp]  # Shape (n, k), rows of the nearest others, nearest first
    cosine: npt.NDArray[np.float32]  # Shape (n, k), their cosine similarity, in [-1, 1]

    def copies(self) -> list[tuple[str, str, float]]:
        """Pairs of images that are likely copies, each with its cosine, the closest first."""
        pairs: dict[tuple[str, str], float] = {}
        for row, place in zip(*np.nonzero(self.cosine >= COPY_COSINE), strict=True):
            first, second = sorted((self.uuids[row], self.uuids[self.nearest[row, place]]))
            pairs[first, second] = max(float(self.cosine[row, place]), pairs.get((first, second), -1.0))
        return sorted(((a, b, c) for (a, b), c in pairs.items()), key=lambda pair: (-pair[2], pair[0], pair[1]))


@dataclass(frozen=True)
class ClassOutlier:
    """An image that looks more like another class than like its own."""

    uuid: str
    class_name: str
    record: str
    looks_like: str  # Nearest other class, by its mean embedding
    excess: float  # Cosine to the mean of `looks_like` minus the cosine to the mean of its own class without this image
    # The nearest images, none of them of its class: key, class and cosine, nearest first.
    neighbours: tuple[tuple[str, str, float], ...]


def embedded_images(embeddings: EmbeddingTable, uuids: Sequence[str]) -> EmbeddedImages:
    """Neighbours among those of the images that have an embedding, in the order of `uuids`."""
    place = {uuid: row for row, uuid in enumerate(embeddings.uuids)}
    kept = tuple(uuid for uuid in dict.fromkeys(uuids) if uuid in place)
    return with_neighbours(kept, embeddings.vectors[[place[uuid] for uuid in kept]])


def with_neighbours(uuids: tuple[str, ...], vectors: npt.NDArray[np.float32]) -> EmbeddedImages:
    """Standardise embeddings of shape (n, d) and find the nearest of each.

    A dimension that does not vary does not count.
    """
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler, normalize

    k = min(NEIGHBOURS, len(uuids) - 1)
    if k < 1:
        return EmbeddedImages(uuids, vectors, np.empty((len(uuids), 0), np.intp), np.empty((len(uuids), 0), np.float32))
    unit = normalize(StandardScaler().fit_transform(vectors.astype(np.float64))).astype(np.float32)
    distance, nearest = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(unit).kneighbors()
    return EmbeddedImages(uuids, unit, nearest, np.clip(1 - distance, -1, 1).astype(np.float32))


def find_class_outliers(images: EmbeddedImages, classes: Sequence[str], records: Sequence[str]) -> list[ClassOutlier]:
    """Find images that are nearer to the mean of another class and have none of their own among the nearest images.

    `images` are the labelled images of one table; `classes` and `records` have one entry for each. The largest excess
    comes first. Classes of fewer than `FEWEST` images are neither asked about nor compared with.
    """
    from sklearn.preprocessing import normalize

    vectors = images.vectors.astype(np.float64)
    names, member = np.unique(np.asarray(classes, dtype=str), return_inverse=True)
    large = np.bincount(member, minlength=len(names)) >= FEWEST
    if large.sum() < 2:
        return []
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, member, vectors)
    to_others = vectors @ normalize(sums).T
    to_others[:, ~large] = -np.inf
    to_others[np.arange(len(vectors)), member] = -np.inf
    excess = to_others.max(axis=1) - np.einsum("nd,nd->n", vectors, normalize(sums[member] - vectors))
    alone = (member[images.nearest] != member[:, None]).all(axis=1)
    found = []
    for row in np.flatnonzero((excess > 0) & large[member] & alone).tolist():
        near = zip(images.nearest[row], images.cosine[row], strict=True)
        shown = tuple((images.uuids[at], classes[at], float(cosine)) for at, cosine in near)
        looks_like = str(names[to_others[row].argmax()])
        found.append(ClassOutlier(images.uuids[row], classes[row], records[row], looks_like, float(excess[row]), shown))
    return sorted(found, key=lambda outlier: (-outlier.excess, outlier.uuid))


def likeness_finding(pairs: Sequence[tuple[str, str, float]], places: Mapping[str, str]) -> Finding:
    """Images whose embeddings are nearly equal; `places` names the table and class of each."""
    if not pairs:
        return clear(
            "leaks",
            "no copies among the embeddings",
            f"No two embeddings have a cosine of {COPY_COSINE} or more.",
            "Nothing looks so alike to the backbone that it would be taken for one photograph.",
        )
    divided = sum(places[a] != places[b] for a, b, _ in pairs)
    rows = tuple((a, places[a], b, places[b], f"{cosine:.4f}") for a, b, cosine in pairs[:MOST_ROWS])
    return Finding(
        "leaks",
        "serious" if divided else "caution",
        "copies among the embeddings",
        f"To the backbone {counted(len(pairs), 'pair')} of images cannot be told apart (cosine {COPY_COSINE} or "
        f"more), {divided:,} of them in two tables or classes.",
        "They may be copies, two photographs of one specimen, or pictures in which the backbone sees nothing.",
        "Look at each pair; keep one of two copies, and give photographs of one specimen one specimen number.",
        (EvidenceTable("Pairs, the closest first.", ("image", "in", "image", "in", "cosine"), rows),),
    )


def outlier_finding(outliers: Sequence[ClassOutlier], asked: int) -> Finding:
    """Images that look more like another class than like their own."""
    if not outliers:
        return clear(
            "labels",
            "every image like its class",
            f"None of {counted(asked, 'image')} is nearer to another class and without a neighbour of its own.",
            "The embeddings give no reason to doubt a label.",
        )
    rows = tuple(
        (s.uuid, s.class_name, s.looks_like, f"{s.excess:.2f}", s.record,
         "; ".join(f"{uuid} ({name}, {cosine:.2f})" for uuid, name, cosine in s.neighbours[:3]))
        for s in outliers[:_MOST_OUTLIERS]
    )  # fmt: skip
    return Finding(
        "labels",
        "caution" if len(outliers) >= 0.02 * asked else "note",
        "images unlike their class",
        f"Of {asked:,} images {counted(len(outliers), 'is', 'are')} nearer to another class than to their own, "
        "with no image of their own class among the nearest.",
        "Some will be mislabelled, some show the other side of the wing or a damaged specimen, and some are "
        "right: hybrids that look like a parent, and classes that mimic each other. What “look” means is up to the "
        "backbone.",
        "Look at the first of them with their neighbours. Correct wrong labels, drop what shows no wing, and "
        "keep the rest: they are what the detector is for.",
        (
            EvidenceTable(
                f"The {len(rows)} that stand out most, each with the class and cosine of its neighbours.",
                ("image", "class", "looks like", "excess cosine", "record", "nearest images"),
                rows,
            ),
        ),
    )
