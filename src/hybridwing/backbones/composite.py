"""Several views, or several backbones, as one: their embeddings side by side."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.network import NetworkBackbone
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

    The two or more parts are `pattern`, or networks. Those that differ in the view alone should share their network,
    see `hybridwing.backbones.network.NetworkBackbone.with_view`. Raises BackboneError if there are fewer than two
    or very many, or two are the same.
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
        by_network: dict[int, list[int]] = {}
        for place, part in enumerate(self.parts):
            network = part.network if isinstance(part, NetworkBackbone) else part
            by_network.setdefault(id(network), []).append(place)
        #: Places of the parts that are computed in one forward pass.
        self._together = tuple(by_network.values())
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
        """Pictures whose views the network with the least room can take at once."""
        return min(max(1, self.parts[places[0]].batch_size // len(places)) for places in self._together)

    @property
    def prepare(self) -> Callable[[Image.Image], Prepared]:
        """All parts' inputs in one flat array."""
        return partial(prepare_joined, parts=self._inputs)

    @property
    def prepare_in_processes(self) -> bool:
        """Whether one of the parts wants it."""
        return any(part.prepare_in_processes for part in self.parts)

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embeddings by each part, side by side; one forward pass for all views of a network."""
        ends = np.cumsum([int(np.prod(taken.shape)) for taken in self._inputs])
        apart = [np.split(value, ends[:-1]) for value in batch]
        embedded: dict[int, NDArray[np.float32]] = {}
        for places in self._together:
            inputs = [values[place].reshape(self._inputs[place].shape) for place in places for values in apart]
            vectors = self.parts[places[0]].forward(inputs)
            embedded |= dict(zip(places, np.split(vectors, len(places)), strict=True))
        return np.concatenate([embedded[place] for place in range(len(self.parts))], axis=1)
