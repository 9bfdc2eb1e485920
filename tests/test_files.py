"""Files that are whole or not there, and errors that name them."""

from __future__ import annotations

import os

import pytest

from hybridwing.errors import HybridwingError, WriteError
from hybridwing.files import write_bytes, write_text, written_whole


def test_a_text_is_written_as_it_is(tmp_path):
    write_text(tmp_path / "t", "ü\r\n\udce9\n")
    assert (tmp_path / "t").read_bytes() == "ü\r\n\\udce9\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_what_stood_there_stays_when_writing_fails(tmp_path):
    (tmp_path / "t").write_text("old")

    def write() -> None:
        with written_whole(tmp_path / "t") as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert (tmp_path / "t").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize("number", [28, 13, 30, 122])
def test_the_error_names_the_file_and_keeps_its_number(tmp_path, number):
    with pytest.raises(WriteError) as caught, written_whole(tmp_path / "t"):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == f"cannot write {tmp_path / 't'}: {os.strerror(number)}"
    assert caught.value.errno == number
    assert isinstance(caught.value, HybridwingError)
    assert isinstance(caught.value, OSError)


@pytest.mark.parametrize("place", ["no/folder/t", "file/t", "folder", "x" * 300])
def test_places_that_cannot_be_written(tmp_path, place):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match="cannot write"):
        write_bytes(tmp_path / place, b"x")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


@pytest.mark.skipif(os.name == "nt", reason="paths are shorter there")
def test_the_longest_name_that_a_disk_takes(tmp_path):
    write_bytes(tmp_path / ("蝶" * 85), b"x")
    assert (tmp_path / ("蝶" * 85)).read_bytes() == b"x"
