from __future__ import annotations

import os
from pathlib import Path

import pytest

from hybridwing.errors import HybridwingError, ImageError
from hybridwing.images.decode import read_bytes
from hybridwing.images.find import SUFFIXES, find_images


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.png", "deep/er/c.tif", "notes.md", ".hidden.png", ".cache/d.png", "__MACOSX/._b.JPG"):
        path = tmp_path / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "photographs" / "folder.png").mkdir()
    return tmp_path / "photographs"


def test_folders_are_searched_in_order_and_hidden_files_left_out(folder):
    found = find_images([folder]).images
    assert [p.relative_to(folder).as_posix() for p in found] == ["a.png", "b.JPG", "deep/er/c.tif"]


def test_files_named_outright_are_taken_whatever_they_are_called(folder):
    named = [folder / "notes.md", folder / ".hidden.png"]
    assert list(find_images(named).images) == named


def test_nothing_is_listed_twice_and_the_order_of_places_is_kept(folder):
    found = find_images([folder / "deep", folder / "b.JPG", folder, folder / "b.JPG"]).images
    assert [p.name for p in found] == ["c.tif", "b.JPG", "a.png"]


def test_a_hidden_folder_may_be_named(folder):
    assert [p.name for p in find_images([folder / ".cache"]).images] == ["d.png"]


def test_any_iterable_of_places_will_do(folder, tmp_path):
    assert len(find_images(iter([folder])).images) == 3
    (tmp_path / "empty").mkdir()
    with pytest.raises(HybridwingError, match=r"no images found in .*empty; looked for names ending in \.bmp, \.gif"):
        find_images(place for place in [tmp_path / "empty"])


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(HybridwingError, match=r"absent: no such file or folder; name an image"):
        find_images([tmp_path / "absent"])
    with pytest.raises(HybridwingError, match="no images found in nothing"):
        find_images([])


def test_every_format_that_is_read_is_also_found(tmp_path):
    for suffix in SUFFIXES:
        (tmp_path / f"x{suffix.upper()}").write_bytes(b"x")
    assert len(find_images([tmp_path]).images) == len(SUFFIXES)


def test_one_file_is_one_image_however_it_is_named(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    found = find_images([Path("photographs"), folder, Path("photographs/./b.JPG")])
    names = ["a.png", "b.JPG", "deep/er/c.tif"]
    assert [p.as_posix() for p in found.images] == [f"photographs/{name}" for name in names]


def test_files_that_are_not_looked_at_are_said(folder):
    (folder / "raw.CR2").write_bytes(b"x")
    assert [p.name for p in find_images([folder]).left_out] == ["notes.md", "raw.CR2"]
    assert [p.name for p in find_images([folder, folder / "notes.md"]).left_out] == ["raw.CR2"]


def names(found: tuple[Path, ...], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in found]


def test_what_cannot_be_read_is_found_and_says_why(folder):
    """A folder of git-annex holds links to content that is not there."""
    (folder / "gone.jpg").symlink_to(".git/annex/objects/x.jpg")
    (folder / "gone too.jpg").symlink_to(".git/annex/objects/x.jpg")
    (folder / "round.png").symlink_to("round.png")
    os.mkfifo(folder / "pipe.tif")
    (folder / "lost").symlink_to("nowhere")
    os.mkfifo(folder / "queue")
    found = find_images([folder, folder / "deep" / ".."])
    broken = ["gone too.jpg", "gone.jpg", "pipe.tif", "round.png"]
    assert names(found.images, folder) == sorted(["a.png", "b.JPG", "deep/er/c.tif", *broken])
    assert names(found.left_out, folder) == ["lost", "notes.md", "queue"]
    for name in broken:
        with pytest.raises(ImageError, match=r"no such file|is not a regular file|cannot be read"):
            read_bytes(folder / name)


def test_linked_folders_are_searched_once(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e.png").write_bytes(b"x")
    (folder / "album").symlink_to(tmp_path / "elsewhere")
    (folder / "a link to deep").symlink_to("deep")
    (folder / ".hidden link").symlink_to(tmp_path / "elsewhere")
    (folder / "deep" / "up").symlink_to("..")
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    found = find_images([folder])
    assert names(found.images, folder) == ["a.png", "album/e.png", "b.JPG", "deep/er/c.tif"]
    assert names(found.left_out, folder) == ["notes.md"]


def test_folders_that_cannot_be_read_are_named(folder):
    locked = folder / "deep" / "locked"
    locked.mkdir()
    locked.chmod(0)
    hidden = folder / ".trash"
    hidden.mkdir()
    hidden.chmod(0)
    try:
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read everything")
        with pytest.raises(HybridwingError, match=r"folders that cannot be read: .*deep/locked \(Permission denied\)"):
            find_images([folder])
        assert names(find_images([folder / "deep" / "er"]).images, folder) == ["deep/er/c.tif"]
    finally:
        locked.chmod(0o700)
        hidden.chmod(0o700)


def test_the_search_ends_where_the_system_refuses(folder, monkeypatch):
    """As the one above, for a user who may read everything."""
    real = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "er":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(
        HybridwingError, match=r"^folders that cannot be read: .*deep/er \(Permission denied\); make them readable"
    ):
        find_images([folder])


def test_a_folder_that_may_be_listed_and_no_more(folder, monkeypatch):
    real = Path.exists

    def refusing(path: Path) -> bool:
        if path.name == "c.tif":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "exists", refusing)
    assert names(find_images([folder]).images, folder) == ["a.png", "b.JPG", "deep/er/c.tif"]


def test_camera_raw_files_are_left_out_and_told_of_where_there_is_nothing_else(folder):
    raw = folder / "raw" / "DSC_1.NEF"
    raw.parent.mkdir()
    raw.write_bytes(b"II*\0")
    assert raw in find_images([folder]).left_out
    with pytest.raises(HybridwingError, match="of 1 camera raw files there, export JPEGs or TIFFs"):
        find_images([raw.parent])
