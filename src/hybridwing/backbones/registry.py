"""Backbones by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.backbones.convert import OPEN_CLIP_PICKLE
from hybridwing.backbones.entries import BackboneEntry, backbone_entries, backbone_names, find_entry, near_names
from hybridwing.backbones.hub import fetch
from hybridwing.backbones.local import Choice, LocalBackbone
from hybridwing.backbones.network import NetworkBackbone
from hybridwing.backbones.request import Asked, asked_again, asked_for, split_names
from hybridwing.errors import BackboneError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.backbones.base import Backbone, BackboneSpec

__all__ = ["PREPROCESS_CHOICES", "BackboneEntry", "backbone_entries", "load_again", "load_backbone", "name_again"]

#: Ways to preprocess: the backbone's own, or the challenge sample's resize.
PREPROCESS_CHOICES = ("default", "sample")
#: What can run a forward pass.
RUNTIMES = ("torch", "openvino")


def load_backbone(
    name: str,
    *,
    preprocess: str = "default",
    view: str = "whole",
    feature: str = "default",
    device: str = "auto",
    precision: str = "auto",
    runtime: str = "torch",
    offline: bool = False,
    background: str | None = None,
) -> Backbone:
    """Make a backbone ready; fetches its weights where they are not at hand.

    Parameters
    ----------
    name : str
        A name or a form of :func:`hybridwing.backbones.entries.backbone_entries`, e.g. ``"bioclip-2"``,
        ``"hf:REPO@REVISION"`` or ``"local:FOLDER"``. Names and ``"timm:NAME"`` may end in ``"@REVISION"`` too, a
        commit, branch or tag of the repository that is taken instead of the one that would be. Several with commas
        between give a composite, see :func:`hybridwing.backbones.request.asked_for`.
    preprocess : {"default", "sample"}
        The backbone's own preprocessing, or the challenge sample's resize.
    view : str
        Part of the picture to embed; see :class:`hybridwing.runtime.preprocess.Preprocess`. Several with commas
        between give a composite of each backbone with each view.
    feature : str
        Output to take for the embedding: ``"default"``, or what the entry lists, e.g. ``"cls"``. In a composite it is
        that of every backbone with weights.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``; of no effect on `pattern`.
    precision : {"auto", "fp32", "bf16", "fp16"}
        Number format of the forward pass; see :mod:`hybridwing.runtime.device`. Of no effect on `pattern`.
    runtime : {"torch", "openvino"}
        What runs the forward pass. OpenVINO is for processors, and not for ``timm:``. Of no effect on `pattern`.
    offline : bool
        Never touch the network: take what the hub's cache holds, or say what is missing. Setting ``HF_HUB_OFFLINE=1``
        does the same.
    background : {"masked", "kept"}, optional
        Whether what is around the view becomes grey; by default it does, except around the whole picture.

    Raises
    ------
    BackboneError
        For an unknown name, files that are missing or do not serve, or a preprocessing, view, feature, device or
        precision that the backbone does not have.
    MissingExtraError
        If the backbone needs packages that are not installed.
    """
    choice = Choice(preprocess, view, feature, device, precision, runtime, background)
    _check(choice)
    asked = asked_for(name, view, feature, background)
    try:
        if len(asked) == 1:
            return _one(asked[0].name, replace(choice, view=asked[0].view), offline)
        return _together(asked, choice, offline)
    except BackboneError as error:
        if "," not in name:
            raise
        read = ", ".join(repr(one) for one in split_names(name))
        raise BackboneError(
            f"{error} (a comma divides names, unless there is a folder of the whole name: {name!r} was read as {read})"
        ) from error


def load_again(
    spec: BackboneSpec,
    *,
    names: str | None = None,
    preprocess: str = "default",
    device: str = "auto",
    precision: str = "auto",
    runtime: str = "torch",
    offline: bool = False,
) -> Backbone:
    """Load the composite of a description: the same backbones with the same views and features.

    Parameters
    ----------
    spec : BackboneSpec
        Of a composite.
    names : str, optional
        Where its backbones are now, with commas between, in their order.
    preprocess, device, precision, runtime, offline
        See :func:`load_backbone`.

    Raises
    ------
    BackboneError
        If a backbone is not where it was, or there are more or fewer names than backbones.
    MissingExtraError
        If one needs packages that are not installed.
    """
    choice = Choice(preprocess, device=device, precision=precision, runtime=runtime)
    _check(choice)
    return _together(asked_again(spec, names, name_again), choice, offline)


def _check(choice: Choice) -> None:
    if choice.preprocess not in PREPROCESS_CHOICES:
        raise BackboneError(f"preprocess must be one of {', '.join(PREPROCESS_CHOICES)}; got {choice.preprocess!r}")
    if choice.runtime not in RUNTIMES:
        raise BackboneError(f"runtime must be one of {', '.join(RUNTIMES)}; got {choice.runtime!r}")


def _one(name: str, choice: Choice, offline: bool) -> Backbone:
    """A single backbone with a single view."""
    if name == "pattern":
        return _pattern(choice.preprocess, choice.view, choice.feature, choice.background)
    kind, _, place = name.partition(":")
    if kind == "local" and place:
        return LocalBackbone(Path(place).expanduser(), name, choice)
    if kind == "hf" and place:
        return _from_hub(place, choice, offline)
    if kind == "timm" and place:
        from hybridwing.backbones.timm_models import TimmBackbone

        if choice.runtime != "torch":
            raise BackboneError("timm's models run in torch alone; leave --runtime out")
        model, _, revision = place.partition("@")
        return TimmBackbone(model, choice, revision or None, offline=offline)
    return _named(name, choice, offline)


def _together(asked: Sequence[Asked], choice: Choice, offline: bool) -> Backbone:
    """A composite; what differs in the view alone shares its network."""
    from hybridwing.backbones.composite import CompositeBackbone

    # All are looked for before the first is loaded, which may take minutes.
    first: dict[tuple[str, str], Backbone] = {}
    for one in asked:
        if (one.name, one.feature) not in first:
            # The choice of resize is for those with weights, as that of views is.
            resize = "default" if one.name == "pattern" else choice.preprocess
            own = replace(choice, preprocess=resize, view=one.view, feature=one.feature, background=one.background)
            first[one.name, one.feature] = _one(one.name, own, offline)
    parts: list[Backbone] = []
    for one in asked:
        backbone = first[one.name, one.feature]
        taken = any(part is backbone for part in parts)
        parts.append(_seen(backbone, one) if taken else backbone)
    return CompositeBackbone(parts)


def _seen(backbone: Backbone, one: Asked) -> Backbone:
    """The same network on another view."""
    return backbone.with_view(one.view, one.background) if isinstance(backbone, NetworkBackbone) else backbone


def name_again(spec: BackboneSpec) -> str:
    """Name by which :func:`load_backbone` finds the same weights again, whatever the repository has become since.

    Returns
    -------
    str
        Of what was fetched by a name or from timm, the name with the commit that was fetched; otherwise the name as it
        is: the others' holds all there is to know.
    """
    plain = spec.name.partition("@")[0]
    entry, (repository, _, commit) = find_entry(plain), spec.source.partition("@")
    pinned = entry is not None and entry.repository == repository
    return f"{plain}@{commit}" if commit and (pinned or spec.name.startswith("timm:")) else spec.name


def _named(name: str, choice: Choice, offline: bool) -> Backbone:
    """A backbone of the list, at the commit that stands there or at another."""
    plain, _, revision = name.partition("@")
    entry = find_entry(plain)
    if entry is None or entry.repository is None:
        raise _unknown(name)
    pickle = None
    if not revision and entry.weights == "pickle" and entry.revision is not None:
        # The commit that is known holds a pickle, a later one may hold safetensors; if not, it is refused there.
        pickle = (entry.revision, OPEN_CLIP_PICKLE)
    elif not revision:
        revision = entry.revision or ""
    fetched = fetch(entry.repository, revision or None, entry.layout, offline=offline, pickle=pickle)
    return LocalBackbone(fetched.folder, name, choice, fetched.layout, fetched.source)


def _from_hub(place: str, choice: Choice, offline: bool) -> Backbone:
    """The model of any repository; named by the commit that was fetched, so that it can be found again."""
    repository, _, revision = place.partition("@")
    fetched = fetch(repository, revision or None, offline=offline)
    return LocalBackbone(fetched.folder, f"hf:{fetched.source}", choice, fetched.layout, fetched.source)


def _pattern(preprocess: str, view: str, feature: str, background: str | None) -> Backbone:
    """The backbone without weights, which leaves no choice."""
    from hybridwing.backbones.pattern import PatternBackbone

    if preprocess == "sample":
        raise BackboneError(
            "the pattern backbone cuts the picture itself; --preprocess sample is for backbones with weights"
        )
    backbone = PatternBackbone()
    if view not in ("whole", backbone.spec.preprocess.view):
        raise BackboneError(f"the pattern backbone finds the wings itself; it has no view {view!r}")
    if background not in (None, "masked"):
        raise BackboneError(f"the pattern backbone masks the background; it has no background {background!r}")
    if feature not in ("default", backbone.spec.feature):
        raise BackboneError(f"the pattern backbone has one feature, {backbone.spec.feature!r}; got {feature!r}")
    return backbone


def _unknown(name: str) -> BackboneError:
    near = [f"local:{name}"] if name and Path(name).is_dir() else near_names(name)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return BackboneError(f"no backbone is called {name!r}; {hint}there are: {', '.join(backbone_names())}")
