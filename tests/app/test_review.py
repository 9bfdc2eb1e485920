"""From photographs to scores, decisions, a refitted model and exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hybridwing.app.board import Board, Filter
from hybridwing.app.exports import write_contact_sheet, write_darwin_core, write_decisions
from hybridwing.app.learning import candidate, end_candidate, refit
from hybridwing.app.project import Decision, Project
from hybridwing.app.scoring import score_waiting, scores_of
from hybridwing.app.thresholds import Limit
from hybridwing.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Trained


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Board:
    folder = tmp_path_factory.mktemp("review")
    broken = folder / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff no photograph")
    project = Project(folder / "desk", trained.run)
    project.add([*trained.photographs[:10], broken])
    assert score_waiting(project) == 10
    return Board(project)


@pytest.mark.slow
def test_scores_are_those_of_predict(board: Board, trained: Trained) -> None:
    ranked = {image.path.name: image for image in board.project.run().predict(trained.photographs[:10]).images}
    for one in board.specimens[:10]:
        assert (one.score, one.reason) == (ranked[one.name].score, ranked[one.name].reason)
    assert board.specimens[10].failure.startswith("decode: ")
    assert board.project.waiting() == []


def test_a_photograph_that_went_is_a_failure(trained: Trained, tmp_path: Path) -> None:
    project = Project(tmp_path / "desk", trained.run)
    project.add([tmp_path / "gone.jpg"])
    assert score_waiting(project) == 0
    assert project.specimens()[0].failure == "the file is no longer there"


def test_a_doubt_about_the_view_outlives_another_scoring(trained: Trained, tmp_path: Path) -> None:
    project = Project(tmp_path / "desk", trained.run)
    Image.new("RGB", (120, 80), "white").save(tmp_path / "blank.png")
    project.add([trained.photographs[0], tmp_path / "blank.png"])
    assert score_waiting(project) == 2
    kept = {one.id: (one.score, one.reason) for one in project.specimens()}
    assert kept[2][1] == "no specimen was found in the picture"
    again = scores_of(project.run(), project.vectors(), project.fallbacks())
    assert {number: (score, reason) for number, score, reason, _ in again} == kept


def test_each_of_several_bad_photographs_has_its_own_reason(trained: Trained, tmp_path: Path) -> None:
    project = Project(tmp_path / "desk", trained.run)
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff no photograph")
    (tmp_path / "empty.jpg").touch()
    project.add([tmp_path / "cut.jpg", tmp_path / "empty.jpg"])
    assert score_waiting(project) == 0
    failures = {one.name: one.failure for one in project.specimens()}
    assert failures["cut.jpg"].startswith("decode: ")
    assert failures["empty.jpg"] == "open: the file is empty (0 bytes)"


def test_filters(board: Board) -> None:
    limit = Limit(0.9, sorted(board.scores())[-3])
    count = lambda **wanted: len(board.shown(Filter(**wanted), limit))  # noqa: E731
    assert count() == 11
    assert count(verdict="hybrid") + count(verdict="non-hybrid") + count(verdict="cannot tell") == 10
    assert count(verdict="failed") == 1
    assert count(text=board.specimens[0].name.upper()) == 1
    assert {one.id for one in board.shown(Filter(order="blind"), limit)} == {one.id for one in board.specimens}
    near = board.shown(Filter(order="near"), limit)
    assert {one.id for one in near} == {one.id for one in board.specimens}


def test_what_to_look_at_next_is_uncertain_and_unlike_what_was_seen(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = [one for one in board.specimens if one.score is not None]
    limit = Limit(0.9, scored[0].score or 0)
    # Two kinds of near-copies, of which the more uncertain half is of one kind.
    kinds = {one.id: np.array([10.0 * (place >= 5), 0.01 * place]) for place, one in enumerate(scored)}
    monkeypatch.setattr(board.project, "vectors", lambda: kinds)
    near = [one.id for one in board.shown(Filter(order="near"), limit)]
    assert {kinds[number][0] for number in near[:2]} == {0.0, 10.0}
    monkeypatch.setattr("hybridwing.app.board.TOGETHER", 3)
    assert near != [one.id for one in board.shown(Filter(order="near"), limit)]
    assert board.shown(Filter(order="near"), limit)[0].id in {one.id for one in scored[:3]}


def test_an_order_that_was_kept_does_not_move_with_decisions(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit(0.9, sorted(board.scores())[5])
    kinds = {one.id: np.array([10.0 * (one.id % 2), 0.01 * one.id]) for one in board.specimens if one.score is not None}
    monkeypatch.setattr(board.project, "vectors", lambda: kinds)
    places = board.uncertain_first(limit)
    before = [one.id for one in board.shown(Filter(order="near"), limit, places)]
    assert before == sorted(places, key=lambda number: places[number])
    monkeypatch.setattr(board, "decisions", {before[0]: Decision(before[0], "hybrid")})
    assert [one.id for one in board.shown(Filter(order="near"), limit, places)] == before
    anew = [one.id for one in board.shown(Filter(order="near"), limit)]
    assert anew != before
    left = [one.id for one in board.shown(Filter(order="near", decision="none"), limit, places)]
    assert left == before[1:]


def test_the_threshold_is_said_in_plain_numbers() -> None:
    said = Limit(0.95, 0.9).sentence([0.95, 0.91, 0.5, *[0.1] * 97])
    assert said.startswith("Of 100 pure specimens 5 are flagged. Here 2 of 100 are flagged")


def test_blind_decisions_measure_the_threshold(board: Board) -> None:
    best, worst = board.specimens[0], board.specimens[9]
    limit = Limit(0.9, (best.score or 0) - 0.01)
    assert board.measured(limit) == ""
    board.project.decide(Decision(best.id, "hybrid"), {"blind": True})
    board.project.decide(Decision(worst.id, "non-hybrid"), {"blind": True})
    board.update()
    assert "flags 1 of 1 hybrids and 0 of 1 others" in board.measured(limit)


def test_why_is_said_in_pictures_and_words(board: Board) -> None:
    said = board.why(board.specimens[0])
    assert "<p>" in said
    assert "data:image/webp" in said


def test_a_refitted_model_waits_until_it_is_taken(board: Board) -> None:
    project = board.project
    project.decide(Decision(board.specimens[1].id, "hybrid", "notabilis x lativitta", who="ana"), {})
    change = refit(project, 0.8)
    assert candidate(project) == change
    assert change.decisions == len([d for d in project.decisions().values() if d.choice])
    assert change.to_hybrid + change.to_non_hybrid + change.same <= 10 - change.decisions
    assert project.model == 1
    new = project.run(change.model)
    assert new.manifest.n_images == project.run(1).manifest.n_images + change.decisions
    end_candidate(project, take=True)
    assert project.model == change.model
    assert project.waiting() == []
    project.use_model(1)


def test_nothing_decided_is_nothing_to_learn(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nothing to learn from yet"):
        refit(Project(tmp_path / "desk", trained.run))


def test_exports(board: Board, tmp_path: Path) -> None:
    project, first = board.project, board.specimens[0]
    project.decide(Decision(first.id, "hybrid", "a x b", "=odd", "ana"), {})
    project.add_facts({first.name: {"locality": "Cali", "score": "own"}})
    limit = Limit(0.9, 0.5)
    write_decisions(project, limit, tmp_path / "d.xlsx")
    row = pd.read_excel(tmp_path / "d.xlsx", engine="openpyxl").iloc[0]
    assert list(row[["decision", "decided_name", "note", "locality", "own_score"]]) == [
        *("hybrid", "a x b", "=odd", "Cali", "own")
    ]
    write_darwin_core(project, limit, tmp_path / "dwc.csv")
    row = pd.read_csv(tmp_path / "dwc.csv").iloc[0]
    assert list(row[["identificationQualifier", "identificationVerificationStatus", "identifiedBy"]]) == [
        *("hybrid (a x b)", "verified by curator", "ana")
    ]
    write_contact_sheet(project, limit, tmp_path / "sheet.html")
    assert "a x b" in (tmp_path / "sheet.html").read_text(encoding="utf-8")
