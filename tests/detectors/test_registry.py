"""Detectors by name, without loading what they need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hybridwing.detectors.base import Detector
from hybridwing.detectors.registry import detector_entries, detector_names, make_detector
from hybridwing.errors import DetectorError
from hybridwing.runtime.layouts import LAYOUTS

SAMPLE = ("svm", "sgd", "knn", "gaussian")


def test_the_samples_four_are_there() -> None:
    assert detector_names()[:4] == SAMPLE
    assert set(detector_names()) == set(LAYOUTS)


@pytest.mark.parametrize("entry", detector_entries(), ids=lambda entry: entry.name)
def test_entries_say_what_they_are(entry) -> None:
    assert entry.summary
    assert entry.source
    if entry.name in SAMPLE:
        assert "Imageomics/HDR-anomaly-challenge-sample" in entry.source
    assert ("learns the crosses" in entry.seen_only) == (entry.name in (*SAMPLE, "block-discriminant"))
    detector = make_detector(entry.name, seed=11)
    assert isinstance(detector, Detector)
    assert detector.kind == entry.name
    assert detector.get_params().get("random_state") == (11 if entry.seeded else None)
    assert ("blocks" in detector.get_params()) == entry.blocked
    divided = make_detector(entry.name, seed=11, blocks=[3, 4])
    assert divided.get_params().get("blocks") == ((3, 4) if entry.blocked else None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smv", "unknown detector 'smv'; there are svm, sgd, knn, gaussian, .*, fusion: did you mean svm"),
        ("SVM", "did you mean svm"),
        ("gausian", "did you mean gaussian"),
        ("transformer-xl", "choose one of those"),
        ("", "choose one of those"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(DetectorError, match=message):
        make_detector(name, seed=0)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_out_of_range(seed: int) -> None:
    with pytest.raises(DetectorError, match=f"seed {seed} is out of range"):
        make_detector("sgd", seed=seed)


def test_listing_loads_no_library() -> None:
    program = (
        "import sys; import hybridwing.detectors; from hybridwing.detectors.registry import detector_names;"
        "detector_names(); print(sorted({'sklearn', 'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
