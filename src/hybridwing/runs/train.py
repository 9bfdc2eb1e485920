"""Train detectors on a catalogue and its embeddings, and leave a run folder."""

from __future__ import annotations

import functools
import hashlib
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from hybridwing import __version__
from hybridwing.catalogue.readers import as_catalogue
from hybridwing.catalogue.splits import Method, split
from hybridwing.detectors.fitting import fit_detector
from hybridwing.detectors.out_of_fold import calibrate_out_of_fold, deal
from hybridwing.detectors.registry import DEFAULT_DETECTOR, detector_for_run, detector_names
from hybridwing.detectors.selection import choose_detector
from hybridwing.embeddings.selection import as_embeddings, select
from hybridwing.embeddings.store import write_table
from hybridwing.errors import DetectorError, RunError
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.files import write_text
from hybridwing.folders import new_folder
from hybridwing.runs import folder as layout
from hybridwing.runs.confidence import write_parents, write_typicality
from hybridwing.runs.folder import RunManifest
from hybridwing.runs.run import Run
from hybridwing.runs.tables import write_failures, write_metrics, write_scores
from hybridwing.runtime.arrays import SavedDetector, save_arrays
from hybridwing.runtime.scoring import calibrated_scores, map_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hybridwing.catalogue.readers import TableLike
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.detectors.base import Detector
    from hybridwing.embeddings.table import EmbeddingTable

HoldOut = Literal["folds", Method]


@dataclass(frozen=True, eq=False)
class _Division:
    """The training or the held-out images, as arrays."""

    uuids: tuple[str, ...]
    vectors: NDArray[np.float32]
    catalogue: Catalogue

    def select(self, kept: NDArray[np.bool_]) -> _Division:
        """Some of the images, by a mask."""
        table = self.catalogue.select(kept)
        return _Division(tuple(str(uuid) for uuid in table.uuids), self.vectors[kept], table)


