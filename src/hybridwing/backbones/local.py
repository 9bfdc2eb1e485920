"""The `local:FOLDER` backbones: any vision model kept in a folder of Hugging Face layout."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from hybridwing.backbones.base import BackboneSpec
from hybridwing.errors import BackboneError, MissingExtraError
from hybridwing.runtime.preprocess import Prepared, Preprocess, prepare

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
#: Where the preprocessing may stand; the first that is there counts.
_PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
#: Said along with an error where the preprocessing had to be guessed.
_NO_PREPROCESSOR = " (the folder has no preprocessor_config.json, so pictures of 224 × 224 pixels were assumed)"
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
    precision = "fp32"
    batch_size = 16

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
            return Encoder(self._folder, self._device, self._preprocess.size)
        except EncoderError as error:
            hint = "" if any((self._folder / name).is_file() for name in _PREPROCESSORS) else _NO_PREPROCESSOR
            raise BackboneError(f"the model in {self._folder} cannot be used: {error}{hint}") from error

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
    def prepare(self) -> Callable[[Image.Image], Prepared]:
        """Resize, cut and normalise."""
        return partial(prepare, prep=self._preprocess)

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
    path = next((folder / name for name in _PREPROCESSORS if (folder / name).is_file()), None)
    if path is None:
        return Preprocess(resize="squash", mean=_IMAGENET_MEAN, std=_IMAGENET_STD)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        # Of a model for pictures and text, transformers 5 keeps the processors of both in one file.
        return _translated(values.get("image_processor", values))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        what = f"{error} is missing or unknown" if isinstance(error, KeyError) else str(error)
        raise BackboneError(f"{path} does not describe a preprocessing that can be carried out: {what}") from error


def _translated(values: dict[str, Any]) -> Preprocess:
    """Hugging Face's settings as a :class:`Preprocess`.

    One case differs from the original: where a square resize precedes the cut (DeiT), the aspect ratio is kept.
    """
    if not values.get("do_rescale", True) or round(1 / float(values.get("rescale_factor", 1 / 255)), 3) != 255:
        raise ValueError("only RGB values scaled by 1/255 are offered")
    normal = values.get("do_normalize", True)
    # Bilinear is what transformers' processors fall back to.
    method = _RESAMPLE[int(values.get("resample", 2))]
    mean = tuple(values["image_mean"]) if normal else (0.0, 0.0, 0.0)
    std = tuple(values["image_std"]) if normal else (1.0, 1.0, 1.0)
    side, resize_to = _input_sides(values)
    resize = "squash" if resize_to is None else "shortest"
    return Preprocess(size=side, resize=resize, resize_to=resize_to or side, interpolation=method, mean=mean, std=std)


def _input_sides(values: dict[str, Any]) -> tuple[int, int | None]:
    """Side of the input, and the length of the short side before the cut; None where the picture is squashed."""
    size, crops, share = values.get("size", 224), bool(values.get("do_center_crop")), values.get("crop_pct")
    if isinstance(size, int):  # as old files have it: of a square, unless something is cut from it
        size = {"shortest_edge": size} if crops or share else {"height": size, "width": size}
    short = size.get("shortest_edge")
    if short is None:
        short = _square(size)
        if not crops:
            return short, None
    side = _square(values.get("crop_size") or short) if crops else int(short)
    if share and not crops and short >= 384:
        return side, None  # ConvNeXt's processor squashes large inputs
    return side, max(int(short / share) if share else int(short), side)


def _square(size: int | dict[str, int]) -> int:
    """Side of a square that is given by one number or by two."""
    if isinstance(size, int):
        return size
    if "shortest_edge" in size:
        return int(size["shortest_edge"])
    if size["height"] != size["width"]:
        raise ValueError(f"only square inputs are offered, not {size['height']} × {size['width']}")
    return int(size["height"])
