"""Training leaves the documented folder, the same bytes for the same seed, and nothing when it fails."""

from __future__ import annotations

import csv
import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.embeddings.embed import embed
from hybridwing.embeddings.store import read_table
from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.errors import CatalogueError, DetectorError, EmbeddingError, HybridwingError, RunError
from hybridwing.runs.folder import CONTENTS, WINGS
from hybridwing.runs.run import load_run
from hybridwing.runs.train import train
from hybridwing.runtime.arrays import load_arrays

if TYPE_CHECKING:
    from pathlib import Path

STRATIFIED = {"split_method": "stratified", "test_fraction": 0.3}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_folder_holds_what_is_documented(data, trained):
    folder = trained.folder
    assert {p.name for p in folder.iterdir()} == {*CONTENTS} - {WINGS}  # which needs the photographs
    assert {p.name for p in (folder / "detectors").iterdir()} == {"svm.npz", "knn.npz"}
    manifest = load_run(folder).manifest
    assert manifest == trained.manifest
    assert manifest.detectors == ("svm", "knn")
    assert manifest.n_images == manifest.n_embedded == len(data.train)
    assert manifest.n_train + manifest.n_heldout == len(data.train)
    assert manifest.n_heldout_hybrids > 0
    assert manifest.catalogue_sha256 == data.train.sha256
    assert (manifest.catalogue_name, manifest.split_method, manifest.test_fraction) == ("train.csv", "stratified", 0.3)
    assert {"hybridwing", "python", "numpy", "scikit-learn"} <= set(manifest.versions)
    assert manifest.best_detector == max(trained.metrics, key=lambda name: trained.metrics[name].prc_auc)
    assert rows(folder / "failures.csv") == []


def test_its_tables_agree_with_its_detectors(data, trained):
    folder = trained.folder
    measured = {row["detector"]: row for row in rows(folder / "metrics.csv")}
    assert list(measured) == ["svm", "knn"]
    for name, metrics in trained.metrics.items():
        assert float(measured[name]["prc_auc"]) == metrics.prc_auc
        assert int(measured[name]["n_hybrids"]) == metrics.n_hybrids == trained.manifest.n_heldout_hybrids
    scores = rows(folder / "scores.csv")
    assert len(scores) == 2 * trained.manifest.n_heldout
    saved = load_arrays(folder / "detectors" / "svm.npz")
    others = sorted(float(row["score"]) for row in scores if row["detector"] == "svm" and row["label"] == "0")
    assert np.array_equal(others, saved.arrays["heldout_nonhybrid"])
    labels = dict(zip(data.train.uuids, data.train.labels, strict=True))
    assert all(int(row["label"]) == labels[row["uuid"]] for row in scores)


def test_the_embeddings_of_a_run_are_those_of_its_catalogue(data, trained):
    table = read_table(trained.folder / "embeddings.parquet")
    assert table.uuids == tuple(data.train.uuids)
    assert np.array_equal(table.vectors, data.train_embeddings.vectors)


@pytest.mark.slow
def test_same_seed_same_bytes_and_another_seed_differs(album, stub, tmp_path, contents):
    def run(name: str, seed: int) -> dict[str, bytes]:
        train(album.read(), embed(album.read(), album.images), tmp_path / name, detectors=("svm", "sgd"), seed=seed)
        return contents(tmp_path / name)

    first, second, other = run("a", 1), run("b", 1), run("c", 2)
    assert first == second
    assert first["scores.csv"] != other["scores.csv"]
    assert first["embeddings.parquet"] == other["embeddings.parquet"]


def test_images_are_embedded_once_for_all_detectors(album, stub, tmp_path):
    seen = []
    result = train(
        album.read(),
        embed(album.read(), album.images, progress=lambda done, total: seen.append((done, total))),
        tmp_path / "run",
        detectors=("svm", "knn", "gaussian", "svm"),
    )
    assert stub.images == len(album.names)
    assert seen == [(n, 60) for n in range(1, 61)]
    assert result.manifest.detectors == ("svm", "knn", "gaussian")


def test_given_embeddings_make_the_same_run_even_from_a_larger_table_in_another_order(album, stub, tmp_path, contents):
    train(album.read(), embed(album.read(), album.images), tmp_path / "embedded", detectors=("svm",))
    table = read_table(tmp_path / "embedded" / "embeddings.parquet")
    order = np.random.default_rng(0).permutation(len(table))
    larger = EmbeddingTable(
        (*(table.uuids[i] for i in order), "of another collection"),
        np.concatenate([table.vectors[order], np.ones((1, 48), np.float32)]),
        table.backbone,
        (Failure("failed elsewhere", "x", "open", "no such file"),),
        runtime=table.runtime,
    )
    images = stub.images
    result = train(album.read(), larger, tmp_path / "given", detectors=("svm",))
    assert contents(tmp_path / "given") == contents(tmp_path / "embedded")
    assert result.manifest.n_embedded == 60
    assert result.failures == ()
    assert stub.images == images


