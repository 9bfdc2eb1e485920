"""Which group each specimen belongs to: its subspecies, or the cross it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.detectors.base import DetectorInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.detectors.base import Metadata

    Labels = NDArray[np.int64]
    Pair = tuple[str, str]

UNNAMED = "(unnamed)"
"""Stands for a subspecies or a parent that is not named."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Specimens by subspecies and by cross."""

    subspecies: tuple[str, ...]  # Those of the non-hybrids, sorted
    # Those of the hybrids, sorted, the parents of each too; ``(UNNAMED, UNNAMED)`` where they are not known
    crosses: tuple[Pair, ...]
    # Shape (n,): group of each specimen: an index into ``subspecies`` and then, from ``len(subspecies)`` on,
    # ``crosses``
    member: Labels

    def __len__(self) -> int:
        """How many groups there are."""
        return len(self.subspecies) + len(self.crosses)

    @property
    def crossed(self) -> Labels:
        """1 for each group that is a cross, 0 for a subspecies; shape (len(self),)."""
        return np.repeat([0, 1], [len(self.subspecies), len(self.crosses)]).astype(np.int64)


def group(y: Labels, metadata: Metadata) -> Groups:
    """Sort specimens into groups, by labels of shape (n,), 1 for a hybrid.

    Metadata that do not fit a label are not read.
    """
    subspecies, parents = metadata.subspecies, metadata.parents
    names = [UNNAMED] * len(y) if subspecies is None else [UNNAMED if not s else str(s) for s in subspecies]
    pairs: list[Pair] = [(UNNAMED, UNNAMED)] * len(y)
    if parents is not None:
        pairs = [(UNNAMED, UNNAMED) if p is None else _pair(p) for p in parents]
    pure = tuple(sorted({name for name, label in zip(names, y, strict=True) if label == 0}))
    crosses = tuple(sorted({pair for pair, label in zip(pairs, y, strict=True) if label == 1}))
    places = {name: place for place, name in enumerate(pure)}
    crossed = {pair: len(pure) + place for place, pair in enumerate(crosses)}
    member = [crossed[pair] if label else places[name] for name, pair, label in zip(names, pairs, y, strict=True)]
    return Groups(pure, crosses, np.array(member, dtype=np.int64))


def _pair(parents: tuple[str, str]) -> Pair:
    first, second = sorted(str(parent) if parent else UNNAMED for parent in parents)
    return first, second


def block_starts(blocks: Sequence[int] | None, n_features: int) -> NDArray[np.int64]:
    """First column of each block.

    `blocks` are widths in the order of the columns; None is one block. Raises DetectorInputError if they do not add up
    to `n_features`.
    """
    widths = [n_features] if blocks is None else [int(width) for width in blocks]
    if not widths or min(widths) < 1 or sum(widths) != n_features:
        raise DetectorInputError(
            f"blocks of {', '.join(map(str, widths))} columns do not divide embeddings of {n_features}; "
            "give the width of each view or backbone in the embeddings, or leave blocks out"
        )
    return np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(np.int64)
