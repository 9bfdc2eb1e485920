"""Turn image files into embeddings: decoding and preparing run ahead in parallel, the forward pass follows."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections import Counter, deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.embeddings.table import EmbeddingTable, Failure
from hybridwing.errors import EmbeddingError, ImageError, first_few
from hybridwing.images.decode import read_rgb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from hybridwing.backbones.base import Backbone
    from hybridwing.runtime.preprocess import Prepared

    Prepare = Callable[[Image.Image], Prepared]

logger = logging.getLogger(__name__)

#: Below this many images, starting processes costs more than they save.
_FEW = 48
#: Most worker processes that Windows can wait for.
_MOST = 61


@dataclass(frozen=True)
class _Prepared:
    """What preparing one image came to: an input, or the stage and reason of a failure."""

    value: NDArray[np.float32] | None
    stage: str = ""
    reason: str = ""


def embed_images(
    items: Sequence[tuple[str, Path]],
    backbone: Backbone,
    *,
    batch_size: int = 16,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EmbeddingTable:
    """Embed images.

    Parameters
    ----------
    items : sequence of (uuid, path)
        What to embed; `uuid` is unique.
    backbone : Backbone
    batch_size : int
        Images a forward pass.
    workers : int, optional
        Threads or processes that decode and prepare; default the number of processors.
    progress : callable, optional
        Called with the number of images done and the number of all.

    Returns
    -------
    EmbeddingTable
        Rows, and failures, in the order of `items`. Images that failed are listed with stage and reason; the others are
        unharmed.

    Raises
    ------
    EmbeddingError
        If `items` is empty or holds an image twice, or not a single image could be embedded.
    """
    _check_items(items)
    spec = backbone.spec
    uuids: list[str] = []
    vectors: list[NDArray[np.float32]] = []
    failures: list[Failure] = []
    waiting: list[tuple[str, str, NDArray[np.float32]]] = []

    def fail(failure: Failure) -> None:
        failures.append(failure)
        logger.warning("%s: %s: %s", failure.path, failure.stage, failure.reason)

    def flush() -> None:
        embedded = backbone.forward([value for _, _, value in waiting])
        for (uuid, path, _), vector in zip(waiting, embedded, strict=True):
            if np.isfinite(vector).all():
                uuids.append(uuid)
                vectors.append(vector)
            else:
                fail(Failure(uuid, path, "embed", "the backbone returned NaN or infinity"))
        waiting.clear()

    for done, ((uuid, path), prepared) in enumerate(_prepared(items, backbone, workers), start=1):
        if prepared.value is None:
            fail(Failure(uuid, str(path), prepared.stage, prepared.reason))
        else:
            waiting.append((uuid, str(path), prepared.value))
        if len(waiting) >= batch_size:
            flush()
        if progress is not None:
            progress(done, len(items))
    if waiting:
        flush()
    place = {uuid: row for row, (uuid, _) in enumerate(items)}
    failures.sort(key=lambda failure: place[failure.uuid])  # those of a batch come later than those before it
    if not uuids:
        first = failures[0]
        raise EmbeddingError(
            f"not one of {len(items)} images could be embedded; the first, {first.path}: {first.stage}: {first.reason}"
        )
    return EmbeddingTable(tuple(uuids), np.stack(vectors), spec, tuple(failures))


def _check_items(items: Sequence[tuple[str, Path]]) -> None:
    """Find now what would otherwise spoil the table after hours of work."""
    if not items:
        raise EmbeddingError("there are no images to embed")
    twice = [uuid for uuid, count in Counter(uuid for uuid, _ in items).items() if count > 1]
    if twice:
        raise EmbeddingError(f"{len(twice)} images are listed more than once: {first_few(twice)}")


def prepare_file(path: Path, prepare: Prepare, short_side: int) -> _Prepared:
    """Decode and prepare one file; a failure is a value, so that it can cross processes."""
    try:
        return _Prepared(prepare(read_rgb(path, short_side)).value)
    except ImageError as error:
        return _Prepared(None, error.stage, error.reason)
    except Exception as error:  # one odd picture must not end a batch of thousands; it is reported, not hidden
        logger.debug("preparing %s failed", path, exc_info=True)
        detail = str(error).strip().splitlines()[:1]
        return _Prepared(None, "preprocess", ": ".join([type(error).__name__, *detail]))


def _prepared(
    items: Sequence[tuple[str, Path]], backbone: Backbone, workers: int | None
) -> Iterator[tuple[tuple[str, Path], _Prepared]]:
    """Prepare all items in order, in processes where that pays."""
    count = workers or os.cpu_count() or 1
    work = partial(prepare_file, prepare=backbone.prepare, short_side=backbone.spec.preprocess.short_side)
    done = 0
    if backbone.prepare_in_processes and count > 1 and len(items) >= _FEW:
        # spawn: forking a process that runs threads (BLAS, torch) can hang the child
        processes = ProcessPoolExecutor(min(count, _MOST), mp_context=multiprocessing.get_context("spawn"))
        try:
            for prepared in _run_ahead(processes, work, items, 8 * count):
                yield prepared
                done += 1
            return
        except BrokenProcessPool:
            logger.warning(
                "a worker process died: out of memory, or started from a script without if __name__ == '__main__'; "
                "going on with threads"
            )
    yield from _run_ahead(ThreadPoolExecutor(count), work, items[done:], 8 * count)


def _run_ahead(
    pool: Executor, work: Callable[[Path], _Prepared], items: Sequence[tuple[str, Path]], limit: int
) -> Iterator[tuple[tuple[str, Path], _Prepared]]:
    """Results in order, a bounded number ahead, so that memory does not grow with the collection."""
    ahead: deque[tuple[tuple[str, Path], Future[_Prepared]]] = deque()
    try:
        for item in items:
            ahead.append((item, pool.submit(work, item[1])))
            if len(ahead) >= limit:
                first, future = ahead.popleft()
                yield first, future.result()
        while ahead:
            first, future = ahead.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
