"""What several verbs of the command line take: their options, and how the files named by them are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridwing.errors import CatalogueError

if TYPE_CHECKING:
    from hybridwing.backbones.compute import Compute
    from hybridwing.catalogue.schema import Catalogue

CatalogueArgument = Annotated[Path, typer.Argument(help="Table of the specimens, a row an image: CSV, .xlsx or .ods.")]
RunArgument = Annotated[Path, typer.Argument(help="Folder that `hybridwing train` made.")]
Images = Annotated[Path | None, typer.Option("--images", help="Folder that the table's file names are relative to.")]
Embeddings = Annotated[
    Path | None,
    typer.Option(
        "--embeddings", help="Table that `hybridwing embed` or another tool made, instead of embedding again."
    ),
]
Resamples = Annotated[int, typer.Option("--resamples", help="Of the bootstrap.", min=1)]
MovedBackbone = Annotated[
    str | None,
    typer.Option("--backbone", help="Where the run's backbone is now, if its folder was moved; of several, all."),
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
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute every embedding, and keep none.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Seed = Annotated[int, typer.Option("--seed", help="Same seed and data, same bytes.", min=0)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier call left under this name.")]


def catalogue_of(
    path: Path,
    columns: list[str] | None = None,
    hybrid_values: list[str] | None = None,
    non_hybrid_values: list[str] | None = None,
    *,
    sheet: str | None = None,
    strict: bool = False,
) -> Catalogue:
    """Read a catalogue; naming columns or labels makes it a user's own."""
    from hybridwing.catalogue.columns import OWN, ColumnNames
    from hybridwing.catalogue.readers import read_catalogue

    named: dict[str, str] = {}
    for pair in columns or []:
        ours, separator, theirs = pair.partition("=")
        if not separator or ours not in OWN or not theirs:
            raise CatalogueError(f"--column takes OURS=THEIRS with OURS one of {', '.join(OWN)}; got {pair!r}")
        if ours in named:
            raise CatalogueError(f"--column names {ours} twice: {named[ours]!r} and {theirs!r}")
        named[ours] = theirs
    labels = {"hybrid_values": tuple(hybrid_values or ()), "non_hybrid_values": tuple(non_hybrid_values or ())}
    names = ColumnNames(**named, **labels) if named or any(labels.values()) else None  # type: ignore[arg-type]
    return read_catalogue(path, columns=names, sheet=sheet, strict=strict)


def compute_of(
    device: str,
    precision: str,
    runtime: str,
    weights: Path | None,
    offline: bool,
    cache: Path | None,
    no_cache: bool,
) -> Compute:
    """Where and how to compute, with the user's cache unless another one or none is wanted."""
    from hybridwing.backbones.compute import Compute
    from hybridwing.embeddings.cache import default_folder

    return Compute(device, precision, runtime, weights, offline, None if no_cache else cache or default_folder())


def per_minute(rate: str) -> float:
    """Requests a minute, of ``60`` or ``60/min``."""
    from hybridwing.download.errors import DownloadError

    number = rate.strip().lower().removesuffix("/min").removesuffix("/minute")
    try:
        return float(number)
    except ValueError:
        raise DownloadError(f"--rate takes requests a minute, as 60 or 60/min; got {rate!r}") from None
