"""Score what waits on the desk, in a process of its own: ``python -m hybridwing.app.scoring PROJECT``.

Each batch is kept as a whole before the next begins, so that a process that is killed has lost one batch at most, and
the next one goes on where it was.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout

from hybridwing.app.project import Looks, Project
from hybridwing.app.thumbnails import make_thumbnails
from hybridwing.embeddings.engine import NothingEmbeddedError, embed_images
from hybridwing.embeddings.table import EmbeddingTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.embeddings.table import Failure, Fallback
    from hybridwing.explain.parents import Looks as ExplainedLooks
    from hybridwing.runs.run import Run

BATCH = 32
"""Photographs that are embedded and kept together."""


def score_waiting(project: Project) -> int:
    """Embed and score every photograph that waits; return how many were scored.

    Photographs that have an embedding already are scored from it.
    """
    run, scored = project.run(), 0
    known = project.vectors()
    ready = [number for number, _ in project.waiting() if number in known]
    if ready:
        project.keep_scores(scores_of(run, {n: known[n] for n in ready}, project.fallbacks()))
        scored += len(ready)
    loaded = None
    while batch := project.waiting(BATCH):
        loaded = loaded or run.load_backbone()
        scored += _score_batch(project, run, loaded, batch)
    return scored


def scores_of(
    run: Run, vectors: Mapping[int, NDArray[np.float32]], fallbacks: Mapping[int, Fallback]
) -> list[tuple[int, float, str, Looks]]:
    """Scores of specimens by their embeddings: id, score, reason, and what each looks like."""
    fallen = tuple(fallbacks[number] for number in vectors if number in fallbacks)
    keys, stacked = tuple(map(str, vectors)), np.stack([*vectors.values()])
    return _scores(run, EmbeddingTable(keys, stacked, run.manifest.backbone, fallbacks=fallen))


def _score_batch(project: Project, run: Run, loaded: LoadedBackbone, batch: Sequence[tuple[int, Path]]) -> int:
    make_thumbnails(project.folder, batch)
    failures = [(number, "the file is no longer there") for number, path in batch if not path.is_file()]
    there = [(str(number), path) for number, path in batch if path.is_file()]
    scores: list[tuple[int, float, str, Looks]] = []
    table = None
    if there:
        try:
            table = embed_images(there, loaded)
            failed: Sequence[Failure] = table.failures
            scores = _scores(run, table)
        except NothingEmbeddedError as error:
            failed = error.failures
        failures += [(int(one.uuid), f"{one.stage}: {one.reason}") for one in failed]
    project.keep_scores(scores, failures, table)
    return len(scores)


def _scores(run: Run, table: EmbeddingTable) -> list[tuple[int, float, str, Looks]]:
    """The same of a table whose keys are the specimens' numbers."""
    return [
        (int(image.path.name), image.score, image.reason, _looks(image.looks)) for image in run.predict(table).images
    ]


def _looks(looks: ExplainedLooks | None) -> Looks:
    return Looks() if looks is None else Looks(looks.identities, looks.parents, looks.hybrid_index)


def end_with_parent() -> None:
    """End this process when the one that started it ends: then the pipe to its standard input closes."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Score what waits, unless another process is at it."""
    end_with_parent()
    project = Project(Path(sys.argv[1]))
    try:
        with FileLock(project.folder / "scoring.lock", timeout=0):
            score_waiting(project)
    except Timeout:
        return


if __name__ == "__main__":
    main()
