"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import hybridwing as hw

SRC = Path(hw.__file__).parents[1]
WITH_EXAMPLES = sorted(
    path.relative_to(SRC) for path in SRC.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.fixture(scope="session")
def names(small, tmp_path_factory):
    """What examples may take for granted: the public names, a small collection, its embeddings and a run."""
    collection, embeddings, _ = small
    place = tmp_path_factory.mktemp("examples") / "run"
    run = hw.train(collection.train, embeddings, place, detectors=["svm"], split_method="stratified")
    return {"hw": hw, "collection": collection, "example_embeddings": embeddings, "example_run": run.folder}


@pytest.mark.slow
@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=str)
def test_examples(path, names, tmp_path, monkeypatch):
    """Each module's examples run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(importlib.import_module(name), optionflags=options, extraglobs=names)
    assert not result.failed
