"""The detectors by name. Importing this loads none of them.

CONTRIBUTING.md says how to add one.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hybridwing.detectors.base import Detector

DEFAULT_DETECTOR = "ridge"


@dataclass(frozen=True)
class DetectorEntry:
    """What is known about a detector without loading it."""

    name: str  # What users type
    path: str  # Where its class is, as ``"module:class"``
    summary: str  # One line on what it does
    source: str  # Where the method comes from
    # What it cannot find because it learns only from the crosses in training; empty where it finds others too
    seen_only: str = ""


_SAMPLE = "Imageomics/HDR-anomaly-challenge-sample, DINO_train/classifier.py"
_SEEN_ONLY = "learns the crosses (and the imaging batch) of its training hybrids; other crosses may score low"

_ENTRIES = (
    DetectorEntry(
        "svm",
        "hybridwing.detectors.svm:SvmDetector",
        "standardised embeddings and a balanced support vector machine with a Gaussian kernel",
        _SAMPLE,
        _SEEN_ONLY,
    ),
    DetectorEntry(
        "sgd",
        "hybridwing.detectors.sgd:SgdDetector",
        "mean of five calibrated linear classifiers trained by stochastic gradient descent",
        _SAMPLE,
        _SEEN_ONLY,
    ),
    DetectorEntry(
        "knn",
        "hybridwing.detectors.knn:KnnDetector",
        "share of hybrids among the five nearest training specimens",
        _SAMPLE,
        _SEEN_ONLY,
    ),
    DetectorEntry(
        "gaussian",
        "hybridwing.detectors.gaussian:GaussianDetector",
        "Gaussian process with a fixed kernel of length scale 1; for embeddings of unit length",
        _SAMPLE,
        _SEEN_ONLY,
    ),
    DetectorEntry(
        "soft-parents",
        "hybridwing.detectors.softmax:SoftParentsDetector",
        "classifier of subspecies in which a hybrid is half of each parent; two likely parents score high",
        "second place of the challenge's development phase",
    ),
    DetectorEntry(
        "gap",
        "hybridwing.detectors.softmax:GapDetector",
        "classifier of subspecies and known crosses; undecided specimens score high",
        "an entry to the challenge on segmented wings",
    ),
    DetectorEntry(
        "mahalanobis",
        "hybridwing.detectors.mahalanobis:MahalanobisDetector",
        "distance to the nearest subspecies",
        "Lee et al. (2018), NeurIPS",
    ),
    DetectorEntry(
        "ridge",
        "hybridwing.detectors.ridge:RidgeDetector",
        "kernel regression to subspecies and hybrids: how much of a hybrid, less most of the likeliest subspecies",
        "hybridwing; regression to class codes: Rifkin, Yeo and Poggio (2003)",
    ),
)


def detector_entries() -> tuple[DetectorEntry, ...]:
    """Return all detectors, in the order they are offered."""
    return _ENTRIES


def detector_names() -> tuple[str, ...]:
    """Return the names of all detectors.

    Examples
    --------
    >>> detector_names()[:4]
    ('svm', 'sgd', 'knn', 'gaussian')
    """
    return tuple(entry.name for entry in _ENTRIES)


def make_detector(name: str, **params: object) -> Detector:
    """Make a detector, not yet fitted.

    Parameters
    ----------
    name : str
        One of those that ``hybridwing detectors`` lists.
    **params
        Parameters of the detector's class; the others keep their defaults. ``fit`` checks their ranges.

    Returns
    -------
    Detector
        A scikit-learn classifier.

    Raises
    ------
    DetectorError
        If there is no detector of that name, or it has no such parameter.

    Examples
    --------
    >>> make_detector("svm", C=10)
    SvmDetector(C=10)
    >>> make_detector("svm", c=10)
    Traceback (most recent call last):
    ...
    hybridwing.errors.DetectorError: detector 'svm' has no parameter 'c'; there are C: did you mean C?
    """
    detector_class = _detector_class(name)
    known = tuple(inspect.signature(detector_class).parameters)
    for param in params:
        if param not in known:
            raise DetectorError(f"detector {name!r} has no parameter {param!r}; {_offer(param, known)}")
    return detector_class(**params)


def detector_for_run(name: str, *, seed: int, blocks: Sequence[int] | None = None) -> Detector:
    """Make a detector with those of a run's settings that it has a parameter for.

    `seed`, in ``[0, 2**32)``, is that of whatever the detector draws, its ``random_state``. `blocks` are widths of the
    blocks of the embeddings, see `hybridwing.backbones.base.BackboneSpec.widths`. Raises DetectorError if there
    is no detector of that name, or the seed is out of range.
    """
    if not 0 <= seed < 2**32:
        raise DetectorError(f"seed {seed} is out of range; give a whole number from 0 to {2**32 - 1}")
    settings: dict[str, object] = {"random_state": seed}
    if blocks is not None:
        settings["blocks"] = tuple(blocks)
    known = inspect.signature(_detector_class(name)).parameters
    return make_detector(name, **{param: value for param, value in settings.items() if param in known})


def _detector_class(name: str) -> type[Detector]:
    for entry in _ENTRIES:
        if entry.name == name:
            module, _, class_name = entry.path.partition(":")
            found: type[Detector] = getattr(importlib.import_module(module), class_name)
            return found
    raise DetectorError(f"unknown detector {name!r}; {_offer(name, detector_names())}")


def _offer(asked: str, known: Iterable[str]) -> str:
    """The names that there are, and those that are near the one that was asked for."""
    lowered = {word.lower(): word for word in known}
    near = [lowered[word] for word in difflib.get_close_matches(str(asked).lower(), lowered, n=3, cutoff=0.4)]
    hint = f"did you mean {' or '.join(near)}?" if near else "choose one of those"
    return f"there are {', '.join(lowered.values())}: {hint}"
