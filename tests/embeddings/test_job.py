from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from filelock import FileLock

from hybridwing.backbones.compute import Compute
from hybridwing.embeddings.cache import EmbeddingCache
from hybridwing.embeddings.engine import embed_images
from hybridwing.embeddings.job import Share, embed_to_file
from hybridwing.embeddings.provenance import Part
from hybridwing.embeddings.store import read_provenance, read_table, write_table
from hybridwing.embeddings.unfinished import UnfinishedTable
from hybridwing.errors import EmbeddingError
from hybridwing.images.decode import ReadOptions
from hybridwing.runtime.preprocess import Preprocess

from .conftest import MeanColour, paint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.embeddings.shards import Shard


class StoppedError(Exception):
    """Ctrl-C, as it were."""


def stopping_after(images: int) -> Any:
    """A progress callable that interrupts the job."""

    def progress(done: int, total: int) -> None:
        if done > images:
            raise StoppedError

    return progress


def test_the_file_holds_what_memory_would(pictures, tmp_path):
    told: list[tuple[int, int]] = []
    summary = embed_to_file(
        pictures, MeanColour(), tmp_path / "deep" / "e.parquet", shard_size=4, progress=lambda *done: told.append(done)
    )
    table, other = read_table(tmp_path / "deep" / "e.parquet"), embed_images(pictures, MeanColour())
    assert table.uuids == other.uuids
    assert table.vectors.tobytes() == other.vectors.tobytes()
    assert table.failures == other.failures == summary.failures
    assert [failure.uuid for failure in table.failures] == ["u8"]
    assert told == [(done, 10) for done in range(11)]
    assert (summary.images, summary.embedded, summary.cached, summary.resumed) == (10, 9, 0, 0)
    assert (summary.dimension, summary.batch_size, summary.precision) == (3, 16, "fp32")
    assert summary.timings.decode > 0
    assert summary.timings.forward > 0
    assert summary.timings.write > 0
    assert summary.images_per_second > 0
    assert json.loads(json.dumps(summary.to_dict()))["out"].endswith("e.parquet")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["e.parquet"]


def test_an_interrupted_job_goes_on(pictures, tmp_path):
    out, straight = tmp_path / "e.parquet", tmp_path / "straight.parquet"
    embed_to_file(pictures, MeanColour(), straight, shard_size=2)
    with pytest.raises(StoppedError):
        embed_to_file(pictures, MeanColour(), out, shard_size=2, progress=stopping_after(5))
    assert not out.exists()
    backbone, told = MeanColour(), []
    summary = embed_to_file(pictures, backbone, out, shard_size=2, progress=lambda *done: told.append(done))
    assert summary.resumed == told[0][0] == 4
    assert backbone.seen == 5
    assert out.read_bytes() == straight.read_bytes()


def test_a_file_that_changed_meanwhile_is_embedded_again(pictures, tmp_path):
    out = tmp_path / "e.parquet"
    with pytest.raises(StoppedError):
        embed_to_file(pictures, MeanColour(), out, shard_size=2, progress=stopping_after(8))
    paint(pictures[0][1], 99)
    os.utime(pictures[0][1], ns=(1, 1))
    summary = embed_to_file(pictures, MeanColour(), out, shard_size=2)
    assert summary.resumed == 6
    table = read_table(out)
    alone = embed_images([pictures[0]], MeanColour())
    assert np.array_equal(table.vectors[0], alone.vectors[0])


def test_a_damaged_piece_is_made_again(pictures, tmp_path):
    out = tmp_path / "e.parquet"
    with pytest.raises(StoppedError):
        embed_to_file(pictures, MeanColour(), out, shard_size=2, progress=stopping_after(8))
    (pieces,) = tmp_path.glob(".e.parquet.*.parts")
    (pieces / "00001.parquet").write_bytes(b"PAR1 and nothing more")
    (pieces / "work.json").write_text("[1]")
    assert embed_to_file(pictures, MeanColour(), out, shard_size=2).resumed == 6
    straight = tmp_path / "straight.parquet"
    embed_to_file(pictures, MeanColour(), straight, shard_size=2)
    assert out.read_bytes() == straight.read_bytes()


