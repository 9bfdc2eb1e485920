"""An evaluation reports the official scores of the very predictions that it writes."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.catalogue.schema import COLUMNS, Catalogue
from hybridwing.embeddings.embed import embed
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import BackboneError, CatalogueError, EmbeddingError, RunError, ScoringError
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.report.evaluation_folder import CONTENTS, check_evaluation_folder, write_evaluation
from hybridwing.runs.evaluate import evaluate
from hybridwing.runs.run import load_run
from hybridwing.runs.train import train
from hybridwing.runtime.scoring import fallback_score

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.backbones.request import Backbone
    from hybridwing.runs.evaluate import Evaluation


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def evaluation(data, trained) -> Evaluation:
    return evaluate(trained, data.test, data.test_embeddings)


def without(table: EmbeddingTable, gone: set[str]) -> EmbeddingTable:
    from hybridwing.embeddings.table import Failure

    kept = [row for row, uuid in enumerate(table.uuids) if uuid not in gone]
    failures = tuple(Failure(uuid, f"images/{uuid}", "decode", "cut short") for uuid in sorted(gone))
    return EmbeddingTable(tuple(table.uuids[i] for i in kept), table.vectors[kept], table.backbone, failures)


@pytest.mark.slow
def test_the_reported_scores_are_those_of_the_written_predictions(data, evaluation, tmp_path):
    write_evaluation(evaluation, tmp_path / "out")
    assert list(evaluation.detectors) == ["svm", "knn"]
    table = {row["detector"]: row for row in rows(tmp_path / "out" / "challenge.csv")}
    for name, result in evaluation.detectors.items():
        official = score_files(tmp_path / "out" / f"predictions_{name}.txt", data.test.source)
        assert result.challenge == official
        assert (tmp_path / "out" / f"scores_{name}.json").read_text() == official.to_json()
        assert [float(table[name][key]) for key in official.leaderboard()] == list(official.leaderboard().values())


@pytest.mark.slow
def test_the_folder_holds_what_it_should_and_the_same_bytes_twice(evaluation, tmp_path, contents):
    write_evaluation(evaluation, tmp_path / "a")
    write_evaluation(evaluation, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    patterns = {name.replace("*", d) for name in CONTENTS for d in ("svm", "knn")}
    assert {p.name for p in (tmp_path / "a").iterdir()} == patterns


def test_the_summary_names_the_run_and_the_table(evaluation, trained, data, tmp_path):
    write_evaluation(evaluation, tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert summary["catalogue"] == "ref_test.csv"
    assert summary["catalogue_sha256"] == data.test.sha256
    assert (summary["n_images"], summary["n_failed"]) == (len(data.test), 0)
    assert summary["run"] == json.loads(trained.manifest.to_json())
    assert set(summary["challenge"]) == {"svm", "knn"}


def test_scores_and_metrics_are_in_the_catalogues_order(evaluation, data, tmp_path):
    write_evaluation(evaluation, tmp_path / "out")
    listed = [row for row in rows(tmp_path / "out" / "scores.csv") if row["detector"] == "knn"]
    assert [row["uuid"] for row in listed] == data.test.uuids.tolist()
    assert [float(row["score"]) for row in listed] == evaluation.detectors["knn"].scores.tolist()
    assert [int(row["label"]) for row in listed] == data.test.labels.tolist()
    expected = detection_metrics([float(row["score"]) for row in listed], data.test.labels)
    assert evaluation.detectors["knn"].metrics == expected
    measured = {row["detector"]: row for row in rows(tmp_path / "out" / "metrics.csv")}
    assert float(measured["knn"]["roc_auc"]) == expected.roc_auc


def test_scores_do_not_depend_on_the_order_of_the_embeddings(data, trained, evaluation):
    table = data.test_embeddings
    order = np.arange(len(table))[::-1]
    turned = EmbeddingTable(tuple(table.uuids[i] for i in order), table.vectors[order], table.backbone)
    again = evaluate(trained, data.test, turned)
    for name, result in evaluation.detectors.items():
        assert np.array_equal(again.detectors[name].scores, result.scores)


def test_failed_images_count_and_score_as_a_typical_specimen(data, trained, tmp_path):
    gone = {str(uuid) for uuid in data.test.uuids[[0, 7]]}
    result = evaluate(trained, data.test, without(data.test_embeddings, gone))
    assert {failure.uuid for failure in result.failures} == gone
    for name in ("svm", "knn"):
        scores = result.detectors[name].scores
        assert len(scores) == len(data.test)
        assert scores[0] == scores[7] == round(fallback_score(trained.detector(name)), 4)
    assert result.parentage is not None
    unseen = [uuid for uuid, reason in zip(data.test.uuids, result.parentage.reasons, strict=True) if reason is None]
    assert set(unseen) == gone, "nobody knows whether they are like training"
    write_evaluation(result, tmp_path / "out")
    assert {row["unlike_training"] for row in rows(tmp_path / "out" / "parents.csv") if row["uuid"] in gone} == {""}
    assert score_files(tmp_path / "out" / "predictions_svm.txt", data.test.source) == result.detectors["svm"].challenge
    assert {row["uuid"] for row in rows(tmp_path / "out" / "failures.csv")} == gone
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["n_failed"] == 2


def test_failures_of_other_images_are_not_reported(data, trained):
    gone = {str(uuid) for uuid in data.test.uuids[[0, 7]]}
    part = data.test.select(np.arange(8, len(data.test)))
    result = evaluate(trained, part, without(data.test_embeddings, gone))
    assert result.failures == ()


def test_a_table_in_the_training_form_gives_plain_metrics(data, trained, tmp_path, contents):
    result = evaluate(trained, data.train, data.train_embeddings)
    assert all(detector.challenge is None for detector in result.detectors.values())
    assert result.detectors["svm"].metrics.n == len(data.train)
    write_evaluation(result, tmp_path / "out")
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert not any(name.startswith(("challenge", "scores_")) for name in names)
    assert {"predictions_svm.txt", "metrics.csv", "scores.csv", "evaluation.png"} <= names


def test_a_reference_table_that_lacks_a_group_gives_plain_metrics(data, trained):
    part = data.test.select(data.test.groups != "minor")
    result = evaluate(trained, part, data.test_embeddings)
    assert result.detectors["svm"].challenge is None


@pytest.mark.slow
@pytest.mark.parametrize("hybrids", [True, False])
def test_a_table_of_one_class(data, trained, tmp_path, hybrids):
    part = data.test.select(data.test.labels == hybrids)
    result = evaluate(trained, part, data.test_embeddings)
    write_evaluation(result, tmp_path / "out")
    assert rows(tmp_path / "out" / "metrics.csv")[0]["roc_auc"] == ""


class TestWithOwnImages:
    @pytest.fixture
    def run(self, album, stub, tmp_path):
        return train(album.read(), embed(album.read(), album.images), tmp_path / "run", detectors=("svm", "knn"))

    def test_images_are_embedded_once_for_all_detectors(self, album, stub, run):
        stub.images = 0
        seen = []
        evaluate(
            run,
            album.read(),
            run.embed(album.read(), album.images, progress=lambda done, total: seen.append((done, total))),
        )
        assert stub.images == 60
        assert seen[-1] == (60, 60)

    def test_unreadable_images_are_failures(self, album, run):
        (album.images / "11.png").write_bytes(b"\xff\xd8\xff")
        result = evaluate(run, album.read(), run.embed(album.read(), album.images))
        assert [failure.uuid for failure in result.failures] == ["11.png"]
        assert result.detectors["svm"].metrics.n == 60

    def test_a_moved_backbone_is_the_same_backbone(self, album, stub, run, monkeypatch):
        moved = type(stub)(name="local:/new/place")
        monkeypatch.setattr(
            "hybridwing.backbones.load.load", lambda request, _: {"local:/new/place": moved}[request.name]
        )
        result = evaluate(run, album.read(), load_run(run.folder, "local:/new/place").embed(album.read(), album.images))
        assert moved.images == 60
        assert result.failures == ()

    def test_another_backbone_is_refused(self, album, stub, run, monkeypatch):
        other = type(stub)(weights="retrained")
        monkeypatch.setattr("hybridwing.backbones.load.load", lambda *_: other)
        with pytest.raises(RunError, match=r"the backbone local:x is not the one that .*run was trained with"):
            evaluate(run, album.read(), load_run(run.folder, "local:x").embed(album.read(), album.images))

    def test_a_backbone_that_is_gone_says_how_to_name_it(self, album, run, monkeypatch):
        def gone(request: Backbone, _: object) -> None:
            raise BackboneError(f"no folder {request.name}")

        monkeypatch.setattr("hybridwing.backbones.load.load", gone)
        with pytest.raises(
            BackboneError, match=r"no folder stub \(if the backbone .* was moved, name it with load_run"
        ):
            evaluate(run, album.read(), run.embed(album.read(), album.images))
        with pytest.raises(BackboneError, match=r"^no folder elsewhere$"):
            evaluate(run, album.read(), load_run(run.folder, "elsewhere").embed(album.read(), album.images))

    def test_unlabelled_images_are_refused_before_the_embeddings_are_read(self, album, run):
        with pytest.raises(CatalogueError, match="have no label"):
            evaluate(run, album.read_unlabelled(), "never-read.parquet")


def test_embeddings_of_another_backbone_are_refused(data, trained, stub):
    table = EmbeddingTable(tuple(data.test.uuids), np.zeros((len(data.test), 48), np.float32), stub.spec)
    with pytest.raises(
        EmbeddingError,
        match=r"were made by stub .*, and the run .* is of pattern .*: embeddings of dimension 48, not 862",
    ):
        evaluate(trained, data.test, table)


def test_embeddings_of_other_images_are_refused(data, trained):
    with pytest.raises(EmbeddingError, match="are not in the embedding table"):
        evaluate(trained, data.test, data.train_embeddings)


@pytest.mark.slow
def test_existing_folders(evaluation, trained, tmp_path, contents):
    out = tmp_path / "out"
    write_evaluation(evaluation, out)
    with pytest.raises(RunError, match="exists already"):
        write_evaluation(evaluation, out)
    with pytest.raises(RunError, match="exists already"):
        check_evaluation_folder(out)
    check_evaluation_folder(out, overwrite=True)
    write_evaluation(evaluation, out, overwrite=True)
    before = contents(trained.folder)
    with pytest.raises(RunError, match=r"holds no evaluation.json, so it is not replaced"):
        write_evaluation(evaluation, trained.folder, overwrite=True)
    assert contents(trained.folder) == before


def test_nothing_is_left_when_the_figure_cannot_be_drawn(evaluation, tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hybridwing.report.evaluation_folder.save_figure", fail)
    with pytest.raises(KeyboardInterrupt):
        write_evaluation(evaluation, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_read_again_evaluates_alike(data, trained, evaluation):
    again = evaluate(load_run(trained.folder), data.test, data.test_embeddings)
    assert again.detectors["svm"].challenge == evaluation.detectors["svm"].challenge


def test_every_measure_has_an_interval_and_detectors_are_compared(data, trained, tmp_path):
    found = evaluate(trained, data.test, data.test_embeddings, resamples=60)
    assert list(found.uncertainty.measures) == ["svm", "knn"]
    for name, result in found.detectors.items():
        measures = found.uncertainty.measures[name]
        assert {key: one.value for key, one in measures.items()} == result.challenge.leaderboard()
        for one in measures.values():
            assert one.interval.low <= one.interval.high
        recall = measures["A_score_major_recall"]
        assert recall.interval.low <= recall.value <= recall.interval.high
    assert list(found.uncertainty.differences) == [("svm", "knn")]
    assert found.remainder is None
    write_evaluation(found, tmp_path / "out")
    with (tmp_path / "out" / "intervals.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 8
    assert {row["without"] for row in rows} == {""}
    summary = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert summary["uncertainty"]["resamples"] == 60
    assert summary["remainder"] is None


@pytest.mark.slow
def test_the_score_without_another_tables_images_stands_beside(data, trained, tmp_path):
    half = data.test.select(np.arange(0, len(data.test), 2))
    found = evaluate(trained, data.test, data.test_embeddings, minus=half, resamples=20)
    left = data.test.select(np.arange(1, len(data.test), 2))
    alone = evaluate(trained, left, data.test_embeddings, resamples=20)
    assert found.remainder is not None
    assert found.remainder.n_images == len(left)
    assert found.remainder.n_hybrids == left.labels.sum()
    for name, result in alone.detectors.items():
        assert found.remainder.detectors[name].metrics == result.metrics
    assert found.remainder.uncertainty.measures == alone.uncertainty.measures
    write_evaluation(found, tmp_path / "out")
    with (tmp_path / "out" / "differences.csv").open() as file:
        assert {row["without"] for row in csv.DictReader(file)} == {"", half.source.name}
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["remainder"]["n_images"] == len(left)


def test_a_table_to_take_out_that_shares_nothing_or_everything_is_refused(data, trained):
    for minus, message in ((data.train, "no image is in"), (data.test, "no image is left without")):
        with pytest.raises(ScoringError, match=message):
            evaluate(trained, data.test, data.test_embeddings, minus=minus)


def test_parents_and_strange_images_of_a_labelled_table(data, trained, evaluation, tmp_path):
    parentage = evaluation.parentage
    assert parentage is not None
    assert parentage.lacking == ()
    found = dict(parentage.agreement())
    kinds = data.test.table
    known = data.test.groups != "mimic"
    assert found["non-hybrids said to be of their subspecies alone"].total == (known & (data.test.labels == 0)).sum()
    assert found["hybrids of which both parents are right"].total == (known & (data.test.labels == 1)).sum()
    assert found["non-hybrids said to be of their subspecies alone"].share > 0.5
    write_evaluation(evaluation, tmp_path / "out")
    written = rows(tmp_path / "out" / "parents.csv")
    assert [row["uuid"] for row in written] == kinds["uuid"].tolist()
    mimics = [row for row, group in zip(written, data.test.groups, strict=True) if group == "mimic"]
    assert {row["true_parents"] for row in mimics} == {""}, "subspecies that training does not have"
    summary = json.loads((tmp_path / "out" / "evaluation.json").read_text())["parentage"]
    assert summary["unlike_training"] == sum(bool(reason) for reason in parentage.reasons)


def test_reference_labels_change_nothing_in_a_run_and_no_score(data, trained, evaluation, contents):
    before = contents(trained.folder)
    table = data.test.table.copy()
    table["hybrid"] = np.random.default_rng(0).permutation(table["hybrid"])
    mixed = Catalogue(table.astype(dict(COLUMNS)), data.test.form, data.test.source, data.test.sha256)
    again = evaluate(trained, mixed, data.test_embeddings, resamples=5)
    assert contents(trained.folder) == before
    for name, result in again.detectors.items():
        assert np.array_equal(result.scores, evaluation.detectors[name].scores)
    assert again.parentage is not None
    assert again.parentage.parentages == evaluation.parentage.parentages
