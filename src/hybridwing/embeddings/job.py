"""Embed any number of images into a file: in constant memory, safe to interrupt, shared by several machines if need be.

A job that was killed goes on where it was when it is called again, and ends with the bytes that it would have ended
with; at most one shard is done twice.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.embeddings.cache import cache_of
from hybridwing.embeddings.engine import NothingEmbeddedError, check_items
from hybridwing.embeddings.provenance import Part
from hybridwing.embeddings.shards import SHARD_SIZE, Timings, embed_shards, remember
from hybridwing.embeddings.unfinished import UnfinishedTable
from hybridwing.errors import EmbeddingError
from hybridwing.main_script import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.embeddings.shards import Shard
    from hybridwing.embeddings.table import Failure

    Item = tuple[str, Path]
    #: Embeds shards, given by number, and yields them in any order; the last argument is called once an image.
    Engine = Callable[[Mapping[int, Sequence[Item]], Compute, Callable[[], None]], Iterator[tuple[int, Shard]]]


@dataclass(frozen=True)
class Share:
    """One machine's share of a job, ``--shard 3/8``."""

    index: int  # From 1 to `of`
    of: int  # Number of shares

    def __post_init__(self) -> None:
        """Refuse a share outside 1/n to n/n."""
        if not 1 <= self.index <= self.of:
            raise EmbeddingError(f"a shard is 1/n to n/n; got {self.index}/{self.of}")

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read ``"3/8"``.

        Raises EmbeddingError for anything else.
        """
        found = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
        if found is None:
            raise EmbeddingError(f"--shard takes i/n, e.g. 3/8 for the third of eight; got {text!r}")
        return cls(int(found[1]), int(found[2]))

    def of_file(self, out: Path) -> Path:
        """Where this share of a table is written: ``emb.part-3-of-8.parquet`` beside ``emb.parquet``."""
        return out.with_name(f"{out.stem}.part-{self.index}-of-{self.of}{out.suffix}")


@dataclass(frozen=True)
class EmbeddingSummary:
    """What was written, and what it took."""

    out: Path  # The table
    # Images asked for; rows in the table; those of them whose embedding was in the cache; images that an earlier,
    # interrupted call had done (failures among them).
    images: int
    embedded: int
    cached: int
    resumed: int
    failures: tuple[Failure, ...]
    fallbacks: int  # Rows that show another view than the one asked for
    dimension: int  # Length of an embedding
    batch_size: int
    workers: int
    precision: str
    seconds: float  # From the first image to the finished table, by the clock
    timings: Timings
    damaged: int = 0  # Images that are damaged and that this call used as far as they go
    assumed: str = ""  # What had to be assumed of the backbone; empty for most

    @property
    def images_per_second(self) -> float:
        """Speed, counted over the images that this call looked at."""
        return (self.images - self.resumed) / max(self.seconds, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**asdict(self), "out": str(self.out), "images_per_second": self.images_per_second}


def embed_to_file(
    items: Sequence[Item],
    backbone: LoadedBackbone,
    out: Path,
    *,
    share: Share | None = None,
    compute: Compute = DEFAULT,
    engine: Engine | None = None,
    shard_size: int = SHARD_SIZE,
    metadata: pd.DataFrame | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EmbeddingSummary:
    """Embed images, given by unique key and path, into a parquet file.

    The file appears, or replaces an older one, when it is complete. With a `share` only that share is embedded, into
    ``share.of_file(out)``; see `hybridwing.embeddings.merge.merge_parts`. The `engine` does the work, by default
    this process. Images are written, and at worst done twice, in shards of `shard_size`. `metadata`, indexed by key, is
    written beside the embeddings. `progress` is called with the number of images done and of all, first with those an
    earlier call had done.

    Raises EmbeddingError if `items` is empty or holds an image twice, not a single image could be embedded, another
    process is writing the same table, or it cannot be written.
    """
    check_items(items)
    shards, part = _shared(items, share, shard_size)
    out = out if share is None else share.of_file(out)
    unfinished = UnfinishedTable.of(
        out, (backbone.spec.key, backbone.precision, backbone.runtime), part, shards, compute.reading
    )
    with unfinished.locked():
        begun = time.perf_counter()
        size = unfinished.batch_size(compute.batch_size, backbone.batch_size)
        compute = replace(compute, batch_size=size, workers=compute.workers or processors())
        known = cache_of(backbone, compute)
        missing = unfinished.missing()
        total = sum(map(len, shards))
        done = resumed = total - sum(len(shards[number]) for number in missing)
        if progress is not None:
            progress(done, total)

        def advance() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(done, total)

        cached, damaged, timings = 0, 0, Timings()
        run = engine or partial(_embedded_here, backbone)
        todo = {number: shards[number] for number in missing}
        for number, shard in run(todo, compute, advance):
            written = time.perf_counter()
            unfinished.add(number, shard.table, shard.contents)
            timings += shard.timings + Timings(write=time.perf_counter() - written)
            cached += shard.cached
            damaged += shard.damaged
        joining = time.perf_counter()
        pieces = unfinished.provenances()
        if part is None and not any(piece.rows for piece in pieces):
            unfinished.remove()
            raise NothingEmbeddedError(pieces[0].failures, total)
        if known is not None:
            # All at the end: what the job finds there must not depend on how often it was interrupted.
            for table, contents in unfinished.pieces():
                remember(known, table, contents)
        made = unfinished.finish(part, metadata)
        now = time.perf_counter()
    return EmbeddingSummary(
        out=out,
        images=total,
        embedded=made.rows,
        cached=cached,
        resumed=resumed,
        failures=made.failures,
        fallbacks=sum(one.view != made.backbone.preprocess.view for one in made.fallbacks),
        dimension=made.backbone.dimension,
        batch_size=size,
        workers=compute.workers or 1,
        precision=made.precision,
        seconds=now - begun,
        timings=timings + Timings(write=now - joining),
        damaged=damaged,
        assumed=made.backbone.assumed,
    )


def _embedded_here(
    backbone: LoadedBackbone, shards: Mapping[int, Sequence[Item]], compute: Compute, advance: Callable[[], None]
) -> Iterator[tuple[int, Shard]]:
    """The engine in this process."""
    total = sum(map(len, shards.values()))
    return zip(shards, embed_shards(shards.values(), backbone, compute, advance=advance, total=total), strict=True)


def _shared(items: Sequence[Item], share: Share | None, shard_size: int) -> tuple[list[Sequence[Item]], Part | None]:
    """The shards of one share, and which part of the table they make.

    Shares are cut between shards, so that the shards are the same however many machines share the work.
    """
    shards = [items[start : start + shard_size] for start in range(0, len(items), shard_size)]
    if share is None:
        return shards, None
    if share.of > len(shards):
        raise EmbeddingError(
            f"{len(items)} images are too few for {share.of} shares: a share has {shard_size} or more, so ask for at "
            f"most {len(shards)}"
        )
    first = (share.index - 1) * len(shards) // share.of
    last = share.index * len(shards) // share.of
    return shards[first:last], Part(share.index - 1, share.of, _digest(items, shard_size))


def _digest(items: Sequence[Item], shard_size: int) -> str:
    """Digest of the images of the whole table and of how they are cut. Parts of one table share it."""
    total = hashlib.sha256(f"{len(items)} by {shard_size}\x00".encode())
    for uuid, _ in items:
        total.update(uuid.encode(errors="surrogatepass") + b"\x00")
    return total.hexdigest()