def test_a_job_with_other_settings_leaves_the_unfinished_one_alone(pictures, tmp_path):
    out = tmp_path / "e.parquet"
    with pytest.raises(StoppedError):
        embed_to_file(pictures, MeanColour(), out, shard_size=2, progress=stopping_after(5))
    other = MeanColour(preprocess=Preprocess(size=16))
    assert embed_to_file(pictures, other, out, shard_size=2).resumed == 0
    assert len(list(tmp_path.glob(".e.parquet.*.parts"))) == 1
    assert embed_to_file(pictures, MeanColour(), out, shard_size=2).resumed == 4
    assert not list(tmp_path.glob(".e.parquet*"))


def test_a_job_keeps_the_batch_size_it_was_begun_with(pictures, tmp_path):
    class Roomy(MeanColour):
        batch_size = 4

    out = tmp_path / "e.parquet"
    with pytest.raises(StoppedError):
        embed_to_file(
            pictures, MeanColour(), out, compute=Compute(batch_size=2), shard_size=4, progress=stopping_after(5)
        )
    again = Roomy()
    assert embed_to_file(pictures, again, out, shard_size=4).batch_size == 2
    assert max(again.batches) == 2
    fresh = Roomy()
    assert embed_to_file(pictures, fresh, out, shard_size=4).batch_size == 4
    asked = Roomy()
    assert embed_to_file(pictures, asked, out, compute=Compute(batch_size=3), shard_size=4).batch_size == 3
    assert max(asked.batches) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for every moment")
@pytest.mark.parametrize("cached", ["cached", "uncached"])
@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_bytes(pictures, tmp_path, cached):
    extra = [paint(pictures[0][1].with_name(f"copy{number}.png"), number) for number in (1, 9)]
    assert all(path.is_file() for path in extra)
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, script, pictures[0][1].parent, tmp_path, cached],
        capture_output=True,
        text=True,
        timeout=1800,
        check=True,
    )
    moments = [json.loads(line) for line in done.stdout.splitlines()]
    *killed, last = moments
    assert not last["killed"]
    assert all(moment["killed"] for moment in killed)
    assert len(killed) > 5
    for moment in killed:
        assert moment["table"] == last["table"], moment["moment"]
        assert moment["left"] == ["e.parquet"]
    # Twelve pictures, one of them damaged, in shards of six: at most one shard is done twice.
    assert max(moment["forwarded"] for moment in killed if moment["unfinished"]) <= 11 + 6


def test_a_second_process_on_the_same_table_is_turned_away(pictures, tmp_path):
    out = tmp_path / "e.parquet"
    inside: list[str] = []

    def progress(done: int, total: int) -> None:
        if done == 5:
            # A lock held by this very process would be given again: ask from another one.
            code = (
                "import sys, pathlib\n"
                f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
                "from killed import MeanColour\n"
                "from hybridwing.embeddings.job import embed_to_file\n"
                "from hybridwing.errors import EmbeddingError\n"
                f"paths = sorted(pathlib.Path({str(pictures[0][1].parent)!r}).glob('*.png'))\n"
                "items = [(f'u{n}', path) for n, path in enumerate(paths)]\n"
                f"out = pathlib.Path({str(out)!r})\n"
                "try:\n"
                "    embed_to_file(items, MeanColour(out.with_name('count'), lambda: None), out, shard_size=2)\n"
                "except EmbeddingError as error:\n"
                "    print(error)\n"
            )
            run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
            inside.append(run.stdout)

    embed_to_file(pictures, MeanColour(), out, shard_size=2, progress=progress)
    assert f"another process is writing {out}; wait for it to end, or give this one another name" in inside[0]
    assert len(read_table(out)) == 9


