"""What a backbone is to the rest of the house."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hybridwing.errors import EmbeddingError
from hybridwing.runtime import pattern
from hybridwing.runtime.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from hybridwing.runtime.preprocess import Prepared


@dataclass(frozen=True)
class BackboneSpec:
    """All that decides what an embedding is: stored with every table and every run.

    Attributes
    ----------
    name : str
        As given on the command line, e.g. ``"pattern"`` or ``"local:/models/mobilenet"``.
    family : str
        ``"pattern"``, ``"transformers"``, ``"open_clip"`` or ``"timm"``.
    revision : str
        Version of the descriptor, or architecture of the model.
    weights_sha256 : str
        SHA-256 of the weights and their configuration; empty where there are none.
    feature : str
        Which output is the embedding, e.g. ``"pooled"`` or ``"cls+patches"``.
    dimension : int
        Length of an embedding.
    preprocess : Preprocess
        What is done to the picture first.
    source : str
        Repository on the hub and commit that the weights were fetched from, as ``"REPO@COMMIT"``; empty for others. It
        is told, but does not count in :attr:`key`: what was fetched is known by its hash.
    """

    name: str
    family: str
    revision: str
    weights_sha256: str
    feature: str
    dimension: int
    preprocess: Preprocess
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**asdict(self), "preprocess": self.preprocess.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BackboneSpec:
        """Read what :meth:`to_dict` wrote.

        Raises
        ------
        EmbeddingError
            If something is missing, unknown or out of range.
        """
        try:
            spec = cls(**{**values, "preprocess": Preprocess.from_dict(values["preprocess"])})
            texts = (spec.name, spec.family, spec.revision, spec.weights_sha256, spec.feature, spec.source)
            if not all(isinstance(text, str) for text in texts) or type(spec.dimension) is not int:
                raise TypeError("its dimension is a whole number, all else is text")
        except (KeyError, TypeError, ValueError) as error:
            raise EmbeddingError(f"the description of the backbone cannot be read: {error}") from error
        if spec.dimension < 1:
            raise EmbeddingError(f"the description of the backbone cannot be read: its dimension is {spec.dimension}")
        return spec

    @property
    def blocks(self) -> tuple[int, ...]:
        """Widths of the parts of an embedding that describe different things: wings, or tokens; they add up to it."""
        if self.family == "pattern" and self.dimension == sum(pattern.BLOCKS):
            return pattern.BLOCKS
        if self.feature == "cls+patches" and self.dimension % 2 == 0:
            return (self.dimension // 2, self.dimension // 2)
        return (self.dimension,)

    @property
    def key(self) -> str:
        """SHA-256 of everything but the name and the source (a moved folder stays the same backbone)."""
        values = {name: value for name, value in self.to_dict().items() if name not in ("name", "source")}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


class Backbone(Protocol):
    """An image encoder: `prepare` runs an image at a time and in parallel, `forward` a batch at a time."""

    @property
    def spec(self) -> BackboneSpec:
        """What it is."""
        ...

    @property
    def precision(self) -> str:
        """Number format that `forward` computes in: ``"fp32"``, ``"bf16"`` or ``"fp16"``."""
        ...

    @property
    def runtime(self) -> str:
        """Program that computes `forward`: ``"numpy"``, ``"torch"`` or ``"openvino"``."""
        ...

    @property
    def batch_size(self) -> int:
        """Images a forward pass that suit this model and the memory there is."""
        ...

    @property
    def prepare(self) -> Callable[[Image.Image], Prepared]:
        """RGB picture to backbone input; can be pickled, so that it can run in another process."""
        ...

    @property
    def prepare_in_processes(self) -> bool:
        """Whether `prepare` holds the interpreter for so long that processes beat threads."""
        ...

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embeddings of shape (n, dimension), float32, of n prepared inputs.

        Raises
        ------
        MemoryError
            If the memory of the device does not hold a batch of this size; a smaller one may do.
        """
        ...
