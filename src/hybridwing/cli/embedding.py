"""The verbs that turn photographs into embeddings: embed, and what can be done with tables and cache."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.inputs import (
    MAX_MEGAPIXELS,
    AllowDamaged,
    BackboneName,
    Background,
    CacheFolder,
    Columns,
    Device,
    Feature,
    HybridValues,
    MaxMegapixels,
    NoCache,
    NonHybridValues,
    Offline,
    Precision,
    PreprocessName,
    Runtime,
    View,
    catalogue_of,
    check_file,
    compute_of,
)
from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from hybridwing.backbones.base import Backbone
    from hybridwing.embeddings.job import Engine

tables = typer.Typer(no_args_is_help=True, help="Merge the parts of a table; look after the cache of embeddings.")
app.add_typer(tables, name="embeddings")


@app.command()
def embed(
    source: Annotated[
        Path, typer.Argument(metavar="CATALOGUE|FOLDER", help="Table of the specimens, or a folder of photographs.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder that the table's file names are relative to.")
    ] = None,
    backbone: BackboneName = "pattern",
    preprocess: PreprocessName = "default",
    view: View = "whole",
    feature: Feature = "default",
    background: Background = None,
    device: Device = "auto",
    precision: Precision = "auto",
    runtime: Runtime = "torch",
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Images a forward pass; default what suits.", min=1)
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Threads or processes that decode; default all processors.", min=1)
    ] = None,
    offline: Offline = False,
    cache: CacheFolder = None,
    no_cache: NoCache = False,
    allow_damaged: AllowDamaged = False,
    max_megapixels: MaxMegapixels = MAX_MEGAPIXELS,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Do the i-th of n shares; then `embeddings merge`.")
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="local, or ray: on a Ray cluster.")] = "local",
    address: Annotated[
        str | None, typer.Option("--address", help="Of a running Ray cluster, e.g. auto; default one started here.")
    ] = None,
    ray_workers: Annotated[int | None, typer.Option("--ray-workers", help="Workers on the cluster.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    column: Columns = None,
    hybrid_value: HybridValues = None,
    non_hybrid_value: NonHybridValues = None,
) -> None:
    """Turn photographs into embeddings.

    Interrupted, the same command goes on where it was.
    """
    from hybridwing.cli import show as console
    from hybridwing.embeddings.catalogue import items_of
    from hybridwing.embeddings.folder import items_in
    from hybridwing.embeddings.job import Share, embed_to_file

    check_file(out, ".parquet")
    share = None if shard is None else Share.parse(shard)
    if source.is_dir():
        items, left_out = items_in(source if images is None else images)
    elif images is None:
        raise EmbeddingError(f"name the folder of the photographs that {source} lists with --images")
    else:
        items, left_out = items_of(catalogue_of(source, column, hybrid_value, non_hybrid_value), images), ()
    compute = compute_of(
        device, precision, runtime, offline, cache, no_cache, allow_damaged=allow_damaged, max_megapixels=max_megapixels
    )
    load = partial(compute.load, backbone, preprocess=preprocess, view=view, feature=feature, background=background)
    with console.progress("embedding") as report:
        made = embed_to_file(
            items,
            load(),
            out,
            share=share,
            batch_size=batch_size,
            workers=workers,
            cache=compute.cache,
            options=compute.reading,
            engine=_engine(engine, load, address, ray_workers),
            progress=report,
        )
    console.show_failures(made.failures, made.images)
    console.show_left_out(left_out)
    if as_json:
        typer.echo(json.dumps(made.to_dict(), indent=2))
        return
    console.show_embedding(made)


@tables.command()
def merge(
    parts: Annotated[list[Path], typer.Argument(help="All the files that embed --shard i/n wrote, in any order.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
) -> None:
    """Merge the parts of a table that several machines made."""
    from hybridwing.cli import show as console
    from hybridwing.embeddings.merge import merge_parts

    check_file(out, ".parquet")
    head = merge_parts(parts, out)
    console.say(f"{out}: {head.rows} embeddings of length {head.backbone.dimension}, {len(head.failures)} failed")


@tables.command()
def cache(
    folder: CacheFolder = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all of them.")] = False,
) -> None:
    """Say how large the cache of embeddings is, or clear it."""
    from hybridwing.cli import show as console
    from hybridwing.embeddings.cache import EmbeddingCache, default_folder

    store = EmbeddingCache(folder or default_folder())
    if clear:
        console.say(f"{store.folder}: {store.clear() / 1e6:.1f} MB removed")
        return
    console.say(f"{store.folder}: {store.size() / 1e6:.1f} MB in {len(store.files())} files")


def _engine(name: str, load: partial[Backbone], address: str | None, actors: int | None) -> Engine | None:
    """The engine of a name; None is this process."""
    if name == "local":
        if address or actors:
            raise EmbeddingError("--address and --ray-workers are for --engine ray")
        return None
    if name == "ray":
        from hybridwing.embeddings.ray_engine import RayEngine

        return RayEngine(load, address, actors)
    raise EmbeddingError(f"--engine is local or ray; got {name!r}")
