"""Embed images and keep the table in memory; `.job` writes it to a file instead, and can be interrupted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.embeddings.cache import cache_of
from hybridwing.embeddings.shards import SHARD_SIZE, embed_shards, remember
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import EmbeddingError, counted, first_few

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.embeddings.table import Failure

    Item = tuple[str, Path]


class NothingEmbeddedError(EmbeddingError):
    """Every image failed; `failures` says why, of all `total` images or of the first ones."""

    def __init__(self, failures: Sequence[Failure], total: int) -> None:
        self.failures, first = failures, failures[0]
        super().__init__(
            f"not one of {total} images could be embedded; the first, {first.path}: {first.stage}: {first.reason}"
        )


def embed_images(
    items: Sequence[Item],
    backbone: LoadedBackbone,
    compute: Compute = DEFAULT,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> EmbeddingTable:
    """Embed images, given by unique key and path, and keep all the embeddings in memory.

    Rows, failures and fallbacks are in the order of `items`. Images that failed are listed with stage and reason; the
    others are unharmed. Raises EmbeddingError if `items` is empty or holds an image twice, or not a single image could
    be embedded.
    """
    check_items(items)
    parts = [items[start : start + SHARD_SIZE] for start in range(0, len(items), SHARD_SIZE)]
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(items))

    tables, known = [], cache_of(backbone, compute)
    for shard in embed_shards(parts, backbone, compute, advance=advance, total=len(items)):
        tables.append(shard.table)
        if known is not None:
            # At once: nothing else is left of a training that is interrupted.
            remember(known, shard.table, shard.contents)
    failures = tuple(failure for table in tables for failure in table.failures)
    if len(failures) == len(items):
        raise NothingEmbeddedError(failures, len(items))
    return EmbeddingTable(
        tuple(uuid for table in tables for uuid in table.uuids),
        np.concatenate([table.vectors for table in tables]),
        backbone.spec,
        failures,
        tuple(fallback for table in tables for fallback in table.fallbacks),
        backbone.precision,
        backbone.runtime,
    )


def check_items(items: Sequence[Item]) -> None:
    """Refuse images that would spoil the table after hours of work.

    Raises EmbeddingError if there are no images, one is listed twice, or one's key is no valid text.
    """
    if not items:
        raise EmbeddingError("there are no images to embed")
    odd = [repr(uuid) for uuid, _ in items if uuid != uuid.encode(errors="ignore").decode()]
    if odd:
        raise EmbeddingError(
            f"{counted(len(odd), 'image has a key that is', 'images have keys that are')} no valid text: "
            f"{first_few(odd)}; rename them"
        )
    twice = [uuid for uuid, count in Counter(uuid for uuid, _ in items).items() if count > 1]
    if twice:
        raise EmbeddingError(
            f"{counted(len(twice), 'image is', 'images are')} listed more than once: {first_few(twice)}"
        )
