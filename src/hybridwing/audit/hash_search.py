"""Pairs of 64-bit hashes that differ in few bits, without comparing all with all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MOST_BITS = 7
_BANDS = 4
_WIDTH = 16
_CHUNK = 1 << 20


def near_pairs(hashes: npt.NDArray[np.uint64], most: int = MOST_BITS) -> npt.NDArray[np.intp]:
    """All pairs of distinct hashes within a Hamming distance.

    Two hashes that differ in at most 7 of 64 bits differ in at most one bit of one of four bands of 16, so it is enough
    to look each band up, as it is and with each of its bits flipped (multi-index hashing: Norouzi, Punjani & Fleet
    2012, CVPR). With n hashes spread over the 65,536 values of a band that is some ``68 n * n / 65536`` comparisons.

    Parameters
    ----------
    hashes : ndarray of shape (n,), uint64
        Distinct.
    most : int in [0, 7], default 7
        Largest number of bits that differ.

    Returns
    -------
    ndarray of shape (m, 2), int
        Positions ``i < j``, in ascending order.

    Raises
    ------
    ValueError
        If `most` is out of range.
    """
    if not 0 <= most <= MOST_BITS:
        raise ValueError(f"the search finds pairs that differ in 0 to {MOST_BITS} bits; got {most}")
    found = [np.empty((0, 2), dtype=np.intp)]
    for band in range(_BANDS):
        keys = (hashes >> np.uint64(band * _WIDTH)).astype(np.uint16)
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        for flip in (0, *(1 << bit for bit in range(_WIDTH))):
            wanted = keys ^ np.uint16(flip)
            first = np.searchsorted(ranked, wanted, side="left")
            counts = np.searchsorted(ranked, wanted, side="right") - first
            found.extend(_close(hashes, order, first, counts, most))
    return np.unique(np.concatenate(found), axis=0)


def _close(
    hashes: npt.NDArray[np.uint64],
    order: npt.NDArray[np.intp],
    first: npt.NDArray[np.intp],
    counts: npt.NDArray[np.intp],
    most: int,
) -> list[npt.NDArray[np.intp]]:
    """Compare each hash with those in its bucket, some hashes at a time so that memory stays bounded."""
    found = []
    edges = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = edges[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(edges, before + _CHUNK, side="right")))
        part = counts[start:stop]
        left = np.repeat(np.arange(start, stop), part)
        within = np.arange(len(left)) - np.repeat(np.cumsum(part) - part, part)
        right = order[np.repeat(first[start:stop], part) + within]
        earlier = left < right
        left, right = left[earlier], right[earlier]
        near = distances(hashes[left], hashes[right]) <= most
        found.append(np.stack([left[near], right[near]], axis=1))
        start = stop
    return found


def distances(first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Bits in which hashes differ, element by element."""
    bits = np.ascontiguousarray(first ^ second).view(np.uint8).reshape(-1, 8)
    return np.asarray(_ONES[bits].sum(axis=1, dtype=np.uint8))


_ONES = np.array([byte.bit_count() for byte in range(256)], dtype=np.uint8)
