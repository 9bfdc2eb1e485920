"""The CSV files of runs can be read back, whatever stands in them."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from hybridwing.embeddings.table import Failure
from hybridwing.errors import RunError
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.runs.tables import read_scores, write_failures, write_metrics, write_predictions, write_scores


def test_scores_are_read_back_with_their_specimens(tmp_path):
    labels, scores = np.array([0, 1], dtype=np.int8), np.array([0.25, 1e-17])
    write_scores(tmp_path / "t.csv", ["x", "y"], ["A", "B"], labels, {"svm": scores, "knn": 1 - scores})
    assert (tmp_path / "t.csv").read_text().startswith("detector,uuid,specimen,score,label\nsvm,x,A,0.25,0\n")
    found = read_scores(tmp_path / "t.csv", "svm")
    assert (found.scores.tolist(), found.labels.tolist(), found.specimens) == ([0.25, 1e-17], [0, 1], ("A", "B"))


@pytest.mark.parametrize("text", ["", "detector,score\nsvm,x\n", "detector,uuid,specimen,score,label\nsvm,x,A,0.5,\n"])
def test_damaged_scores_are_refused(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    if text:
        with pytest.raises(RunError, match="train again"):
            read_scores(tmp_path / "t.csv", "svm")
    with pytest.raises(RunError, match="train again"):
        read_scores(tmp_path / "none.csv", "svm")


def test_a_metric_without_hybrids_is_empty_and_not_zero(tmp_path):
    write_metrics(tmp_path / "m.csv", {"svm": detection_metrics([0.1, 0.2], [0, 0])})
    with (tmp_path / "m.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert {name for name, cell in row.items() if not cell} == {
        "hybrid_recall", "hybrid_precision", "f1_score", "prc_auc", "roc_auc",
    }  # fmt: skip


def test_failures_have_a_row_each(tmp_path):
    write_failures(tmp_path / "t.csv", [Failure("x", "images/x", "open", "empty, or so")])
    assert (tmp_path / "t.csv").read_text() == 'uuid,path,stage,reason\nx,images/x,open,"empty, or so"\n'


def test_predictions_are_read_back_by_the_scorer(tmp_path):
    names = ["plain.jpg", "with, comma.jpg", "sub/ü 蝶.jpg", "=1.jpg"]
    scores = np.array([0.1, 0.12344999, 0.9999, 0.0001])
    write_predictions(tmp_path / "p.txt", names, scores)
    read = read_predictions(tmp_path / "p.txt")
    assert read.filenames.tolist() == names
    assert read.scores.tolist() == [0.1, 0.1234, 0.9999, 0.0001]
    assert (tmp_path / "p.txt").read_bytes().startswith(b"plain.jpg,0.1\n")
