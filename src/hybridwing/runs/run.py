"""A training's folder, read again, and what can be done with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.errors import BackboneError, DetectorError, RunError, remedy
from hybridwing.runs.folder import DETECTORS, EMBEDDINGS, FAILURES, METRICS, SCORES, RunManifest, read_manifest
from hybridwing.runtime.arrays import FormatError, SavedDetector, load_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from hybridwing.backbones.base import BackboneSpec, LoadedBackbone
    from hybridwing.backbones.request import Backbone
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.embed import Source
    from hybridwing.embeddings.table import EmbeddingTable, Failure
    from hybridwing.evaluation.bootstrap import Uncertainty
    from hybridwing.evaluation.metrics import DetectionMetrics
    from hybridwing.runs.evaluate import Evaluation
    from hybridwing.runs.explaining import Explanation
    from hybridwing.runs.identify import Identifications
    from hybridwing.runs.predict import RankedImages


@dataclass(frozen=True)
class Run:
    """Trained detectors in a folder.

    Attributes
    ----------
    folder : Path
    manifest : RunManifest
        What was trained, on what, with which versions.
    moved : str, Backbone or None
        Where its backbone is now, if not where it was, see :func:`load_run`.

    Examples
    --------
    >>> run = hw.load_run(example_run)
    >>> ranked = run.predict(collection.images, tnr=0.9)
    >>> list(ranked.to_frame().columns[:4])
    ['rank', 'path', 'score', 'verdict']
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
        """By detector, on the held-out images."""
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
        from hybridwing.runs.tables import read_scores

        found = {name: read_scores(self.folder / SCORES, name) for name in self.manifest.detectors}
        one = found[self.manifest.best_detector]
        return detection_uncertainty({name: rows.scores for name, rows in found.items()}, one.labels, one.specimens)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Images of the catalogue that have no embedding and were left out."""
        from hybridwing.runs.tables import read_failures

        return read_failures(self.folder / FAILURES)

    @property
    def embeddings(self) -> EmbeddingTable:
        """Of the whole catalogue."""
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
            Where it is now, as for :func:`load_run`, whose answer stands otherwise.
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
        """Embed photographs with this run's backbone; see :func:`hybridwing.embeddings.embed.embed`."""
        from hybridwing.embeddings.embed import embed_photographs, photographs

        found = photographs(source, images)
        return embed_photographs(found, self.load_backbone(compute=compute), compute, progress=progress)

    def predict(
        self,
        source: Source | EmbeddingTable,
        images: Path | str | EmbeddingTable | None = None,
        *,
        tnr: float = 0.95,
        detector: str | None = None,
        prevalence: float | None = None,
        candidates: str | Sequence[str] = "species",
        compute: Compute = DEFAULT,
        progress: Callable[[int, int], None] | None = None,
    ) -> RankedImages:
        """Rank photographs or embeddings; see :func:`hybridwing.runs.predict.predict`."""
        from hybridwing.runs.predict import predict

        return predict(
            self,
            source,
            images,
            tnr=tnr,
            detector=detector,
            prevalence=prevalence,
            candidates=candidates,
            compute=compute,
            progress=progress,
        )

    def identify(
        self,
        source: Source | EmbeddingTable,
        images: Path | str | EmbeddingTable | None = None,
        *,
        candidates: str | Sequence[str] = "species",
        compute: Compute = DEFAULT,
        progress: Callable[[int, int], None] | None = None,
    ) -> Identifications:
        """Name subspecies or parents; see :func:`hybridwing.runs.identify.identify`."""
        from hybridwing.runs.identify import identify

        return identify(self, source, images, candidates=candidates, compute=compute, progress=progress)

    def explain(
        self,
        path: Path | str,
        *,
        detector: str | None = None,
        compute: Compute = DEFAULT,
    ) -> Explanation:
        """Say why a photograph has its score; see :func:`hybridwing.runs.explaining.explain` for several.

        Raises
        ------
        HybridwingError
            If it cannot be read, or the run cannot embed photographs.
        """
        from hybridwing.runs.explaining import explain

        return explain(self, [Path(path)], detector=detector, compute=compute)[0]

    def evaluate(
        self,
        catalogue: Catalogue | Path | str,
        embeddings: EmbeddingTable | Path | str,
        *,
        minus: Catalogue | Path | str | None = None,
        resamples: int = 2000,
    ) -> Evaluation:
        """Score a labelled catalogue; see :func:`hybridwing.runs.evaluate.evaluate`."""
        from hybridwing.runs.evaluate import evaluate

        return evaluate(self, catalogue, embeddings, minus=minus, resamples=resamples)

    def _embeddable(self) -> BackboneSpec:
        spec = self.manifest.backbone
        if not spec.can_embed:
            raise BackboneError(
                f"{self.folder} was trained on embeddings that do not say what made them: it ranks embeddings of that "
                "kind (a parquet file with uuid and emb), and cannot embed photographs"
            )
        return spec


def load_run(folder: Path | str, backbone: Backbone | str | None = None) -> Run:
    """Read a run folder.

    Parameters
    ----------
    folder : Path or str
    backbone : str or Backbone, optional
        Where the run's backbone is now, if its folder was moved (of several all, in their order, with commas between);
        or a request that gives it again, such as one made by ``Backbone.from_callable``.

    Raises
    ------
    RunError
        If the folder is no run, is incomplete, or was made by a newer version.

    Examples
    --------
    >>> run = load_run(example_run)
    >>> run.manifest.detectors
    ('svm',)
    """
    folder = Path(folder)
    return Run(folder, read_manifest(folder), backbone)
