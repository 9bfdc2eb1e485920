"""The folder in which a table lies in pieces until all of them are there.

::

    .emb.parquet.KEY.lock        held by the process that is at work
    .emb.parquet.KEY.parts/
      work.json                  batch size
      00000.parquet              one file a shard, whole or not there at all
      00000.contents             SHA-256 of the photographs of its rows, for the cache

`KEY` stands for the images, backbone, preprocessing and precision, so that a job with other settings under the same
name leaves this one alone. A shard records the name, size and time of change of the files it was made from. One that
was made from other files, or is damaged, is made again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.embeddings.provenance import Part, Provenance
from hybridwing.embeddings.store import join_tables, read_provenance, read_table, write_table
from hybridwing.errors import EmbeddingError
from hybridwing.files import write_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from hybridwing.embeddings.table import EmbeddingTable
    from hybridwing.images.decode import ReadOptions

    Item = tuple[str, Path]

_WORK, _JOINED = "work.json", "joined.parquet"
#: Length of a SHA-256, and what stands for the photographs whose embedding came from the cache.
_HASH, _NONE = 32, bytes(32)


@dataclass(frozen=True)
class UnfinishedTable:
    """A table in pieces."""

    out: Path  # The file it will be
    folder: Path  # Where the pieces are
    shards: tuple[Sequence[Item], ...]  # The images of each piece
    # Of each piece: names, sizes and times of change of its files, as they were before any of them was read.
    digests: tuple[str, ...]
    # Key of the backbone, precision and runtime, see `hybridwing.embeddings.provenance.Provenance.kind`.
    kind: tuple[str, str, str]

    @classmethod
    def of(
        cls,
        out: Path,
        kind: tuple[str, str, str],
        part: Part | None,
        shards: Sequence[Sequence[Item]],
        options: ReadOptions,
    ) -> UnfinishedTable:
        """The one for this work.

        `kind` is the key of the backbone, precision and runtime, and `part` says which part of a larger table it is.
        """
        key = hashlib.sha256(f"{kind} {part} {options}".encode())
        for shard in shards:
            key.update(b"\x00shard")
            for uuid, _ in shard:
                key.update(b"\x00" + uuid.encode(errors="surrogatepass"))
        name = f".{out.name}.{key.hexdigest()[:16]}.parts"
        return cls(out, out.with_name(name), tuple(shards), tuple(_digest(shard) for shard in shards), kind)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes off the same work while the block runs.

        Raises EmbeddingError if another process is at it, or the folder cannot be made.
        """
        from filelock import FileLock, Timeout

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Beside the folder: some systems do not rename a folder with an open file in it.
            lock = FileLock(self.folder.with_suffix(".lock"), timeout=0)
            lock.acquire()
        except Timeout:
            raise EmbeddingError(
                f"another process is writing {self.out}; wait for it to end, or give this one another name"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise EmbeddingError(f"cannot write {self.out}: {error}") from error
        try:
            yield
        finally:
            lock.release()
            with suppress(OSError):
                self.folder.with_suffix(".lock").unlink(missing_ok=True)

    def batch_size(self, wanted: int | None, suggested: int) -> int:
        """Images a forward pass: those asked for, else those the work was begun with, else those that are suggested.

        A batch of another size can change the last digit of an embedding, and memory that is free now need not have
        been free when the work was begun.
        """
        path = self.folder / _WORK
        try:
            begun = json.loads(path.read_text(encoding="utf-8"))["batch_size"]
        except (OSError, ValueError, KeyError, TypeError):
            begun = None
        size = wanted or (begun if type(begun) is int and begun > 0 else suggested)
        write_text(path, json.dumps({"batch_size": size}))
        return size

    def missing(self) -> list[int]:
        """Numbers of the shards that are not there, damaged, or made from other files."""
        return [number for number in range(len(self.shards)) if not self._is_done(number)]

    def add(self, number: int, table: EmbeddingTable, contents: Sequence[bytes]) -> None:
        """Put a shard there, whole or not at all.

        Raises EmbeddingError if it was computed in another way than the work, or cannot be written.
        """
        made = (table.backbone.key, table.precision, table.runtime)
        if made != self.kind:
            raise EmbeddingError(
                f"a worker embedded in {table.precision} with {table.runtime} where this process would in "
                f"{self.kind[1]} with {self.kind[2]}; name --precision, so that all do the same"
            )
        try:
            write_bytes(self._contents(number), b"".join(content or _NONE for content in contents))
        except OSError as error:
            raise EmbeddingError(f"cannot write {self.out}: {error}") from error
        write_table(table, self._path(number), Part(number, len(self.shards), self.digests[number]))

    def provenances(self) -> list[Provenance]:
        """What the pieces say of themselves."""
        return [read_provenance(self._path(number)) for number in range(len(self.shards))]

    def pieces(self) -> Iterator[tuple[EmbeddingTable, list[bytes]]]:
        """The pieces, each with the SHA-256 of the photographs of its rows; empty where they came from the cache."""
        for number in range(len(self.shards)):
            table = read_table(self._path(number))
            try:
                stored = self._contents(number).read_bytes()
            except OSError:
                continue  # without them nothing is lost but a few entries of the cache
            if len(stored) == _HASH * len(table):
                found = (stored[start : start + _HASH] for start in range(0, len(stored), _HASH))
                yield table, [b"" if content == _NONE else content for content in found]

    def finish(self, part: Part | None = None, metadata: pd.DataFrame | None = None) -> Provenance:
        """Join the pieces under the table's name and remove them.

        If it is killed half-way, a second call gives the same result.

        Raises EmbeddingError if a piece is missing or damaged, or the table cannot be written.
        """
        joined = self.folder / _JOINED
        made = join_tables([self._path(number) for number in range(len(self.shards))], joined, part, metadata)
        try:
            joined.replace(self.out)
        except OSError as error:
            raise EmbeddingError(f"cannot write {self.out}: {error}") from error
        self.remove()
        return made

    def remove(self) -> None:
        """Remove the pieces. `missing` sees all of them or none."""
        gone = self.folder.with_suffix(".gone")
        shutil.rmtree(gone, ignore_errors=True)
        with suppress(OSError):
            self.folder.replace(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.parquet"

    def _is_done(self, number: int) -> bool:
        """Whether a piece is there, belongs to this work and is whole, i.e. was not cut short by a power failure."""
        path = self._path(number)
        try:
            found = read_provenance(path)
            wanted = Part(number, len(self.shards), self.digests[number])
            if found.part != wanted or found.kind != self.kind:
                return False
            read_table(path)
        except EmbeddingError:
            return False
        return True

    def _contents(self, number: int) -> Path:
        return self.folder / f"{number:05d}.contents"


def _digest(shard: Sequence[Item]) -> str:
    """What a shard is made from: names, sizes and times of change of its files."""
    total = hashlib.sha256()
    for uuid, path in shard:
        try:
            stat = path.stat()
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except (OSError, ValueError):
            state = "absent"
        total.update(f"{uuid}\x00{path}\x00{state}\x00".encode(errors="surrogatepass"))
    return total.hexdigest()
