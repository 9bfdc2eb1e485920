"""The verbs about submissions and leaderboards, called as from a terminal."""

from __future__ import annotations

import csv
import shutil

import pandas as pd
import pytest

from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.embed import embed
from hybridwing.submission.package.requirements import read_requirements
from hybridwing.submission.publish.citation import EXAMPLE
from hybridwing.submission.sandbox.bubblewrap import why_no_sandbox

#: Without a sandbox what the tests made is run all the same.
TRUST = ["--trust"] if why_no_sandbox() else []
FAULTS = [
    (["build", "RUN", "--out", "OUT", "--pin", "torch==1"], "NAME==VERSION"),
    (["run", "none.zip", "--images", "IMAGES", "--reference", "TEST", "--out", "OUT", "--trust"], "no such file"),
    (["run", "RUN", "--images", "IMAGES", "--out", "OUT", "--trust"], "--reference is not named"),
    (["publish", "RUN", "RUN", "--out", "OUT", "--citation", "x", "--evaluation", "RUN"], "go together"),
    (["publish", "RUN", "RUN", "--out", "OUT", "--citation", "x.cff"], "there is no x.cff. Write one, for example"),
    (["publish", "RUN", "RUN", "--out", "OUT", "--citation", "TRAIN"], "a table of names and values is needed"),
]  # fmt: skip


@pytest.fixture(scope="module")
def submission(files, tmp_path_factory):
    """A run and what was built from it, on the photographs themselves."""
    from hybridwing.runs.train import train
    from hybridwing.submission.build.building import build_submission

    root = tmp_path_factory.mktemp("submission")
    table = read_catalogue(files.train)
    run = train(
        table,
        embed(table, files.images),
        root / "run",
        detectors=("svm",),
        split_method="stratified",
        test_fraction=0.3,
    )
    build_submission(run, root / "built", archive=True)
    return root


@pytest.fixture(scope="module")
def asked(files, tmp_path_factory):
    """What `submission run` is asked about: a few photographs of each group of the test table."""
    root = tmp_path_factory.mktemp("asked")
    some = pd.read_csv(files.test).groupby(["ssp_indicator", "hybrid_stat"]).head(2)
    some.to_csv(root / "some.csv", index=False)
    (root / "images").mkdir()
    for name in some["filename"]:
        shutil.copy(files.images / name, root / "images")
    return "--images", root / "images", "--reference", root / "some.csv"


@pytest.mark.slow
def test_build_writes_a_folder_and_a_zip(call, files, tmp_path):
    answer = call("submission", "build", files.run, "--detector", "knn", "--out", tmp_path / "built", "--zip")
    assert answer.code == 0, answer.err
    assert "detector knn" in answer.out
    assert "sha256" in answer.out
    assert (tmp_path / "built.zip").is_file()
    text = (tmp_path / "built" / "requirements.txt").read_text()
    assert all(line.status == "accepted" for line in read_requirements(text))
    again = call("submission", "build", files.run, "--out", tmp_path / "built")
    assert again.code == 2
    assert "exists already" in again.err
    assert call("submission", "build", files.run, "--out", tmp_path / "built", "--overwrite").code == 0


def test_recipes_are_training_commands(call):
    listed = call("submission", "recipes")
    assert listed.code == 0
    for name in ("bioclip-svm", "bioclip-sgd", "dino-sgd", "pattern-svm"):
        assert name in listed.out
    assert "--backbone dinov2-base --detector sgd --split random --test-fraction 0.2 --seed 42" in listed.out


@pytest.mark.slow
def test_run_accepts_what_was_built(call, asked, submission, tmp_path):
    answer = call("submission", "run", submission / "built.zip", *asked, *TRUST, "--out", tmp_path / "ran")
    assert answer.code == 0, answer.err
    assert "result: Codabench would accept and score this" in answer.out
    assert "challenge_score" in answer.out
    assert "the 2350 test images would take about" in answer.out
    assert "ran in " in answer.err


def test_run_says_what_fails_and_what_to_do(call, files, submission, tmp_path):
    shutil.copytree(submission / "built", tmp_path / "outer" / "built")
    command = ["submission", "run", tmp_path / "outer", "--images", files.images, "--reference", files.test]
    answer = call(*command, *TRUST, "--out", tmp_path / "ran")
    assert answer.code == 1
    assert "No module named 'model'" in answer.out
    assert "remedy: zip the files and not their folder" in answer.out
    assert "Traceback" not in answer.out + answer.err


@pytest.mark.slow
def test_leaderboard_and_publish(call, files, asked, submission, tmp_path):
    reference = asked[2:]
    assert call("submission", "run", submission / "built", *asked, *TRUST, "--out", tmp_path / "ran").code == 0
    places = [tmp_path / "ran", submission / "run"]
    options = ["--resamples", "20", "--no-cache", "--out", tmp_path / "board"]
    answer = call("leaderboard", *places, *asked, *options)
    assert answer.code == 0, answer.err
    assert "difference to ran" in answer.out
    with (tmp_path / "board" / "leaderboard.csv").open(newline="") as file:
        assert {row["system"] for row in csv.DictReader(file)} == {"ran", "run svm"}
    assert "<svg" in (tmp_path / "board" / "leaderboard.html").read_text()
    assert call("leaderboard", tmp_path / "ran", *reference, "--resamples", "5").code == 0
    (tmp_path / "CITATION.cff").write_text(EXAMPLE)
    flags = ["--citation", tmp_path / "CITATION.cff", "--catalogue", files.train]
    scored = ["--evaluation", tmp_path / "ran", *reference]
    made = call(
        "submission",
        "publish",
        submission / "run",
        submission / "built.zip",
        "--out",
        tmp_path / "repo",
        *flags,
        *scored,
    )
    assert made.code == 0, made.err
    assert "git init" in made.out
    assert "| Challenge Score |" in (tmp_path / "repo" / "README.md").read_text()


@pytest.mark.parametrize(("words", "problem"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_faults_are_one_clear_line(call, files, tmp_path, words, problem):
    places = {
        "RUN": files.run,
        "OUT": tmp_path / "out",
        "TRAIN": files.train,
        "TEST": files.test,
        "IMAGES": files.images,
    }
    answer = call("submission", *(places.get(word, word) for word in words))
    assert answer.code == 2
    assert problem in answer.err
    assert answer.err.count("error:") == 1
    assert "Traceback" not in answer.err
    assert not (tmp_path / "out").exists()


def test_run_without_a_sandbox_asks_for_trust(call, files, submission, tmp_path, monkeypatch):
    monkeypatch.setattr("hybridwing.submission.sandbox.run_program.why_no_sandbox", lambda: "bubblewrap is missing")
    command = ["submission", "run", submission / "built", "--images", files.images, "--reference", files.test]
    answer = call(*command, "--out", tmp_path / "ran")
    assert answer.code == 2
    assert "bubblewrap is missing, so the submission would run with all your rights" in answer.err
    assert "--trust" in answer.err
    assert not (tmp_path / "ran").exists()
