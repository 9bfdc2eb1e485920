"""The verb that asks detectors about what they were not shown: validate."""

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
    NoCache,
    NonHybridValues,
    Offline,
    Overwrite,
    Precision,
    PreprocessName,
    RecordWeights,
    Runtime,
    Seed,
    View,
    catalogue_of,
    compute_of,
    embeddings_of,
)


@app.command()
def validate(
    catalogue: CatalogueArgument,
    images: Images,
    protocol: Annotated[
        str, typer.Option("--protocol", help="What is hidden in turn: cross, subspecies, record or specimen.")
    ] = "cross",
    detector: Annotated[str, typer.Option("--detector", help="One or more, with commas between.")] = "svm",
    out: Annotated[Path | None, typer.Option("--out", help="New folder for table, differences and scores.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON instead.")] = False,
    parts: Annotated[int, typer.Option("--parts", help="Parts the specimens are dealt into.", min=2)] = 5,
    made: Annotated[
        bool,
        typer.Option(
            "--made-crosses/--no-made-crosses",
            help="Where hiding a cross leaves no hybrids to learn from: make some, or give no score.",
        ),
    ] = True,
    resamples: Annotated[int, typer.Option("--resamples", help="Of the bootstrap.", min=1)] = 2000,
    seed: Seed = 42,
    backbone: BackboneName = "pattern",
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
    """Ask detectors about what they were not shown.

    Crosses, subspecies, records or specimens are hidden in turn. A score from the record alone stands beside every
    detector.
    """
    from hybridwing.cli import show as console
    from hybridwing.cli.show_confidence import show_validation
    from hybridwing.validation.validate import check_validation_folder, to_json, write_validation
    from hybridwing.validation.validate import validate as ask

    if out is not None:
        check_validation_folder(out, overwrite=overwrite)
    table = catalogue_of(catalogue, column, hybrid_value, non_hybrid_value)
    result = ask(
        table,
        images,
        protocol=protocol,  # type: ignore[arg-type]  # any text; checked where the folds are made
        detectors=[name.strip() for name in detector.split(",") if name.strip()],
        seed=seed,
        parts=parts,
        resamples=resamples,
        make_crosses=made,
        backbone=backbone,
        preprocess=preprocess,
        view=view,
        feature=feature,
        background=background,
        record_weights=record_weights,
        compute=compute_of(device, precision, runtime, offline, cache, no_cache),
        embeddings=embeddings_of(embeddings),
        progress=console.progress,
    )
    if out is not None:
        write_validation(result, out, overwrite=overwrite)
    console.show_failures(result.failures, len(table))
    if as_json:
        typer.echo(to_json(result), nl=False)
        return
    show_validation(result)
    if out is not None:
        console.say(f"\n{out}: the table, the differences and every out-of-fold score")
