"""Photographs are explained by a run, with photographs at hand in training and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.errors import HybridwingError, RunError
from hybridwing.explain.wing_pictures import SIDE
from hybridwing.runs.confidence import read_confidence
from hybridwing.runs.explaining import Explainer, class_name, write_wings
from hybridwing.runs.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.runs.run import Run

ONE = Compute(workers=1)


@pytest.fixture(scope="module")
def pictured(data, tmp_path_factory) -> Run:
    """A run that was trained with photographs at hand."""
    run = train(
        data.train,
        data.train_embeddings,
        tmp_path_factory.mktemp("pictured") / "run",
        detectors=("svm",),
        split_method="stratified",
        test_fraction=0.3,
    )
    write_wings(run.folder, data.train, data.images, ONE)
    return run


def photographs(data, count: int = 3) -> list[Path]:
    return [data.images / str(name) for name in data.test.table["filename"][data.test.labels == 1][:count]]


@pytest.mark.slow
@pytest.mark.parametrize("which", ["pictured", "trained"])
def test_a_hybrid_is_explained(which, request, data):
    run = request.getfixturevalue(which)
    path = photographs(data, 1)[0]
    found = run.explain(path, compute=ONE)
    assert found.path == path
    assert found.score == pytest.approx(run.predict([path], compute=ONE).images[0].score)
    assert found.map is not None
    assert found.map.parents == found.looks.parents
    assert found.map.leaning.shape == found.contributions.map.shape == (2, SIDE, SIDE)
    assert np.abs(found.map.leaning).max() > 0.35
    made = found.contributions
    assert abs(made.values.sum() - (made.score - made.base)) < 1e-6
    assert made.base_name in found.map.parents
    assert [one.name for one in found.neighbours[:2]] == list(found.map.parents)
    assert found.neighbours[-1].is_hybrid
    assert found.words
    assert Explainer(run).sees_photographs == (which == "pictured")


def test_bad_photographs_are_left_out_and_none_at_all_is_an_error(trained, data, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    good = photographs(data, 1)[0]
    assert [one.path for one in Explainer(trained).explain([bad, good], compute=ONE)] == [good]
    with pytest.raises(HybridwingError, match="not an image"):
        trained.explain(bad, compute=ONE)


def test_another_backbone_is_explained_by_its_embedding_alone(album, stub, tmp_path):
    from hybridwing.embeddings.embed import embed_photographs, photographs

    table = album.read()
    run = train(
        table, embed_photographs(photographs(table, album.images), stub, ONE), tmp_path / "run", detectors=["svm"]
    )
    found = run.explain(album.images / album.names[0], compute=ONE)
    assert (found.map, found.picture) == (None, None)
    assert found.contributions.by_name().keys() == {"stub"}
    assert found.words.startswith("raised the score most: stub")
    assert {one.is_hybrid for one in found.neighbours} == {True}


def test_classes_are_named_alike_whatever_the_order_of_the_parents():
    assert class_name("erato", None, hybrid=False) == "erato"
    assert class_name(None, "b x a", hybrid=True) == class_name(None, "a x b", hybrid=True) == "a x b"
    assert class_name(None, None, hybrid=True) is None
    assert class_name(None, None, hybrid=False) == "non-hybrid"


def test_two_named_parents_are_compared(trained, data):
    path = photographs(data, 1)[0]
    likeliest = trained.explain(path, compute=ONE).looks.parents
    others = [name for name in read_confidence(trained).parents.names if name not in likeliest][:2]
    found = trained.explain(path, parents=others, compute=ONE)
    assert set(found.map.parents) == set(found.looks.parents) == set(others)
    for wrong in (["yeti", others[0]], others[:1]):
        with pytest.raises(RunError, match="two subspecies that"):
            trained.explain(path, parents=wrong, compute=ONE)
