"""Load a vision model from a folder: from safetensors alone, and without running any code that the folder holds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import EncoderError
from .open_clip import load_open_clip

if TYPE_CHECKING:
    from pathlib import Path

#: Weight tensors that an encoder may lack without harm: heads and poolers that its embedding does not come from.
_OPTIONAL = ("pooler.", "classifier.", "head.", "logit_scale")
#: Limits of what a config.json may declare, far beyond any encoder: building a model must not fill the memory.
_MOST_LAYERS, _WIDEST = 1000, 1 << 20
#: A model may be this much larger than what its files hold: poolers and heads that they lack.
_SLACK, _SPARE_PARAMETERS = 1.5, 20_000_000


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A vision model, on the processor and in fp32."""

    model: Any  # A torch module, called with ``pixel_values``; its output has ``last_hidden_state``
    projection: Any  # One that maps the pooled output into the space that pictures share with texts (CLIP), or None
    layout: str  # How it was stored
    architecture: str  # Class of the model


def transformers_weights(folder: Path) -> tuple[str, ...]:
    """Names of the weight files of a folder in Hugging Face's layout; with an index, that and the files it names.

    Raises EncoderError as `shards_of` does.
    """
    if (folder / "model.safetensors").is_file():
        return ("model.safetensors",)
    index = folder / "model.safetensors.index.json"
    return (index.name, *shards_of(index)) if index.is_file() else ()


def shards_of(index: Path) -> tuple[str, ...]:
    """Files that a ``model.safetensors.index.json`` names, each once.

    Raises EncoderError if it cannot be read, or names something else than safetensors files beside it.
    """
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EncoderError(f"{index.name} does not say which files hold the weights") from error
    for name in names:
        if not isinstance(name, str) or not name.endswith(".safetensors") or "/" in name or "\\" in name:
            raise EncoderError(f"{index.name} names {name!r}, which is no safetensors file beside it")
    return tuple(names)


def load_model(folder: Path, layout: str, *, projected: bool) -> LoadedModel:
    """Load the image encoder of a folder in the layout ``"transformers"`` or ``"open_clip"``.

    `projected` is whether the projection of a CLIP model is wanted; in open_clip's layout it always comes along. Raises
    EncoderError if the model cannot be loaded, is no vision model, or its weights are not those its configuration
    describes.
    """
    if layout == "open_clip":
        model = load_open_clip(folder)
        return LoadedModel(model.vision_model, model.visual_projection, layout, type(model.vision_model).__name__)
    transformers = _transformers()
    config = _checked_config(folder)
    # AutoModel drops the projection of a model that is nothing but CLIP's image encoder.
    whole = projected and config.model_type == "clip_vision_model"
    kind = transformers.CLIPVisionModelWithProjection if whole else transformers.AutoModel
    try:
        model, report = kind.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # reported below, where transformers would only point at its log
            output_loading_info=True,
        )
    except Exception as error:  # transformers raises dozens of kinds for a bad folder
        raise EncoderError(first_line(error)) from error
    _check_report(report)
    vision = getattr(model, "vision_model", model)
    # Not read off forward's arguments: transformers 5 wraps it.
    if vision.main_input_name != "pixel_values":
        raise EncoderError(f"{type(vision).__name__} does not take pictures; a vision model is needed")
    # Weights kept in half precision are computed with in full, as inputs come.
    projection = getattr(model, "visual_projection", None)
    return LoadedModel(
        vision.float(), None if projection is None else projection.float(), "transformers", type(vision).__name__
    )


def _checked_config(folder: Path) -> Any:
    """The configuration, once it is sure that building its model is no trap.

    Before any weight is read, the model is built without memory and held against what the files hold: a configuration
    that declares a million layers, or a width of a billion, must be refused and not built.
    """
    import torch

    transformers = _transformers()
    try:
        _check_numbers(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            built = transformers.AutoModel.from_config(config, trust_remote_code=False)
    except EncoderError:
        raise
    except Exception as error:  # as many kinds as there are configurations
        if "trust_remote_code" in str(error) or "custom code" in str(error):
            raise EncoderError("its config.json asks for code of its own to be run, which is never done") from error
        raise EncoderError(first_line(error)) from error
    declared = sum(parameter.numel() for parameter in built.parameters())
    held = sum(_count(folder / name) for name in transformers_weights(folder) if name.endswith(".safetensors"))
    if declared > _SLACK * held + _SPARE_PARAMETERS:
        raise EncoderError(
            f"config.json describes a model of {declared} numbers and the weights hold {held}: "
            "the weights belong to another model"
        )
    return config


def _check_numbers(values: Any, name: str = "") -> None:
    """Refuse sizes beyond any model, wherever in the configuration they stand."""
    if isinstance(values, dict):
        for key, value in values.items():
            _check_numbers(value, str(key))
    elif isinstance(values, list):
        if len(values) > _WIDEST:
            raise EncoderError(f"config.json lists {len(values)} values as {name}")
        for value in values:
            _check_numbers(value, name)
    elif isinstance(values, int) and not isinstance(values, bool):
        layers = "layer" in name or name in ("depth", "depths")
        if values > (_MOST_LAYERS if layers else _WIDEST) and not name.endswith("_id"):
            raise EncoderError(f"config.json says {name} {values}, which no model has")


def _count(path: Path) -> int:
    """Numbers that a safetensors file holds."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 - no dict
    except (OSError, SafetensorError) as error:
        raise EncoderError(f"{path.name} is damaged or no safetensors file: {first_line(error)}") from error


def _check_report(report: Any) -> None:
    """Refuse weights that are not those of the model."""
    # Kept by its first entry alone: what follows the name differs between versions of transformers.
    misfits = sorted(entry[0] if isinstance(entry, tuple) else str(entry) for entry in report["mismatched_keys"])
    if misfits:
        raise EncoderError(
            f"{len(misfits)} tensors have other sizes than config.json says, the first being {misfits[0]}: "
            "the weights belong to another model"
        )
    absent = sorted(k for k in report["missing_keys"] if not any(part in k for part in _OPTIONAL))
    if absent:
        raise EncoderError(
            f"the weights lack {len(absent)} of the model's tensors, the first being {absent[0]}: "
            "the weights belong to another model"
        )


def first_line(error: Exception) -> str:
    """What an error of another library says, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _transformers() -> Any:
    """The library, made to print nothing: no bar while weights load, no advice."""
    import transformers

    said: Any = transformers.utils.logging
    said.disable_progress_bar()
    said.set_verbosity_error()
    return transformers
