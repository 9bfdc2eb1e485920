"""``validate`` on the command line."""

from __future__ import annotations

import json


def test_validate_shows_everything_held_out(call, files, tmp_path):
    common = ("validate", files.train, "--images", files.images, "--embeddings", files.train_embeddings)
    answer = call(*common, "--protocol", "record", "--resamples", 20, "--out", tmp_path / "v")
    assert answer.code == 0
    assert "one record out" in answer.out
    assert "constant" in answer.out  # the control knows nothing of a record that is hidden, and that is shown
    assert "ridge less record only" in answer.out
    assert "\nridge        mean" in answer.out
    assert answer.err.startswith("fitting: ")
    assert (tmp_path / "v" / "validation.json").is_file()
    assert call(*common, "--out", tmp_path / "v").code == 2


def test_validate_as_json_and_crosses_that_are_made_or_not(call, files):
    common = ("validate", files.train, "--detector", "svm", "--embeddings", files.train_embeddings)
    answer = call(*common, "--resamples", 20, "--json")
    assert json.loads(answer.out)["rows"][0]["note"] == "made crosses"
    shown = call(*common, "--resamples", 20)
    assert "made crosses: with the cross hidden" in shown.err
    none = call(*common, "--resamples", 20, "--no-made-crosses")
    assert "not applicable: training has no hybrids when 8 x 9 is held out" in none.out
    assert "false alarms" not in none.out  # a column that no row has


def test_an_unknown_protocol_is_one_line(call, files):
    answer = call("validate", files.train, "--images", files.images, "--protocol", "batch")
    assert answer.code == 2
    assert "Unknown protocol 'batch'" in answer.err


def test_evaluate_shows_intervals_and_what_is_left_without_another_table(call, files, tmp_path):
    part = tmp_path / "part.csv"
    lines = files.test.read_text().splitlines()
    part.write_text("\n".join([lines[0], *lines[1::2]]) + "\n")
    common = ("evaluate", files.run, files.test, "--images", files.images, "--embeddings", files.test_embeddings)
    answer = call(*common, "--minus", part, "--resamples", 20)
    assert answer.code == 0
    assert "95 % intervals: 20 resamples of" in answer.out
    assert "without part.csv" in answer.out
    assert "svm less knn" in answer.out
    assert "challenge score, both on the same resamples" in answer.out
    assert "without part.csv" not in call(*common, "--resamples", 20).out


def test_predict_says_what_its_threshold_and_a_flag_are_worth(call, files, tmp_path):
    from PIL import Image

    image = sorted(files.images.iterdir())[0]
    Image.new("RGB", (64, 48), (255, 255, 255)).save(tmp_path / "empty.png")
    common = ("predict", files.run, image, tmp_path / "empty.png", "--no-cache", "--tnr", 0.9)
    answer = call(*common, "--prevalence", 0.1)
    assert answer.code == 0
    assert "the threshold is set for a true-negative rate of 0.9:" in answer.out
    assert "where 10 % are hybrids, a flagged image is one with probability" in answer.out
    assert "no specimen was found in the picture" in answer.out
    assert "cannot tell" in answer.out
    assert "where 10 %" not in call(*common).out
    assert call(*common, "--prevalence", 2).code == 2


def test_predict_of_a_run_of_before_says_what_it_does_not_know(call, files, tmp_path):
    import shutil

    shutil.copytree(files.run, tmp_path / "old")
    for name in ("typicality.npz", "parents.npz"):
        (tmp_path / "old" / name).unlink()
    image = sorted(files.images.iterdir())[0]
    answer = call("predict", tmp_path / "old", image, "--no-cache", "--tnr", 0.9)
    assert answer.code == 0
    assert answer.err.count("this run does not know") == 2
    shown = call(
        "evaluate", tmp_path / "old", files.test, "--images", files.images, "--embeddings", files.test_embeddings
    )
    assert shown.err.count("this run does not know") == 2


def test_a_backbone_that_did_not_make_the_embeddings_is_refused(call, files):
    weights = files.images  # a folder, but of no model: no model is loaded to say that it did not make them
    done = call(
        "validate", files.train, "--images", files.images, "--embeddings", files.train_embeddings,
        "--backbone", f"local:{weights}",
    )  # fmt: skip
    assert done.code == 2
    assert "leave out --backbone" in done.err