def test_embeddings_of_other_images_are_refused(album, stub, tmp_path):
    table = EmbeddingTable(("a", "b"), np.zeros((2, 48), np.float32), stub.spec)
    with pytest.raises(EmbeddingError, match="60 of 60 images are not in the embedding table"):
        train(album.read(), table, tmp_path / "run")


def test_bad_images_are_listed_and_the_rest_is_unharmed(album, stub, tmp_path):
    (album.images / "03.png").write_bytes(b"no picture")
    (album.images / "08.png").unlink()
    table = album.read()
    result = train(table, embed(table, album.images), tmp_path / "run", detectors=("knn",), split_method="random")
    assert [failure.uuid for failure in result.failures] == ["03.png", "08.png"]
    listed = rows(tmp_path / "run" / "failures.csv")
    assert [(row["uuid"], row["stage"]) for row in listed] == [("03.png", "open"), ("08.png", "open")]
    assert listed[1]["reason"] == "no such file"
    manifest = result.manifest
    assert (manifest.n_images, manifest.n_embedded, manifest.n_train + manifest.n_heldout) == (60, 58, 58)
    assert not {"03.png", "08.png"} & {row["uuid"] for row in rows(tmp_path / "run" / "scores.csv")}


def test_a_table_without_hybrids_in_the_held_out_part_still_trains(album, stub, tmp_path):
    lines = album.table.read_text().splitlines()
    few = [line for i, line in enumerate(lines[1:]) if ",hybrid," not in line or i < 8]
    album.table.write_text("\n".join([lines[0], *few]) + "\n")
    seeds = (s for s in range(40) if _held_out_hybrids(album, s) == 0)
    result = train(
        album.read(),
        embed(album.read(), album.images),
        tmp_path / "run",
        detectors=("svm", "knn"),
        split_method="random",
        seed=next(seeds),
    )
    assert result.manifest.n_heldout_hybrids == 0
    assert result.manifest.best_detector == "svm"
    assert rows(tmp_path / "run" / "metrics.csv")[0]["roc_auc"] == ""


def _held_out_hybrids(album, seed: int) -> int:
    from hybridwing.catalogue.splits import split

    table = album.read()
    return int(table.labels[split(table, seed=seed).test].sum())


class TestRefusals:
    """Whatever is wrong is said before the embeddings are read, and nothing is left behind."""

    @pytest.fixture(autouse=True)
    def nothing_is_written(self, album, stub, tmp_path, contents):
        yield
        assert not stub.images
        assert {p.name for p in tmp_path.iterdir()} <= {"photographs", "album.csv", "unlabelled.csv", "mine"}

    @pytest.mark.parametrize(
        ("settings", "error", "message"),
        [
            ({"detectors": ()}, DetectorError, "no detector is named; choose one or more of svm"),
            ({"detectors": ("svm", "smv")}, DetectorError, "unknown detector 'smv'.*did you mean"),
            ({"split_method": "by record"}, RunError, "unknown split 'by record'"),
            ({"split_method": "record"}, CatalogueError, "have no record"),
            ({"split_method": "random", "test_fraction": 0.0}, CatalogueError, "must be in"),
            ({"split_method": "random", "test_fraction": float("nan")}, CatalogueError, "must be in"),
            ({"seed": -1}, HybridwingError, "-1"),
        ],
    )
    def test_of_a_setting(self, album, tmp_path, settings, error, message):
        with pytest.raises(error, match=message):
            train(album.read(), "never-read.parquet", tmp_path / "run", **settings)

    def test_of_an_unlabelled_table(self, album, tmp_path):
        with pytest.raises(CatalogueError, match="60 of 60 images have no label"):
            train(album.read_unlabelled(), "never-read.parquet", tmp_path / "run")

    def test_of_embeddings_that_are_not_there(self, album, tmp_path):
        with pytest.raises(EmbeddingError, match="no embedding table at"):
            train(album.read(), tmp_path / "nowhere.parquet", tmp_path / "a" / "b" / "run")

    def test_of_a_folder_that_exists(self, album, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.txt").write_text("years of work")
        with pytest.raises(RunError, match="exists already; choose another name or say --overwrite"):
            train(album.read(), "never-read.parquet", tmp_path / "mine")
        with pytest.raises(RunError, match=r"holds no run.json, so it is not replaced"):
            train(album.read(), "never-read.parquet", tmp_path / "mine", overwrite=True)
        assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"

    def test_of_a_place_that_cannot_be_written(self, album, tmp_path):
        (tmp_path / "mine").write_text("a file")
        with pytest.raises(RunError, match="cannot write"):
            train(album.read(), "never-read.parquet", tmp_path / "mine" / "run")
        with pytest.raises(RunError, match="exists already"):
            train(album.read(), "never-read.parquet", tmp_path / "mine")


@pytest.mark.parametrize("part", ["train", "held-out"])
def test_a_part_whose_images_all_failed_is_an_error(album, stub, tmp_path, part):
    from hybridwing.catalogue.splits import split

    table = album.read()
    division = split(table)
    gone = division.train if part == "train" else division.test
    for uuid in table.uuids[gone]:
        (album.images / uuid).unlink()
    with pytest.raises(RunError, match="no image is left in the training or the held-out part"):
        train(table, embed(table, album.images), tmp_path / "run", split_method="random")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError, OSError])
