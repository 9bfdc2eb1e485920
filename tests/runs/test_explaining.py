"""Photographs are explained by a run, with photographs at hand in training and without."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.errors import HybridwingError, RunError
from hybridwing.explain.wing_pictures import SIDE
from hybridwing.runs.confidence import read_confidence
from hybridwing.runs.explaining import LEAST_OF_A_PARENT, Explainer, class_name, write_wings
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


@pytest.mark.torch
@pytest.mark.slow
def test_a_transformer_is_explained_by_the_places_of_the_wings(data, tmp_path):
    import json

    from hybridwing.backbones.request import Backbone
    from hybridwing.embeddings.embed import embed

    transformers = pytest.importorskip("transformers", reason="needs transformers")
    tiny = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    transformers.Dinov2Model(transformers.Dinov2Config(**tiny)).save_pretrained(tmp_path / "tiny")
    settings = {"do_resize": True, "size": {"height": 28, "width": 28}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (tmp_path / "tiny" / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    request = Backbone(f"local:{tmp_path / 'tiny'}", view=("specimen", "forewings"))
    table = embed(data.train, data.images, request, compute=ONE)
    run = train(data.train, table, tmp_path / "run", detectors=("svm",), split_method="stratified", test_fraction=0.3)
    write_wings(run.folder, data.train, data.images, ONE)
    seen = []
    paths = photographs(data, 2)
    found = Explainer(run).explain(paths, compute=ONE, progress=lambda *done: seen.append(done))
    assert seen == [(1, 2), (2, 2)]
    for one, path in zip(found, paths, strict=True):
        made = one.contributions
        assert one.score == pytest.approx(run.predict([path], compute=ONE).images[0].score)
        assert made.by_covering
        assert made.values.sum() == pytest.approx(made.score - made.base, abs=1e-6)
        assert np.abs(made.map).max() > 0
        assert made.base_name in one.looks.parents
        # Where no place is told by its parent, the place that counts most is named, not what is left of the score.
        assert "wing" in replace(one, map=None).words


def test_places_can_be_covered_where_the_embedding_has_places_too(pictured, data):
    path = photographs(data, 1)[0]
    plain, covered = (Explainer(pictured, covers=covers).explain(path, compute=ONE)[0] for covers in (None, True))
    assert (plain.contributions.by_covering, covered.contributions.by_covering) == (False, True)
    assert covered.score == plain.score
    made = covered.contributions
    assert made.values.sum() == pytest.approx(made.score - made.base, abs=1e-6)
    assert covered.contributions.base == pytest.approx(plain.contributions.base)


def few_of(run: Run, name: str, kept: int, folder: Path) -> Run:
    """The run, as if only some specimens of a subspecies were known to be of it."""
    import shutil

    import hybridwing as hw
    from hybridwing.embeddings.store import read_table, write_table
    from hybridwing.runs.folder import EMBEDDINGS

    shutil.copytree(run.folder, folder)
    table = read_table(folder / EMBEDDINGS)
    own = np.flatnonzero(Explainer(run).classes == name)
    specimens = table.metadata["specimen"].iloc[own]
    rows = own[~specimens.isin(specimens.unique()[:kept])]
    table.metadata.iloc[rows, table.metadata.columns.get_loc("subspecies")] = None
    write_table(table, folder / EMBEDDINGS)
    return hw.load_run(folder)


def test_a_subspecies_of_few_specimens_is_no_parent_unless_it_is_named(trained, data, tmp_path):
    path = photographs(data, 1)[0]
    likeliest = read_confidence(trained).parents.looks(trained.embed([path], compute=ONE).vectors)[0].parents
    classes = Explainer(trained).classes
    assert max(int((classes == name).sum()) for name in likeliest) < LEAST_OF_A_PARENT
    found = trained.explain(path, compute=ONE)
    offered = found.looks.parents
    assert not {*offered} & {*likeliest}
    assert found.left_out == likeliest
    assert found.remark.endswith(f"fewer than {LEAST_OF_A_PARENT} specimens in training: {' and '.join(likeliest)}")
    named = trained.explain(path, parents=likeliest, compute=ONE)
    assert (named.looks.parents, named.left_out, named.remark) == (likeliest, (), "")
    few, enough = (few_of(trained, offered[0], LEAST_OF_A_PARENT - n, tmp_path / str(n)) for n in (1, 0))
    assert offered[0] not in few.explain(path, compute=ONE).looks.parents
    assert enough.explain(path, compute=ONE).looks.parents == offered


def test_where_all_subspecies_are_of_few_specimens_all_are_offered(trained, data, tmp_path):
    path = photographs(data, 1)[0]
    model, run = read_confidence(trained).parents, trained
    for number, name in enumerate(model.names):
        run = few_of(run, name, 1, tmp_path / str(number))
    found = run.explain(path, compute=ONE)
    assert found.looks.parents == model.looks(trained.embed([path], compute=ONE).vectors)[0].parents
    assert found.left_out == ()
