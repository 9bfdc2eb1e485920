"""The embedding table: vectors, what made them, and what could not be embedded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import EmbeddingError, first_few

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from hybridwing.backbones.base import BackboneSpec


@dataclass(frozen=True)
class Failure:
    """An image that has no embedding."""

    uuid: str  # Key of the image in its catalogue
    path: str  # The file that was tried
    stage: str  # Where it failed: ``"open"``, ``"decode"``, ``"preprocess"`` or ``"embed"``
    reason: str  # What was wrong, in one line


@dataclass(frozen=True)
class Fallback:
    """An image whose embedding may show something else than what was asked for."""

    uuid: str  # Key of the image in its catalogue
    view: str  # What it shows: the view asked for, or ``"whole"`` instead
    confidence: float  # How surely the view asked for was found, in [0, 1]
    doubt: str = ""  # What is unsure about a view that was found, in words; empty where only the view is another


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """Embeddings of a collection.

    Attributes
    ----------
    uuids : tuple of str
        Keys of the images, unique.
    vectors : ndarray of shape (n, dimension), float32
        Row i is the embedding of ``uuids[i]``; finite.
    backbone : BackboneSpec
        What made them.
    failures : tuple of Failure
        Images that were asked for and have no row.
    fallbacks : tuple of Fallback
        Images in which the view asked for was not found, or is in doubt.
    precision : str
        Number format the backbone computed in: ``"fp32"``, ``"bf16"`` or ``"fp16"``; joined by ``+`` where parts
        differ.
    runtime : str
        Program that computed: ``"numpy"``, ``"torch"``, ``"openvino"`` or ``"python"``; empty where a table does not
        say.
    metadata : pandas.DataFrame or None
        What is known of the images besides, a row an image in the order of `uuids`: what their catalogue says, or the
        other columns of a table made elsewhere.
    """

    uuids: tuple[str, ...]
    vectors: NDArray[np.float32]
    backbone: BackboneSpec
    failures: tuple[Failure, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()
    precision: str = "fp32"
    runtime: str = ""
    metadata: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse a table that contradicts itself."""
        if self.vectors.shape != (len(self.uuids), self.backbone.dimension):
            raise EmbeddingError(
                f"{len(self.uuids)} images and a backbone of dimension {self.backbone.dimension} "
                f"do not fit vectors of shape {self.vectors.shape}"
            )
        if self.metadata is not None and len(self.metadata) != len(self.uuids):
            raise EmbeddingError(f"{len(self.uuids)} images do not fit {len(self.metadata)} rows of metadata")
        if len(set(self.uuids)) != len(self.uuids):
            twice = [uuid for uuid, count in Counter(self.uuids).items() if count > 1]
            raise EmbeddingError(f"the same image stands twice in the embedding table: {first_few(twice)}")
        if not np.isfinite(self.vectors).all():
            bad = np.flatnonzero(~np.isfinite(self.vectors).all(axis=1))
            raise EmbeddingError(f"embeddings with NaN or infinity: {first_few([self.uuids[i] for i in bad])}")

    def __len__(self) -> int:
        return len(self.uuids)

    def to_frame(self) -> pd.DataFrame:
        """The table as pandas has it: ``uuid``, the metadata, and ``emb`` with an array a row."""
        import pandas as pd

        known = pd.DataFrame(index=range(len(self))) if self.metadata is None else self.metadata.reset_index(drop=True)
        frame = pd.DataFrame({"uuid": list(self.uuids)})
        return pd.concat([frame, known, pd.DataFrame({"emb": list(self.vectors)})], axis=1)

    def rows_of(self, uuids: Sequence[str]) -> NDArray[np.int64]:
        """Row of each image; -1 for those among the failures.

        Raises EmbeddingError if an image is neither embedded nor among the failures: the table belongs to other images.
        """
        place = {uuid: row for row, uuid in enumerate(self.uuids)}
        failed = {failure.uuid for failure in self.failures}
        absent = [uuid for uuid in uuids if uuid not in place and uuid not in failed]
        if absent:
            raise EmbeddingError(
                f"{len(absent)} of {len(uuids)} images are not in the embedding table: {first_few(absent)}; "
                "embed this catalogue again"
            )
        return np.array([place.get(uuid, -1) for uuid in uuids], dtype=np.int64)
