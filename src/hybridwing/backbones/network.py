"""What backbones with weights share, wherever these came from: the preprocessing and the encoder that is called."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hybridwing.errors import BackboneError
from hybridwing.runtime.preprocess import Prepared, Preprocess, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.backbones.openvino import OpenVinoEncoder
    from hybridwing.backbones.request import Backbone
    from hybridwing.runtime.encoder import Encoder


def applied(request: Backbone, own: Preprocess) -> Preprocess:
    """A model's own preprocessing, with the resize, view and background that a request chooses.

    Raises BackboneError for a view or a background that does not exist, or that the view cannot have.
    """
    if request.view == "whole" and request.background == "masked":
        raise BackboneError("the view 'whole' keeps its background; to mask it take --view specimen")
    chosen = own.as_sample() if request.preprocess == "sample" else own
    try:
        return replace(chosen, view=str(request.view), background=request.background or "")
    except ValueError as error:
        raise BackboneError(str(error)) from error


class NetworkBackbone:
    """A network that embeds pictures; who inherits sets `_preprocess`, and makes `_encoder` and ``spec``."""

    prepare_in_processes = False
    _preprocess: Preprocess

    @property
    def _encoder(self) -> Encoder | OpenVinoEncoder:
        """The network, loaded when first needed."""
        raise NotImplementedError

    @property
    def spec(self) -> BackboneSpec:
        """What it is; loads the model."""
        raise NotImplementedError

    def with_view(self, request: Backbone) -> NetworkBackbone:
        """The same network for the view and background of another request; loads the model, which both share.

        Raises BackboneError as `applied`.
        """
        preprocess = applied(request, self._preprocess)
        # Once looked at, the network is kept in the instance, and comes along.
        spec, _ = self.spec, self._encoder
        other = copy.copy(self)
        other._preprocess = preprocess
        vars(other)["spec"] = replace(spec, preprocess=preprocess)
        return other

    @property
    def network(self) -> object:
        """What computes; backbones that share it can be computed in one forward pass. Loads the model."""
        return self._encoder

    @property
    def precision(self) -> str:
        """Number format of the forward pass; loads the model."""
        return self._encoder.precision

    @property
    def runtime(self) -> str:
        """Program that computes the forward pass."""
        return self._encoder.runtime

    @property
    def batch_size(self) -> int:
        """Pictures a forward pass that suit the model and the memory; loads the model."""
        return self._encoder.batch_size

    @property
    def prepare(self) -> Callable[[Image.Image], Prepared]:
        """Cut, resize and normalise."""
        return partial(prepare, prep=self._preprocess)

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed a batch."""
        return self._encoder.forward(batch)
