"""Arguments and options that several verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CatalogueArgument = Annotated[Path, typer.Argument(help="Table of the specimens, a row an image: CSV, .xlsx or .ods.")]
RunArgument = Annotated[Path, typer.Argument(help="Folder that `hybridwing train` made.")]
Images = Annotated[Path | None, typer.Option("--images", help="Folder that the table's file names are relative to.")]
Embeddings = Annotated[
    Path | None,
    typer.Option(
        "--embeddings", help="Table that `hybridwing embed` or another tool made, instead of embedding again."
    ),
]
Resamples = Annotated[int, typer.Option("--resamples", help="Resamples of the bootstrap.", min=1)]
DetectorName = Annotated[str | None, typer.Option("--detector", help="By default the run's best.")]
Megapixels = Annotated[
    float, typer.Option("--max-megapixels", help="Largest photograph that is read, in millions of pixels.", min=0)
]
MovedBackbone = Annotated[
    str | None,
    typer.Option("--backbone", help="New place of the run's backbone, if its folder was moved; of several, name all."),
]
Offline = Annotated[bool, typer.Option("--offline", help="Never fetch weights: take what is on this machine.")]
WeightsFolder = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        help="Folder that holds weights by backbone, e.g. dinov2-small/, for machines without a hub. "
        "[default: that of HYBRIDWING_WEIGHTS]",
    ),
]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Folder of embeddings made before; default the user's cache.")
]
Seed = Annotated[int, typer.Option("--seed", help="Same seed and data, same bytes.", min=0)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier call left under this name.")]
