"""What the command line shows: results on standard output; progress, failures and messages on standard error."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hybridwing.errors import counted
from hybridwing.images.kinds import is_raw_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.progress import Task

    from hybridwing.audit.mislabelled import Mislabelled
    from hybridwing.audit.report import AuditReport
    from hybridwing.download.fetch import DownloadReport
    from hybridwing.embeddings.job import EmbeddingSummary
    from hybridwing.embeddings.table import Failure
    from hybridwing.evaluation.comparison import Comparison
    from hybridwing.evaluation.intervals import Estimate
    from hybridwing.evaluation.metrics import DetectionMetrics
    from hybridwing.runs.evaluate import Evaluation
    from hybridwing.runs.identify import Identifications
    from hybridwing.runs.predict import RankedImages

#: Seconds between two progress lines where there is no terminal to draw a bar on.
_PLAIN_INTERVAL = 10.0
#: Width without a terminal: nothing is folded, so that a line of a pipe or a log is a row.
_UNFOLDED = 10_000
#: What stands for a value that is not known.
UNKNOWN = "–"
#: Characters of a word that is not folded on a narrow terminal.
_LONGEST_WORD = 16
#: Images, and failures, that a list shows.
_IMAGES, _FAILURES = 20, 10


def console(*, stderr: bool = False) -> Console:
    """Console on standard output or error as it is now.

    File names go through it, so nothing in a text is taken for markup or an emoji.
    """
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _UNFOLDED
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


def plain(text: str) -> Text:
    r"""Text without control characters: a file name with an escape sequence in it is shown, not obeyed.

    Examples
    --------
    >>> plain("one\x1b[2Jtwo").plain
    'one\\x1b[2Jtwo'
    """
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return Text("".join(shown))


@contextlib.contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callable for ``progress=``: a bar on a terminal, else a line every ten seconds; on standard error."""
    if sys.stderr.isatty():
        with _bar(label) as draw:
            yield draw
        return
    begun = last = time.monotonic()
    before: int | None = None

    def report(done: int, total: int) -> None:
        nonlocal last, before
        now = time.monotonic()
        # What an earlier, interrupted call had done comes with the first report, and was not done in this time.
        before = before if before is not None else done if done > 1 else 0
        if now - last >= _PLAIN_INTERVAL or done == total:
            last = now
            note(f"{label}: {done} of {total}{_pace(done - before, total - done, now - begun)}")

    yield report


def _pace(done: int, left: int, seconds: float) -> str:
    """How fast it goes and how long it will take, as far as that can be told.

    Examples
    --------
    >>> _pace(50, 100, 10.0), _pace(3, 5, 180.0), _pace(0, 5, 10.0)
    (' (5.0/s, 20 s left)', ' (60 s each, 5 min 0 s left)', '')
    """
    if done <= 0 or seconds <= 0:
        return ""
    rate = done / seconds
    pace = f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.0f} s each" if rate < 0.5 else f"{1 / rate:.1f} s each"
    return f" ({pace}{f', {duration(left / rate)} left' if left else ''})"


@contextlib.contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with images a second and the time that is left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

    class Rate(ProgressColumn):
        """Images a second."""

        def render(self, task: Task) -> Text:
            pace = _pace(round(task.speed * 1000), 0, 1000) if task.speed else ""
            return Text(pace.strip(" ()"), style="progress.data.speed")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, visible=False)
        begun = False

        def draw(done: int, total: int) -> None:
            nonlocal begun
            if not begun:
                # What was done before must not count for the speed.
                bar.reset(task, completed=done, total=total)
                begun = True
            # A full bar would stand there as if stuck while detectors are fitted.
            bar.update(task, completed=done, total=total, visible=done < total)

        yield draw


def duration(seconds: float) -> str:
    """Seconds as people say them.

    Examples
    --------
    >>> duration(7.2), duration(190), duration(7500)
    ('7 s', '3 min 10 s', '2 h 05 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def note(message: str) -> None:
    """A line, or several, on standard error."""
    _print_lines(console(stderr=True), message)


def say(message: str) -> None:
    """A line, or several, on standard output."""
    _print_lines(console(), message)


def _print_lines(out: Console, message: str) -> None:
    for line in message.split("\n"):
        out.print(plain(line), soft_wrap=True)


def show_rows(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[str] = (),
    *,
    total: int = 0,
    stderr: bool = False,
) -> None:
    """Show a table, and how many rows of a `total` it leaves out.

    Columns named in `numeric` are flush right and never folded; words are folded only if necessary.
    """
    table = Table(header_style="bold", box=None, pad_edge=False)
    for place, name in enumerate(header):
        cells = [row[place] for row in rows]
        if name in numeric:
            table.add_column(name, justify="right", min_width=max(map(len, cells), default=0))
        else:
            longest = max((len(word) for cell in [name, *cells] for word in cell.split()), default=1)
            table.add_column(name, overflow="fold", min_width=min(longest, _LONGEST_WORD))
    for row in rows:
        table.add_row(*map(plain, row))
    out = console(stderr=stderr)
    heading = plain(title)
    heading.stylize("bold")
    out.print()
    out.print(heading, soft_wrap=True)
    out.print(table)
    if total > len(rows):
        _print_lines(out, f"… and {total - len(rows)} more")


def show_entries(entries: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Show names, each with the lines that describe it."""
    out = console()
    for name, lines in entries:
        out.print(Text(name, style="bold"))
        for line in lines:
            out.print(Padding(plain(line), (0, 0, 0, 2), expand=False))


