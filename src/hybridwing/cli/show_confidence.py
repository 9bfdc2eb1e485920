"""Show how far numbers can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridwing.cli.show import UNKNOWN, note, say, show_rows
from hybridwing.evaluation.bootstrap import MEASURE_TITLES
from hybridwing.validation.held_out import MADE_CROSSES

if TYPE_CHECKING:
    from hybridwing.evaluation.bootstrap import Uncertainty
    from hybridwing.evaluation.intervals import Estimate
    from hybridwing.runs.evaluate import Evaluation
    from hybridwing.runs.predict import RankedImages
    from hybridwing.validation.validate import Validation

#: Measures of which the intervals are shown; the area of each group of H. erato is in the files alone.
_MEASURES = {
    name: title for name, title in MEASURE_TITLES.items() if name not in ("A_PRC_AUC_major", "A_PRC_AUC_minor")
}
#: What detectors are compared in: the one number that each kind of table has.
_HEADLINES = ("challenge_score", "hybrid_recall")
_QUESTIONS = {
    "cross": "hybrids of a cross that training did not show",
    "subspecies": "non-hybrids of a subspecies that training did not show: false alarms should stay near 5 %",
    "record": "images of a record that training did not show: false alarms should stay near 5 %",
    "specimen": "hybrids of specimens that training did not show",
}


def spelled(estimate: Estimate | None) -> str:
    """A value with its interval, or a dash.

    Examples
    --------
    >>> from hybridwing.evaluation.intervals import Estimate, Interval
    >>> spelled(Estimate(0.75, Interval(0.566, 0.873)))
    '0.750 (0.566 to 0.873)'
    """
    if estimate is None:
        return UNKNOWN
    return f"{estimate.value:.3f} ({estimate.interval.low:.3f} to {estimate.interval.high:.3f})"


def show_validation(validation: Validation) -> None:
    """Show, for each scorer, a row for everything held out and the mean; then the differences of the means."""
    report = validation.report
    title = f"{validation.catalogue.source.name}, one {validation.protocol} out: {_QUESTIONS[validation.protocol]}"
    header = ["scorer", "held out", "hybrids", "non-hybrids", "recall", "false alarms", "ROC AUC", "note"]
    rows = []
    for one in report.rows:
        measures = map(spelled, (one.recall, one.false_alarms, one.roc_auc))
        rows.append([one.scorer, one.unit, str(one.hybrids), str(one.non_hybrids), *measures, one.note])
    for place in (6, 5, 4, 3, 2):  # a column of which no row has anything
        if all(row[place] in (UNKNOWN, "0") for row in rows):
            del header[place]
            for row in rows:
                del row[place]
    show_rows(title, header, rows, numeric=header[2:-1])
    names = {"recall": "recall", "false_alarms": "false alarms", "roc_auc": "ROC AUC"}
    apart = [(f"{d.first} less {d.second}", names[d.measure], spelled(d.difference)) for d in report.differences]
    if apart:
        show_rows("means on the same resamples", ("difference of", "in", "is"), apart, numeric=("is",))
    say(
        "\nat the threshold that 95 % of held-out known non-hybrids stay at or below; "
        f"95 % intervals of {report.resamples} resamples of specimens"
    )
    if any(UNKNOWN in row for row in rows):
        note(
            "–: nothing was held out that this could be measured on, or the detector could not be fitted: see the note"
        )
    if any(MADE_CROSSES in row.note for row in report.rows):
        note(
            "made crosses: with the cross hidden no hybrid was left to learn from, so half-way mixtures of other pairs "
            "stood in; --no-made-crosses gives no score there instead"
        )


def show_uncertainty(evaluation: Evaluation) -> None:
    """Show measures with intervals, the same without another table's images, and differences of the detectors."""
    whole, rest = evaluation.uncertainty, evaluation.remainder
    header = ["measure", "all images", *([f"without {rest.without}"] if rest else [])]
    rows = [
        [detector, _MEASURES[name], *(spelled(u.measures[detector].get(name)) for u in _both(evaluation))]
        for detector, measures in whole.measures.items()
        for name in _MEASURES
        if name in measures
    ]
    if rows:
        title = f"{100 * whole.level:g} % intervals: {whole.resamples} resamples of {whole.specimens} specimens"
        if rest is not None:
            title += f"; without {rest.without} {rest.n_images} images are left, {rest.n_hybrids} of them hybrids"
        show_rows(title, ["detector", *header], rows, numeric=header[1:])
    for name in _HEADLINES:
        apart = [
            [f"{pair[0]} less {pair[1]}", *(spelled(u.differences.get(pair, {}).get(name)) for u in _both(evaluation))]
            for pair, measures in whole.differences.items()
            if name in measures
        ]
        if apart:
            what = f"{_MEASURES[name]}, both on the same resamples"
            show_rows(what, ["difference of", *header[1:]], apart, numeric=header[1:])
    for text in whole.notes:
        note(text)
    if rest is not None:
        for text in rest.uncertainty.notes:
            note(f"without {rest.without}: {text}")


