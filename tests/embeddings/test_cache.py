from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from hybridwing.embeddings import cache as module
from hybridwing.embeddings.cache import BackboneCache, CachedEmbedding, EmbeddingCache, default_folder

from .conftest import MeanColour


def embedding(value: float, view: str = "whole") -> CachedEmbedding:
    return CachedEmbedding(np.array([value, 1, 2], np.float32), view, 0.5)


def hashes(count: int) -> list[bytes]:
    return [number.to_bytes(32, "big") for number in range(1, count + 1)]


def known_of(store: BackboneCache, contents: list[bytes]) -> list[bytes]:
    return [content for content in contents if store.get(content) is not None]


@pytest.fixture
def store(tmp_path: Path) -> BackboneCache:
    return EmbeddingCache(tmp_path / "deep" / "cache").of(MeanColour())


def test_what_is_put_is_got(store):
    assert not store
    one, two, three = hashes(3)
    assert store.get(one) is None
    store.put({one: embedding(7, "forewings"), two: embedding(8)})
    assert store
    assert known_of(store, [one, two, three, b""]) == [one, two]
    found = store.get(one)
    assert found.vector.tolist() == [7, 1, 2]
    assert found.vector.dtype == np.float32
    assert (found.view, found.confidence) == ("forewings", 0.5)


def test_what_is_there_stays(store):
    (one,) = hashes(1)
    store.put({one: embedding(7)})
    store.put({one: embedding(8), b"": embedding(9)})
    assert store.get(one).vector[0] == 7
    assert store.get(b"") is None
    store.put({})


def test_backbones_preprocessings_and_precisions_are_apart(tmp_path):
    from hybridwing.runtime.preprocess import Preprocess

    cache = EmbeddingCache(tmp_path)
    half = MeanColour()
    half.precision = "bf16"  # type: ignore[misc]
    others = [MeanColour("v2"), MeanColour(preprocess=Preprocess(size=16)), half]
    paths = {cache.of(backbone).path for backbone in [MeanColour(), MeanColour(), *others]}
    assert len(paths) == 4


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_replaced(store, content, caplog):
    store.path.parent.mkdir(parents=True)
    store.path.write_bytes(content)
    (one,) = hashes(1)
    assert store.get(one) is None
    store.put({one: embedding(1)})
    store.put({one: embedding(1)})
    assert store.get(one) is not None


def test_rows_that_something_else_wrote_are_not_used(store):
    good, short, text, nan, view = hashes(5)
    store.put({good: embedding(1)})
    rows = [
        (short, "whole", 1.0, "", b"\0" * 8),
        (text, "whole", 1.0, "", "text"),
        (nan, "whole", 1.0, "", np.full(3, np.nan, "<f4").tobytes()),
        (view, None, 1.0, "", b"\0" * 12),
    ]
    with closing(sqlite3.connect(store.path)) as database, database:
        database.executemany("INSERT INTO embedding VALUES (?, ?, ?, ?, ?)", rows)
    assert known_of(store, [good, short, text, nan, view]) == [good]


def test_a_locked_file_is_done_without(store, monkeypatch, caplog):
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    one, two = hashes(2)
    store.put({one: embedding(1)})
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        store.put({two: embedding(2)})
        assert store.get(one) is None
    assert "is not used: database is locked" in caplog.text
    assert len(caplog.records) == 1
    assert known_of(store, [one, two]) == [one]


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    store = EmbeddingCache(tmp_path / "file" / "cache").of(MeanColour())
    store.put({hashes(1)[0]: embedding(1)})
    assert "is not used" in caplog.text
    assert known_of(store, hashes(1)) == []


@pytest.mark.slow
def test_several_processes_write_at_once(store):
    code = (
        "import sys, numpy as np, pathlib\n"
        "from hybridwing.embeddings.cache import BackboneCache, CachedEmbedding\n"
        "store, start = BackboneCache(pathlib.Path(sys.argv[1]), 3), int(sys.argv[2])\n"
        "for n in range(start, start + 40):\n"
        "    store.put({n.to_bytes(32, 'big'): CachedEmbedding(np.full(3, n, np.float32), 'whole', 1.0)})\n"
    )

    def run(start: int) -> None:
        subprocess.run([sys.executable, "-c", code, str(store.path), str(start)], check=True, timeout=300)

    threads = [threading.Thread(target=run, args=(start,)) for start in (1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.get(content).vector[0] for content in hashes(60)] == list(range(1, 61))


def test_size_and_clearing(tmp_path):
    cache = EmbeddingCache(tmp_path / "cache")
    assert (cache.size(), cache.files(), cache.clear()) == (0, (), 0)
    cache.of(MeanColour()).put({hashes(1)[0]: embedding(1)})
    (tmp_path / "cache" / "letter.txt").write_text("mine")
    assert len(cache.files()) == 1
    assert cache.size() == cache.clear() > 0
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["letter.txt"]


def test_the_place_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HYBRIDWING_CACHE", str(tmp_path / "here"))
    assert default_folder() == tmp_path / "here"
    monkeypatch.delenv("HYBRIDWING_CACHE")
    assert default_folder().name == "hybridwing"
    assert isinstance(default_folder(), Path)


def test_a_doubt_is_kept(store):
    (one,) = hashes(1)
    store.put({one: CachedEmbedding(np.zeros(3, np.float32), "whole", 0.5, "which way it lies cannot be told")})
    assert store.get(one).doubt == "which way it lies cannot be told"