def show_metrics(title: str, metrics: Mapping[str, DetectionMetrics]) -> None:
    """Show a row for each detector; a measure that the images cannot give (no hybrids, no non-hybrids) is a dash."""
    header = ("detector", "images", "hybrids", "TNR", "recall", "precision", "PRC AUC", "ROC AUC")
    keys = ("true_negative_rate", "hybrid_recall", "hybrid_precision", "prc_auc", "roc_auc")
    rows = []
    for name, m in metrics.items():
        shown = (UNKNOWN if key in m.unmeasured() else f"{getattr(m, key):.3f}" for key in keys)
        rows.append((name, str(m.n), str(m.n_hybrids), *shown))
    show_rows(title, header, rows, numeric=header[1:])
    if any(m.unmeasured() for m in metrics.values()):
        note("–: not measured, for that takes both hybrids and non-hybrids")


def show_evaluation(evaluation: Evaluation) -> None:
    """Show the challenge's score if the catalogue allows it, otherwise plain detection metrics."""
    if evaluation.failures:
        from hybridwing.runs.scoring import stand_in_note

        note(stand_in_note(len(evaluation.failures), len(evaluation.catalogue)))
    official = {name: result.challenge for name, result in evaluation.detectors.items() if result.challenge}
    title = f"{evaluation.catalogue.source.name}: {counted(len(evaluation.catalogue), 'image')}"
    if not official:
        show_metrics(title, {name: result.metrics for name, result in evaluation.detectors.items()})
        return
    from hybridwing.evaluation.bootstrap import MEASURE_TITLES
    from hybridwing.evaluation.challenge_score import unmeasured

    recalls = ("A_score_major_recall", "A_score_minor_recall", "mimic_recall")
    keys = ("challenge_score", *recalls, "A_PRC_AUC", "mimic_PRC_AUC")
    header = ("detector", *(MEASURE_TITLES[key] for key in keys))
    absent = unmeasured(evaluation.catalogue.labels, evaluation.catalogue.groups)
    rows = []
    for name, scores in official.items():
        record = scores.leaderboard()
        rows.append((name, *(UNKNOWN if key in absent else f"{record[key]:.3f}" for key in keys)))
    show_rows(f"{title}, recall at 95 % true-negative rate", header, rows, numeric=header[1:])


def show_ranking(ranking: RankedImages) -> None:
    """Show the first images of a ranking."""
    flagged = sum(image.is_hybrid is True for image in ranking.images)
    shown = ranking.images[:_IMAGES]
    header = ["rank", "score", "verdict", "image"]
    rows = [[str(image.rank), f"{image.score:.4f}", image.verdict, str(image.path)] for image in shown]
    if any(image.name for image in shown):
        header.insert(3, "looks like")
        for row, image in zip(rows, shown, strict=True):
            row.insert(3, image.name or UNKNOWN)
    if ranking.catalogue is not None:
        header.insert(-1, "in the table")
        names = ["" if name == "unlabelled" else str(name) for name in ranking.catalogue.classes]
        for row, image, name in zip(rows, shown, names, strict=False):
            row[-1:] = [name or UNKNOWN, image.path.name]
    if ranking.threshold is None:
        title = f"{counted(len(ranking.images), 'image')}, ranked by {ranking.detector} without a verdict"
    else:
        title = (
            f"{flagged} of {len(ranking.images)} images score above {ranking.threshold:.4f} "
            f"({ranking.detector}; {100 * ranking.tnr:g} % of non-hybrids stay at or below)"
        )
    show_rows(title, header, rows, numeric=("rank", "score"), total=len(ranking.images))


def show_names(found: Identifications) -> None:
    """Show how many images have each name and, for a table that names them, those named otherwise there."""
    counts = Counter(image.name for image in found.images).most_common()
    rows = [(name, str(count)) for name, count in counts]
    show_rows(counted(len(found.images), "image"), ("looks like", "images"), rows, numeric=("images",))
    others = found.others()
    if others:
        told = [(image.path.name, known, image.name, f"{image.probability:.2f}") for image, known in others[:_IMAGES]]
        header = ("image", "in the table", "looks like", "probability")
        title = f"{counted(len(others), 'image looks', 'images look')} like something else than the table says"
        show_rows(title, header, told, header[-1:], total=len(others))


def show_rest(result: RankedImages | Identifications, out: Path | None) -> None:
    """Show notes, images that could not be used, files that were not looked at, and where the result is."""
    for text in result.notes:
        note(text)
    total = len(result.images) + len(result.failures)
    show_failures(result.failures, total)
    show_left_out(result.left_out)
    if out is not None:
        say(f"\n{out}: all {total} images")


