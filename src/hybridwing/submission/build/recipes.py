"""Ready submissions by name: the challenge sample's two, their siblings, and what needs no weights.

The sample (Imageomics/HDR-anomaly-challenge-sample, MIT) splits 80/20 at random with seed 42, resizes to 224 × 224
without keeping the aspect ratio, and ships BioCLIP with an SVM and DINOv2-base with a calibrated SGD. A recipe keeps
backbone, detector, split and seed. Its preprocessing is the backbone's own; ``sample`` takes the sample's resize
instead. What the sample trained with one normalisation and served without any is one value here: the two cannot part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.request import Backbone
from hybridwing.errors import SubmissionError
from hybridwing.submission.build.training_choice import TrainingChoice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.runs.run import Run

#: A submission computes in full precision, and so does what it is built from.
FULL = Compute(precision="fp32")

#: LoadedBackbone and feature; the sample's BioCLIP embeddings have length 1.
_BACKBONES = {
    "bioclip": ("bioclip", "projected-unit"),
    "dino": ("dinov2-base", "cls+patches"),
    "pattern": ("pattern", "default"),
}
_DETECTORS = ("svm", "sgd", "knn", "gaussian")
_SHIPPED = {"bioclip-svm": "the sample's BioCLIP_code_submission", "dino-sgd": "the sample's DINO_SGD_code_submission"}


@dataclass(frozen=True)
class Recipe:
    """A submission that can be made by name: what is trained; its one detector is built."""

    name: str
    summary: str
    choice: TrainingChoice


def recipes() -> tuple[Recipe, ...]:
    """All recipes, by backbone and detector."""
    return tuple(
        Recipe(
            name=f"{short}-{detector}",
            summary=_SHIPPED.get(f"{short}-{detector}", f"{backbone} with the sample's {detector}"),
            choice=TrainingChoice(backbone=backbone, detectors=(detector,), feature=feature),
        )
        for short, (backbone, feature) in _BACKBONES.items()
        for detector in _DETECTORS
    )


def find_recipe(name: str) -> Recipe:
    """The recipe of this name.

    Raises
    ------
    SubmissionError
        If there is none; the message lists them.
    """
    found = next((recipe for recipe in recipes() if recipe.name == name), None)
    if found is None:
        raise SubmissionError(f"no recipe is called {name!r}; there are: {', '.join(r.name for r in recipes())}")
    return found


def train_recipe(
    recipe: Recipe,
    catalogue: Catalogue,
    images: Path,
    out: Path,
    *,
    preprocess: str = "default",
    backbone: str | None = None,
    compute: Compute = FULL,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Train what a recipe says; the same as its command.

    Parameters
    ----------
    recipe : Recipe
    catalogue : Catalogue
        The challenge's training table.
    images, out : Path
        Folder of the photographs; new run folder.
    preprocess : {"default", "sample"}
    backbone : str, optional
        Where the recipe's backbone is on this machine, e.g. ``"local:FOLDER"``.
    compute, progress
        See :func:`hybridwing.embeddings.embed.embed`.
    overwrite : bool
        Replace an earlier run of this name.

    Raises
    ------
    HybridwingError
        Of the kind that fits what is wrong with the input.
    """
    from hybridwing.embeddings.embed import embed
    from hybridwing.runs.train import train

    choice = recipe.choice
    if preprocess != choice.preprocess or backbone is not None:
        choice = replace(choice, preprocess=preprocess, backbone=backbone or choice.backbone)
    request = Backbone(choice.backbone, choice.view, choice.preprocess, choice.feature, choice.background)
    return train(
        catalogue,
        embed(catalogue, images, request, compute=compute, progress=progress),
        out,
        detectors=choice.detectors,
        seed=choice.seed,
        split_method=choice.split_method,  # type: ignore[arg-type]  # one of the methods, as text
        test_fraction=choice.test_fraction,
        record_weights=choice.record_weights,
        overwrite=overwrite,
    )
