"""What is shown can be read at 80 and 120 columns, in a pipe, and whatever the files are called."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hybridwing.cli import show as console
from hybridwing.embeddings.table import Failure
from hybridwing.evaluation.metrics import detection_metrics
from hybridwing.runs.predict import RankedImage, RankedImages

if TYPE_CHECKING:
    from collections.abc import Callable

STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
METRICS = {"gaussian": detection_metrics([0.1, 0.2, 0.3, 0.9], [0, 0, 0, 1])}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in STYLE.sub("", self.getvalue()).splitlines()]


@pytest.fixture
def terminal(monkeypatch) -> Callable[..., Terminal]:
    """Make standard output and error one terminal; called within a test, because pytest sets them anew before it."""

    def make(width: int = 80) -> Terminal:
        screen = Terminal()
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    return make


def ranking(*names: str) -> RankedImages:
    images = tuple(RankedImage(i, Path(name), 0.9, i == 1) for i, name in enumerate(names, start=1))
    return RankedImages("svm", 0.975, 0.8, images, ())


@pytest.mark.parametrize("width", [80, 120])
def test_an_evaluation_fits_a_terminal(files, terminal, width):
    from hybridwing.catalogue.readers import read_catalogue
    from hybridwing.embeddings.store import read_table
    from hybridwing.runs.evaluate import evaluate
    from hybridwing.runs.run import load_run

    result = evaluate(load_run(files.run), read_catalogue(files.test), read_table(files.test_embeddings))
    screen = terminal(width)
    console.show_evaluation(result)
    assert max(map(len, screen.lines)) <= width
    rows = [line.split() for line in screen.lines if line.startswith(("svm", "knn"))]
    assert [len(row) for row in rows] == [7, 7], "a detector has its seven columns on one line"
    words = " ".join(screen.lines).split()
    assert {"challenge", "non-signal", "mimic", "PRC", "AUC"} <= set(words), "no heading is cut within a word"


@pytest.mark.parametrize("width", [80, 120])
def test_metrics_fit_a_terminal(terminal, width):
    screen = terminal(width)
    console.show_metrics("a/very/long/path/" * 8, METRICS)
    row = next(line for line in screen.lines if line.startswith("gaussian"))
    assert row.split() == ["gaussian", "4", "1", "1.000", "1.000", "1.000", "1.000", "1.000"]
    assert len(row) <= 80


def test_a_long_path_folds_and_the_numbers_do_not(terminal):
    screen = terminal()
    path = "collection/" * 12 + "image.jpg"
    console.show_ranking(ranking(path))
    assert max(map(len, screen.lines[3:])) <= 80
    assert "".join(line[23:].strip() for line in screen.lines[3:]) == path
    assert screen.lines[3].split()[:3] == ["1", "0.9000", "hybrid"]


def test_without_a_terminal_a_row_is_a_line(capsys):
    path = "collection/" * 40 + "image.jpg"
    console.show_ranking(ranking(path))
    console.show_failures([Failure("u", path, "decode", "a long reason " * 40)], 3)
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == f"   1  0.9000  hybrid   {path}"
    assert captured.err.splitlines()[-1].rstrip() == f"{path}  decode: {'a long reason ' * 40}".rstrip()
    assert "\x1b" not in captured.out + captured.err


def test_rates_are_not_rounded_up(capsys):
    console.show_ranking(ranking("a.jpg"))
    assert "(svm; 97.5 % of non-hybrids stay at or below)" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["[bold]x[/bold].jpg", "[/x].jpg", ":bug:.jpg", "a\x1b[31mb.jpg", "a\nb.jpg", "a\rb"])
def test_a_name_is_shown_as_it_is(capsys, name):
    shown = name.encode("unicode_escape").decode()
    console.show_ranking(ranking(name))
    console.show_failures([Failure("u", name, "open", name)], 1)
    console.say(name.replace("\n", ""))
    console.note(name.replace("\n", ""))
    captured = capsys.readouterr()
    assert captured.out.splitlines()[3].rstrip() == f"   1  0.9000  hybrid   {shown}"
    assert captured.err.splitlines()[3].split("  ")[0] == shown
    assert captured.out.splitlines()[-1] == shown.replace("\\n", "")
    assert captured.err.splitlines()[-1] == shown.replace("\\n", "")


def test_unknown_measures_are_dashes(capsys):
    with_nothing = {
        "svm": detection_metrics([0.1, 0.2], [0, 0]),
        "knn": detection_metrics([0.1, 0.2], [1, 1]),
    }
    console.show_metrics("t", with_nothing)
    first, second = (line.split() for line in capsys.readouterr().out.splitlines()[3:])
    assert first == ["svm", "2", "0", "1.000", "–", "–", "–", "–"]
    assert second[:4] == ["knn", "2", "2", "–"]
    assert second[-1] == "–"


def test_descriptions_are_indented_where_they_fold(terminal):
    screen = terminal()
    console.show_entries([("svm", ["word " * 30, "source: here"])])
    assert screen.lines[0] == "svm"
    assert all(line.startswith("  ") and len(line) <= 80 for line in screen.lines[1:])
    assert len(screen.lines) == 4


class TestProgress:
    def test_lines_without_a_terminal(self, capsys, monkeypatch):
        clock = iter([0.0, 1.0, 11.0, 12.0, 13.0])
        monkeypatch.setattr("time.monotonic", lambda: next(clock))
        with console.progress("embedding") as report:
            for done in (1, 2, 3, 4):
                report(done, 4)
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err == "embedding: 2 of 4 (6 s each, 11 s left)\nembedding: 4 of 4 (3 s each)\n"

    def test_what_an_earlier_call_did_does_not_count_for_the_speed(self, capsys, monkeypatch):
        clock = iter([0.0, 1.0, 20.0])
        monkeypatch.setattr("time.monotonic", lambda: next(clock))
        with console.progress("embedding") as report:
            report(900, 1000)
            report(910, 1000)
        assert capsys.readouterr().err == "embedding: 910 of 1000 (2.0 s each, 3 min 0 s left)\n"

    def test_a_bar_on_a_terminal_that_goes_away(self, terminal):
        screen = terminal()
        with console.progress("embedding") as report:
            report(1, 3)
            report(3, 3)
        console.say("done")
        assert screen.lines[-1] == "done"

    def test_nothing_to_report(self, terminal):
        screen = terminal()
        with console.progress("embedding"):
            console.say("at once")
        assert "0/?" not in screen.getvalue()


def test_files_that_were_not_looked_at_are_counted_by_ending(capsys):
    console.show_left_out([])
    console.show_left_out([Path("a.CR2"), Path("b.cr2"), Path("c")])
    assert capsys.readouterr().err == (
        "not looked at, since their names do not end as photographs' do: 2 .cr2, 1 no ending\n"
        "2 of them are camera raw files, which are not developed here: export them as JPEG or TIFF\n"
    )