def show_download(report: DownloadReport) -> None:
    """Show the counts, and why the first of the missing files are missing."""
    say(report.summary())
    if report.failed:
        rows = [(missing.path, missing.reason) for missing in report.failed[:_FAILURES]]
        show_rows(f"{len(report.failed)} files are missing", ("file", "reason"), rows, stderr=True)
        note(f"all of them with their addresses: {report.missing}; the same command fetches what is missing")
    if report.catalogue is not None:
        say(f"next: hybridwing train {report.catalogue} --images {report.out} --out RUN")


def show_comparison(comparison: Comparison) -> None:
    """Show the challenge's columns with intervals, then the differences to the first system."""
    from hybridwing.evaluation.comparison import COLUMNS

    def cells(estimates: Mapping[str, Estimate], sign: str) -> list[str]:
        shown = (estimates.get(key) for key in COLUMNS)
        return [
            f"{e.value:{sign}.3f} [{e.interval.low:{sign}.2f}, {e.interval.high:{sign}.2f}]" if e else UNKNOWN
            for e in shown
        ]

    header = ("system", *COLUMNS)
    title = f"{comparison.images} images, {comparison.level:.0%} intervals of {comparison.resamples} resamples"
    rows = [(system.name, *cells(system.measures, "")) for system in comparison.systems]
    show_rows(title, header, rows, numeric=header[1:])
    first, *others = comparison.systems
    if others:
        header = (*header, "ahead in")
        rows = [
            (s.name, *cells(s.differences, "+"), UNKNOWN if s.share_ahead is None else f"{s.share_ahead:.0%}")
            for s in others
        ]
        show_rows(f"difference to {first.name}, on the same resamples", header, rows, numeric=header[1:])
    for text in comparison.notes:
        note(text)


def show_audit(report: AuditReport) -> None:
    """Show the headlines of the findings, the serious ones first, and what was not checked."""
    order = ("serious", "caution", "note", "clear")
    found = sorted(report.findings, key=lambda finding: order.index(finding.severity))
    show_rows(
        f"{report.source}: {len(found)} findings",
        ("severity", "topic", "finding"),
        [(finding.severity, finding.topic, finding.headline) for finding in found],
    )
    for unchecked in report.unchecked:
        note(f"not checked: {unchecked.what}: {unchecked.why}")


def show_mislabelled(found: Sequence[Mislabelled], asked: int) -> None:
    """Show all images that look like another name than theirs."""
    rows = [(one.uuid, one.specimen, one.name, one.looks_like, f"{one.probability:.2f}") for one in found]
    title = f"{len(found)} of {asked} images look like another name than theirs"
    header = ("image", "specimen", "in the table", "looks like", "probability")
    show_rows(title, header, rows, header[-1:])


def show_embedding(summary: EmbeddingSummary) -> None:
    """Show the counts of an embedding job, and where the time went."""
    counts = [f"{summary.embedded} embeddings of dimension {summary.dimension}"]
    for number, what in (
        (len(summary.failures), "failed"),
        (summary.damaged, "are damaged and were used as far as they go"),
        (summary.fallbacks, "show the whole picture instead of the view"),
        (summary.cached, "were known from the cache"),
        (summary.resumed, "were done by an earlier call"),
    ):
        if number:
            counts.append(f"{number} {what}")
    say(f"{summary.out}: {', '.join(counts)}")
    if summary.assumed:
        note(f"assumed: {summary.assumed}")
    if summary.images == summary.resumed:
        return
    spent = summary.timings
    say(
        f"{counted(summary.images - summary.resumed, 'image')} in {duration(summary.seconds)} "
        f"({summary.images_per_second:.1f} a second; {summary.precision}, batches of {summary.batch_size}): "
        f"forward {spent.forward:.1f} s, write {spent.write:.1f} s; "
        f"beside them, on {summary.workers} workers, decode {spent.decode:.1f} s, preprocess {spent.preprocess:.1f} s"
    )


def show_left_out(paths: Sequence[Path]) -> None:
    """Show on standard error how many files were not looked at, by ending."""
    if paths:
        endings = Counter(path.suffix.lower() or "no ending" for path in paths).most_common()
        kinds = ", ".join(f"{count} {ending}" for ending, count in endings)
        note(f"not looked at, since their names do not end as photographs' do: {kinds}")
        if raw := sum(is_raw_name(path.name) for path in paths):
            note(f"{raw} of them are camera raw files, which are not developed here: export them as JPEG or TIFF")


def show_failures(failures: Sequence[Failure], total: int) -> None:
    """Show on standard error how many images failed, and why the first of them did."""
    if not failures:
        return
    rows = [(failure.path, f"{failure.stage}: {failure.reason}") for failure in failures[:_FAILURES]]
    title = f"{len(failures)} of {total} images could not be used"
    show_rows(title, ("image", "reason"), rows, total=len(failures), stderr=True)
