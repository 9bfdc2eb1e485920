"""The detectors by name. Importing this loads none of them."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.errors import DetectorError

if TYPE_CHECKING:
    from hybridwing.detectors.base import Detector


@dataclass(frozen=True)
class DetectorEntry:
    """What is known about a detector without loading it.

    Attributes
    ----------
    name : str
        What users type.
    summary : str
        One line on what it does.
    source : str
        Where the method comes from.
    seen_only : str
        What it cannot find because it learns only from the crosses it was shown; empty when it looks further.
    """

    name: str
    summary: str
    source: str
    seen_only: str
    module: str
    class_name: str
    seeded: bool


_SAMPLE = "Imageomics/HDR-anomaly-challenge-sample, DINO_train/classifier.py"
_SEEN_ONLY = "learns the crosses (and the imaging batch) of its training hybrids; other crosses may score low"

_ENTRIES = (
    DetectorEntry(
        name="svm",
        summary="standardised embeddings and a balanced support vector machine with a Gaussian kernel",
        source=_SAMPLE,
        seen_only=_SEEN_ONLY,
        module="hybridwing.detectors.svm",
        class_name="SvmDetector",
        seeded=False,
    ),
    DetectorEntry(
        name="sgd",
        summary="mean of five calibrated linear classifiers trained by stochastic gradient descent",
        source=_SAMPLE,
        seen_only=_SEEN_ONLY,
        module="hybridwing.detectors.sgd",
        class_name="SgdDetector",
        seeded=True,
    ),
    DetectorEntry(
        name="knn",
        summary="share of hybrids among the five nearest training specimens",
        source=_SAMPLE,
        seen_only=_SEEN_ONLY,
        module="hybridwing.detectors.knn",
        class_name="KnnDetector",
        seeded=False,
    ),
    DetectorEntry(
        name="gaussian",
        summary="Gaussian process with a fixed kernel of length scale 1; for embeddings of unit length",
        source=_SAMPLE,
        seen_only=_SEEN_ONLY,
        module="hybridwing.detectors.gaussian",
        class_name="GaussianDetector",
        seeded=True,
    ),
)


def detector_entries() -> tuple[DetectorEntry, ...]:
    """Return all detectors, in the order they are offered."""
    return _ENTRIES


def detector_names() -> tuple[str, ...]:
    """Return the names of all detectors.

    Examples
    --------
    >>> detector_names()
    ('svm', 'sgd', 'knn', 'gaussian')
    """
    return tuple(entry.name for entry in _ENTRIES)


def make_detector(name: str, *, seed: int) -> Detector:
    """Make a detector, not yet fitted, with its default parameters.

    Parameters
    ----------
    name : str
        One of ``detector_names()``.
    seed : int
        Seed of whatever the detector draws, in ``[0, 2**32)``. One that draws nothing ignores it.

    Raises
    ------
    DetectorError
        If there is no detector of that name, or the seed is out of range.
    """
    entry = next((entry for entry in _ENTRIES if entry.name == name), None)
    if entry is None:
        near = difflib.get_close_matches(name.lower(), detector_names(), n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "choose one of those"
        raise DetectorError(f"unknown detector {name!r}; there are {', '.join(detector_names())}: {hint}")
    if not 0 <= seed < 2**32:
        raise DetectorError(f"seed {seed} is out of range; give a whole number from 0 to {2**32 - 1}")
    detector_class = getattr(importlib.import_module(entry.module), entry.class_name)
    detector: Detector = detector_class(random_state=seed) if entry.seeded else detector_class()
    return detector
