"""Refuse embeddings that another backbone made than the one that is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.backbones.request import Backbone
from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from hybridwing.backbones.base import BackboneSpec


def require_requested(made_by: BackboneSpec, request: Backbone) -> None:
    """Refuse embeddings that do not fit a request; no model is loaded.

    Raises
    ------
    EmbeddingError
        If names, views, preprocessing, background or a feature that is named differ.
    """

    def choices(one: Backbone) -> tuple[object, ...]:
        view = "whole" if one.cuts_itself and one.view == "specimen" else one.view
        background = None if view == "whole" else one.background or "masked"
        return str(one.name).partition("@")[0], view, background

    fits = False
    if made_by.can_embed:
        made = Backbone.of(made_by)
        wanted, found = request.singles, made.singles
        fits = [choices(one) for one in wanted] == [choices(one) for one in found] and all(
            one.feature in ("default", other.feature) and one.preprocess in ("default", other.preprocess)
            for one, other in zip(wanted, found, strict=True)
        )
    if not fits:
        raise EmbeddingError(
            f"the embeddings were made by {made_by}, and not as --backbone {request.name} --view "
            f"{','.join(request.views)} says: leave out --backbone, --view, --preprocess, --feature and "
            "--background, or leave out --embeddings"
        )


def require_same_backbone(made_by: BackboneSpec, wanted: BackboneSpec, whose: str) -> None:
    """Refuse embeddings that another backbone made than the one that is needed.

    Parameters
    ----------
    made_by : BackboneSpec
        What made the embeddings.
    wanted : BackboneSpec
    whose : str
        Who needs them, for the message, e.g. ``"the run my-run"``.

    Raises
    ------
    EmbeddingError
        If weights, descriptor, preprocessing, view or feature differ.
    """
    if made_by.key == wanted.key:
        return
    if made_by.dimension != wanted.dimension:
        difference = f"embeddings of dimension {made_by.dimension}, not {wanted.dimension}"
    elif not (made_by.can_embed and wanted.can_embed):
        difference = "and it is not known what made one of them"
    elif made_by.name == wanted.name and made_by.views == wanted.views and made_by.background == wanted.background:
        difference = "with other weights, preprocessing or feature"
    else:
        difference = "and their embeddings cannot be compared"
    raise EmbeddingError(
        f"the embeddings were made by {made_by}, and {whose} is of {wanted}: {difference}; embed the photographs with "
        "the same backbone, or leave --embeddings out"
    )
