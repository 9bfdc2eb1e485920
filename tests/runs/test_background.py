"""Whether the background is kept goes with a run: into its files, its commands, and to whoever asks it later."""

from __future__ import annotations

import json

import pytest

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.request import Backbone
from hybridwing.embeddings.embed import embed
from hybridwing.runs.folder import MANIFEST
from hybridwing.runs.run import load_run
from hybridwing.runs.train import train
from hybridwing.runs.training_choice import choice_of
from hybridwing.runtime.preprocess import Preprocess
from hybridwing.validation.validate import to_json, validate

#: A random split of so small a table may hold out no hybrid at all.
SPLIT = {"split_method": "stratified", "test_fraction": 0.3}


@pytest.fixture
def asked(monkeypatch, stub):
    """Every call of `load`, which gives a backbone that costs nothing."""
    calls = []

    def load(request, _):
        calls.append((request.view, request.background))
        seen = Preprocess(size=8, view=request.view, background=request.background or "")
        return type(stub)(request.name, preprocess=seen)

    monkeypatch.setattr("hybridwing.backbones.load.load", load)
    return calls


@pytest.mark.parametrize(
    ("view", "background", "again"),
    [
        ("specimen", "kept", "kept"),
        ("specimen", None, "masked"),
        ("specimen", "masked", "masked"),
        ("whole", None, None),
        ("whole", "kept", None),
    ],
)
def test_a_run_remembers_its_background(data, tmp_path, asked, view, background, again):
    embeddings = embed(data.train, data.images, Backbone("stub", view=view, background=background))
    run = train(data.train, embeddings, tmp_path / "run", detectors=("knn",), **SPLIT)
    stored = json.loads((run.folder / MANIFEST).read_text())["backbone"]["preprocess"]
    assert stored["background"] == (again or "")
    read = load_run(run.folder)
    assert read.manifest == run.manifest
    assert BackboneSpec.from_dict(read.manifest.to_dict()["backbone"]).key == run.manifest.backbone.key
    read.load_backbone()
    assert asked == [(view, background), (view, again)]
    command = choice_of(read.manifest).command("t.csv", "photos", "run")
    assert (f"--background {again}" in command) == (again is not None)


def test_validation_too(data, asked):
    embeddings = embed(data.train, data.images, Backbone("stub", view="specimen", background="kept"))
    found = validate(data.train, embeddings, protocol="specimen", parts=2, resamples=20, detectors=("knn",))
    assert asked == [("specimen", "kept")]
    assert json.loads(to_json(found))["background"] == "kept"
