"""Names of subspecies as they compare."""

from __future__ import annotations

from hybridwing.catalogue.names import named
from hybridwing.catalogue.schema import COLUMNS, Catalogue


def test_codes_become_names_unless_they_are_no_codes_of_the_challenge(data):
    assert set(named(data.train).subspecies) & {"lativitta", "notabilis"}
    strange = data.train.table.assign(subspecies=data.train.table["subspecies"].where(data.train.table["hybrid"], "99"))
    odd = Catalogue(strange.astype(dict(COLUMNS)), "training", data.train.source, "")
    assert named(odd) is odd
    assert named(data.test) is data.test
