# ruff: noqa: PTH208 - the order of os.listdir is what is tested
from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hybridwing.errors import RunError, ScoringError, SubmissionError
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.runs.scoring import score_images
from hybridwing.submission.rehearse import stages
from hybridwing.submission.rehearse.environment import find_python, fresh_environment
from hybridwing.submission.rehearse.rehearsal import run_submission
from hybridwing.submission.rehearse.submission_run import (
    REPORT,
    Conditions,
    IngestionReport,
    RehearsalState,
    SubmissionRun,
    read_report,
)
from hybridwing.submission.sandbox.bubblewrap import why_no_sandbox
from hybridwing.submission.sandbox.interpreter import running_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.submission.sandbox.interpreter import Interpreter

pytestmark = pytest.mark.sandbox
GROUPS = ("major", "minor", "mimic")
#: Without a sandbox what the tests made is run all the same.
TRUST = bool(why_no_sandbox())
posix = pytest.mark.skipif(os.name == "nt", reason="a POSIX system is needed")
needs_sandbox = pytest.mark.skipif(TRUST, reason=why_no_sandbox() or "there is a sandbox")


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
        overwrite = options.pop("overwrite", True)
        conditions = Conditions(**{"time_limit": 60.0, "trust": TRUST, **options})
        return run_submission(folder, *album, tmp_path / "out", conditions=conditions, overwrite=overwrite)

    return run


GOOD = "return 0.123456 + 0.5 * name.startswith('h')"


def test_every_score_is_the_library_s(ran, collection, small_embeddings):
    result = ran.result
    assert result.accepted, result.problem
    predicted = read_predictions(ran.folder / "predictions.txt")
    names = predicted.filenames.tolist()
    assert sorted(names) == sorted(pd.read_csv(collection.test)["filename"])
    expected = score_images(collection.run.detector("svm"), small_embeddings, names)
    assert predicted.scores.tolist() == expected.tolist()
    official = score_files(ran.folder / "predictions.txt", collection.test, allow_extra=True)
    assert (ran.folder / "scores.json").read_text() == official.to_json()
    assert result.scores == official.leaderboard()
    assert result.seconds_for_test > result.ingestion.seconds["predict"]


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
    assert result.ingestion.n_skipped == 1
    assert any("notes.txt" in note for note in result.notes)


def test_the_folder_of_a_run_tells_all(attempt, tmp_path):
    attempt(GOOD, load="print('hello')")
    out = tmp_path / "out"
    written = json.loads((out / "submission_run.json").read_text())
    assert written["accepted"] is True
    assert [stage["name"] for stage in written["stages"]] == ["requirements", "ingestion", "scoring"]
    assert "hello" in (out / "ingestion.log").read_text()
    assert "Codabench would accept and score this." in (out / "detailed_results.html").read_text()
    assert json.loads((out / "scores.json").read_text()) == written["scores"]
    with pytest.raises(RunError, match="exists already"):
        attempt(GOOD, overwrite=False)


BROKEN = [
    ("return 0.1 if image.size else None", {"load": "import nothing_of_this_name"}, "load", "requirements.txt"),
    ("return 1 / 0", {}, "predict failed at", "mend the error"),
    ("return 'x'", {}, "predict failed at", "float"),
    ("return float('nan')", {}, "the scoring program would stop", "finite"),
    ("return 0.5", {"load": "open('weights.npz')"}, "load", "__file__"),
    ("return 0.5", {"top": "raise ImportError('odd')"}, "importing", "mend"),
    (GOOD, {"requirements": "numpy==1.26.4\n\n"}, "line 2", "delete the line"),
    (GOOD, {"requirements": "pillow==12.0.0\n"}, "line 1", "write Pillow==12.0.0"),
    (GOOD, {"requirements": "skops==0.10\n"}, "line 1", "ask the organisers"),
    ("os._exit(0)", {}, "stop: predictions.txt: the file is empty", "finite score"),
    ("while True: pass", {"time_limit": 2.0}, "was stopped after", "faster"),
    ("print('x' * 2**25); return 0.5", {}, "the ingestion was stopped after printing 16 MB", "print less"),
    ("import socket; socket.create_connection(('example.org', 80))", {}, "predict failed", "bundle the weights"),
]


@pytest.mark.parametrize(("body", "options", "problem", "remedy"), BROKEN, ids=[str(n) for n in range(len(BROKEN))])
def test_what_fails_there_fails_here_and_says_what_to_do(attempt, body, options, problem, remedy):
    if TRUST and "create_connection" in body:
        pytest.skip("there is a network without a sandbox")
    result = attempt(body, **options)
    assert not result.accepted
    assert problem in result.problem
    assert remedy in result.remedy
    assert result.scores is None


def test_a_zipped_folder_is_the_commonest_failure(album, tmp_path):
    with zipfile.ZipFile(tmp_path / "nested.zip", "w") as archive:
        archive.writestr("submission/model.py", "class Model: ...")
    result = run_submission(tmp_path / "nested.zip", *album, tmp_path / "out", conditions=Conditions(trust=TRUST))
    assert "No module named 'model'" in result.problem
    assert "root of the zip" in result.remedy


