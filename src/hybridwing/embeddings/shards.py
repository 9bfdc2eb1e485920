"""Turn image files into embeddings, shard by shard.

A *shard* is a short run of images. A batch never reaches over the end of a shard, so a shard comes out the same whether
it is computed in one go with its neighbours or by itself after an interruption. Decoding and preparing run ahead in
parallel, over the ends of shards; the forward pass follows.

What a job finds in the cache must not depend on where it was interrupted, so nothing is put into the cache here. The
caller does that when all shards are there (`remember`).
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import astuple, dataclass
from functools import partial
from itertools import islice, tee
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.embeddings.cache import CachedEmbedding, cache_of
from hybridwing.embeddings.preparing import Workers, prepare_file
from hybridwing.embeddings.table import EmbeddingTable, Failure, Fallback
from hybridwing.errors import EmbeddingError
from hybridwing.images.listed import ImageFolder
from hybridwing.main_script import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.backbones.compute import Compute
    from hybridwing.embeddings.cache import BackboneCache
    from hybridwing.embeddings.preparing import PreparedFile
    from hybridwing.runtime.preprocess import Prepared

    Item = tuple[str, Path]

logger = logging.getLogger(__name__)

#: Images a shard.
SHARD_SIZE = 256
#: Below this many images, starting processes costs more than they save.
_FEW = 48


@dataclass(frozen=True)
class Timings:
    """Seconds spent."""

    # These two are summed over the workers, which work beside each other and beside the forward pass.
    decode: float = 0.0
    preprocess: float = 0.0
    forward: float = 0.0
    write: float = 0.0  # Shards and table

    def __add__(self, other: Timings) -> Timings:
        return Timings(*np.add(astuple(self), astuple(other)).tolist())


@dataclass(frozen=True, eq=False)
class Shard:
    """A shard that was embedded."""

    table: EmbeddingTable  # Rows, failures and fallbacks in the order of the shard's images
    # SHA-256 of the file of each row; empty for one whose embedding was known, and where there is no cache.
    contents: tuple[bytes, ...]
    cached: int  # Images whose embedding was known already
    timings: Timings  # Where the time went
    damaged: int = 0  # Images that are damaged and were used as far as they go


def embed_shards(
    shards: Iterable[Sequence[Item]],
    backbone: LoadedBackbone,
    compute: Compute,
    *,
    advance: Callable[[], None] | None = None,
    total: int | None = None,
) -> Iterator[Shard]:
    """Embed shards of (key, path) one after the other.

    `advance` is called once for every image that is done. `total` is the number of images in all the shards, where that
    is known: for a few, no processes are started.
    """
    count, known = compute.workers or processors(), cache_of(backbone, compute)
    batches = Batches(backbone, compute.batch_size or backbone.batch_size)
    work = partial(
        prepare_file,
        prepare=backbone.prepare,
        short_side=backbone.spec.preprocess.short_side,
        options=compute.reading,
        hashed=known is not None,
        cache=known or None,
    )
    in_processes = backbone.prepare_in_processes and count > 1 and (total is None or total >= _FEW)
    folders: dict[Path, ImageFolder] = {}
    with closing(Workers(work, count, in_processes=in_processes)) as pool:
        ours, theirs = tee(shards)
        # A whole batch ahead, so that the next is ready when the forward pass of this one ends.
        results = pool.ahead((path for items in ours for _, path in items), limit=batches.size + 8 * count)
        for items in theirs:
            yield _embedded(items, islice(results, len(items)), batches, advance, folders)


def _embedded(
    items: Sequence[Item],
    results: Iterable[PreparedFile],
    batches: Batches,
    advance: Callable[[], None] | None,
    folders: dict[Path, ImageFolder],
) -> Shard:
    """Take the results of one shard's images and embed them."""
    rows, failures, timings = dict[int, CachedEmbedding](), dict[int, Failure](), Timings()
    contents: dict[int, bytes] = {}
    waiting: list[tuple[int, Prepared]] = []
    damaged = 0

    def fail(place: int, stage: str, reason: str) -> None:
        uuid, path = items[place]
        if stage == "open" and not path.exists():
            folder = ImageFolder.of(path, uuid)
            reason += folders.setdefault(folder.root, folder).hint(path.relative_to(folder.root).as_posix())
        # Bytes of a file name that are no text are spelled out, since JSON cannot hold them.
        failures[place] = Failure(uuid, str(path).encode("utf-8", "backslashreplace").decode(), stage, reason)
        logger.warning("%s: %s: %s", path, stage, reason)

    def flush() -> None:
        nonlocal timings
        begun = time.perf_counter()
        vectors = batches.forward([prepared.value for _, prepared in waiting])
        timings += Timings(forward=time.perf_counter() - begun)
        for (place, prepared), vector in zip(waiting, vectors, strict=True):
            if np.isfinite(vector).all():
                rows[place] = CachedEmbedding(vector, prepared.view, prepared.confidence, prepared.doubt)
            else:
                fail(place, "embed", "the backbone returned NaN or infinity")
        waiting.clear()

    for place, result in enumerate(results):
        timings += Timings(decode=result.decode_seconds, preprocess=result.preprocess_seconds)
        if result.known is not None:
            rows[place] = result.known
        elif result.prepared is not None:
            if result.damage:
                damaged += 1
                logger.warning("%s: used as far as it goes: %s", items[place][1], result.damage)
            contents[place] = result.content
            waiting.append((place, result.prepared))
        else:
            fail(place, result.stage, result.reason)
        if len(waiting) >= batches.size:
            flush()
        if advance is not None:
            advance()
    if waiting:
        flush()
    return Shard(
        _table(items, batches.backbone, rows, failures),
        tuple(contents.get(place, b"") for place in sorted(rows)),
        sum(place not in contents for place in rows),
        timings,
        damaged,
    )


