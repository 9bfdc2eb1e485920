"""From a request to a backbone that is ready to embed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.backbones.convert import OPEN_CLIP_PICKLE
from hybridwing.backbones.entries import backbone_names, find_entry, near_names
from hybridwing.backbones.hub import fetch
from hybridwing.backbones.local import LocalBackbone
from hybridwing.backbones.network import NetworkBackbone
from hybridwing.backbones.request import Backbone, as_request
from hybridwing.errors import BackboneError, HybridwingError, remedy

if TYPE_CHECKING:
    from hybridwing.backbones.base import LoadedBackbone

#: Names a folder that holds weights by backbone, such as ``dinov2-small/``, for machines without a hub.
WEIGHTS_FOLDER = "HYBRIDWING_WEIGHTS"


def load(request: Backbone | str, compute: Compute = DEFAULT) -> LoadedBackbone:
    """Make a backbone, or several as one, ready; fetches weights that are not at hand.

    A backbone of the list is looked for first in the folder of weights that `compute` or the environment variable
    ``HYBRIDWING_WEIGHTS`` names; this serves for its name alone, and with the commit that the list pins.

    Raises BackboneError for an unknown name, files that are missing or do not serve, or a preprocessing, view, feature,
    device or precision that the backbone does not have, and MissingExtraError if packages are not installed.

    Examples
    --------
    >>> load("pattern").spec.dimension
    862
    """
    request = as_request(request)
    singles = request.singles
    try:
        return _load_one(singles[0], compute) if len(singles) == 1 else _load_several(singles, compute)
    except BackboneError as error:
        if not (isinstance(request.name, str) and "," in request.name):
            raise
        read = ", ".join(repr(name) for name in request.names)
        raise BackboneError(
            f"{error} (a comma divides names, unless there is a folder of the whole name: {request.name!r} was read "
            f"as {read})"
        ) from error


def is_at_hand(request: Backbone | str, compute: Compute = DEFAULT) -> bool:
    """Whether a backbone's weights and packages are on this machine; no model is loaded for it, and no torch.

    Examples
    --------
    >>> is_at_hand("pattern")
    True
    """
    try:
        for one in as_request(request).singles:
            _load_one(one, replace(compute, offline=True))
    except HybridwingError:
        return False
    return True


def _load_one(request: Backbone, compute: Compute) -> LoadedBackbone:
    """A single backbone with a single view."""
    name = str(request.name)
    if request.network is not None:
        from hybridwing.backbones.from_python import PythonBackbone

        return PythonBackbone(name, request.network, compute)
    if request.cuts_itself:
        return _pattern(request)
    kind, _, place = name.partition(":")
    if kind == "local" and place:
        return LocalBackbone(Path(place).expanduser(), request, compute)
    if kind == "hf" and place:
        # Named by the commit that was fetched, so that it can be found again.
        repository, _, revision = place.partition("@")
        fetched = fetch(repository, revision or None, offline=compute.offline)
        named = replace(request, name=f"hf:{fetched.source}")
        return LocalBackbone(fetched.folder, named, compute, fetched.layout, fetched.source)
    if kind == "timm" and place:
        from hybridwing.backbones.timm_models import TimmBackbone

        return TimmBackbone(request, compute)
    if kind == "python":
        raise BackboneError(f"{name} is a model that was given from Python; give it again: Backbone.from_callable(…)")
    return _named(request, compute)


def _load_several(singles: tuple[Backbone, ...], compute: Compute) -> LoadedBackbone:
    """Several side by side; those that differ in the view alone share their network."""
    from hybridwing.backbones.composite import CompositeBackbone

    def network(one: Backbone) -> Backbone:
        return replace(one, view="whole", background=None)

    # All are looked for before the first is loaded, which may take minutes.
    first: dict[Backbone, LoadedBackbone] = {}
    for one in singles:
        if network(one) not in first:
            first[network(one)] = _load_one(one, compute)
    parts: list[LoadedBackbone] = []
    for one in singles:
        backbone = first[network(one)]
        shared = any(part is backbone for part in parts) and isinstance(backbone, NetworkBackbone)
        parts.append(backbone.with_view(one) if shared else backbone)  # type: ignore[attr-defined]
    return CompositeBackbone(parts)


def _named(request: Backbone, compute: Compute) -> LoadedBackbone:
    """Load a backbone of the list, at the commit that the list pins or at another."""
    plain, _, revision = str(request.name).partition("@")
    entry = find_entry(plain)
    if entry is None or entry.repository is None:
        raise _unknown(str(request.name))
    place = _weights_place(compute)
    # The folder of all weights, or the backbone's own.
    folders = [] if place is None else [place / plain, place]
    folder = next((one for one in folders if one.name == plain and one.is_dir()), None)
    if folder is not None and revision in ("", entry.revision):
        # A run that was trained with the hub's files holds what it finds here against their hash.
        return LocalBackbone(folder, replace(request, name=plain), compute, entry.layout or None)
    pickle = None
    if not revision and entry.weights == "pickle" and entry.revision is not None:
        # The commit that is known holds a pickle, a later one may hold safetensors; if not, it is refused there.
        pickle = (entry.revision, OPEN_CLIP_PICKLE)
    elif not revision:
        revision = entry.revision or ""
    try:
        fetched = fetch(entry.repository, revision or None, entry.layout, offline=compute.offline, pickle=pickle)
    except BackboneError as error:
        looked = "" if place is None else f"{place} has no folder {plain}, and "
        how = remedy("Compute(weights=…)", "--weights")
        raise BackboneError(
            f"{looked}{error}; or put its files, got elsewhere, into a folder {plain}, and name the folder that holds "
            f"{plain} with {how} or {WEIGHTS_FOLDER}"
        ) from error
    return LocalBackbone(fetched.folder, request, compute, fetched.layout, fetched.source)


def _weights_place(compute: Compute) -> Path | None:
    """The folder of weights that is named, or None. Raises BackboneError if there is no such folder."""
    named = compute.weights or os.environ.get(WEIGHTS_FOLDER)
    if not named:
        return None
    place = Path(named).expanduser()
    if not place.is_dir():
        said = remedy("Compute(weights=…)", "--weights") if compute.weights else WEIGHTS_FOLDER
        raise BackboneError(f"there is no folder of weights at {place}, which {said} names")
    return place


def _pattern(request: Backbone) -> LoadedBackbone:
    """Load `pattern`, which has no options; raises BackboneError if some are given."""
    from hybridwing.backbones.pattern import PatternBackbone

    if request.preprocess == "sample":
        raise BackboneError(
            "the pattern backbone cuts the picture itself; --preprocess sample is for backbones with weights"
        )
    backbone = PatternBackbone()
    if request.view not in ("whole", backbone.spec.preprocess.view):
        raise BackboneError(f"the pattern backbone finds the wings itself; it has no view {request.view!r}")
    if request.background not in (None, "masked"):
        raise BackboneError(f"the pattern backbone masks the background; it has no background {request.background!r}")
    if request.feature not in ("default", backbone.spec.feature):
        raise BackboneError(f"the pattern backbone has one feature, {backbone.spec.feature!r}; got {request.feature!r}")
    return backbone


def _unknown(name: str) -> BackboneError:
    near = [f"local:{name}"] if name and Path(name).is_dir() else near_names(name)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return BackboneError(f"no backbone is called {name!r}; {hint}there are: {', '.join(backbone_names())}")
