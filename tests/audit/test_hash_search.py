"""The banded search against comparing all with all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.audit import hash_search
from hybridwing.audit.hash_search import distances, near_pairs


def _brute(hashes: np.ndarray, most: int) -> list[tuple[int, int]]:
    numbers = [int(value) for value in hashes]
    return [
        (i, j)
        for i in range(len(numbers))
        for j in range(i + 1, len(numbers))
        if (numbers[i] ^ numbers[j]).bit_count() <= most
    ]


@given(
    seeds=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6),
    flips=st.lists(st.sets(st.integers(0, 63), max_size=10), min_size=1, max_size=6),
    most=st.integers(0, 7),
)
def test_finds_exactly_the_near_pairs(seeds: list[int], flips: list[set[int]], most: int) -> None:
    numbers = {seed ^ sum(1 << bit for bit in bits) for seed in seeds for bits in flips}
    hashes = np.array(sorted(numbers), dtype=np.uint64)
    assert [tuple(pair) for pair in near_pairs(hashes, most).tolist()] == _brute(hashes, most)


def test_finds_the_same_in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    hashes = np.unique(rng.integers(0, 2**12, 300, dtype=np.uint64))
    whole = near_pairs(hashes)
    monkeypatch.setattr(hash_search, "_CHUNK", 50)
    assert np.array_equal(near_pairs(hashes), whole)
    assert len(whole) == len(_brute(hashes, 7))


def test_of_none_there_are_no_pairs() -> None:
    assert near_pairs(np.empty(0, dtype=np.uint64)).shape == (0, 2)


def test_distances_count_bits() -> None:
    assert distances(np.array([0, 2**64 - 1], np.uint64), np.array([7, 0], np.uint64)).tolist() == [3, 64]


@pytest.mark.parametrize("most", [-1, 8])
def test_a_distance_it_could_miss_is_refused(most: int) -> None:
    with pytest.raises(ValueError, match="0 to 7 bits"):
        near_pairs(np.zeros(1, np.uint64), most)
