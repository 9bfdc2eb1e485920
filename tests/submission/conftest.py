"""A run on a small simulated collection, a submission built from it, odd pictures; and submissions made up."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from packaging.version import Version
from PIL import Image

from hybridwing.submission.build.building import build_submission
from hybridwing.submission.rehearse.rehearsal import run_submission
from hybridwing.submission.rehearse.submission_run import Conditions
from hybridwing.submission.sandbox.bubblewrap import why_no_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.runs.run import Run
    from hybridwing.simulate.collection import SimulatedCollection
    from hybridwing.submission.rehearse.submission_run import SubmissionRun

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


@dataclass(frozen=True)
class Collection:
    images: Path
    train: Path
    test: Path
    run: Run


@pytest.fixture(scope="session")
def collection(small: tuple[SimulatedCollection, EmbeddingTable, EmbeddingTable], small_run: Run) -> Collection:
    made = small[0]
    return Collection(made.images, made.train, made.ref_test, small_run)


@pytest.fixture(scope="session")
def built(collection: Collection, once: Callable[..., Any]) -> Path:
    """Folder of a submission; its zip lies beside it. Not to be changed."""

    def make(folder: Path) -> Path:
        build_submission(collection.run, folder / "submission", detector="svm", archive=True)
        return folder / "submission"

    return once("built", make)


class Page(HTMLParser):
    """Notes tags and text, and refuses whatever loads or runs something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        assert "script" not in self.tags

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            assert not name.startswith("on")
            assert not (name in ("src", "href", "xlink:href") and value and not value.startswith(("#", "data:")))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="session")
def read_page() -> type[Page]:
    """What a page holds; one that loads or runs something fails."""
    return Page


@pytest.fixture(scope="session")
def write_model() -> Callable[[Path, int], None]:
    """Write a small vision transformer with weights drawn from a seed, as transformers stores it."""
    transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    transformers.utils.logging.disable_progress_bar()

    def write(folder: Path, seed: int) -> None:
        torch.manual_seed(seed)
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        config = transformers.ViTConfig(**sizes, image_size=32, patch_size=8)
        transformers.ViTModel(config).save_pretrained(folder)
        size = {"height": 32, "width": 32}
        settings = {"size": size, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
        (folder / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")

    return write


@dataclass(frozen=True)
class Ran:
    result: SubmissionRun
    folder: Path


@pytest.fixture(scope="session")
def ran(collection: Collection, built: Path, once: Callable[..., Any]) -> Ran:
    """The submission's zip, run on the photographs of the reference table."""

    def make(folder: Path) -> tuple[SubmissionRun, Path]:
        archive, out, images = built.with_name("submission.zip"), folder / "submitted", folder / "images"
        images.mkdir()
        for name in pd.read_csv(collection.test)["filename"]:
            shutil.copy(collection.images / name, images)
        conditions = Conditions(trust=bool(why_no_sandbox()))
        return run_submission(archive, images, collection.test, out, conditions=conditions), out

    return Ran(*once("ran", make))


@pytest.fixture(scope="session")
def pictures(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One specimen's photograph in every form, and files that are no photographs."""
    folder = tmp_path_factory.mktemp("pictures")
    photograph = Image.open(sorted(collection.images.iterdir())[0]).convert("RGB")
    photograph.resize((1600, 1200)).save(folder / "large.jpg", quality=85)
    photograph.save(folder / "plain.png")
    photograph.convert("L").save(folder / "grey.png")
    photograph.convert("P").save(folder / "palette.gif")
    photograph.convert("CMYK").save(folder / "cmyk.jpg")
    see_through = photograph.convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize(photograph.size))
    see_through.save(folder / "transparent.png")
    wide = np.asarray(photograph.convert("L"), dtype=np.uint16) * 257
    Image.fromarray(wide).save(folder / "sixteen.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    photograph.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.jpg", exif=turned)
    photograph.save(folder / "fine.webp")
    whole = (folder / "large.jpg").read_bytes()
    (folder / "cut_short.jpg").write_bytes(whole[: len(whole) // 2])
    photograph.save(folder / "odd.tga")
    return folder


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


@pytest.fixture(autouse=True)
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for pip's index, which no test asks: a few releases of whatever is looked up."""
    listed = frozenset(map(Version, ("0.14", "1.0.0", "1.2.5", "2.3.0", "2.24.0")))
    monkeypatch.setattr("hybridwing.submission.package.releases.listed_by_pip", lambda package: listed)
