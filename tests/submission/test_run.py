# ruff: noqa: PTH208 - the order of os.listdir is what is tested
from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from hybridwing.embeddings.engine import embed_images
from hybridwing.errors import RunError, ScoringError, SubmissionError
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.runs.scoring import backbone_of, score_images
from hybridwing.submission.rehearse import stages
from hybridwing.submission.rehearse.environment import Environment, find_python, fresh_environment, running_environment
from hybridwing.submission.rehearse.rehearsal import run_submission
from hybridwing.submission.rehearse.trial import Trial
from hybridwing.submission.rehearse.verdict import Account, read_account

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.submission.rehearse.verdict import SubmissionRun

pytestmark = pytest.mark.sandbox
GROUPS = ("major", "minor", "mimic")


@pytest.fixture
def album(tmp_path: Path) -> tuple[Path, Path]:
    """Twelve small pictures, a hybrid and three others of each group; names of hybrids begin with h."""
    images = tmp_path / "album"
    images.mkdir()
    lines = ["filename,hybrid_stat,ssp_indicator"]
    for group in GROUPS:
        for number in range(4):
            name = f"{'h' if number == 0 else 'n'}_{group}_{number}.png"
            Image.new("RGB", (8, 8), (60 * number, 0, 0)).save(images / name)
            lines.append(f"{name},{int(number == 0)},{group}")
    reference = tmp_path / "reference.csv"
    reference.write_text("\n".join(lines) + "\n")
    return images, reference


@pytest.fixture
def attempt(tmp_path: Path, album: tuple[Path, Path]) -> Callable[..., SubmissionRun]:
    """Run a submission whose `predict` has this body."""

    def run(body: str, load: str = "pass", top: str = "", requirements: str | None = None, **options: Any) -> Any:
        folder = tmp_path / "submission"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        text = f"import os\n{top}\nclass Model:\n    def load(self):\n        {load}\n    def predict(self, image):\n"
        (folder / "model.py").write_text(text + f"        name = os.path.basename(image.filename)\n        {body}\n")
        if requirements is not None:
            (folder / "requirements.txt").write_text(requirements)
        settings: dict[str, Any] = {"overwrite": True, "time_limit": 60.0, **options}
        return run_submission(folder, *album, tmp_path / "out", **settings)

    return run


GOOD = "return 0.123456 + 0.5 * name.startswith('h')"


def test_every_score_is_the_library_s(ran, collection):
    result = ran.result
    assert result.accepted, result.problem
    predicted = read_predictions(ran.folder / "predictions.txt")
    names = predicted.filenames.to_pylist()
    assert sorted(names) == sorted(os.listdir(collection.images))
    items = [(name, collection.images / name) for name in names]
    table = embed_images(items, backbone_of(collection.run), workers=1)
    assert predicted.scores.tolist() == score_images(collection.run.detector("svm"), table, names).tolist()
    official = score_files(ran.folder / "predictions.txt", collection.test, allow_extra=True)
    assert (ran.folder / "scores.json").read_text() == official.to_json()
    assert result.scores == official.leaderboard()
    assert result.seconds_for_test > result.account.seconds["predict"]


def test_predictions_are_written_as_the_official_program_writes_them(attempt, album, tmp_path):
    images, _ = album
    (images / "folder").mkdir()
    (images / "notes.txt").write_text("no image")
    result = attempt(GOOD)
    text = (tmp_path / "out" / "predictions.txt").read_text()
    names = [name for name in os.listdir(images) if name.endswith(".png")]
    lines = [f"{name},{round(0.123456 + 0.5 * name.startswith('h'), 4)}" for name in names]
    assert text.splitlines() == lines
    # The official program leaves the newline out after the last file of the folder, whatever became of that file.
    assert text.endswith("\n") == (not os.listdir(images)[-1].endswith(".png"))
    assert result.accepted
    assert result.scores["challenge_score"] == 1.0
    assert result.account.n_skipped == 1
    assert any("notes.txt" in note for note in result.notes)


