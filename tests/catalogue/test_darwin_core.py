"""Rankings in Darwin Core."""

from __future__ import annotations

import datetime
import json

import pandas as pd

from hybridwing.catalogue.darwin_core import darwin_core
from hybridwing.catalogue.readers import read_catalogue

RANKED = pd.DataFrame(
    {
        "path": ["b.jpg", "a.jpg", "z.jpg", "c.jpg"],
        "score": [0.9, 0.1, 0.5, None],
        "verdict": ["hybrid", "non-hybrid", "cannot tell", None],
        "threshold": 0.8,
        "tnr": 0.95,
        "detector": "ridge",
        "reason": [None, None, "a ventral side", None],
        "failure": [None, None, None, "open: no such file"],
        "parent_1": ["lativitta", None, None, None],
        "parent_2": ["notabilis", None, None, None],
        "parent_probability": [0.7, None, None, None],
    }
)


def test_a_ranking_in_darwin_core(write) -> None:
    table = (
        "Photo,Catalog No.,Taxon,Locality,Collected_by,Date,Box\na.jpg,1,Heliconius erato venus,Puyo,PAS,30/01/2017,7\n"
        "b.jpg,2,H. erato notabilis,Baños,,,8\nc.jpg,3,,,,,\n"
    )
    catalogue = read_catalogue(write(table)).select([1, 0, 2, 2])
    found = darwin_core(RANKED, catalogue, run="runs/1")
    assert found["catalogNumber"].tolist() == ["2", "1", "3", "3"]
    assert found["scientificName"].tolist() == ["Heliconius erato notabilis", "Heliconius erato venus", "", ""]
    assert found["locality"].tolist() == ["Baños", "Puyo", "", ""]
    assert found["recordedBy"].tolist() == ["", "PAS", "", ""]
    assert found["verbatimEventDate"].tolist() == ["", "30/01/2017", "", ""]
    assert found["identificationQualifier"].tolist() == [
        "hybrid? (lativitta x notabilis)", "", "undetermined", "undetermined",
    ]  # fmt: skip
    assert found["identificationRemarks"][0] == (
        "hybrid score 0.9; threshold 0.8 at a true-negative rate of 0.95; detector ridge; "
        "parents lativitta and notabilis with probability 0.7"
    )
    assert found["identificationRemarks"][3] == "not identified by photograph: open: no such file"
    assert set(found["identificationReferences"]) == {"runs/1"}
    assert set(found["dateIdentified"]) == {datetime.date.today().isoformat()}
    assert json.loads(found["dynamicProperties"][0]) == {"Taxon": "H. erato notabilis", "Box": "8"}


def test_an_identification_in_darwin_core(write) -> None:
    named = pd.DataFrame(
        {
            "path": ["a.jpg", "b.jpg", "c.jpg", "d.jpg"],
            "identity_1": ["venus", "cyrbia", None, None],
            "identity_1_probability": [0.9, 0.8, None, None],
            "parent_1": [None, None, "cyrbia", None],
            "parent_2": [None, None, "venus", None],
            "parent_probability": [None, None, 0.6, None],
            "reason": [None, None, None, "unlike the training images"],
        }
    )
    taxa = "Photo,Taxon\n" + "".join(f"{name}.jpg,Heliconius erato venus\n" for name in "abcd")
    found = darwin_core(named, read_catalogue(write(taxa)), run="r")
    assert found["identificationQualifier"].tolist() == ["", "cf. cyrbia", "hybrid? (cyrbia x venus)", "undetermined"]
    assert found["identificationRemarks"][1] == "looks like cyrbia with probability 0.8"


def test_photographs_alone() -> None:
    found = darwin_core(RANKED, run="r")
    assert found.columns[0] == "associatedMedia"
    assert found["associatedMedia"].tolist() == RANKED["path"].tolist()
