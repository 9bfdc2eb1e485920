from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hybridwing.runtime
from hybridwing.backbones.compute import Compute
from hybridwing.backbones.local import LocalBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.embed import embed
from hybridwing.embeddings.engine import embed_images
from hybridwing.errors import RunError, SubmissionError
from hybridwing.runs.run import Run, load_run
from hybridwing.runs.scoring import score_images
from hybridwing.runs.train import train
from hybridwing.runtime.settings import Settings
from hybridwing.submission.build.building import CONTENTS, RUNTIME, build_submission, runtime_modules
from hybridwing.submission.build.pins import PINS, requirements_of
from hybridwing.submission.build.weights import plan_weights
from hybridwing.submission.check.checking import check_submission
from hybridwing.submission.package.archive import open_submission
from hybridwing.submission.package.requirements import read_requirements


def library_scores(run: Run, detector: str, paths: list[Path], backbone: str | None = None) -> list[float]:
    """What the library says of images one by one; of one that fails, the score of a typical specimen."""
    items = [(path.name, path) for path in paths]
    table = embed_images(items, run.load_backbone(backbone), compute=Compute(workers=1))
    return score_images(run.detector(detector), table, [path.name for path in paths]).tolist()


def submission_scores(folder: Path, paths: list[Path]) -> list[float]:
    """What the submission says, in a process that knows nothing of this package."""
    program = (
        "import json, sys\nfrom PIL import Image\nsys.path.append(sys.argv[1])\nfrom model import Model\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'hybridwing': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "model = Model()\nmodel.load()\n"
        "print(json.dumps([model.predict(Image.open(path)) for path in sys.argv[2:]]))"
    )
    # -B: nothing is added to the folder.
    command = [sys.executable, "-B", "-c", program, str(folder), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_folder_holds_what_codabench_wants(built, collection):
    assert {path.name for path in built.iterdir()} == set(CONTENTS) - {"weights"}
    assert (built / "metadata").read_text().startswith("description: Hybrid scores by hybridwing ")
    lines = read_requirements((built / "requirements.txt").read_text())
    assert [line.status for line in lines] == ["accepted"] * 3
    assert [line.package for line in lines] == ["numpy", "scipy", "Pillow"]
    assert Settings.from_json((built / "submission.json").read_text()).detector == "svm"
    saved = (collection.run.folder / "detectors" / "svm.npz").read_bytes()
    assert (built / "detector.npz").read_bytes() == saved


def test_the_runtime_is_the_library_s_own_and_runs_on_python_3_10(built):
    ours = Path(hybridwing.runtime.__file__).parent
    for path in (built / RUNTIME).iterdir():
        assert path.read_bytes() == (ours / path.name).read_bytes()
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))


@pytest.mark.slow
def test_only_the_code_that_is_needed_comes_along():
    pattern, bundled, hub = (
        runtime_modules(*kind) for kind in (("pattern", {"none"}), ("vit", {"bundled"}), ("vit", {"hub"}))
    )
    assert {"serving", "pattern", "specimen", "arrays", "__init__"} <= set(pattern)
    assert not {"encoder", "loading", "open_clip", "device", "fetching"} & set(pattern)
    assert set(bundled) - set(pattern) == {"encoder", "loading", "open_clip", "device"}
    assert set(hub) - set(bundled) == {"fetching", "digests"}


def test_the_check_finds_nothing_in_what_is_built(built):
    report = check_submission(built.with_name("submission.zip"), static=True)
    assert [check for check in report.checks if check.status not in ("pass", "skip")] == []


def test_the_zip_is_flat_and_the_same_twice(built, collection, tmp_path):
    archive = built.with_name("submission.zip")
    assert open_submission(archive).names == open_submission(built).names
    with zipfile.ZipFile(archive) as opened:
        assert "model.py" in opened.namelist()
        assert all(entry.date_time[0] == 1980 for entry in opened.infolist())
    again = build_submission(load_run(collection.run.folder), tmp_path / "other", detector="svm", archive=True)
    assert again.archive is not None
    assert again.archive.read_bytes() == archive.read_bytes()
    assert again.files == 5 + len(list((built / RUNTIME).iterdir()))


@pytest.mark.slow
def test_every_kind_of_picture_has_the_library_s_score(built, collection, pictures):
    paths = sorted(pictures.iterdir())
    scores = submission_scores(built, paths)
    assert scores == library_scores(collection.run, "svm", paths)
    by_name = dict(zip((path.name for path in paths), scores, strict=True))
    assert by_name["cut_short.jpg"] == by_name["odd.tga"]


