"""What a training left in its folder, read again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.errors import BackboneError, DetectorError, RunError, remedy
from hybridwing.runs.folder import DETECTORS, EMBEDDINGS, FAILURES, METRICS, SCORES, RunManifest
from hybridwing.runtime.arrays import FormatError, SavedDetector, load_arrays

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from hybridwing.backbones.base import BackboneSpec, LoadedBackbone
    from hybridwing.backbones.request import Backbone
    from hybridwing.embeddings.embed import Source
    from hybridwing.embeddings.table import EmbeddingTable, Failure
    from hybridwing.evaluation.bootstrap import Uncertainty
    from hybridwing.evaluation.metrics import DetectionMetrics
    from hybridwing.runs.tables import HeldOutImages


@dataclass(frozen=True)
class SavedRun:
    """The files of a run, read when they are asked for.

    Attributes
    ----------
    folder : Path
    manifest : RunManifest
        What was trained, on what, with which versions.
    moved : str, Backbone or None
        Where its backbone is now, if not where it was, see `hybridwing.runs.run.load_run`.

    Examples
    --------
    >>> run = hw.load_run(example_run)
    >>> run.detector().header.n_features == run.embeddings.vectors.shape[1]
    True
    """

    folder: Path
    manifest: RunManifest
    moved: Backbone | str | None = None

    @property
    def backbone(self) -> Backbone:
        """The request that gives this run's backbone again, for ``hw.embed``.

        Raises
        ------
        BackboneError
            If the run was trained on embeddings that do not say what made them.
        """
        from hybridwing.backbones.request import Backbone

        return Backbone.of(self._embeddable())

    @property
    def metrics(self) -> dict[str, DetectionMetrics]:
        """Metrics of each detector on the held-out images."""
        from hybridwing.runs.tables import read_metrics

        return read_metrics(self.folder / METRICS)

    def to_frame(self) -> pd.DataFrame:
        """The metrics on the held-out images as pandas has them, a row a detector."""
        import pandas as pd

        return pd.DataFrame.from_dict({name: asdict(one) for name, one in self.metrics.items()}, orient="index")

    @property
    def uncertainty(self) -> Uncertainty:
        """Intervals of the detectors' measures on the held-out images, by the bootstrap over specimens."""
        from hybridwing.evaluation.bootstrap import detection_uncertainty

        one = self.held_out[self.manifest.best_detector]
        scores = {name: rows.scores for name, rows in self.held_out.items()}
        return detection_uncertainty(scores, one.labels, one.specimens)

    @cached_property
    def held_out(self) -> dict[str, HeldOutImages]:
        """What each detector said of the images that training held out, by the detector's name.

        Raises
        ------
        RunError
            If the run's table of scores is missing or damaged.
        """
        from hybridwing.runs.tables import read_scores

        return {name: read_scores(self.folder / SCORES, name) for name in self.manifest.detectors}

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Images of the catalogue that have no embedding and were left out."""
        from hybridwing.runs.tables import read_failures

        return read_failures(self.folder / FAILURES)

    @property
    def embeddings(self) -> EmbeddingTable:
        """Embeddings of the whole catalogue."""
        from hybridwing.embeddings.store import read_table

        return read_table(self.folder / EMBEDDINGS)

    def detector(self, name: str | None = None) -> SavedDetector:
        """Saved detector by name, by default the best.

        Raises
        ------
        RunError
            If the run has no such detector.
        DetectorError
            If its file is damaged, or does not belong to this run.
        """
        name = name or self.manifest.best_detector
        if name not in self.manifest.detectors:
            raise RunError(f"{self.folder} has no detector {name!r}; it has {', '.join(self.manifest.detectors)}")
        path = self.folder / DETECTORS / f"{name}.npz"
        try:
            saved = load_arrays(path)
        except FormatError as error:
            raise DetectorError(f"{error}; train again") from error
        if not saved.is_calibrated or saved.header.n_features != self.manifest.backbone.dimension:
            raise DetectorError(
                f"{path} does not belong to this run: it is not calibrated, or was fitted on embeddings of "
                f"{saved.header.n_features} values and not {self.manifest.backbone.dimension}; train again"
            )
        return saved

    def load_backbone(self, names: Backbone | str | None = None, compute: Compute = DEFAULT) -> LoadedBackbone:
        """The backbone that the run was trained with, ready to embed.

        Parameters
        ----------
        names : str or Backbone, optional
            Where it is now, as for `hybridwing.runs.run.load_run`, whose answer stands otherwise.
        compute : Compute

        Raises
        ------
        RunError
            If the weights or the descriptor are not those that the run was trained with.
        BackboneError
            If it is not where it was.
        """
        from hybridwing.backbones.load import load
        from hybridwing.backbones.request import Backbone

        spec = self._embeddable()
        names = self.moved if names is None else names
        request = names if isinstance(names, Backbone) else Backbone.of(spec, names)
        try:
            loaded = load(request, compute)
        except BackboneError as error:
            if names is not None:
                raise
            raise BackboneError(
                f"{error} (if the backbone of {self.folder} was moved, name it with "
                f"{remedy('load_run(..., backbone=...)', '--backbone')})"
            ) from error
        if loaded.spec.key != spec.key:
            raise RunError(
                f"the backbone {request.name if names else spec.name} is not the one that {self.folder} was trained "
                "with (other weights, descriptor version or preprocessing); train again, or name the right one with "
                + remedy("load_run(..., backbone=...)", "--backbone")
            )
        return loaded

    def embed(
        self,
        source: Source,
        images: Path | str | None = None,
        *,
        compute: Compute = DEFAULT,
        progress: Callable[[int, int], None] | None = None,
    ) -> EmbeddingTable:
        """Embed photographs with this run's backbone; see `hybridwing.embeddings.embed.embed`."""
        from hybridwing.embeddings.embed import embed_photographs, photographs

        found = photographs(source, images)
        return embed_photographs(found, self.load_backbone(compute=compute), compute, progress=progress)

    def _embeddable(self) -> BackboneSpec:
        spec = self.manifest.backbone
        if not spec.can_embed:
            raise BackboneError(
                f"{self.folder} was trained on embeddings that do not say what made them: it ranks embeddings of that "
                "kind (a parquet file with uuid and emb), and cannot embed photographs"
            )
        return spec
