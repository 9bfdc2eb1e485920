"""What one check of an audit says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Topic = Literal["confounding", "leaks", "labels", "power"]
Severity = Literal["serious", "caution", "note", "clear"]
"""How much a finding limits what may be claimed. Without action a ``"serious"`` one makes numbers meaningless;
``"caution"`` needs care; ``"note"`` is worth knowing; ``"clear"`` was looked for and not found."""


@dataclass(frozen=True)
class EvidenceTable:
    """Numbers behind a finding.

    Attributes
    ----------
    caption : str
        What the table shows, as a sentence.
    columns : tuple of str
        Column titles.
    rows : tuple of tuple of str or int
        Cells; shares and intervals are already text.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True)
class Finding:
    """One thing an audit says.

    Attributes
    ----------
    topic : {"confounding", "leaks", "labels", "power"}
    severity : {"serious", "caution", "note", "clear"}
    key : str
        Name of the check, such as ``"record predicts label"``; a stable handle for programs.
    headline : str
        The finding in one sentence, with its number.
    meaning : str
        What it means for whoever uses the collection.
    remedy : str
        What to do about it.
    evidence : tuple of EvidenceTable
    """

    topic: Topic
    severity: Severity
    key: str
    headline: str
    meaning: str
    remedy: str
    evidence: tuple[EvidenceTable, ...] = ()


def clear(topic: Topic, key: str, headline: str, meaning: str, evidence: tuple[EvidenceTable, ...] = ()) -> Finding:
    """A finding of something that was looked for and not found."""
    return Finding(topic, "clear", key, headline, meaning, "Nothing to do.", evidence)


@dataclass(frozen=True)
class Unchecked:
    """A check that could not be made.

    Attributes
    ----------
    topic : {"confounding", "leaks", "labels", "power"}
    what : str
        The check.
    why : str
        What it lacked, and how to give it.
    """

    topic: Topic
    what: str
    why: str
