"""Put the parts of an embedding table that several machines made together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.embeddings.store import join_tables, read_provenance
from hybridwing.errors import EmbeddingError, first_few

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hybridwing.embeddings.provenance import Part, Provenance


def merge_parts(paths: Sequence[Path], out: Path) -> Provenance:
    """Merge parts, in any order, into the table that one machine would have made.

    The `paths` are all that `hybridwing.embeddings.job.embed_to_file` wrote of one table with ``share=``. The
    table appears, or replaces an older one, when it is complete.

    Raises EmbeddingError if a file is no part, a part is missing, given twice or of another table, or backbone or
    precision differ.
    """
    if not paths:
        raise EmbeddingError("there are no parts to merge; name the files that embed --shard i/n wrote")
    parts = {path: _part_of(path) for path in paths}
    first = parts[paths[0]]
    for path, part in parts.items():
        if (part.of, part.digest) != (first.of, first.digest):
            raise EmbeddingError(f"{path} is a part of another table than {paths[0]}: merge the parts of one table")
    by_index: dict[int, Path] = {}
    for path, part in parts.items():
        if (other := by_index.setdefault(part.index, path)) != path:
            raise EmbeddingError(f"{path} and {other} are both part {part.index + 1} of {part.of}; leave one out")
    absent = [f"{index + 1}/{first.of}" for index in range(first.of) if index not in by_index]
    if absent:
        raise EmbeddingError(f"{len(absent)} of {first.of} parts are missing: {first_few(absent)} (--shard i/n)")
    if not any(read_provenance(path).rows for path in paths):
        raise EmbeddingError("not one image could be embedded in any of the parts; each lists the reasons as failures")
    return join_tables([by_index[index] for index in range(first.of)], out)


def _part_of(path: Path) -> Part:
    part = read_provenance(path).part
    if part is None:
        raise EmbeddingError(f"{path} is a whole table and no part of one; parts are made with embed --shard i/n")
    return part
