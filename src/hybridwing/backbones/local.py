"""Backbones in a folder: any vision model as Hugging Face's save_pretrained writes it, and CLIP models of open_clip."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from functools import cached_property
from typing import TYPE_CHECKING

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.convert import find_pickle, not_convertible
from hybridwing.backbones.network import NetworkBackbone, applied
from hybridwing.backbones.settings import assumption, read_open_clip_preprocess, read_preprocess
from hybridwing.errors import BackboneError, MissingExtraError
from hybridwing.runtime.digests import feed_file
from hybridwing.runtime.errors import EncoderError
from hybridwing.runtime.loading import transformers_weights
from hybridwing.runtime.open_clip import CONFIG as OPEN_CLIP_CONFIG
from hybridwing.runtime.open_clip import WEIGHTS as OPEN_CLIP_WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.backbones.compute import Compute
    from hybridwing.backbones.openvino import OpenVinoEncoder
    from hybridwing.backbones.request import Backbone
    from hybridwing.runtime.encoder import Encoder

logger = logging.getLogger(__name__)

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


class LocalBackbone(NetworkBackbone):
    """A vision model in a local folder, loaded when first needed.

    The folder holds ``config.json``, ``model.safetensors`` (or its index) and, best, ``preprocessor_config.json``; or
    ``open_clip_config.json`` and ``open_clip_model.safetensors``. `request` has one name, as the user gave it, and one
    view. `layout` says which model of the folder is meant; where it is not given and the folder holds both, it is
    Hugging Face's. `source` is the repository and commit that the folder was fetched from, empty for a folder of the
    user's own.

    Raises BackboneError if the folder is missing or lacks a file, with what was looked for, and MissingExtraError if
    torch or transformers is not installed.
    """

    def __init__(
        self,
        folder: Path,
        request: Backbone,
        compute: Compute,
        layout: str | None = None,
        source: str = "",
    ) -> None:
        self._layout = layout or _layout_of(folder)
        self._request, self._compute = request, compute
        self._folder, self._name, self._source = folder, str(request.name), source
        read = read_open_clip_preprocess if self._layout == "open_clip" else read_preprocess
        self._preprocess = applied(request, read(folder))
        self._assumed = "" if self._layout == "open_clip" else assumption(folder, self._preprocess)
        for package in ("torch", "transformers"):
            if importlib.util.find_spec(package) is None:
                raise MissingExtraError(package, "torch", f"the backbone {self._name}")

    @cached_property
    def _encoder(self) -> Encoder | OpenVinoEncoder:
        encoder, runtime = self._torch_encoder(), self._compute.runtime
        from hybridwing.backbones.openvino import OpenVinoEncoder, is_worth_it

        if runtime == "torch" or (runtime == "auto" and not is_worth_it(encoder)):
            return encoder
        try:
            return OpenVinoEncoder(encoder, self._name)
        except BackboneError as error:
            if runtime == "openvino":
                raise
            logger.warning("%s; torch computes instead", error)
            return encoder

    def _torch_encoder(self) -> Encoder:
        from hybridwing.runtime.encoder import Encoder

        try:
            return Encoder(
                self._folder,
                self._compute.device,
                self._preprocess.size,
                feature=self._request.feature,
                precision=self._compute.precision,
                layout=self._layout,
            )
        except EncoderError as error:
            hint = f" ({self._assumed})" if self._assumed else ""
            raise BackboneError(f"the model in {self._folder} cannot be used: {error}{hint}") from error

    @cached_property
    def spec(self) -> BackboneSpec:
        """What it is; loads the model."""
        return BackboneSpec(
            name=self._name,
            family=self._layout,
            revision=self._encoder.architecture,
            weights_sha256=_digest(self.files),
            feature=self._encoder.feature,
            dimension=self._encoder.dimension,
            preprocess=self._preprocess,
            source=self._source,
            assumed=self._assumed,
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """Configuration and weights, all that the model is loaded from; sorted by name."""
        if self._layout == "open_clip":
            weights = next(name for name in OPEN_CLIP_WEIGHTS if (self._folder / name).is_file())
            names = [OPEN_CLIP_CONFIG, weights]
        else:
            names = ["config.json", *transformers_weights(self._folder)]
        return tuple(self._folder / name for name in sorted(names))


def _layout_of(folder: Path) -> str:
    """How the folder stores its model: ``"transformers"`` where it does so in both ways.

    Raises BackboneError that says what is missing.
    """
    looked_for = f"looked for config.json and {' or '.join(_WEIGHTS)}"
    if not folder.is_dir():
        raise BackboneError(f"no folder {folder}; {looked_for} in it")
    described = (folder / "config.json").is_file()
    try:
        if described and transformers_weights(folder):
            return "transformers"
    except EncoderError as error:
        raise BackboneError(f"the model in {folder} cannot be used: {error}") from error
    if (folder / OPEN_CLIP_CONFIG).is_file():
        if any((folder / name).is_file() for name in OPEN_CLIP_WEIGHTS):
            return "open_clip"
        looked_for = f"looked for {' or '.join(OPEN_CLIP_WEIGHTS)}"
    elif not described:
        raise BackboneError(
            f"{folder} holds no config.json; {looked_for}, as Hugging Face's save_pretrained writes, or for "
            f"{OPEN_CLIP_CONFIG} and {OPEN_CLIP_WEIGHTS[0]}"
        )
    raise BackboneError(f"{folder} holds no weights; {looked_for}{_pickle_hint(folder)}")


def _pickle_hint(folder: Path) -> str:
    """What to do about the pickle that a folder holds its weights in; empty where it holds none."""
    found = find_pickle({path.name for path in folder.iterdir()})
    if found is None:
        return ""
    pickle, converts = found
    if not converts:
        return f"; {not_convertible(pickle)}"
    return (
        f"; {pickle} is a pickle, which could run code when loaded and is refused: convert it once, where you "
        f"trust its source, with: python -m hybridwing.backbones.convert {folder}"
    )


def _digest(files: tuple[Path, ...]) -> str:
    """SHA-256 over files, with their names."""
    total = hashlib.sha256()
    for path in files:
        total.update(path.name.encode() + b"\0")
        feed_file(path, total.update)
    return total.hexdigest()
