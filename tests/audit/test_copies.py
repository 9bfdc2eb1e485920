"""Copies among photographs: planted, and none where there are none."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from hybridwing.audit.copies import CopyGroup, copy_finding, find_copies, fingerprint, fingerprint_images
from hybridwing.images.listed import ImageFolder

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.simulate.collection import SimulatedCollection


@pytest.fixture
def folder(tmp_path: Path, collection: SimulatedCollection) -> Path:
    """Six different photographs."""
    for path in sorted(collection.images.iterdir())[:6]:
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


def _found(folder: Path) -> list[CopyGroup]:
    names = sorted(path.name for path in folder.iterdir())
    made, unreadable = fingerprint_images(ImageFolder(folder), {name: name for name in names})
    assert not unreadable
    return find_copies(made)


def test_different_specimens_of_one_stand_are_no_copies(collection: SimulatedCollection) -> None:
    assert _found(collection.images) == []


def test_one_file_under_two_names(folder: Path) -> None:
    first = min(folder.iterdir())
    shutil.copy(first, folder / "zz_again.jpg")
    assert _found(folder) == [CopyGroup("file", (first.name, "zz_again.jpg"))]


def test_one_picture_with_other_metadata(folder: Path) -> None:
    first = min(folder.iterdir())
    data = first.read_bytes()
    comment = b"scanned again"
    (folder / "zz_comment.jpg").write_bytes(
        data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]
    )
    assert _found(folder) == [CopyGroup("pixels", (first.name, "zz_comment.jpg"))]


@pytest.mark.parametrize("change", ["quality", "size", "light", "png"])
def test_one_picture_saved_again(folder: Path, change: str) -> None:
    first = min(folder.iterdir())
    with Image.open(first) as opened:
        image = opened.convert("RGB")
    if change == "size":
        image = image.resize((image.width * 3 // 4, image.height * 3 // 4))
    if change == "light":
        image = image.point(lambda level: min(255, int(level * 1.1)))
    image.save(folder / f"zz.{'png' if change == 'png' else 'jpg'}", quality=60 if change == "quality" else 90)
    (group,) = _found(folder)
    assert (group.likeness, group.uuids[0]) == ("pixels" if change == "png" else "picture", first.name)


def test_three_copies_are_one_group(folder: Path) -> None:
    first = min(folder.iterdir())
    shutil.copy(first, folder / "zz_a.jpg")
    with Image.open(first) as opened:
        opened.convert("RGB").save(folder / "zz_b.jpg", quality=60)
    assert _found(folder) == [CopyGroup("picture", (first.name, "zz_a.jpg", "zz_b.jpg"))]


def test_blank_pictures_are_copies_only_if_they_are_equal(tmp_path: Path) -> None:
    for name, level in (("a.png", 10), ("b.png", 200), ("c.png", 200)):
        Image.new("RGB", (40, 30), (level, level, level)).save(tmp_path / name)
    assert _found(tmp_path) == [CopyGroup("file", ("b.png", "c.png"))]


def test_what_cannot_be_read_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("<html>")
    names = ("empty.jpg", "text.jpg", "gone.jpg")
    made, bad = fingerprint_images(ImageFolder(tmp_path), {name: name for name in names})
    assert made == []
    assert [(one.uuid, one.missing) for one in bad] == [("empty.jpg", False), ("text.jpg", False), ("gone.jpg", True)]
    assert "0 bytes" in bad[0].reason


def test_a_file_that_goes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")

    def gone(path: Path) -> str:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("hybridwing.audit.copies.file_digest", gone)
    assert fingerprint(tmp_path / "a.png", "a").reason == "open: No such file or directory"  # type: ignore[union-attr]


def test_progress(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    names = {path.name: path.name for path in sorted(folder.iterdir())[:2]}
    fingerprint_images(ImageFolder(folder), names, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 2), (2, 2)]


def test_near_pictures_are_found_across_blocks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, path in enumerate(sorted(folder.iterdir())[:3]):
        with Image.open(path) as opened:
            opened.convert("RGB").save(folder / f"zz{number}.jpg", quality=60)
    whole = _found(folder)
    monkeypatch.setattr("hybridwing.audit.copies._BLOCK", 2)
    assert _found(folder) == whole
    assert len(whole) == 3


def test_copies_in_two_tables_are_serious() -> None:
    groups = [CopyGroup("file", ("a", "b")), CopyGroup("picture", ("c", "d", "e"))]
    same = dict.fromkeys("abcde", "mine.csv: x")
    mild = copy_finding(groups, same, 10)
    bad = copy_finding(groups, {**same, "b": "test.csv: x"}, 10)
    assert (mild.severity, bad.severity) == ("caution", "serious")
    assert bad.headline.startswith("3 images of 10 repeat another; 1 group")
    assert copy_finding([], {}, 10).severity == "clear"
