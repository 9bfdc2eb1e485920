"""How long the whole test set would take, going by a few pictures."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check

if TYPE_CHECKING:
    from hybridwing.submission.check.probe import Probe

#: Images of the final phase (``ref_test.csv``), and seconds after which Codabench's default queue ends a run.
TEST_IMAGES = 2350
QUEUE_SECONDS = 600.0


def check_time(probe: Probe) -> list[Check]:
    """Extrapolate from the photographs of full size, which come when smaller ones have warmed the model up."""
    timed = [step.seconds for step in probe.predictions if step.ok and step.image and step.image.kind == "large"]
    if not timed:
        return []
    start = sum(step.seconds for step in probe.steps if step.name in ("import", "make", "load"))
    each = median(timed)
    total = start + each * TEST_IMAGES
    on = f" on {probe.device}" if probe.device else ""
    finding = (
        f"{start:.1f} s to start and {each:.2f} s for a photograph of 18 megapixels{on}: about {total:,.0f} s for "
        f"{TEST_IMAGES:,} images here"
    )
    if total <= QUEUE_SECONDS:
        return [Check("time", "pass", f"{finding}; the queue allows {QUEUE_SECONDS:,.0f} s, installing included")]
    finding += f", and the default queue ends a run at {QUEUE_SECONDS:,.0f} s"
    remedy = "decode JPEGs smaller (image.draft before anything else), use a smaller model, or rely on a GPU"
    return [Check("time", "warn", finding, remedy)]
