from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.catalogue.splits import split
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path

METHODS = ["random", "stratified", "record", "specimen"]


@pytest.fixture
def mixed(make):
    """Ten records of unequal size, two images a specimen, one class of a single image."""
    rows = []
    for record in range(10):
        for specimen in range(3 + record):
            hybrid = (record + specimen) % 4 == 0
            row = (f"{record}-{specimen}", "1" if hybrid else "0", "a x b" if hybrid else "ab"[record % 2], str(record))
            rows += [row, row]
    return make([*rows, ("lone", "0", "rare", "0")])


@pytest.mark.parametrize("method", METHODS)
def test_every_row_is_on_one_side(mixed, method: str) -> None:
    found = split(mixed, method=method, test_fraction=0.25, seed=7)
    assert sorted([*found.train, *found.test]) == list(range(len(mixed)))
    assert len(found.test) == pytest.approx(0.25 * len(mixed), abs=0.1 * len(mixed))
    again = split(mixed, method=method, test_fraction=0.25, seed=7)
    assert found.test.tolist() == again.test.tolist()
    others = [split(mixed, method=method, test_fraction=0.25, seed=seed).test.tolist() for seed in range(8)]
    assert any(other != found.test.tolist() for other in others)


def test_random_is_the_samples_split_in_its_order(shared: Path) -> None:
    path = shared / "challenge" / "butterfly_anomaly_train.csv"
    train, test = train_test_split(pd.read_csv(path), test_size=0.2, random_state=42)
    catalogue = read_catalogue(path)
    found = split(catalogue)
    assert catalogue.select(found.train).uuids.tolist() == train["filename"].tolist()
    assert catalogue.select(found.test).uuids.tolist() == test["filename"].tolist()


def test_stratified_divides_every_class_alike(mixed) -> None:
    found = split(mixed, method="stratified", test_fraction=0.25, seed=1)
    whole, part = Counter(mixed.classes), Counter(mixed.classes[found.test])
    assert part["rare"] == 0
    assert all(abs(part[name] - 0.25 * number) < 1 for name, number in whole.items())
    assert found.test.tolist() == sorted(found.test)


@pytest.mark.parametrize("method", ["record", "specimen"])
def test_whole_groups_and_both_labels_on_both_sides(mixed, method: str) -> None:
    for seed in range(5):
        found = split(mixed, method=method, seed=seed)
        groups = mixed.table[method]
        assert not set(groups[found.train]) & set(groups[found.test])
        assert set(mixed.labels[found.train]) == set(mixed.labels[found.test]) == {0, 1}


def test_records_of_the_official_table(shared: Path) -> None:
    catalogue = read_catalogue(shared / "challenge" / "butterfly_anomaly_train.csv")
    found = split(catalogue, method="record")
    assert not set(catalogue.records[found.train]) & set(catalogue.records[found.test])
    assert catalogue.labels[found.train].sum() >= 83
    assert catalogue.labels[found.test].sum() >= 3
    assert len(found.test) == pytest.approx(0.2 * len(catalogue), rel=0.05)


def test_single_image_specimens_are_held_out_to_the_image(shared: Path) -> None:
    catalogue = read_catalogue(shared / "challenge" / "butterfly_anomaly_train.csv")
    for seed in range(5):
        found = split(catalogue, method="specimen", seed=seed)
        assert (len(found.test), catalogue.labels[found.test].sum()) == (416, 18)


def test_the_only_possible_division_is_found(make) -> None:
    rows = [("s", "1", "a x b", "big"), ("s", "0", "a", "big")] * 50
    found = split(make([*rows, ("t", "1", "a x b", "small"), ("u", "0", "a", "small")]), method="record")
    assert found.test.tolist() in ([100, 101], list(range(100)))


def test_what_cannot_be_divided_is_said(make) -> None:
    hybrid, other = ("s", "1", "a x b", "1"), ("t", "0", "a", "1")
    cases = [
        ([hybrid, other], "record", "all hybrids are from record 1"),
        ([hybrid, ("s", "1", "a x b", "2"), other], "record", "all non-hybrids are from record 1"),
        ([other, ("t", "0", "a", "2")], "record", "there are no hybrids"),
        ([other, ("t", "0", "a", "")], "record", "1 image has no record.*: 1.jpg"),
        ([other, ("t", "", "a", "1")], "specimen", "have no label"),
        ([other], "random", "1 images cannot be divided"),
        ([hybrid, other], "stratified", "leaves nothing to test on"),
    ]
    for rows, method, message in cases:
        with pytest.raises(CatalogueError, match=message):
            split(make(rows), method=method)  # type: ignore[arg-type]
    with pytest.raises(CatalogueError, match="cannot be divided"):
        split(make([hybrid, other]), test_fraction=0.9)


@pytest.mark.parametrize("arguments", [{"test_fraction": 1.0}, {"test_fraction": np.nan}, {"seed": -1}])
def test_arguments_out_of_range(mixed, arguments) -> None:
    with pytest.raises(CatalogueError, match="must be in"):
        split(mixed, **arguments)
