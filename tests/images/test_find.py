from __future__ import annotations

from pathlib import Path

import pytest

from hybridwing.errors import HybridwingError
from hybridwing.images.find import SUFFIXES, find_images


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.png", "deep/er/c.tif", "notes.txt", ".hidden.png", ".cache/d.png", "__MACOSX/._b.JPG"):
        path = tmp_path / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "photographs" / "folder.png").mkdir()
    return tmp_path / "photographs"


def test_folders_are_searched_in_order_and_hidden_files_left_out(folder):
    found = find_images([folder]).images
    assert [p.relative_to(folder).as_posix() for p in found] == ["a.png", "b.JPG", "deep/er/c.tif"]


def test_files_named_outright_are_taken_whatever_they_are_called(folder):
    named = [folder / "notes.txt", folder / ".hidden.png"]
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
    assert [p.name for p in find_images([folder]).left_out] == ["notes.txt", "raw.CR2"]
    assert [p.name for p in find_images([folder, folder / "notes.txt"]).left_out] == ["raw.CR2"]
