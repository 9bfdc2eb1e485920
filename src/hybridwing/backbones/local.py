"""The `local:FOLDER` backbones: any vision model kept in a folder of Hugging Face layout."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from hybridwing.backbones.base import BackboneSpec
from hybridwing.errors import BackboneError, MissingExtraError
from hybridwing.runtime.preprocess import Preprocess, to_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from hybridwing.runtime.encoder import Encoder

#: Filters by the number that preprocessor_config.json holds (Pillow's constants).
_RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
#: Normalisation where a folder has no preprocessor_config.json: that of ImageNet, as in torchvision's models.
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


class LocalBackbone:
    """A vision model in a local folder, loaded when first needed.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``, ``model.safetensors`` (or its index) and, best, ``preprocessor_config.json``.
    name : str
        As the user gave it.
    preprocess : {"default", "sample"}
        The model's own preprocessing, or the challenge sample's resize (squashed to a square, bilinear) with the
        model's own normalisation.
    device : str
        See :class:`hybridwing.runtime.encoder.Encoder`.

    Raises
    ------
    BackboneError
        If the folder is missing or lacks a file; the message says what was looked for.
    MissingExtraError
        If torch or transformers is not installed.
    """

    prepare_in_processes = False

    def __init__(self, folder: Path, name: str, preprocess: str = "default", device: str = "auto") -> None:
        _check_folder(folder)
        own = _read_preprocess(folder)
        self._folder, self._name, self._device = folder, name, device
        self._preprocess = own.as_sample() if preprocess == "sample" else own
        for package in ("torch", "transformers"):
            if importlib.util.find_spec(package) is None:
                raise MissingExtraError(package, "torch", f"the backbone {name}")

    @cached_property
    def _encoder(self) -> Encoder:
        from hybridwing.runtime.encoder import Encoder, EncoderError

        try:
            return Encoder(self._folder, self._device)
        except EncoderError as error:
            raise BackboneError(f"the model in {self._folder} cannot be used: {error}") from error

    @cached_property
    def spec(self) -> BackboneSpec:
        """What it is; loads the model."""
        return BackboneSpec(
            name=self._name,
            family="transformers",
            revision=self._encoder.architecture,
            weights_sha256=_digest(self._folder),
            feature=self._encoder.feature,
            dimension=self._encoder.dimension,
            preprocess=self._preprocess,
        )

    @property
    def prepare(self) -> Callable[[Image.Image], NDArray[np.float32]]:
        """Resize, cut and normalise."""
        return partial(to_input, prep=self._preprocess)

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed a batch."""
        return self._encoder.forward(batch)


def _check_folder(folder: Path) -> None:
    """Say what is missing, and what would have been right."""
    looked_for = f"looked for config.json and {' or '.join(_WEIGHTS)}"
    if not folder.is_dir():
        raise BackboneError(f"no folder {folder}; {looked_for} in it")
    if not (folder / "config.json").is_file():
        raise BackboneError(f"{folder} holds no config.json; {looked_for}, as Hugging Face's save_pretrained writes")
    if not any((folder / name).is_file() for name in _WEIGHTS):
        pickles = sorted(p.name for p in folder.iterdir() if p.suffix in {".bin", ".pt", ".pth", ".ckpt"})
        hint = (
            f"; {pickles[0]} is a pickle, which could run code when loaded and is refused: convert it once with "
            "transformers' save_pretrained, where you trust its source"
            if pickles
            else ""
        )
        raise BackboneError(f"{folder} holds no weights; {looked_for}{hint}")


def _digest(folder: Path) -> str:
    """SHA-256 over configuration and weights, with their names."""
    total = hashlib.sha256()
    for path in sorted(
        [folder / "config.json", *folder.glob("*.safetensors"), *folder.glob("*.safetensors.index.json")]
    ):
        total.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()


def _read_preprocess(folder: Path) -> Preprocess:
    """Preprocessing as preprocessor_config.json states it, in Hugging Face's terms."""
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return Preprocess(resize="squash", mean=_IMAGENET_MEAN, std=_IMAGENET_STD)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return _translated(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BackboneError(f"{path} does not describe a preprocessing: {error}") from error


def _translated(values: dict[str, Any]) -> Preprocess:
    """Hugging Face's settings as a :class:`Preprocess`."""
    size, crop = _sides(values.get("size", 224)), _sides(values.get("crop_size", values.get("size", 224)))
    normal = values.get("do_normalize", True)
    # Bilinear is what transformers' processors fall back to.
    method = _RESAMPLE[int(values.get("resample", 2))]
    mean = tuple(values["image_mean"]) if normal else (0.0, 0.0, 0.0)
    std = tuple(values["image_std"]) if normal else (1.0, 1.0, 1.0)
    if values.get("do_center_crop", False) or "shortest_edge" in size:
        side = crop.get("height", crop.get("shortest_edge"))
        short = size.get("shortest_edge", size.get("height"))
        if side is None or short is None:
            raise ValueError("size names neither shortest_edge nor height")
        resize_to = max(int(short), int(side))
        return Preprocess(
            size=int(side), resize="shortest", resize_to=resize_to, interpolation=method, mean=mean, std=std
        )
    if size["height"] != size["width"]:
        raise ValueError(f"only square inputs are offered, not {size['height']} × {size['width']}")
    side = int(size["height"])
    return Preprocess(size=side, resize="squash", resize_to=side, interpolation=method, mean=mean, std=std)


def _sides(size: int | dict[str, int]) -> dict[str, int]:
    """Old files give one number, which means the short side."""
    return {"shortest_edge": size} if isinstance(size, int) else size
