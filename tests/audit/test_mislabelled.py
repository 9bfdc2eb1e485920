"""Specimens under a wrong name are listed, and those under their own are not."""

from __future__ import annotations

import numpy as np

from hybridwing.audit.mislabelled import find_mislabelled
from hybridwing.backbones.base import BackboneSpec
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.table import EmbeddingTable


def test_the_wrong_names_and_no_others(tmp_path) -> None:
    rng = np.random.default_rng(0)
    means = dict(zip(("cyrbia", "venus", "hydara"), rng.normal(size=(3, 8)) * 5, strict=True))
    rows, vectors = ["Photo,Taxon"], []
    for name, mean in means.items():
        for number in range(10):
            wrong = name == "venus" and number == 4
            rows.append(f"{name}{number}.jpg,Heliconius erato {'cyrbia' if wrong else name}")
            vectors.append(mean + rng.normal(size=8) * 0.3)
    rows += ["mid.jpg,H. erato (cyrbia x hydara)", "like.jpg,H. erato (cyrbia x venus)", "lone.jpg,H. erato etylus"]
    vectors += [(means["cyrbia"] + means["hydara"]) / 2, means["venus"], rng.normal(size=8) * 5]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\nnone.jpg,H. erato ?\n", encoding="utf-8")
    table = read_catalogue(tmp_path / "t.csv")
    vectors.append(means["venus"])
    spec = BackboneSpec.elsewhere(8)
    found, asked = find_mislabelled(table, EmbeddingTable(tuple(table.uuids), np.array(vectors, np.float32), spec))
    assert [(one.uuid, one.name, one.looks_like) for one in found] == [("venus4.jpg", "cyrbia", "venus")]
    assert found[0].probability > 0.7
    assert asked == 32, "neither the only one of its subspecies nor the unlabelled one"
    stems = tuple(str(uuid).removesuffix(".jpg") for uuid in table.uuids)
    elsewhere = EmbeddingTable(stems[:-1], np.array(vectors[:-1], np.float32), spec)
    assert find_mislabelled(table, elsewhere) == (found, asked), "keys without an ending; the unlabelled one is absent"
