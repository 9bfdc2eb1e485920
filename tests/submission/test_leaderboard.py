from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.errors import RunError, ScoringError
from hybridwing.evaluation.comparison import COLUMNS
from hybridwing.leaderboard.comparing import compare_places, write_table
from hybridwing.leaderboard.page import leaderboard_html, signed
from hybridwing.report.evaluation_folder import write_evaluation
from hybridwing.runs.evaluate import evaluate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def places(collection, small, ran, tmp_path_factory):
    """An evaluation, a submission that was run, a file of predictions, and a run."""
    root = tmp_path_factory.mktemp("places")
    done = evaluate(collection.run, read_catalogue(collection.test), small[2], resamples=20)
    write_evaluation(done, root / "evaluation")
    shutil.copyfile(root / "evaluation" / "predictions_knn.txt", root / "plain.txt")
    return [root / "evaluation", ran.folder, root / "plain.txt", collection.run.folder]


def test_what_can_be_compared(places, collection):
    found = compare_places(places, collection.test, images=collection.images, resamples=20)
    names = [system.name for system in found.systems]
    assert names == ["evaluation knn", "evaluation svm", "submitted", "plain", "run svm", "run knn"]
    by_name = {system.name: system.measures for system in found.systems}
    assert by_name["evaluation svm"] == by_name["submitted"] == by_name["run svm"]
    assert by_name["evaluation knn"] == by_name["plain"]


def test_photographs_that_a_run_could_not_score_are_said_to_count(places, collection, tmp_path):
    names = read_catalogue(collection.test).table["filename"].tolist()
    for name in names[:3]:
        shutil.copy(collection.images / name, tmp_path)
    found = compare_places([places[3]], collection.test, images=tmp_path, resamples=5)
    missing = f"run: {len(names) - 3} of {len(names)} images were given the score of a typical training specimen"
    assert found.notes[0] == f"{missing} and count in every figure"


def test_one_detector_and_names_that_are_taken(places, collection):
    found = compare_places([places[0], places[0]], collection.test, detector="knn", resamples=5)
    assert [system.name for system in found.systems] == ["evaluation knn", "evaluation knn (2)"]
    with pytest.raises(RunError, match="has no detector 'sgd'"):
        compare_places([places[0]], collection.test, detector="sgd")


def test_what_cannot_be_compared(places, collection, tmp_path):
    with pytest.raises(RunError, match="name the photographs with --images"):
        compare_places([places[3]], collection.test)
    with pytest.raises(RunError, match="holds nothing to compare"):
        compare_places([tmp_path], collection.test)
    (tmp_path / "submission_run.json").touch()
    with pytest.raises(RunError, match="failed and left no predictions"):
        compare_places([tmp_path], collection.test)
    (tmp_path / "few.txt").write_text("a.jpg,0.5\n")
    with pytest.raises(ScoringError, match=r"few.*cannot be compared on this reference.*have no prediction"):
        compare_places([tmp_path / "few.txt"], collection.test)


def test_the_table_holds_every_measure_with_its_interval(places, collection, tmp_path):
    found = compare_places(places[:2], collection.test, resamples=20)
    write_table(found, tmp_path / "leaderboard.csv")
    with (tmp_path / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found.systems) * len(COLUMNS)
    assert all(float(row["low"]) <= float(row["high"]) for row in rows)
    first = [row for row in rows if row["system"] == found.systems[0].name]
    assert {row["difference"] for row in first} == {""}
    assert np.isfinite([float(row["difference_low"]) for row in rows[len(first) :]]).all()


def test_the_page_is_self_contained_and_escapes_names(read_page, places, collection, tmp_path):
    hostile = tmp_path / "<b onclick=x>$x$.txt"
    shutil.copyfile(places[2], hostile)
    found = compare_places([places[0], hostile], collection.test, resamples=20)
    page = leaderboard_html(found, "<ref>.csv")
    checker = read_page(page)
    assert "b" not in checker.tags
    assert "<b onclick=x>$x$" in checker.text
    assert "<ref>.csv" in checker.text
    alone = leaderboard_html(compare_places([places[1]], collection.test, resamples=5), "x")
    assert "Against" not in alone


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0.00"), (-0.0049, "0.00"), (0.0051, "+0.01"), (-0.35, "−0.35"), (1.0, "+1.00")]
)
def test_a_difference_that_rounds_to_zero_has_no_sign(value, shown):
    assert signed(value) == shown
