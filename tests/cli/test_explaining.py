"""Pages are written from the command line, and refused before the work where they cannot be."""

from __future__ import annotations

import shutil

import pytest


@pytest.mark.slow
def test_a_page_of_reasons_of_a_run_and_of_a_prediction(call, files, tmp_path):
    drawer = tmp_path / "drawer"
    drawer.mkdir()
    for path in sorted(files.images.iterdir())[:2]:
        shutil.copy(path, drawer)
    why = call("explain", files.run, drawer, "--out", tmp_path / "why", "--workers", 1, "--no-cache")
    assert why.code == 0, why.err
    assert why.out.count("score 0.") == 2
    assert why.out.splitlines()[-1] == f"{tmp_path / 'why' / 'explanation.html'}: 2 images"
    assert len(list((tmp_path / "why").glob("*-photograph.png"))) == 2

    again = call("explain", files.run, drawer, "--out", tmp_path / "why")
    assert again.code == 2
    assert "exists" in again.err

    page = tmp_path / "ranked.html"
    ranked = call("predict", files.run, drawer, "--report", page, "--tnr", 0.8, "--workers", 1, "--no-cache")
    assert ranked.code == 0, ranked.err
    assert ranked.out.splitlines()[-1] == f"{page}: open it in a browser"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_a_run_is_reported_on_its_own_images_and_on_a_reference(call, files, tmp_path):
    own = call("report", files.run, "--out", tmp_path / "own.html")
    assert (own.code, own.err) == (0, "")
    assert "held-out images of train.csv" in own.out
    other = tmp_path / "other.html"
    answer = call("report", files.run, "--reference", files.test, "--embeddings", files.test_embeddings, "--out", other)
    assert answer.code == 0
    assert "challenge score" in other.read_text(encoding="utf-8")
    lacking = call("report", files.run, "--reference", files.test, "--out", other, "--overwrite")
    assert lacking.code == 2
    assert "--images" in lacking.err


def test_a_page_has_a_name_that_ends_as_pages_do(call, files, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("kept")
    for verb in (("report", files.run, "--out"), ("predict", files.run, files.images, "--report")):
        answer = call(*verb, table)
        assert answer.code == 2
        assert "does not end in .html" in answer.err
    assert table.read_text() == "kept"
