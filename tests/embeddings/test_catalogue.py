from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from PIL import Image

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.embeddings.embed import embed_photographs, photographs
from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from pathlib import Path


class Listing:
    """As much of a catalogue as embedding needs."""

    def __init__(self, rows: dict[str, str]) -> None:
        self.uuids = list(rows)
        self.table = pd.DataFrame({"filename": list(rows.values())})


def embed(rows: dict[str, str], images: Path) -> Any:
    return embed_photographs(
        photographs(Listing(rows), images), PatternBackbone(), compute=Compute(batch_size=2, workers=1)
    )  # type: ignore[arg-type]


def test_rows_are_keyed_by_the_catalogue(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a.png", "deep/b.png"):
        Image.new("RGB", (40, 30), (90, 90, 90)).save(tmp_path / name)
    table = embed({"CAM1_d": "a.png", "CAM2_d": "deep/b.png", "CAM3_d": "c.png"}, tmp_path)
    assert table.uuids == ("CAM1_d", "CAM2_d")
    assert [(failure.uuid, failure.reason) for failure in table.failures] == [("CAM3_d", "no such file")]
    assert table.rows_of(["CAM3_d", "CAM2_d"]).tolist() == [-1, 1]


def test_names_meet_the_disk_after_normalisation_and_near_ones_are_named(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("e\u0301.png", "deep/IMG.PNG"):
        Image.new("RGB", (40, 30), (90, 90, 90)).save(tmp_path / name)
    table = embed({"\xe9.png": "\xe9.png", "img.jpg": "img.jpg"}, tmp_path)
    assert table.uuids == ("\xe9.png",)
    expected = "no such file; deep/IMG.PNG is nearly it: correct the table or rename the file"
    assert [failure.reason for failure in table.failures] == [expected]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(EmbeddingError, match=r"no folder of images at .*absent; name it with --images"):
        embed({"CAM1_d": "a.png"}, tmp_path / "absent")
