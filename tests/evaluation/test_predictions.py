from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridwing.errors import ScoringError
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.evaluation.reference import read_reference

if TYPE_CHECKING:
    from pathlib import Path

REFERENCE = "filename,hybrid_stat,ssp_indicator\na.jpg,0,major\nb.jpg,1,minor\nc.jpg,1,mimic\n"


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "predictions.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "names", "scores"),
    [
        ("a.jpg,0.5\nb.jpg,1\n", ["a.jpg", "b.jpg"], [0.5, 1.0]),
        ("a.jpg,0.5\r\nb.jpg,1e-3\r\n", ["a.jpg", "b.jpg"], [0.5, 0.001]),
        ("\ufeffa.jpg,0.5\n\n\nb.jpg, .25", ["a.jpg", "b.jpg"], [0.5, 0.25]),
        ('"a, left.jpg",0.5\n"b ""x"".jpg",-1\n', ["a, left.jpg", 'b "x".jpg'], [0.5, -1.0]),
        ("NA,0.5\nölflügel.jpg,0\n007,1\n", ["NA", "ölflügel.jpg", "007"], [0.5, 0.0, 1.0]),
    ],
)
def test_reads(write, content: str, names: list[str], scores: list[float]) -> None:
    found = read_predictions(write(content))
    assert found.filenames.tolist() == names
    assert found.scores.tolist() == scores


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\ufeff \r\n\n", "the file is empty"),
        ("a.jpg,1_0\n", "line 1: the score of a.jpg is '1_0'"),
        ("filename,score\na.jpg,0.5\n", "line 1: filename,score looks like a header"),
        ("a.jpg,0.5\nb.jpg,nan\n", "line 2: the score of b.jpg is 'nan', not a finite number"),
        ("a.jpg,nan\n", "line 1: the score of a.jpg is 'nan'"),
        ("a.jpg,0.5\nb.jpg,-inf\n", "line 2: the score of b.jpg is '-inf'"),
        ("a.jpg,0.5\nb.jpg,1e999\n", "line 2: the score of b.jpg is too large"),
        ("a.jpg,0.5\nb.jpg,\n", "line 2: the score of b.jpg is ''"),
        ("a.jpg,0.5\nb.jpg,high\n", "line 2: the score of b.jpg is 'high'"),
        ("a.jpg,0.5\nb.jpg,0,5\n", "line 2: 3 fields instead of 2"),
        ("a.jpg,0.5\nb.jpg,\u0663\n", "line 2: the score of b.jpg is"),
        ("a.jpg,0.5,x\nb.jpg,0.5,x\n", "line 1: 3 fields instead of 2 .quote a file name"),
        ("a.jpg\nb.jpg\n", "line 1: 1 fields instead of 2"),
        ("a.jpg 0.5\nb.jpg,0.5\n", "line 1: 1 fields"),
        ("a.jpg;0.5\nb.jpg;0.5\n", "line 1: the fields are separated by semicolons; the challenge reads commas"),
        ("a.jpg\t0.5\n \n", "line 1: the fields are separated by tabs.*line 2: 1 fields"),
        (",0.5\n", "line 1: the file name is missing"),
        ("a.jpg,0.5\nb.jpg,1\na.jpg,0.5\n", "line 3: a.jpg already has a prediction on line 1"),
        ('"a.jpg,0.5\nb.jpg,1\n', "unexpected end of data"),
        ("a.jpg,0\x005\n", "NUL byte"),
        (b"a\xff.jpg,0.5\n", "not a UTF-8 text file .byte 1"),
        ("a.jpg,0.5\n".encode("utf-16"), "not a UTF-8 text file"),
        ("".join(f"{i}.jpg,x\n" for i in range(1, 9)), "8 lines are not a usable .*; and 3 more"),
    ],
)
def test_refuses(write, content: str | bytes, message: str) -> None:
    with pytest.raises(ScoringError, match=message):
        read_predictions(write(content))


def test_refuses_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match="cannot be read: No such file"):
        read_predictions(tmp_path / "none.txt")
    with pytest.raises(ScoringError, match="cannot be read"):
        read_predictions(tmp_path)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_numbers_have_the_value_the_official_reader_gives_them(tmp_path: Path, scores: list[float]) -> None:
    text = "".join(f"{number}.jpg,{score!r}\n" for number, score in enumerate(scores))
    path = tmp_path / "numbers.txt"
    path.write_text(text)
    official = pd.read_csv(io.StringIO(text), header=None, names=["filename", "preds"])["preds"]
    if np.isfinite(official).all():
        assert read_predictions(path).scores.tolist() == official.astype(float).tolist()


