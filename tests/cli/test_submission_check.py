"""`hybridwing submission check`: exit codes, the table on a terminal and in a pipe, JSON."""

from __future__ import annotations

import json

import pytest

from hybridwing.submission.sandbox.bubblewrap import why_no_sandbox

needs_sandbox = pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox() or "there is a sandbox")

MODEL = """
class Model:
    def load(self):
        pass

    def predict(self, image):
        return sum(image.convert("L").resize((4, 4)).tobytes()) / 16 / 256
"""


@pytest.fixture
def submission(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.py").write_text(MODEL)
    (folder / "requirements.txt").write_text("Pillow==10.3.0\n")
    (folder / "metadata").write_text("description: brightness\n")
    return folder


def test_sound(call, submission):
    answer = call("submission", "check", submission, "--static")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0].split()[:2] == ["status", "check"]
    assert all(line.startswith("pass") for line in lines[1:-2])
    assert lines[-1] == f"{submission}: 0 fail, 0 warn, 18 pass, 0 skipped: nothing found that would fail"
    assert "\x1b" not in answer.out


def test_faults_have_their_place_and_remedy_in_one_line(call, submission):
    (submission / "requirements.txt").write_text("pillow==10.3.0\n")
    answer = call("submission", "check", submission, "--static")
    assert answer.code == 1
    (line,) = [line for line in answer.out.splitlines() if line.startswith("fail")]
    assert "requirements.txt:1: 'pillow==10.3.0'" in line
    assert "→ write: Pillow==10.3.0" in line
    assert answer.out.rstrip().endswith("it would fail")


def test_json(call, submission):
    answer = call("submission", "check", submission, "--json", "--static")
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out)["ok"] is True


def test_what_is_no_submission(call, tmp_path):
    (tmp_path / "s.zip").write_bytes(b"no zip")
    for path in (tmp_path / "s.zip", tmp_path / "none"):
        answer = call("submission", "check", path)
        assert answer.code == 2
        assert answer.out == ""
        assert answer.err.startswith("error: ")
        assert answer.err.count("\n") == 1


@pytest.mark.slow
@needs_sandbox
def test_a_run_that_is_stopped(call, submission):
    (submission / "model.py").write_text(MODEL.replace("pass", "while True: pass"))
    answer = call("submission", "check", submission, "--time-limit", 1, "--memory-limit", 500)
    assert answer.code == 1
    assert "load() was stopped after 1 s" in answer.out
    assert answer.err.startswith("ran in bubblewrap")


@pytest.mark.slow
def test_skipped_is_said(call, submission):
    (submission / "model.py").write_text("import nflows\n" + MODEL)
    (submission / "requirements.txt").write_text("nflows==0.14\n")
    answer = call("submission", "check", submission)
    assert answer.code == 0
    assert answer.out.rstrip().endswith("nothing found that would fail, but not all of it was tried")


def test_names_are_shown_and_not_obeyed(call, submission):
    (submission / "old[bold].zip").write_bytes(b"")
    answer = call("submission", "check", submission, "--static")
    assert "old[bold].zip" in answer.out