def test_a_lock_that_nobody_holds_is_no_obstacle(pictures, tmp_path):
    out = tmp_path / "e.parquet"
    with pytest.raises(StoppedError):
        embed_to_file(pictures, MeanColour(), out, shard_size=2, progress=stopping_after(3))
    (pieces,) = tmp_path.glob(".e.parquet.*.parts")
    lock = FileLock(pieces.with_suffix(".lock"))
    lock.acquire()
    lock.release()
    assert embed_to_file(pictures, MeanColour(), out, shard_size=2).embedded == 9


def test_shares_are_whole_shards_and_merge_to_the_same_bytes(pictures, tmp_path):
    from hybridwing.embeddings.merge import merge_parts

    out, straight = tmp_path / "e.parquet", tmp_path / "straight.parquet"
    embed_to_file(pictures, MeanColour(), straight, shard_size=2)
    parts = []
    for index in (3, 1, 2):
        summary = embed_to_file(pictures, MeanColour(), out, share=Share(index, 3), shard_size=2)
        assert summary.out == tmp_path / f"e.part-{index}-of-3.parquet"
        assert summary.images in (2, 4)
        parts.append(summary.out)
    head = merge_parts(parts, out)
    assert (head.rows, len(head.failures)) == (9, 1)
    assert out.read_bytes() == straight.read_bytes()


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/5", ""])
def test_a_share_that_there_is_not(text):
    with pytest.raises(EmbeddingError, match=r"1/n to n/n|takes i/n"):
        Share.parse(text)
    assert Share.parse(" 2 / 3 ") == Share(2, 3)


def test_more_shares_than_shards(pictures, tmp_path):
    with pytest.raises(EmbeddingError, match=r"too few for 6 shares: a share has 2 or more, so ask for at most 5"):
        embed_to_file(pictures, MeanColour(), tmp_path / "e.parquet", share=Share(1, 6), shard_size=2)


def test_not_one_good_picture_is_an_error_and_leaves_nothing(pictures, tmp_path):
    out = tmp_path / "e.parquet"
    with pytest.raises(EmbeddingError, match=r"not one of 1 images could be embedded; the first, .*8\.png: decode"):
        embed_to_file(pictures[8:9], MeanColour(), out)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]
    # As a share it is part of the whole table's failures.
    summary = embed_to_file(pictures[7:9], MeanColour(), out, share=Share(2, 2), shard_size=1)
    assert (summary.embedded, len(summary.failures)) == (0, 1)


def test_a_job_that_embeds_nothing_leaves_an_older_table_alone(pictures, tmp_path):
    out = tmp_path / "e.parquet"
    embed_to_file(pictures, MeanColour(), out)
    before = out.read_bytes()
    with pytest.raises(EmbeddingError, match="not one of 10 images could be embedded"):
        embed_to_file([(uuid, path.with_suffix(".gone")) for uuid, path in pictures], MeanColour(), out)
    assert out.read_bytes() == before


def test_a_file_that_is_replaced_while_it_is_embedded_is_done_again(pictures, tmp_path):
    class Meddling(MeanColour):
        def forward(self, batch: Any) -> Any:
            if not self.batches:
                paint(pictures[0][1], 321)
                os.utime(pictures[0][1], ns=(5, 5))
            return super().forward(batch)

    out = tmp_path / "e.parquet"
    with pytest.raises(StoppedError):
        embed_to_file(pictures, Meddling(), out, shard_size=2, progress=stopping_after(5))
    assert embed_to_file(pictures, MeanColour(), out, shard_size=2).resumed == 2
    assert np.array_equal(read_table(out).vectors[0], embed_images(pictures[:1], MeanColour()).vectors[0])


def test_a_piece_that_is_damaged_in_the_middle_is_made_again(pictures, tmp_path):
    out = tmp_path / "e.parquet"
    with pytest.raises(StoppedError):
        embed_to_file(pictures, MeanColour(), out, shard_size=2, progress=stopping_after(5))
    (piece,) = tmp_path.glob(".e.parquet.*.parts/00001.parquet")
    content = bytearray(piece.read_bytes())
    content[40:46] = b"\xff" * 6
    piece.write_bytes(content)
    assert embed_to_file(pictures, MeanColour(), out, shard_size=2).resumed == 2
    assert len(read_table(out)) == 9


