"""A cache of embeddings, keyed by content of the file, backbone, preprocessing and precision.

There is one SQLite file for each backbone, precision and runtime. A damaged file is replaced. A file that is locked,
full or unreadable is not used. Losing the cache costs only time.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.backbones.compute import Compute

logger = logging.getLogger(__name__)

#: Names another folder for the cache.
ENVIRONMENT = "HYBRIDWING_CACHE"
#: Part of every file's name; raise it when what is stored changes.
_VERSION = 2
#: Seconds to wait for another process that is writing.
_PATIENCE = 30.0


def cache_of(backbone: LoadedBackbone, compute: Compute) -> BackboneCache | None:
    """The cache of a backbone's embeddings; None where none is wanted."""
    return None if compute.cache is None else EmbeddingCache(Path(compute.cache)).of(backbone)


@dataclass(frozen=True, eq=False)
class CachedEmbedding:
    """An embedding and the view it shows."""

    vector: NDArray[np.float32]  # Shape (dimension,)
    view: str
    confidence: float  # This and `doubt` as in `hybridwing.runtime.preprocess.Prepared`
    doubt: str = ""


def default_folder() -> Path:
    """Where the cache is kept: ``$HYBRIDWING_CACHE``, or the place the operating system has for caches."""
    import platformdirs

    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else Path(platformdirs.user_cache_dir("hybridwing", appauthor=False))


@dataclass(frozen=True)
class EmbeddingCache:
    """The cache in one folder."""

    folder: Path  # Made when first written to

    def of(self, backbone: LoadedBackbone) -> BackboneCache:
        """Embeddings by one backbone, in the precision and by the program it computes with."""
        key = hashlib.sha256(f"{backbone.spec.key} {backbone.precision} {backbone.runtime}".encode()).hexdigest()[:32]
        return BackboneCache(self.folder / f"embeddings-v{_VERSION}-{key}.sqlite", backbone.spec.dimension)

    def files(self) -> tuple[Path, ...]:
        """The files it consists of, sorted; none in a folder that cannot be read."""
        try:
            return tuple(sorted(self.folder.glob("embeddings-v*-*.sqlite*")))
        except OSError:
            return ()

    def size(self) -> int:
        """Bytes on disk."""
        total = 0
        for path in self.files():
            with suppress(OSError):  # a journal goes while it is looked at
                total += path.stat().st_size
        return total

    def clear(self) -> int:
        """Remove everything in it; returns the number of bytes that were freed."""
        freed = self.size()
        for path in self.files():
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise EmbeddingError(f"cannot clear the cache {self.folder}: {error}") from error
        return freed


@dataclass(frozen=True)
class BackboneCache:
    """Embeddings by one backbone, keyed by the SHA-256 of the image files."""

    path: Path  # The SQLite file
    dimension: int  # Length of a vector; rows of another length are not used

    def __bool__(self) -> bool:
        """Whether there is anything to look up."""
        return os.path.isfile(self.path)  # noqa: PTH113 - unlike Path's, false for a folder that may not be entered

    def get(self, content: bytes) -> CachedEmbedding | None:
        """Look up the embedding of an image file by its SHA-256; None where it is not known."""
        if not self:
            return None
        query = "SELECT view, confidence, doubt, vector FROM embedding WHERE content = ?"
        try:
            with closing(self._connected()) as database:
                row = database.execute(query, (content,)).fetchone()
        except sqlite3.Error as error:
            self._failed(error)
            return None
        return None if row is None else self._checked(*row)

    def put(self, embeddings: Mapping[bytes, CachedEmbedding]) -> None:
        """Add embeddings by hash, all or none; those with an empty hash are left out."""
        rows = [
            (c, e.view, e.confidence, e.doubt, e.vector.astype("<f4").tobytes()) for c, e in embeddings.items() if c
        ]
        if not rows:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connected()) as database, database:
                database.execute(
                    "CREATE TABLE IF NOT EXISTS embedding "
                    "(content BLOB PRIMARY KEY, view TEXT, confidence REAL, doubt TEXT, vector BLOB)"
                )
                # What is there stays: a row that another process added must not change under a third one.
                database.executemany("INSERT OR IGNORE INTO embedding VALUES (?, ?, ?, ?, ?)", rows)
        except (sqlite3.Error, OSError) as error:
            self._failed(error)

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=_PATIENCE)

    def _checked(self, view: object, confidence: object, doubt: object, blob: object) -> CachedEmbedding | None:
        """A row as an embedding; None if it is not as this module writes it."""
        if not (isinstance(view, str) and isinstance(confidence, float) and isinstance(doubt, str)):
            return None
        if not isinstance(blob, bytes) or len(blob) != 4 * self.dimension:
            return None
        vector = np.frombuffer(blob, dtype="<f4").astype(np.float32)
        return CachedEmbedding(vector, view, confidence, doubt) if np.isfinite(vector).all() else None

    def _failed(self, error: sqlite3.Error | OSError) -> None:
        """Log the error and go on without the cache; remove a file that is damaged or no database."""
        _say_once(str(self.path), str(error))
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            with suppress(OSError):
                self.path.unlink(missing_ok=True)


@lru_cache(maxsize=256)
def _say_once(path: str, reason: str) -> None:
    """Log an error once that may occur with every image."""
    logger.error("the cache %s is not used: %s", path, reason)
