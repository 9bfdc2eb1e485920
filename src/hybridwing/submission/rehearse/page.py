"""The page of a submission that was run: one file that opens anywhere, runs no script and loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing import __version__
from hybridwing.evaluation.challenge_score import TITLES
from hybridwing.evaluation.comparison import COLUMNS, compare
from hybridwing.report.drawing import svg_of
from hybridwing.report.figures import draw_predictions
from hybridwing.report.pages import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.evaluation.challenge_score import LabelledScores
    from hybridwing.submission.rehearse.submission_run import SubmissionRun

#: Lines of a log that are shown, from its end.
_SHOWN_LINES = 60
_LONGEST_LINE = 400


def submission_html(
    run: SubmissionRun, reference: str, logs: Mapping[str, str], scored: LabelledScores | None = None
) -> str:
    """The page as text; whatever the submission said is escaped.

    `reference` is the name of the table it was scored against, and `logs` what was printed, by stage; `scored` is given
    where predictions and table have the challenge's form.
    """
    figure, comparison = "", None
    if scored is not None:
        comparison = compare({"submission": scored.scores}, scored.labels, scored.groups, scored.specimens)
        if scored.scores.min() >= 0 and scored.scores.max() <= 1:
            figure = svg_of(draw_predictions(scored.scores, scored.labels, scored.groups), "scores")
    # Stages and the limit on one scale, whichever is longer.
    longest = max(run.seconds, run.time_limit)
    return (
        environment()
        .get_template("submission.html.j2")
        .render(
            run=run,
            reference=reference,
            columns=COLUMNS,
            groups=TITLES,
            comparison=comparison,
            figure=figure,
            shares=[(stage, 100 * stage.seconds / longest) for stage in run.stages],
            limit=100 * run.time_limit / longest,
            logs={name: _tail(text) for name, text in logs.items() if text.strip()},
            version=__version__,
        )
    )


def _tail(text: str) -> str:
    """The last lines of a log, printable, with only the last state of a progress bar."""
    lines = [line.rpartition("\r")[2] for line in text.rstrip().replace("\r\n", "\n").split("\n")]
    shown = ["".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in lines]
    cut = [line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + " …" for line in shown]
    left_out = len(cut) - _SHOWN_LINES
    return "\n".join([*([f"… {left_out} lines before"] if left_out > 0 else []), *cut[-_SHOWN_LINES:]])
