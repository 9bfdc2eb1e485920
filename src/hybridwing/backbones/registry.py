"""Backbones by name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import BackboneError

if TYPE_CHECKING:
    from hybridwing.backbones.base import Backbone

#: Ways to preprocess: the backbone's own, or the challenge sample's resize.
PREPROCESS_CHOICES = ("default", "sample")


@dataclass(frozen=True)
class BackboneEntry:
    """A line of ``hybridwing backbones``.

    Attributes
    ----------
    name : str
        What to write after ``--backbone``.
    summary : str
        What it is.
    dimension : str
        Length of its embedding.
    needs : str
        Extra to install; empty where the core suffices.
    """

    name: str
    summary: str
    dimension: str
    needs: str


def backbone_entries() -> tuple[BackboneEntry, ...]:
    """All there is to choose from."""
    return (
        BackboneEntry(
            name="pattern",
            summary="wings found, registered and described by edges and colours; no weights, no network",
            dimension="862",
            needs="",
        ),
        BackboneEntry(
            name="local:FOLDER",
            summary="a vision model in a folder of Hugging Face layout (config.json, model.safetensors)",
            dimension="the model's",
            needs="torch",
        ),
    )


def load_backbone(name: str, *, preprocess: str = "default", device: str = "auto") -> Backbone:
    """Make a backbone ready.

    Parameters
    ----------
    name : str
        ``"pattern"`` or ``"local:FOLDER"``.
    preprocess : {"default", "sample"}
        The backbone's own preprocessing, or the challenge sample's resize.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``; of no effect on `pattern`.

    Raises
    ------
    BackboneError
        For an unknown name, a folder that does not serve, or a preprocessing the backbone does not have.
    MissingExtraError
        If the backbone needs packages that are not installed.
    """
    if preprocess not in PREPROCESS_CHOICES:
        raise BackboneError(f"preprocess must be one of {', '.join(PREPROCESS_CHOICES)}; got {preprocess!r}")
    if name == "pattern":
        from hybridwing.backbones.pattern import PatternBackbone

        if preprocess == "sample":
            raise BackboneError("the pattern backbone cuts the picture itself; --preprocess sample is for local:FOLDER")
        return PatternBackbone()
    kind, _, place = name.partition(":")
    if kind == "local" and place:
        from hybridwing.backbones.local import LocalBackbone

        return LocalBackbone(Path(place).expanduser(), name, preprocess, device)
    names = [entry.name for entry in backbone_entries()]
    near = (
        [f"local:{name}"] if name and Path(name).is_dir() else difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    )
    hint = f"did you mean {near[0]}? " if near else ""
    raise BackboneError(f"no backbone is called {name!r}; {hint}there are: {', '.join(names)}")
