"""What is said beside scores: rankings that are upside down, what a table cannot give, how sure a difference is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridwing.cli import show as console
from hybridwing.evaluation.metrics import detection_metrics

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def table(tmp_path: Path):
    """A reference with predictions that are right; `hybrids` of each group."""

    def make(major: int = 10, minor: int = 10, mimic: int = 10):
        reference = ["CAMID,filename,hybrid_stat,ssp_indicator,subspecies_ref,file_url,X"]
        right, turned = [], []
        rng = np.random.default_rng(1)
        for group, hybrids in (("major", major), ("minor", minor), ("mimic", mimic)):
            for number in range(30):
                label, name = int(number < hybrids), f"{group}{number}.jpg"
                url = f"https://zenodo.org/record/1/files/{name}"
                reference.append(f"S{group}{number},{name},{label},{group},a,{url},{number}")
                score = round(0.5 * label + 0.4 * float(rng.random()), 4)
                right.append(f"{name},{score}")
                turned.append(f"{name},{1 - score:.4f}")
        files = {"ref.csv": reference, "right.txt": right, "turned.txt": turned}
        for name, lines in files.items():
            (tmp_path / name).write_text("\n".join(lines) + "\n")
        return tmp_path / "ref.csv", tmp_path / "right.txt", tmp_path / "turned.txt"

    return make


def test_score_says_that_a_ranking_is_upside_down(call, table):
    reference, right, turned = table()
    assert call("score", right, reference).err == ""
    answer = call("score", turned, reference)
    assert answer.code == 0
    assert (
        "these scores rank non-hybrids first (ROC AUC 0.00, 0.00 to 0.11); 1 − score gives a challenge score of 1.000"
        in (answer.err)
    )
    assert "rank non-hybrids first among the non-signal images" in answer.err
    assert "--lower-is-hybrid" in answer.err
    assert call("score", turned, reference, "--lower-is-hybrid").err == ""
    assert json.loads(call("score", turned, reference, "--json").out)["challenge_score"] == 0


def test_score_keeps_the_official_zero_and_says_that_it_was_not_measured(call, table):
    reference, right, _ = table(mimic=0)
    answer = call("score", right, reference)
    assert "mimic_recall" in answer.out
    assert "0.000000" in answer.out
    assert "the table has no mimic hybrids" in answer.err


def test_leaderboard_says_what_a_table_cannot_tell(call, table, tmp_path):
    reference, right, turned = table(minor=1, mimic=0)
    answer = call(
        "leaderboard", right, turned, "--reference", reference, "--resamples", 50, "--out", tmp_path / "board"
    )
    assert answer.code == 0
    assert "1.000 [0.21, 1.00]" in answer.out  # one non-signal hybrid of one
    assert "100%" not in answer.out
    assert "–" in answer.out
    assert "–: not measured, since the table has no mimic hybrids" in answer.err
    assert "no difference is claimed in non-signal recall" in answer.err
    assert "the scores of turned rank non-hybrids first" in answer.err
    page = (tmp_path / "board" / "leaderboard.html").read_text()
    assert "The scores of turned rank non-hybrids first" in page
    assert "mimic_recall,,,,,,\n" in (tmp_path / "board" / "leaderboard.csv").read_text()


def test_a_recall_without_hybrids_is_a_dash_with_a_sentence(capsys):
    console.show_metrics("x", {"svm": detection_metrics([0.1, 0.2], [0, 0])})
    shown = capsys.readouterr()
    assert shown.out.split()[-5:] == ["1.000", "–", "–", "–", "–"]
    assert "takes both hybrids and non-hybrids" in shown.err


def test_progress_never_tells_a_pace_of_nothing(capsys, monkeypatch):
    monkeypatch.setattr(console, "_PLAIN_INTERVAL", 0.0)
    with console.progress("resampling") as report:
        report(2000, 2000)
    with console.progress("fitting") as report:
        report(0, 3)
    shown = capsys.readouterr().err
    assert shown == "resampling: 2000 of 2000\nfitting: 0 of 3\n"
