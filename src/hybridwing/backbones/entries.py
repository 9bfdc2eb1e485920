"""What there is to choose from: a value for each backbone, with where its weights come from and under which licence.

Sizes were counted on models built from their published configurations; revisions are commits of the repositories on the
Hugging Face hub, each found pinned in several public projects that do not depend on each other.
"""

from __future__ import annotations

import difflib
import fnmatch
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hybridwing.errors import BackboneError
from hybridwing.runtime.pattern import DIMENSION as PATTERN_DIMENSION
from hybridwing.runtime.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Where a model says nothing else: the normalisation of ImageNet (torchvision) and of OpenAI's CLIP (open_clip).
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)

_CLIP = Preprocess(224, "shortest", 224, "bicubic", mean=CLIP_MEAN, std=CLIP_STD)
_DINOV2 = Preprocess(224, "shortest", 256, "bicubic", mean=IMAGENET_MEAN, std=IMAGENET_STD)
_DINOV3 = Preprocess(224, "squash", 224, "bilinear", mean=IMAGENET_MEAN, std=IMAGENET_STD)
_DINOV3_LICENCE = "DINOv3 License (not OSI-approved; accept it on the hub first)"
_OF_THE_MODEL = "that of the model"

#: Stands for what measured best, see `benchmarks/detection`: names, views and feature.
BEST = "best"
BEST_NAMES, BEST_VIEWS, BEST_FEATURE = ("pattern", "dinov2-small"), ("specimen", "forewings"), "patches-4x4"


@dataclass(frozen=True)
class BackboneEntry:
    """A line of ``hybridwing backbones``."""

    name: str  # What to write after ``--backbone``; upper-case parts stand for your own
    summary: str  # What it is
    licence: str = ""  # Licence of the weights; empty where there are none
    needs: str = "torch"  # Extra to install; empty where the core suffices
    # One of "", "transformers", "open_clip", "timm": how the weights are stored; empty where there are none, or where
    # it is found out
    layout: str = ""
    # Repository on the Hugging Face hub, and its commit; None where the name decides
    repository: str | None = None
    revision: str | None = None
    gated: bool = False  # Whether the hub asks for an account and for consent to the licence
    # One of "safetensors", "pickle", "": how the repository holds its weights at that revision. For a pickle the newest
    # commit is looked at instead, and where that holds no safetensors either the pickle has to be converted first.
    weights: str = ""
    # Outputs that can be had as embeddings, the default first; empty where the model decides. For N stands a number.
    features: tuple[str, ...] = ()
    dimension: int | None = None  # Length of the default embedding
    parameters: int | None = None  # Of the image encoder alone
    patches: tuple[int, int] | None = None  # Rows and columns of the grid of patches
    # What is done to the picture first, as the repository's files say; these decide when it is loaded
    preprocess: Preprocess | None = None

    @property
    def is_form(self) -> bool:
        """Whether it stands for many: the name holds a part to fill in."""
        return ":" in self.name

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**asdict(self), "preprocess": None if self.preprocess is None else self.preprocess.to_dict()}


def _bioclip(
    name: str, model: str, repository: str, revision: str, weights: str, size: tuple[int, int, int]
) -> BackboneEntry:
    """A model of the BioCLIP family; `size` is dimension, parameters and side of the grid."""
    dimension, parameters, grid = size
    return BackboneEntry(
        name=name,
        summary=f"CLIP for organisms, {model}, trained on the tree of life (Imageomics)",
        licence="MIT",
        layout="open_clip",
        repository=f"imageomics/{repository}",
        revision=revision,
        weights=weights,
        features=("projected", "projected-unit", "cls", "cls+patches", "pooled", "patches-NxN"),
        dimension=dimension,
        parameters=parameters,
        patches=(grid, grid),
        preprocess=_CLIP,
    )


