"""A small simulated collection with its embeddings and a run, and a way to call the command in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.cli import main
from hybridwing.embeddings.store import write_table
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.runs.train import train
from hybridwing.runtime.pattern import DIMENSION
from hybridwing.simulate.collection import simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue


@dataclass(frozen=True)
class Files:
    root: Path
    images: Path
    train: Path
    test: Path
    train_embeddings: Path
    test_embeddings: Path
    run: Path


def made_up(table: Catalogue) -> EmbeddingTable:
    """Embeddings drawn at random, hybrids a little apart: describing the photographs would take most of the time."""
    vectors = np.random.default_rng(8).normal(size=(len(table), DIMENSION)) + 0.1 * table.labels[:, None]
    return EmbeddingTable(tuple(table.uuids), vectors.astype(np.float32), PatternBackbone().spec)


@pytest.fixture(scope="session")
def files(once: Callable[..., Any]) -> Files:
    return Files(*once("cli", make_files))


def make_files(root: Path) -> tuple[Path, ...]:
    made = simulate(root / "collection", specimens=180, size=64, workers=1)
    places = {}
    for table in (made.train, made.ref_test):
        places[table] = root / f"{table.stem}.parquet"
        embedded = made_up(read_catalogue(table))
        write_table(embedded, places[table])
        if table == made.train:
            split = {"split_method": "stratified", "test_fraction": 0.3}
            names = ("svm", "knn")
            train(read_catalogue(table), embedded, root / "run", detectors=names, **split)
    return root, made.images, made.train, made.ref_test, places[made.train], places[made.ref_test], root / "run"


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Run the command as its entry point does, in this process; however slow it is, progress is told at the end."""
    monkeypatch.setattr("hybridwing.cli.show._PLAIN_INTERVAL", float("inf"))

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["hybridwing", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture
def start() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a small Python program that uses the command, in a process of its own."""

    def run(program: str, *arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env={**os.environ, **settings},
        )

    return run
