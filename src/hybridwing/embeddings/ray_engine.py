"""Embed the shards of a job on a Ray cluster, with Ray Data.

Each worker is an actor that loads the backbone once and runs the code that the local engine runs, a shard at a time;
the process that started the job writes what comes back, so only the photographs must be where all machines see them.
An actor that dies is started again and its shard is done again.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridwing.errors import EmbeddingError, HybridwingError, MissingExtraError, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.backbones.compute import Compute
    from hybridwing.embeddings.shards import Shard

    Item = tuple[str, Path]

#: Most blocks that Ray Data is given to schedule.
_MOST_BLOCKS = 4096


@dataclass(frozen=True)
class RayEngine:
    """An engine for `hybridwing.embeddings.job.embed_to_file`."""

    load: Callable[[], LoadedBackbone]  # Makes the backbone, in every actor once; can be pickled
    # Of a cluster that runs (``"auto"``, ``"host:6379"``); default one that is started on this machine.
    address: str | None = None
    # Default: one a GPU where there are some; otherwise one a machine, or, for a backbone whose work holds the
    # interpreter, one a processor.
    actors: int | None = None
    # Times that a shard is begun at most. Ray Data starts dead actors again without end, so a photograph that kills
    # every process that decodes it would never end the job.
    attempts: int = 4

    def __call__(
        self,
        shards: Mapping[int, Sequence[Item]],
        compute: Compute,
        advance: Callable[[], None],
    ) -> Iterator[tuple[int, Shard]]:
        """Embed shards and yield them as they come; see ``Engine`` in `hybridwing.embeddings.job`.

        The number of workers is ignored: an actor prepares with as many threads as it has processors. Raises
        MissingExtraError if Ray is not installed, and EmbeddingError if the cluster cannot be reached or a worker
        failed again and again.
        """
        if not shards:
            return
        ray = _import_ray()
        with _cluster(ray, self.address):
            try:
                for row in self._dataset(ray, shards, compute).iter_rows():
                    number, shard = int(row["number"]), row["shard"]
                    if isinstance(shard, str):
                        raise EmbeddingError(f"a worker of the cluster failed: {shard}")
                    for _ in shards[number]:
                        advance()
                    yield number, shard
            except (ray.exceptions.RayError, ray.exceptions.UserCodeException) as error:
                raise EmbeddingError(f"the cluster could not embed the images: {_cause(error)}") from error

    def _dataset(self, ray: Any, shards: Mapping[int, Sequence[Item]], compute: Compute) -> Any:
        actors, cpus, gpus = self._layout(ray, len(shards))
        rows = [
            {"number": number, "uuids": [u for u, _ in items], "paths": [str(path.absolute()) for _, path in items]}
            for number, items in shards.items()
        ]
        return ray.data.from_items(rows, override_num_blocks=min(len(rows), _MOST_BLOCKS)).map_batches(
            _Actor,
            fn_constructor_kwargs={
                "load": self.load,
                "compute": replace(compute, workers=cpus),
                "attempts": ray.remote(num_cpus=0)(_Attempts).remote(),
                "most": self.attempts,
            },
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=cpus,
            num_gpus=gpus,
        )

    def _layout(self, ray: Any, shards: int) -> tuple[int, int, int]:
        """Actors, and processors and GPUs of each."""
        there = ray.cluster_resources()
        cpus, gpus = int(there.get("CPU", 1)), int(there.get("GPU", 0))
        machines = sum(bool(node["Alive"]) for node in ray.nodes())
        actors = self.actors or gpus or (cpus if self.load().prepare_in_processes else machines)
        actors = max(1, min(actors, shards, cpus))
        return actors, max(1, cpus // actors), int(gpus >= actors)


class _Attempts:
    """Counts, for the whole cluster, how often each shard was begun."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, number: int) -> int:
        """Times that a shard was begun, this one included."""
        self._begun[number] += 1
        return self._begun[number]


class _Actor:
    """A worker of the cluster.

    A known error comes back as a value, since Ray wraps an exception in a long message of its own.
    """

    def __init__(self, load: Callable[[], LoadedBackbone], compute: Compute, attempts: Any, most: int) -> None:
        self._compute, self._attempts, self._most = compute, attempts, most
        self._backbone: LoadedBackbone | HybridwingError
        try:
            self._backbone = load()
        except HybridwingError as error:
            self._backbone = error

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Embed the shard that the one row of `batch` names."""
        import numpy as np

        items = [(str(u), Path(p)) for u, p in zip(batch["uuids"][0], batch["paths"][0], strict=True)]
        holder = np.empty(1, dtype=object)
        try:
            holder[0] = self._embedded(int(batch["number"][0]), items)
        except HybridwingError as error:
            holder[0] = str(error)
        return {"number": batch["number"], "shard": holder}

    def _embedded(self, number: int, items: Sequence[Item]) -> Shard:
        if isinstance(self._backbone, HybridwingError):
            raise self._backbone
        import ray

        from hybridwing.embeddings.shards import embed_shards

        if ray.get(self._attempts.begin.remote(number)) > self._most:
            died = counted(self._most, "worker")
            raise EmbeddingError(f"{died} died over the images from {items[0][1]} to {items[-1][1]}")
        # total: an actor has processors of its own, so it starts no processes.
        return next(embed_shards([items], self._backbone, self._compute, total=0))


def _import_ray() -> Any:
    # Ray reports its use to its makers, and its own doings on standard error, unless told otherwise before it starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
        import ray.exceptions
    except ImportError as error:
        raise MissingExtraError("ray", "ray", "--engine ray") from error
    return ray


@contextmanager
def _cluster(ray: Any, address: str | None) -> Iterator[None]:
    """Stay connected while the block runs. A connection of the caller is used and left open."""
    if ray.is_initialized():
        yield
        return
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        ray.init(
            address=address or "local",
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ray.exceptions.RayError, OSError, ValueError, RuntimeError) as error:
        where = f"at {address}" if address else "on this machine"
        raise EmbeddingError(f"there is no Ray cluster {where}: {_cause(error)}") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    try:
        yield
    finally:
        ray.shutdown()


def _cause(error: BaseException) -> str:
    """What failed at the bottom of a chain of errors, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
