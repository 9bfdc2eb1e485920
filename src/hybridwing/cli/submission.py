"""The verbs that make and try submissions to the challenge: submission build, recipes, run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from hybridwing.cli.challenge import submission
from hybridwing.cli.grouping import verb
from hybridwing.cli.inputs import MovedBackbone, Offline, Overwrite, RunArgument, WeightsFolder

__all__ = ["build", "list_recipes", "run", "submission"]


@dataclass(frozen=True)
class WeightOptions:
    """Where the weights of the run's backbone come from, and whether the submission holds them."""

    SECTION: ClassVar[str] = "Weights"
    bundle_weights: Annotated[
        bool, typer.Option("--bundle-weights", help="Put weights from the hub in: the network may be off there.")
    ] = False
    backbone: MovedBackbone = None
    weights: WeightsFolder = None
    offline: Offline = False


@verb(submission, "hybridwing submission build run --detector svm --out mine --zip")
def build(
    run: RunArgument,
    options: WeightOptions,
    out: Annotated[Path, typer.Option("--out", help="New folder for the submission.")],
    detector: Annotated[str | None, typer.Option("--detector", help="By default the run's best.")] = None,
    archive: Annotated[bool, typer.Option("--zip", help="Also write OUT.zip, ready to upload.")] = False,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="NAME==VERSION", help="Another version to ask for.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a run's detector as a submission."""
    from hybridwing.backbones.compute import Compute
    from hybridwing.cli import show as console
    from hybridwing.runs.run import load_run
    from hybridwing.submission.build.building import build_submission

    built = build_submission(
        load_run(run),
        out,
        detector=detector,
        archive=archive,
        bundle_weights=options.bundle_weights,
        backbone=options.backbone,
        compute=Compute(weights=options.weights, offline=options.offline),
        pins=pin or (),
        overwrite=overwrite,
    )
    console.say(f"{built.folder}: detector {built.detector}, {built.files} files, {built.size / 1e6:.1f} MB")
    console.say(f"requires {', '.join(built.requirements)}")
    if built.archive is not None:
        console.say(f"{built.archive}: sha256 {built.archive_sha256}")


@verb(submission, "hybridwing submission recipes", name="recipes")
def list_recipes() -> None:
    """List the training commands of well-known submissions."""
    from hybridwing.cli import show as console
    from hybridwing.submission.build.recipes import recipes

    console.show_entries(
        [(r.name, [r.summary, r.choice.command("CATALOGUE", "DIR", "RUN")]) for r in recipes()],
    )


@dataclass(frozen=True)
class ConditionOptions:
    """Under which conditions a submission is run."""

    SECTION: ClassVar[str] = "Conditions"
    isolated: Annotated[bool, typer.Option("--isolated", help="Install its requirements into a fresh environment.")] = (
        False
    )
    python: Annotated[Path | None, typer.Option("--python", help="Interpreter for --isolated, best 3.10.")] = None
    time_limit: Annotated[float, typer.Option("--time-limit", metavar="SECONDS", help="For all stages.")] = 600.0
    trust: Annotated[
        bool, typer.Option("--trust", help="Run it without a sandbox: it can read, change and send whatever you can.")
    ] = False


@verb(submission, "hybridwing submission run mine.zip --images val_images --reference ref_val.csv --out ran")
def run(
    source: Annotated[Path, typer.Argument(metavar="ZIP_OR_FOLDER", help="Anybody's submission.")],
    options: ConditionOptions,
    out: Annotated[Path, typer.Option("--out", help="New folder for predictions, scores and page.")],
    images: Annotated[Path | None, typer.Option("--images", help="Folder of images, side by side.")] = None,
    reference: Annotated[Path | None, typer.Option("--reference", help="The challenge's reference table.")] = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Codabench bundle whose own programs to run instead.")
    ] = None,
    task: Annotated[int, typer.Option("--task", help="Index of the bundle's task.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Run a submission as Codabench does.

    Requirements, ingestion and scoring, within limits and in a bubblewrap sandbox without a network. Exit code 1 where
    it would fail.
    """
    from hybridwing.cli import show as console
    from hybridwing.submission.rehearse.rehearsal import run_submission
    from hybridwing.submission.rehearse.submission_run import Conditions

    conditions = Conditions(options.isolated, options.python, options.time_limit, trust=options.trust)
    result = run_submission(
        source, images, reference, out, conditions=conditions, bundle=bundle, task=task, overwrite=overwrite
    )
    console.show_submission_run(result)
    console.say(f"\n{out}: result, predictions, scores and logs")
    if not result.accepted:
        raise typer.Exit(1)
