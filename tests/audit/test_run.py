"""The whole audit: what it looks at, what it says it did not, and that it repeats."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from hybridwing.audit.findings import listed
from hybridwing.audit.run import audit
from hybridwing.backbones.base import BackboneSpec
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import CatalogueError, EmbeddingError, counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.simulate.collection import SimulatedCollection


@pytest.mark.slow
def test_a_simulated_collection_from_end_to_end(collection: SimulatedCollection, embedded: EmbeddingTable) -> None:
    references = [read_catalogue(collection.ref_val), read_catalogue(collection.ref_test)]
    train = read_catalogue(collection.train)
    report = audit(train, images=collection.images, embeddings=embedded, references=references)
    found = {finding.key: finding for finding in report.findings}
    assert found["record predicts label"].severity == "caution", "it gives the hybrids of one group away"
    assert found["no copies among the images"].severity == "clear"
    assert found["no copies among the embeddings"].severity == "clear"
    assert report.unchecked == ()
    assert report.images == collection.n_train
    again = audit(train, images=collection.images, embeddings=embedded, references=references)
    assert again == report
    assert again.to_json() == report.to_json()


def test_hybrids_of_a_record_of_their_own_are_serious(collection: SimulatedCollection, tmp_path: Path) -> None:
    catalogues = []
    for path, record in ((collection.train, "zenodo_link"), (collection.ref_test, "file_url")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        hybrid = table["hybrid_stat"].isin(["hybrid", "1"])
        numbers = np.where(hybrid, "9000001", "9000002")
        table[record] = [re.sub(r"(?<=record/)\d+", new, old) for new, old in zip(numbers, table[record], strict=True)]
        table.to_csv(tmp_path / path.name, index=False)
        catalogues.append(read_catalogue(tmp_path / path.name))
    report = audit(catalogues[0], images=collection.images, references=catalogues[1:])
    found = {finding.key: finding for finding in report.findings}
    assert found["record predicts label"].severity == "serious"
    assert "recall 1.000 at a true-negative rate of 1.000" in found["record predicts label"].headline


def test_findings_are_by_topic_and_the_worst_first(collection: SimulatedCollection) -> None:
    report = audit(read_catalogue(collection.train), references=[read_catalogue(collection.ref_test)])
    topics, severities = ("confounding", "leaks", "labels", "power"), ("serious", "caution", "note", "clear")
    places = [(topics.index(one.topic), severities.index(one.severity)) for one in report.findings]
    assert places == sorted(places)
    assert all(finding.headline and finding.meaning and finding.remedy for finding in report.findings)


def test_what_was_not_given_is_said_to_be_unchecked(make: Callable[..., Catalogue]) -> None:
    report = audit(make([("1.jpg", "1", "0", "a", "R", ""), ("2.jpg", "2", "0", "a", "R", "")]))
    lacking = {(one.topic, one.what) for one in report.unchecked}
    assert lacking == {
        ("confounding", "metadata against the label"),
        ("leaks", "rows and specimens shared with a test table"),
        ("leaks", "copies among the images"),
        ("leaks", "copies among the embeddings"),
        ("labels", "images unlike their class"),
        ("labels", "dorsal and ventral sides"),
        ("power", "intervals"),
    }


def test_planted_copies_and_losses_are_found(collection: SimulatedCollection, tmp_path: Path) -> None:
    train, test = read_catalogue(collection.train), read_catalogue(collection.ref_test)
    folder = tmp_path / "images"
    shutil.copytree(collection.images, folder)
    shutil.copy(folder / train.uuids[0], folder / test.uuids[0])
    (folder / train.uuids[1]).unlink()
    (folder / test.uuids[1]).unlink()
    found = {finding.key: finding for finding in audit(train, images=folder, references=[test]).findings}
    assert found["copies among the images"].severity == "serious"
    assert {row[1] for row in found["copies among the images"].evidence[0].rows} == {train.uuids[0], test.uuids[0]}
    assert found["images not readable"].evidence[0].rows == ((train.uuids[1], "open: no such file"),)


def test_a_mixture_of_sides(make: Callable[..., Catalogue]) -> None:
    rows = [(f"{n}.jpg", f"s{n}", str(n % 2), "a x b" if n % 2 else "a", "R", "v" if n < 4 else "d") for n in range(20)]
    findings = {finding.key: finding for finding in audit(make(rows)).findings}
    assert findings["sides mixed"].severity == "caution"
    assert findings["sides mixed"].headline.endswith("mine.csv has 16 dorsal and 4 ventral.")


def test_embeddings_of_a_part_of_the_labels(make: Callable[..., Catalogue], embedded: EmbeddingTable) -> None:
    rows = [
        (uuid, uuid, "" if n < 2 else str(n % 2), "a x b" if n % 2 else "a", "R", "d")
        for n, uuid in enumerate(embedded.uuids)
    ]
    catalogue = make(rows)
    report = audit(catalogue, embeddings=embedded)
    assert {outlier.class_name for outlier in report.outliers} <= {"a", "a × b"}
    assert not {outlier.uuid for outlier in report.outliers} & set(embedded.uuids[:2])
    assert any(finding.key == "images unlike their class" for finding in report.findings)


def test_embeddings_without_labels(make: Callable[..., Catalogue], embedded: EmbeddingTable) -> None:
    report = audit(make([(uuid, uuid, "", "", "R", "d") for uuid in embedded.uuids]), embeddings=embedded)
    assert ("labels", "images unlike their class") in {(one.topic, one.what) for one in report.unchecked}
    assert report.outliers == ()


def test_labels_that_fit_are_clear(make: Callable[..., Catalogue], embedded: EmbeddingTable) -> None:
    vectors = np.zeros((40, embedded.vectors.shape[1]), np.float32)
    vectors[:, :3] = np.random.default_rng(0).normal(size=(40, 3))
    vectors[20:, 0] += 30
    table = dataclasses.replace(embedded, uuids=embedded.uuids[:40], vectors=vectors)
    rows = [(uuid, uuid, str(int(n < 20)), "a x b" if n < 20 else "a", "R", "d") for n, uuid in enumerate(table.uuids)]
    found = {finding.key for finding in audit(make(rows), embeddings=table).findings}
    assert "every image like its class" in found


def test_inputs_that_do_not_fit_are_refused_before_the_work(
    make: Callable[..., Catalogue], embedded: EmbeddingTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("hybridwing.audit.run.audited_tables", work)
    one = make([("elsewhere.jpg", "1", "0", "a", "R", "d")])
    with pytest.raises(EmbeddingError, match="not in the embedding table"):
        audit(one, embeddings=embedded)
    with pytest.raises(CatalogueError, match="--images"):
        audit(one, images=tmp_path / "nowhere")


def test_embeddings_made_elsewhere_are_matched_as_train_matches_them(
    make: Callable[..., Catalogue], embedded: EmbeddingTable
) -> None:
    def rows(numbers: range) -> list[tuple[str, ...]]:
        return [(f"photos/{n}.jpg", f"CAM{n}", str(n % 2), "a x b" if n % 2 else "a", "R", "d") for n in numbers]

    train, test = make(rows(range(40))), make(rows(range(30, 50)), "test.csv")
    vectors = embedded.vectors[:48].copy()
    vectors[45] = vectors[0]
    ours = dataclasses.replace(embedded, uuids=tuple(f"photos/{n}.jpg" for n in range(48)), vectors=vectors)
    expected = audit(train, embeddings=ours, references=[test])
    copies = next(finding for finding in expected.findings if finding.key == "copies among the embeddings")
    assert ("photos/0.jpg", "photos/45.jpg") in {(row[0], row[2]) for row in copies.evidence[0].rows}
    elsewhere = BackboneSpec.elsewhere(vectors.shape[1])
    for keys in ("photos/{}.jpg", "{}.jpg", "{}", "CAM{}"):
        table = EmbeddingTable(tuple(keys.format(n) for n in range(48)), vectors, elsewhere)
        assert audit(train, embeddings=table, references=[test]) == expected
    few = EmbeddingTable(tuple(f"CAM{n}" for n in range(35)), vectors[:35], elsewhere)
    again = make([(f"again/{row[0]}", *row[1:]) for row in rows(range(30, 50))], "test.csv")
    keys = {finding.key for finding in audit(train, embeddings=few, references=[again]).findings}
    assert "no copies among the embeddings" in keys, "one row that two images of a specimen share is no copy"
    with pytest.raises(EmbeddingError, match="not one image of"):
        audit(train, embeddings=dataclasses.replace(few, uuids=tuple(f"x{n}" for n in range(35))))


def test_what_cannot_be_audited_is_refused(make: Callable[..., Catalogue]) -> None:
    one = make([("1.jpg", "1", "0", "a", "R", "d")])
    with pytest.raises(CatalogueError, match="no images to audit"):
        audit(one.select([]))
    with pytest.raises(CatalogueError, match="seed"):
        audit(one, seed=-1)


def test_json_holds_shares_and_intervals_and_no_path(collection: SimulatedCollection) -> None:
    report = audit(read_catalogue(collection.train), images=collection.images)
    text = report.to_json()
    assert str(collection.root) not in text
    rule = json.loads(text)["rules"][0]
    assert rule["recall"]["share"] == pytest.approx(rule["recall"]["count"] / rule["recall"]["total"])
    assert rule["recall"]["95%"][0] <= rule["recall"]["share"] <= rule["recall"]["95%"][1]


def test_wording() -> None:
    assert (counted(1, "class", "classes"), counted(2000, "image")) == ("1 class", "2,000 images")
    assert listed(["a"]) == "a"
    assert listed(list("abcd"), limit=2) == "a, b and 2 more"
