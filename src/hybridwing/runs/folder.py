"""The run folder: what a training leaves behind, and how it is read again.

::

    RUN/
      run.json             what was trained, on what, with which versions
      embeddings.parquet   embeddings of the whole catalogue
      detectors/NAME.npz   one file a detector
      metrics.csv          a row a detector, measured on the held-out images
      scores.csv           score of every held-out image by every detector
      failures.csv         images that could not be embedded
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridwing.backbones.base import BackboneSpec
from hybridwing.errors import DetectorError, RunError, first_few
from hybridwing.runtime.arrays import FormatError, SavedDetector, load_arrays

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT_VERSION = 1
MANIFEST, EMBEDDINGS, DETECTORS = "run.json", "embeddings.parquet", "detectors"
METRICS, SCORES, FAILURES = "metrics.csv", "scores.csv", "failures.csv"


@dataclass(frozen=True)
class RunManifest:
    """What ``run.json`` holds. It has no dates and no machine names: the same training gives the same bytes.

    Attributes
    ----------
    backbone : BackboneSpec
        What embedded the images.
    preprocess : {"default", "sample"}
        Which of the backbone's preprocessings was asked for.
    detectors : tuple of str
        In the order they were asked for.
    best_detector : str
        Highest average precision on the held-out images; the first of equals.
    seed : int
    split_method : str
        How images were held out, see :func:`hybridwing.catalogue.splits.split`.
    test_fraction : float
        Share of the images held out, in (0, 1).
    catalogue_name : str
        File name of the catalogue.
    catalogue_sha256, embeddings_sha256 : str
        Of the catalogue's bytes, and of the names and vectors of the embeddings.
    n_images, n_embedded, n_train, n_heldout, n_heldout_hybrids : int
        Images listed, embedded, learned from and held out.
    versions : dict of str to str
        Python and the packages that numbers depend on.
    format_version : int
    """

    backbone: BackboneSpec
    preprocess: str
    detectors: tuple[str, ...]
    best_detector: str
    seed: int
    split_method: str
    test_fraction: float
    catalogue_name: str
    catalogue_sha256: str
    embeddings_sha256: str
    n_images: int
    n_embedded: int
    n_train: int
    n_heldout: int
    n_heldout_hybrids: int
    versions: dict[str, str]
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """JSON text, keys sorted."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True)
class Run:
    """A run folder that was read.

    Attributes
    ----------
    folder : Path
    manifest : RunManifest
    """

    folder: Path
    manifest: RunManifest

    def detector(self, name: str | None = None) -> SavedDetector:
        """Saved detector by name, by default the best.

        Raises
        ------
        RunError
            If the run has no such detector.
        DetectorError
            If its file is damaged.
        """
        name = name or self.manifest.best_detector
        if name not in self.manifest.detectors:
            raise RunError(f"{self.folder} has no detector {name!r}; it has {', '.join(self.manifest.detectors)}")
        path = self.folder / DETECTORS / f"{name}.npz"
        try:
            return load_arrays(path)
        except (FormatError, OSError) as error:
            raise DetectorError(f"{path} cannot be used: {error}; train again") from error


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises
    ------
    RunError
        If the folder is no run, is incomplete, or was made by a newer version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise RunError(f"{folder} is no run folder: it has no {MANIFEST}; make one with: hybridwing train … --out RUN")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = int(values["format_version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error
    if version > FORMAT_VERSION:
        raise RunError(f"{path} has format {version}, made by a newer hybridwing; upgrade this one")
    run = Run(folder, _manifest(path, values))
    absent = [n for n in run.manifest.detectors if not (folder / DETECTORS / f"{n}.npz").is_file()]
    if absent:
        raise RunError(f"{folder} is incomplete: no saved detector {first_few(absent)}; train again")
    return run


def _manifest(path: Path, values: dict[str, Any]) -> RunManifest:
    try:
        backbone = BackboneSpec.from_dict(values["backbone"])
        detectors = tuple(str(name) for name in values["detectors"])
        manifest = RunManifest(**{**values, "backbone": backbone, "detectors": detectors})
    except (KeyError, TypeError) as error:
        raise RunError(f"{path} is not what hybridwing writes: {error}") from error
    if any(Path(name).name != name for name in detectors) or manifest.best_detector not in detectors:
        raise RunError(f"{path} names detectors that it cannot have: {first_few(detectors)}")
    return manifest


@contextlib.contextmanager
def new_folder(out: Path, *, overwrite: bool = False, mark: str = MANIFEST) -> Iterator[Path]:
    """Fill a folder under another name and give it its own when all went well.

    Parameters
    ----------
    out : Path
        Final name.
    overwrite : bool
        Replace what stands there, and only once the new one is whole.
    mark : str
        File by which a folder is known to be of the kind that may be replaced; anything else is left alone.

    Raises
    ------
    RunError
        If `out` exists and may not be replaced, or cannot be written.
    """
    if out.exists() and not overwrite:
        raise RunError(f"{out} exists already; choose another name or say --overwrite")
    if out.exists() and not (out.is_dir() and ((out / mark).is_file() or not any(out.iterdir()))):
        raise RunError(f"{out} holds no {mark}, so it is not replaced; choose another name")
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    except OSError as error:
        raise RunError(f"cannot write {out}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
