"""The folder in which a table lies in pieces until all of them are there.

::

    .emb.parquet.KEY.parts/
      lock             held by the process that is at work
      work.json        batch size and number of shards
      00000.parquet    one file a shard, whole or not there at all

`KEY` says what the work is (images, backbone, preprocessing, precision), so that a work with other settings under the
same name leaves this one alone. A shard knows the files it was made from, by name, size and time of change; one that
was made from others is made again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.embeddings.head import Part, TableHead
from hybridwing.embeddings.store import join_tables, read_head, write_table
from hybridwing.errors import EmbeddingError
from hybridwing.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hybridwing.embeddings.table import EmbeddingTable

    Item = tuple[str, Path]

_WORK, _LOCK, _JOINED = "work.json", "lock", "joined.parquet"


@dataclass(frozen=True)
class UnfinishedTable:
    """A table in pieces.

    Attributes
    ----------
    out : Path
        The file it will be.
    folder : Path
        Where the pieces are.
    shards : tuple of sequences of (uuid, path)
        The images of each piece.
    """

    out: Path
    folder: Path
    shards: tuple[Sequence[Item], ...]

    @classmethod
    def of(cls, out: Path, work: str, shards: Sequence[Sequence[Item]]) -> UnfinishedTable:
        """The one for this work.

        Parameters
        ----------
        out : Path
        work : str
            Everything besides the images that decides what is in the table.
        shards : sequence of sequences of (uuid, path)
        """
        key = hashlib.sha256(work.encode())
        for shard in shards:
            key.update(b"\x00shard")
            for uuid, _ in shard:
                key.update(b"\x00" + uuid.encode(errors="surrogatepass"))
        name = f".{out.name}.{key.hexdigest()[:16]}.parts"
        return cls(out, out.with_name(name), tuple(shards))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes off the same work while the block runs.

        Raises
        ------
        EmbeddingError
            If another process is at it, or the folder cannot be made.
        """
        from filelock import FileLock, Timeout

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / _LOCK, timeout=0)
            lock.acquire()
        except Timeout:
            raise EmbeddingError(
                f"another process is writing {self.out}; wait for it, or share the work (--shard 1/2 and --shard 2/2)"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise EmbeddingError(f"cannot write {self.out}: {error}") from error
        try:
            yield
        finally:
            lock.release()

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
        with written_whole(path) as partial:
            partial.write_text(json.dumps({"batch_size": size, "shards": len(self.shards)}), encoding="utf-8")
        return size

    def missing(self) -> list[int]:
        """Numbers of the shards that are not there, damaged, or made from other files."""
        return [number for number in range(len(self.shards)) if not self._is_done(number)]

    def add(self, number: int, table: EmbeddingTable) -> None:
        """Put a shard there, whole or not at all."""
        write_table(table, self._path(number), Part(number, len(self.shards), self._digest(number)))

    def finish(self, part: Part | None = None) -> TableHead:
        """Join the pieces under the table's name and remove them.

        Killed half-way, it can be done again with the same outcome.

        Raises
        ------
        EmbeddingError
            If a piece is missing or damaged, or the table cannot be written.
        """
        joined = self.folder / _JOINED
        head = join_tables([self._path(number) for number in range(len(self.shards))], joined, part)
        try:
            joined.replace(self.out)
        except OSError as error:
            raise EmbeddingError(f"cannot write {self.out}: {error}") from error
        self.remove()
        return head

    def remove(self) -> None:
        """Remove the pieces, in one step as far as :meth:`missing` is concerned."""
        gone = self.folder.with_suffix(".gone")
        shutil.rmtree(gone, ignore_errors=True)
        with suppress(OSError):
            self.folder.replace(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def others(self) -> list[Path]:
        """Folders of other unfinished works under the same name."""
        return sorted(path for path in self.out.parent.glob(f".{self.out.name}.*.parts") if path != self.folder)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.parquet"

    def _is_done(self, number: int) -> bool:
        path = self._path(number)
        if not path.is_file():
            return False
        try:
            return read_head(path).part == Part(number, len(self.shards), self._digest(number))
        except EmbeddingError:
            return False

    def _digest(self, number: int) -> str:
        """What a shard is made from: names, sizes and times of change of its files."""
        total = hashlib.sha256()
        for uuid, path in self.shards[number]:
            try:
                stat = path.stat()
                state = f"{stat.st_size} {stat.st_mtime_ns}"
            except (OSError, ValueError):
                state = "absent"
            total.update(f"{uuid}\x00{path}\x00{state}\x00".encode(errors="surrogatepass"))
        return total.hexdigest()
