from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.catalogue.names import TRAINING_SUBSPECIES, named, subspecies_name
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path


def test_select_keeps_order_and_source(make) -> None:
    catalogue = make([(str(number), "01"[number % 2], "", "r") for number in range(5)])
    chosen = catalogue.select([3, 0])
    assert chosen.uuids.tolist() == ["3.jpg", "0.jpg"]
    assert chosen.table["row"].tolist() == [5, 2]
    assert chosen.table.index.tolist() == [0, 1]
    assert (chosen.form, chosen.source, chosen.sha256) == (catalogue.form, catalogue.source, catalogue.sha256)
    assert catalogue.select(catalogue.labels == 1).uuids.tolist() == ["1.jpg", "3.jpg"]
    assert len(catalogue.select(np.array([]))) == 0
    with pytest.raises(CatalogueError, match=r"mask over 5 rows cannot have the shape \(2,\)"):
        catalogue.select([True, False])


def test_a_table_of_another_schema_is_refused(make) -> None:
    catalogue = make([("s", "1", "a x b", "1")])
    with pytest.raises(CatalogueError, match="wrong: hybrid"):
        replace(catalogue, table=catalogue.table.astype({"hybrid": "int64"}))
    with pytest.raises(CatalogueError, match="wrong: their order"):
        replace(catalogue, table=catalogue.table[catalogue.table.columns[::-1]])


def test_names_of_codes() -> None:
    assert [subspecies_name(code) for code in ("0", "8", "9", "13")] == ["amalfreda", "lativitta", "notabilis", "venus"]
    for code in ("14", "-1", "lativitta", ""):
        with pytest.raises(CatalogueError, match="0 to 13"):
            subspecies_name(code)


def test_evidence_for_the_names(shared: Path) -> None:
    training = named(read_catalogue(shared / "challenge" / "butterfly_anomaly_train.csv")).table
    reference = read_catalogue(shared / "challenge" / "ref_test.csv").table
    species_a = reference[(reference["group"] != "mimic") & ~reference["hybrid"]]
    assert sorted(species_a["subspecies"].unique()) == list(TRAINING_SUBSPECIES)
    for name in TRAINING_SUBSPECIES:
        records = set(species_a.loc[species_a["subspecies"] == name, "record"])
        assert records & set(training.loc[training["subspecies"] == name, "record"])
    assert set(training["cross"].dropna()) == {"lativitta x notabilis"}
    assert set(reference.loc[reference["group"] == "major", "cross"].dropna()) == {"lativitta x notabilis"}
    assert training["subspecies"].isna().sum() == 91


def test_other_forms_have_names_already(make) -> None:
    catalogue = make([("s", "1", "a x b", "1")])
    assert named(catalogue) is catalogue
