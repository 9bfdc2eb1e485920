"""How numbers and lists read on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridwing.evaluation.intervals import Interval, Proportion


MOST_ROWS = 200
"""Rows of an evidence table at most."""


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``"1 image"``, ``"2,082 images"``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


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
    """``"a, b and c"``; of many names the first few and how many more.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], limit=1)
    ('a, b and c', 'a and 2 more')
    """
    shown = list(names[:limit])
    if len(names) > limit:
        shown.append(f"{len(names) - limit:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
