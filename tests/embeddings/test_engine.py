from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.embeddings import preparing
from hybridwing.embeddings.cache import EmbeddingCache
from hybridwing.embeddings.embed import photographs
from hybridwing.embeddings.engine import embed_images
from hybridwing.embeddings.shards import embed_shards
from hybridwing.errors import EmbeddingError
from hybridwing.runtime.preprocess import Prepared, Preprocess

from .conftest import MeanColour

if TYPE_CHECKING:
    from collections.abc import Sequence


class Fussy(MeanColour):
    """A backbone that cannot prepare narrow pictures."""

    @staticmethod
    def prepare(image: Image.Image) -> Prepared:
        if image.width < 4:
            raise LookupError("too narrow\nand more about it")
        return Prepared(np.asarray(image, np.float32).mean(axis=(0, 1)))


@pytest.fixture
def items(tmp_path: Path) -> list[tuple[str, Path]]:
    """Ten pictures, of which number 1 is cut short, 3 absent, 4 red (NaN), 6 a text and 9 a folder."""
    made = []
    for number in range(10):
        path = tmp_path / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 200, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        made.append((f"u{number}", path))
    made[1][1].write_bytes(made[1][1].read_bytes()[:200])
    made[3][1].unlink()
    Image.new("RGB", (12, 16), (255, 0, 0)).save(made[4][1])
    made[6][1].write_text("not a picture at all")
    made[9][1].unlink()
    made[9][1].mkdir()
    return made


BAD = {
    "u1": ("decode", "damaged or cut short: "),
    "u3": ("open", "no such file"),
    "u4": ("embed", "the backbone returned NaN or infinity"),
    "u6": ("open", "not an image in a known format"),
    "u9": ("open", "is a folder"),
}


@pytest.mark.parametrize("workers", [1, 2, None])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_good_pictures_are_unharmed_and_bad_ones_listed(items, workers, batch_size):
    table = embed_images(items, MeanColour(), compute=Compute(batch_size=batch_size, workers=workers))
    assert table.uuids == ("u0", "u2", "u5", "u7", "u8")
    assert [failure.uuid for failure in table.failures] == list(BAD)
    for failure in table.failures:
        stage, reason = BAD[failure.uuid]
        assert failure.stage == stage
        assert failure.reason.startswith(reason)
        assert failure.path == str(dict(items)[failure.uuid])
    assert table.vectors.dtype == np.float32
    for uuid, vector in zip(table.uuids, table.vectors, strict=True):
        alone = embed_images([(uuid, dict(items)[uuid])], MeanColour())
        assert np.array_equal(alone.vectors[0], vector)


def test_the_order_is_that_of_the_items(items):
    table = embed_images(items[::-1], MeanColour(), compute=Compute(workers=2))
    assert table.uuids == ("u8", "u7", "u5", "u2", "u0")
    assert [failure.uuid for failure in table.failures] == list(BAD)[::-1]


def test_failures_are_logged_and_progress_is_told(items, caplog):
    told: list[tuple[int, int]] = []
    with caplog.at_level(logging.WARNING):
        embed_images(items, MeanColour(), progress=lambda done, of: told.append((done, of)))
    assert told == [(done, 10) for done in range(1, 11)]
    assert len(caplog.records) == len(BAD)
    assert "NaN" in caplog.text


def test_batches_are_full(items):
    backbone = MeanColour()
    embed_images(items, backbone, compute=Compute(batch_size=4))
    assert backbone.batches == [4, 2]


def test_a_picture_that_cannot_be_prepared_is_a_failure(items, tmp_path):
    Image.new("RGB", (2, 16)).save(tmp_path / "narrow.png")
    table = embed_images([("narrow", tmp_path / "narrow.png"), items[0]], Fussy())
    assert table.uuids == ("u0",)
    assert (table.failures[0].stage, table.failures[0].reason) == ("preprocess", "LookupError: too narrow")


def test_not_one_good_picture_is_an_error(items):
    bad = [item for item in items if item[0] in BAD]
    with pytest.raises(EmbeddingError, match=r"not one of 5 images could be embedded; the first, .*1\.png: decode: "):
        embed_images(bad, MeanColour())
    with pytest.raises(EmbeddingError, match="NaN or infinity"):
        embed_images([items[4]], MeanColour())


def test_nothing_to_embed():
    with pytest.raises(EmbeddingError, match="there are no images to embed"):
        embed_images([], MeanColour())


def test_an_image_listed_twice_is_found_before_the_work(items):
    backbone = MeanColour()
    with pytest.raises(EmbeddingError, match="1 image is listed more than once: u0"):
        embed_images([*items, items[0]], backbone)
    assert backbone.batches == []


