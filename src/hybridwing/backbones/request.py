"""What ``--backbone`` and ``--view`` ask for when they hold several names with commas between."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.backbones.base import MOST_PARTS
from hybridwing.errors import BackboneError
from hybridwing.runtime.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.backbones.base import BackboneSpec


@dataclass(frozen=True)
class Asked:
    """One part of a composite as it is asked for.

    Attributes
    ----------
    name, view, feature : str
    background : str, optional
        See :func:`hybridwing.backbones.registry.load_backbone`; one of each.
    """

    name: str
    view: str
    feature: str
    background: str | None = None


def asked_for(names: str, views: str, feature: str = "default", background: str | None = None) -> tuple[Asked, ...]:
    """Read the names of backbones and of views.

    Parameters
    ----------
    names, views : str
        With commas between. What is named twice is taken once.
    feature : str
        Of every backbone with weights.
    background : str, optional
        Around every view of those.

    Returns
    -------
    tuple of Asked
        Every backbone with every view, view after view, in the order of the names; but `pattern`, which finds the wings
        itself, once. One name with one view is taken as it is written.

    Raises
    ------
    BackboneError
        If there are too many of them, a view does not exist, or `pattern` alone is asked for several.
    """
    backbones, chosen = split_names(names), tuple(dict.fromkeys(_split(views)))
    if len(backbones) == len(chosen) == 1:
        return (Asked(backbones[0], chosen[0], feature, background),)
    unknown = [view for view in chosen if view not in VIEWS]
    if unknown:
        raise BackboneError(f"view must be one of {', '.join(VIEWS)}; got {', '.join(map(repr, unknown))}")
    if "whole" in chosen and background == "masked":
        raise BackboneError("the view 'whole' keeps its background: leave --background out, or that view")
    if backbones == ("pattern",):
        raise BackboneError(f"the pattern backbone finds the wings itself; it has no views {', '.join(chosen)}")
    asked = []
    for name in backbones:
        if name == "pattern":
            asked.append(Asked(name, "whole", "default"))
        else:
            asked += [Asked(name, view, feature, background) for view in chosen]
    if len(asked) > MOST_PARTS:
        raise BackboneError(f"{len(asked)} backbones with views are too many; {MOST_PARTS} are the most")
    return tuple(asked)


def asked_again(spec: BackboneSpec, names: str | None, name_again: Callable[[BackboneSpec], str]) -> tuple[Asked, ...]:
    """What a composite was asked for with, to load it again.

    Parameters
    ----------
    spec : BackboneSpec
        Of a composite.
    names : str, optional
        Where its backbones are now, with commas between, in their order.
    name_again : callable
        See :func:`hybridwing.backbones.registry.name_again`.

    Raises
    ------
    BackboneError
        If there are more or fewer names than backbones, or `pattern` is not where it was among them.
    """
    known = tuple(dict.fromkeys(part.name for part in spec.parts))
    if names is None:
        return tuple(_again(part, name_again(part)) for part in spec.parts)
    now = split_names(names)
    # Of `pattern` there is one, which cannot have moved; networks in another order are found by their weights.
    if len(now) != len(known) or any(
        (old == "pattern") != (new == "pattern") for old, new in zip(known, now, strict=True)
    ):
        raise BackboneError(
            f"the run has the backbones {', '.join(known)}: name all {len(known)} in this order, with commas between; "
            f"{names!r} was read as {', '.join(now)}"
        )
    moved = dict(zip(known, now, strict=True))
    return tuple(_again(part, moved[part.name]) for part in spec.parts)


def _again(part: BackboneSpec, name: str) -> Asked:
    kept = part.preprocess.background == "kept"
    return Asked(name, part.preprocess.view, part.feature, "kept" if kept else None)


def split_names(text: str) -> tuple[str, ...]:
    """Names of backbones with commas between, each once.

    A folder's name may hold commas: after ``local:`` the longest piece of text counts for which there is a folder.

    Raises
    ------
    BackboneError
        If there are too many.
    """
    pieces = text.split(",")
    if len(pieces) > MOST_PARTS:
        raise BackboneError(f"{len(pieces)} names with commas between are too many; {MOST_PARTS} are the most")
    names, start = [], 0
    while start < len(pieces):
        ends = range(len(pieces), start + 1, -1)
        end = next((end for end in ends if _is_folder(",".join(pieces[start:end]))), start + 1)
        names.append(",".join(pieces[start:end]))
        start = end
    if len(names) == 1:
        return (text,)
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip())) or (text,)


def _is_folder(name: str) -> bool:
    kind, _, place = name.strip().partition(":")
    # Unlike Path's, false for a name that no file can have.
    return kind == "local" and bool(place) and os.path.isdir(os.path.expanduser(place))  # noqa: PTH111, PTH112


def _split(text: str) -> list[str]:
    """Pieces between commas; the text itself where there are none."""
    if "," not in text:
        return [text]
    return [piece.strip() for piece in text.split(",") if piece.strip()] or [text]