@pytest.mark.torch
def test_a_torch_backbone_brings_its_weights_and_has_the_library_s_scores(
    collection, write_model, tmp_path, monkeypatch
):
    write_model(tmp_path / "tiny", 7)
    table = read_catalogue(collection.train)
    table = table.select(np.arange(len(table)) % 2 == 0)
    options = {"split_method": "stratified", "test_fraction": 0.3}
    embedded = embed(table, collection.images, Backbone(f"local:{tmp_path / 'tiny'}"))
    run = train(table, embedded, tmp_path / "run", detectors=("svm",), **options)
    (tmp_path / "tiny").rename(tmp_path / "moved")
    moved = f"local:{tmp_path / 'moved'}"
    made = build_submission(run, tmp_path / "submission", archive=True, backbone=moved)
    assert made.requirements[-2:] == (f"torch=={PINS['torch']}", f"transformers=={PINS['transformers']}")
    report = check_submission(made.archive, static=True)
    assert [check for check in report.checks if check.status not in ("pass", "skip")] == []
    assert "tiny" not in (tmp_path / "submission" / "model.py").read_text()  # a path of this machine
    assert {p.name for p in (tmp_path / "submission" / "weights").iterdir()} == {"config.json", "model.safetensors"}
    from_hub = LocalBackbone(
        tmp_path / "moved",
        Backbone("dinov2-tiny"),
        Compute(),
        source=f"facebook/tiny@{'c0ffee' * 6}1234",
    )
    monkeypatch.setattr("hybridwing.runs.run.Run.load_backbone", lambda run, *_: from_hub)
    fetched = build_submission(run, tmp_path / "fetched")
    assert not (fetched.folder / "weights").exists()
    settings = Settings.from_json((fetched.folder / "submission.json").read_text())
    weights = settings.embedding.weights
    assert (weights.origin, weights.repository) == ("hub", "facebook/tiny")
    assert weights.revision.startswith("c0ffee")
    assert [name for name, _ in weights.files] == ["config.json", "model.safetensors"]
    report = check_submission(fetched.folder, static=True)
    assert {check.name for check in report.checks if check.status == "warn"} == {"downloads"}
    again = build_submission(run, tmp_path / "bundled", bundle_weights=True)
    assert (again.folder / "weights" / "model.safetensors").is_file()
    monkeypatch.undo()
    paths = sorted(collection.images.iterdir())[:4]
    ours = np.array(library_scores(run, "svm", paths, moved))
    assert np.abs(np.array(submission_scores(tmp_path / "submission", paths)) - ours).max() <= 1e-4


def test_only_what_was_asked_for_is_pinned(collection):
    spec = collection.run.manifest.backbone
    assert requirements_of(spec, ["numpy==1.26.4"])[0] == "numpy==1.26.4"
    for wrong in ("torch==2.3.0", "numpy>=2", "numpy", "pillow==12.0", "numpy==2 ", "numpy==2==3"):
        with pytest.raises(SubmissionError, match="NAME==VERSION"):
            requirements_of(spec, [wrong])
    with pytest.raises(SubmissionError, match=r"installs on Python 3\.10.*ask for numpy==2\.2\.6"):
        requirements_of(spec, ["numpy==2.3.1"])


def test_nothing_else_is_replaced(collection, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(RunError, match="exists already"):
        build_submission(collection.run, tmp_path / "mine")
    with pytest.raises(RunError, match="so it is not replaced"):
        build_submission(collection.run, tmp_path / "mine", overwrite=True)
    (tmp_path / "new.zip").write_bytes(b"mine")
    with pytest.raises(SubmissionError, match="exists already"):
        build_submission(collection.run, tmp_path / "new", archive=True)
    assert not (tmp_path / "new").exists()
    build_submission(collection.run, tmp_path / "new", archive=True, overwrite=True)
    assert (tmp_path / "new.zip").read_bytes() != b"mine"
    with pytest.raises(RunError, match="has no detector 'sgd'"):
        build_submission(collection.run, tmp_path / "other", detector="sgd")


def test_a_backbone_of_another_family_is_refused(collection):
    spec = replace(collection.run.manifest.backbone, family="timm", name="timm:vit")
    run = replace(collection.run, manifest=replace(collection.run.manifest, backbone=spec))
    with pytest.raises(SubmissionError, match=r"timm:vit \(timm\) cannot be built"):
        plan_weights(run)


def test_a_backbone_that_changed_since_is_refused(collection, tmp_path):
    manifest = json.loads((collection.run.folder / "run.json").read_text())
    manifest["backbone"]["revision"] = "v0"
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(manifest))
    (folder / "detectors").symlink_to(collection.run.folder / "detectors")
    with pytest.raises(RunError, match="not the one that"):
        build_submission(load_run(folder), tmp_path / "out")
