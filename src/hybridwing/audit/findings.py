"""What one check of an audit says, and how numbers and lists read in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.evaluation.intervals import Interval, Proportion

MOST_ROWS = 200
"""Rows of an evidence table at most."""

Topic = Literal["confounding", "leaks", "labels", "power"]
Severity = Literal["serious", "caution", "note", "clear"]
"""How much a finding limits what may be claimed. Without action a ``"serious"`` one makes numbers meaningless;
``"caution"`` needs care; ``"note"`` is worth knowing; ``"clear"`` was looked for and not found."""


@dataclass(frozen=True)
class EvidenceTable:
    """Numbers behind a finding."""

    caption: str  # What the table shows, as a sentence
    columns: tuple[str, ...]  # Column titles
    rows: tuple[tuple[str | int, ...], ...]  # Cells; shares and intervals are already text


@dataclass(frozen=True)
class Finding:
    """One thing an audit says."""

    topic: Topic
    severity: Severity
    key: str  # Name of the check, such as ``"record predicts label"``; a stable handle for programs
    headline: str  # The finding in one sentence, with its number
    meaning: str  # What it means for whoever uses the collection
    remedy: str  # What to do about it
    evidence: tuple[EvidenceTable, ...] = ()


def clear(topic: Topic, key: str, headline: str, meaning: str, evidence: tuple[EvidenceTable, ...] = ()) -> Finding:
    """A finding of something that was looked for and not found."""
    return Finding(topic, "clear", key, headline, meaning, "Nothing to do.", evidence)


@dataclass(frozen=True)
class Unchecked:
    """A check that could not be made."""

    topic: Topic
    what: str  # The check
    why: str  # What it lacked, and how to give it


def interval_text(interval: Interval) -> str:
    """``"0.57–0.87"``."""
    return f"{interval.low:.2f}–{interval.high:.2f}"


def share_text(proportion: Proportion) -> str:
    """``"0.912 (0.88–0.94)"``: the share and its interval."""
    return f"{proportion.share:.3f} ({interval_text(proportion.interval)})"


def of_text(proportion: Proportion) -> str:
    """``"333 of 365"``."""
    return f"{proportion.count:,} of {proportion.total:,}"


def listed(names: Sequence[str], limit: int = 8) -> str:
    """``"a, b and c"``; if there are many, the first few and the number of the others.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], limit=1)
    ('a, b and c', 'a and 2 more')
    """
    shown = list(names[:limit])
    if len(names) > limit:
        shown.append(f"{len(names) - limit:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