def test_a_class_of_another_name_or_without_methods(album, tmp_path):
    for text, problem in (("class Mode: ...", "Model"), ("class Model: ...", "load")):
        folder = tmp_path / problem
        folder.mkdir()
        (folder / "model.py").write_text(text)
        result = run_submission(folder, *album, tmp_path / f"out_{problem}", conditions=Conditions(trust=TRUST))
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


@pytest.mark.parametrize(("name", "told"), [("metadata", False), ("metadata.yaml", False), ("meta", True)])
def test_missing_metadata_is_noted(album, tmp_path, name, told):
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / name).write_text("description: x")
    result = run_submission(tmp_path / "submission", *album, tmp_path / "out", conditions=Conditions(trust=TRUST))
    assert any("there is no metadata file" in note for note in result.notes) == told


def test_what_takes_longer_than_the_limit_fails_however_well_it_scored(tmp_path):
    run = SubmissionRun("x", "y", "z", time_limit=60)
    state = RehearsalState(tmp_path, tmp_path, tmp_path, Conditions(time_limit=60), run)
    assert run.add("install", 50.0, "done")
    assert run.accepted
    assert run.seconds_for_test is None
    assert state.limits.seconds == 10
    assert run.add("ingestion", 11.0, "done")
    assert "took longer than 60 s" in run.problem
    assert state.limits.seconds == 1


def test_isolated_installs_the_requirements_and_what_the_container_has(attempt, monkeypatch):
    asked: list[list[str]] = []

    def fresh(folder: Path, requirements: list[str], **_: Any) -> tuple[Interpreter, str]:
        asked.append(list(requirements))
        if "torch==0.0.1" in requirements:
            raise SubmissionError("pip install torch==0.0.1: no matching distribution")
        return running_interpreter(), "pip said"

    monkeypatch.setattr(stages, "fresh_environment", fresh)
    result = attempt(GOOD, requirements="numpy==2.2.6\n", isolated=True)
    assert result.accepted
    assert "in a fresh environment" in result.interpreter
    assert asked == [["numpy==2.2.6", "Pillow"]]
    failed = attempt(GOOD, requirements="Pillow==12.3.0\ntorch==0.0.1\n", isolated=True)
    assert asked[1] == ["Pillow==12.3.0", "torch==0.0.1"]
    assert failed.stages[-1].name == "install"
    assert "no matching distribution" in failed.problem


def test_a_fresh_environment_has_nothing_of_this_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SubmissionError, match=r"pip install numpy==0\.0\.1: ended with exit code 1.*No matching"):
        fresh_environment(tmp_path / "new", ["pip", "numpy==0.0.1"], python=None, seconds=600, trusted=TRUST)
    with pytest.raises(SubmissionError, match="-m venv failed"):
        fresh_environment(tmp_path / "none", [], python=Path("/bin/false"), seconds=600, trusted=TRUST)


def test_python_3_10_is_taken_only_where_it_answers(tmp_path, monkeypatch):
    script = tmp_path / "python3.10"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_python() == Path(os.sys.executable)
    script.write_text("#!/bin/sh\necho not installed >&2\nexit 127\n")
    script.chmod(0o755)
    assert find_python() == Path(os.sys.executable)
    script.write_text("#!/bin/sh\necho '[[3, 10, 4], [], []]'\n")
    assert find_python() == script


FORGED = [
    "{", "[]", "[" * 100_000, "x" * 2_000_000, '{"stage": 1}', '{"seconds": {"predict": NaN}}', '{"seconds": 3}',
    '{"seconds": {"predict": Infinity}}', '{"images": 1' + "0" * 400 + "}", '{"images": -1}',
    '{"images": 1' + "0" * 10_000 + "}", '{"error": "' + "x" * 10_000 + '"}', '{"image": "\\ud800"}', "\xff",
]  # fmt: skip


@pytest.mark.parametrize("text", FORGED, ids=[str(n) for n in range(len(FORGED))])
def test_a_forged_report_explains_nothing_and_decides_nothing(tmp_path, text):
    assert read_report(tmp_path) == IngestionReport()
    (tmp_path / REPORT).write_text(text, encoding="latin-1")
    assert read_report(tmp_path) == IngestionReport()


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=5
)


