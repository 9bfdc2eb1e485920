"""Nothing that a program leaves can make its reader follow, wait, or fill memory."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import psutil
import pytest

from hybridwing.submission.sandbox.left_behind import (
    LeftBehindError,
    read_file,
    read_lines,
    remove_folder,
    temporary_folder,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a POSIX system is needed")


def nest(folder: Path, depth: int) -> None:
    """Make folders within each other, deeper than a path can say and than Python calls itself."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("folder", dir_fd=here)
        inner = os.open("folder", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("last", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


class TestReading:
    def test_a_file(self, tmp_path):
        (tmp_path / "plain").write_bytes(b"x" * 100)
        assert read_file(tmp_path, "plain", 100) == b"x" * 100
        with pytest.raises(LeftBehindError, match="plain is larger than 99 bytes"):
            read_file(tmp_path, "plain", 99)

    @pytest.mark.parametrize("kind", ["missing", "link", "dangling", "folder", "pipe", "socket", "device", "\0"])
    def test_what_is_no_file(self, tmp_path, monkeypatch, kind):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "secret").write_text("secret")
        (tmp_path / "link").symlink_to(tmp_path / "secret")
        (tmp_path / "dangling").symlink_to("nowhere")
        (tmp_path / "device").symlink_to("/dev/zero")
        (tmp_path / "folder").mkdir()
        os.mkfifo(tmp_path / "pipe")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
            before = psutil.Process().num_fds()
            with pytest.raises(LeftBehindError, match=r"no regular file|no file that can be read|there is no"):
                read_file(tmp_path, kind, 100)
            assert psutil.Process().num_fds() == before

    def test_a_file_with_holes_is_bounded(self, tmp_path):
        with (tmp_path / "sparse").open("wb") as file:
            file.truncate(10**12)
        with pytest.raises(LeftBehindError, match="larger than 1,000 bytes"):
            read_file(tmp_path, "sparse", 1000)

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"", None),
            (b"a\nb\nc", None),
            (b"a\nb\nc\n", None),
            (b"abcde\n" * 3, None),
            (b"a\n" * 4, "lines has 4 lines, and at most 3 are read"),
            (b"a\nb\nc\nd", "4 lines"),
            (b"a\nbcdefgh\n", "line 2 of lines has 7 bytes"),
        ],
    )
    def test_lines(self, tmp_path, data, problem):
        (tmp_path / "lines").write_bytes(data)
        if problem is None:
            assert read_lines(tmp_path, "lines", most_lines=3, longest_line=5) == data
        else:
            with pytest.raises(LeftBehindError, match=problem):
                read_lines(tmp_path, "lines", most_lines=3, longest_line=5)


class TestRemoving:
    @pytest.mark.slow
    def test_whatever_was_left(self, tmp_path):
        (tmp_path / "kept").mkdir()
        (tmp_path / "kept" / "file").touch()
        with temporary_folder("test-") as folder:
            nest(folder, 1100)
            (folder / "locked" / "inner").mkdir(parents=True)
            (folder / "locked" / "inner" / "file").touch()
            (folder / "locked" / "inner").chmod(0)
            (folder / "locked").chmod(0)
            (folder / "link").symlink_to(tmp_path / "kept")
            os.mkfifo(folder / "pipe")
            (folder / "1-0").mkdir()
        assert not folder.exists()
        assert (tmp_path / "kept" / "file").exists()

    def test_a_link_in_its_place_is_not_followed(self, tmp_path):
        (tmp_path / "kept").mkdir()
        (tmp_path / "kept" / "file").touch()
        (tmp_path / "link").symlink_to(tmp_path / "kept")
        with pytest.raises(OSError, match="link"):
            remove_folder(tmp_path / "link")
        assert (tmp_path / "kept" / "file").exists()
