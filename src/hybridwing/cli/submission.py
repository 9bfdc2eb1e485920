"""The verbs that make and try submissions to the challenge: submission build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.inputs import MovedBackbone, Offline, Overwrite, RunArgument

submission = typer.Typer(
    name="submission",
    help="Build, check, run and publish submissions to the challenge.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(submission)


@submission.command()
def build(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", help="New folder for the submission.")],
    detector: Annotated[str | None, typer.Option("--detector", help="By default the run's best.")] = None,
    archive: Annotated[bool, typer.Option("--zip", help="Also write OUT.zip, ready to upload.")] = False,
    bundle_weights: Annotated[
        bool, typer.Option("--bundle-weights", help="Put weights from the hub in: the network may be off there.")
    ] = False,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="NAME==VERSION", help="Another version to ask for.")
    ] = None,
    backbone: MovedBackbone = None,
    offline: Offline = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a run's detector as a submission."""
    from hybridwing import console
    from hybridwing.challenge.build import build_submission
    from hybridwing.runs.folder import read_run

    built = build_submission(
        read_run(run),
        out,
        detector=detector,
        archive=archive,
        bundle_weights=bundle_weights,
        backbone=backbone,
        offline=offline,
        pins=pin or (),
        overwrite=overwrite,
    )
    console.say(f"{built.folder}: detector {built.detector}, {built.files} files, {built.size / 1e6:.1f} MB")
    console.say(f"requires {', '.join(built.requirements)}")
    if built.archive is not None:
        console.say(f"{built.archive}: sha256 {built.archive_sha256}")


@submission.command()
def run(
    source: Annotated[Path, typer.Argument(metavar="ZIP_OR_FOLDER", help="Anybody's submission.")],
    images: Annotated[Path, typer.Option("--images", help="Folder of images, side by side.")],
    reference: Annotated[Path, typer.Option("--reference", help="The challenge's reference table.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for predictions, scores and page.")],
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Install its requirements into a fresh environment.")
    ] = False,
    python: Annotated[Path | None, typer.Option("--python", help="Interpreter for --isolated, best 3.10.")] = None,
    time_limit: Annotated[float, typer.Option("--time-limit", metavar="SECONDS", help="For all stages.")] = 600.0,
    overwrite: Overwrite = False,
) -> None:
    """Run a submission as Codabench does.

    Requirements, ingestion and scoring, with limits and without a network. Exit code 1 where it would fail.
    """
    from hybridwing import console
    from hybridwing.challenge.run import run_submission

    result = run_submission(
        source,
        images,
        reference,
        out,
        isolated=isolated,
        python=python,
        time_limit=time_limit,
        overwrite=overwrite,
    )
    console.show_submission_run(result)
    console.say(f"\n{out}: verdict, predictions, scores and logs")
    if not result.accepted:
        raise typer.Exit(1)
