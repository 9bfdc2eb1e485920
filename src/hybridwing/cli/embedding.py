"""The verbs that turn photographs into embeddings: embed, and what can be done with tables and cache."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb
from hybridwing.cli.inputs import CacheFolder, Images
from hybridwing.cli.options import BackboneOptions, ComputeOptions, TableOptions, check_file
from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.embeddings.job import Engine

tables = typer.Typer(no_args_is_help=True, help="Merge the parts of a table; look after the cache of embeddings.")
app.add_typer(tables, name="embeddings")


@dataclass(frozen=True)
class ClusterOptions:
    """On several machines."""

    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Do the i-th of n shares; then `embeddings merge`.")
    ] = None
    engine: Annotated[str, typer.Option("--engine", help="local, or ray: on a Ray cluster.")] = "local"
    address: Annotated[
        str | None, typer.Option("--address", help="Running Ray cluster, e.g. auto; by default one is started here.")
    ] = None
    ray_workers: Annotated[int | None, typer.Option("--ray-workers", help="Workers on the cluster.", min=1)] = None

    def made_by(self, load: Callable[[], LoadedBackbone]) -> Engine | None:
        """The engine that is asked for; None is this process."""
        if self.engine == "local":
            if self.address or self.ray_workers:
                raise EmbeddingError("--address and --ray-workers are for --engine ray")
            return None
        if self.engine == "ray":
            from hybridwing.embeddings.ray_engine import RayEngine

            return RayEngine(load, self.address, self.ray_workers)
        raise EmbeddingError(f"--engine is local or ray; got {self.engine!r}")


@verb(app, "hybridwing embed specimens.csv --images photos --backbone dinov2-small --out embeddings.parquet")
def embed(
    source: Annotated[
        Path, typer.Argument(metavar="CATALOGUE|FOLDER", help="Table of the specimens, or a folder of photographs.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    backbone: BackboneOptions,
    compute: ComputeOptions,
    cluster: ClusterOptions,
    table: TableOptions,
    images: Images = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Turn photographs into embeddings.

    Interrupted, the same command goes on where it was.
    """
    from hybridwing.backbones.load import load
    from hybridwing.cli import show as console
    from hybridwing.embeddings.embed import photographs
    from hybridwing.embeddings.job import Share, embed_to_file

    _check_table(out)
    share = None if cluster.shard is None else Share.parse(cluster.shard)
    if source.is_dir():
        found = photographs(source if images is None else images)
    else:
        found = photographs(table.read(source), images)
    computing = compute.compute()
    ready = partial(load, backbone.request(), computing)
    with console.progress("embedding") as report:
        made = embed_to_file(
            found.items,
            ready(),
            out,
            share=share,
            compute=computing,
            engine=cluster.made_by(ready),
            metadata=found.metadata,
            progress=report,
        )
    console.show_failures(made.failures, made.images)
    console.show_left_out(found.left_out)
    if as_json:
        typer.echo(json.dumps(made.to_dict(), indent=2))
        return
    console.show_embedding(made)


@verb(tables, "hybridwing embeddings merge emb.part-*.parquet --out emb.parquet")
def merge(
    parts: Annotated[list[Path], typer.Argument(help="All the files that embed --shard i/n wrote, in any order.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
) -> None:
    """Merge the parts of a table that several machines made."""
    from hybridwing.cli import show as console
    from hybridwing.embeddings.merge import merge_parts

    _check_table(out)
    head = merge_parts(parts, out)
    console.say(f"{out}: {head.rows} embeddings of dimension {head.backbone.dimension}, {len(head.failures)} failed")


@verb(tables, "hybridwing embeddings cache --clear")
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


def _check_table(out: Path) -> None:
    """Refuse a place where no table can be written, and a file that is no table of ours."""
    from hybridwing.embeddings.store import read_provenance

    check_file(out, ".parquet", overwrite=True)
    if out.exists():
        try:
            read_provenance(out)
        except EmbeddingError as error:
            raise EmbeddingError(
                f"{out} exists and was not written by `hybridwing embed`; choose another name"
            ) from error
