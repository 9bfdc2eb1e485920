"""Which backbone is asked for, as one value: names, views, preprocessing, feature and background."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hybridwing.backbones.base import MOST_PARTS
from hybridwing.backbones.entries import BEST, BEST_FEATURE, BEST_NAMES, BEST_VIEWS, find_entry
from hybridwing.errors import BackboneError
from hybridwing.runtime.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.runtime.preprocess import Preprocess

#: Ways to preprocess: the backbone's own, or the challenge sample's resize.
PREPROCESS_CHOICES = ("default", "sample")
PATTERN = "pattern"


@dataclass(frozen=True)
class Backbone:
    """A request for an image encoder, or for several side by side.

    Attributes
    ----------
    name : str or sequence of str
        A name or a form that ``hybridwing backbones`` lists, e.g. ``"bioclip-2"``, ``"hf:REPO@REVISION"`` or
        ``"local:FOLDER"``. Names and ``"timm:NAME"`` may end in ``"@REVISION"``, a commit, branch or tag of the
        repository. Several names, in a sequence or with commas between, give embeddings side by side. ``"best"`` stands
        for those that measured best, with their views and feature.
    view : str or sequence of str
        Part of the picture: ``"whole"``, ``"specimen"``, ``"forewings"`` or ``"hindwings"``. Several give every
        backbone with every view; `pattern`, which finds the wings itself, is taken once.
    preprocess : {"default", "sample"}
        The backbone's own preprocessing, or the challenge sample's resize.
    feature : str
        Output that is the embedding: ``"default"``, or one that the backbone lists, e.g. ``"cls"``. Of no effect on
        `pattern` beside others.
    background : {"masked", "kept"} or None
        Whether what is around a view becomes grey; by default it does, except around the whole picture.
    parts : tuple of Backbone
        Requests to put side by side, each with its own view and feature; see `join`. All else is ignored then.
    network : object or None
        A model given as a Python object; see `from_callable`.

    Raises
    ------
    BackboneError
        For a view or preprocessing that does not exist, too many names, or a view that `pattern` does not have.

    Examples
    --------
    >>> request = Backbone("pattern,dinov2-small", view=("whole", "specimen"))
    >>> [(part.name, part.view) for part in request.singles]
    [('pattern', 'whole'), ('dinov2-small', 'whole'), ('dinov2-small', 'specimen')]
    """

    name: str | Sequence[str] = PATTERN
    view: str | Sequence[str] = "whole"
    preprocess: str = "default"
    feature: str = "default"
    background: str | None = None
    parts: tuple[Backbone, ...] = ()
    network: Any = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check the request, and fill in what ``"best"`` stands for."""
        for name in ("name", "view"):
            value = getattr(self, name)
            if not isinstance(value, str):
                object.__setattr__(self, name, tuple(str(one) for one in value))
        if self.name == BEST and not self.parts:
            if self.view != "whole" or self.feature != "default":
                raise BackboneError(
                    f"{BEST!r} has views and a feature of its own; for others name {','.join(BEST_NAMES)}"
                )
            for name, value in (("name", ",".join(BEST_NAMES)), ("view", BEST_VIEWS), ("feature", BEST_FEATURE)):
                object.__setattr__(self, name, value)
        if self.preprocess not in PREPROCESS_CHOICES:
            raise BackboneError(f"preprocess must be one of {', '.join(PREPROCESS_CHOICES)}; got {self.preprocess!r}")
        _ = self.singles

    @classmethod
    def join(cls, *requests: Backbone | str) -> Backbone:
        """Put requests side by side, each with its own view, feature and preprocessing.

        Examples
        --------
        >>> both = Backbone.join("pattern", Backbone("dinov2-small", view="forewings"))
        >>> [part.view for part in both.singles]
        ['whole', 'forewings']
        """
        parts = tuple(part for request in requests for part in as_request(request).singles)
        return parts[0] if len(parts) == 1 else cls(",".join(dict.fromkeys(str(p.name) for p in parts)), parts=parts)

    @classmethod
    def from_callable(
        cls,
        network: Callable[[Any], Any],
        *,
        name: str = "callable",
        preprocess: Preprocess | None = None,
        version: str = "",
    ) -> Backbone:
        """Use any ``torch.nn.Module``, or any callable on a batch, as a backbone.

        Parameters
        ----------
        network : callable
            Takes a batch of shape (n, 3, size, size), float32, and returns embeddings of shape (n, d). A
            ``torch.nn.Module`` is given a tensor, anything else a NumPy array.
        name : str
            Stands in tables and runs after ``python:``.
        preprocess : Preprocess, optional
            What is done to the picture first, view included; default a squash to 224 × 224 with ImageNet's
            normalisation.
        version : str
            Says which model this is, where it has no weights to tell by. A module is known by the hash of its weights.

        Returns
        -------
        Backbone
            A run that was trained with it has to be given it again to embed photographs.

        Examples
        --------
        >>> import numpy as np
        >>> mean_colour = Backbone.from_callable(lambda batch: batch.mean(axis=(2, 3)), name="mean-colour")
        >>> mean_colour.name
        'python:mean-colour'
        """
        from hybridwing.backbones.from_python import PythonNetwork

        view = "whole" if preprocess is None else preprocess.view
        return cls(f"python:{name}", view=view, network=PythonNetwork(network, preprocess, version))

    @classmethod
    def of(cls, spec: BackboneSpec, names: str | None = None) -> Backbone:
        """The request that gives an embedding's backbone again.

        Parameters
        ----------
        spec : BackboneSpec
            Of an embedding table or a run.
        names : str, optional
            Where the backbones are now, if folders were moved: all of them in their order, with commas between.

        Raises
        ------
        BackboneError
            If there are more or fewer names than backbones, or `pattern` is not where it was among them.
        """
        if not spec.parts:
            return _single_again(spec, names or name_again(spec))
        known = tuple(dict.fromkeys(part.name for part in spec.parts))
        if names is None:
            now = tuple(name_again(next(part for part in spec.parts if part.name == name)) for name in known)
        else:
            now = split_names(names)
        # There is one `pattern`, which cannot have moved; networks in another order are found by their weights.
        if len(now) != len(known) or any((a == PATTERN) != (b == PATTERN) for a, b in zip(known, now, strict=True)):
            raise BackboneError(
                f"the run has the backbones {', '.join(known)}: name all {len(known)} in this order, with commas "
                f"between; {names!r} was read as {', '.join(now)}"
            )
        moved = dict(zip(known, now, strict=True))
        parts = (_single_again(part, moved[part.name]) for part in spec.parts)
        return cls(",".join(now), parts=tuple(parts))

    @property
    def cuts_itself(self) -> bool:
        """Whether it finds the wings itself, and leaves no choice of view, feature or background."""
        return self.name == PATTERN

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the backbones, each once."""
        return split_names(self.name) if isinstance(self.name, str) else tuple(dict.fromkeys(self.name))

    @property
    def views(self) -> tuple[str, ...]:
        """Views, each once."""
        return tuple(dict.fromkeys(_split(self.view) if isinstance(self.view, str) else self.view))

    @property
    def singles(self) -> tuple[Backbone, ...]:
        """One request for each backbone with each view, in the order of the embedding."""
        if self.parts:
            return self.parts
        names, views = self.names, self.views
        if BEST in names:
            raise BackboneError(f"{BEST!r} stands for {','.join(BEST_NAMES)}, and beside others these have to be named")
        if len(names) == len(views) == 1:
            plain = (self.name, self.view) == (names[0], views[0])
            return (self if plain else replace(self, name=names[0], view=views[0]),)
        unknown = [view for view in views if view not in VIEWS]
        if unknown:
            raise BackboneError(f"view must be one of {', '.join(VIEWS)}; got {', '.join(map(repr, unknown))}")
        if "whole" in views and self.background == "masked":
            raise BackboneError("the view 'whole' keeps its background: leave --background out, or that view")
        if names == (PATTERN,):
            raise BackboneError(f"the pattern backbone finds the wings itself; it has no views {', '.join(views)}")
        count = sum(1 if name == PATTERN else len(views) for name in names)
        if count > MOST_PARTS:
            raise BackboneError(f"{count} backbones with views are too many; {MOST_PARTS} are the most")
        return tuple(
            Backbone(PATTERN) if name == PATTERN else replace(self, name=name, view=view)
            for name in names
            for view in (views[:1] if name == PATTERN else views)
        )


def as_request(request: Backbone | str) -> Backbone:
    """A request; a name alone asks for the whole picture."""
    return request if isinstance(request, Backbone) else Backbone(request)


def name_again(spec: BackboneSpec) -> str:
    """Name by which the same weights are found again, whatever the repository has become since.

    Of what was fetched by a name or from timm it is the name with the commit that was fetched; otherwise the name.
    """
    plain = spec.name.partition("@")[0]
    entry, (repository, _, commit) = find_entry(plain), spec.source.partition("@")
    pinned = entry is not None and entry.repository == repository
    return f"{plain}@{commit}" if commit and (pinned or spec.name.startswith("timm:")) else spec.name


def _single_again(part: BackboneSpec, name: str) -> Backbone:
    if name == PATTERN:
        return Backbone(PATTERN)
    seen = part.preprocess
    return Backbone((name,), (seen.view,), part.resize, part.feature, seen.background or None).singles[0]


def split_names(text: str) -> tuple[str, ...]:
    """Names of backbones with commas between, each once. Raises BackboneError if there are too many.

    A folder's name may hold commas: after ``local:`` the longest piece of text counts for which there is a folder.
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
