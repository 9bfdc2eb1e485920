"""Photographs that are there twice: the same file, the same pixels, or the same picture saved again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hybridwing.audit.hash_search import near_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hybridwing.audit.fingerprints import Fingerprint

Likeness = Literal["bytes", "pixels", "picture"]

LEAST_CORRELATION = 0.985
"""Correlation of two thumbnails from which on they are taken for one picture. The perceptual hash of photographs taken
with one stand and one background agrees by chance; this second look tells another butterfly from another copy."""


@dataclass(frozen=True)
class DuplicateGroup:
    """Photographs of one picture.

    Attributes
    ----------
    likeness : {"bytes", "pixels", "picture"}
        What all of them have in common: the file, the decoded pixels, or what it looks like.
    uuids : tuple of str
        Two or more, sorted.
    """

    likeness: Likeness
    uuids: tuple[str, ...]


def find_duplicates(fingerprints: Sequence[Fingerprint]) -> list[DuplicateGroup]:
    """Group the photographs that show one picture; each stands in one group at most.

    Returns
    -------
    list of DuplicateGroup
        Named for the closest likeness that holds for the whole group, the exact ones first. Blank pictures are grouped
        only where bytes or pixels agree.
    """
    pairs = _similar_pairs(fingerprints)
    for key in ("content", "pixels"):
        pairs += _equal_pairs([getattr(one, key) for one in fingerprints])
    found = []
    for group in _connected(pairs, len(fingerprints)):
        ones = [fingerprints[row] for row in group]
        found.append(DuplicateGroup(_likeness(ones), tuple(sorted(one.uuid for one in ones))))
    rank = {"bytes": 0, "pixels": 1, "picture": 2}
    return sorted(found, key=lambda group: (rank[group.likeness], group.uuids))


def _similar_pairs(fingerprints: Sequence[Fingerprint]) -> list[tuple[int, int]]:
    """Pictures whose hashes are near and whose thumbnails correlate."""
    vivid = [row for row, one in enumerate(fingerprints) if not one.blank]
    if not vivid:
        return []
    # one thumbnail stands for all files of the same pixels
    unique = list({fingerprints[row].pixels: row for row in reversed(vivid)}.values())
    rows = np.array(unique, dtype=np.intp)
    thumbnails = np.stack([fingerprints[row].thumbnail.ravel() for row in rows])
    hashes = np.array([fingerprints[row].perceptual for row in rows], dtype=np.uint64)
    distinct, which = np.unique(hashes, return_inverse=True)
    holders = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
    pairs = []
    for first, second in [(i, i) for i in range(len(holders))] + near_pairs(distinct).tolist():
        for one in holders[first]:
            similar = thumbnails[holders[second]] @ thumbnails[one] >= LEAST_CORRELATION
            pairs += [(int(rows[one]), int(rows[other])) for other in holders[second][similar]]
    return pairs


def _likeness(ones: Sequence[Fingerprint]) -> Likeness:
    if len({one.content for one in ones}) == 1:
        return "bytes"
    return "pixels" if len({one.pixels for one in ones}) == 1 else "picture"


def _equal_pairs(keys: Iterable[str]) -> list[tuple[int, int]]:
    """Each position whose key was there before, with the first position of that key."""
    first: dict[str, int] = {}
    return [(first.setdefault(key, row), row) for row, key in enumerate(keys) if first.setdefault(key, row) != row]


def _connected(pairs: Sequence[tuple[int, int]], size: int) -> list[list[int]]:
    """Rows of each group of several that pairs join."""
    ends = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    _, member = connected_components(graph, directed=False)
    groups: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(member.tolist()):
        groups[group].append(row)
    return [rows for rows in groups.values() if len(rows) > 1]