def remember(known: BackboneCache, table: EmbeddingTable, contents: Sequence[bytes]) -> None:
    """Put the embeddings of a shard into the cache, except those that came from it."""
    view = table.backbone.preprocess.view
    fallbacks = {fallback.uuid: fallback for fallback in table.fallbacks}
    made = {}
    for uuid, vector, content in zip(table.uuids, table.vectors, contents, strict=True):
        shown = fallbacks.get(uuid) or Fallback(uuid, view, 1.0)
        made[content] = CachedEmbedding(vector, shown.view, shown.confidence, shown.doubt)
    known.put(made)


def _table(
    items: Sequence[Item],
    backbone: LoadedBackbone,
    rows: Mapping[int, CachedEmbedding],
    failures: Mapping[int, Failure],
) -> EmbeddingTable:
    """Table of the embeddings of a shard, in the shard's order."""
    spec, wanted = backbone.spec, backbone.spec.preprocess.view
    places = sorted(rows)
    vectors = np.stack([rows[place].vector for place in places]) if places else np.empty((0, spec.dimension))
    fallbacks = (
        Fallback(items[place][0], rows[place].view, rows[place].confidence, rows[place].doubt)
        for place in places
        if rows[place].view != wanted or rows[place].doubt
    )
    return EmbeddingTable(
        tuple(items[place][0] for place in places),
        vectors.astype(np.float32, copy=False),
        spec,
        tuple(failures[place] for place in sorted(failures)),
        tuple(fallbacks),
        backbone.precision,
        backbone.runtime,
    )


class Batches:
    """Forward passes, in smaller batches from the moment that memory ran out."""

    def __init__(self, backbone: LoadedBackbone, size: int) -> None:
        self.backbone, self.size = backbone, size

    def forward(self, values: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embeddings of shape (n, dimension), float32, of n prepared inputs."""
        made: list[NDArray[np.float32]] = []
        done = 0
        while done < len(values):
            try:
                made.append(self.backbone.forward(values[done : done + self.size]))
            except MemoryError as error:
                if self.size == 1:
                    raise EmbeddingError(
                        f"the memory does not hold a single image in {self.backbone.spec.name}; choose a smaller "
                        "backbone or another --device"
                    ) from error
                self.size = max(1, min(self.size, len(values) - done) // 2)
                logger.warning("out of memory: going on with batches of %d", self.size)
                continue
            done += self.size
        return np.concatenate(made)
