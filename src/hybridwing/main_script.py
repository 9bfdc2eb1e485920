"""Worker processes: how many there may be, and how any script starts them."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_one_at_a_time = threading.Lock()


def processors() -> int:
    """Processors this process may use (a cluster's job has fewer than the machine)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def main_script_hidden() -> Iterator[None]:
    """Within it, workers that are started do not run the caller's script again. The work must need nothing of it.

    A spawned process imports the main module by its ``__spec__`` or ``__file__``, so these are taken away meanwhile.
    """
    with _one_at_a_time:
        main = vars(sys.modules["__main__"])
        hidden: dict[str, object] = {name: main.pop(name) for name in ("__spec__", "__file__") if name in main}
        main["__spec__"] = None
        try:
            yield
        finally:
            main.update(hidden)
