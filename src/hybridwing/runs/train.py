"""Train detectors on a catalogue and leave a run folder."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from hybridwing import __version__
from hybridwing.catalogue.splits import Method, split
from hybridwing.detectors.fitting import fit_detector
from hybridwing.detectors.registry import detector_names, make_detector
from hybridwing.embeddings.catalogue import embed_catalogue
from hybridwing.embeddings.compute import DEFAULT, Compute
from hybridwing.embeddings.store import write_table
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import DetectorError, EmbeddingError, RunError
from hybridwing.evaluation.metrics import DetectionMetrics, detection_metrics
from hybridwing.runs import folder as layout
from hybridwing.runs.confidence import write_confidence
from hybridwing.runs.folder import Run, RunManifest, new_folder
from hybridwing.runs.tables import write_failures, write_metrics, write_scores
from hybridwing.runtime.arrays import SavedDetector, save_arrays
from hybridwing.runtime.scoring import calibrated_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.table import Failure


@dataclass(frozen=True)
class TrainingResult:
    """What a training came to.

    Attributes
    ----------
    run : Run
        The folder that was written.
    metrics : dict of str to DetectionMetrics
        By detector, on the held-out images.
    failures : tuple of Failure
        Images that could not be embedded and were left out.
    """

    run: Run
    metrics: dict[str, DetectionMetrics]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, eq=False)
class _Part:
    """The training or the held-out part, as arrays."""

    uuids: tuple[str, ...]
    vectors: NDArray[np.float32]
    catalogue: Catalogue


def train(
    catalogue: Catalogue,
    images: Path,
    out: Path,
    *,
    backbone: str = "pattern",
    detectors: Sequence[str] = ("fusion",),
    seed: int = 42,
    split_method: Method = "random",
    test_fraction: float = 0.2,
    preprocess: str = "default",
    view: str = "whole",
    feature: str = "default",
    background: str | None = None,
    record_weights: bool = True,
    compute: Compute = DEFAULT,
    embeddings: EmbeddingTable | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingResult:
    """Embed a catalogue once, fit detectors on one part of it and measure and calibrate them on the other.

    Parameters
    ----------
    catalogue : Catalogue
        Labelled.
    images : Path
        Folder that its file names are relative to.
    out : Path
        The run folder; appears under this name when it is complete.
    backbone : str
        See :func:`hybridwing.backbones.registry.load_backbone`.
    detectors : sequence of str
        See :func:`hybridwing.detectors.registry.detector_names`; one named twice is fitted once.
    seed : int
        Decides the split and the detectors' own draws. Same seed and data, same bytes.
    split_method, test_fraction
        See :func:`hybridwing.catalogue.splits.split`. The defaults are those of the challenge's sample.
    preprocess, view, feature, background
        See :func:`hybridwing.backbones.registry.load_backbone`.
    record_weights : bool
        See :func:`hybridwing.detectors.registry.make_detector`.
    compute : Compute
        Device, precision, cache.
    embeddings : EmbeddingTable, optional
        Made earlier from these images, and maybe more, with this backbone; otherwise the images are embedded here.
    overwrite : bool
        Replace an earlier run of this name.
    progress : callable, optional
        Called with the number of images embedded and of all.

    Raises
    ------
    HybridwingError
        Of the kind that fits what is wrong with the input; nothing is written then.
    """
    # Unknown detectors and unlabelled catalogues must fail before hours of embedding, not after.
    if not detectors:
        raise DetectorError(f"no detector is named; choose one or more of {', '.join(detector_names())}")
    for name in detectors:
        make_detector(name, seed=seed)
    _ = catalogue.labels
    division = split(catalogue, method=split_method, test_fraction=test_fraction, seed=seed)
    with new_folder(out, overwrite=overwrite) as partial:
        encoder = compute.load(backbone, preprocess=preprocess, view=view, feature=feature, background=background)
        if embeddings is None:
            embeddings = embed_catalogue(
                catalogue, images, encoder, cache=compute.cache, options=compute.reading, progress=progress
            )
        elif embeddings.backbone.key != encoder.spec.key:
            raise EmbeddingError(
                f"the embeddings were made by {_seen_by(embeddings.backbone)}, and {_seen_by(encoder.spec)} with "
                f"--preprocess {preprocess} has other weights or preprocessing; embed again, or leave --embeddings out"
            )
        embeddings = _of_catalogue(embeddings, catalogue)
        learned = _part(catalogue, division.train, embeddings)
        held_out = _part(catalogue, division.test, embeddings)
        saved = {
            name: _fit(name, learned, held_out, seed, encoder.spec.widths, record_weights)
            for name in dict.fromkeys(detectors)
        }
        scores = {name: calibrated_scores(model, held_out.vectors) for name, model in saved.items()}
        metrics = {name: detection_metrics(values, held_out.catalogue.labels) for name, values in scores.items()}
        manifest = RunManifest(
            backbone=encoder.spec,
            preprocess=preprocess,
            detectors=tuple(saved),
            best_detector=max(metrics, key=lambda name: metrics[name].prc_auc),
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
        (partial / layout.MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        write_table(embeddings, partial / layout.EMBEDDINGS)
        (partial / layout.DETECTORS).mkdir()
        for name, model in saved.items():
            save_arrays(partial / layout.DETECTORS / f"{name}.npz", model)
        write_metrics(partial / layout.METRICS, metrics)
        write_scores(partial / layout.SCORES, held_out.uuids, held_out.catalogue.labels, scores)
        write_failures(partial / layout.FAILURES, embeddings.failures)
        write_confidence(partial, learned.catalogue, learned.vectors, held_out.catalogue, held_out.vectors, embeddings)
    return TrainingResult(Run(out, manifest), metrics, embeddings.failures)


def _of_catalogue(embeddings: EmbeddingTable, catalogue: Catalogue) -> EmbeddingTable:
    """The catalogue's images of a table that may hold more, in the catalogue's order: same images, same bytes."""
    uuids = [str(uuid) for uuid in catalogue.uuids]
    rows = embeddings.rows_of(uuids)
    failed = {failure.uuid: failure for failure in embeddings.failures}
    wanted = set(uuids)
    return EmbeddingTable(
        tuple(uuid for uuid, row in zip(uuids, rows, strict=True) if row >= 0),
        embeddings.vectors[rows[rows >= 0]],
        embeddings.backbone,
        tuple(failed[uuid] for uuid, row in zip(uuids, rows, strict=True) if row < 0),
        tuple(fallback for fallback in embeddings.fallbacks if fallback.uuid in wanted),
        embeddings.precision,
        embeddings.runtime,
    )


def _part(catalogue: Catalogue, index: NDArray[np.intp], embeddings: EmbeddingTable) -> _Part:
    """Rows of the catalogue that have an embedding, with it."""
    rows = embeddings.rows_of([str(uuid) for uuid in catalogue.uuids[index]])
    embedded = rows >= 0
    part = catalogue.select(index[embedded])
    if not len(part):
        raise RunError("no image is left in the training or the held-out part; see which images failed")
    return _Part(tuple(str(u) for u in part.uuids), embeddings.vectors[rows[embedded]], part)


def _fit(
    name: str, learned: _Part, held_out: _Part, seed: int, widths: tuple[int, ...], record_weights: bool
) -> SavedDetector:
    return fit_detector(
        name,
        learned.vectors,
        learned.catalogue.labels,
        held_out.vectors,
        held_out.catalogue.labels,
        seed=seed,
        subspecies=learned.catalogue.subspecies.tolist(),
        parents=learned.catalogue.parent_pairs,
        records=learned.catalogue.records.tolist(),
        blocks=widths,
        record_weights=record_weights,
    )


def _seen_by(spec: BackboneSpec) -> str:
    """A backbone and what it shows of a picture, in words."""
    return f"{spec.name} (view {spec.views}" + (f", background {spec.background})" if spec.background else ")")


def _digest(embeddings: EmbeddingTable) -> str:
    total = hashlib.sha256("\n".join(embeddings.uuids).encode())
    total.update(np.ascontiguousarray(embeddings.vectors).tobytes())
    return total.hexdigest()


def _versions() -> dict[str, str]:
    packages = ("numpy", "scipy", "scikit-learn", "Pillow", "pandas", "pyarrow")
    return {"hybridwing": __version__, "python": platform.python_version()} | {p: version(p) for p in packages}
