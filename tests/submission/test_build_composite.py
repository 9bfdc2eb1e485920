"""Submissions of runs with several backbones and views: built, checked, run and published like any other."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hybridwing.backbones.composite import CompositeBackbone
from hybridwing.backbones.compute import Compute
from hybridwing.backbones.local import LocalBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.catalogue.columns import ColumnNames
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.embed import embed
from hybridwing.embeddings.engine import embed_images
from hybridwing.errors import BackboneError, RunError, SubmissionError
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.runs.evaluate import evaluate
from hybridwing.runs.predict import predict
from hybridwing.runs.run import Run, load_run
from hybridwing.runs.scoring import score_images
from hybridwing.runs.train import train
from hybridwing.runs.training_choice import choice_of
from hybridwing.runtime import encoder, serving
from hybridwing.runtime.errors import ServingError
from hybridwing.runtime.serving import Scorer
from hybridwing.runtime.settings import Settings, Weights
from hybridwing.submission.build.building import build_submission
from hybridwing.submission.build.pins import PINS
from hybridwing.submission.build.weights import plan_weights, without_paths
from hybridwing.submission.check.checking import check_submission
from hybridwing.submission.publish.citation import Citation
from hybridwing.submission.publish.publishing import publish, training_commands
from hybridwing.submission.rehearse.rehearsal import PREDICTIONS, run_submission
from hybridwing.submission.rehearse.submission_run import Conditions
from hybridwing.submission.sandbox.bubblewrap import why_no_sandbox

pytestmark = [pytest.mark.torch, pytest.mark.slow]
SPLIT = {"split_method": "stratified", "test_fraction": 0.3}
VIEWS = "specimen,forewings"


@dataclass(frozen=True)
class Several:
    run: Run
    names: str
    folder: Path


@pytest.fixture(scope="module")
def several(collection, write_model, once) -> Several:
    """A run with `pattern` and two networks, each at two views; and a submission built from it."""

    def make(root: Path) -> tuple[Path, str]:
        for number in (1, 2):
            write_model(root / f"model{number}", number)
        names = f"local:{root / 'model1'},pattern,local:{root / 'model2'}"
        table = some(collection.train)
        run = train(
            table,
            embed(table, collection.images, Backbone(names, view=VIEWS)),
            root / "run",
            detectors=("svm", "mahalanobis"),
            **SPLIT,
        )
        build_submission(run, root / "submission", detector="svm", archive=True)
        return root, names

    root, names = once("several", make)
    return Several(load_run(root / "run"), names, root / "submission")


def some(path: Path, step: int = 2):
    """Every second row of a table, or fewer: each photograph is looked at three times."""
    table = read_catalogue(path)
    return table.select(np.arange(len(table)) % step == 0)


def of_library(run: Run, paths: list[Path], detector: str = "svm") -> np.ndarray:
    compute = Compute(workers=1, runtime="torch")
    table = embed_images([(path.name, path) for path in paths], run.load_backbone(compute=compute), compute)
    return score_images(run.detector(detector), table, [path.name for path in paths])


def test_the_run_remembers_its_parts(several):
    spec = load_run(several.run.folder).manifest.backbone
    assert spec == several.run.manifest.backbone
    assert [(part.family, part.preprocess.view) for part in spec.parts] == [
        ("transformers", "specimen"), ("transformers", "forewings"), ("pattern", "specimen"),
        ("transformers", "specimen"), ("transformers", "forewings"),
    ]  # fmt: skip
    # The detector that counts in blocks was told all of them.
    starts = several.run.detector("mahalanobis").arrays["starts"]
    assert starts.tolist() == np.concatenate([[0], np.cumsum(spec.widths)[:-1]]).tolist()


def test_evaluate_and_predict_take_it_up_also_from_elsewhere(several, collection, tmp_path):
    test = some(collection.test, 6)
    first = evaluate(several.run, test, several.run.embed(test, collection.images), resamples=20)
    here, pattern, there = several.names.split(",")
    moved = tmp_path / "moved"
    moved.symlink_to(here.removeprefix("local:"))
    again = evaluate(
        several.run,
        test,
        load_run(several.run.folder, f"local:{moved},{pattern},{there}").embed(test, collection.images),
        resamples=20,
    )
    for name in ("svm", "mahalanobis"):
        np.testing.assert_array_equal(first.detectors[name].scores, again.detectors[name].scores)
    ranking = predict(several.run, [sorted(collection.images.iterdir())[0]], detector="svm", tnr=0.8)
    assert len(ranking.images) == 1
    with pytest.raises(RunError, match="is not the one that"):
        several.run.load_backbone(f"{there},{pattern},{here}")
    with pytest.raises(BackboneError, match="name all 3 in this order"):
        several.run.load_backbone(here)


def test_each_model_is_stored_once_and_the_doctor_is_content(several):
    files = sorted(str(p.relative_to(several.folder / "weights")) for p in (several.folder / "weights").rglob("*.*"))
    assert files == ["1/config.json", "1/model.safetensors", "2/config.json", "2/model.safetensors"]
    for number in (1, 2):
        one = Path(several.names.split(",")[2 * (number - 1)].removeprefix("local:"))
        stored = several.folder / "weights" / str(number) / "model.safetensors"
        assert stored.read_bytes() == (one / "model.safetensors").read_bytes()
    report = check_submission(several.folder.with_name("submission.zip"), static=True)
    assert [check for check in report.checks if check.status not in ("pass", "skip")] == []
    assert f"torch=={PINS['torch']}" in (several.folder / "requirements.txt").read_text()
    assert "description: Hybrid scores" in (several.folder / "metadata").read_text()
    assert "ViTModel and pattern" in (several.folder / "model.py").read_text()
    for path in several.folder.rglob("*"):
        if path.suffix in (".py", ".json", ".txt", ""):
            assert path.is_dir() or str(several.folder.parent) not in path.read_text()
    assert (several.folder / "hybridwing_runtime" / "composite.py").is_file()
    settings = Settings.from_json((several.folder / "submission.json").read_text())
    assert Settings.from_json(settings.to_json()) == settings
    assert [part.weights.folder for part in settings.parts] == ["1", "1", "", "2", "2"]


def test_scores_are_the_library_s_and_each_model_is_loaded_once(several, collection, pictures, monkeypatch):
    loaded = []
    load = encoder.load_model
    monkeypatch.setattr(
        encoder, "load_model", lambda folder, *a, **k: loaded.append(folder.name) or load(folder, *a, **k)
    )
    scorer = Scorer(several.folder, "cpu")
    assert loaded == ["1", "2"]
    assert scorer.device == "cpu"
    paths = sorted(collection.images.iterdir())[:8] + sorted(pictures.iterdir())
    scores = []
    for path in paths:
        try:
            with Image.open(path) as image:
                scores.append(scorer.score(image))
        except OSError:
            scores.append(scorer.score(None))
    assert np.abs(np.array(scores) - of_library(several.run, paths)).max() <= 1e-4


def test_codabench_s_run_gives_the_scores_of_evaluate(several, collection, tmp_path):
    chosen = pd.read_csv(collection.test).groupby(["ssp_indicator", "hybrid_stat"]).head(2)
    chosen.to_csv(tmp_path / "some.csv", index=False)
    (tmp_path / "images").mkdir()
    for name in chosen["filename"]:
        shutil.copy(collection.images / name, tmp_path / "images")
    archive = several.folder.with_name("submission.zip")
    trust = bool(why_no_sandbox())
    result = run_submission(
        archive, tmp_path / "images", tmp_path / "some.csv", tmp_path / "ran", conditions=Conditions(trust=trust)
    )
    assert result.accepted, result.problem
    predicted = read_predictions(tmp_path / "ran" / PREDICTIONS)
    assert len(predicted.scores) == len(chosen)
    paths = [collection.images / str(name) for name in predicted.filenames.tolist()]
    assert np.abs(predicted.scores - of_library(several.run, paths)).max() <= 1e-4


def test_of_one_network_the_weights_need_no_folder_of_their_own(several, collection, tmp_path):
    name = several.names.split(",")[0]
    table = some(collection.train)
    run = train(
        table,
        embed(table, collection.images, Backbone(f"pattern,{name}", view=VIEWS)),
        tmp_path / "run",
        detectors=("knn",),
        **SPLIT,
    )
    made = build_submission(run, tmp_path / "made")
    assert sorted(path.name for path in (made.folder / "weights").iterdir()) == ["config.json", "model.safetensors"]
    assert Scorer(made.folder, "cpu").score(Image.new("RGB", (60, 40), (9, 90, 200))) > 0


def from_hub(several: Several, *repositories: str) -> CompositeBackbone:
    """The run's backbone, its networks fetched from repositories; an empty name for a folder of one's own."""
    parts, networks = [], {}
    for part in several.run.load_backbone().parts:
        if isinstance(part, LocalBackbone):
            digest = part.spec.weights_sha256
            if digest not in networks:
                repository = repositories[len(networks)]
                source = f"{repository}@{'c0ffee' * 6}1234" if repository else ""
                networks[digest] = LocalBackbone(
                    part.files[0].parent,
                    Backbone(part.spec.name),
                    Compute(),
                    source=source,
                )
            part = networks[digest].with_view(Backbone("x", view=part.spec.preprocess.view))
        parts.append(part)
    return CompositeBackbone(parts)


def test_weights_of_the_hub_stay_there_unless_they_are_bundled(several, tmp_path, monkeypatch):
    hub = from_hub(several, "facebook/one", "")
    monkeypatch.setattr("hybridwing.runs.run.Run.load_backbone", lambda run, *_: hub)
    plan = plan_weights(several.run)
    assert [one.origin for one in plan.weights] == ["hub", "hub", "none", "bundled", "bundled"]
    assert plan.weights[0] == plan.weights[1]
    assert plan.weights[0].repository == "facebook/one"
    assert {place for _, place in plan.sources} == {"2/config.json", "2/model.safetensors"}
    built = build_submission(several.run, tmp_path / "built", detector="svm")
    assert (built.folder / "hybridwing_runtime" / "fetching.py").is_file()
    assert [path.name for path in (built.folder / "weights").iterdir()] == ["2"]
    asked = []
    first = Path(several.names.split(",")[0].removeprefix("local:"))
    monkeypatch.setattr("hybridwing.runtime.fetching.fetch", lambda *what: asked.append(what[0]) or first)
    picture = Image.new("RGB", (60, 40), (9, 90, 200))
    assert Scorer(built.folder, "cpu").score(picture) == Scorer(several.folder, "cpu").score(picture)
    assert asked == ["facebook/one"]
    both = plan_weights(several.run, bundle=True)
    assert {one.origin for one in both.weights} == {"none", "bundled"}
    assert len(both.sources) == 4


def test_a_part_of_another_family_is_refused(several):
    spec = several.run.manifest.backbone
    parts = (*spec.parts[:-1], replace(spec.parts[-1], family="timm", name="timm:vit"))
    run = replace(several.run, manifest=replace(several.run.manifest, backbone=replace(spec, parts=parts)))
    with pytest.raises(SubmissionError, match=r"timm:vit \(timm\) cannot be built"):
        plan_weights(run)


def test_parts_that_do_not_make_the_whole_are_refused(several, tmp_path):
    settings = Settings.from_json((several.folder / "submission.json").read_text())
    (tmp_path / serving.SETTINGS).write_text(replace(settings, parts=settings.parts[:2]).to_json())
    (tmp_path / serving.DETECTOR).write_bytes((several.folder / serving.DETECTOR).read_bytes())
    with pytest.raises(ServingError, match="the 2 parts do not add up to"):
        Scorer(tmp_path)


@pytest.mark.parametrize("folder", ["..", "../../elsewhere", "/tmp", "1/.."])
def test_weights_are_looked_for_in_the_submission_alone(folder, tmp_path):
    with pytest.raises(ServingError, match="is no folder of the submission's weights"):
        serving.weights_folder(Weights("bundled", folder=folder), tmp_path)


def test_a_dimension_without_end_is_refused(several):
    text = (several.folder / "submission.json").read_text()
    with pytest.raises(ServingError, match="not the settings of a submission"):
        Settings.from_json(text.replace('"dimension": 862', '"dimension": Infinity'))


def test_it_is_published_without_a_path_of_this_machine(several, tmp_path):
    citation = Citation.model_validate({"title": "Several", "authors": [{"name": "The Group"}]})
    bib = "@misc{a,\ntitle = {One},\ndoi = {10.5281/zenodo.9000008}\n}\n"
    publish(several.run, several.folder, tmp_path / "repo", citation, bib=bib)
    stored = json.loads((tmp_path / "repo" / "training" / "run.json").read_text())
    assert stored["backbone"]["name"] == "local:weights/1,pattern,local:weights/2"
    assert stored["backbone"]["parts"][4]["name"] == "local:weights/2"
    assert without_paths(several.run.manifest.backbone).key == several.run.manifest.backbone.key
    commands = training_commands(several.run, "svm")
    assert "--backbone local:weights/1,pattern,local:weights/2 " in commands
    assert f"--view {VIEWS} --feature cls+patches" in commands
    assert "# weights/2/: the folder of ViTModel whose configuration" in commands
    assert commands.count(" --backbone ") == 2
    card = (tmp_path / "repo" / "MODEL_CARD.md").read_text()
    assert card.count("SHA-256") >= 3
    assert "view forewings" in card
    for path in (tmp_path / "repo").rglob("*"):
        if path.suffix in (".md", ".json", ".sh", ".txt", ".cff"):
            assert str(several.folder.parent) not in path.read_text()


def test_a_name_that_a_shell_would_act_on_is_quoted_in_the_commands(several):
    spec = several.run.manifest.backbone
    parts = tuple(replace(part, name="$(id)" if part.name == "pattern" else part.name) for part in spec.parts)
    run = replace(several.run, manifest=replace(several.run.manifest, backbone=replace(spec, parts=parts)))
    assert training_commands(run, "svm").count(" --backbone 'local:weights/1,$(id),local:weights/2'") == 2


def test_features_that_differ_are_each_model_s_default(several):
    spec = several.run.manifest.backbone
    parts = (*spec.parts[:-1], replace(spec.parts[-1], feature="pooled"))
    manifest = replace(several.run.manifest, backbone=replace(spec, parts=parts))
    assert choice_of(manifest).feature == "default"
    assert choice_of(several.run.manifest).feature == "cls+patches"


def test_with_real_weights_on_real_pictures(shared, tmp_path):
    """DINOv2-small by cells of two views beside `pattern`, on silhouettes: the submission scores as the library."""
    pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    weights, source = shared / "weights" / "dinov2-small", shared / "silhouettes"
    if not weights.is_dir() or not source.is_dir():
        pytest.skip(f"no weights at {weights}, or no pictures at {source}")
    with (source / "train.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chosen = [row for kind in ("hybrid", "non-hybrid") for row in [r for r in rows if r["hybrid_stat"] == kind][:4]]
    lines = ["filename,label", *(f"{row['filename']},{row['hybrid_stat']}" for row in chosen)]
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = read_catalogue(tmp_path / "table.csv", columns=ColumnNames(label="label"))
    names = f"pattern,local:{weights}"
    run = train(
        table,
        # By torch: OpenVINO's translation takes seconds, and has a test of its own.
        embed(
            table,
            source / "images",
            Backbone(names, view=VIEWS, feature="patches-4x4"),
            compute=Compute(runtime="torch"),
        ),
        tmp_path / "run",
        detectors=("svm",),
        **SPLIT,
    )
    assert run.manifest.backbone.widths == (862, 16 * 384, 16 * 384)
    built = build_submission(run, tmp_path / "submission")
    paths = [source / "images" / row["filename"] for row in chosen[:2] + chosen[-2:]]
    scorer, scores = Scorer(built.folder, "cpu"), []
    for path in paths:
        with Image.open(path) as image:
            scores.append(scorer.score(image))
    assert np.abs(np.array(scores) - of_library(run, paths)).max() <= 1e-4
