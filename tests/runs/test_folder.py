"""Reading a run folder that may be anything."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hybridwing.errors import DetectorError, RunError
from hybridwing.runs.run import load_run
from hybridwing.runtime.arrays import load_arrays, save_arrays


@pytest.fixture
def copy(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained.folder, tmp_path / "copy"))


def change(folder: Path, **values: object) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_run_file_that_lacks_a_field_is_refused(copy):
    values = json.loads((copy / "run.json").read_text())
    del values["test_fraction"]
    (copy / "run.json").write_text(json.dumps(values))
    with pytest.raises(RunError, match=r"run\.json is not what hybridwing writes: .*'test_fraction'"):
        load_run(copy)


def test_a_moved_run_is_read(trained, copy):
    run = load_run(copy)
    assert run.manifest == trained.manifest
    assert run.detector().header.kind == run.manifest.best_detector
    assert run.detector("knn").header.kind == "knn"
    with pytest.raises(RunError, match="has no detector 'sgd'; it has svm, knn"):
        run.detector("sgd")


@pytest.mark.parametrize("place", ["nowhere", "", "images"])
def test_what_is_no_run(tmp_path, place):
    (tmp_path / "images").mkdir()
    with pytest.raises(RunError, match=r"is no run folder: it has no run.json; make one with: hybridwing train"):
        load_run(tmp_path / place)


@pytest.mark.parametrize("text", ["", "{", "\xff", "[" * 100_000, '{"a": 1', "nul"])
def test_damaged_json(copy, text):
    (copy / "run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RunError, match=r"run.json is not what hybridwing writes: Invalid JSON"):
        load_run(copy)


@pytest.mark.parametrize("text", ["[]", "7", "null", '"run"', "{}", '{"format_version": 1}'])
def test_json_of_another_kind(copy, text):
    (copy / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"run.json is not what hybridwing writes"):
        load_run(copy)


@pytest.mark.parametrize("version", [0, -1, True, 1.5, "1", None, [1], float("inf")])
def test_odd_versions(copy, version):
    change(copy, format_version=version)
    with pytest.raises(RunError, match="not what hybridwing writes: 'format_version'"):
        load_run(copy)


def test_a_newer_format(copy):
    change(copy, format_version=2)
    with pytest.raises(RunError, match="has format 2, made by a newer hybridwing; upgrade"):
        load_run(copy)


@pytest.mark.parametrize("name", ["backbone", "seed", "detectors", "best_detector", "versions"])
def test_a_missing_value(copy, name):
    values = json.loads((copy / "run.json").read_text())
    del values[name]
    (copy / "run.json").write_text(json.dumps(values))
    with pytest.raises(RunError, match=f"not what hybridwing writes.*{name}"):
        load_run(copy)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", "42"),
        ("seed", True),
        ("n_train", 1.5),
        ("test_fraction", "a fifth"),
        ("catalogue_sha256", None),
        ("versions", []),
        ("detectors", "svm"),
        ("detectors", {"svm": 1}),
        ("detectors", [1]),
        ("best_detector", ["svm"]),
        ("backbone", "pattern"),
        ("backbone", []),
        ("surprise", 1),
    ],
)
def test_a_value_of_the_wrong_type(copy, name, value):
    change(copy, **{name: value})
    with pytest.raises(RunError, match=r"run.json is not what hybridwing writes"):
        load_run(copy)


@pytest.mark.parametrize(
    ("name", "value"), [("dimension", "862"), ("name", None), ("preprocess", "default"), ("preprocess", {}), ("x", 1)]
)
def test_a_backbone_of_the_wrong_type(copy, name, value):
    backbone = json.loads((copy / "run.json").read_text())["backbone"]
    change(copy, backbone={**backbone, name: value})
    with pytest.raises(RunError, match=r"run.json is not what hybridwing writes"):
        load_run(copy)


@pytest.mark.parametrize("names", [[], ["svm", "svm"], ["svm", "../svm"], ["/etc/x"], [".."], [""], ["a\0"], ["a b"]])
def test_detectors_that_cannot_be(copy, names):
    change(copy, detectors=names, best_detector=str(names[0]) if names else "svm")
    with pytest.raises(RunError, match="names detectors that it cannot have"):
        load_run(copy)


def test_a_best_detector_that_is_not_listed(copy):
    change(copy, best_detector="sgd")
    with pytest.raises(RunError, match="names detectors that it cannot have"):
        load_run(copy)


def test_a_missing_detector(copy):
    (copy / "detectors" / "knn.npz").unlink()
    with pytest.raises(RunError, match="incomplete: no saved detector knn; train again"):
        load_run(copy)


@pytest.mark.parametrize("damage", ["empty", "cut short", "of another kind", "gone since"])
def test_a_damaged_detector(copy, damage):
    path = copy / "detectors" / "svm.npz"
    run, content = load_run(copy), path.read_bytes()
    path.write_bytes({"empty": b"", "cut short": content[: len(content) // 2]}.get(damage, b"PK\3\4 something"))
    if damage == "gone since":
        path.unlink()
    with pytest.raises(DetectorError, match=r"svm.npz.*; train again") as caught:
        run.detector("svm")
    assert str(caught.value).count("svm.npz") == 1


def test_a_detector_of_another_run(copy):
    path = copy / "detectors" / "svm.npz"
    saved = load_arrays(path)
    arrays = dict(saved.arrays)
    for name in ("mean", "scale"):
        arrays[name] = arrays[name][:7]
    arrays["vectors"] = arrays["vectors"][:, :7]
    save_arrays(path, replace(saved, header=replace(saved.header, n_features=7), arrays=arrays))
    with pytest.raises(DetectorError, match=r"does not belong to this run.*embeddings of 7 values and not 862"):
        load_run(copy).detector("svm")


def test_a_detector_without_calibration(copy):
    path = copy / "detectors" / "knn.npz"
    saved = load_arrays(path)
    bare = {name: saved.arrays[name] for name in ("vectors", "labels", "n_neighbors")}
    save_arrays(path, replace(saved, header=replace(saved.header, score_map="none"), arrays=bare))
    with pytest.raises(DetectorError, match="not calibrated"):
        load_run(copy).detector("knn")


def test_scores_come_from_the_saved_arrays(data, trained):
    """What a run says of a training image is what its files say."""
    from hybridwing.runs.scoring import score_images
    from hybridwing.runtime.scoring import calibrated_scores

    saved = trained.detector("svm")
    uuids = [str(u) for u in data.train.uuids[:5]]
    expected = np.round(calibrated_scores(saved, data.train_embeddings.vectors[:5]), 4)
    assert np.array_equal(score_images(saved, data.train_embeddings, uuids), expected)