def test_memory_does_not_grow_with_the_collection(items, monkeypatch):
    waiting: list[int] = []
    submitted = 0

    class Slow(Executor):
        def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            nonlocal submitted
            submitted += 1
            future: Future[Any] = Future()
            future.set_result(work(*args, **kwargs))
            return future

    monkeypatch.setattr(preparing, "ThreadPoolExecutor", lambda count: Slow())
    many = [(f"{n}", items[0][1]) for n in range(100)]
    embed_images(
        many,
        MeanColour(),
        compute=Compute(workers=2, batch_size=4),
        progress=lambda done, of: waiting.append(submitted - done),
    )
    assert max(waiting) <= 4 + 16


@pytest.fixture
def many(tmp_path: Path) -> list[tuple[str, Path]]:
    """Enough pictures for processes to pay, two of them bad."""
    made = []
    for number in range(48):
        path = tmp_path / f"{number}.png"
        picture = Image.new("RGB", (60, 40), (220, 220, 210))
        picture.paste((40 + number, 20, 10), (10 + number % 7, 8, 40 + number % 11, 30))
        picture.save(path)
        made.append((str(number), path))
    made[7][1].write_bytes(b"")
    made[30][1].write_bytes(made[30][1].read_bytes()[:60])
    return made


@pytest.mark.slow
def test_processes_and_threads_agree_bit_for_bit(many, monkeypatch):
    used: list[int] = []
    real = preparing.ProcessPoolExecutor
    monkeypatch.setattr(preparing, "ProcessPoolExecutor", lambda count, **k: used.append(count) or real(count, **k))
    in_processes = embed_images(many, PatternBackbone(), compute=Compute(workers=2))
    assert used == [2]
    in_threads = embed_images(many, PatternBackbone(), compute=Compute(workers=1))
    few = embed_images(many[:47], PatternBackbone(), compute=Compute(workers=2))
    assert used == [2]
    assert in_processes.uuids == in_threads.uuids
    assert in_processes.failures == in_threads.failures
    assert [failure.uuid for failure in in_processes.failures] == ["7", "30"]
    assert in_processes.vectors.tobytes() == in_threads.vectors.tobytes()
    assert few.vectors.tobytes() == in_threads.vectors[:45].tobytes()


@pytest.mark.parametrize("survives", [0, 20])
@pytest.mark.slow
def test_when_worker_processes_die_threads_go_on(many, monkeypatch, caplog, survives):
    class Dying(Executor):
        """Answers a few times, then breaks like a pool whose process was killed."""

        def __init__(self, count: int, **_: Any) -> None:
            self.answered = 0

        def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            if self.answered >= survives:
                future.set_exception(BrokenProcessPool("a child process terminated abruptly"))
            else:
                future.set_result(work(*args, **kwargs))
            self.answered += 1
            return future

    monkeypatch.setattr(preparing, "ProcessPoolExecutor", Dying)
    told: list[int] = []
    table = embed_images(
        many, PatternBackbone(), compute=Compute(workers=2), progress=lambda done, of: told.append(done)
    )
    assert told == list(range(1, 49))
    assert "a worker process died" in caplog.text
    assert (
        table.vectors.tobytes() == embed_images(many, PatternBackbone(), compute=Compute(workers=1)).vectors.tobytes()
    )


