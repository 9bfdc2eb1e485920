"""Convert a model's pickle to safetensors, once: ``python -m hybridwing.backbones.convert FOLDER``.

A pickle can run code when it is loaded. It is read here by torch's restricted unpickler (``weights_only``), which makes
tensors and plain containers and refuses everything else, and only when asked to.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridwing.errors import BackboneError, HybridwingError, MissingExtraError
from hybridwing.files import written_whole
from hybridwing.runtime.loading import first_line
from hybridwing.runtime.open_clip import CONFIG as OPEN_CLIP_CONFIG
from hybridwing.runtime.open_clip import WEIGHTS as OPEN_CLIP_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Collection

OPEN_CLIP_PICKLE = "open_clip_pytorch_model.bin"
#: Pickles by the names that Hugging Face and open_clip give them, and what they become.
NAMES = {
    OPEN_CLIP_PICKLE: OPEN_CLIP_WEIGHTS[0],
    "pytorch_model.bin": "model.safetensors",
}
#: The configuration that each is of use with.
_CONFIGS = {OPEN_CLIP_PICKLE: OPEN_CLIP_CONFIG, "pytorch_model.bin": "config.json"}
_PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl"})


def find_pickle(names: Collection[str]) -> tuple[str, bool] | None:
    """Find the pickle that most likely holds a model's weights, among the names of the files in its folder.

    Returns its name, and whether `convert` can make a model of it that loads; None where there is no pickle.
    """
    fitting = next((name for name, config in _CONFIGS.items() if name in names and config in names), None)
    if fitting is not None:
        return fitting, True
    pickles = sorted(name for name in names if Path(name).suffix in _PICKLES and "/" not in name)
    return (pickles[0], False) if pickles else None


def not_convertible(pickle: str) -> str:
    """What to do about a pickle that `convert` cannot make a model of."""
    known = " or ".join(f"{name} beside {config}" for name, config in _CONFIGS.items())
    return (
        f"{pickle} is a pickle, which could run code when loaded and is refused; hybridwing converts {known} and no "
        "other: where you trust its source, load it with the library it was made with, and save it as safetensors"
    )


def convert(folder: Path) -> Path:
    """Convert a folder's pickle, one of `NAMES`, to a safetensors file beside it; return the path of that.

    Raises BackboneError if there is no such pickle, it holds something else than tensors by name, or the new file is
    there already, and MissingExtraError if torch is not installed.
    """
    try:
        import torch
        from safetensors.torch import save_file
    except ImportError as error:
        raise MissingExtraError(str(error.name), "torch", "converting a pickle") from error
    present = {name for name in (*NAMES, *_CONFIGS.values()) if (folder / name).is_file()}
    # Of both, the one whose configuration is there.
    found = find_pickle(present)
    if found is None:
        raise BackboneError(f"{folder} holds none of {', '.join(NAMES)}")
    name = found[0]
    target = folder / NAMES[name]
    if target.exists():
        raise BackboneError(f"{target} is there already; remove it to convert {name} again")
    try:
        content = torch.load(folder / name, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and torch's own errors
        raise BackboneError(f"{folder / name} cannot be read as tensors alone: {first_line(error)}") from error
    tensors = _tensors(content)
    if not tensors:
        raise BackboneError(f"{folder / name} holds no tensors by name")
    # Cloned: tensors that share memory cannot be stored apart.
    apart = {key: value.contiguous().clone() for key, value in tensors.items()}
    with written_whole(target) as partial:
        save_file(apart, partial, metadata={"format": "pt"})
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
