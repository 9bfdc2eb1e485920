"""A run, and what can be done with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.runs.folder import read_manifest
from hybridwing.runs.saved_run import SavedRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hybridwing.backbones.request import Backbone
    from hybridwing.catalogue.readers import TableLike
    from hybridwing.embeddings.embed import Source
    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.runs.evaluate import Evaluation
    from hybridwing.runs.explaining import Explanation
    from hybridwing.runs.identify import Identifications
    from hybridwing.runs.predict import RankedImages


class Run(SavedRun):
    """Trained detectors in a folder.

    Attributes
    ----------
    folder : Path
    manifest : RunManifest
        What was trained, on what, with which versions.
    moved : str or Backbone or None
        Where its backbone is now, if not where it was, see `load_run`.

    Examples
    --------
    >>> run = hw.load_run(example_run)
    >>> ranked = run.predict(collection.images, tnr=0.9)
    >>> list(ranked.to_frame().columns[:4])
    ['rank', 'path', 'score', 'verdict']
    """

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
        """Rank photographs or embeddings; see `hybridwing.runs.predict.predict`."""
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
        """Name subspecies or parents; see `hybridwing.runs.identify.identify`."""
        from hybridwing.runs.identify import identify

        return identify(self, source, images, candidates=candidates, compute=compute, progress=progress)

    def explain(
        self,
        path: Path | str,
        *,
        detector: str | None = None,
        parents: Sequence[str] | None = None,
        compute: Compute = DEFAULT,
    ) -> Explanation:
        """Say why a photograph has its score; see `hybridwing.runs.explaining.explain` for several.

        Raises
        ------
        HybridwingError
            If it cannot be read, or the run cannot embed photographs.
        """
        from hybridwing.runs.explaining import explain

        return explain(self, [Path(path)], detector=detector, parents=parents, compute=compute)[0]

    def evaluate(
        self,
        catalogue: TableLike,
        embeddings: EmbeddingTable | Path | str,
        *,
        minus: TableLike | None = None,
        resamples: int = 2000,
    ) -> Evaluation:
        """Score a labelled catalogue; see `hybridwing.runs.evaluate.evaluate`."""
        from hybridwing.runs.evaluate import evaluate

        return evaluate(self, catalogue, embeddings, minus=minus, resamples=resamples)


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
