"""What the command line shows of submissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from hybridwing.cli import show as console

if TYPE_CHECKING:
    from hybridwing.submission.check.findings import Check, CheckReport, Status

_STYLES: dict[Status, str] = {"pass": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}


def show_check(report: CheckReport) -> None:
    """A row a check, what to do under what was found; then what it comes to."""
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


def _told(check: Check) -> Text:
    """Place, finding and remedy; with no terminal all in one line, so that a line is a row."""
    place = f"{check.place}: " if check.place and check.status != "pass" else ""
    text = console.plain(place + check.finding)
    if check.remedy:
        text.append("\n" if console.console().is_terminal else "  ")
        remedy = console.plain(f"→ {check.remedy}")
        remedy.stylize("italic")
        text.append_text(remedy)
    return text
