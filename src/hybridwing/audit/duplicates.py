"""Photographs that are there twice: the same file, the same pixels, or the same picture saved again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hybridwing.audit.hash_search import near_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

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
    joined = _Groups(len(fingerprints))
    for key in ("content", "pixels"):
        for rows in _equal([getattr(one, key) for one in fingerprints]):
            for row in rows[1:]:
                joined.join(rows[0], row)
    _join_alike(fingerprints, joined)
    found = []
    for rows in joined.members():
        ones = [fingerprints[row] for row in rows]
        found.append(DuplicateGroup(_likeness(ones), tuple(sorted(one.uuid for one in ones))))
    rank = {"bytes": 0, "pixels": 1, "picture": 2}
    return sorted(found, key=lambda group: (rank[group.likeness], group.uuids))


def _join_alike(fingerprints: Sequence[Fingerprint], joined: _Groups) -> None:
    """Join pictures whose hashes are near and whose thumbnails correlate."""
    vivid = [row for row, one in enumerate(fingerprints) if not one.blank]
    if not vivid:
        return
    # one thumbnail stands for all files of the same pixels
    unique = list({fingerprints[row].pixels: row for row in reversed(vivid)}.values())
    rows = np.array(unique, dtype=np.intp)
    thumbnails = np.stack([fingerprints[row].thumbnail.ravel() for row in rows])
    hashes = np.array([fingerprints[row].perceptual for row in rows], dtype=np.uint64)
    distinct, which = np.unique(hashes, return_inverse=True)
    holders = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
    for holder in holders:
        _join_correlated(thumbnails, holder, holder, rows, joined)
    for first, second in near_pairs(distinct):
        _join_correlated(thumbnails, holders[first], holders[second], rows, joined)


def _join_correlated(
    thumbnails: npt.NDArray[np.float32],
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
    rows: npt.NDArray[np.intp],
    joined: _Groups,
) -> None:
    for one in first:
        alike = thumbnails[second] @ thumbnails[one] >= LEAST_CORRELATION
        for other in second[alike]:
            joined.join(int(rows[one]), int(rows[other]))


def _likeness(ones: Sequence[Fingerprint]) -> Likeness:
    if len({one.content for one in ones}) == 1:
        return "bytes"
    return "pixels" if len({one.pixels for one in ones}) == 1 else "picture"


def _equal(keys: Iterable[str]) -> list[list[int]]:
    """Positions of each key that is there more than once."""
    places: dict[str, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        places[key].append(position)
    return [rows for rows in places.values() if len(rows) > 1]


class _Groups:
    """Disjoint sets of rows."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def _root(self, row: int) -> int:
        while self._parent[row] != row:
            self._parent[row] = self._parent[self._parent[row]]
            row = self._parent[row]
        return row

    def join(self, first: int, second: int) -> None:
        """Put the sets of two rows together."""
        low, high = sorted((self._root(first), self._root(second)))
        self._parent[high] = low

    def members(self) -> list[list[int]]:
        """Rows of each set of several."""
        sets: dict[int, list[int]] = defaultdict(list)
        for row in range(len(self._parent)):
            sets[self._root(row)].append(row)
        return [rows for rows in sets.values() if len(rows) > 1]
