from __future__ import annotations

import contextlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hybridwing.errors import SubmissionError
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.submission.rehearse.bundle import Column, read_bundle, read_command, read_mapping
from hybridwing.submission.rehearse.bundle_stages import open_bundle, program_needs, read_scores
from hybridwing.submission.rehearse.rehearsal import run_submission
from hybridwing.submission.rehearse.submission_run import Conditions
from hybridwing.submission.sandbox.bubblewrap import why_no_sandbox
from hybridwing.submission.sandbox.interpreter import Interpreter, running_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("yaml", reason="PyYAML is not installed")

#: Without a sandbox what the tests made is run all the same.
PLAIN = Conditions(trust=bool(why_no_sandbox()))
ISOLATED = Conditions(trust=bool(why_no_sandbox()), isolated=True)
GROUPS = ("major", "minor", "mimic")
COMPETITION = """
version: 2
title: A sister challenge
docker_image: some/image:latest
tasks:
- index: 0
  name: Development
  input_data: input_data/val.zip
  reference_data: reference_data/truth.csv
  ingestion_program: ingestion_program
  scoring_program: scoring_program.zip
- index: 1
  name: Final
  input_data: input_data/absent.zip
  ingestion_program: ingestion_program
  scoring_program: scoring_program.zip
leaderboards:
- columns:
  - title: Share found
    key: found
  - key: rank
"""
INGESTION = """
import os, subprocess, sys
inputs, output, program, submission = sys.argv[1:]
sys.path.append(submission)
subprocess.check_call([sys.executable, "-m", "pip", "install", "numpy==0.0.1"])
from PIL import Image
from model import Model
model = Model(); model.load()
assert os.getcwd() == program, os.getcwd()
with open(os.path.join(output, "predictions.txt"), "w") as file:
    for name in sorted(os.listdir(inputs)):
        file.write(f"{name},{model.predict(Image.open(os.path.join(inputs, name)))}\\n")
"""
SCORING = """
import csv, json, os, sys
place, output = sys.argv[1:]
with open(os.path.join(place, "res", "predictions.txt")) as file:
    scores = {name: float(score) for name, score in csv.reader(file)}
with open(os.path.join(place, "ref", "truth.csv")) as file:
    truth = {row["filename"]: row["hybrid"] == "1" for row in csv.DictReader(file)}
found = sum((scores[name] > 0.5) == hybrid for name, hybrid in truth.items()) / len(truth)
with open(os.path.join(output, "scores.json"), "w") as file:
    json.dump({"found": found, "note": "text", "rank": 3}, file)
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    root = tmp_path / "bundle"
    for name in ("ingestion_program", "input_data", "reference_data"):
        (root / name).mkdir(parents=True)
    (root / "competition.yaml").write_text(COMPETITION)
    (root / "ingestion_program" / "ingest.py").write_text(INGESTION)
    (root / "ingestion_program" / "metadata.yaml").write_text(
        "command: python3 /app/program/ingest.py /app/input_data /app/output /app/program /app/ingested_program\n"
    )
    with zipfile.ZipFile(root / "scoring_program.zip", "w") as archive:
        archive.writestr("score.py", SCORING)
        archive.writestr("metadata", "command: python -u /app/program/score.py /app/input /app/output\n")
    (root / "reference_data" / "truth.csv").write_text("filename,hybrid\na.png,1\nb.png,0\nc.png,1\n")
    images = tmp_path / "pictures"
    images.mkdir()
    with zipfile.ZipFile(root / "input_data" / "val.zip", "w") as archive:
        for number, name in enumerate("abc"):
            Image.new("L", (8, 8), 100 * number).save(images / f"{name}.png")
            archive.write(images / f"{name}.png", f"{name}.png")
    return root


@pytest.fixture
def simple(tmp_path: Path) -> Path:
    folder = tmp_path / "simple"
    folder.mkdir()
    (folder / "metadata").write_text("description: a test")
    (folder / "model.py").write_text(
        "class Model:\n    def load(self): pass\n"
        "    def predict(self, image): return 0.9 if image.getpixel((0, 0)) < 150 else 0.1\n"
    )
    return folder


def test_the_bundle_s_own_programs_run_in_their_layout(bundle, simple, tmp_path):
    result = run_submission(simple, None, None, tmp_path / "out", bundle=bundle, conditions=PLAIN)
    assert result.accepted, result.problem
    assert result.programs == "A sister challenge"
    assert result.scores == {"found": pytest.approx(1 / 3), "rank": 3}
    assert (tmp_path / "out" / "predictions.txt").read_text() == "a.png,0.9\nb.png,0.9\nc.png,0.1\n"
    assert "not installed, the running environment is used" in (tmp_path / "out" / "ingestion.log").read_text()
    assert [stage.name for stage in result.stages] == ["ingestion", "scoring"]
    assert "Share found 0.3333" in result.stages[-1].detail
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == result.scores


def test_a_bundle_may_be_a_zip_or_named_by_its_file(bundle, tmp_path):
    packed = tmp_path / "bundle.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in bundle.rglob("*"):
            archive.write(path, f"outer/{path.relative_to(bundle)}")
    opened = open_bundle(packed, tmp_path / "unpacked")
    assert opened.columns == (Column(key="found", title="Share found"), Column(key="rank"))
    assert [task.name for task in opened.tasks] == ["Development", "Final"]
    assert open_bundle(bundle / "competition.yaml", tmp_path / "none").title == opened.title
    with pytest.raises(SubmissionError, match=r"holds no competition\.yaml"):
        open_bundle(tmp_path, tmp_path / "none")


def test_what_the_bundle_lacks_has_to_be_named(bundle, simple, tmp_path):
    with pytest.raises(SubmissionError, match="--images is not named, and the bundle does not hold it"):
        run_submission(simple, None, None, tmp_path / "out", bundle=bundle, conditions=PLAIN, task=1)
    with pytest.raises(SubmissionError, match="--reference is not named"):
        run_submission(simple, tmp_path / "pictures", None, tmp_path / "out", bundle=bundle, conditions=PLAIN, task=1)
    with pytest.raises(SubmissionError, match=r"no task 7; it has 0 \(Development\), 1 \(Final\)"):
        run_submission(simple, None, None, tmp_path / "out", bundle=bundle, conditions=PLAIN, task=7)
    with pytest.raises(SubmissionError, match="no reference at"):
        run_submission(simple, None, tmp_path / "none.csv", tmp_path / "out", bundle=bundle, conditions=PLAIN)
    truth = bundle / "reference_data" / "truth.csv"
    result = run_submission(
        simple, tmp_path / "pictures", truth, tmp_path / "out", bundle=bundle, conditions=PLAIN, task=1
    )
    assert result.accepted


FAILING: list[tuple[str, str, str, str]] = [
    ("ingestion_program/ingest.py", "import sys; sys.exit('no model here')", "no model here", "mend"),
    ("ingestion_program/ingest.py", "pass", "there is no predictions.txt", "log"),
    ("scoring/score.py", "raise SystemExit('There should have been 3 predictions')", "should have been 3", "mend"),
    ("scoring/score.py", "pass", "left no scores", "log"),
]


@pytest.mark.parametrize(("place", "text", "problem", "remedy"), FAILING, ids=["exit", "silent", "score", "nothing"])
def test_a_program_that_fails_says_why(bundle, simple, tmp_path, place, text, problem, remedy):
    if place.startswith("scoring"):
        with zipfile.ZipFile(bundle / "scoring_program.zip", "w") as archive:
            archive.writestr("score.py", text)
            archive.writestr("metadata", "command: python3 /app/program/score.py")
    else:
        (bundle / place).write_text(text)
    result = run_submission(simple, None, None, tmp_path / "out", bundle=bundle, conditions=PLAIN)
    assert problem in result.problem
    assert remedy in result.remedy


LEFT_SCORES = [
    ('{"a": 1' + "0" * 400 + "}", None),
    ('{"a": 1' + "0" * 10_000 + "}", None),
    ("[" * 100_000, None),
    ("[1]", None),
    ('{"\\ud800": 1}', None),
    ('{"a": NaN, "b": Infinity, "c": 0.5}', {"c": 0.5}),
    (json.dumps({str(n): n for n in range(1000)}), {str(n): n for n in range(100)}),
    ('{"found": 0.5, "note": "text"}', {"found": 0.5}),
]


@pytest.mark.parametrize(("text", "scores"), LEFT_SCORES, ids=[str(n) for n in range(len(LEFT_SCORES))])
def test_whatever_a_scoring_program_leaves_is_read_with_care(tmp_path, text, scores):
    (tmp_path / "scores.json").write_text(text)
    assert read_scores(tmp_path) == scores


def test_scores_may_be_text_and_fixed_paths_are_told(bundle, simple, tmp_path):
    with zipfile.ZipFile(bundle / "scoring_program.zip", "w") as archive:
        archive.writestr("score.py", "import sys; open(sys.argv[1] + '/scores.txt', 'w').write('found: 0.25\\n')")
        archive.writestr("metadata", "command: python3 /app/program/score.py /app/output")
    (bundle / "ingestion_program" / "other.py").write_text("PLACE = '/app/input_data'\n")
    result = run_submission(simple, None, None, tmp_path / "out", bundle=bundle, conditions=PLAIN)
    assert result.scores == {"found": 0.25}
    assert any("other.py" in note for note in result.notes)


@pytest.mark.slow
def test_isolated_gives_submission_and_program_what_they_ask_for(bundle, simple, tmp_path, monkeypatch):
    asked: list[list[str]] = []

    def fresh(folder: Path, requirements: list[str], **_: Any) -> tuple[Interpreter, str]:
        asked.append(list(requirements))
        if len(asked) > 1:
            raise SubmissionError("pip install x: no matching distribution")
        return running_interpreter(), "pip said"

    monkeypatch.setattr("hybridwing.submission.rehearse.stages.fresh_environment", fresh)
    (simple / "requirements.txt").write_text("numpy==2.2.6\nrm -rf==1\n")
    text = (bundle / "ingestion_program" / "ingest.py").read_text().replace('"install", "numpy==0.0.1"', '"--version"')
    (bundle / "ingestion_program" / "ingest.py").write_text(text)
    result = run_submission(simple, None, None, tmp_path / "out", bundle=bundle, conditions=ISOLATED)
    assert result.accepted, result.problem
    assert asked == [["numpy==2.2.6", "Pillow"]]
    failed = run_submission(simple, None, None, tmp_path / "out2", bundle=bundle, conditions=ISOLATED)
    assert failed.stages[-1].name == "install"


def test_only_known_packages_are_installed_for_a_program(tmp_path):
    (tmp_path / "a.py").write_text("import sklearn.metrics, yaml, evil\nfrom packaging import version\nimport os\n")
    (tmp_path / "b.py").write_text("from PIL import Image\nfrom . import a\ndef f():\n    import tqdm, torch\n")
    (tmp_path / "c.py").write_text("this is no Python")
    assert program_needs(tmp_path) == ("Pillow", "PyYAML", "packaging", "scikit-learn", "torch", "tqdm")


@pytest.mark.slow
def test_a_bundle_that_scores_as_the_challenge_is_held_against_our_own_scoring(bundle, simple, tmp_path):
    rows = [f"{name}.png,{int(name == 'a')},{group}" for name, group in zip("abc", GROUPS, strict=True)]
    reference = tmp_path / "reference.csv"
    reference.write_text("\n".join(["filename,hybrid_stat,ssp_indicator", *rows]))
    record = {}
    for text in ("{}", "RECORD"):
        with zipfile.ZipFile(bundle / "scoring_program.zip", "w") as archive:
            content = json.dumps(record) if text == "RECORD" else '{"found": 1}'
            archive.writestr("score.py", f"import sys; open(sys.argv[1] + '/scores.json', 'w').write({content!r})")
            archive.writestr("metadata", "command: python3 /app/program/score.py /app/output")
        result = run_submission(
            simple, None, reference, tmp_path / f"out{len(record)}", bundle=bundle, conditions=PLAIN
        )
        said = "the same numbers" if text == "RECORD" else "other numbers"
        assert any(f"hybridwing's own scoring gives {said}" in note for note in result.notes)
        predicted = tmp_path / f"out{len(record)}" / "predictions.txt"
        record = score_files(predicted, reference, allow_extra=True).leaderboard()


@pytest.fixture
def described(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (tmp_path / "program").mkdir(exist_ok=True)
        (tmp_path / "competition.yaml").write_text(text)
        return tmp_path

    return write


TASK = "version: 2\ntasks:\n- {index: 0, ingestion_program: %s, scoring_program: program}\n"
HOSTILE = [
    ("a: &a [1]\nb: [*a, *a]", "aliases"),
    ("!!python/object/apply:os.system ['touch /tmp/owned']", "cannot be read"),
    ("a: [" * 50_000, "cannot be read"),
    ("a: \x01", "cannot be read"),
    ("just text", "a table of names and values"),
    ("version: 1", "version: String should match"),
    ("version: 2", "tasks: Field required"),
    ("version: 2\ntasks: []", "tasks: Tuple should have at least 1 item"),
    ("version: 2\ntasks: [1]", r"tasks\.0: Input should be a valid dictionary"),
    ("version: 2\ntasks:\n- index: x", r"tasks\.0\.index: Input should be a valid integer"),
    (TASK % "absent", "ingestion_program: it is not in the bundle"),
    (TASK % "../..", "outside the bundle"),
    (TASK % "/etc", "outside the bundle"),
    (TASK % "[1]", "is no path"),
    (TASK % "program" + "leaderboards: x", "leaderboards: Input should be a valid tuple"),
    (TASK % "program" + "leaderboards: [{columns: 1}]", "columns: Input should be a valid tuple"),
    ("x" * (1 << 21), "larger than"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "problem"), HOSTILE, ids=[str(n) for n in range(len(HOSTILE))])
def test_a_hostile_description_is_refused(described, text, problem):
    with pytest.raises(SubmissionError, match=problem):
        read_bundle(described(text))


def test_a_link_out_of_the_bundle_is_refused(described, tmp_path):
    root = described(TASK % "link")
    (root / "link").symlink_to("/etc")
    with pytest.raises(SubmissionError, match="outside the bundle"):
        read_bundle(root)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("yaml") / "competition.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(SubmissionError):
        read_mapping(path)


COMMANDS = [
    ("python3 /app/program/run.py /app/input", ("run.py", ["/app/input"])),
    ("/usr/bin/python -u /app/program/a/b.py", ("a/b.py", [])),
    ("bash /app/program/run.sh", "only that is run"),
    ("python3 -c 'import os'", "starts no file"),
    ("python3 /app/program/../evil.py", "starts no file"),
    ("python3 'open", "cannot be read"),
    ("", "only that is run"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), COMMANDS, ids=[str(n) for n in range(len(COMMANDS))])
def test_commands(tmp_path, text, expected):
    (tmp_path / "metadata").write_text(json.dumps({"command": text}))
    if isinstance(expected, str):
        with pytest.raises(SubmissionError, match=expected):
            read_command(tmp_path)
    else:
        assert read_command(tmp_path) == expected


def test_a_program_that_does_not_say_how_it_is_started(tmp_path):
    with pytest.raises(SubmissionError, match="how to start it is unknown"):
        read_command(tmp_path)


def test_the_challenge_s_own_description_is_read(shared, tmp_path):
    (tmp_path / "competition.yaml").write_bytes((shared / "challenge" / "competition.yaml").read_bytes())
    for name in ("scoring_program", "ingestion_program"):
        (tmp_path / name).mkdir()
    bundle = read_bundle(tmp_path)
    assert bundle.title == "Butterfly Hybrid Detection"
    assert [task.index for task in bundle.tasks] == [0, 1]
    assert [column.key for column in bundle.columns] == [
        "challenge_score", "A_score_major_recall", "A_score_minor_recall", "A_PRC_AUC_major", "A_PRC_AUC_minor",
        "mimic_recall", "mimic_PRC_AUC",
    ]  # fmt: skip