def _dino(name: str, model: str, repository: str, revision: str, width: int, parameters: int) -> BackboneEntry:
    """A model of the DINO family; its embedding is twice as long as the model is wide."""
    third = name.startswith("dinov3")
    return BackboneEntry(
        name=name,
        summary=f"self-supervised on photographs of all kinds, {model} (Meta)",
        licence=_DINOV3_LICENCE if third else "Apache-2.0",
        layout="transformers",
        repository=f"facebook/{repository}",
        revision=revision,
        gated=third,
        weights="safetensors",
        features=("cls+patches", "cls", "pooled", "patches-NxN"),
        dimension=2 * width,
        parameters=parameters,
        patches=(14, 14) if third else (16, 16),
        preprocess=_DINOV3 if third else _DINOV2,
    )


_ENTRIES = (
    BackboneEntry(
        name="pattern",
        summary="wings found, registered and described by edges and colours; no weights, no network",
        needs="",
        features=("wings",),
        dimension=PATTERN_DIMENSION,
    ),
    BackboneEntry(
        name=BEST,
        summary=f"{' and '.join(BEST_NAMES)} (views {', '.join(BEST_VIEWS)}; {BEST_FEATURE}) side by side: what finds "
        "most hybrids",
        licence="Apache-2.0",
    ),
    # Of the first BioCLIP the repository holds a pickle alone at this commit.
    _bioclip(
        "bioclip",
        "ViT-B/16",
        "bioclip",
        "ce901ab3c6a913f9e9ef94ce6d27761069f4f01c",
        "pickle",
        (512, 86_192_640, 14),
    ),
    _bioclip(
        "bioclip-2",
        "ViT-L/14",
        "bioclip-2",
        "2957b322090f9cb17ae72c71981c7218a28d81e0",
        "safetensors",
        (768, 303_966_208, 16),
    ),
    _bioclip(
        "bioclip-2.5",
        "ViT-H/14",
        "bioclip-2.5-vith14",
        "6e3d04e3d6522012c88181085c5ae666e14c45cd",
        "safetensors",
        (1024, 632_076_800, 16),
    ),
    _dino("dinov2-small", "ViT-S/14", "dinov2-small", "ed25f3a31f01632728cabb09d1542f84ab7b0056", 384, 22_056_576),
    _dino("dinov2-base", "ViT-B/14", "dinov2-base", "f9e44c814b77203eaa57a6bdbbd535f21ede1415", 768, 86_580_480),
    _dino("dinov2-large", "ViT-L/14", "dinov2-large", "47b73eefe95e8d44ec3623f8890bd894b6ea2d6c", 1024, 304_368_640),
    _dino("dinov2-giant", "ViT-g/14", "dinov2-giant", "611a9d42f2335e0f921f1e313ad3c1b7178d206d", 1536, 1_136_480_768),
    *(
        _dino(f"dinov3-{size}", model, f"dinov3-{kind}-pretrain-lvd1689m", revision, width, parameters)
        for size, model, kind, revision, width, parameters in (
            ("small", "ViT-S/16", "vits16", "114c1379950215c8b35dfcd4e90a5c251dde0d32", 384, 21_596_544),
            ("small-plus", "ViT-S+/16", "vits16plus", "c93d816fc9e567563bc068f01475bec89cc634a6", 384, 28_692_864),
            ("base", "ViT-B/16", "vitb16", "5931719e67bbdb9737e363e781fb0c67687896bc", 768, 85_660_416),
            ("large", "ViT-L/16", "vitl16", "ea8dc2863c51be0a264bab82070e3e8836b02d51", 1024, 303_129_600),
            ("huge-plus", "ViT-H+/16", "vith16plus", "c807c9eeea853df70aec4069e6f56b28ddc82acc", 1280, 840_592_640),
            ("7b", "ViT-7B/16", "vit7b16", "b80367753773648a6793235ab9c65cdbb029506f", 4096, 6_716_035_072),
        )
    ),
    BackboneEntry(
        name="hf:REPO[@REVISION]",
        summary="a vision model on the Hugging Face hub; without a revision the newest, whose commit is recorded",
        licence=_OF_THE_MODEL,
    ),
    BackboneEntry(
        name="local:FOLDER",
        summary="a vision model in a folder, as Hugging Face's save_pretrained or open_clip writes it",
        licence=_OF_THE_MODEL,
    ),
    BackboneEntry(
        name="timm:NAME",
        summary="a model of PyTorch Image Models (timm); the newest weights, whose commit is recorded",
        licence=_OF_THE_MODEL,
        needs="timm",
        layout="timm",
        features=("pooled",),
    ),
)


