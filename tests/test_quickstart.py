"""The whole job on a tiny collection."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hybridwing.detectors.registry import detector_names
from hybridwing.errors import RunError
from hybridwing.evaluation.challenge_score import score_files
from hybridwing.quickstart import DETECTORS, quickstart
from hybridwing.runs.run import load_run

from .runs.conftest import stub  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.mark.slow
@pytest.mark.usefixtures("stub")
def test_it_leaves_collection_run_and_evaluation(tmp_path, monkeypatch):
    import hybridwing.simulate.collection as simulation

    monkeypatch.setattr(simulation, "processors", lambda: 1)
    stages: dict[str, tuple[int, int]] = {}

    @contextmanager
    def progress(stage: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: stages.update({stage: (done, total)})

    (tmp_path / "out").mkdir()
    made = quickstart(tmp_path / "out", specimens=240, size=64, seed=3, detectors=("svm", "knn"), progress=progress)
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"collection", "run", "evaluation"}
    assert list(stages) == ["simulating photographs", "training: embedding", "evaluating: embedding"]
    assert all(done == total for done, total in stages.values())
    run = load_run(made.run)
    assert run.manifest.detectors == ("svm", "knn")
    assert run.manifest.seed == 3
    official = score_files(
        made.evaluation_folder / "predictions_svm.txt", tmp_path / "out" / "collection" / "ref_test.csv"
    )
    assert made.evaluation.detectors["svm"].challenge == official
    labels, groups = made.evaluation.catalogue.labels, made.evaluation.catalogue.groups
    for ceiling in made.ceilings:
        assert ceiling.hybrids == int(labels[groups == ceiling.group].sum())
        assert 0 <= ceiling.lookalikes <= ceiling.hybrids
    assert sum(ceiling.lookalikes for ceiling in made.ceilings) > 0
    assert made.images.is_dir()


def test_it_shows_the_default_beside_the_samples_detectors():
    assert (*detector_names()[:4], "ridge") == DETECTORS


def test_what_exists_is_refused_before_anything_is_made(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run").mkdir()
    with pytest.raises(RunError, match="exists already"):
        quickstart(tmp_path / "out")
    with pytest.raises(RunError, match="holds no collection"):
        quickstart(tmp_path / "out", overwrite=True)
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "run"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="exists already"):
        quickstart(tmp_path / "file")


@pytest.mark.parametrize(("settings", "said"), [({"specimens": 3}, "at least 200"), ({"seed": 2**32}, "seed")])
def test_settings_that_cannot_serve_are_refused_before_anything_is_made(tmp_path, settings, said):
    with pytest.raises(RunError, match=said):
        quickstart(tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()
