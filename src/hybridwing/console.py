"""What the command line shows: tables, progress and messages."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hybridwing.embeddings.table import Failure
    from hybridwing.evaluation.metrics import DetectionMetrics
    from hybridwing.runs.evaluate import Evaluation
    from hybridwing.runs.predict import Ranking

#: Seconds between two progress lines where there is no terminal to draw a bar on.
_PLAIN_INTERVAL = 10.0


def console() -> Console:
    """Console on standard output as it is now; without a terminal, wide enough not to fold tables and file names."""
    return Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)


@contextlib.contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callable for ``progress=``: a bar on a terminal, a line every ten seconds otherwise; on standard error."""
    if sys.stderr.isatty():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    begun = last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PLAIN_INTERVAL or done == total:
            last = now
            print(f"{label}: {done} of {total} ({done / max(now - begun, 1e-9):.1f}/s)", file=sys.stderr)  # noqa: T201

    yield report


def error(message: str) -> None:
    """One clear line (or the list of faults that a message holds) on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(f"error: {message}")


def show_rows(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[str] = ()) -> None:
    """A table; the columns named in `numeric` are set flush right."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for name in header:
        table.add_column(name, justify="right" if name in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    out = console()
    out.print()
    out.print(table)


def show_metrics(title: str, metrics: Mapping[str, DetectionMetrics]) -> None:
    """A row a detector."""
    header = ("detector", "images", "hybrids", "TNR", "hybrid recall", "precision", "PRC AUC", "ROC AUC")
    rows = [
        (
            name,
            str(m.n),
            str(m.n_hybrids),
            *(f"{v:.3f}" for v in (m.true_negative_rate, m.hybrid_recall, m.hybrid_precision, m.prc_auc, m.roc_auc)),
        )
        for name, m in metrics.items()
    ]
    show_rows(title, header, rows, numeric=header[1:])


def show_evaluation(evaluation: Evaluation) -> None:
    """The challenge's score where the catalogue allows it, else plain detection metrics."""
    official = {name: result.challenge for name, result in evaluation.detectors.items() if result.challenge}
    title = f"{evaluation.catalogue.source.name}: {len(evaluation.catalogue)} images"
    if official:
        header = (
            "detector",
            "challenge score",
            "signal recall",
            "non-signal recall",
            "mimic recall",
            "PRC AUC",
            "mimic PRC AUC",
        )
        rows = [
            (
                name,
                f"{scores.challenge_score:.3f}",
                *(
                    f"{value:.3f}"
                    for value in (
                        scores.species_a.major_recall,
                        scores.species_a.minor_recall,
                        scores.mimic.hybrid_recall,
                        scores.species_a.prc_auc,
                        scores.mimic.prc_auc,
                    )
                ),
            )
            for name, scores in official.items()
        ]
        show_rows(f"{title}, recall at 95 % true-negative rate", header, rows, numeric=header[1:])
    else:
        show_metrics(title, {name: result.metrics for name, result in evaluation.detectors.items()})


def show_ranking(ranking: Ranking, limit: int = 20) -> None:
    """The first images of a ranking."""
    flagged = sum(image.is_hybrid for image in ranking.images)
    rows = [
        (str(image.rank), f"{image.score:.4f}", "hybrid" if image.is_hybrid else "non-hybrid", str(image.path))
        for image in ranking.images[:limit]
    ]
    title = (
        f"{flagged} of {len(ranking.images)} images score above {ranking.threshold:.4f} "
        f"({ranking.detector}; {ranking.tnr:.0%} of non-hybrids stay below)"
    )
    show_rows(title, ("rank", "score", "verdict", "image"), rows, numeric=("rank", "score"))
    if len(ranking.images) > limit:
        console().print(f"… and {len(ranking.images) - limit} more")


def show_failures(failures: Sequence[Failure], total: int, limit: int = 10) -> None:
    """How many images failed, and why the first of them did."""
    if not failures:
        return
    rows = [(failure.path, f"{failure.stage}: {failure.reason}") for failure in failures[:limit]]
    show_rows(f"{len(failures)} of {total} images could not be used", ("image", "reason"), rows)
    if len(failures) > limit:
        console().print(f"… and {len(failures) - limit} more")


def say(message: str) -> None:
    """A line on standard output."""
    console().print(message, markup=False)