def test_the_folder_of_a_run_tells_all(attempt, tmp_path):
    attempt(GOOD, load="self.device = 'cpu'; print('hello')")
    out = tmp_path / "out"
    verdict = json.loads((out / "verdict.json").read_text())
    assert verdict["accepted"] is True
    assert verdict["account"]["device"] == "cpu"
    assert [stage["name"] for stage in verdict["stages"]] == ["requirements", "ingestion", "scoring"]
    assert "hello" in (out / "ingestion.log").read_text()
    assert "Codabench would accept and score this." in (out / "detailed_results.html").read_text()
    assert json.loads((out / "scores.json").read_text()) == verdict["scores"]
    with pytest.raises(RunError, match="exists already"):
        attempt(GOOD, overwrite=False)


BROKEN = [
    ("return 0.1 if image.size else None", {"load": "import nothing_of_this_name"}, "load", "requirements.txt"),
    ("return 1 / 0", {}, "predict failed at", "mend the error"),
    ("return 'x'", {}, "predict failed at", "float"),
    ("return [0.5]", {}, "predict failed at", "float"),
    ("return float('nan')", {}, "the scoring program would stop", "finite"),
    ("return 0.5", {"load": "open('weights.npz')"}, "load", "__file__"),
    ("return 0.5", {"load": "self.missing()"}, "load", "mend"),
    ("return 0.5", {"top": "raise ImportError('odd')"}, "importing", "mend"),
    (GOOD, {"requirements": "numpy==1.26.4\n\n"}, "line 2", "delete the line"),
    (GOOD, {"requirements": "pillow==12.0.0\n"}, "line 1", "write Pillow==12.0.0"),
    (GOOD, {"requirements": "skops==0.10\n"}, "line 1", "ask the organisers"),
    ("os._exit(0)", {}, "stop: predictions.txt: the file is empty", "finite score"),
    ("os.remove(os.path.join(os.environ['PWD'], 'x'))", {}, "predict failed", ""),
    ("while True: pass", {"time_limit": 2.0}, "was stopped after", "faster"),
    ("return bytearray(2 ** 31) and 0.5", {"memory": 2**29}, "", ""),
    ("import socket; socket.create_connection(('example.org', 80))", {}, "predict failed", "bundle the weights"),
]


@pytest.mark.parametrize(("body", "options", "problem", "remedy"), BROKEN, ids=[str(n) for n in range(len(BROKEN))])
def test_what_fails_there_fails_here_and_says_what_to_do(attempt, body, options, problem, remedy):
    result = attempt(body, **options)
    assert not result.accepted
    assert problem in result.problem
    assert remedy in result.remedy
    assert result.scores is None


def test_a_zipped_folder_is_the_commonest_failure(album, tmp_path):
    with zipfile.ZipFile(tmp_path / "nested.zip", "w") as archive:
        archive.writestr("submission/model.py", "class Model: ...")
    result = run_submission(tmp_path / "nested.zip", *album, tmp_path / "out")
    assert "No module named 'model'" in result.problem
    assert "root of the zip" in result.remedy


def test_a_class_of_another_name_or_without_methods(album, tmp_path):
    for text, problem in (("class Mode: ...", "Model"), ("class Model: ...", "load")):
        folder = tmp_path / problem
        folder.mkdir()
        (folder / "model.py").write_text(text)
        result = run_submission(folder, *album, tmp_path / f"out_{problem}")
        assert f"'{problem}'" in result.problem
        assert "class Model" in result.remedy


def test_an_image_that_is_skipped_is_missed_by_the_scoring(attempt, album):
    images, _ = album
    (images / "h_minor_0.png").write_bytes(b"no image any more")
    result = attempt(GOOD)
    assert "h_minor_0.png" in result.problem
    assert "Pillow cannot open" in result.remedy


def test_oddities_that_fail_nothing_are_noted(attempt):
    result = attempt("import numpy as np; return np.float64(0.5)", requirements="numpy\n")
    assert result.accepted
    text = "\n".join(result.notes)
    assert "no version" in text
    assert "numpy.float64" in text
    assert "only 1 different scores" in text
    assert "0 or 1 after rounding" in "\n".join(attempt("return 1e-9 + name.startswith('h')").notes)


def test_what_takes_longer_than_the_limit_fails_however_well_it_scored(tmp_path):
    trial = Trial(tmp_path, tmp_path, tmp_path, time_limit=60, memory=2**30)
    assert trial.add("install", 50.0, "done")
    assert trial.result("x", "y").accepted
    assert trial.result("x", "y").seconds_for_test is None
    assert trial.limits.seconds == 10
    assert trial.add("ingestion", 11.0, "done")
    result = trial.result("x", "y")
    assert "took longer than 60 s" in result.problem
    assert trial.limits.seconds == 1


