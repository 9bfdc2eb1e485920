"""The run folder: what a training leaves behind, and how it is read again.

::

    RUN/
      run.json             what was trained, on what, with which versions
      embeddings.parquet   embeddings of the whole catalogue
      detectors/NAME.npz   one file a detector
      metrics.csv          a row a detector, measured on the held-out images
      scores.csv           score of every held-out image by every detector
      failures.csv         images that could not be embedded
      typicality.npz       what training images look like, to find images that are unlike them
      parents.npz          the subspecies, to say which parents an image shows; where two or more are known
      wings.npz            mean pictures of the wings of each class; where photographs were at hand
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError

from hybridwing.backbones.base import BackboneSpec
from hybridwing.errors import EmbeddingError, RunError, first_few, what_is_wrong

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 1
MANIFEST, EMBEDDINGS, DETECTORS = "run.json", "embeddings.parquet", "detectors"
METRICS, SCORES, FAILURES = "metrics.csv", "scores.csv", "failures.csv"
TYPICALITY, PARENTS, WINGS = "typicality.npz", "parents.npz", "wings.npz"
#: All that a run folder holds; a folder with anything else in it is never replaced.
CONTENTS = (MANIFEST, EMBEDDINGS, DETECTORS, METRICS, SCORES, FAILURES, TYPICALITY, PARENTS, WINGS)

#: A detector's name becomes a file name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class _Versioned:
    format_version: Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class RunManifest:
    """What ``run.json`` holds. It has no dates and no machine names: the same training gives the same bytes."""

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    backbone: Annotated[BackboneSpec, PlainValidator(BackboneSpec.from_dict)]  # What embedded the images
    detectors: tuple[str, ...]  # In the order they were asked for
    best_detector: str  # What ``predict``, ``submission build`` and ``publish`` use unless told otherwise
    choice: str  # Why it is that one, in a sentence
    without_hybrids: str  # What was learned from, where no hybrid is known; otherwise empty
    seed: int
    split_method: str  # How images were held out, see `hybridwing.runs.train.train`
    test_fraction: float  # Share of the images held out, in (0, 1)
    catalogue_name: str  # File name of the catalogue
    # Of the catalogue's bytes, and of the names and vectors of the embeddings
    catalogue_sha256: str
    embeddings_sha256: str
    # Images listed, embedded, learned from and held out; with the method ``"folds"`` all were both
    n_images: int
    n_embedded: int
    n_train: int
    n_heldout: int
    n_heldout_hybrids: int
    versions: dict[str, str]  # Python and the packages that numbers depend on
    # Of the file of decisions that were joined to the catalogue; empty without one
    decisions_name: str = ""
    decisions_sha256: str = ""
    format_version: int = FORMAT_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**asdict(self), "backbone": self.backbone.to_dict()}

    def to_json(self) -> str:
        """JSON text, keys sorted."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"


def read_manifest(folder: Path) -> RunManifest:
    """What the ``run.json`` of a run folder says.

    Raises RunError if the folder is no run, is incomplete, or was made by a newer version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise RunError(f"{folder} is no run folder: it has no {MANIFEST}; make one with: hybridwing train … --out RUN")
    try:
        text = path.read_bytes()
        version = TypeAdapter(_Versioned).validate_json(text, strict=True).format_version
        if version > FORMAT_VERSION:
            raise RunError(f"{path} has format {version}, made by a newer hybridwing; upgrade this one")
        manifest = TypeAdapter(RunManifest).validate_json(text, strict=True)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error}; train again") from error
    except (ValidationError, EmbeddingError) as error:
        raise RunError(f"{path} is not what hybridwing writes: {what_is_wrong(error)}; train again") from error
    names = manifest.detectors
    if not all(map(_NAME.fullmatch, names)) or len(set(names)) != len(names) or manifest.best_detector not in names:
        raise RunError(f"{path} names detectors that it cannot have: {first_few(names) or 'none'}")
    absent = [name for name in names if not (folder / DETECTORS / f"{name}.npz").is_file()]
    if absent:
        raise RunError(f"{folder} is incomplete: no saved detector {first_few(absent)}; train again")
    return manifest
