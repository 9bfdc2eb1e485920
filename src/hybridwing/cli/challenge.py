"""The group of verbs about submissions, and the one that checks them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybridwing.cli.command import app
from hybridwing.cli.grouping import verb

submission = typer.Typer(
    name="submission",
    help="Challenge submissions: build, check, run, publish.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(submission)


@verb(submission, "hybridwing submission check mine.zip")
def check(
    path: Annotated[Path, typer.Argument(metavar="ZIP_OR_FOLDER", help="Anybody's submission.")],
    static: Annotated[bool, typer.Option("--static", help="Read it only; run nothing of it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="S", help="Seconds it may run on the probe images.", min=1)
    ] = 120.0,
    memory_limit: Annotated[
        int, typer.Option("--memory-limit", metavar="MB", help="Memory it may hold meanwhile.", min=64)
    ] = 8192,
    probe_python: Annotated[
        Path | None,
        typer.Option(
            "--probe-python", metavar="PATH", help="Python with the submission's packages; this one if absent."
        ),
    ] = None,
) -> None:
    """Find what would fail on Codabench.

    Reads the files, then runs the model on images made for it: in a bubblewrap sandbox without a network, or not at all
    where there is none. Exit code 1 if anything fails, 2 if it is no submission or is unsafe to unpack.
    """
    from dataclasses import replace

    from hybridwing.cli.show_submission import show_check
    from hybridwing.submission.check.checking import PROBE_LIMITS, check_submission

    limits = replace(PROBE_LIMITS, seconds=time_limit, memory=memory_limit * 2**20)
    report = check_submission(path, static=static, limits=limits, python=probe_python)
    if as_json:
        typer.echo(report.to_json())
    else:
        show_check(report)
    if report.failed:
        raise typer.Exit(1)
