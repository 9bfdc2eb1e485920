"""What a run is trained with, as a value and as a command."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridwing.runs.folder import RunManifest


@dataclass(frozen=True)
class TrainingChoice:
    """The options of ``hybridwing train``, but for its table and its folders.

    Backbone, preprocess, view, feature and background are those of `hybridwing.backbones.request.Backbone`;
    several stand with commas between.
    """

    backbone: str = "pattern"
    detectors: tuple[str, ...] = ("svm",)
    preprocess: str = "default"
    view: str = "whole"
    feature: str = "default"
    split_method: str = "random"
    test_fraction: float = 0.2
    seed: int = 42
    background: str | None = None
    decisions: str = ""

    def command(self, catalogue: str, images: str, out: str) -> str:
        """The command with every option spelt out, so that a default may change later.

        Examples
        --------
        >>> TrainingChoice().command("train.csv", "photos", "run")[:60]
        'hybridwing train train.csv --images photos --out run --backb'
        """
        words = ["hybridwing", "train", catalogue, "--images", images, "--out", out, "--backbone", self.backbone]
        words += ["--detector", ",".join(self.detectors), "--split", self.split_method]
        words += ["--test-fraction", f"{self.test_fraction:g}", "--seed", str(self.seed)]
        words += ["--decisions", self.decisions] if self.decisions else []
        if self.backbone != "pattern":
            words += ["--preprocess", self.preprocess, "--view", self.view, "--feature", self.feature]
            words += [] if self.background is None else ["--background", self.background]
            # Scores of another number format differ in the fourth decimal.
            words += ["--precision", "fp32"]
        return shlex.join(words)


def choice_of(manifest: RunManifest) -> TrainingChoice:
    """What a run was trained with."""
    spec = manifest.backbone
    features = {part.feature for part in spec.chosen}
    around = {part.preprocess.background for part in spec.chosen}
    return TrainingChoice(
        backbone=spec.name,
        detectors=manifest.detectors,
        preprocess=spec.resize,
        view=spec.views,
        # One is asked for, for all backbones with weights: where they differ, each has its own default.
        feature=features.pop() if len(features) == 1 else "default",
        split_method=manifest.split_method,
        test_fraction=manifest.test_fraction,
        seed=manifest.seed,
        decisions=manifest.decisions_name,
        # The whole picture has no choice; beside it, what is masked is masked by default.
        background="kept" if "kept" in around else "masked" if around == {"masked"} else None,
    )
