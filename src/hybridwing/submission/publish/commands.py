"""The commands that reproduce a published submission, for a shell: install, fetch, train, build, score."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybridwing import __version__
from hybridwing.submission.build.weights import without_paths

if TYPE_CHECKING:
    from hybridwing.runs.folder import RunManifest
    from hybridwing.runs.run import Run


@dataclass(frozen=True)
class TrainingChoice:
    """All that ``hybridwing train`` is told besides where its data are.

    Attributes
    ----------
    backbone, preprocess, view, feature : str
    background : str, optional
        See :func:`hybridwing.backbones.registry.load_backbone`; several with commas between.
    detectors : tuple of str
    split_method : str
    test_fraction : float
    seed : int
    record_weights : bool
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
    record_weights: bool = True

    def command(self, catalogue: str, images: str, out: str) -> str:
        """The command, every choice spelt out: a default that changes later must not change what it does.

        Examples
        --------
        >>> TrainingChoice().command("train.csv", "photos", "run")[:60]
        'hybridwing train train.csv --images photos --out run --backb'
        """
        words = ["hybridwing", "train", catalogue, "--images", images, "--out", out, "--backbone", self.backbone]
        words += ["--detector", ",".join(self.detectors), "--split", self.split_method]
        words += ["--test-fraction", f"{self.test_fraction:g}", "--seed", str(self.seed)]
        words += [] if self.record_weights else ["--no-record-weights"]
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
        record_weights=manifest.record_weights,
        # The whole picture has no choice; beside it, what is masked is masked by default.
        background="kept" if "kept" in around else "masked" if around == {"masked"} else None,
    )


def training_commands(run: Run, detector: str, *, reference: str = "", addresses: bool = True) -> str:
    """Commands from the table to the scored submission; a backbone in a folder is named by what stands for it.

    Parameters
    ----------
    run : Run
    detector : str
    reference : str
        File name of the table that the submission was scored on; empty if it was not.
    addresses : bool
        Whether the training table says where its photographs can be fetched.
    """
    # Without the paths that folders had on this machine.
    spec = without_paths(run.manifest.backbone)
    choice = choice_of(replace(run.manifest, backbone=spec))
    extra = "" if choice.backbone == "pattern" else "[torch]"
    table = line_of(run.manifest.catalogue_name)
    lines = [
        f"# HYBRIDWING: folder with the source code of hybridwing {__version__}, or a wheel built from it",
        f'python -m pip install "${{HYBRIDWING:?set it to the folder or wheel of hybridwing {__version__}}}{extra}"',
    ]
    folders = {leaf.name: leaf for leaf in spec.leaves if leaf.name.startswith("local:")}
    lines += [
        f"# {name.removeprefix('local:')}/: the folder of {leaf.revision} whose configuration and weights have the "
        f"SHA-256 {leaf.weights_sha256}"
        for name, leaf in folders.items()
    ]
    fetch = f"hybridwing download {table} --out images"
    lines += [
        f"# {table} has the SHA-256 {run.manifest.catalogue_sha256}",
        fetch if addresses else f"# images/: the photographs that {table} names",
        choice.command(table, "images", "run"),
        f"hybridwing submission build run --detector {detector} --out built --zip"
        + (f" --backbone {shlex.quote(choice.backbone)}" if folders else ""),
    ]
    if reference:
        scored = line_of(reference)
        lines += [
            f"hybridwing download {scored} --out scored_images",
            f"hybridwing submission run built.zip --images scored_images --reference {scored} --out scored --isolated",
        ]
    return "\n".join(lines) + "\n"


def line_of(text: str) -> str:
    """A file name from a run, as a command or a document may hold it: nothing that a shell or Markdown acts on."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in text).lstrip("-") or "catalogue.csv"
