from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from hybridwing.submission.rehearse import ingestion

if TYPE_CHECKING:
    from pathlib import Path

#: The official program leaves its pictures open, and so does this one.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

MODEL = """class Model:
    device = 'cpu'
    def load(self): pass
    def predict(self, image):
"""


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Images, output and submission; the submission's module is forgotten afterwards."""
    for name in ("images", "output", "submission"):
        (tmp_path / name).mkdir()
    for number in range(3):
        Image.new("L", (4, 4), 60 * number).save(tmp_path / "images" / f"{number}.png")
    (tmp_path / "images" / "folder").mkdir()
    (tmp_path / "images" / "notes.txt").write_text("no image")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "model", None)
    del sys.modules["model"]
    monkeypatch.setattr(sys, "argv", ["ingestion.py", *(str(tmp_path / n) for n in ("images", "output", "submission"))])
    yield tmp_path
    sys.modules.pop("model", None)


def write(places: Path, body: str) -> None:
    (places / "submission" / "model.py").write_text(f"{MODEL}        {body}\n")


def test_files_are_taken_as_the_folder_lists_them(places, capsys):
    write(places, "return image.getpixel((0, 0)) / 127 + 1e-6")
    assert ingestion.main() == 0
    report = json.loads((places / "output" / "ingestion_report.json").read_text())
    assert (report["stage"], report["images"], report["predicted"], report["n_skipped"]) == ("done", 4, 3, 1)
    assert report["types"] == {"builtins.float": 3}
    listed = [entry.name for entry in os.scandir(places / "images") if entry.name.endswith("png")]
    lines = (places / "output" / "predictions.txt").read_text().splitlines()
    assert lines == [f"{name},{round(60 * int(name[0]) / 127 + 1e-6, 4)}" for name in listed]
    assert "notes.txt" in capsys.readouterr().out


def test_an_exception_ends_the_run_and_is_told(places, capsys):
    write(places, "raise ValueError('odd')")
    assert ingestion.main() == 1
    report = json.loads((places / "output" / "ingestion_report.json").read_text())
    assert report["stage"] == "predict"
    assert report["error"] == "ValueError: odd"
    assert report["image"].endswith(".png")
    assert "Traceback" in capsys.readouterr().err


def test_a_submission_without_a_model(places):
    assert ingestion.main() == 1
    report = json.loads((places / "output" / "ingestion_report.json").read_text())
    assert report["error"] == "ModuleNotFoundError: No module named 'model'"
