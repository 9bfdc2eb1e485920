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
from hybridwing.backbones.compute import DEFAULT
from hybridwing.embeddings.embed import embed_photographs, photographs
from hybridwing.embeddings.table import EmbeddingTable
from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.runs.predict import RankedImage
    from hybridwing.runs.run import Run

BATCH = 32
"""Photographs that are embedded and kept together."""

TNR = 0.95
"""True-negative rate that predictions are asked with; the desk reads scores and sets thresholds itself."""


def score_waiting(project: Project) -> int:
    """Embed and score every photograph that waits; return how many were scored.

    Photographs that have an embedding already are scored from it.
    """
    run, scored = project.run(), 0
    known = project.vectors()
    ready = [number for number, _ in project.waiting() if number in known]
    if ready:
        scores = scores_of(run, {number: known[number] for number in ready})
        project.keep_scores(scores)
        scored += len(scores)
    loaded = None
    while batch := project.waiting(BATCH):
        loaded = loaded or run.load_backbone()
        scored += _score_batch(project, run, loaded, batch)
    return scored


def scores_of(run: Run, vectors: Mapping[int, NDArray[np.float32]]) -> list[tuple[int, float, str, Looks]]:
    """Scores of specimens by their embeddings: id, score, reason, and what each looks like."""
    table = EmbeddingTable(
        tuple(map(str, vectors)),
        np.stack(list(vectors.values())),
        run.manifest.backbone,
    )
    ranked = run.predict(table, tnr=TNR)
    return [(int(image.path.name), image.score, image.reason, _looks(image)) for image in ranked.images]


def _score_batch(project: Project, run: Run, loaded: LoadedBackbone, batch: Sequence[tuple[int, Path]]) -> int:
    make_thumbnails(project.folder, batch)
    found = photographs([path for _, path in batch if path.is_file()]) if any(p.is_file() for _, p in batch) else None
    number_of = {str(path.resolve()): number for number, path in batch}
    gone = [(number, "the file is no longer there") for number, path in batch if not path.is_file()]
    if found is None:
        project.keep_scores([], gone)
        return 0
    numbers = {key: number_of[str(path.resolve())] for key, path in found.items}
    try:
        table = embed_photographs(found, loaded, DEFAULT)
    except EmbeddingError as error:  # not one could be read
        reasons = getattr(error, "failures", ())
        told = {numbers[f.uuid]: f"{f.stage}: {f.reason}" for f in reasons}
        project.keep_scores([], [*gone, *((n, told.get(n, str(error))) for n in numbers.values())])
        return 0
    failures = [*gone, *((numbers[f.uuid], f"{f.stage}: {f.reason}") for f in table.failures)]
    vectors = {numbers[uuid]: vector for uuid, vector in zip(table.uuids, table.vectors, strict=True)}
    ranked = run.predict(table, tnr=TNR)
    scores = [(numbers[str(image.path)], image.score, image.reason, _looks(image)) for image in ranked.images]
    project.keep_scores(scores, failures, vectors)
    return len(scores)


def _looks(image: RankedImage) -> Looks:
    looks = image.looks
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
