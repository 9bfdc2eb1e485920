"""A project keeps whatever it was told, whoever else has it open."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.app.project import Decision, Looks, Project
from hybridwing.backbones.base import BackboneSpec
from hybridwing.embeddings.table import EmbeddingTable, Fallback
from hybridwing.errors import RunError
from hybridwing.runs.run import load_run

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Trained


@pytest.fixture
def project(tmp_path: Path, trained: Trained) -> Project:
    made = Project(tmp_path / "desk", trained.run)
    made.add(trained.photographs[:4])
    return made


def test_it_begins_with_a_copy_of_the_run(project: Project, trained: Trained) -> None:
    assert project.run().manifest == load_run(trained.run).manifest
    assert project.run().folder.is_relative_to(project.folder)


def test_photographs_stand_once(project: Project, trained: Trained) -> None:
    assert project.add(trained.photographs[:6]) == 2
    assert project.counts() == (0, 0, 6)


def test_the_likeliest_come_first_then_what_cannot_be_told_then_what_waits(project: Project) -> None:
    project.keep_scores([(1, 0.2, "", Looks()), (2, 0.9, "", Looks()), (3, 0.99, "upside down", Looks())])
    assert [one.id for one in project.specimens()] == [2, 1, 3, 4]
    assert [number for number, _ in project.waiting()] == [4]


def test_looks_and_embeddings_come_back(project: Project) -> None:
    looks = Looks((("venus", 0.75), ("cyrbia", 0.25)), ("cyrbia", "venus"), 0.5)
    upside_down = Fallback("1", "specimen", 0.75, "upside down")
    vectors = np.arange(3, dtype=np.float32)[None]
    table = EmbeddingTable(("1",), vectors, BackboneSpec.elsewhere(3), fallbacks=(upside_down,))
    project.keep_scores([(1, 0.5, "", looks)], [(2, "empty")], table)
    assert next(one for one in project.specimens() if one.id == 1).looks == looks
    assert next(one for one in project.specimens() if one.id == 2).failure == "empty"
    np.testing.assert_array_equal(project.vectors()[1], [0, 1, 2])
    assert project.fallbacks() == {1: upside_down}


def test_the_last_decision_stands_and_can_be_undone(project: Project) -> None:
    for choice, who in (("hybrid", "ana"), ("unsure", "ana"), ("non-hybrid", "ben")):
        project.decide(Decision(1, choice, who=who), {})
    assert project.decisions()[1].choice == "non-hybrid"
    undone = project.undo("ana")
    assert undone is not None
    assert (undone.specimen, undone.choice) == (1, "non-hybrid")  # Ben's stands
    undone = project.undo("ben")
    assert undone is not None
    assert undone.choice == "hybrid"
    project.undo("ana")
    assert project.decisions()[1].choice == ""
    assert project.undo("ana") is None


def test_another_process_sees_what_was_decided(project: Project) -> None:
    other = Project(project.folder)
    first = other.decide(Decision(2, "hybrid", "a x b", "a note", "ana"), {"score": 0.9})
    assert project.decisions()[2] == first
    assert project.decisions(after=first.id) == {}


def test_it_can_be_moved(project: Project, tmp_path: Path, trained: Trained) -> None:
    own = project.folder / "photographs" / "own.jpg"
    shutil.copyfile(trained.photographs[5], own)
    project.add([own])
    project.decide(Decision(5, "hybrid"), {})
    project.close()
    moved = Project(shutil.move(project.folder, tmp_path / "elsewhere"))
    assert moved.specimens()[4].path.is_file()
    assert moved.decisions()[5].choice == "hybrid"


def test_facts_are_found_by_name_with_and_without_the_ending(project: Project, trained: Trained) -> None:
    first, second = (path.name for path in trained.photographs[:2])
    assert project.add_facts({first.upper(): {"sex": "f"}, second.rpartition(".")[0]: {"sex": "m"}, "x": {}}) == 2
    assert [one.facts for one in project.specimens()][:2] == [{"sex": "f"}, {"sex": "m"}]


def test_what_cannot_be_a_project_is_refused(tmp_path: Path, trained: Trained) -> None:
    with pytest.raises(RunError, match="no project yet"):
        Project(tmp_path / "none")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="not empty"):
        Project(tmp_path / "full", trained.run)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "desk.sqlite").write_text("no database at all, but long enough to be looked at" * 20)
    with pytest.raises(RunError, match="cannot be opened"):
        Project(tmp_path / "broken")


def test_a_newer_project_is_refused(project: Project) -> None:
    project.set_setting("format_version", "2")
    project.close()
    with pytest.raises(RunError, match="newer"):
        Project(project.folder)


def test_an_unknown_choice_is_refused(project: Project) -> None:
    with pytest.raises(RunError, match="one of hybrid"):
        project.decide(Decision(1, "maybe"), {})
