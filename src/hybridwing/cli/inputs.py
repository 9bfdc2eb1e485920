"""What several verbs of the command line take: their options, and how the files named by them are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridwing.errors import CatalogueError, RunError

if TYPE_CHECKING:
    from hybridwing.catalogue.schema import Catalogue
    from hybridwing.embeddings.compute import Compute
    from hybridwing.embeddings.table import EmbeddingTable

CatalogueArgument = Annotated[Path, typer.Argument(help="CSV table of the specimens, a row an image.")]
RunArgument = Annotated[Path, typer.Argument(help="Folder that `hybridwing train` made.")]
Images = Annotated[Path, typer.Option("--images", help="Folder that the table's file names are relative to.")]
BackboneName = Annotated[
    str, typer.Option("--backbone", help="See `hybridwing backbones`; several, with commas between, count together.")
]
MovedBackbone = Annotated[
    str | None,
    typer.Option("--backbone", help="Where the run's backbone is now, if its folder was moved; of several, all."),
]
PreprocessName = Annotated[
    str, typer.Option("--preprocess", help="default: the backbone's own; sample: the challenge sample's resize.")
]
View = Annotated[
    str,
    typer.Option(
        "--view", "--views", help="Part of the picture: whole, specimen, forewings or hindwings; several, with commas."
    ),
]
Background = Annotated[
    str | None,
    typer.Option("--background", help="Around the view: masked (grey, the default) or kept; whole keeps it always."),
]
RecordWeights = Annotated[
    bool,
    typer.Option(
        "--record-weights/--no-record-weights",
        help="Non-hybrids from the hybrids' own records weigh more, in fusion, synthetic-hybrids, block-discriminant.",
    ),
]
Feature = Annotated[
    str, typer.Option("--feature", help="Output that is the embedding, e.g. cls; see `hybridwing backbones`.")
]
Precision = Annotated[str, typer.Option("--precision", help="auto, fp32, bf16 or fp16.")]
Runtime = Annotated[
    str, typer.Option("--runtime", help="torch, or openvino: the forward pass on a processor, often twice as fast.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Never fetch weights: take what is on this machine.")]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Folder of embeddings made before; default the user's cache.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute every embedding, and keep none.")]
AllowDamaged = Annotated[
    bool, typer.Option("--allow-damaged", help="Use what is left of damaged pictures, and say so.")
]
MaxMegapixels = Annotated[
    float, typer.Option("--max-megapixels", help="Refuse larger pictures; a worker needs 10 MB a megapixel.", min=1)
]
#: As in hybridwing.images.decode, which is imported only where pictures are read.
MAX_MEGAPIXELS = 120.0
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Seed = Annotated[int, typer.Option("--seed", help="Same seed and data, same bytes.", min=0)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier call left under this name.")]
Embeddings = Annotated[
    Path | None, typer.Option("--embeddings", help="Table that `hybridwing embed` made, instead of embedding again.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="OURS=THEIRS",
        help="For a table of your own: which of its columns is filename, label, specimen, subspecies, parent_1, "
        "parent_2, record, view, file_url or md5. Repeat for each.",
    ),
]
HybridValues = Annotated[
    list[str] | None, typer.Option("--hybrid-value", help="Label that means hybrid, besides the usual. Repeatable.")
]
NonHybridValues = Annotated[
    list[str] | None, typer.Option("--non-hybrid-value", help="Label that means non-hybrid, besides the usual.")
]


def check_file(out: Path, ending: str) -> None:
    """Before the images are embedded: refuse a place where a result cannot or should not be written."""
    if out.is_dir():
        raise RunError(f"{out} is a folder; name the {ending} file to write in it")
    if out.exists() and out.suffix.lower() != ending:
        raise RunError(f"{out} exists and is no {ending} file, so it is not replaced; choose another name")
    above = next(parent for parent in out.absolute().parents if parent.exists())
    if not above.is_dir():
        raise RunError(f"cannot write {out}: {above} is not a folder")


def catalogue_of(
    path: Path, columns: list[str] | None, hybrid_values: list[str] | None, non_hybrid_values: list[str] | None
) -> Catalogue:
    """Read a catalogue; naming columns or labels makes it a user's own."""
    from hybridwing.catalogue.columns import ColumnNames
    from hybridwing.catalogue.readers import read_catalogue

    if not columns and not hybrid_values and not non_hybrid_values:
        return read_catalogue(path)
    named: dict[str, str] = {}
    known = [name for name in ColumnNames.__dataclass_fields__ if not name.endswith("_values")]
    for pair in columns or []:
        ours, separator, theirs = pair.partition("=")
        if not separator or ours not in known or not theirs:
            raise CatalogueError(f"--column takes OURS=THEIRS with OURS one of {', '.join(known)}; got {pair!r}")
        if ours in named:
            raise CatalogueError(f"--column names {ours} twice: {named[ours]!r} and {theirs!r}")
        named[ours] = theirs
    labels = {"hybrid_values": tuple(hybrid_values or ()), "non_hybrid_values": tuple(non_hybrid_values or ())}
    return read_catalogue(path, columns=ColumnNames(**named, **labels))  # type: ignore[arg-type]  # checked by name


def embeddings_of(path: Path | None) -> EmbeddingTable | None:
    """Read the table that ``--embeddings`` names, if it names one."""
    from hybridwing.embeddings.store import read_table

    return None if path is None else read_table(path)


def compute_of(
    device: str,
    precision: str,
    runtime: str,
    offline: bool,
    cache: Path | None,
    no_cache: bool,
    *,
    allow_damaged: bool = False,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Compute:
    """Where and how to compute, with the user's cache unless another one or none is wanted."""
    from hybridwing.embeddings.cache import EmbeddingCache, default_folder
    from hybridwing.embeddings.compute import Compute

    store = None if no_cache else EmbeddingCache(cache or default_folder())
    return Compute(device, precision, runtime, offline, store, allow_damaged, max_megapixels)


def per_minute(rate: str) -> float:
    """Requests a minute, of ``60`` or ``60/min``."""
    from hybridwing.download.faults import DownloadError

    number = rate.strip().lower().removesuffix("/min").removesuffix("/minute")
    try:
        return float(number)
    except ValueError:
        raise DownloadError(f"--rate takes requests a minute, as 60 or 60/min; got {rate!r}") from None
