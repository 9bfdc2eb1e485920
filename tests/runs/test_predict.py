"""Rankings: order, threshold, what is written, and what happens to files that are no pictures."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hybridwing.csv_files import read_cell
from hybridwing.detectors.calibration import threshold_at
from hybridwing.embeddings.embed import embed
from hybridwing.embeddings.table import Failure
from hybridwing.errors import DetectorError, EmbeddingError, HybridwingError, RunError
from hybridwing.runs.predict import COLUMNS, RankedImage, RankedImages, predict
from hybridwing.runs.run import load_run
from hybridwing.runs.train import train

HEADER = list(COLUMNS)


@pytest.fixture
def run(album, stub, tmp_path):
    table = album.read()
    return train(
        table,
        embed(table, album.images),
        tmp_path / "run",
        detectors=("svm", "knn"),
        split_method="random",
        test_fraction=0.5,
    )


@pytest.fixture
def folder(album, tmp_path) -> Path:
    """A handful of the photographs in a folder of their own."""
    new = tmp_path / "new"
    new.mkdir()
    for name in ("00.png", "01.png", "02.png", "04.png", "05.png"):
        shutil.copy(album.images / name, new / name)
    return new


def written(ranking: RankedImages, path: Path) -> list[list[str]]:
    ranking.write(path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def test_the_order_is_by_falling_score_and_then_by_path(run, folder):
    ranking = predict(run, [folder])
    assert [image.rank for image in ranking.images] == [1, 2, 3, 4, 5]
    keys = [(-image.score, str(image.path)) for image in ranking.images]
    assert keys == sorted(keys)
    assert ranking.detector == run.manifest.best_detector
    assert {image.path.name for image in ranking.images[:2]} == {"00.png", "04.png"}, "the red ones are the hybrids"


def test_equal_images_score_alike_and_rank_by_path(run, folder):
    for name in ("z.png", "a.png", "m.png"):
        shutil.copy(folder / "00.png", folder / name)
    ranking = predict(run, [folder], detector="knn")
    same = [image for image in ranking.images if image.path.name in {"00.png", "a.png", "m.png", "z.png"}]
    assert len({image.score for image in same}) == 1
    assert [image.path.name for image in same] == ["00.png", "a.png", "m.png", "z.png"]


@pytest.mark.parametrize("detector", ["svm", "knn"])
def test_an_image_that_scores_as_the_threshold_is_no_hybrid(run, album, detector):
    """The held-out image that sets the threshold keeps to its own side, rounding or not."""
    ranking = predict(run, [album.images], detector=detector, tnr=0.9)
    exact = threshold_at(run.detector(detector), 0.9)
    assert ranking.threshold == round(exact, 4)
    at = [image for image in ranking.images if image.score == ranking.threshold]
    assert at
    assert not any(image.is_hybrid for image in at)
    assert all(image.is_hybrid == (image.score > ranking.threshold) for image in ranking.images)


def test_as_many_non_hybrids_pass_as_promised(run, album):
    table = album.read()
    labels = dict(zip(table.uuids, table.labels, strict=True))
    from hybridwing.catalogue.splits import split

    held_out = set(table.uuids[split(table, test_fraction=0.5).test])
    for tnr in (0.5, 0.8, 0.9):
        images = predict(run, [album.images], tnr=tnr).images
        others = [i for i in images if i.path.name in held_out and not labels[i.path.name]]
        assert np.mean([not image.is_hybrid for image in others]) >= tnr


def test_places_may_be_files_folders_and_the_same_twice(run, folder):
    ranking = predict(run, [folder / "02.png", folder, folder / "02.png", folder])
    assert sorted(image.path.name for image in ranking.images) == ["00.png", "01.png", "02.png", "04.png", "05.png"]


def test_bad_files_come_last_with_the_reason(run, folder, tmp_path):
    (folder / "03.jpg").write_bytes(b"no picture")
    (folder / "06.png").write_bytes((folder / "00.png").read_bytes()[:40])
    (folder / "notes.txt").write_text("not looked at")
    ranking = predict(run, [folder])
    assert len(ranking.images) == 5
    assert [Path(failure.path).name for failure in ranking.failures] == ["03.jpg", "06.png"]
    lines = written(ranking, tmp_path / "deep" / "ranked.csv")
    assert lines[0] == HEADER
    assert [line[0] for line in lines[1:]] == ["1", "2", "3", "4", "5", "", ""]
    assert [line[2:4] for line in lines[-2:]] == [["", ""], ["", ""]]
    assert [bool(line[7]) for line in lines[1:]] == [False] * 5 + [True] * 2
    assert lines[-2][7].startswith("open: not an image")


def test_what_is_written(run, folder, tmp_path):
    ranking = predict(run, [folder], tnr=0.9, detector="knn")
    lines = written(ranking, tmp_path / "ranked.csv")
    for line, image in zip(lines[1:], ranking.images, strict=True):
        verdict = "hybrid" if image.is_hybrid else "non-hybrid"
        expected = [
            str(image.rank),
            str(image.path),
            str(image.score),
            verdict,
            str(ranking.threshold),
            "0.9",
            "knn",
            "",
            image.reason,
        ]
        assert line[:9] == expected
        assert line[9:] == [""] * 15, "of one subspecies no parents can be told, and no prevalence is given"
        assert len(line[2].split(".")[1]) <= 4


@pytest.mark.parametrize(
    ("tnr", "message"),
    [
        (0, "must be within"),
        (1, "must be within"),
        (1.5, "must be within"),
        (-0.1, "must be within"),
        (float("nan"), "must be within"),
    ],
)
def test_rates_that_cannot_be_had(run, folder, tnr, message, stub):
    stub.images = 0
    with pytest.raises(DetectorError, match=message):
        predict(run, [folder], tnr=tnr)
    assert stub.images == 0


def test_a_rate_that_cannot_be_promised_still_ranks(run, folder, tmp_path):
    ranking = predict(run, [folder], tnr=0.999)
    n = len(run.detector().arrays["heldout_nonhybrid"])
    assert ranking.threshold is ranking.calibration is None
    assert f"needs at least 999 held-out non-hybrids and this detector has {n}, which can promise" in ranking.no_verdict
    assert f"{int(1000 * n / (n + 1)) / 1000:.3f} at most" in ranking.no_verdict
    assert [image.score for image in ranking.images] == sorted((i.score for i in ranking.images), reverse=True)
    assert {image.verdict for image in ranking.images} <= {"", "cannot tell"}
    assert {line[3] for line in written(ranking, tmp_path / "r.csv")[1:]} <= {"", "cannot tell"}


def test_what_cannot_be_ranked(run, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(HybridwingError, match=r"no images found in .*empty"):
        predict(run, [tmp_path / "empty"])
    with pytest.raises(HybridwingError, match="no images found in nothing"):
        predict(run, [])
    with pytest.raises(HybridwingError, match="no such file or folder"):
        predict(run, [tmp_path / "nowhere"])
    with pytest.raises(EmbeddingError, match="not one of 1 images could be embedded"):
        predict(run, [tmp_path / "bad.png"])
    with pytest.raises(RunError, match="has no detector 'sgd'"):
        predict(run, [folder], detector="sgd")


def test_progress_and_another_backbone(run, folder, stub, monkeypatch):
    seen = []
    predict(run, [folder], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)
    monkeypatch.setattr("hybridwing.backbones.load.load", lambda *_: type(stub)(weights="other"))
    with pytest.raises(RunError, match="is not the one"):
        predict(run, [folder])


AWKWARD = [
    "a,b.png",
    'a "b".png',
    "a\nb.png",
    "a\rb.png",
    "é 蝶 🦋.png",
    " lead.png",
    "=1+1.png",
    "-x.png",
    "@x.png",
    "+x.png",
]


def test_awkward_names_are_read_back(tmp_path):
    """A path is written so that no spreadsheet computes it, and is read back as it was."""
    images = tuple(RankedImage(i, Path(name), 0.5, False) for i, name in enumerate(AWKWARD, start=1))
    failures = tuple(Failure(name, name, "open", "empty") for name in AWKWARD)
    lines = written(RankedImages("svm", 0.95, 0.9, images, failures), tmp_path / "ranked.csv")
    paths = [line[1] for line in lines[1:]]
    assert [Path(read_cell(path)) for path in paths] == [Path(name) for name in AWKWARD] * 2
    assert not any(path.startswith(("=", "+", "-", "@")) for path in paths)
    assert all(len(line) == len(HEADER) for line in lines)


def test_a_name_that_is_not_unicode_is_written_legibly(tmp_path):
    path = Path(os.fsdecode(b"caf\xe9.png"))
    RankedImages("svm", 0.95, 0.9, (RankedImage(1, path, 0.5, False),), ()).write(tmp_path / "ranked.csv")
    assert b"caf\\udce9.png" in (tmp_path / "ranked.csv").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not have")
def test_awkward_files_are_ranked(run, folder):
    for name in AWKWARD:
        Image.new("RGB", (6, 6), (200, 10, 10)).save(folder / name.replace("/", ""), format="png")
    ranking = predict(run, [folder])
    assert {image.path.name for image in ranking.images} >= set(AWKWARD)
    assert ranking.failures == ()


def test_files_that_were_not_looked_at_are_named(run, folder):
    (folder / "raw.CR2").write_bytes(b"x")
    assert [path.name for path in predict(run, [folder]).left_out] == ["raw.CR2"]


def test_the_threshold_says_what_it_promises_and_a_flag_what_it_is_worth(run, folder, tmp_path):
    ranking = predict(run, [folder], tnr=0.9, prevalence=0.2)
    known = ranking.calibration
    assert known is not None
    assert known.value == ranking.threshold
    assert known.achieved.share >= 0.9
    assert known.true_rate.low < known.true_rate.high
    assert ranking.flag is not None
    assert 0 <= ranking.flag.interval.low <= ranking.flag.probability <= ranking.flag.interval.high <= 1
    flagged = [line[-3] for line in written(ranking, tmp_path / "r.csv")[1:]]
    assert [bool(cell) for cell in flagged] == [image.is_hybrid for image in ranking.images]
    assert predict(run, [folder], tnr=0.9).flag is None
    with pytest.raises(DetectorError, match="prevalence"):
        predict(run, [folder], prevalence=1.5)


def test_images_unlike_training_have_no_verdict_and_come_last(run, folder, tmp_path):
    Image.new("RGB", (12, 9), (0, 255, 0)).save(folder / "aa.png")
    ranking = predict(run, [folder], tnr=0.9)
    last = ranking.images[-1]
    assert last.path.name == "aa.png"
    assert last.verdict == "cannot tell"
    assert last.reason.startswith("unlike the training images")
    assert not last.is_hybrid
    assert last.looks is None
    assert {image.verdict for image in ranking.images[:-1]} <= {"hybrid", "non-hybrid"}
    line = written(ranking, tmp_path / "r.csv")[-1]
    assert line[3] == "cannot tell"
    assert line[8] == last.reason


def test_parents_are_told_where_the_run_knows_subspecies(trained, data, tmp_path):
    places = [data.images / str(name) for name in data.test.table["filename"][:12]]
    ranking = predict(trained, places, tnr=0.9)
    assert ranking.lacking == ()
    for image in ranking.images:
        assert (image.looks is None) == bool(image.reason)
    lines = written(ranking, tmp_path / "r.csv")
    column = COLUMNS.index("parent_1")
    told = [line for line in lines[1:] if line[column]]
    assert told
    assert all(name.isalpha() for line in told for name in [line[column]]), "names, not the training table's codes"
    assert all(0 <= float(line[column + 2]) <= 1 for line in told)
    for line in lines[1:]:
        cells = dict(zip(COLUMNS, line, strict=True))
        hybrid, named = cells["verdict"] == "hybrid", cells["verdict"] != "cannot tell"
        assert bool(cells["parent_1"]) == bool(cells["parent_2"]) == bool(cells["hybrid_index"]) == hybrid
        assert bool(cells["identity_1"]) == (named and not hybrid)
        assert not hybrid or float(cells["hybrid_index"]) > 0


def test_a_run_of_before_still_predicts_and_says_what_it_does_not_know(trained, data, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(trained.folder, old)
    (old / "typicality.npz").unlink()
    (old / "parents.npz").unlink()
    places = [data.images / str(name) for name in data.test.table["filename"][:3]]
    ranking = predict(load_run(old), places, tnr=0.9)
    assert {image.verdict for image in ranking.images} <= {"hybrid", "non-hybrid"}
    assert [image.looks for image in ranking.images] == [None] * 3
    assert len(ranking.lacking) == 2
    now = predict(trained, places, tnr=0.9)
    assert {i.path: i.score for i in ranking.images} == {i.path: i.score for i in now.images}


def test_a_damaged_file_of_a_run_is_named(trained, data, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(trained.folder, broken)
    (broken / "parents.npz").write_bytes(b"no archive")
    with pytest.raises(RunError, match=r"parents\.npz cannot be read"):
        predict(load_run(broken), [data.images / str(data.test.table["filename"][0])], tnr=0.9)
    (broken / "parents.npz").unlink()
    (broken / "scores.csv").write_text("detector,score\nsvm,x\nknn,x\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"scores\.csv cannot be read"):
        predict(load_run(broken), [data.images / str(data.test.table["filename"][0])], tnr=0.9, prevalence=0.1)