def show_headline(uncertainty: Uncertainty, hybrids: int) -> None:
    """Show the held-out recall of each detector with its interval, and how many hybrids it rests on."""
    for name, measures in uncertainty.measures.items():
        if (found := measures.get("hybrid_recall")) is not None:
            say(f"{name} finds {spelled(found)} of the hybrids at a true-negative rate of 95 %")
    if 0 < hybrids < 5:
        note(f"this rests on {hybrids} known hybrid{'s: each' if hybrids > 1 else ', which'} decides much of it")
    if hybrids:
        for text in uncertainty.notes:
            note(text)


def _both(evaluation: Evaluation) -> list[Uncertainty]:
    """The uncertainty of all images, and of those that another table does not hold."""
    return [evaluation.uncertainty, *([evaluation.remainder.uncertainty] if evaluation.remainder else [])]


def show_promises(ranking: RankedImages) -> None:
    """Show what the threshold and a flag are worth, which images have no verdict, and what the run does not know."""
    if ranking.no_verdict:
        note(f"no verdict: {ranking.no_verdict}")
    if (known := ranking.calibration) is not None:
        achieved, rate = known.achieved, known.true_rate
        say(
            f"\nthe threshold is set for a true-negative rate of {known.tnr:g}: {achieved.count} of {achieved.total} "
            f"held-out non-hybrids stay at or below it; of new ones like them {rate.low:.3f} to "
            f"{rate.high:.3f} will (95 %)"
        )
    if (flag := ranking.flag) is not None:
        say(
            f"where {100 * flag.prevalence:g} % are hybrids, a flagged image is one with probability "
            f"{flag.probability:.3f} ({flag.interval.low:.3f} to {flag.interval.high:.3f}): {flag.recall.count} of "
            f"{flag.recall.total} held-out hybrids, of crosses that training showed, are flagged"
        )
    strange = [image for image in ranking.images if image.reason]
    if strange:
        rows = [(str(image.path), image.reason) for image in strange[:10]]
        title = f"of {len(strange)} of {len(ranking.images)} images nothing can be told"
        show_rows(title, ("image", "reason"), rows, total=len(strange))
    for what in ranking.lacking:
        note(f"this run does not know {what}")


def show_parentage(evaluation: Evaluation) -> None:
    """Show how often the parents were right, and how many images are unlike the training images."""
    parentage = evaluation.parentage
    if parentage is None:
        return
    say("")
    for what, found in parentage.agreement():
        interval = found.interval
        say(f"{what}: {found.count} of {found.total} ({found.share:.3f}; {interval.low:.3f} to {interval.high:.3f})")
    if any(parentage.reasons):
        reasons = [reason for reason in parentage.reasons if reason is not None]
        strange = sum(map(bool, reasons))
        say(f"like nothing in training, so that `predict` gives no verdict: {strange} of {len(reasons)}")
    for what in parentage.lacking:
        note(f"this run does not know {what}")
