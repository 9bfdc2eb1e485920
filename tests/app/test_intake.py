"""What is dropped onto the desk is taken in safely or refused by name."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from hybridwing.app import intake
from hybridwing.app.intake import take_in
from hybridwing.app.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Trained


@pytest.fixture
def project(tmp_path: Path, trained: Trained) -> Project:
    return Project(tmp_path / "desk", trained.run)


def names(project: Project) -> set[str]:
    return {path.name for path in (project.folder / "photographs").iterdir()}


@pytest.mark.parametrize("name", ["../../evil.jpg", "..\\evil.jpg", "/etc/evil.jpg", "\x00evil.jpg", ".evil.jpg"])
def test_names_lead_nowhere(project: Project, trained: Trained, name: str) -> None:
    taken = take_in(project, name, trained.photographs[0])
    assert (taken.photographs, taken.refused) == (1, [])
    assert [one.path.parent for one in project.specimens()] == [project.folder / "photographs"]


def test_the_same_name_twice_is_two_photographs(project: Project, trained: Trained) -> None:
    for path in trained.photographs[:2]:
        assert take_in(project, "a.jpg", path).photographs == 1
    assert len(names(project)) == 2


def test_markup_in_a_name_is_no_part_of_a_file_name(project: Project, trained: Trained) -> None:
    take_in(project, "<img src=x onerror=alert(1)>.jpg", trained.photographs[0])
    assert names(project) == {"_img src=x onerror=alert(1)_.jpg"}


def test_an_archive_gives_its_photographs(project: Project, trained: Trained, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(trained.photographs[0], "deep/../../one.jpg")
        archive.write(trained.photographs[1], "two.JPG")
        archive.writestr("__MACOSX/._one.jpg", b"litter")
        archive.writestr("readme.txt", b"text")
    assert take_in(project, "a.zip", tmp_path / "a.zip").photographs == 2
    assert names(project) == {"one.jpg", "two.JPG"}


def test_an_archive_is_read_to_a_limit(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.jpg", bytes(5_000_000))
        archive.writestr("small.jpg", b"x")
    monkeypatch.setattr(intake, "LARGEST_FILE", 1_000_000)
    taken = take_in(project, "bomb.zip", tmp_path / "bomb.zip")
    assert taken.photographs == 1
    assert taken.refused == ["bomb.zip, big.jpg: larger than 1,000,000 bytes, the most that is taken"]
    assert names(project) == {"small.jpg"}
    monkeypatch.setattr(intake, "MOST_FILES", 1)
    assert "2 files; 1 are the most" in take_in(project, "bomb.zip", tmp_path / "bomb.zip").refused[0]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.zip", b"no archive", "a.zip: File is not a zip file"),
        ("a.exe", b"MZ", "neither a photograph, a zip archive nor a spreadsheet"),
        ("a.csv", b"", "a.csv"),
        ("a.xlsx", b"PK\x03\x04 rubbish", "a.xlsx"),
    ],
)
def test_what_is_none_of_these_is_refused(
    project: Project, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / "upload").write_bytes(content)
    taken = take_in(project, name, tmp_path / "upload")
    assert taken.photographs == 0
    assert reason in taken.refused[0]


def test_a_spreadsheet_says_more_of_the_photographs(project: Project, trained: Trained, tmp_path: Path) -> None:
    take_in(project, "A1.jpg", trained.photographs[0])
    (tmp_path / "table").write_text(
        "Photo,Taxon,Locality\nA1.jpg,Heliconius erato venus,Cali\nB.jpg,H. erato venus,x\n"
    )
    assert take_in(project, "t.csv", tmp_path / "table").facts == 1
    assert project.specimens()[0].facts == {"Taxon": "Heliconius erato venus", "Locality": "Cali"}
    (tmp_path / "table").write_text("Photo,Taxon\nB.jpg,H. erato venus\n")
    assert take_in(project, "t.csv", tmp_path / "table").refused == [
        "the spreadsheet names no photograph that is on the desk"
    ]
