"""Specimens sorted into subspecies and crosses; blocks of columns."""

from __future__ import annotations

import numpy as np
import pytest

from hybridwing.detectors.base import DetectorInputError, Metadata
from hybridwing.detectors.groups import UNNAMED, block_starts, group

Y = np.array([0, 0, 1, 1, 0])


def test_subspecies_then_crosses_in_order() -> None:
    groups = group(Y, Metadata(["b", "a", None, None, "b"], [None, None, ("b", "a"), ("a", "b"), None]))
    assert (groups.subspecies, groups.crosses) == (("a", "b"), (("a", "b"),))
    assert groups.member.tolist() == [1, 0, 2, 2, 1]
    assert groups.crossed.tolist() == [0, 0, 1]
    assert len(groups) == 3


def test_what_nobody_has_named() -> None:
    groups = group(Y, Metadata())
    assert (groups.subspecies, groups.crosses) == ((UNNAMED,), ((UNNAMED, UNNAMED),))
    some = group(Y, Metadata(["a", None, "ignored", None, "a"], [None, ("x", "y"), ("a", None), ("a", "c"), None]))  # type: ignore[list-item]
    assert some.subspecies == (UNNAMED, "a")
    assert some.crosses == ((UNNAMED, "a"), ("a", "c"))


def test_starts_of_blocks() -> None:
    assert block_starts(None, 7).tolist() == [0]
    assert block_starts((3, 1, 3), 7).tolist() == [0, 3, 4]


@pytest.mark.parametrize("blocks", [(), (3, 3), (8, -1), (0, 7)])
def test_blocks_that_do_not_divide_the_embedding(blocks: tuple[int, ...]) -> None:
    with pytest.raises(DetectorInputError, match="do not divide embeddings of 7"):
        block_starts(blocks, 7)
