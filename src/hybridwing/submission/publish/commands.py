"""The commands that reproduce a published submission, for a shell: install, fetch, train, build, score."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from hybridwing import __version__
from hybridwing.runs.training_choice import choice_of
from hybridwing.submission.build.weights import without_paths

if TYPE_CHECKING:
    from hybridwing.runs.run import Run


def training_commands(run: Run, detector: str, *, reference: str = "", addresses: bool = True) -> str:
    """Commands from the training table to the scored submission.

    `reference` is the file name of the table that it was scored on, empty if it was not; `addresses` says whether the
    training table tells where its photographs can be fetched.
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
    if run.manifest.decisions_name:
        name = line_of(run.manifest.decisions_name)
        choice = replace(choice, decisions=name)
        lines.append(f"# {name} has the SHA-256 {run.manifest.decisions_sha256}; its photographs are in images/ too")
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
    """A file name without characters that a shell or Markdown acts on."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in text).lstrip("-") or "catalogue.csv"
