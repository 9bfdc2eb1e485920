"""The `timm:NAME` backbones: PyTorch Image Models, with their weights in safetensors from the hub."""

from __future__ import annotations

import hashlib
import importlib
import math
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.hub import fetch
from hybridwing.backbones.network import NetworkBackbone, applied
from hybridwing.errors import BackboneError, MissingExtraError
from hybridwing.runtime.digests import feed_file
from hybridwing.runtime.encoder import Encoder
from hybridwing.runtime.errors import EncoderError
from hybridwing.runtime.loading import LoadedModel, first_line
from hybridwing.runtime.preprocess import Preprocess

if TYPE_CHECKING:
    from hybridwing.backbones.compute import Compute
    from hybridwing.backbones.request import Backbone

_WEIGHTS = "model.safetensors"


class TimmBackbone(NetworkBackbone):
    """A model of timm without its classifier: what it pools is the embedding.

    The request's name is ``timm:`` and what timm calls the model, e.g.
    ``"timm:vit_base_patch16_224.augreg2_in21k_ft_in1k"``, maybe with ``@`` and a commit, branch or tag of the
    repository of its weights. Raises BackboneError if timm has no such model, or no weights for it on the hub, or they
    cannot be fetched, and MissingExtraError if timm is not installed.
    """

    def __init__(self, request: Backbone, compute: Compute) -> None:
        if compute.runtime == "openvino":
            raise BackboneError("timm's models run in torch alone; leave --runtime out")
        model, _, revision = str(request.name).removeprefix("timm:").partition("@")
        try:
            self._timm: Any = importlib.import_module("timm")
        except ImportError as error:
            raise MissingExtraError(str(error.name or "timm"), "timm", "a backbone of timm") from error
        try:
            config = self._timm.get_pretrained_cfg(model, allow_unregistered=False)
        except RuntimeError:
            config = None
        if config is None or not config.hf_hub_id:
            raise BackboneError(
                f"timm has no model {model!r} with weights on the hub; see timm.list_models(pretrained=True)"
            )
        self._model, self._request, self._compute = model, request, compute
        self._preprocess = applied(request, _preprocessing(self._timm, model, config))
        self._files = fetch(config.hf_hub_id, revision or None, "timm", offline=compute.offline)

    @cached_property
    def _encoder(self) -> Encoder:
        try:
            weights = {"file": str(self._files.folder / _WEIGHTS), "hf_hub_id": None, "url": None}
            network = self._timm.create_model(
                self._model, pretrained=True, num_classes=0, pretrained_cfg_overlay=weights
            )
            loaded = LoadedModel(_pooling(network.float()), None, "timm", type(network).__name__)
            return Encoder(
                loaded,
                self._compute.device,
                self._preprocess.size,
                feature=self._request.feature,
                precision=self._compute.precision,
            )
        except EncoderError as error:
            raise BackboneError(f"the model timm:{self._model} cannot be used: {error}") from error
        except Exception as error:  # of timm, which has as many kinds as models
            raise BackboneError(f"timm cannot load {self._model}: {first_line(error)}") from error

    @cached_property
    def spec(self) -> BackboneSpec:
        """What it is; loads the model."""
        weights = hashlib.sha256()
        feed_file(self._files.folder / _WEIGHTS, weights.update)
        return BackboneSpec(
            name=f"timm:{self._model}",
            family="timm",
            revision=self._encoder.architecture,
            weights_sha256=weights.hexdigest(),
            feature=self._encoder.feature,
            dimension=self._encoder.dimension,
            preprocess=self._preprocess,
            source=self._files.source,
        )


def _preprocessing(timm: Any, model: str, config: Any) -> Preprocess:
    """What timm itself does for evaluation (``timm/data/transforms_factory.py``)."""
    values = timm.data.resolve_data_config(pretrained_cfg=config.to_dict())
    _, height, width = values["input_size"]
    mode = values.get("crop_mode") or "center"
    if height != width or mode not in ("center", "squash"):
        raise BackboneError(f"{model} wants {height} × {width} pixels, cut as {mode!r}; only squares are offered")
    resize = "squash" if mode == "squash" else "shortest"
    short = max(height, math.floor(height / values["crop_pct"]))
    mean, std = tuple(values["mean"]), tuple(values["std"])
    return Preprocess(height, resize, short, values["interpolation"], mean=mean, std=std)


def _pooling(network: Any) -> Any:
    """A model of timm as `hybridwing.runtime.encoder.Encoder` calls one."""
    import torch

    class Pooling(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixel_values: Any) -> SimpleNamespace:
            pooled = self.network(pixel_values)
            return SimpleNamespace(last_hidden_state=pooled[:, :, None, None], pooler_output=pooled)

    return Pooling()
