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


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """The sound submission with changes: files by name, None to leave one out; as a folder or a zip, below `within`."""

    def make(changes: dict[str, str | bytes | None] | None = None, *, within: str = "", as_zip: bool = False) -> Path:
        files = {name: content for name, content in {**SOUND, **(changes or {})}.items() if content is not None}
        if as_zip:
            with zipfile.ZipFile(tmp_path / "submission.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in files.items():
                    archive.writestr(within + name, content)
            return tmp_path / "submission.zip"
        for name, content in files.items():
            path = tmp_path / "submission" / (within + name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / "submission"

    return make


@pytest.fixture
def sound_model() -> str:
    """Code of the sound submission's model."""
    return MODEL
