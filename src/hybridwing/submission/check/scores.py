"""Whether what ``predict`` returns can be scored, what four decimals keep of the ranking, and how long it takes."""

from __future__ import annotations

import math
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check, or_pass

if TYPE_CHECKING:
    from hybridwing.submission.check.probe import Probe, Step

_NAME = "scores"
#: Types that the ingestion program rounds and writes as a number.
_NUMBERS = ("float", "numpy.float64", "numpy.float32", "numpy.float16", "int", "bool")

#: Images of the final phase (``ref_test.csv``), and seconds after which Codabench's default queue ends a run.
TEST_IMAGES = 2350
QUEUE_SECONDS = 600.0


def check_scores(probe: Probe) -> list[Check]:
    """Look at the scores of all pictures."""
    steps = probe.predictions
    if not steps:
        return []
    checks = _raised(steps)
    checks += _types([step for step in steps if step.ok])
    values = {id(step): float(step.written) for step in steps if step.ok and _is_number(step.written)}
    checks += _values([step for step in steps if id(step) in values])
    ordinary = [step for step in steps if step.image and step.image.kind == "ordinary" and id(step) in values]
    if not any(check.status == "fail" for check in checks):
        checks += _spread([values[id(step)] for step in ordinary], [step.raw for step in ordinary])
        checks += _repeatable(steps)
    shown = sorted(values[id(step)] for step in ordinary)
    span = f", from {shown[0]:.4f} to {shown[-1]:.4f} on specimens" if shown else ""
    return or_pass(checks, _NAME, f"{len(steps)} pictures of all kinds have a score{span}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _raised(steps: tuple[Step, ...]) -> list[Check]:
    """One finding for each error: those on ordinary photographs end the run for certain."""
    errors: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        if not step.ok:
            errors.setdefault((step.error, step.place), []).append(step)
    checks = []
    for (error, place), group in errors.items():
        kinds = [step.image.what for step in group if step.image]
        certain = any(step.image is not None and step.image.kind != "odd" for step in group)
        finding = f"predict ends the run on {', '.join(dict.fromkeys(kinds))} with {error}"
        remedy = "mend it" if certain else "convert with image.convert('RGB'); for a broken file return a usual score"
        checks.append(Check(_NAME, "fail" if certain else "warn", finding, remedy, place))
    return checks


def _types(steps: list[Step]) -> list[Check]:
    checks = []
    for kind, step in {step.kind: step for step in steps if step.kind not in _NUMBERS}.items():
        if step.fault and not step.written:
            what = f"and rounding it ends the run with {step.fault}"
        elif _is_number(step.written):
            continue  # a type of its own that rounds and writes as a number does
        else:
            what = f"which is written as {step.written!r} and cannot be scored"
        checks.append(Check(_NAME, "fail", f"predict returns {kind}, {what}", "return float(score)"))
    whole = [step for step in steps if step.kind in ("int", "bool")]
    if whole and len(whole) == len(steps):
        finding = f"predict returns {whole[0].kind}s: a class and no score, so most images tie"
        checks.append(Check(_NAME, "warn", finding, "return the probability and not the class"))
    return checks


def _values(steps: list[Step]) -> list[Check]:
    checks = []
    values = [(step, float(step.written)) for step in steps]
    for name, wrong in (("NaN", math.isnan), ("infinite", math.isinf)):
        found = [step for step, value in values if wrong(value)]
        if found:
            on = found[0].image.what if found[0].image else "a picture"
            finding = f"the score is {name} on {len(found)} of {len(values)} pictures, {on} among them: scoring ends"
            checks.append(Check(_NAME, "fail", finding, "return a usual score, e.g. 0.5, when there is none"))
    outside = [value for _, value in values if math.isfinite(value) and not 0 <= value <= 1]
    if outside:
        finding = f"{len(outside)} of {len(values)} scores lie outside [0, 1], e.g. {outside[0]:g}"
        checks.append(Check(_NAME, "warn", finding, "return a probability, or a quantile of the scores in training"))
    return checks


def _spread(values: list[float], raw: list[str]) -> list[Check]:
    """Whether ordinary specimens get different scores, also once these are rounded."""
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


def _repeatable(steps: tuple[Step, ...]) -> list[Check]:
    twice = [step for step in steps if step.image and step.image.kind == "again" and step.ok]
    first = next((step for step in steps if step.image and step.image.kind == "ordinary" and step.ok), None)
    if not twice or first is None or twice[0].written == first.written:
        return []
    finding = f"one picture scores {first.written} and then {twice[0].written}"
    return [Check(_NAME, "warn", finding, "call model.eval() in load, and fix what is random")]


def check_time(probe: Probe) -> list[Check]:
    """Extrapolate from the full-size photographs; smaller ones before them have warmed the model up."""
    timed = [step.seconds for step in probe.predictions if step.ok and step.image and step.image.kind == "large"]
    if not timed:
        return []
    start = sum(step.seconds for step in probe.steps if step.name in ("import", "make", "load"))
    each = median(timed)
    total = start + each * TEST_IMAGES
    on = f" on {probe.device}" if probe.device else ""
    finding = (
        f"{start:.1f} s to start and {each:.2f} s for a photograph of 18 megapixels{on}, the median of {len(timed)}: "
        f"about {total:,.0f} s for {TEST_IMAGES:,} images here"
    )
    if total <= QUEUE_SECONDS:
        left = f"that leaves {QUEUE_SECONDS - total:,.0f} of the queue's {QUEUE_SECONDS:,.0f} s for installing"
        return [Check("time", "pass", f"{finding}; {left}")]
    finding += f", and the default queue ends a run at {QUEUE_SECONDS:,.0f} s"
    remedy = "decode JPEGs smaller (image.draft before anything else), use a smaller model, or rely on a GPU"
    return [Check("time", "warn", finding, remedy)]
