from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybridwing.evaluation.challenge_score import LabelledScores, challenge_scores
from hybridwing.submission.rehearse.page import submission_html
from hybridwing.submission.rehearse.submission_run import IngestionReport, Stage, SubmissionRun

HOSTILE = "<script>alert(1)</script>"


def a_run(**changes) -> SubmissionRun:
    values = {
        "source": HOSTILE, "programs": "hybridwing", "interpreter": "Python 3.10", "protection": "network cut",
        "stages": (Stage("requirements", True, 0.1, "none"), Stage("ingestion", True, 30.0, HOSTILE)),
        "time_limit": 600.0,
        "ingestion": IngestionReport(
            stage="done", seconds={"predict": 30.0}, images=60, predicted=60, types={HOSTILE: 60},
        ),
        "scores": {"challenge_score": 0.5}, "notes": (HOSTILE,), "problem": "", "remedy": "",
    }  # fmt: skip
    return SubmissionRun(**{**values, **changes})


@pytest.fixture(scope="module")
def scored() -> LabelledScores:
    rng = np.random.default_rng(2)
    labels = np.tile([1, 0, 0, 0], 45).astype(np.int8)
    groups = np.repeat(["major", "minor", "mimic"], 60)
    scores = np.clip(0.3 + 0.3 * labels + rng.normal(0, 0.1, 180), 0.0001, 0.9999)
    return LabelledScores(scores, labels, groups, np.arange(180).astype(str))


def test_an_accepted_run_shows_scores_intervals_and_time(read_page, scored):
    record = challenge_scores(scored.scores, scored.labels, scored.groups)
    page = submission_html(a_run(scores=record.leaderboard()), HOSTILE, {}, scored)
    text = " ".join(read_page(page).text.split())
    assert "Codabench would accept and score this." in text
    assert f"{record.challenge_score:.3f}" in text
    assert "<svg" in page
    assert "15 signal, 15 non-signal, 15 mimic hybrids" in text
    assert "30.1 s of the 600 s" in text
    assert "500 ms an image" in text
    assert "would take about 1175 s" in text


def test_a_failed_run_shows_what_to_do_and_its_log(read_page):
    log = "\n".join(f"line {n}" for n in range(100)) + f"\n10%\r50%\rdone\x1b[2J {HOSTILE}" + "x" * 1000
    run = a_run(problem=f"predict failed: {HOSTILE}", remedy="mend it", scores=None)
    page = submission_html(run, "ref.csv", {"install": " ", "ingestion": log})
    text = read_page(page).text
    assert "This fails on Codabench." in text
    assert "What to do: mend it." in text
    assert "line 99" in text
    assert "line 5\n" not in text
    assert "lines before" in text
    assert "10%" not in text
    assert "\x1b" not in page
    assert "x" * 401 not in text
    assert "Log of the install" not in text


def test_a_sister_challenge_s_scores_are_shown_as_they_are(read_page):
    text = read_page(submission_html(a_run(scores={HOSTILE: 0.25}), "truth.csv", {})).text
    assert HOSTILE in text
    assert "0.25" in text


def test_scores_beyond_the_unit_interval_have_no_figure(scored):
    odd = replace(scored, scores=scored.scores * 10)
    assert "<svg" not in submission_html(a_run(), "ref.csv", {}, odd)


def test_a_run_beyond_the_limit_is_drawn_beyond_it():
    page = submission_html(a_run(time_limit=15.05, problem="took longer", remedy="be quick"), "ref.csv", {})
    assert "left: calc(50.000% - 2px)" in page
