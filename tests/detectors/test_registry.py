"""Detectors by name, without loading what they need."""

from __future__ import annotations

import subprocess
import sys
import types

import numpy as np
import pytest

from hybridwing.detectors import registry
from hybridwing.detectors.base import Detector
from hybridwing.detectors.fitting import fit_detector
from hybridwing.detectors.registry import (
    DEFAULT_DETECTOR,
    detector_entries,
    detector_for_run,
    detector_names,
    make_detector,
)
from hybridwing.errors import DetectorError
from hybridwing.runtime.arrays import load_arrays, save_arrays
from hybridwing.runtime.scoring import raw_scores

SAMPLE = ("svm", "sgd", "knn", "gaussian")


def test_the_samples_four_are_there() -> None:
    assert detector_names()[:4] == SAMPLE
    assert DEFAULT_DETECTOR in detector_names()


@pytest.mark.parametrize("entry", detector_entries(), ids=lambda entry: entry.name)
def test_entries_say_what_they_are(entry) -> None:
    assert entry.summary
    assert entry.source
    if entry.name in SAMPLE:
        assert "Imageomics/HDR-anomaly-challenge-sample" in entry.source
    assert ("learns the crosses" in entry.seen_only) == (entry.name in SAMPLE)
    detector = detector_for_run(entry.name, seed=11)
    assert isinstance(detector, Detector)
    assert detector.kind == entry.name
    assert type(make_detector(entry.name)) is type(detector)
    assert detector.get_params().get("random_state", 11) == 11
    divided = detector_for_run(entry.name, seed=11, blocks=[3, 4])
    assert divided.get_params().get("blocks", (3, 4)) == (3, 4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smv", "unknown detector 'smv'; there are svm, sgd, knn, gaussian, .*, ridge: did you mean svm"),
        ("SVM", "did you mean svm"),
        ("gausian", "did you mean gaussian"),
        ("transformer-xl", "choose one of those"),
        ("", "choose one of those"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(DetectorError, match=message):
        make_detector(name)
    with pytest.raises(DetectorError, match=message):
        detector_for_run(name, seed=0)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_out_of_range(seed: int) -> None:
    with pytest.raises(DetectorError, match=f"seed {seed} is out of range"):
        detector_for_run("sgd", seed=seed)


def test_a_runs_settings_leave_the_samples_machine_alone() -> None:
    assert detector_for_run("svm", seed=0).get_params() == make_detector("svm").get_params()


@pytest.mark.parametrize(
    ("name", "param", "message"),
    [
        ("svm", "c", "detector 'svm' has no parameter 'c'; there are C: did you mean C"),
        ("knn", "neighbours", "there are n_neighbors: did you mean n_neighbors"),
        ("gap", "blocks", "there are C: choose one of those"),
        ("mahalanobis", "seed", "detector 'mahalanobis' has no parameter 'seed'"),
    ],
)
def test_unknown_parameters(name: str, param: str, message: str) -> None:
    with pytest.raises(DetectorError, match=message):
        make_detector(name, **{param: 1})


def test_parameters_reach_the_detector() -> None:
    assert make_detector("svm", C=10).get_params() == {"C": 10}


class MeanDetector(Detector):
    """A new detector in one file: along the difference of the two means."""

    kind = "mean"
    form = "linear"

    def _fit(self, X, y, metadata):
        self.coef_ = X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)

    def _score(self, X):
        return X @ self.coef_

    def _arrays(self):
        return {"coef": self.coef_, "intercept": np.zeros(())}


def test_one_entry_is_all_that_a_new_detector_adds(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    module = sys.modules.setdefault("a_new_detector", types.ModuleType("a_new_detector"))
    monkeypatch.setattr(module, "MeanDetector", MeanDetector, raising=False)
    entry = registry.DetectorEntry("mean", "a_new_detector:MeanDetector", "the difference of the means", "here")
    monkeypatch.setattr(registry, "_ENTRIES", (*registry._ENTRIES, entry))
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 4)) + 2 * y[:, None]
    detector = detector_for_run("mean", seed=1, blocks=(2, 2))
    save_arrays(tmp_path / "mean.npz", fit_detector(detector, X[:40], y[:40], X[40:], y[40:]))
    saved = load_arrays(tmp_path / "mean.npz")
    assert saved.header.kind == "mean"
    np.testing.assert_allclose(raw_scores(saved, X), detector.decision_function(X), rtol=0, atol=1e-6)


def test_listing_loads_no_library() -> None:
    program = (
        "import sys; import hybridwing.detectors; from hybridwing.detectors.registry import detector_names;"
        "detector_names(); print(sorted({'sklearn', 'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
