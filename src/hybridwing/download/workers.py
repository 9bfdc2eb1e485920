"""Threads that settle files, and an end to them whatever happens."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from hybridwing.download.settle import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from hybridwing.download.halt import Halt
    from hybridwing.download.plan import Wanted

#: Seconds between two looks for a Ctrl-C, which on Windows does not end a wait.
_LOOK = 0.5
#: Seconds that all threads together get to end. One that waits for a silent server is left behind; it writes nothing
#: more, because it looks at the halt first.
_GRACE = 5.0


def outcomes(
    groups: Iterable[Sequence[Wanted]],
    settle: Callable[[Sequence[Wanted]], Iterable[Outcome]],
    *,
    jobs: int,
    halt: Halt,
    late: Callable[[Outcome], None],
) -> Generator[Outcome, None, None]:
    """Settle groups of files in threads.

    Parameters
    ----------
    groups : iterable of sequences of Wanted
    settle : callable
        Called in the threads.
    jobs : int
        Number of threads.
    halt : Halt
        Set when the generator is closed or an exception ends it.
    late : callable
        Gets the outcomes that came after that, so that what was done is known to have been done.

    Yields
    ------
    Outcome
        In the order in which they come. After a halt, groups that were not begun have none.
    """
    waiting: queue.SimpleQueue[Sequence[Wanted]] = queue.SimpleQueue()
    for group in groups:
        waiting.put(group)
    results: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            while not halt.is_set:
                for outcome in settle(waiting.get_nowait()):
                    results.put(outcome)
        except queue.Empty:
            pass
        except BaseException as error:  # raised again where the results are read
            results.put(error)
        results.put(None)

    threads = [threading.Thread(target=work, name=f"download-{number}", daemon=True) for number in range(jobs)]
    try:
        for thread in threads:
            thread.start()
        yield from _until_all_ended(results, jobs)
    finally:
        halt.now("interrupted")
        for thread in threads:
            if thread.ident is not None:
                thread.join(timeout=_GRACE / jobs)
        while not results.empty():
            if isinstance(result := results.get(), Outcome):
                late(result)


def _until_all_ended(results: queue.SimpleQueue[Outcome | BaseException | None], running: int) -> Iterator[Outcome]:
    while running:
        try:
            result = results.get(timeout=_LOOK)
        except queue.Empty:
            continue
        if isinstance(result, BaseException):
            raise result
        if result is None:
            running -= 1
        else:
            yield result
