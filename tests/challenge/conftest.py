"""Submissions made up for the tests: a sound one, and a way to break it."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL = """import os

import numpy as np


class Model:
    def load(self):
        with open(os.path.join(os.path.dirname(__file__), "weights.txt")) as file:
            self.scale = float(file.read())

    def predict(self, image):
        try:
            grey = np.asarray(image.convert("L").resize((32, 32)), dtype=float)
        except OSError:
            return 0.5
        return float(np.clip(self.scale * grey.mean() / 255, 0.0001, 0.9999))
"""

SOUND: dict[str, str | bytes] = {
    "model.py": MODEL,
    "requirements.txt": "numpy==1.26.4\nPillow==10.3.0\n",
    "metadata": "description: mean brightness\n",
    "weights.txt": "0.9",
}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder; the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    folder.mkdir(exist_ok=True)
    return folder


def zipped(path: Path, files: dict[str, str | bytes]) -> Path:
    """Write a zip of files; its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """The sound submission with changes: files by name, None to leave one out."""

    def make(changes: dict[str, str | bytes | None] | None = None) -> Path:
        files = {name: content for name, content in {**SOUND, **(changes or {})}.items() if content is not None}
        return write(tmp_path / "submission", files)

    return make
