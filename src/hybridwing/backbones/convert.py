"""Convert a model's pickle to safetensors, once: ``python -m hybridwing.backbones.convert FOLDER``.

A pickle can run code when it is loaded. It is read here by torch's restricted unpickler (``weights_only``), which makes
tensors and plain containers and refuses everything else, and only when asked to.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from hybridwing.errors import BackboneError, HybridwingError, MissingExtraError

#: Pickles by the names that Hugging Face and open_clip give them, and what they become.
NAMES = {
    "open_clip_pytorch_model.bin": "open_clip_model.safetensors",
    "pytorch_model.bin": "model.safetensors",
}


def convert(folder: Path) -> Path:
    """Write the safetensors file that a folder's pickle stands for, beside it.

    Parameters
    ----------
    folder : Path
        Holds one of :data:`NAMES`.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    BackboneError
        If there is no such pickle, it holds something else than tensors by name, or the new file is there already.
    MissingExtraError
        If torch is not installed.
    """
    try:
        import torch
        from safetensors.torch import save_file
    except ImportError as error:
        raise MissingExtraError(str(error.name), "torch", "converting a pickle") from error
    name = next((name for name in NAMES if (folder / name).is_file()), None)
    if name is None:
        raise BackboneError(f"{folder} holds none of {', '.join(NAMES)}")
    target = folder / NAMES[name]
    if target.exists():
        raise BackboneError(f"{target} is there already; remove it to convert {name} again")
    try:
        content = torch.load(folder / name, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and torch's own errors
        reason = str(error).strip().splitlines()[:1]
        raise BackboneError(f"{folder / name} cannot be read as tensors alone: {' '.join(reason)}") from error
    tensors = _tensors(content)
    if not tensors:
        raise BackboneError(f"{folder / name} holds no tensors by name")
    partial = target.with_name(f"{target.name}.part")
    # Cloned: tensors that share memory cannot be stored apart.
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, partial, metadata={"format": "pt"})
    partial.replace(target)
    return target


def _tensors(content: Any) -> dict[str, Any]:
    """Tensors by name; of a training checkpoint those under ``state_dict``, without the prefix of parallel training."""
    import torch

    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        return {}
    found = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}
    parallel = bool(found) and all(name.startswith("module.") for name in found)
    return {name.removeprefix("module.") if parallel else name: value for name, value in found.items()}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 where the input was at fault."""
    parser = argparse.ArgumentParser(description="Convert a model's pickle to safetensors, where you trust its source.")
    parser.add_argument("folder", type=Path, help=f"holds {' or '.join(NAMES)}")
    try:
        target = convert(parser.parse_args(arguments).folder)
    except HybridwingError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