def train(
    catalogue: TableLike,
    embeddings: EmbeddingTable | Path | str,
    out: Path | str,
    *,
    detectors: Sequence[str] = (DEFAULT_DETECTOR,),
    split_method: HoldOut | None = None,
    test_fraction: float = 0.2,
    seed: int = 42,
    overwrite: bool = False,
) -> Run:
    """Fit detectors, and measure and calibrate them on specimens that they have not seen.

    Parameters
    ----------
    catalogue : Catalogue, path or data frame
        Labelled. It may hold non-hybrids alone, if the detectors do not need known hybrids: the default one does not.
    embeddings : EmbeddingTable or path
        Of the catalogue's images, and maybe more.
    out : Path or str
        The run folder; appears under this name when it is complete.
    detectors : sequence of str
        See ``hybridwing detectors``; one named twice is fitted once.
    split_method : str, optional
        How images are held out. ``"folds"`` holds out every specimen once and learns from all in the end, see
        `hybridwing.detectors.out_of_fold`; for ``"random"``, ``"stratified"``, ``"record"`` and ``"specimen"`` see
        `hybridwing.catalogue.splits.split`. By default it is ``"random"``, as in the challenge's sample, for a table in
        a form of the challenge, and ``"folds"`` for any other table and where no hybrid is known.
    test_fraction : float in (0, 1)
        Share of the images held out; not used by ``"folds"``.
    seed : int
        Decides the split and the detectors' own draws. Same seed and data, same bytes.
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
    catalogue, out = learnable(as_catalogue(catalogue)), Path(out)
    method = check_training(catalogue, detectors, split_method, test_fraction=test_fraction, seed=seed)
    with new_folder(out, overwrite=overwrite, mark=layout.MANIFEST, contents=layout.CONTENTS) as partial:
        embeddings = select(as_embeddings(embeddings), catalogue)
        widths = embeddings.backbone.widths

        def make(name: str) -> Detector:
            return detector_for_run(name, seed=seed, blocks=widths)

        saved, scores = {}, {}
        if method == "folds":
            learned = held_out = _divided(catalogue, np.arange(len(catalogue)), embeddings)
            fold = _dealt(learned.catalogue, seed)
            seen, unseen = learned.select(fold != 0), learned.select(fold == 0)
            for name in dict.fromkeys(detectors):
                saved[name], scores[name] = _fit_out_of_fold(functools.partial(make, name), learned, fold)
        else:
            division = split(catalogue, method=method, test_fraction=test_fraction, seed=seed)
            learned = seen = _divided(catalogue, division.train, embeddings)
            held_out = unseen = _divided(catalogue, division.test, embeddings)
            for name in dict.fromkeys(detectors):
                saved[name] = fit_detector(
                    make(name),
                    learned.vectors,
                    learned.catalogue.labels,
                    held_out.vectors,
                    held_out.catalogue.labels,
                    **_metadata(learned.catalogue),
                )
                scores[name] = calibrated_scores(saved[name], held_out.vectors)
        metrics = {name: detection_metrics(values, held_out.catalogue.labels) for name, values in scores.items()}
        chosen = choose_detector(metrics)
        manifest = RunManifest(
            backbone=embeddings.backbone,
            detectors=tuple(saved),
            best_detector=chosen.name,
            choice=chosen.reason,
            without_hybrids="" if learned.catalogue.labels.any() else _without_hybrids(learned.catalogue),
            seed=seed,
            split_method=method,
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
            decisions_name=catalogue.reading.decisions[0],
            decisions_sha256=catalogue.reading.decisions[1],
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
        write_typicality(partial, (seen.catalogue, seen.vectors), (unseen.catalogue, unseen.vectors), embeddings)
        write_parents(partial, learned.catalogue, learned.vectors, embeddings.backbone)
    return Run(out, manifest)


def learnable(catalogue: Catalogue) -> Catalogue:
    """The rows that a detector can learn from: of a table in no form of the challenge, those that have a label."""
    labelled = catalogue.labelled()
    return labelled if catalogue.form == "custom" and len(labelled) else catalogue


def check_training(
    catalogue: Catalogue,
    detectors: Sequence[str],
    split_method: str | None = None,
    *,
    test_fraction: float = 0.2,
    seed: int = 42,
) -> HoldOut:
    """Refuse now, rather than after hours of embedding, what `train` cannot do; return how it holds images out.

    Raises HybridwingError if a detector is unknown or needs hybrids that the catalogue lacks, all images are hybrids,
    one is unlabelled, or the catalogue cannot be divided so.
    """
    check_detectors(detectors, seed)
    if catalogue.labels.any():
        catalogue.check_both_kinds()
    elif needy := [name for name in detectors if detector_for_run(name, seed=seed).needs_hybrids]:
        able = [name for name in detector_names() if not detector_for_run(name, seed=seed).needs_hybrids]
        raise DetectorError(
            f"{catalogue.source}: no image is labelled a hybrid, and {', '.join(needy)} cannot learn without; use "
            f"{DEFAULT_DETECTOR} (or {', '.join(able)})"
        )
    own = catalogue.form == "custom" or not catalogue.labels.any()
    method = split_method or ("folds" if own else "random")
    if method == "folds":
        _dealt(catalogue, seed)
        return "folds"
    if method not in get_args(Method):
        raise RunError(f"unknown split {method!r}; use one of folds, {', '.join(get_args(Method))}")
    held_out = cast("Method", method)
    split(catalogue, method=held_out, test_fraction=test_fraction, seed=seed)
    return held_out


def check_detectors(names: Sequence[str], seed: int) -> None:
    """Refuse unknown detectors, and a seed out of range, now rather than after hours of embedding.

    Raises DetectorError, also if none is named.
    """
    if not names:
        raise DetectorError(f"no detector is named; choose one or more of {', '.join(detector_names())}")
    for name in names:
        detector_for_run(name, seed=seed)


def _divided(catalogue: Catalogue, index: NDArray[np.intp], embeddings: EmbeddingTable) -> _Division:
    """Rows of the catalogue that have an embedding, with their embeddings."""
    rows = embeddings.rows_of([str(uuid) for uuid in catalogue.uuids[index]])
    embedded = rows >= 0
    part = catalogue.select(index[embedded])
    if not len(part):
        raise RunError("no image is left in the training or the held-out part; see which images failed")
    return _Division(tuple(str(u) for u in part.uuids), embeddings.vectors[rows[embedded]], part)


def _fit_out_of_fold(
    make: Callable[[], Detector], data: _Division, fold: NDArray[np.intp]
) -> tuple[SavedDetector, NDArray[np.float64]]:
    """The detector, fitted on everything, and the calibrated out-of-fold scores."""

    def fit(rows: NDArray[np.intp]) -> Detector:
        table = data.catalogue.select(rows)
        return make().fit(data.vectors[rows], table.labels, **_metadata(table))

    saved, raw = calibrate_out_of_fold(fit, data.vectors, data.catalogue.labels, fold)
    arrays = saved.arrays
    return saved, map_scores(raw, arrays["map_knots"], arrays["map_levels"], arrays["map_scales"])


def _metadata(catalogue: Catalogue) -> dict[str, Any]:
    """What a detector may learn from besides labels."""
    return {"subspecies": catalogue.subspecies.tolist(), "parents": catalogue.parent_pairs}


def _dealt(catalogue: Catalogue, seed: int) -> NDArray[np.intp]:
    return deal(catalogue.specimens, catalogue.classes, catalogue.labels, seed)


def _without_hybrids(catalogue: Catalogue) -> str:
    """What was learned from where no hybrid is known."""
    names = {name for name in catalogue.subspecies if name is not None}
    if len(names) < 2:
        return (
            f"no hybrid is known: learned from {len(catalogue)} non-hybrids of one subspecies, whose distance alone "
            "ranks images"
        )
    return (
        f"no hybrid is known: learned from {len(catalogue)} non-hybrids of {len(names)} subspecies; images rank by how "
        "little they are like any of these"
    )


def _digest(embeddings: EmbeddingTable) -> str:
    total = hashlib.sha256("\n".join(embeddings.uuids).encode())
    total.update(np.ascontiguousarray(embeddings.vectors).tobytes())
    return total.hexdigest()


def _versions() -> dict[str, str]:
    packages = ("numpy", "scipy", "scikit-learn", "Pillow", "pandas", "pyarrow")
    return {"hybridwing": __version__, "python": platform.python_version()} | {p: version(p) for p in packages}