def test_isolated_installs_the_requirements_and_what_the_container_has(attempt, monkeypatch):
    asked: list[list[str]] = []

    def fresh(folder: Path, requirements: list[str], **_: Any) -> Environment:
        asked.append(list(requirements))
        if "torch==0.0.1" in requirements:
            raise SubmissionError("pip install torch==0.0.1: no matching distribution")
        return Environment(running_environment().python, "Python of a test", "pip said", 1.0)

    monkeypatch.setattr(stages, "fresh_environment", fresh)
    result = attempt(GOOD, requirements="numpy==2.2.6\n", isolated=True)
    assert result.accepted
    assert result.interpreter == "Python of a test"
    assert asked == [["numpy==2.2.6", "Pillow"]]
    failed = attempt(GOOD, requirements="Pillow==12.3.0\ntorch==0.0.1\n", isolated=True)
    assert asked[1] == ["Pillow==12.3.0", "torch==0.0.1"]
    assert failed.stages[-1].name == "install"
    assert "no matching distribution" in failed.problem


def test_a_fresh_environment_has_nothing_of_this_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SubmissionError, match=r"pip install numpy==0\.0\.1: ended with exit code 1.*No matching"):
        fresh_environment(tmp_path / "new", ["pip", "numpy==0.0.1"])
    with pytest.raises(SubmissionError, match="-m venv failed"):
        fresh_environment(tmp_path / "none", [], python=Path("/bin/false"))


def test_python_3_10_is_taken_only_where_it_answers(tmp_path, monkeypatch):
    script = tmp_path / "python3.10"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python() == Path(os.sys.executable)
    script.write_text("#!/bin/sh\necho not installed >&2\nexit 127\n")
    script.chmod(0o755)
    assert find_python() == Path(os.sys.executable)
    script.write_text("#!/bin/sh\necho 3 10 4\n")
    assert find_python() == script


def test_a_forged_account_explains_nothing_and_decides_nothing(tmp_path, attempt):
    path = tmp_path / "account.json"
    assert read_account(path) == Account()
    for text in ("{", "[]", '{"stage": 1}', "[" * 100_000, "x" * 2_000_000):
        path.write_text(text)
        assert read_account(path) == Account()
    link = tmp_path / "link.json"
    link.symlink_to("/etc/passwd")
    assert read_account(link) == Account()
    forging = "open(os.path.join(__import__('sys').argv[2], 'account.json'), 'w').write('{}'); return 1 / 0"
    result = attempt(forging)
    assert not result.accepted


def test_a_link_in_the_place_of_the_predictions_is_not_followed(attempt, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("h_major_0.png,0.5")
    body = (
        "p = os.path.join(__import__('sys').argv[2], 'predictions.txt'); os.path.islink(p) or "
        f"(os.remove(p), os.symlink({str(secret)!r}, p)); return 0.5"
    )
    result = attempt(body)
    assert "without predictions.txt" in result.problem
    assert not (tmp_path / "out" / "predictions.txt").exists()


def test_our_own_inputs_are_checked_first(built, collection, tmp_path, album):
    images, reference = album
    with pytest.raises(SubmissionError, match="no folder of images"):
        run_submission(built, tmp_path / "none", collection.test, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SubmissionError, match="holds no files"):
        run_submission(built, tmp_path / "empty", collection.test, tmp_path / "out")
    with pytest.raises(ScoringError):
        run_submission(built, images, collection.train, tmp_path / "out")
    with pytest.raises(SubmissionError, match="must be positive"):
        run_submission(built, images, reference, tmp_path / "out", time_limit=0)
    with pytest.raises(SubmissionError, match="no such file"):
        run_submission(tmp_path / "none.zip", images, reference, tmp_path / "out")
    (tmp_path / "latin").mkdir()
    (tmp_path / "latin" / "requirements.txt").write_bytes(b"numpy\xff")
    result = run_submission(tmp_path / "latin", images, reference, tmp_path / "out")
    assert "no UTF-8 text" in result.problem
    assert np.isfinite(result.seconds)
