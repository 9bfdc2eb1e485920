"""Decisions join a table: they label its specimens, and add others."""

from __future__ import annotations

import pytest

import hybridwing as hw
from hybridwing.catalogue.decisions import RECORD, join_decisions
from hybridwing.errors import CatalogueError

TABLE = """photo,taxon,locality
box/a.jpg,Heliconius erato ssp. notabilis,Puyo
box/b.jpg,Heliconius erato ssp. lativitta,Puyo
box/c.jpg,Heliconius erato ?,Tena
other/b.jpg,Heliconius erato ssp. notabilis,Tena
"""


@pytest.fixture
def joined(tmp_path):
    (tmp_path / "specimens.csv").write_text(TABLE, encoding="utf-8")
    table = hw.read_catalogue(tmp_path / "specimens.csv")

    def join(text: str):
        (tmp_path / "decisions.csv").write_text(text, encoding="utf-8")
        return join_decisions(table, tmp_path / "decisions.csv")

    return join


def test_they_label_what_is_there_and_add_what_is_not(joined):
    found = joined(
        "rank,file,decision,decided_name,note\n1,c.jpg,hybrid,notabilis x lativitta,nice\n2,box/b.jpg,hybrid,,\n"
        "3,new.jpg,non-hybrid,notabilis,\n4,worse.jpg,unsure,,\n5,worst.jpg,,,\n6,box\\a.jpg,non-hybrid,,\n"
    )
    table = found.table.set_index("uuid")
    assert table.index.tolist() == ["box/a.jpg", "box/b.jpg", "box/c.jpg", "other/b.jpg", "new.jpg"]
    assert table["hybrid"].tolist() == [False, True, True, False, False]
    assert table.loc["box/c.jpg", "cross"] == "lativitta x notabilis"
    # A hybrid of unknown parents has no subspecies any more; a decision that says nothing new changes nothing.
    assert table.loc["box/b.jpg", ["subspecies", "cross"]].isna().all()
    assert table.loc[["box/a.jpg", "new.jpg"], "subspecies"].tolist() == ["notabilis", "notabilis"]
    assert (table.loc["new.jpg", "record"], table.loc["new.jpg", "row"]) == (RECORD, 6)
    assert found.extra["locality"].fillna("").tolist() == ["Puyo", "Puyo", "Tena", "Tena", ""]
    assert found.reading.decisions[0] == "decisions.csv"
    assert len(found.reading.decisions[1]) == 64


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,verdict\na.jpg,hybrid\n", "lacks decision"),
        ("file,decision\na.jpg,perhaps not\n", "line 2: 'perhaps not' is no decision"),
        ("file,decision\nz.jpg,hybrid\nz.jpg,non-hybrid\n", "lines 2 and 3: z.jpg is a hybrid in one"),
        ("file,decision\nz.jpg,unsure\n", "decides of no specimen"),
        ("file,decision\n../z.jpg,hybrid\n", "line 2: file '../z.jpg'"),
        ("file,decision\nb.jpg,hybrid\n", "2 photographs of the table are called so: box/b.jpg, other/b.jpg"),
    ],
)
def test_what_cannot_be_joined(joined, text, said):
    with pytest.raises(CatalogueError, match=said):
        joined(text)
