"""File names of tables and of disks: one spelling of accents, and the file that is nearly the one that is not there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unicodedata import normalize

import pytest

from hybridwing.images.listed import ImageFolder, find_listed


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return ImageFolder(folder)


@pytest.mark.parametrize("disk", ["NFC", "NFD"])
@pytest.mark.parametrize("table", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["žlutý.jpg", "Ströme/Åsa é.jpg", "plain/ça.png", "한글.jpg"])
def test_accents_are_one_letter_or_two(tmp_path, disk, table, name):
    folder = put(tmp_path, normalize(disk, name))
    assert folder.locate(normalize(table, name)).is_file()


@pytest.mark.skipif(sys.platform == "darwin", reason="one name there")
def test_the_very_name_goes_first(tmp_path):
    names = [normalize(form, "é.jpg") for form in ("NFC", "NFD")]
    folder = put(tmp_path, *names)
    assert [folder.locate(name).name for name in names] == names


def test_what_is_not_there_keeps_its_name(tmp_path):
    assert ImageFolder(tmp_path).locate("é/none.jpg") == tmp_path / "é" / "none.jpg"


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("a/one.JPG", ["a/One.jpg"]),
        ("a/one.png", ["a/One.jpg"]),
        ("one.jpg", ["a/One.jpg"]),
        ("b/deep/ONE.tif", ["a/One.jpg"]),
        ("two.jpg", ["a/two.jpg", "b/two.jpg"]),
        ("a/two.png", ["a/two.jpg"]),
        (normalize("NFC", "c/ä.JPG"), [normalize("NFD", "c/Ä.jpg")]),
        ("three.jpg", []),
        ("notes.txt", []),
    ],
)
def test_the_file_that_is_nearly_it(tmp_path, asked, near):
    folder = put(tmp_path, "a/One.jpg", "a/two.jpg", "b/two.jpg", normalize("NFD", "c/Ä.jpg"), "other/notes.txt")
    assert folder.nearly(asked) == near
    assert bool(folder.hint(asked)) == bool(near)


def test_a_folder_is_listed_once(tmp_path, monkeypatch):
    folder, listed, walked = put(tmp_path, "é1.jpg", "d/é2.jpg"), [], []
    iterdir, walk = Path.iterdir, os.walk
    monkeypatch.setattr(Path, "iterdir", lambda path: listed.append(path) or iterdir(path))
    monkeypatch.setattr(os, "walk", lambda *a, **k: walked.append(a) or walk(*a, **k))
    for number in range(20):
        folder.locate(f"d/é{number}.jpg")
        folder.nearly(f"{number}.jpg")
    assert len(listed) == 2
    assert len(walked) == 1


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("ONE.JPG", "a/One.jpg"),
        ("one", "a/One.jpg"),
        ("One.jpeg", "a/One.jpg"),
        ("box/a/one", "a/One.jpg"),
        ("one.png", None),
        ("two.jpg", None),
        ("b/two", "b/two.jpg"),
        ("B/Two.JPG", "b/two.jpg"),
        (normalize("NFC", "ä"), normalize("NFD", "c/Ä.jpg")),
        ("v1.2", "a/v1.2.jpg"),
        ("v1", None),
    ],
)
def test_the_one_file_of_another_spelling_is_found(tmp_path, asked, found):
    folder = put(tmp_path, "a/One.jpg", "a/two.jpg", "b/two.jpg", normalize("NFD", "c/Ä.jpg"), "a/v1.2.jpg")
    located = folder.locate(asked)
    assert located.is_file() is (found is not None)
    assert folder.respelled == ({asked: found} if found else {})
    assert bool(folder.remark()) is (found is not None)


def test_another_folder_is_not_called_another_spelling(tmp_path):
    folder = put(tmp_path, "x/a.jpg", "y/b.jpg")
    folder.locate("a.jpg")
    assert folder.remark() == "1 files were found in another folder: 'a.jpg' is x/a.jpg"
    folder.locate("B")
    assert folder.remark().endswith("; 1 files were found by another spelling: 'B' is y/b.jpg")


def test_two_names_are_not_one_file(tmp_path):
    folder = put(tmp_path, "a.jpg")
    assert [folder.locate(name).is_file() for name in ("A", "a", "A")] == [True, False, True]


def test_an_ambiguous_name_is_told_its_candidates(tmp_path):
    folder = put(tmp_path, "x/a.jpg", "y/a.png")
    assert folder.hint("a") == "; it may be any of x/a.jpg, y/a.png: give its folder and ending in the table"


def test_the_files_of_a_table_are_counted(tmp_path):
    put(tmp_path, "a.jpg", "x/b.jpg", "x/c.jpg", "y/c.jpg", "y/e.jpg")
    listed = find_listed(tmp_path, ["a.jpg", "B", "c", "d.jpg", "e.jpg"])
    assert (listed.found, listed.respelled, listed.missing) == (3, {"B": "x/b.jpg"}, ["d.jpg"])
    assert listed.elsewhere == {"e.jpg": "y/e.jpg"}
    assert listed.ambiguous == {"c": ["x/c.jpg", "y/c.jpg"]}
