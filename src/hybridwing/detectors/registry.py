"""The detectors by name. Importing this loads none of them."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    module, class_name : str
        Where its class is.
    seeded : bool
        Whether it draws random numbers.
    blocked : bool
        Whether it takes the blocks of the embedding into account.
    balanced : bool
        Whether it can weigh specimens by their records.
    """

    name: str
    summary: str
    source: str
    seen_only: str
    module: str
    class_name: str
    seeded: bool
    blocked: bool = False
    balanced: bool = False


#: What is fitted where no detector is named.
DEFAULT_DETECTOR = "fusion"

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
    DetectorEntry(
        name="soft-parents",
        summary="classifier of subspecies in which a hybrid is half of each parent; two likely parents score high",
        source="second place of the challenge's development phase",
        seen_only="",
        module="hybridwing.detectors.softmax",
        class_name="SoftParentsDetector",
        seeded=False,
    ),
    DetectorEntry(
        name="gap",
        summary="classifier of subspecies and known crosses; undecided specimens score high",
        source="an entry to the challenge on segmented wings",
        seen_only="",
        module="hybridwing.detectors.softmax",
        class_name="GapDetector",
        seeded=False,
    ),
    DetectorEntry(
        name="mahalanobis",
        summary="distance to the nearest subspecies",
        source="Lee et al. (2018), NeurIPS",
        seen_only="",
        module="hybridwing.detectors.mahalanobis",
        class_name="MahalanobisDetector",
        seeded=False,
        blocked=True,
    ),
    DetectorEntry(
        name="relative-mahalanobis",
        summary="distance to the nearest subspecies, less that to all specimens together",
        source="Ren et al. (2021), arXiv:2106.09022",
        seen_only="",
        module="hybridwing.detectors.mahalanobis",
        class_name="RelativeMahalanobisDetector",
        seeded=False,
        blocked=True,
    ),
    DetectorEntry(
        name="parent-mixture",
        summary="how much better the best cross of two subspecies explains a specimen than one subspecies does",
        source="hybridwing; hybrids as mixtures of two parents: Anderson and Thompson (2002), Genetics 160",
        seen_only="",
        module="hybridwing.detectors.parent_mixture",
        class_name="ParentMixtureDetector",
        seeded=False,
        blocked=True,
    ),
    DetectorEntry(
        name="synthetic-hybrids",
        summary="svm that has also been shown made crosses of every pair of subspecies",
        source="an entry to the challenge; mixing: Zhang et al. (2018), arXiv:1710.09412",
        seen_only="",
        module="hybridwing.detectors.synthetic_hybrids",
        class_name="SyntheticHybridsDetector",
        seeded=True,
        blocked=True,
        balanced=True,
    ),
    DetectorEntry(
        name="block-discriminant",
        summary="a linear discriminant of the known hybrids in each view of the wings, added up",
        source="Fisher (1936), Annals of Eugenics 7",
        seen_only=_SEEN_ONLY,
        module="hybridwing.detectors.block_discriminant",
        class_name="BlockDiscriminantDetector",
        seeded=False,
        blocked=True,
        balanced=True,
    ),
    DetectorEntry(
        name="fusion",
        summary="heads for known crosses, made crosses and parents, less those that find few held-out hybrids",
        source="hybridwing; Wolpert (1992), Neural Networks 5",
        seen_only="",
        module="hybridwing.detectors.fusion",
        class_name="FusionDetector",
        seeded=True,
        blocked=True,
        balanced=True,
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


def make_detector(
    name: str, *, seed: int, blocks: Sequence[int] | None = None, record_weights: bool = True
) -> Detector:
    """Make a detector, not yet fitted, with its default parameters.

    Parameters
    ----------
    name : str
        One of ``detector_names()``.
    seed : int
        Seed of whatever the detector draws, in ``[0, 2**32)``. One that draws nothing ignores it.
    blocks : sequence of int, optional
        Widths of the parts (views, backbones) of the embeddings; one that takes them whole ignores it.
    record_weights : bool
        Whether non-hybrids of the hybrids' records weigh more, see
        :func:`hybridwing.detectors.record_weights.record_weights`; one that is not ``balanced`` ignores it.

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
    settings: dict[str, object] = {"random_state": seed} if entry.seeded else {}
    if entry.blocked and blocks is not None:
        settings["blocks"] = tuple(blocks)
    if entry.balanced:
        settings["balance_records"] = record_weights
    detector: Detector = detector_class(**settings)
    return detector
