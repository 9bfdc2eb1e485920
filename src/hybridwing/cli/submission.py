"""The verbs that make and try submissions to the challenge: submission build, recipes, run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.challenge import submission
from hybridwing.cli.inputs import (
    CacheFolder,
    Device,
    MovedBackbone,
    NoCache,
    Offline,
    Overwrite,
    PreprocessName,
    WeightsFolder,
    catalogue_of,
    compute_of,
)
from hybridwing.errors import SubmissionError

__all__ = ["build", "list_recipes", "run", "submission"]


@submission.command()
def build(
    out: Annotated[Path, typer.Option("--out", help="New folder for the submission.")],
    run: Annotated[Path | None, typer.Argument(help="Run folder; not with --recipe.")] = None,
    detector: Annotated[str | None, typer.Option("--detector", help="By default the run's best.")] = None,
    archive: Annotated[bool, typer.Option("--zip", help="Also write OUT.zip, ready to upload.")] = False,
    bundle_weights: Annotated[
        bool, typer.Option("--bundle-weights", help="Put weights from the hub in: the network may be off there.")
    ] = False,
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="Train first, into OUT-run: see `submission recipes`.")
    ] = None,
    catalogue: Annotated[Path | None, typer.Option("--catalogue", help="Table to train a recipe on.")] = None,
    images: Annotated[Path | None, typer.Option("--images", help="Folder of its photographs.")] = None,
    preprocess: PreprocessName = "default",
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="NAME==VERSION", help="Another version to ask for.")
    ] = None,
    backbone: MovedBackbone = None,
    device: Device = "auto",
    weights: WeightsFolder = None,
    offline: Offline = False,
    cache: CacheFolder = None,
    no_cache: NoCache = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a run's detector as a submission."""
    from hybridwing.cli import show as console
    from hybridwing.runs.run import load_run
    from hybridwing.submission.build.building import build_submission
    from hybridwing.submission.build.recipes import find_recipe, train_recipe

    computing = compute_of(device, "fp32", "torch", weights, offline, cache, no_cache)
    if recipe is None:
        if run is None:
            raise SubmissionError("name a run folder, or a --recipe with --catalogue and --images")
        trained = load_run(run)
    else:
        if run is not None or detector is not None:
            raise SubmissionError("a recipe trains its own run and has its own detector: leave RUN and --detector out")
        if catalogue is None or images is None:
            raise SubmissionError("a recipe is trained on --catalogue CSV and --images DIR; name both")
        chosen = find_recipe(recipe)
        with console.progress("embedding") as report:
            trained = train_recipe(
                chosen,
                catalogue_of(catalogue),
                images,
                out.with_name(f"{out.name}-run"),
                preprocess=preprocess,
                backbone=backbone,
                compute=computing,
                overwrite=overwrite,
                progress=report,
            )
        console.say(f"{trained.folder}: trained on {trained.manifest.n_train} images")
    built = build_submission(
        trained,
        out,
        detector=detector,
        archive=archive,
        bundle_weights=bundle_weights,
        backbone=backbone,
        compute=computing,
        pins=pin or (),
        overwrite=overwrite,
    )
    console.say(f"{built.folder}: detector {built.detector}, {built.files} files, {built.size / 1e6:.1f} MB")
    console.say(f"requires {', '.join(built.requirements)}")
    if built.archive is not None:
        console.say(f"{built.archive}: sha256 {built.archive_sha256}")


@submission.command(name="recipes")
def list_recipes() -> None:
    """List ready submissions and their training commands."""
    from hybridwing.cli import show as console
    from hybridwing.submission.build.recipes import recipes

    console.show_entries(
        [(r.name, [r.summary, r.choice.command("CATALOGUE", "DIR", "RUN")]) for r in recipes()],
    )


@submission.command()
def run(
    source: Annotated[Path, typer.Argument(metavar="ZIP_OR_FOLDER", help="Anybody's submission.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for predictions, scores and page.")],
    images: Annotated[Path | None, typer.Option("--images", help="Folder of images, side by side.")] = None,
    reference: Annotated[Path | None, typer.Option("--reference", help="The challenge's reference table.")] = None,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Install its requirements into a fresh environment.")
    ] = False,
    python: Annotated[Path | None, typer.Option("--python", help="Interpreter for --isolated, best 3.10.")] = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Codabench bundle whose own programs to run instead.")
    ] = None,
    task: Annotated[int, typer.Option("--task", help="Index of the bundle's task.")] = 0,
    time_limit: Annotated[float, typer.Option("--time-limit", metavar="SECONDS", help="For all stages.")] = 600.0,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Run it without a sandbox: it can read, change and send whatever you can."),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Run a submission as Codabench does.

    Requirements, ingestion and scoring, within limits and in a bubblewrap sandbox without a network. Exit code 1 where
    it would fail.
    """
    from hybridwing.cli import show as console
    from hybridwing.submission.rehearse.rehearsal import run_submission

    result = run_submission(
        source,
        images,
        reference,
        out,
        isolated=isolated,
        python=python,
        bundle=bundle,
        task=task,
        time_limit=time_limit,
        trust=trust,
        overwrite=overwrite,
    )
    console.show_submission_run(result)
    console.say(f"\n{out}: result, predictions, scores and logs")
    if not result.accepted:
        raise typer.Exit(1)
