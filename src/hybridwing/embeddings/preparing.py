"""Read, decode and preprocess image files in parallel, a bounded number ahead of whoever uses them."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import threading
import time
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybridwing.errors import ImageError
from hybridwing.images.decode import (
    DAMAGED,
    DEFAULT_OPTIONS,
    OUT_OF_MEMORY,
    is_out_of_memory,
    read_bytes,
    read_rgb,
)
from hybridwing.main_script import main_script_hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from PIL import Image

    from hybridwing.embeddings.cache import BackboneCache, CachedEmbedding
    from hybridwing.images.decode import ReadOptions
    from hybridwing.runtime.preprocess import Prepared

    Prepare = Callable[[Image.Image], Prepared]
    Work = Callable[[Path], "PreparedFile"]

logger = logging.getLogger(__name__)

#: Most worker processes that Windows can wait for.
_MOST_PROCESSES = 61


@dataclass(frozen=True, eq=False)
class PreparedFile:
    """The result of preparing one file."""

    prepared: Prepared | None  # None where it failed, and where the embedding is known
    known: CachedEmbedding | None = None  # The embedding, where the cache has it
    content: bytes = b""  # SHA-256 of the file; empty where it could not be read or was not asked for
    stage: str = ""  # Of a failure; else empty
    reason: str = ""
    damage: str = ""  # What is wrong with a picture that was used all the same; else empty
    decode_seconds: float = 0.0  # Time it took, in the worker
    preprocess_seconds: float = 0.0


def prepare_file(
    path: Path,
    prepare: Prepare,
    short_side: int,
    *,
    options: ReadOptions = DEFAULT_OPTIONS,
    hashed: bool = True,
    cache: BackboneCache | None = None,
) -> PreparedFile:
    """Read, hash, look up, decode and prepare one file; a failure is a value, so that it can cross processes.

    The same bytes are hashed and decoded, so a file that changes meanwhile cannot be cached under a wrong key. A
    damaged picture that is used all the same has no hash, so that it is cached under none.
    """
    begun, content = time.perf_counter(), b""
    try:
        data = read_bytes(path)
        if hashed:
            content = hashlib.sha256(data).digest()
        if cache is not None and (known := cache.get(content)):
            return PreparedFile(None, known, content, decode_seconds=time.perf_counter() - begun)
        picture, damage = _decoded(path, short_side, data, options)
        decoded = time.perf_counter()
        return PreparedFile(
            prepare(picture),
            content=b"" if damage else content,
            damage=damage,
            decode_seconds=decoded - begun,
            preprocess_seconds=time.perf_counter() - decoded,
        )
    except ImageError as error:
        stage, reason = error.stage, error.reason
    except Exception as error:  # one odd picture must not end a batch of thousands; it is reported, not hidden
        logger.debug("preparing %s failed", path, exc_info=True)
        detail = str(error).strip().splitlines()[:1]
        stage = "preprocess"
        reason = OUT_OF_MEMORY if is_out_of_memory(error) else ": ".join([type(error).__name__, *detail])
    return PreparedFile(None, None, content, stage, reason, decode_seconds=time.perf_counter() - begun)


def _decoded(path: Path, short_side: int, data: bytes, options: ReadOptions) -> tuple[Image.Image, str]:
    """The picture, and what is wrong with it where damage is allowed."""
    try:
        return read_rgb(path, short_side, data, replace(options, allow_damaged=False)), ""
    except ImageError as error:
        if not options.allow_damaged or error.stage != "decode":
            hint = "; --allow-damaged uses what is left" if error.reason.startswith(DAMAGED) else ""
            raise ImageError(error.stage, error.reason + hint) from error
        return read_rgb(path, short_side, data, options), error.reason


def _end_with_parent() -> None:
    """Set up a worker process: it ignores Ctrl-C, and it ends when its parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait() -> None:
            multiprocessing.connection.wait([parent.sentinel])
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()


class Workers:
    """A pool that does `work` on files: threads, or processes where the work holds the interpreter.

    `count` is their number; `work` can be pickled where it runs `in_processes`. Processes do not run the caller's
    script again, unless the work is defined there. A process pool that breaks (out of memory, or such a script without
    ``if __name__ == "__main__"``) is replaced by threads.
    """

    def __init__(self, work: Work, count: int, *, in_processes: bool) -> None:
        self._work, self._count = work, count
        self._pool: Executor
        self._hides_script = False
        if in_processes:
            self._hides_script = b"__main__" not in pickle.dumps(work)
            # spawn: forking a process that runs threads (BLAS, torch) can hang the child
            context = multiprocessing.get_context("spawn")
            most = min(count, _MOST_PROCESSES)
            self._pool = ProcessPoolExecutor(most, mp_context=context, initializer=_end_with_parent)
        else:
            self._pool = ThreadPoolExecutor(count)

    def ahead(self, paths: Iterable[Path], limit: int) -> Iterator[PreparedFile]:
        """Results in order. At most `limit` are begun and not yet taken, so that memory stays bounded."""
        waiting: deque[tuple[Path, Future[PreparedFile]]] = deque()
        for path in paths:
            waiting.append((path, self._submitted(path)))
            if len(waiting) >= limit:
                yield self._first_of(waiting)
        while waiting:
            yield self._first_of(waiting)

    def _submitted(self, path: Path) -> Future[PreparedFile]:
        try:
            with main_script_hidden() if self._hides_script else nullcontext():  # a worker may be started here
                return self._pool.submit(self._work, path)
        except BrokenProcessPool:
            self._use_threads()
            return self._pool.submit(self._work, path)

    def _first_of(self, waiting: deque[tuple[Path, Future[PreparedFile]]]) -> PreparedFile:
        path, future = waiting.popleft()
        try:
            return future.result()
        except BrokenProcessPool:
            self._use_threads()
            again = self._pool.submit(self._work, path)
            for place, (later, _lost) in enumerate(waiting):
                waiting[place] = (later, self._submitted(later))
            return again.result()

    def _use_threads(self) -> None:
        logger.warning(
            "a worker process died: out of memory, or started from a script without if __name__ == '__main__'; "
            "going on with threads"
        )
        self.close()
        self._hides_script = False
        self._pool = ThreadPoolExecutor(self._count)

    def close(self) -> None:
        """Stop the pool, and drop the work that has not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)
