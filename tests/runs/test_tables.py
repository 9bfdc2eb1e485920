"""The CSV files of runs can be read back, whatever stands in them."""

from __future__ import annotations

import csv

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.embeddings.table import Failure
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.runs.tables import write_failures, write_predictions, write_rows, write_scores

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_rows_are_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "table.csv"
    write_rows(path, ("a", "b"), rows)
    with path.open(newline="", encoding="utf-8") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("a", "b"), *rows]


def test_lines_end_alike_everywhere(tmp_path):
    write_rows(tmp_path / "t.csv", ("a", "b"), [("x", 0.1), ("y", 1e-17)])
    assert (tmp_path / "t.csv").read_bytes() == b"a,b\nx,0.1\ny,1e-17\n"


def test_unknown_labels_are_empty(tmp_path):
    write_scores(tmp_path / "t.csv", ["x"], None, {"svm": np.array([0.25])})
    assert (tmp_path / "t.csv").read_text() == "detector,uuid,score,label\nsvm,x,0.25,\n"


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
