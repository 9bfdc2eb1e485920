from __future__ import annotations

import hashlib
import json
import sys
import types
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from hybridwing.detectors.fitting import fit_detector
from hybridwing.detectors.registry import make_detector
from hybridwing.runtime import serving
from hybridwing.runtime.arrays import save_arrays
from hybridwing.runtime.digests import file_digest
from hybridwing.runtime.errors import ServingError
from hybridwing.runtime.pattern import DIMENSION
from hybridwing.runtime.preprocess import Preprocess
from hybridwing.runtime.serving import Scorer, weights_folder
from hybridwing.runtime.settings import Embedding, Settings, Weights

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTOR = Embedding(
    family="pattern",
    feature="wings",
    dimension=DIMENSION,
    preprocess=Preprocess(size=256, resize="none", interpolation="box", view="specimen"),
    weights=Weights(),
)
PATTERN = Settings(DESCRIPTOR, detector="svm", package_version="0")
texts = st.text(max_size=20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A submission's files; the detector has seen noise."""
    rng = np.random.default_rng(3)
    labels = (np.arange(60) % 4 == 0).astype(np.int8)
    vectors = rng.normal(size=(60, DIMENSION)).astype(np.float32) + labels[:, None]
    saved = fit_detector(make_detector("svm"), vectors[:40], labels[:40], vectors[40:], labels[40:])
    save_arrays(tmp_path / serving.DETECTOR, saved)
    (tmp_path / serving.SETTINGS).write_text(PATTERN.to_json(), encoding="utf-8")
    return tmp_path


@pytest.mark.slow
@given(texts, texts, st.integers(1, 4096), st.dictionaries(texts, texts, max_size=3), texts)
def test_settings_read_back_as_they_were_written(family, detector, dimension, files, repository):
    weights = Weights("hub", repository, "abc", tuple(sorted(files.items())))
    made = replace(DESCRIPTOR, family=family, dimension=dimension, weights=weights)
    settings = replace(PATTERN, embedding=made, detector=detector)
    assert Settings.from_json(settings.to_json()) == settings


@example('{"format_version": ""}')
@example('{"format_version": 2}')
@given(st.one_of(texts, st.dictionaries(texts, texts).map(json.dumps), st.just("[" * 100_000)))
def test_anything_else_is_refused(text):
    with pytest.raises(ServingError, match="not the settings of a submission"):
        Settings.from_json(text)


@pytest.mark.parametrize("version", ["", "1", None, True, 1.0, [], {}])
def test_a_format_version_that_is_no_whole_number(version):
    values = {**json.loads(PATTERN.to_json()), "format_version": version}
    with pytest.raises(ServingError, match=r"not the settings of a submission: .*'format_version'"):
        Settings.from_json(json.dumps(values))


def test_a_newer_format_is_refused():
    values = {**json.loads(PATTERN.to_json()), "format_version": 2}
    with pytest.raises(ServingError, match="'format_version' is 2 and not the 1"):
        Settings.from_json(json.dumps(values))


def test_a_score_is_a_plain_float_with_four_decimals(folder):
    score = Scorer(folder).score(Image.effect_noise((80, 60), 60).convert("RGB"))
    assert type(score) is float
    assert 0 < score < 1
    assert score == round(score, 4)


def test_a_picture_that_cannot_be_used_gets_the_score_of_a_typical_specimen_and_a_line(folder, tmp_path, capfd):
    scorer = Scorer(folder)
    (tmp_path / "cut.png").write_bytes(b"")
    Image.effect_noise((80, 60), 60).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with Image.open(tmp_path / "cut.png") as image:
        typical = scorer.score(image)
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert "cut.png" in error
    assert f"scored {typical} as a typical specimen" in error
    assert 0 < typical < 1
    Image.new("RGB", (9, 9)).save(tmp_path / "odd.tga")
    with Image.open(tmp_path / "odd.tga") as image:
        assert scorer.score(image) == typical
    assert "TGA is none of JPEG" in capfd.readouterr().err
    assert scorer.score(None) == typical
    assert "a picture: scored" in capfd.readouterr().err


def test_an_embedding_that_is_no_number_does_not_leave_as_one(folder, capfd):
    scorer = Scorer(folder)
    scorer._embed = lambda image: np.full(DIMENSION, np.nan, np.float32)
    assert np.isfinite(scorer.score(Image.new("RGB", (40, 40))))
    assert "NaN or infinity" in capfd.readouterr().err


@pytest.mark.slow
def test_large_jpegs_are_drafted(folder, tmp_path):
    Image.effect_noise((4000, 3000), 60).convert("RGB").save(tmp_path / "large.jpg")
    with Image.open(tmp_path / "large.jpg") as image:
        Scorer(folder).score(image)
        assert min(image.size) == 750


def test_files_that_do_not_belong_together_are_refused(folder):
    (folder / serving.SETTINGS).write_text(
        replace(PATTERN, embedding=replace(DESCRIPTOR, dimension=8)).to_json(), encoding="utf-8"
    )
    with pytest.raises(ServingError, match=f"takes {DIMENSION} values and the backbone gives 8"):
        Scorer(folder)
    (folder / serving.SETTINGS).unlink()
    with pytest.raises(ServingError, match="No such file"):
        Scorer(folder)


def test_bundled_weights_must_all_be_there(tmp_path):
    weights = Weights("bundled", files=(("config.json", "0"),))
    with pytest.raises(ServingError, match=r"lacks config\.json"):
        weights_folder(weights, tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "config.json").touch()
    assert weights_folder(weights, tmp_path) == tmp_path / "weights"
    with pytest.raises(ServingError, match="origin 'elsewhere'"):
        weights_folder(Weights("elsewhere"), tmp_path)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A stand-in for the hub's client that has one file at one commit."""
    place = tmp_path / "hub"
    place.mkdir()
    (place / "model.safetensors").write_bytes(b"weights")
    client = types.ModuleType("huggingface_hub")

    def snapshot_download(repository, revision, allow_patterns):
        if (repository, revision) != ("imageomics/one", "c0ffee"):
            raise ConnectionError("no network")
        assert allow_patterns == ["model.safetensors"]
        return str(place)

    client.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    return place


def test_weights_of_the_hub_are_held_against_their_digest(hub, tmp_path):
    digest = hashlib.sha256(b"weights").hexdigest()
    weights = Weights("hub", "imageomics/one", "c0ffee", (("model.safetensors", digest),))
    assert weights_folder(weights, tmp_path) == hub
    assert file_digest(hub / "model.safetensors") == digest
    with pytest.raises(ServingError, match="not the file that the submission was built with"):
        weights_folder(replace(weights, files=(("model.safetensors", "0" * 64),)), tmp_path)
    with pytest.raises(ServingError, match="--bundle-weights"):
        weights_folder(replace(weights, revision="other"), tmp_path)
