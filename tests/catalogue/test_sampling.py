from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.catalogue.strata import sample_fraction, shares_of_strata, strata_of
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path


@given(st.lists(st.integers(1, 500), min_size=1, max_size=20), st.floats(0.001, 1), st.integers(0, 1))
def test_shares_come_nearest_to_the_fraction(sizes: list[int], fraction: float, least: int) -> None:
    shares = shares_of_strata(np.array(sizes), fraction, least=least, most=np.array(sizes))
    assert np.all((shares >= least) & (shares <= sizes))
    wished = np.array(sizes) * fraction
    assert np.all(np.abs(shares - np.maximum(wished, least)) < 1 + 1e-6)
    if least == 0:
        assert abs(shares.sum() - wished.sum()) <= 0.5 + 1e-6


@given(st.lists(st.sampled_from(["b", "a", "ä"]), min_size=1, max_size=50))
def test_strata_hold_every_row_once(names: list[str]) -> None:
    strata = strata_of(np.array(names, dtype=object))
    assert sorted(np.concatenate(strata).tolist()) == list(range(len(names)))
    assert all(len({names[row] for row in rows}) == 1 for rows in strata)
    assert all(rows.tolist() == sorted(rows) for rows in strata)


def test_keeps_one_of_every_class(shared: Path) -> None:
    catalogue = read_catalogue(shared / "challenge" / "butterfly_anomaly_train.csv")
    rows = sample_fraction(catalogue, 0.15, seed=42)
    whole, part = Counter(catalogue.classes), Counter(catalogue.classes[rows])
    assert part.keys() == whole.keys()
    assert part["6"] == part["12"] == 1
    assert all(abs(part[name] - max(1, 0.15 * number)) < 1 for name, number in whole.items())


def test_samples_repeat_by_seed(make) -> None:
    catalogue = make([(str(number), str(number % 2), "", str(number % 3)) for number in range(60)])
    rows = sample_fraction(catalogue, 0.3, seed=1)
    assert len(rows) == 18
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert rows.tolist() == sample_fraction(catalogue, 0.3, seed=1).tolist()
    assert rows.tolist() != sample_fraction(catalogue, 0.3, seed=2).tolist()
    assert sample_fraction(catalogue, 1.0, seed=1).tolist() == list(range(60))


def test_what_cannot_be_sampled_is_said(make) -> None:
    catalogue = make([("s", "1", "a x b", "1")])
    with pytest.raises(CatalogueError, match=r"must be in \(0, 1\]; got 0.0"):
        sample_fraction(catalogue, 0.0, seed=1)
    with pytest.raises(CatalogueError, match="nothing to sample from"):
        sample_fraction(catalogue.select([]), 0.5, seed=1)
