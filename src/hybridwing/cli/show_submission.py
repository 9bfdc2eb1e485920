"""Show what was found of submissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from hybridwing.cli import show as console

if TYPE_CHECKING:
    from hybridwing.submission.check.findings import Check, CheckReport, Status
    from hybridwing.submission.rehearse.submission_run import SubmissionRun

_STYLES: dict[Status, str] = {"pass": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}


def show_check(report: CheckReport) -> None:
    """Show a row for each check, with the remedy below the finding; then the conclusion."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("status", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("finding, and what to do", overflow="fold")
    for check in report.checks:
        table.add_row(Text(check.status, style=_STYLES[check.status]), check.name, _told(check))
    out = console.console()
    out.print(table)
    if report.protection:
        console.note(f"ran in {report.protection}")
    counts = ", ".join(f"{report.count(status)} {status}" for status in ("fail", "warn", "pass", "skipped"))
    conclusion = "it would fail" if report.failed else "nothing found that would fail"
    if report.count("skipped") and not report.failed:
        conclusion += ", but not all of it was tried"
    out.print()
    console.say(f"{report.source}: {counts}: {conclusion}")


def show_submission_run(result: SubmissionRun) -> None:
    """Show the stages with their times, the leaderboard record, the notes and the conclusion."""
    rows = [(s.name, "passed" if s.passed else "failed", f"{s.seconds:.1f}", s.detail) for s in result.stages]
    title = f"{result.source} on {result.interpreter}; programs of {result.programs}"
    console.show_rows(title, ("stage", "", "seconds", "what"), rows, numeric=("seconds",))
    if result.scores is not None:
        scored = [(name, f"{value:.4f}") for name, value in result.scores.items()]
        console.show_rows("scores", ("measure", "value"), scored, numeric=("value",))
    for text in result.notes:
        console.note(f"note: {text}")
    if result.protection:
        console.note(f"ran in {result.protection}")
    needed = result.seconds_for_test
    pace = "" if needed is None else f"; the 2350 test images would take about {needed:.0f} s on this machine"
    console.say(f"\n{result.seconds:.1f} s of {result.time_limit:g} s{pace}")
    if result.accepted:
        console.say("result: Codabench would accept and score this")
    else:
        console.say(f"result: this fails on Codabench: {result.problem}\nremedy: {result.remedy}")


def _told(check: Check) -> Text:
    """Place, finding and remedy; without a terminal in one line, so that a line is a row."""
    place = f"{check.place}: " if check.place and check.status != "pass" else ""
    text = console.plain(place + check.finding)
    if check.remedy:
        text.append("\n" if console.console().is_terminal else "  ")
        remedy = console.plain(f"→ {check.remedy}")
        remedy.stylize("italic")
        text.append_text(remedy)
    return text
