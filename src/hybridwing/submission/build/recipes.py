"""Training commands of well-known submissions: the challenge sample's two, their siblings, and what needs no weights.

The sample (Imageomics/HDR-anomaly-challenge-sample, MIT) splits 80/20 at random with seed 42, resizes to 224 × 224
without keeping the aspect ratio, and ships BioCLIP with an SVM and DINOv2-base with a calibrated SGD. A recipe keeps
backbone, detector, split and seed. Its preprocessing is the backbone's own; ``--preprocess sample`` takes the sample's
resize instead. The sample trained with one normalisation and served without any; here both use one value.
"""

from __future__ import annotations

from dataclasses import dataclass

from hybridwing.runs.training_choice import TrainingChoice

#: Backbone and feature; the sample's BioCLIP embeddings have length 1.
_BACKBONES = {
    "bioclip": ("bioclip", "projected-unit"),
    "dino": ("dinov2-base", "cls+patches"),
    "pattern": ("pattern", "default"),
}
_DETECTORS = ("svm", "sgd", "knn", "gaussian")
_SHIPPED = {"bioclip-svm": "the sample's BioCLIP_code_submission", "dino-sgd": "the sample's DINO_SGD_code_submission"}


@dataclass(frozen=True)
class Recipe:
    """A well-known submission: its name, what it is in words, and what is trained for it."""

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
