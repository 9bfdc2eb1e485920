"""The preprocessing that a model's own files ask for, as Hugging Face and open_clip write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hybridwing.backbones.entries import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD
from hybridwing.errors import BackboneError
from hybridwing.runtime.errors import EncoderError
from hybridwing.runtime.open_clip import CONFIG as OPEN_CLIP_CONFIG
from hybridwing.runtime.open_clip import read_config
from hybridwing.runtime.preprocess import Preprocess

if TYPE_CHECKING:
    from pathlib import Path

#: Where the preprocessing of a folder in Hugging Face's layout may stand; the first that is there counts.
PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
#: Where none of them is there.
ASSUMED = Preprocess(resize="squash", mean=IMAGENET_MEAN, std=IMAGENET_STD)
#: Filters by the number that preprocessor_config.json holds (Pillow's constants).
_RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
#: What reading settings of unknown content can end in.
_FAULTS = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError, RecursionError)


def read_preprocess(folder: Path) -> Preprocess:
    """Preprocessing as preprocessor_config.json states it, in Hugging Face's terms.

    Of a folder without such a file it is `ASSUMED`. Raises BackboneError if the file is damaged, or asks for what
    is not offered.
    """
    path = next((folder / name for name in PREPROCESSORS if (folder / name).is_file()), None)
    if path is None:
        return ASSUMED
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        # Of a model for pictures and text, transformers 5 keeps the processors of both in one file.
        return _translated(values.get("image_processor", values))
    except _FAULTS as error:
        raise _not_possible(path, error) from error


def assumption(folder: Path, preprocess: Preprocess) -> str:
    """What had to be assumed of a model in Hugging Face's layout; empty where its folder says how pictures are made.

    `preprocess` is what is done to pictures in the end.
    """
    if any((folder / name).is_file() for name in PREPROCESSORS):
        return ""
    how = f"squashed to {preprocess.size} × {preprocess.size}, " if preprocess.resize == "squash" else ""
    return (
        f"the backbone's folder has no {PREPROCESSORS[0]}: pictures are {how}normalised with the means of ImageNet, "
        "which may not be what the model was trained with; put the model's own file there"
    )


def _translated(values: dict[str, Any]) -> Preprocess:
    """Hugging Face's settings as a `Preprocess`.

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
    if "shortest_edge" not in size and side > short:
        raise ValueError(f"a cut of {side} pixels from a square of {short} is not offered")
    if share and not crops and short >= 384:
        return side, None  # ConvNeXt's processor squashes large inputs
    return side, int(short / share) if share else int(short)


def _square(size: int | dict[str, int]) -> int:
    """Side of a square that is given by one number or by two."""
    if isinstance(size, int):
        return size
    if "shortest_edge" in size:
        return int(size["shortest_edge"])
    if size["height"] != size["width"]:
        raise ValueError(f"only square inputs are offered, not {size['height']} × {size['width']}")
    return int(size["height"])


def read_open_clip_preprocess(folder: Path) -> Preprocess:
    """Preprocessing as ``open_clip_config.json`` states it.

    What it leaves out is as in open_clip (``PreprocessCfg``): the short side resized to the model's side, bicubic, the
    centre cut; normalised as OpenAI's CLIP. Raises BackboneError if the file is damaged, or asks for what is not
    offered (padding to a square).
    """
    path = folder / OPEN_CLIP_CONFIG
    try:
        values = read_config(folder)
        cfg = values["preprocess_cfg"]
        side = _square_of(cfg.get("size") or values["model_cfg"]["vision_cfg"].get("image_size", 224))
        mode = cfg.get("resize_mode") or "shortest"
        if mode not in ("shortest", "squash"):
            raise ValueError(f"resize_mode {mode!r} is not offered")
        mean, std = cfg.get("mean") or CLIP_MEAN, cfg.get("std") or CLIP_STD
        return Preprocess(side, mode, side, cfg.get("interpolation") or "bicubic", mean=mean, std=std)
    except EncoderError as error:
        raise BackboneError(f"{path.parent}: {error}") from error
    except _FAULTS as error:
        raise _not_possible(path, error) from error


def _square_of(size: object) -> int:
    """Side of a square that is given by one number or by a pair."""
    sides = list(size) if isinstance(size, (list, tuple)) else [size, size]
    if len(sides) != 2 or sides[0] != sides[1] or type(sides[0]) is not int:
        raise ValueError(f"only square inputs are offered, not {size!r}")
    return sides[0]


def _not_possible(path: Path, error: Exception) -> BackboneError:
    what = f"{error} is missing or unknown" if isinstance(error, KeyError) else str(error)
    return BackboneError(f"{path} does not describe a preprocessing that can be carried out: {what}")