@given(st.binary(max_size=200) | st.dictionaries(st.sampled_from([*IngestionReport.model_fields]), VALUES))
def test_any_report_is_read(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("report")
    (folder / REPORT).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    json.dumps(read_report(folder).model_dump(), allow_nan=False)


OUTPUT = "out = __import__('sys').argv[2]; p = out + '/predictions.txt'; "
FORGING = [
    (f"os.remove(out + '/{REPORT}'); os.mkfifo(out + '/{REPORT}'); os._exit(0)", "the file is empty"),
    ("os.remove(p); os.mkfifo(p); os._exit(0)", "no regular file"),
    ("open(p, 'w').write('a,1\\n' * 100_000); os._exit(0)", "100,000 lines"),
    ("open(p, 'w').write('h_major_0.png,1' + '0' * 400); os._exit(0)", "scoring program would"),
    ("print('x' * 3_000_000); raise ValueError('y' * 3_000_000)", "yyyy"),
]


@posix
@pytest.mark.parametrize(("body", "problem"), FORGING, ids=[str(n) for n in range(len(FORGING))])
def test_a_run_ends_in_valid_json_whatever_is_left_behind(attempt, tmp_path, body, problem):
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    result = attempt(OUTPUT + body)
    assert not result.accepted
    assert problem in result.problem
    written = json.loads((tmp_path / "out" / "submission_run.json").read_text(), parse_constant=refuse)
    assert (written["accepted"], written["problem"]) == (False, result.problem)
    assert len(result.problem) < 1100
    assert (tmp_path / "out" / "detailed_results.html").stat().st_size < 100_000


@posix
def test_what_is_left_behind_is_removed(attempt, tmp_path, monkeypatch):
    """Folders within each other, the last without permissions; no link is followed."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    nest = "[(os.mkdir('d'), os.chdir('d')) for _ in range(30)]; os.chmod('.', 0); "
    body = f"import sys; os.chdir(sys.argv[2]); os.symlink({str(tmp_path / 'kept')!r}, 'link'); {nest} os._exit(0)"
    assert not attempt(body).accepted
    assert list((tmp_path / "temporary").iterdir()) == []
    assert (tmp_path / "kept" / "file").exists()


READING = """
import os, sys
class Model:
    def load(self):
        for place in (os.path.dirname(sys.argv[1]), sys.argv[1]):
            for name in os.listdir(place):
                if name.endswith('.csv'):
                    try:
                        print('READ', open(os.path.join(place, name)).read())
                    except OSError as error:
                        print('refused', error)
    def predict(self, image):
        return 0.5
"""


@needs_sandbox
@pytest.mark.parametrize("within", ["", "album"], ids=["beside the images", "among the images"])
def test_the_answers_cannot_be_read(album, tmp_path, within):
    images, reference = album
    reference.rename(tmp_path / within / "answers.csv")
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "model.py").write_text(READING)
    result = run_submission(tmp_path / "submission", images, tmp_path / within / "answers.csv", tmp_path / "out")
    assert result.accepted, result.problem
    said = (tmp_path / "out" / "ingestion.log").read_text()
    assert "READ" not in said
    assert ("refused" in said) == bool(within)


@needs_sandbox
def test_images_may_be_links(attempt, album, tmp_path):
    images, _ = album
    (images / "h_major_0.png").rename(tmp_path / "elsewhere.png")
    (images / "h_major_0.png").symlink_to(tmp_path / "elsewhere.png")
    assert attempt(GOOD).accepted


def test_without_a_sandbox_it_has_to_be_trusted(attempt, monkeypatch):
    monkeypatch.setattr("hybridwing.submission.sandbox.run_program.why_no_sandbox", lambda: "bubblewrap is missing")
    with pytest.raises(SubmissionError, match=r"bubblewrap is missing.*--trust.*change and send whatever you can"):
        attempt(GOOD, trust=False)
    result = attempt(GOOD, trust=True)
    assert result.accepted
    assert result.protection.startswith("no sandbox")


def test_our_own_inputs_are_checked_first(built, collection, tmp_path, album):
    images, reference = album
    with pytest.raises(SubmissionError, match="no folder of images"):
        run_submission(built, tmp_path / "none", collection.test, tmp_path / "out", conditions=Conditions(trust=TRUST))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SubmissionError, match="holds no files"):
        run_submission(built, tmp_path / "empty", collection.test, tmp_path / "out", conditions=Conditions(trust=TRUST))
    with pytest.raises(ScoringError):
        run_submission(built, images, collection.train, tmp_path / "out", conditions=Conditions(trust=TRUST))
    with pytest.raises(SubmissionError, match="must be positive"):
        run_submission(built, images, reference, tmp_path / "out", conditions=Conditions(trust=TRUST, time_limit=0))
    with pytest.raises(SubmissionError, match="no such file"):
        run_submission(tmp_path / "none.zip", images, reference, tmp_path / "out", conditions=Conditions(trust=TRUST))
    (tmp_path / "latin").mkdir()
    (tmp_path / "latin" / "requirements.txt").write_bytes(b"numpy\xff")
    result = run_submission(tmp_path / "latin", images, reference, tmp_path / "out", conditions=Conditions(trust=TRUST))
    assert "no list of packages in UTF-8: 'utf-8' codec" in result.problem
    assert np.isfinite(result.seconds)
    (tmp_path / "latin" / "requirements.txt").write_text("x" * 2_000_000)
    options = {"conditions": Conditions(trust=TRUST), "overwrite": True}
    long = run_submission(tmp_path / "latin", images, reference, tmp_path / "out", **options)
    assert "more than 1,048,576 bytes" in long.problem
