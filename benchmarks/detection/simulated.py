"""Simulated collections as embeddings: made once a seed, kept in a folder, read again.

The photographs are those of ``hybridwing simulate`` at the official class counts and records. Every test hybrid is also
photographed a second time, the same animal in the same pose, under a record that holds no training hybrid: the look of
the photograph then says nothing about the label, as it does in training.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from places import Places, inputs
from variants import Training

from hybridwing.runtime import pattern
from hybridwing.runtime.finding import find_wings
from hybridwing.simulate.plan import plan
from hybridwing.simulate.proportions import OFFICIAL_SPECIMENS
from hybridwing.simulate.specimen import render
from hybridwing.simulate.styles import record_style

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from hybridwing.simulate.plan import Slot

SIDE = 112
"""Pixels a side of what a DINOv2 sees of simulated photographs: half the usual, for a quarter of the time."""
BLOCKS = (pattern.DIMENSION, 6144, 6144)
_BATCH = 32


@dataclass(frozen=True, eq=False)
class Collection:
    """One simulated collection; n images, of which the first are for training.

    Attributes
    ----------
    vectors : ndarray of shape (n, d), float32
        Embeddings by `pattern`, and place by place by a DINOv2 where weights were given.
    moved : ndarray of shape (n, d), float32
        The same, but test hybrids photographed under a record without training hybrids.
    names : ndarray of shape (n,), str
        Subspecies or cross, ``"mother x father"``.
    indicators : ndarray of shape (n,), str
        ``"major"``, ``"minor"`` or ``"mimic"``.
    records, moved_records : ndarray of shape (n,), int64
    trained : ndarray of shape (n,), bool
        Whether it is in the training table.
    alike : ndarray of shape (n,), bool
        Whether a hybrid looks exactly like a parent.
    """

    vectors: np.ndarray
    moved: np.ndarray
    names: np.ndarray
    indicators: np.ndarray
    records: np.ndarray
    moved_records: np.ndarray
    trained: np.ndarray
    alike: np.ndarray

    @property
    def blocks(self) -> tuple[int, ...]:
        """Widths of the blocks of an embedding."""
        return BLOCKS if self.vectors.shape[1] > pattern.DIMENSION else (pattern.DIMENSION,)

    @property
    def labels(self) -> np.ndarray:
        """1 for a hybrid, shape (n,), int64."""
        return np.array([" x " in name for name in self.names], dtype=np.int64)

    @property
    def subspecies(self) -> list[str | None]:
        return [None if " x " in name else str(name) for name in self.names]

    @property
    def parents(self) -> list[tuple[str, str] | None]:
        pairs = [tuple(sorted(str(name).split(" x "))) for name in self.names]
        return [(pair[0], pair[1]) if len(pair) == 2 else None for pair in pairs]

    @property
    def training(self) -> Training:
        """What a detector learns from."""
        kept = np.flatnonzero(self.trained)
        return Training(
            self.vectors[kept],
            self.labels[kept],
            [self.subspecies[place] for place in kept],
            [self.parents[place] for place in kept],
            self.blocks,
        )


def collection(
    seed: int,
    cache: Path,
    *,
    specimens: int = OFFICIAL_SPECIMENS,
    size: int = 320,
    weights: Path | None = None,
    executor: Executor | None = None,
) -> Collection:
    """Read a collection from the cache, or make it and put it there.

    Parameters
    ----------
    seed : int
        Of the collection.
    cache : Path
        Folder; it must exist.
    specimens : int
        Images in all.
    size : int
        Long side of the photographs; `pattern` itself works on 256 pixels.
    weights : Path, optional
        Folder of a DINOv2-small; it sees views of `SIDE` pixels.
    executor : Executor, optional
        Does the work in parallel.
    """
    path = cache / f"simulated-v{pattern.VERSION}-{specimens}-{size}-{seed}{'-places' if weights else ''}.npz"
    if not path.exists():
        made = _made(seed, specimens, size, weights, executor)
        with path.with_suffix(".part").open("wb") as file:
            np.savez(file, **{field.name: getattr(made, field.name) for field in fields(Collection)})
        path.with_suffix(".part").replace(path)
    with np.load(path, allow_pickle=False) as arrays:
        return Collection(**arrays)


def _made(seed: int, specimens: int, size: int, weights: Path | None, executor: Executor | None) -> Collection:
    slots = sorted(plan(specimens, seed), key=lambda slot: (slot.split != "train", slot.number))
    away = moved(slots, seed)
    tasks = slots + [new for old, new in zip(slots, away, strict=True) if new.record != old.record]
    work = partial(_embedded, seed=seed, size=size, places=weights is not None)
    done = executor.map(work, tasks, chunksize=8) if executor else map(work, tasks)
    network = Places(weights) if weights else None
    values, alike = [], []
    while batch := list(islice(done, _BATCH)):
        described = np.stack([one[0] for one in batch])
        if network:
            described = np.hstack([described, network.embed(np.stack([one[1] for one in batch]))])
        values.extend(described)
        alike.extend(one[2] for one in batch)
    vectors = np.stack(values[: len(slots)])
    again = vectors.copy()
    changed = [old.record != new.record for old, new in zip(slots, away, strict=True)]
    again[changed] = np.stack(values[len(slots) :])
    return Collection(
        vectors=vectors,
        moved=again,
        names=np.array([slot.stratum.name for slot in slots]),
        indicators=np.array([slot.stratum.indicator for slot in slots]),
        records=np.array([slot.record for slot in slots]),
        moved_records=np.array([slot.record for slot in away]),
        trained=np.array([slot.split == "train" for slot in slots]),
        alike=np.array(alike[: len(slots)]) & np.array([slot.stratum.hybrid for slot in slots]),
    )


def moved(slots: Sequence[Slot], seed: int) -> list[Slot]:
    """Test hybrids under a record of training non-hybrids alone, drawn in proportion to its training images."""
    trained = [slot for slot in slots if slot.split == "train"]
    taken = {slot.record for slot in trained if slot.stratum.hybrid}
    free = [slot.record for slot in trained if slot.record not in taken]
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(9,)))
    drawn = rng.choice(free, len(slots))
    return [
        replace(slot, record=int(record)) if slot.split == "test" and slot.stratum.hybrid else slot
        for slot, record in zip(slots, drawn, strict=True)
    ]


def _embedded(slot: Slot, seed: int, size: int, places: bool) -> tuple[np.ndarray, np.ndarray | None, bool]:
    rendered = render(slot, seed, size)
    buffer = io.BytesIO()
    rendered.picture.save(buffer, "JPEG", quality=record_style(slot.record).quality)
    image = Image.open(buffer).convert("RGB")
    found = find_wings(image)
    views = inputs(image, found, SIDE) if places else None
    return pattern.prepare(image, found).value, views, rendered.animal.looks_like_parent
