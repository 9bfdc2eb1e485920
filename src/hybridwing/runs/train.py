"""Train detectors on a catalogue and its embeddings, and leave a run folder."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybridwing import __version__
from hybridwing.catalogue.readers import as_catalogue
from hybridwing.catalogue.splits import Method, split
from hybridwing.detectors.fitting import fit_detector
from hybridwing.detectors.registry import DEFAULT_DETECTOR, detector_for_run, detector_names
from hybridwing.detectors.selection import choose_detector
from hybridwing.embeddings.selection import as_embeddings, select
from hybridwing.embeddings.store import write_table
from hybridwing.errors import DetectorError, RunError
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.files import write_text
from hybridwing.folders import new_folder
from hybridwing.runs import folder as layout
from hybridwing.runs.confidence import write_confidence
from hybridwing.runs.folder import RunManifest
from hybridwing.runs.run import Run
from hybridwing.runs.tables import write_failures, write_metrics, write_scores
from hybridwing.runtime.arrays import SavedDetector, save_arrays
from hybridwing.runtime.scoring import calibrated_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import EmbeddingTable


@dataclass(frozen=True, eq=False)
class _Division:
    """The training or the held-out images, as arrays."""

    uuids: tuple[str, ...]
    vectors: NDArray[np.float32]
    catalogue: Catalogue


def train(
    catalogue: Catalogue | Path | str,
    embeddings: EmbeddingTable | Path | str,
    out: Path | str,
    *,
    detectors: Sequence[str] = (DEFAULT_DETECTOR,),
    split_method: Method = "random",
    test_fraction: float = 0.2,
    seed: int = 42,
    record_weights: bool = True,
    overwrite: bool = False,
) -> Run:
    """Fit detectors on one part of a catalogue, and measure and calibrate them on the other.

    Parameters
    ----------
    catalogue : Catalogue or path
        Labelled.
    embeddings : EmbeddingTable or path
        Of the catalogue's images, and maybe more.
    out : Path or str
        The run folder; appears under this name when it is complete.
    detectors : sequence of str
        See ``hybridwing detectors``; one named twice is fitted once.
    split_method : {"random", "stratified", "record", "specimen"}
        How images are held out, see :func:`hybridwing.catalogue.splits.split`.
    test_fraction : float in (0, 1)
        Share of the images held out. The defaults are those of the challenge's sample.
    seed : int
        Decides the split and the detectors' own draws. Same seed and data, same bytes.
    record_weights : bool
        See :func:`hybridwing.detectors.registry.detector_for_run`.
    overwrite : bool
        Replace an earlier run of this name.

    Returns
    -------
    Run

    Raises
    ------
    HybridwingError
        Of the kind that fits what is wrong with the input; nothing is written then.

    Examples
    --------
    >>> collection = hw.simulate_collection("collection", specimens=200)  # doctest: +SKIP
    >>> embeddings = hw.embed(collection.train, collection.images)
    >>> run = train(collection.train, embeddings, "my-run", detectors=["svm"], overwrite=True)
    >>> run.manifest.best_detector
    'svm'
    """
    check_detectors(detectors, seed)
    catalogue, out = as_catalogue(catalogue), Path(out)
    catalogue.check_both_kinds()
    division = split(catalogue, method=split_method, test_fraction=test_fraction, seed=seed)
    with new_folder(out, overwrite=overwrite, mark=layout.MANIFEST, contents=layout.CONTENTS) as partial:
        embeddings = select(as_embeddings(embeddings), catalogue)
        learned = _divided(catalogue, division.train, embeddings)
        held_out = _divided(catalogue, division.test, embeddings)
        saved = {
            name: _fit(name, learned, held_out, seed, embeddings.backbone.widths, record_weights)
            for name in dict.fromkeys(detectors)
        }
        scores = {name: calibrated_scores(model, held_out.vectors) for name, model in saved.items()}
        metrics = {name: detection_metrics(values, held_out.catalogue.labels) for name, values in scores.items()}
        chosen = choose_detector(metrics)
        manifest = RunManifest(
            backbone=embeddings.backbone,
            detectors=tuple(saved),
            best_detector=chosen.name,
            choice=chosen.reason,
            seed=seed,
            record_weights=record_weights,
            split_method=split_method,
            test_fraction=test_fraction,
            catalogue_name=catalogue.source.name,
            catalogue_sha256=catalogue.sha256,
            embeddings_sha256=_digest(embeddings),
            n_images=len(catalogue),
            n_embedded=len(embeddings),
            n_train=len(learned.uuids),
            n_heldout=len(held_out.uuids),
            n_heldout_hybrids=int(held_out.catalogue.labels.sum()),
            versions=_versions(),
        )
        write_text(partial / layout.MANIFEST, manifest.to_json())
        write_table(embeddings, partial / layout.EMBEDDINGS)
        (partial / layout.DETECTORS).mkdir()
        for name, model in saved.items():
            save_arrays(partial / layout.DETECTORS / f"{name}.npz", model)
        write_metrics(partial / layout.METRICS, metrics)
        specimens = held_out.catalogue.specimens.astype(str).tolist()
        write_scores(partial / layout.SCORES, held_out.uuids, specimens, held_out.catalogue.labels, scores)
        write_failures(partial / layout.FAILURES, embeddings.failures)
        write_confidence(partial, learned.catalogue, learned.vectors, held_out.catalogue, held_out.vectors, embeddings)
    return Run(out, manifest)


def check_detectors(names: Sequence[str], seed: int) -> None:
    """Refuse unknown detectors, and a seed out of range, now rather than after hours of embedding.

    Raises
    ------
    DetectorError
        If there is no such detector, or none is named.
    """
    if not names:
        raise DetectorError(f"no detector is named; choose one or more of {', '.join(detector_names())}")
    for name in names:
        detector_for_run(name, seed=seed)


def _divided(catalogue: Catalogue, index: NDArray[np.intp], embeddings: EmbeddingTable) -> _Division:
    """Rows of the catalogue that have an embedding, with it."""
    rows = embeddings.rows_of([str(uuid) for uuid in catalogue.uuids[index]])
    embedded = rows >= 0
    part = catalogue.select(index[embedded])
    if not len(part):
        raise RunError("no image is left in the training or the held-out part; see which images failed")
    return _Division(tuple(str(u) for u in part.uuids), embeddings.vectors[rows[embedded]], part)


def _fit(
    name: str, learned: _Division, held_out: _Division, seed: int, widths: tuple[int, ...], record_weights: bool
) -> SavedDetector:
    return fit_detector(
        detector_for_run(name, seed=seed, blocks=widths, record_weights=record_weights),
        learned.vectors,
        learned.catalogue.labels,
        held_out.vectors,
        held_out.catalogue.labels,
        subspecies=learned.catalogue.subspecies.tolist(),
        parents=learned.catalogue.parent_pairs,
        records=learned.catalogue.records.tolist(),
    )


def _digest(embeddings: EmbeddingTable) -> str:
    total = hashlib.sha256("\n".join(embeddings.uuids).encode())
    total.update(np.ascontiguousarray(embeddings.vectors).tobytes())
    return total.hexdigest()


def _versions() -> dict[str, str]:
    packages = ("numpy", "scipy", "scikit-learn", "Pillow", "pandas", "pyarrow")
    return {"hybridwing": __version__, "python": platform.python_version()} | {p: version(p) for p in packages}
