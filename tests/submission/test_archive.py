"""A submission is listed and unpacked as it is, and nothing unsafe is unpacked at all."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.errors import SubmissionError
from hybridwing.submission.package import archive as archives
from hybridwing.submission.package.archive import name_fault, open_submission

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = {"model.py": b"class Model: ...", "net/__init__.py": b"", "net/weights.bin": bytes(range(256)) * 9}


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(params=["folder", "zip"])
def source(request, tmp_path) -> Path:
    place = tmp_path / "s"
    for name, content in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    if request.param == "folder":
        return place
    with zipfile.ZipFile(tmp_path / "s.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("net") if hasattr(archive, "mkdir") else archive.writestr("net/", b"")
        for name, content in FILES.items():
            archive.writestr(f"./{name}", content)
    return tmp_path / "s.zip"


class TestSound:
    def test_listed_read_and_unpacked(self, source, tmp_path):
        submission = open_submission(source)
        assert submission.names == tuple(sorted(FILES))
        assert submission.sizes == {name: len(content) for name, content in sorted(FILES.items())}
        assert submission.is_zip == (source.suffix == ".zip")
        assert submission.read("model.py", 5) == b"class"
        submission.unpack(tmp_path / "a" / "out")
        assert tree(tmp_path / "a" / "out") == FILES

    def test_into_an_empty_folder_only(self, source, tmp_path):
        out = tmp_path / "out"
        out.mkdir()
        open_submission(source).unpack(out)
        with pytest.raises(SubmissionError, match="not an empty folder"):
            open_submission(source).unpack(out)

    def test_below(self, source, tmp_path):
        inner = open_submission(source).below("net")
        assert inner.names == ("__init__.py", "weights.bin")
        inner.unpack(tmp_path / "out")
        assert tree(tmp_path / "out") == {n[4:]: c for n, c in FILES.items() if n.startswith("net/")}
        with pytest.raises(SubmissionError, match=r"no file model\.py"):
            inner.read("model.py")

    def test_permissions_are_usual_whatever_the_zip_says(self, tmp_path):
        info = zipfile.ZipInfo("run.sh")
        info.external_attr = (stat.S_IFREG | stat.S_ISUID | 0o777) << 16
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
            archive.writestr(info, b"x")
        open_submission(tmp_path / "s.zip").unpack(tmp_path / "out")
        assert not (tmp_path / "out" / "run.sh").stat().st_mode & (stat.S_ISUID | stat.S_IXUSR)


def with_kind(kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("odd")
    info.external_attr = (kind | 0o644) << 16
    return info


NAMES = {
    "../model.py": "leads out",
    "a/../../x": "leads out",
    "/etc/cron.d/x": "absolute",
    "//host/x": "absolute",
    "C:/x": "drive letter",
    "C:x": "drive letter",
    "..\\x": "backslash",
    "a\x1b[2Jb": "control characters",
    "n" * 256: "over 255 bytes",
    "é" * 130: "over 255 bytes",
}


class TestHostileZip:
    @pytest.mark.parametrize("name", NAMES)
    def test_names(self, tmp_path, name):
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
            archive.writestr("model.py", "")
            archive.writestr(name, "evil")
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SubmissionError, match=f"nothing of it was unpacked.*{NAMES[name]}"):
            open_submission(tmp_path / "s.zip")
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
    def test_links_and_devices(self, tmp_path, kind):
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
            archive.writestr(with_kind(kind), "/etc/passwd")
        with pytest.raises(SubmissionError, match="link" if kind == stat.S_IFLNK else "device, pipe or socket"):
            open_submission(tmp_path / "s.zip")

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    @pytest.mark.parametrize(
        ("names", "fault"),
        [
            (("model.py", "model.py"), "there twice"),
            (("model.py", "./model.py"), "there twice"),
            (("model.py", "Model.py"), "differ in case only"),
            (("a/e\u0301", "a/\u00e9"), "differ in case only"),
            (("net", "net/x"), "a file and a folder"),
            (("net/", "net"), "a file and a folder"),
        ],
    )
    def test_names_that_clash(self, tmp_path, names, fault):
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
            for name in names:
                archive.writestr(name, "")
        with pytest.raises(SubmissionError, match=fault):
            open_submission(tmp_path / "s.zip")

    def test_encrypted(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
            archive.writestr("model.py", "x")
        data = bytearray((tmp_path / "s.zip").read_bytes())
        data[data.index(b"PK\1\2") + 8] |= 1
        (tmp_path / "s.zip").write_bytes(data)
        with pytest.raises(SubmissionError, match="encrypted"):
            open_submission(tmp_path / "s.zip")

    def test_a_rare_method(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "s.zip", "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("model.py", "x")
        with pytest.raises(SubmissionError, match="rare method"):
            open_submission(tmp_path / "s.zip")

    def test_bomb(self, tmp_path, monkeypatch):
        with zipfile.ZipFile(tmp_path / "s.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", bytes(2**20))
        assert list(open_submission(tmp_path / "s.zip").sizes.values()) == [2**20]
        monkeypatch.setattr(archives, "_RATIO_FROM", 2**16)
        with pytest.raises(SubmissionError, match="zip bomb"):
            open_submission(tmp_path / "s.zip")
        monkeypatch.setattr(archives, "MOST_BYTES", 1000)
        with pytest.raises(SubmissionError, match="unpacks to 1,048,576 bytes, and 1,000 are allowed"):
            open_submission(tmp_path / "s.zip")

    def test_members_that_overlap(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "s.zip", "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("first", b"x" * 500)
            archive.writestr("other", b"y" * 500)
        data = bytearray((tmp_path / "s.zip").read_bytes())
        entry = data.rindex(b"PK\1\2")
        data[entry + 42 : entry + 46] = struct.pack("<I", 10)  # the second begins within the first
        (tmp_path / "s.zip").write_bytes(data)
        with pytest.raises(SubmissionError, match=r"overlap|[Oo]verlap"):
            open_submission(tmp_path / "s.zip")

    @pytest.mark.slow
    def test_a_hundred_thousand_entries(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
            for number in range(11_000):
                archive.writestr(f"{number}", b"")
        with pytest.raises(SubmissionError, match="11,000 entries, and 10,000 entries are allowed"):
            open_submission(tmp_path / "s.zip")
        # A directory of 10⁵ entries, and one that lies about their number, are refused before they are read.
        one = b"PK\1\2" + bytes(42) + b"n"
        for said in (100_000 % 65536, 3):
            directory = one * 120_000
            end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, said, said, len(directory), 0, 0)
            (tmp_path / "t.zip").write_bytes(directory + end)
            with pytest.raises(SubmissionError, match="10,000 entries are allowed"):
                open_submission(tmp_path / "t.zip")

    def test_a_count_that_lies(self, tmp_path, monkeypatch):
        monkeypatch.setattr(archives, "MOST_ENTRIES", 10)
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
            for number in range(12):
                archive.writestr(f"{number}", b"")
        data = bytearray((tmp_path / "s.zip").read_bytes())
        end = data.rindex(b"PK\5\6")
        data[end + 8 : end + 12] = struct.pack("<HH", 3, 3)
        (tmp_path / "s.zip").write_bytes(data)
        with pytest.raises(SubmissionError, match="12 entries, and 10 are allowed"):
            open_submission(tmp_path / "s.zip")

    def test_zip64_counts_are_read(self, tmp_path):
        record = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 10**5, 10**5, 50, 0)
        locator = struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        (tmp_path / "s.zip").write_bytes(record + locator + end)
        with pytest.raises(SubmissionError, match="100,000 entries"):
            open_submission(tmp_path / "s.zip")

    def test_damaged_data_are_named(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "s.zip", "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("a/good", b"fine")
            archive.writestr("bad", b"marker" * 50)
        data = (tmp_path / "s.zip").read_bytes().replace(b"marker", b"broken", 1)
        (tmp_path / "s.zip").write_bytes(data)
        with pytest.raises(SubmissionError, match="bad is damaged"):
            open_submission(tmp_path / "s.zip").unpack(tmp_path / "new")

    @pytest.mark.parametrize(
        "content", [b"", b"no zip at all", b"PK\5\6" + bytes(10), b"x" * 50 + b"PK\5\6" + b"\xff" * 8]
    )
    def test_no_zip(self, tmp_path, content):
        (tmp_path / "s.zip").write_bytes(content)
        with pytest.raises(SubmissionError, match="zip"):
            open_submission(tmp_path / "s.zip")

    def test_a_directory_that_cannot_be_read(self, tmp_path):
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, 46, 0, 0)
        (tmp_path / "s.zip").write_bytes(b"?" * 46 + end)
        with pytest.raises(SubmissionError, match="no readable zip"):
            open_submission(tmp_path / "s.zip")


class TestHostileFolder:
    def test_nothing_there(self, tmp_path):
        with pytest.raises(SubmissionError, match="no such file or folder"):
            open_submission(tmp_path / "none")

    @pytest.mark.skipif(os.name == "nt", reason="links and pipes need rights on Windows")
    @pytest.mark.parametrize(
        ("make", "fault"),
        [
            (lambda path: path.symlink_to("/etc/passwd"), "is a link"),
            (lambda path: path.symlink_to("/etc"), "is a link"),
            (os.mkfifo if hasattr(os, "mkfifo") else None, "device, pipe or socket"),
        ],
    )
    def test_links_and_pipes(self, tmp_path, make: Callable[[Path], None], fault):
        make(tmp_path / "odd")
        with pytest.raises(SubmissionError, match=fault):
            open_submission(tmp_path)

    def test_limits(self, tmp_path, monkeypatch):
        for number in range(5):
            (tmp_path / f"{number}").write_bytes(b"12345")
        monkeypatch.setattr(archives, "MOST_BYTES", 20)
        with pytest.raises(SubmissionError, match="25 bytes, and 20 are allowed"):
            open_submission(tmp_path)
        monkeypatch.setattr(archives, "MOST_ENTRIES", 4)
        with pytest.raises(SubmissionError, match="more than 4 entries"):
            open_submission(tmp_path)

    @pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="links are followed here")
    def test_a_link_that_takes_a_files_place(self, tmp_path):
        (tmp_path / "s").mkdir()
        (tmp_path / "s" / "x").write_bytes(b"12345")
        submission = open_submission(tmp_path / "s")
        (tmp_path / "s" / "x").unlink()
        (tmp_path / "s" / "x").symlink_to("/etc/passwd")
        with pytest.raises(OSError, match="symbolic links"):
            submission.read("x")

    @pytest.mark.parametrize(("content", "fault"), [(b"1234567", "longer"), (b"1", "shorter")])
    def test_a_file_that_changes(self, tmp_path, content, fault):
        (tmp_path / "s").mkdir()
        (tmp_path / "s" / "x").write_bytes(b"12345")
        submission = open_submission(tmp_path / "s")
        (tmp_path / "s" / "x").write_bytes(content)
        with pytest.raises(SubmissionError, match=fault):
            submission.unpack(tmp_path / "out")


@given(st.text(st.sampled_from("ab./\\:~é \x00C"), min_size=1, max_size=12))
def test_a_name_without_fault_stays_inside(name):
    if name_fault(name) is None:
        place = Path(os.path.normpath(Path("/root/folder") / name))
        assert place.is_relative_to("/root/folder")
        assert place != Path("/root/folder")
