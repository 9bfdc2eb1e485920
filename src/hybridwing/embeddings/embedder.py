"""A backbone as a transformer of scikit-learn, for pipelines over image files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from hybridwing.backbones.compute import Compute
from hybridwing.errors import EmbeddingError, counted, first_few

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from hybridwing.backbones.request import Backbone


class Embedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Image files to embeddings.

    Columns are named ``embedder0``, ``embedder1`` and so on, also for ``set_output(transform="pandas")``.

    Parameters
    ----------
    backbone : Backbone or str
    compute : Compute, optional
        Where and how.

    Attributes
    ----------
    n_features_out_ : int
        Embedding dimension; known after the first call of `transform`.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> pipeline = make_pipeline(Embedder("pattern"), hw.make_detector("svm"))
    >>> table = hw.read_catalogue(collection.train)
    >>> paths = [collection.images / name for name in table.table["filename"]]
    >>> pipeline.fit(paths, table.labels).predict(paths[:3]).shape
    (3,)
    """

    def __init__(self, backbone: Backbone | str = "pattern", compute: Compute | None = None) -> None:
        self.backbone = backbone
        self.compute = compute

    def fit(self, X: Iterable[Path | str], y: Any = None) -> Embedder:  # noqa: ARG002 - scikit-learn passes both
        """Nothing is learned: backbones are frozen."""
        return self

    def transform(self, X: Iterable[Path | str]) -> NDArray[np.float32]:
        """Embed image files.

        Parameters
        ----------
        X : iterable of n paths

        Returns
        -------
        ndarray of shape (n, d), float32

        Raises
        ------
        EmbeddingError
            If an image cannot be embedded; leave it out and call again.
        """
        from hybridwing.backbones.load import load
        from hybridwing.embeddings.engine import embed_images

        paths = [Path(path) for path in X]
        compute = self.compute or Compute()
        # An image may stand twice, so its place is its key.
        items = [(str(place), path) for place, path in enumerate(paths)]
        table = embed_images(items, load(self.backbone, compute), compute)
        if table.failures:
            failed = [f"{failure.path} ({failure.reason})" for failure in table.failures]
            raise EmbeddingError(
                f"{counted(len(failed), 'image')} cannot be embedded: {first_few(failed)}; leave them out"
            )
        self.n_features_out_: int = table.vectors.shape[1]
        return table.vectors

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn counts the names of the columns by."""
        return self.n_features_out_

    def __sklearn_is_fitted__(self) -> bool:
        """Always: nothing is learned."""
        return True

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn's tools that there is nothing to fit and that paths come in."""
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags
