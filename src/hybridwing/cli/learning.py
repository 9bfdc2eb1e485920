"""The verbs that learn and judge: train, evaluate, predict, score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.inputs import (
    BackboneName,
    Background,
    CacheFolder,
    CatalogueArgument,
    Columns,
    Device,
    Embeddings,
    Feature,
    HybridValues,
    Images,
    MovedBackbone,
    NoCache,
    NonHybridValues,
    Offline,
    Overwrite,
    Precision,
    PreprocessName,
    RecordWeights,
    RunArgument,
    Runtime,
    Seed,
    View,
    catalogue_of,
    check_file,
    compute_of,
    embeddings_of,
)


@app.command()
def train(
    catalogue: CatalogueArgument,
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="New run folder.")],
    backbone: BackboneName = "pattern",
    detector: Annotated[str, typer.Option("--detector", help="One or more, with commas between.")] = "fusion",
    seed: Seed = 42,
    split: Annotated[str, typer.Option("--split", help="random, stratified, record or specimen.")] = "random",
    test_fraction: Annotated[float, typer.Option("--test-fraction", help="Share of the images held out.")] = 0.2,
    preprocess: PreprocessName = "default",
    view: View = "whole",
    feature: Feature = "default",
    background: Background = None,
    record_weights: RecordWeights = True,
    device: Device = "auto",
    precision: Precision = "auto",
    runtime: Runtime = "torch",
    offline: Offline = False,
    cache: CacheFolder = None,
    no_cache: NoCache = False,
    embeddings: Embeddings = None,
    overwrite: Overwrite = False,
    column: Columns = None,
    hybrid_value: HybridValues = None,
    non_hybrid_value: NonHybridValues = None,
) -> None:
    """Fit and calibrate detectors on a labelled catalogue."""
    from hybridwing.cli import show as console
    from hybridwing.runs.train import train as fit

    table = catalogue_of(catalogue, column, hybrid_value, non_hybrid_value)
    names = [name.strip() for name in detector.split(",") if name.strip()]
    with console.progress("embedding") as report:
        result = fit(
            table,
            images,
            out,
            backbone=backbone,
            detectors=names,
            seed=seed,
            split_method=split,  # type: ignore[arg-type]  # any text; checked where the split is made
            test_fraction=test_fraction,
            preprocess=preprocess,
            view=view,
            feature=feature,
            background=background,
            record_weights=record_weights,
            compute=compute_of(device, precision, runtime, offline, cache, no_cache),
            embeddings=embeddings_of(embeddings),
            overwrite=overwrite,
            progress=report,
        )
    console.show_failures(result.failures, len(table))
    manifest = result.run.manifest
    console.show_metrics(f"{out}: trained on {manifest.n_train} images, measured on others", result.metrics)
    if not manifest.n_heldout_hybrids:
        console.note(
            "\nno hybrid was held out, so how many the detectors find is unknown and none is best; "
            "--split stratified or a larger --test-fraction may mend that"
        )
    if (non_hybrids := manifest.n_heldout - manifest.n_heldout_hybrids) < 19:
        console.note(
            f"\nonly {non_hybrids} non-hybrids were held out: `predict` needs 19 for its default --tnr 0.95; "
            "hold out more with --test-fraction, or ask it for a lower rate"
        )


@app.command()
def evaluate(
    run: RunArgument,
    catalogue: CatalogueArgument,
    images: Images,
    out: Annotated[Path | None, typer.Option("--out", help="New folder for scores, predictions, figure.")] = None,
    minus: Annotated[
        Path | None, typer.Option("--minus", help="A table whose images are taken out for a second measurement.")
    ] = None,
    resamples: Annotated[int, typer.Option("--resamples", help="Of the bootstrap.", min=1)] = 2000,
    backbone: MovedBackbone = None,
    device: Device = "auto",
    precision: Precision = "auto",
    runtime: Runtime = "torch",
    offline: Offline = False,
    cache: CacheFolder = None,
    no_cache: NoCache = False,
    embeddings: Embeddings = None,
    overwrite: Overwrite = False,
    column: Columns = None,
    hybrid_value: HybridValues = None,
    non_hybrid_value: NonHybridValues = None,
) -> None:
    """Score a run on a labelled catalogue.

    A table in the challenge's reference form gives the challenge's scores.
    """
    from hybridwing.cli import show as console
    from hybridwing.cli.show_confidence import show_insight, show_uncertainty
    from hybridwing.runs.evaluate import check_evaluation_folder, write_evaluation
    from hybridwing.runs.evaluate import evaluate as measure
    from hybridwing.runs.folder import read_run

    if out is not None:
        check_evaluation_folder(out, overwrite=overwrite)
    trained, table = read_run(run), catalogue_of(catalogue, column, hybrid_value, non_hybrid_value)
    known = None if minus is None else catalogue_of(minus, column, hybrid_value, non_hybrid_value)
    with console.progress("embedding") as report:
        result = measure(
            trained,
            table,
            images,
            embeddings=embeddings_of(embeddings),
            backbone=backbone,
            minus=known,
            resamples=resamples,
            compute=compute_of(device, precision, runtime, offline, cache, no_cache),
            progress=report,
        )
    if out is not None:
        write_evaluation(result, out, overwrite=overwrite)
    console.show_failures(result.failures, len(table))
    console.show_evaluation(result)
    show_uncertainty(result)
    show_insight(result)
    if table.sha256 == trained.manifest.catalogue_sha256:
        console.note("\nthis is the table that the run was trained on: its figures say nothing about other images")
    if out is not None:
        console.say(f"\n{out}: predictions, scores, metrics and the figure evaluation.png")


@app.command()
def predict(
    run: RunArgument,
    images: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.")],
    out: Annotated[Path | None, typer.Option("--out", help="CSV file for the ranking.")] = None,
    tnr: Annotated[float, typer.Option("--tnr", help="Share of non-hybrids to let pass as such.")] = 0.95,
    detector: Annotated[str | None, typer.Option("--detector", help="By default the run's best.")] = None,
    prevalence: Annotated[
        float | None, typer.Option("--prevalence", help="Share of hybrids you expect: says what a flag is worth.")
    ] = None,
    backbone: MovedBackbone = None,
    device: Device = "auto",
    precision: Precision = "auto",
    runtime: Runtime = "torch",
    offline: Offline = False,
    cache: CacheFolder = None,
    no_cache: NoCache = False,
) -> None:
    """Rank photographs, most likely hybrids first."""
    from hybridwing.cli import show as console
    from hybridwing.cli.show_confidence import show_promises
    from hybridwing.runs.folder import read_run
    from hybridwing.runs.predict import predict as rank

    if out is not None:
        check_file(out, ".csv")
    with console.progress("embedding") as report:
        ranking = rank(
            read_run(run),
            images,
            tnr=tnr,
            detector=detector,
            prevalence=prevalence,
            backbone=backbone,
            compute=compute_of(device, precision, runtime, offline, cache, no_cache),
            progress=report,
        )
    if out is not None:
        ranking.write(out)
    console.show_ranking(ranking)
    show_promises(ranking)
    console.show_failures(ranking.failures, len(ranking.images) + len(ranking.failures))
    console.show_left_out(ranking.left_out)
    if out is not None:
        console.say(f"\n{out}: all {len(ranking.images) + len(ranking.failures)} images")


@app.command()
def score(
    predictions: Annotated[Path, typer.Argument(help="filename,score a line, no header.")],
    reference: Annotated[Path, typer.Argument(help="The challenge's reference table.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what the official scores.json holds.")] = False,
    lower_is_hybrid: Annotated[
        bool, typer.Option("--lower-is-hybrid", help="The scores are P(non-hybrid): use 1 - score.")
    ] = False,
    allow_extra: Annotated[
        bool, typer.Option("--allow-extra", help="Ignore predictions for files the reference does not list.")
    ] = False,
) -> None:
    """Score predictions as the challenge does, to the last digit."""
    from hybridwing.cli import show as console
    from hybridwing.evaluation.challenge_score import challenge_scores, read_labelled_scores, unmeasured
    from hybridwing.evaluation.direction import reversed_rankings

    found = read_labelled_scores(predictions, reference, lower_is_hybrid=lower_is_hybrid, allow_extra=allow_extra)
    scores = challenge_scores(found.scores, found.labels, found.groups)
    if lacking := sorted(set(unmeasured(found.labels, found.groups).values())):
        console.note(
            f"the table has {' and '.join(lacking)}: the zeros for these are the official program's, not measured"
        )
    upside_down = reversed_rankings(found.scores, found.labels, found.specimens, found.groups)
    for ranking in upside_down:
        console.note(ranking.sentence())
    if upside_down and not upside_down[0].group and not lower_is_hybrid:
        console.note("if the file holds P(non-hybrid), score it with --lower-is-hybrid")
    if as_json:
        typer.echo(scores.to_json())
        return
    rows = [(name, f"{value:.6f}") for name, value in scores.leaderboard().items()]
    console.show_rows(f"{predictions.name} against {reference.name}", ("measure", "value"), rows, numeric=("value",))
