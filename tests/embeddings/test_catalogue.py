from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.embed import embed_photographs, photographs
from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from pathlib import Path


def embed(names: list[str], images: Path, table: Path) -> Any:
    table.write_text("filename\n" + "\n".join(names) + "\n", encoding="utf-8")
    found = photographs(read_catalogue(table), images)
    return embed_photographs(found, PatternBackbone(), Compute(batch_size=2, workers=1))


def test_rows_are_keyed_by_the_catalogue(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a.png", "deep/b.png"):
        Image.new("RGB", (40, 30), (90, 90, 90)).save(tmp_path / name)
    table = embed(["a.png", "deep/b.png", "c.png"], tmp_path, tmp_path / "table.csv")
    assert table.uuids == ("a.png", "deep/b.png")
    assert [(failure.uuid, failure.reason) for failure in table.failures] == [("c.png", "no such file")]
    assert table.rows_of(["c.png", "deep/b.png"]).tolist() == [-1, 1]


def test_names_meet_the_disk_after_normalisation_and_near_ones_are_named(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("e\u0301.png", "deep/IMG.PNG"):
        Image.new("RGB", (40, 30), (90, 90, 90)).save(tmp_path / name)
    table = embed(["\xe9.png", "img.jpg"], tmp_path, tmp_path / "table.csv")
    assert table.uuids == ("\xe9.png",)
    expected = "no such file; deep/IMG.PNG is nearly it: correct the table or rename the file"
    assert [failure.reason for failure in table.failures] == [expected]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(EmbeddingError, match=r"no folder of images at .*absent; name it with images="):
        embed(["a.png"], tmp_path / "absent", tmp_path / "table.csv")