def test_keys_that_are_no_text_are_found_before_the_work(pictures, tmp_path):
    backbone = MeanColour()
    with pytest.raises(EmbeddingError, match=r"1 image has a key that is no valid text: 'bad.udcff.png'"):
        embed_to_file([*pictures, ("bad\udcff.png", pictures[0][1])], backbone, tmp_path / "e.parquet")
    assert backbone.batches == []


def test_places_that_cannot_be_written(pictures, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddingError, match="cannot write"):
        embed_to_file(pictures, MeanColour(), tmp_path / "file" / "e.parquet")
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "folder.parquet" / "kept").write_text("x")
    with pytest.raises(EmbeddingError, match="cannot write"):
        embed_to_file(pictures, MeanColour(), tmp_path / "folder.parquet")
    assert (tmp_path / "folder.parquet" / "kept").read_text() == "x"


def test_an_engine_of_ones_own(pictures, tmp_path):
    from hybridwing.embeddings.shards import embed_shards

    def backwards(shards: Any, compute: Compute, advance: Any) -> Iterator[tuple[int, Shard]]:
        for number in sorted(shards, reverse=True):
            for shard in embed_shards([shards[number]], MeanColour(), compute, advance=advance):
                yield number, shard

    out, straight = tmp_path / "e.parquet", tmp_path / "straight.parquet"
    embed_to_file(pictures, MeanColour(), straight, shard_size=4)
    embed_to_file(pictures, MeanColour(), out, shard_size=4, engine=backwards)
    assert out.read_bytes() == straight.read_bytes()


def test_a_renamed_folder_uses_the_cache_and_a_changed_pixel_does_not(pictures, tmp_path):
    cache = EmbeddingCache(tmp_path / "cache")
    first = embed_to_file(pictures, MeanColour(), tmp_path / "a.parquet", compute=Compute(cache=cache.folder))
    assert first.cached == 0
    moved = tmp_path / "moved"
    shutil.move(pictures[0][1].parent, moved)
    items = [(uuid, moved / path.name) for uuid, path in pictures]
    backbone = MeanColour()
    second = embed_to_file(items, backbone, tmp_path / "b.parquet", compute=Compute(cache=cache.folder))
    assert (second.cached, backbone.seen) == (9, 0)
    assert read_table(second.out).vectors.tobytes() == read_table(first.out).vectors.tobytes()
    paint(items[3][1], 77)
    backbone = MeanColour()
    third = embed_to_file(items, backbone, tmp_path / "c.parquet", compute=Compute(cache=cache.folder))
    assert (third.cached, backbone.seen) == (8, 1)
    other = MeanColour(preprocess=Preprocess(size=16))
    assert embed_to_file(items, other, tmp_path / "d.parquet", compute=Compute(cache=cache.folder)).cached == 0


def test_works_of_two_kinds_are_apart(pictures, tmp_path):
    kind = (MeanColour().spec.key, "fp32", "numpy")
    one = UnfinishedTable.of(tmp_path / "e.parquet", kind, None, [pictures], ReadOptions())
    two = UnfinishedTable.of(tmp_path / "e.parquet", (*kind[:2], "torch"), None, [pictures], ReadOptions())
    assert one.folder != two.folder
    with one.locked():
        assert one.missing() == [0]
        with pytest.raises(EmbeddingError, match="in fp32 with numpy where this process would in fp32 with torch"):
            two.add(0, embed_images(pictures, MeanColour()), ())
    one.remove()
    assert not one.folder.exists()
    assert not list(tmp_path.glob(".e.parquet*lock"))


def test_a_part_says_which(pictures, tmp_path):
    table = embed_images(pictures[:2], MeanColour())
    write_table(table, tmp_path / "p.parquet", Part(1, 3, "ab"))
    assert read_provenance(tmp_path / "p.parquet").part == Part(1, 3, "ab")
    assert read_table(tmp_path / "p.parquet").uuids == ("u0", "u1")
