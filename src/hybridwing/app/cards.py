"""The markup of a specimen's card on the desk. Every word from a file or a person is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from hybridwing.app.exports import likely_name, verdict_of

if TYPE_CHECKING:
    from hybridwing.app.project import Decision, Specimen
    from hybridwing.app.thresholds import Limit

LABELS = {"hybrid": "Hybrid", "non-hybrid": "Not a hybrid", "unsure": "Unsure"}
_TAIL = 10
"""Last characters of a file's name that are always shown."""


def card_html(one: Specimen, state: str) -> str:
    """A card of the grid: the thumbnail, the file's name and what `state_html` says."""
    return (
        f'<button class="desk-card" data-id="{one.id}">'
        f'<img loading="lazy" alt="" src="/picture/{one.id}/small">{_name(one.name)}'
        f'<span class="desk-state">{state}</span></button>'
    )


def state_html(one: Specimen, decision: Decision | None, limit: Limit | None, *, blind: bool) -> str:
    """What is said under a specimen: the decision, and the verdict unless somebody decides blind."""
    said = ""
    if decision is not None and decision.choice:
        said = f'<b class="desk-{decision.choice}">✓ {LABELS[decision.choice]}</b> {escape(decision.parents)}<br>'
    if one.failure:
        return f"{said}{escape(one.failure)}"
    if one.score is None:
        return f"{said}waits to be scored"
    if blind:
        return said or "not decided yet"
    verdict = verdict_of(one, limit)
    name = f" {escape(likely_name(one, limit))}" if verdict != "cannot tell" else f": {escape(one.reason)}"
    return f'{said}<span class="desk-{verdict}">{one.score:.3f} {verdict}</span>{name}'


def _name(name: str) -> str:
    """A file name that is cut in its middle where it does not fit: what tells files apart is mostly at the end."""
    parts = "".join(f"<span>{escape(part)}</span>" for part in (name[:-_TAIL], name[-_TAIL:]))
    return f'<span class="desk-name" title="{escape(name)}">{parts}</span>'