def test_short_numbers_too(write) -> None:
    rng = np.random.default_rng(3)
    texts = [f"{value:.{digits}f}" for value in rng.normal(0, 50, 500) for digits in (0, 4, 11)]
    text = "".join(f"{number}.jpg,{score}\n" for number, score in enumerate(texts))
    official = pd.read_csv(io.StringIO(text), header=None, names=["filename", "preds"])["preds"]
    assert read_predictions(write(text)).scores.tolist() == official.tolist()


def test_aligns_by_name(write) -> None:
    predictions = read_predictions(write("c.jpg,3\na.jpg,1\nb.jpg,2\nd.jpg,4\n"))
    names = read_reference(write(REFERENCE, "reference.csv")).filenames
    assert predictions.aligned_to(names, allow_extra=True).tolist() == [1, 2, 3]
    with pytest.raises(ScoringError, match=r"1 predictions are for images .* list: d.jpg.*allow_extra=True"):
        predictions.aligned_to(names)


def test_missing_predictions_are_named(write) -> None:
    predictions = read_predictions(write("a.jpg,1\nx.jpg,1\ny.jpg,1\nz.jpg,1\n"))
    names = read_reference(write(REFERENCE, "reference.csv")).filenames
    with pytest.raises(ScoringError, match=r"2 of 3 images have no prediction: b.jpg, c.jpg\."):
        predictions.aligned_to(names, allow_extra=True)


def test_the_same_order_is_not_looked_up(write) -> None:
    predictions = read_predictions(write("a.jpg,3\nb.jpg,1\nc.jpg,2\n"))
    names = read_reference(write(REFERENCE, "reference.csv")).filenames
    assert predictions.aligned_to(names).tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("predicted", "hint"),
    [
        (" b.jpg,1\n", "' b.jpg' is predicted where the reference has 'b.jpg': correct the blanks"),
        ("b.jpg;0,5\n", "'b.jpg;0' looks as if its fields were separated by semicolons: .*decimal point"),
        ("x.jpg,1\n", r"one line 'filename,score'\.$"),
    ],
)
def test_missing_predictions_are_explained(write, predicted: str, hint: str) -> None:
    predictions = read_predictions(write("a.jpg,1\nc.jpg,1\n" + predicted))
    names = read_reference(write(REFERENCE, "reference.csv")).filenames
    with pytest.raises(ScoringError, match=hint):
        predictions.aligned_to(names)


def test_reads_reference(write) -> None:
    found = read_reference(write(REFERENCE))
    assert found.labels.tolist() == [0, 1, 1]
    assert found.labels.dtype == np.int8
    assert found.groups.tolist() == ["major", "minor", "mimic"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_reference_of_other_separators_and_floats(write, separator: str) -> None:
    text = REFERENCE.replace(",0,", ",0.0,").replace(",1,", ",1.0,").replace(",", separator)
    found = read_reference(write("\n" + text))
    assert found.filenames.tolist() == ["a.jpg", "b.jpg", "c.jpg"]
    assert found.labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,hybrid_stat\na.jpg,0\n", "filename and ssp_indicator not found among file, hybrid_stat"),
        ("filename,hybrid_stat,ssp_indicator\n", "a header but no rows"),
        (REFERENCE + "d.jpg,2,major\n", "hybrid_stat must be 0 or 1: line 5: '2'"),
        (REFERENCE + "d.jpg,,major\n", "hybrid_stat must be 0 or 1: line 5: ''"),
        (REFERENCE + "d.jpg,1,Major\n", "ssp_indicator must be .*: line 5: 'Major'"),
        (REFERENCE + ",1,major\n", "filename must be given: line 5"),
        (REFERENCE + "a.jpg,1,major\n", "filename must be listed once: line 5: 'a.jpg'"),
        (REFERENCE + "d.jpg,1\n", r"the header has 3 columns.* line 5 \(2\)\."),
        (REFERENCE + '"d.jpg,1,major\n', "line 5 is not CSV: .*quotation mark too many"),
        ("\ufeff\n" + REFERENCE + "\n\nd.jpg,2,major\n", "hybrid_stat must be 0 or 1: line 8: '2'"),
        (
            REFERENCE.replace("\n", ",note\n", 1)
            .replace("major\n", 'major,"two\nlines"\n')
            .replace("minor\n", "x,\n")
            .replace("mimic\n", "mimic,\n"),
            "ssp_indicator must be .*: line 4: 'x'",
        ),
        (REFERENCE.replace("ssp_", "filename,ssp_").replace("1,m", "1,z,m"), "more than one column is called filename"),
        (
            "filename;hybrid_stat\na.jpg;0\n",
            "ssp_indicator not found among .* separated by semicolons",
        ),
    ],
)
def test_refuses_reference(write, content: str, message: str) -> None:
    with pytest.raises(ScoringError, match=message):
        read_reference(write(content))