def test_a_training_that_breaks_off_leaves_nothing(album, stub, tmp_path, monkeypatch, stop):
    def break_off(*_args: object, **_kwargs: object) -> None:
        raise stop("in the middle")

    monkeypatch.setattr("hybridwing.runs.train.save_arrays", break_off)
    with pytest.raises(RunError if stop is OSError else stop, match="in the middle"):
        train(album.read(), embed(album.read(), album.images), tmp_path / "runs" / "deep" / "run")
    assert {p.name for p in tmp_path.iterdir()} == {"photographs", "album.csv"}


def test_overwrite_replaces_a_run_only_when_the_new_one_is_whole(album, stub, tmp_path, contents, monkeypatch):
    out = tmp_path / "run"
    train(album.read(), embed(album.read(), album.images), out, seed=1)
    before = contents(out)
    with monkeypatch.context() as patch:
        patch.setattr("hybridwing.runs.train.write_metrics", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(RunError, match="disk full"):
            train(album.read(), embed(album.read(), album.images), out, seed=2, overwrite=True)
    assert contents(out) == before
    train(album.read(), embed(album.read(), album.images), out, seed=2, overwrite=True)
    assert json.loads((out / "run.json").read_text())["seed"] == 2
    assert {p.name for p in tmp_path.iterdir()} == {"photographs", "album.csv", "run"}


def test_a_run_that_holds_something_else_is_never_replaced(album, stub, tmp_path, contents):
    out = tmp_path / "run"
    train(album.read(), embed(album.read(), album.images), out)
    shutil.copytree(out / "detectors", out / "my evaluation")
    before = contents(out)
    with pytest.raises(RunError, match="also holds my evaluation, so it is not replaced"):
        train(album.read(), embed(album.read(), album.images), out, overwrite=True)
    assert contents(out) == before


@pytest.mark.slow
def test_the_default_detector_is_ridge_with_the_backbones_blocks(data, tmp_path):
    result = train(data.train, data.train_embeddings, tmp_path / "run", **STRATIFIED)
    assert result.manifest.detectors == ("ridge",)
    header = load_arrays(tmp_path / "run" / "detectors" / "ridge.npz").header
    assert header.params["blocks"] == list(result.manifest.backbone.widths)


def test_reference_labels_change_nothing_in_the_model(data, tmp_path, contents):
    """A model is made of the training table alone: evaluating against permuted labels comes to the same model."""
    from hybridwing.catalogue.readers import read_catalogue
    from hybridwing.runs.evaluate import evaluate

    source = data.test.source
    lines = source.read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    columns = [header.index(name) for name in ("hybrid_stat", "subspecies_ref", "ssp_indicator")]
    cells = [line.split(",") for line in lines[1:]]
    permuted = [list(row) for row in cells]
    for row, other in zip(permuted, np.random.default_rng(0).permutation(len(cells)), strict=True):
        for column in columns:
            row[column] = cells[other][column]
    folder = tmp_path / "permuted"
    folder.mkdir()
    table = folder / source.name
    table.write_text("\n".join([lines[0], *(",".join(row) for row in permuted)]) + "\n", encoding="utf-8")
    models = []
    for name, path in (("a", source), ("b", table)):
        run = train(data.train, data.train_embeddings, tmp_path / name, detectors=("svm", "knn"), **STRATIFIED)
        evaluate(run, read_catalogue(path), data.test_embeddings, resamples=20)
        models.append(contents(tmp_path / name))
    assert permuted != cells
    assert models[0] == models[1]


def test_non_hybrids_alone_are_learned_from_and_scored_out_of_fold(data, tmp_path):
    pure = data.train.select(data.train.labels == 0)
    run = train(pure, data.train_embeddings, tmp_path / "run", detectors=("mahalanobis",))
    manifest = run.manifest
    assert (manifest.split_method, manifest.n_train, manifest.n_heldout) == ("folds", len(pure), len(pure))
    assert manifest.without_hybrids.startswith(f"no hybrid is known: learned from {len(pure)} non-hybrids")
    assert {row["uuid"] for row in rows(tmp_path / "run" / "scores.csv")} == set(pure.uuids)
    assert {image.verdict for image in run.predict(data.test_embeddings).images} > {"non-hybrid"}
    with pytest.raises(DetectorError, match="svm cannot learn without; use ridge"):
        train(pure, data.train_embeddings, tmp_path / "other", detectors=("svm",))


def test_a_table_of_one_s_own_is_scored_out_of_fold(album, stub, tmp_path):
    table = album.read()
    run = train(table, embed(table, album.images), tmp_path / "run", detectors=("svm",))
    assert run.manifest.split_method == "folds"
    assert run.manifest.n_heldout_hybrids == table.labels.sum()
    found = run.uncertainty.measures["svm"]["hybrid_recall"]
    assert found.interval.low <= found.value <= found.interval.high