def backbone_entries(patterns: Sequence[str] = ()) -> tuple[BackboneEntry, ...]:
    """All there is to choose from, or what fits some patterns.

    Patterns are names with ``*``, ``?`` and ``[…]`` as in file names; capitals do not count. Raises BackboneError if a
    pattern fits nothing; the message holds names that are near.
    """
    if not patterns:
        return _ENTRIES
    chosen: set[str] = set()
    for pattern in patterns:
        # An upper-case part of a form is not a pattern: `hf:REPO[@REVISION]` is found by what stands before it.
        low = pattern.lower()
        fits = [e.name for e in _ENTRIES if fnmatch.fnmatchcase(_plain(e).lower(), low) or e.name.lower() == low]
        if not fits:
            near = near_names(pattern.strip("*?"))
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise BackboneError(f"no backbone fits {pattern!r}; {hint}there are: {', '.join(backbone_names())}")
        chosen.update(fits)
    return tuple(entry for entry in _ENTRIES if entry.name in chosen)


def describe_entry(entry: BackboneEntry) -> list[str]:
    """Lines that tell what an entry is, to be read by people."""
    lines = [entry.summary]
    if entry.dimension is not None:
        others = f"; on request {', '.join(entry.features[1:])}" if entry.features[1:] else ""
        lines.append(f"embedding: {entry.dimension} numbers ({entry.features[0]}{others})")
    if entry.parameters is not None and entry.patches is not None:
        lines.append(
            f"size: {entry.parameters / 1e6:.0f} M parameters, {entry.patches[0]} × {entry.patches[1]} patches"
        )
    if entry.preprocess is not None:
        p = entry.preprocess
        cut = (
            f"squashed to {p.size} × {p.size}"
            if p.resize == "squash"
            else f"short side to {p.resize_to}, cut {p.size} × {p.size}"
        )
        lines.append(f"picture: {cut}, {p.interpolation}; mean {_triple(p.mean)}, std {_triple(p.std)}")
    if entry.repository is not None:
        kind = (
            " a pickle; safetensors of the newest commit are taken, if it has any" if entry.weights == "pickle" else ""
        )
        lines.append(f"source: {entry.repository} at {entry.revision}{kind}")
    if entry.licence:
        lines.append(f"licence: {entry.licence}")
    if entry.needs:
        lines.append(f"needs: pip install 'hybridwing[{entry.needs}]'")
    return lines


def _triple(values: tuple[float, float, float]) -> str:
    return " ".join(f"{value:.4g}" for value in values)


def backbone_names() -> tuple[str, ...]:
    """Names of all entries, in their order."""
    return tuple(entry.name for entry in _ENTRIES)


def find_entry(name: str) -> BackboneEntry | None:
    """The entry of exactly this name; None where there is none, and for forms such as ``local:FOLDER``."""
    return next((entry for entry in _ENTRIES if entry.name == name and not entry.is_form), None)


def near_names(name: str) -> list[str]:
    """The two names, at most, that somebody who wrote `name` may have meant, the nearest first."""
    plain = {_plain(entry).lower(): entry.name for entry in _ENTRIES}
    starts = [key for key in plain if name and key.startswith(name.lower())]
    near = difflib.get_close_matches(name.lower(), list(plain), n=2, cutoff=0.6)
    return [plain[key] for key in dict.fromkeys([*starts, *near])][:2]


def _plain(entry: BackboneEntry) -> str:
    """Its name without what stands for the user's own."""
    return entry.name.split(":")[0] + ":" if entry.is_form else entry.name
