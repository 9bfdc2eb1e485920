"""The smallest and oddest collections that a curator may have: a ranking with the reason, or one clear sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.backbones.base import BackboneSpec
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import HybridwingError
from hybridwing.runs.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue

MEANS = {"venus": [3.0, 0, 0, 0, 0, 0], "cyrbia": [0, 3.0, 0, 0, 0, 0]}


def collection(folder: Path, taxa: list[str]) -> tuple[Catalogue, EmbeddingTable]:
    """A table of one specimen a taxon named, and their embeddings."""
    path = folder / "table.csv"
    path.write_text("Photo,Taxon\n" + "".join(f"{n}.jpg,{taxon}\n" for n, taxon in enumerate(taxa)), encoding="utf-8")
    rng = np.random.default_rng(0)
    vectors = [MEANS.get(taxon.split()[-1], [1.5, 1.5, 0, 0, 0, 0]) + rng.normal(scale=0.3, size=6) for taxon in taxa]
    table = EmbeddingTable(
        tuple(f"{n}.jpg" for n in range(len(taxa))), np.array(vectors, np.float32), BackboneSpec.elsewhere(6)
    )
    return read_catalogue(path), table


@pytest.mark.parametrize(
    ("taxa", "choice"),
    [
        (["H. erato venus", "H. erato cyrbia"], "2 non-hybrids of 2 subspecies; images rank by how little"),
        (["H. erato venus"] * 3 + ["H. erato cyrbia"] * 2, "5 non-hybrids of 2 subspecies"),
        (["H. erato venus"] * 5 + ["H. erato cyrbia"] * 3, "8 non-hybrids of 2 subspecies"),
        (["H. erato venus"] * 30, "30 non-hybrids of one subspecies, whose distance alone"),
        (["H. erato venus"] * 15 + ["H. erato cyrbia"] * 14 + ["H. erato (venus x cyrbia)"], "only detector"),
        (["H. erato venus"] * 14 + ["H. erato cyrbia"] * 14 + ["H. erato hybrid"] * 2, "only detector"),
        (["H. erato venus"] * 3 + ["H. erato hybrid"], "only detector"),
    ],
)
def test_every_image_is_ranked_and_what_cannot_be_promised_is_said(tmp_path, taxa, choice):
    table, embeddings = collection(tmp_path, taxa)
    run = train(table, embeddings, tmp_path / "run")
    assert choice in run.manifest.choice + run.manifest.without_hybrids
    ranked = run.predict(embeddings)
    assert len(ranked.images) == len(taxa)
    assert all(np.isfinite(image.score) for image in ranked.images)
    non_hybrids = int((table.labels == 0).sum())
    assert bool(ranked.no_verdict) == (non_hybrids < 19)
    if ranked.no_verdict:
        assert f"{non_hybrids}, which can promise" in ranked.no_verdict


@pytest.mark.parametrize(
    ("taxa", "message"),
    [
        (["?"] * 8, "8 of 8 images have no label"),
        (["H. erato venus"], "all labelled images show one specimen"),
        (["H. erato venus"] + ["?"] * 7, "all labelled images show one specimen"),
        (["H. erato hybrid"] * 4, "all 4 images are hybrids"),
    ],
)
def test_what_cannot_be_learned_from_gets_a_sentence(tmp_path, taxa, message):
    with pytest.raises(HybridwingError, match=message):
        train(*collection(tmp_path, taxa), tmp_path / "run")
