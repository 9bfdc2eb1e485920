"""What is in doubt about a picture comes with its embedding, also when that is known already."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.load import load
from hybridwing.embeddings.embed import embed_photographs, photographs


@pytest.mark.parametrize("times", [1, 2])
def test_a_picture_without_a_direction_is_in_doubt(tmp_path, times):
    picture = Image.new("RGB", (300, 300), (222, 222, 216))
    ImageDraw.Draw(picture).ellipse((80, 80, 220, 220), fill=(90, 40, 30))
    (tmp_path / "images").mkdir()
    picture.save(tmp_path / "images" / "disc.png")
    compute = Compute(cache=tmp_path / "cache", workers=1)
    for _ in range(times):
        table = embed_photographs(photographs(tmp_path / "images"), load("pattern", compute), compute)
    (fallback,) = table.fallbacks
    assert (fallback.uuid, fallback.view) == ("disc.png", "specimen")
    assert fallback.doubt.startswith("which way the specimen lies cannot be told")
