"""Check that the scores can be used, that four decimals keep their ranking, and that ``predict`` is fast enough."""

from __future__ import annotations

import math
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check, or_pass
from hybridwing.submission.rehearse.submission_run import QUEUE_SECONDS, TEST_IMAGES

if TYPE_CHECKING:
    from hybridwing.submission.check.probe_images import ProbeImage
    from hybridwing.submission.rehearse.submission_run import Attempt, IngestionReport

    Attempts = list[tuple[ProbeImage, Attempt]]

_NAME = "scores"
#: Types that the ingestion program rounds and writes as a number.
_NUMBERS = ("float", "numpy.float64", "numpy.float32", "numpy.float16", "int", "bool")


def check_scores(attempts: Attempts) -> list[Check]:
    """Look at the scores of all pictures."""
    if not attempts:
        return []
    scored = [(image, one) for image, one in attempts if _is_number(one.written)]
    checks = [*_raised(attempts), *_types(attempts), *_values(scored)]
    ordinary = [one for image, one in scored if image.kind == "ordinary"]
    if not any(check.status == "fail" for check in checks):
        checks += _spread([float(one.written) for one in ordinary], [one.raw for one in ordinary])
        checks += _repeatable(attempts)
    shown = sorted(float(one.written) for one in ordinary)
    span = f", from {shown[0]:.4f} to {shown[-1]:.4f} on specimens" if shown else ""
    return or_pass(checks, _NAME, f"{len(attempts)} pictures of all kinds have a score{span}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _raised(attempts: Attempts) -> list[Check]:
    """One finding for each error: those on ordinary photographs end the run for certain."""
    errors: dict[tuple[str, str], list[ProbeImage]] = {}
    for image, one in attempts:
        if one.error and not one.type:
            errors.setdefault((one.error, one.place), []).append(image)
    checks = []
    for (error, place), images in errors.items():
        certain = any(image.kind != "odd" for image in images)
        finding = f"predict ends the run on {', '.join(dict.fromkeys(image.what for image in images))} with {error}"
        remedy = "mend it" if certain else "convert with image.convert('RGB'); for a broken file return a usual score"
        checks.append(Check(_NAME, "fail" if certain else "warn", finding, remedy, place))
    return checks


def _types(attempts: Attempts) -> list[Check]:
    returned = [one for _, one in attempts if one.type]
    checks = []
    for kind, one in {one.type: one for one in returned if one.type not in _NUMBERS}.items():
        if not one.written:
            what = f"and rounding it ends the run with {one.error}"
        elif _is_number(one.written):
            continue  # a type of its own that rounds and writes as a number does
        else:
            what = f"which is written as {one.written!r} and cannot be scored"
        checks.append(Check(_NAME, "fail", f"predict returns {kind}, {what}", "return float(score)"))
    if returned and all(one.type in ("int", "bool") for one in returned):
        finding = f"predict returns {returned[0].type}s: a class and no score, so most images tie"
        checks.append(Check(_NAME, "warn", finding, "return the probability and not the class"))
    return checks


def _values(scored: Attempts) -> list[Check]:
    checks = []
    values = [(image, float(one.written)) for image, one in scored]
    for name, wrong in (("NaN", math.isnan), ("infinite", math.isinf)):
        found = [image for image, value in values if wrong(value)]
        if found:
            on = f"{len(found)} of {len(values)} pictures, {found[0].what} among them"
            remedy = "return a usual score, e.g. 0.5, when there is none"
            checks.append(Check(_NAME, "fail", f"the score is {name} on {on}: scoring ends", remedy))
    outside = [value for _, value in values if math.isfinite(value) and not 0 <= value <= 1]
    if outside:
        finding = f"{len(outside)} of {len(values)} scores lie outside [0, 1], e.g. {outside[0]:g}"
        checks.append(Check(_NAME, "warn", finding, "return a probability, or a quantile of the scores in training"))
    return checks


def _spread(values: list[float], raw: list[str]) -> list[Check]:
    """Check that ordinary specimens get different scores, before and after rounding."""
    if len(values) < 2:
        return []
    if len(set(raw)) == 1:
        finding = f"all {len(values)} specimens have the score {values[0]:.4f}, though no two look alike"
        return [Check(_NAME, "warn", finding, "see that predict uses the image, and that the weights are loaded")]
    ends = sum(value <= 0.0 or value >= 1.0 for value in values)
    if ends * 2 > len(values):
        finding = (
            f"{ends} of {len(values)} specimens score 0.0000 or 1.0000: saturated scores tie, and ties cost recall"
        )
        remedy = "return scores before the sigmoid as quantiles, or calibrate: (rank among training scores) / n"
        return [Check(_NAME, "warn", finding, remedy)]
    tied = sum(count for count in Counter(values).values() if count > 1)
    lost = tied - sum(count for count in Counter(raw).values() if count > 1)
    if lost > 0:
        finding = f"{lost} of {len(values)} specimens tie once their scores are rounded to four decimals"
        return [Check(_NAME, "warn", finding, "spread the scores over [0, 1]")]
    return []


def _repeatable(attempts: Attempts) -> list[Check]:
    written = {image.kind: one.written for image, one in reversed(attempts) if one.written}
    first, again = written.get("ordinary"), written.get("again")
    if first is None or again is None or first == again:
        return []
    finding = f"one picture scores {first} and then {again}"
    return [Check(_NAME, "warn", finding, "call model.eval() in load, and fix what is random")]


def check_time(attempts: Attempts, report: IngestionReport) -> list[Check]:
    """Extrapolate from the full-size photographs. The smaller ones before them have warmed up the model."""
    timed = [one.seconds for image, one in attempts if one.written and image.kind == "large"]
    if not timed:
        return []
    start = report.seconds.get("import", 0.0) + report.seconds.get("load", 0.0)
    each = median(timed)
    total = start + each * TEST_IMAGES
    finding = (
        f"{start:.1f} s to start and {each:.2f} s for a photograph of 18 megapixels, the median of {len(timed)}: "
        f"about {total:,.0f} s for {TEST_IMAGES:,} images here"
    )
    if total <= QUEUE_SECONDS:
        left = f"that leaves {QUEUE_SECONDS - total:,.0f} of the queue's {QUEUE_SECONDS:,.0f} s for installing"
        return [Check("time", "pass", f"{finding}; {left}")]
    finding += f", and the default queue ends a run at {QUEUE_SECONDS:,.0f} s"
    remedy = "decode JPEGs smaller (image.draft before anything else), use a smaller model, or rely on a GPU"
    return [Check("time", "warn", finding, remedy)]
