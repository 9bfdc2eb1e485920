"""What all backbones have in common: the description of one, and the interface of a loaded one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Protocol

from hybridwing.errors import EmbeddingError
from hybridwing.runtime import pattern
from hybridwing.runtime.composite import PartInput, joint_view
from hybridwing.runtime.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from hybridwing.runtime.preprocess import Prepared

#: Family of a backbone that is made of several.
COMPOSITE = "composite"
#: Name and family of the backbone of an embedding table that names none.
ELSEWHERE = "elsewhere"
#: Parts that a composite may have: more than all views of ten backbones.
MOST_PARTS = 64


@dataclass(frozen=True)
class BackboneSpec:
    """All that decides what an embedding is: stored with every table and every run."""

    name: str  # As given on the command line, e.g. ``"pattern"`` or ``"local:/models/mobilenet"``
    # ``"pattern"``, ``"transformers"``, ``"open_clip"``, ``"timm"`` or ``"python"``; ``"composite"`` where there are
    # `parts`; ``"elsewhere"`` where nobody knows
    family: str
    revision: str  # Version of the descriptor, or architecture of the model
    weights_sha256: str  # SHA-256 of the weights and their configuration; empty where there are none
    feature: str  # Which output is the embedding, e.g. ``"pooled"`` or ``"cls+patches"``
    dimension: int  # Length of an embedding
    # What is done to the picture first. Of a composite it says how large the picture is decoded, and which view stands
    # for all; the parts have their own.
    preprocess: Preprocess
    # Repository on the hub and commit that the weights were fetched from, as ``"REPO@COMMIT"``; empty for others. It is
    # told, but does not count in `key`: what was fetched is known by its hash.
    source: str = ""
    # What had to be assumed, since the model's files do not say it; empty for most. It is told, and does not count.
    assumed: str = ""
    # Whose embeddings stand side by side in this one's; empty for a single backbone with a single view
    parts: tuple[BackboneSpec, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        parts = [part.to_dict() for part in self.parts]
        return {**values, "preprocess": self.preprocess.to_dict(), "parts": parts}

    @classmethod
    def of_parts(cls, parts: Sequence[BackboneSpec]) -> BackboneSpec:
        """The description of a composite.

        Raises EmbeddingError if there are fewer than two parts or more than `MOST_PARTS`, or one has parts
        itself.
        """
        _check_parts(parts)
        inputs = [PartInput(part.family, part.preprocess) for part in parts]
        # Half of the short side that is to be kept, as "none" reckons it; 8192 pixels are enough for everybody.
        side = min(4096, -(-max(part.preprocess.short_side for part in parts) // 2))
        return cls(
            name=",".join(dict.fromkeys(part.name for part in parts)),
            family=COMPOSITE,
            revision="",
            weights_sha256="",
            feature="side by side",
            dimension=sum(part.dimension for part in parts),
            preprocess=Preprocess(size=side, resize="none", interpolation="box", view=joint_view(inputs)),
            assumed="; ".join(dict.fromkeys(f"{part.name}: {part.assumed}" for part in parts if part.assumed)),
            parts=tuple(parts),
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BackboneSpec:
        """Read what `to_dict` wrote.

        Raises EmbeddingError if something is missing, unknown or out of range, or the parts do not make up the whole.
        """
        try:
            parts = tuple(_part_from_dict(part) for part in _listed(values["parts"]))
            spec = cls(**{**values, "preprocess": Preprocess.from_dict(values["preprocess"]), "parts": parts})
            texts = (spec.name, spec.family, spec.revision, spec.weights_sha256, spec.feature, spec.source)
            if not all(isinstance(text, str) for text in (*texts, spec.assumed)) or type(spec.dimension) is not int:
                raise TypeError("its dimension is a whole number, all else is text")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EmbeddingError(f"the description of the backbone cannot be read: {error}") from error
        if spec.dimension < 1:
            raise EmbeddingError(f"the description of the backbone cannot be read: its dimension is {spec.dimension}")
        if (spec.family == COMPOSITE) != bool(parts):
            raise EmbeddingError(
                f"the description of the backbone cannot be read: the family {spec.family!r} has {len(parts)} parts"
            )
        if parts:
            _check_parts(parts)
            if (total := sum(part.dimension for part in parts)) != spec.dimension:
                raise EmbeddingError(
                    f"the description of the backbone cannot be read: its dimension is {spec.dimension}, and its "
                    f"{len(parts)} parts have {total}"
                )
        return spec

    @classmethod
    def elsewhere(cls, dimension: int) -> BackboneSpec:
        """The description for an embedding table that does not name its backbone."""
        return cls(ELSEWHERE, ELSEWHERE, "", "", "unknown", dimension, Preprocess())

    @property
    def can_embed(self) -> bool:
        """Whether photographs can be embedded with it; false where nothing is known of it."""
        return self.family != ELSEWHERE

    @property
    def cuts_itself(self) -> bool:
        """Whether it finds the wings itself, and leaves no choice of view, feature or background."""
        return self.family == "pattern"

    @property
    def leaves(self) -> tuple[BackboneSpec, ...]:
        """The parts of a composite; a single backbone is its own only part."""
        return self.parts or (self,)

    @property
    def chosen(self) -> tuple[BackboneSpec, ...]:
        """The parts that view, background and feature are chosen for: not `pattern`, unless it is alone."""
        return tuple(part for part in self.leaves if not part.cuts_itself) or self.leaves

    def __str__(self) -> str:
        """Name, view and background, for messages."""
        return f"{self.name} (view {self.views}" + (f", background {self.background})" if self.background else ")")

    @property
    def resize(self) -> str:
        """``"sample"`` where the parts with weights resize as the challenge's sample does, else ``"default"``."""
        squashed = all((p.preprocess.resize, p.preprocess.interpolation) == ("squash", "bilinear") for p in self.chosen)
        return "sample" if squashed and not self.chosen[0].cuts_itself else "default"

    @property
    def background(self) -> str:
        """Around the views: ``"masked"`` or ``"kept"``; empty where only whole pictures are seen."""
        around = {part.preprocess.background for part in self.chosen}
        return next((word for word in ("kept", "masked") if word in around), "")

    @property
    def views(self) -> str:
        """What it shows of a picture: the view, or those of a composite's parts, with commas between."""
        return ",".join(dict.fromkeys(part.preprocess.view for part in self.chosen))

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the blocks of the embedding: one for each backbone on each view.

        An embedding is divided in three ways. *Blocks* are what detectors work on one by one. *Regions*
        (`region_widths`) are wings or kinds of token, and each has a scale of its own where distances to the
        training images are measured. *Traits* (`traits`) are what parents are told by. Of most backbones all
        three are the same.
        """
        return tuple(part.dimension for part in self.leaves)

    @property
    def region_widths(self) -> tuple[int, ...]:
        """Widths of the regions: blocks, but wings and layouts of `pattern`, and each token of ``"cls+patches"``."""
        if self.parts:
            return tuple(width for part in self.parts for width in part.region_widths)
        if self.cuts_itself and self.dimension == sum(pattern.REGIONS):
            return pattern.REGIONS
        if self.feature == "cls+patches" and self.dimension % 2 == 0:
            return (self.dimension // 2, self.dimension // 2)
        return (self.dimension,)

    @property
    def traits(self) -> tuple[slice, ...]:
        """Columns of the traits: edges, colours and proportions of each wing where `pattern` is there, else the blocks.

        Beside `pattern` a network's block is left out: it has far more columns than there are specimens to learn their
        covariance from. Where both were tried, parents were told better by `pattern` alone
        (``benchmarks/parents.py --weights``).
        """
        blocks = _divided(0, self.widths)
        described = [
            block
            for block, leaf in zip(blocks, self.leaves, strict=True)
            if leaf.family == "pattern" and leaf.dimension == pattern.DIMENSION
        ]
        return tuple(trait for block in described for trait in _divided(block.start, pattern.TRAITS)) or blocks

    @property
    def key(self) -> str:
        """SHA-256 of everything but the name and the source (a moved folder stays the same backbone)."""
        values = {name: value for name, value in self.to_dict().items() if name not in ("name", "source", "assumed")}
        if self.parts:
            values["parts"] = [part.key for part in self.parts]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _divided(start: int, widths: Iterable[int]) -> tuple[slice, ...]:
    """Columns of parts that follow each other."""
    return tuple(slice(*ends) for ends in pairwise(accumulate(widths, initial=start)))


def _listed(stored: object) -> list[Any]:
    """The stored parts, if they are a list that is not too long."""
    if not isinstance(stored, (list, tuple)):
        raise TypeError(f"its parts are {type(stored).__name__}, and no list")
    if len(stored) > MOST_PARTS:
        raise ValueError(f"it has {len(stored)} parts, and {MOST_PARTS} are the most")
    return list(stored)


def _part_from_dict(values: object) -> BackboneSpec:
    """Read a part. One that has parts itself is refused before it is read, so that deep nesting costs nothing."""
    if not isinstance(values, dict):
        raise TypeError(f"a part is {type(values).__name__}, and no table of values")
    if values.get("parts"):
        raise ValueError("a part has parts itself")
    try:
        return BackboneSpec.from_dict(values)
    except EmbeddingError as error:
        raise ValueError(f"of a part, {error}") from error


def _check_parts(parts: Sequence[BackboneSpec]) -> None:
    """Refuse what is no composite."""
    if not 2 <= len(parts) <= MOST_PARTS:
        raise EmbeddingError(f"a composite has 2 to {MOST_PARTS} parts, each a backbone with a view; got {len(parts)}")
    if any(part.parts for part in parts):
        raise EmbeddingError("a part of a composite cannot be a composite itself")


class LoadedBackbone(Protocol):
    """An image encoder: `prepare` runs an image at a time and in parallel, `forward` a batch at a time."""

    @property
    def spec(self) -> BackboneSpec:
        """What it is."""
        ...

    @property
    def precision(self) -> str:
        """Number format that `forward` computes in: ``"fp32"``, ``"bf16"`` or ``"fp16"``."""
        ...

    @property
    def runtime(self) -> str:
        """Program that computes `forward`: ``"numpy"``, ``"torch"`` or ``"openvino"``."""
        ...

    @property
    def batch_size(self) -> int:
        """How many images in a forward pass suit this model and the memory."""
        ...

    @property
    def prepare(self) -> Callable[[Image.Image], Prepared]:
        """RGB picture to backbone input; can be pickled, so that it can run in another process."""
        ...

    @property
    def prepare_in_processes(self) -> bool:
        """Whether `prepare` holds the interpreter for so long that processes beat threads."""
        ...

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embeddings of shape (n, dimension), float32, of n prepared inputs.

        Raises MemoryError if the memory of the device does not hold a batch of this size; a smaller one may do.
        """
        ...
