"""Several views, or several backbones, as one: their embeddings side by side."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.backbones.base import BackboneSpec
from hybridwing.errors import BackboneError, EmbeddingError
from hybridwing.runtime.composite import PartInput, prepare_joined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.runtime.preprocess import Prepared


class CompositeBackbone:
    """Backbones whose embeddings of one picture are joined, unscaled, in their order.

    Parameters
    ----------
    parts : sequence of LoadedBackbone
        Two or more: `pattern`, or networks. Those that differ in the view alone should share their network, see
        :meth:`hybridwing.backbones.network.NetworkBackbone.with_view`.

    Raises
    ------
    BackboneError
        If there are fewer than two or very many, or two are the same.
    """

    def __init__(self, parts: Sequence[LoadedBackbone]) -> None:
        self.parts = tuple(parts)
        specs = [part.spec for part in self.parts]
        seen: dict[str, BackboneSpec] = {}
        for spec in specs:
            other = seen.setdefault(spec.key, spec)
            if other is not spec:
                raise BackboneError(
                    f"{other.name} and {spec.name} are the same model, and its view {spec.views} would stand in the "
                    "embedding twice; leave one out"
                )
        try:
            self.spec = BackboneSpec.of_parts(specs)
        except EmbeddingError as error:
            raise BackboneError(str(error)) from error
        self._inputs = tuple(PartInput(spec.family, spec.preprocess) for spec in specs)
        # What computes without weights does so in one way; it has no say where others do.
        self._telling = [part for part in self.parts if part.spec.weights_sha256] or list(self.parts)

    @property
    def precision(self) -> str:
        """That of the parts with weights; joined by ``+`` where they differ."""
        return "+".join(dict.fromkeys(part.precision for part in self._telling))

    @property
    def runtime(self) -> str:
        """That of the parts with weights; joined by ``+`` where they differ."""
        return "+".join(dict.fromkeys(part.runtime for part in self._telling))

    @property
    def batch_size(self) -> int:
        """The least of all parts': they run one after the other."""
        return min(part.batch_size for part in self.parts)

    @property
    def prepare(self) -> Callable[[Image.Image], Prepared]:
        """All parts' inputs in one flat array."""
        return partial(prepare_joined, parts=self._inputs)

    @property
    def prepare_in_processes(self) -> bool:
        """Whether one of the parts wants it."""
        return any(part.prepare_in_processes for part in self.parts)

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embeddings by each part, side by side."""
        embedded, start = [], 0
        for part, taken in zip(self.parts, self._inputs, strict=True):
            end = start + int(np.prod(taken.shape))
            embedded.append(part.forward([value[start:end].reshape(taken.shape) for value in batch]))
            start = end
        return np.concatenate(embedded, axis=1)
