"""A validation on embeddings: what it measures, what it writes, and that failed images are named."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from hybridwing.embeddings.embed import embed
from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.errors import DetectorError, EmbeddingError, RunError
from hybridwing.validation import validate as validation
from hybridwing.validation.validate import check_validation_folder, validate, write_validation


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_protocol_beside_the_record_alone(data, tmp_path):
    found = validate(data.train, data.train_embeddings, protocol="cross", detectors=("svm", "svm"), resamples=50)
    assert [(row.scorer, row.unit) for row in found.report.rows] == [
        ("svm", "8 x 9"), ("svm", "mean"), ("record only", "8 x 9"), ("record only", "mean"),
    ]  # fmt: skip
    assert found.report.rows[0].note == "made crosses"
    write_validation(found, tmp_path / "out")
    table = rows_of(tmp_path / "out" / "validation.csv")
    assert [row["scorer"] for row in table] == ["svm", "svm", "record only", "record only"]
    assert 0 <= float(table[0]["recall_low"]) <= float(table[0]["recall"]) <= float(table[0]["recall_high"]) <= 1
    assert table[0]["false_alarms"] == ""
    summary = json.loads((tmp_path / "out" / "validation.json").read_text())
    assert summary["protocol"] == "cross"
    assert summary["rows"][0]["recall"]["interval"]["low"] == float(table[0]["recall_low"])
    scores = rows_of(tmp_path / "out" / "scores.csv")
    asked = [row for row in scores if row["scorer"] == "svm" and row["role"] == "asked"]
    assert len(asked) == data.train.labels.sum()
    assert {row["label"] for row in asked} == {"1"}
    assert rows_of(tmp_path / "out" / "differences.csv")[0]["first"] == "svm"
    with pytest.raises(RunError, match="exists"):
        check_validation_folder(tmp_path / "out")


def test_images_without_an_embedding_are_left_out_and_named(data):
    table = data.train_embeddings
    lost = table.uuids[0]
    failure = Failure(lost, lost, "decode", "truncated")
    lacking = EmbeddingTable(table.uuids[1:], table.vectors[1:], table.backbone, (failure,))
    found = validate(data.train, lacking, protocol="specimen", resamples=20)
    assert found.failures == (failure,)
    assert lost not in found.catalogue.uuids
    nothing = tuple(Failure(uuid, uuid, "decode", "truncated") for uuid in table.uuids)
    empty = EmbeddingTable((), np.empty((0, table.backbone.dimension), np.float32), table.backbone, nothing)
    with pytest.raises(EmbeddingError, match="no image"):
        validate(data.train, empty, protocol="specimen")


def test_images_are_embedded_where_no_table_is_given(data, stub):
    found = validate(data.train, embed(data.train, data.images), protocol="specimen", detectors=("knn",), resamples=20)
    assert stub.images == len(data.train)
    assert found.backbone == stub.spec


def test_unknown_and_no_detectors_are_refused_before_the_embeddings_are_read(data):
    for names, message in ((("svn",), "unknown detector"), ((), "no detector")):
        with pytest.raises(DetectorError, match=message):
            validate(data.train, "never-read.parquet", detectors=names)


def test_detectors_are_told_what_the_embedding_consists_of(data, monkeypatch):
    told = []
    real = validation.held_out_scores
    monkeypatch.setattr(validation, "held_out_scores", lambda *a, **k: told.append(a[4].blocks) or real(*a, **k))
    validate(data.train, data.train_embeddings, protocol="specimen", detectors=("knn",), resamples=20)
    assert told == [data.train_embeddings.backbone.widths] == [(862,)]
