"""Several backbones and views on the command line: one embedding for embed, train, validate and predict."""

from __future__ import annotations

import json

import pytest

from hybridwing.embeddings.store import read_table
from hybridwing.runs.run import load_run

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """`pattern` and a small model in a folder with a comma in its name."""
    transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
    torch.manual_seed(7)
    transformers.utils.logging.disable_progress_bar()
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8
    )
    folder = tmp_path_factory.mktemp("models") / "tiny, first"
    transformers.ViTModel(config).save_pretrained(folder)
    size = {"size": {"height": 32, "width": 32}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    (folder / "preprocessor_config.json").write_text(json.dumps(size), encoding="utf-8")
    return f"pattern,local:{folder}"


@pytest.fixture(scope="module")
def shared_options(files):
    return ("--images", files.images, "--no-cache")


def test_a_table_is_made_and_taken_by_the_same_names(call, files, names, shared_options, tmp_path):
    table, views = tmp_path / "e.parquet", "specimen,forewings"
    header, *rows = files.train.read_text(encoding="utf-8").splitlines(keepends=True)
    catalogue = tmp_path / files.train.name
    catalogue.write_text("".join([header, *rows[::2]]), encoding="utf-8")
    made = call("embed", catalogue, *shared_options, "--out", table, "--backbone", names, "--views", views)
    assert made.code == 0, made.err
    spec = read_table(table).backbone
    assert (spec.dimension, spec.views) == (862 + 2 * 32, views)
    taken = ("--embeddings", table, "--backbone", names)
    options = ("--detector", "mahalanobis", "--split", "stratified", "--test-fraction", "0.3")
    run = tmp_path / "run"
    trained = call("train", catalogue, *shared_options, "--out", run, *taken, "--view", views, *options)
    assert trained.code == 0, trained.err
    assert load_run(run).manifest.backbone == spec
    turned = call("train", catalogue, *shared_options, "--out", tmp_path / "b", *taken, "--view", "forewings,specimen")
    assert turned.code == 2
    assert "the embeddings were made by pattern,local:" in turned.err
    asked = ("validate", catalogue, *shared_options, *taken, "--protocol", "specimen", "--json", "--resamples", "20")
    other = call(*asked)
    assert other.code == 2
    assert "and not as --backbone pattern,local:" in other.err
    shown = call(*asked, "--view", views)
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["view"] == views
    photograph = sorted(files.images.iterdir())[0]
    ranked = call("predict", run, photograph, "--tnr", "0.8", "--no-cache", "--backbone", names)
    assert ranked.code == 0, ranked.err
    wrong = call("predict", run, photograph, "--tnr", "0.8", "--no-cache", "--backbone", "pattern")
    assert wrong.code == 2
    assert "name all 2 in this order" in wrong.err


def test_what_cannot_be_is_said_before_anything_is_embedded(call, files, names, shared_options, tmp_path):
    place = ("--out", tmp_path / "e.parquet")
    alone = call("embed", files.train, *shared_options, *place, "--view", "specimen,forewings")
    assert alone.code == 2
    assert "the pattern backbone finds the wings itself; it has no views specimen, forewings" in alone.err
    unknown = call("embed", files.train, *shared_options, *place, "--backbone", f"{names},patern")
    assert unknown.code == 2
    assert "did you mean pattern?" in unknown.err
    assert "was read as 'pattern', 'local:" in unknown.err