@pytest.mark.slow
def test_a_script_needs_no_main_guard(many, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from hybridwing.backbones.compute import Compute\n"
        "from hybridwing.backbones.pattern import PatternBackbone\n"
        "from hybridwing.embeddings.engine import embed_images\n"
        f"items = [(p.name, p) for p in sorted(Path({str(tmp_path)!r}).glob('*.png'))]\n"
        "print(len(embed_images(items, PatternBackbone(), Compute(workers=2))))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["46"]
    told = [line for line in done.stderr.splitlines() if "30.png" not in line and "7.png" not in line]
    assert not told, "nothing but the two images that cannot be read"


@pytest.mark.slow
@pytest.mark.parametrize("guarded", [True, False])
def test_work_that_a_script_defines_needs_its_main_guard_and_is_done_without(many, tmp_path, guarded):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "from hybridwing.embeddings.preparing import PreparedFile, Workers\n"
        "def work(path):\n"
        "    return PreparedFile(None, reason=str(os.getpid()))\n"
        f"if __name__ == '__main__' or not {guarded}:\n"
        "    workers = Workers(work, 2, in_processes=True)\n"
        f"    done = [made.reason for made in workers.ahead([Path({str(many[0][1])!r})] * 4, 2)]\n"
        "    workers.close()\n"
        "    print(len(done), str(os.getpid()) in done)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["4", str(not guarded)]
    assert ("a worker process died" in done.stderr) is not guarded


class Small(MeanColour):
    """A backbone whose memory holds only so many images at once."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room, self.tried = room, list[int]()

    def forward(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        self.tried.append(len(batch))
        if len(batch) > self.room:
            raise MemoryError("out of memory")
        return super().forward(batch)


def test_batches_are_halved_when_memory_runs_out(items, caplog):
    backbone = Small(2)
    table = embed_images(items, backbone, compute=Compute(batch_size=16))
    assert backbone.tried == [6, 3, 1, 1, 1, 1, 1, 1]
    assert table.vectors.tobytes() == embed_images(items, MeanColour()).vectors.tobytes()
    assert "out of memory: going on with batches of 3" in caplog.text
    small = Small(2)
    embed_images([(f"{n}", items[0][1]) for n in range(20)], small, compute=Compute(batch_size=4))
    assert small.tried == [4, *[2] * 10]


def test_no_memory_for_a_single_image(items):
    with pytest.raises(EmbeddingError, match="the memory does not hold a single image in mean; choose a smaller"):
        embed_images(items, Small(0))


def test_views_that_were_not_found_are_listed(items):
    class Forewings(MeanColour):
        @staticmethod
        def prepare(image: Image.Image) -> Prepared:
            found = np.asarray(image)[0, 0, 0] > 100
            return Prepared(MeanColour.prepare(image).value, "forewings" if found else "whole", 0.25 + 0.5 * found)

    backbone = Forewings(preprocess=Preprocess(size=8, view="forewings"))
    table = embed_images(items, backbone)
    wanted = {u for u, path in items if u in table.uuids and np.asarray(Image.open(path))[0, 0, 0] <= 100}
    assert {fallback.uuid for fallback in table.fallbacks} == wanted
    assert wanted
    assert all(fallback.view == "whole" and fallback.confidence == 0.25 for fallback in table.fallbacks)


def test_a_file_too_large_to_read(items, monkeypatch):
    from hybridwing.images import decode

    monkeypatch.setattr(decode, "MAX_BYTES", 100)
    with pytest.raises(EmbeddingError, match=r"the file has [0-9,]+ bytes, more than 100"):
        embed_images(items[:1], MeanColour())


def test_a_cache_is_filled_and_used(items, tmp_path):
    cache = EmbeddingCache(tmp_path / "cache")
    first, again = MeanColour(), MeanColour()
    fresh = embed_images(items, first, compute=Compute(cache=cache.folder))
    known = embed_images(items, again, compute=Compute(cache=cache.folder))
    assert (first.seen, again.seen) == (6, 1)  # the one that becomes NaN is tried again
    assert fresh.vectors.tobytes() == known.vectors.tobytes()
    assert fresh.failures == known.failures
    (cache.folder / "other").mkdir()
    cache.clear()
    assert not cache.of(first)


class PerBatch(MeanColour):
    """Notes when an image is prepared and when a batch is computed."""

    log: ClassVar[list[str]] = []

    @staticmethod
    def prepare(image: Image.Image) -> Prepared:
        PerBatch.log.append("prepare")
        return MeanColour.prepare(image)

    def forward(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        PerBatch.log.append("forward")
        return super().forward(batch)


def test_images_of_the_next_shard_are_prepared_before_this_one_is_done(items, monkeypatch):
    class AtOnce(Executor):
        def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(work(*args, **kwargs))
            return future

    monkeypatch.setattr(preparing, "ThreadPoolExecutor", lambda count: AtOnce())
    PerBatch.log.clear()
    shards = [[(f"{n}-{k}", items[0][1]) for k in range(4)] for n in range(3)]
    made = list(embed_shards(shards, PerBatch(), compute=Compute(batch_size=4, workers=1)))
    assert [len(shard.table) for shard in made] == [4, 4, 4]
    assert PerBatch.log.count("forward") == 3
    assert PerBatch.log.index("forward") > 4, "images of the next shard are handed to the workers before"


def test_names_that_are_no_text_get_a_key_that_is(tmp_path):
    name = os.fsdecode(b"bad\xff.png")
    try:
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    except (OSError, UnicodeError):
        pytest.skip("this file system has no such names")
    items = photographs(tmp_path).items
    assert [key for key, _ in items] == ["bad\\xff.png"]
    assert embed_images(items, MeanColour()).uuids == ("bad\\xff.png",)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process as Unix does")
def test_worker_processes_do_not_outlive_a_parent_that_is_killed(many, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing, os, sys, time\n"
        "from functools import partial\n"
        "from pathlib import Path\n"
        "from hybridwing.embeddings.preparing import Workers, prepare_file\n"
        "from hybridwing.runtime.pattern import prepare\n"
        "if __name__ == '__main__':\n"
        "    workers = Workers(partial(prepare_file, prepare=prepare, short_side=512), 2, in_processes=True)\n"
        f"    next(workers.ahead([Path({str(many[0][1])!r})] * 20, 1))\n"
        "    print(*[child.pid for child in multiprocessing.active_children()], flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    children = [int(number) for number in done.stdout.split()]
    assert children
    for _ in range(600):
        alive = [child for child in children if Path(f"/proc/{child}").exists() and not _is_zombie(child)]
        if not alive:
            return
        time.sleep(0.1)
    pytest.fail(f"still there: {alive}")


def _is_zombie(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
