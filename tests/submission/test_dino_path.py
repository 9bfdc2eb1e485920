"""The challenge sample's DINO path with real weights, from the downloaded table to the published repository."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.request import Backbone
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.embed import embed
from hybridwing.embeddings.engine import embed_images
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.leaderboard.comparing import compare_places
from hybridwing.runs.scoring import score_images
from hybridwing.runs.train import train
from hybridwing.submission.build.building import build_submission
from hybridwing.submission.check.checking import check_submission
from hybridwing.submission.publish.citation import Citation
from hybridwing.submission.publish.publishing import publish
from hybridwing.submission.rehearse.rehearsal import PREDICTIONS, run_submission
from hybridwing.submission.rehearse.submission_run import Conditions
from hybridwing.submission.sandbox.bubblewrap import why_no_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = [pytest.mark.torch, pytest.mark.slow]
#: Two of the sample's classifiers; the third is held to the library's scores in tests/detectors.
DETECTORS = ("svm", "knn")


def some_rows(source: Path, target: Path, columns: Iterable[str], count: int) -> list[str]:
    """Write the first rows of each kind to a table of the same form; the names of their images."""
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    seen: dict[tuple[str, ...], int] = {}
    chosen = []
    for row in rows:
        kind = tuple(row[column] for column in columns)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= count:
            chosen.append(row)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(chosen)
    return [row["filename"] for row in chosen]


def tables(shared: Path, folder: Path) -> tuple[Path, Path, Path]:
    """A training table and a reference table in the challenge's forms, and the folder of their images."""
    source = shared / "silhouettes"
    if not source.is_dir():
        pytest.skip(f"no silhouettes at {source}")
    images = source / "images"
    some_rows(source / "train.csv", folder / "train.csv", ["hybrid_stat"], 10)
    names = some_rows(source / "ref_val.csv", folder / "ref.csv", ["ssp_indicator", "hybrid_stat"], 1)
    (folder / "images").mkdir()
    for name in names:
        (folder / "images" / name).symlink_to((images / name).resolve())
    return folder / "train.csv", folder / "ref.csv", images


def test_the_sample_s_dino_path(shared, tmp_path):
    pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    if not (shared / "weights" / "dinov2-small").is_dir():
        pytest.skip(f"no dinov2-small in {shared / 'weights'}")
    # As a submission computes, so that scores are the same to the last digit.
    compute = Compute(device="cpu", precision="fp32", runtime="torch", weights=shared / "weights")
    catalogue, reference, images = tables(shared, tmp_path)
    table = read_catalogue(catalogue)
    embedded = embed(table, images, Backbone("dinov2-small", preprocess="sample"), compute=compute)
    spec = embedded.backbone
    assert (spec.feature, spec.dimension, spec.resize) == ("cls+patches", 2 * 384, "sample")
    run = train(table, embedded, tmp_path / "run", detectors=DETECTORS, split_method="stratified", test_fraction=0.3)
    places = []
    for name in DETECTORS:
        # A zip of its weights takes seconds, so one is made.
        built = build_submission(run, tmp_path / name, detector=name, archive=name == "svm", compute=compute)
        submission = built.archive or built.folder
        assert not [one for one in check_submission(submission, static=True).checks if one.status == "fail"]
        ran = tmp_path / f"{name}-ran"
        conditions = Conditions(trust=bool(why_no_sandbox()), time_limit=3600)
        result = run_submission(submission, tmp_path / "images", reference, ran, conditions=conditions)
        assert result.accepted, result.problem
        assert set(result.scores) >= {"challenge_score", "mimic_recall", "A_score_minor_recall"}
        predicted = read_predictions(ran / PREDICTIONS)
        names = [str(one) for one in predicted.filenames.tolist()]
        if not places:
            items = [(one, images / one) for one in names]
            ours = embed_images(items, run.load_backbone(compute=compute), compute)
        np.testing.assert_allclose(predicted.scores, score_images(run.detector(name), ours, names), atol=1e-4)
        places.append(ran)
    compared = compare_places(places, reference, resamples=20)
    assert len(compared.systems) == len(DETECTORS)
    fields = {"title": "The sample's DINO path", "authors": [{"name": "The Group"}], "date-released": "2026-01-01"}
    citation = Citation.model_validate(fields)
    made = publish(run, tmp_path / "svm.zip", tmp_path / "repository", citation, catalogue=table)
    assert (made.folder / "submission" / "weights" / "model.safetensors").is_file()
    commands = (made.folder / "training" / "commands.sh").read_text(encoding="utf-8")
    assert "--backbone dinov2-small" in commands
    assert str(shared) not in commands
