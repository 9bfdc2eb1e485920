"""What an audit found, in a form a page and a program can both read."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hybridwing.evaluation.intervals import Proportion

if TYPE_CHECKING:
    from hybridwing.audit.confounding import RateScore, RuleResult
    from hybridwing.audit.neighbours import ClassOutlier
    from hybridwing.audit.power import RecallPrecision, ScorePrecision
    from hybridwing.audit.sources import ClassSource

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


@dataclass(frozen=True)
class AuditReport:
    """All that an audit says of a catalogue.

    Attributes
    ----------
    source, sha256 : str
        File name and digest of the catalogue.
    references : tuple of (str, str)
        File name and digest of each table it was compared with.
    images, specimens, hybrids : int
        Of the catalogue.
    seed : int
    findings : tuple of Finding
        By topic, within a topic the most severe first.
    unchecked : tuple of Unchecked
    rules : tuple of RuleResult
        Best single-value rule of each metadata column on each group.
    predictions : tuple of RateScore
        What the hybrid rate of each value of a metadata column predicts on each group.
    class_sources : tuple of ClassSource
        Records of each class, table by table.
    outliers : tuple of ClassOutlier
        Images unlike their class, the largest excess first; empty without embeddings.
    recalls : tuple of RecallPrecision
    scores : tuple of ScorePrecision
        How wide intervals must be.
    folder : Path or None
        Folder of the images that were read.
    """

    source: str
    sha256: str
    references: tuple[tuple[str, str], ...]
    images: int
    specimens: int
    hybrids: int
    seed: int
    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    rules: tuple[RuleResult, ...]
    predictions: tuple[RateScore, ...]
    class_sources: tuple[ClassSource, ...]
    outliers: tuple[ClassOutlier, ...]
    recalls: tuple[RecallPrecision, ...]
    scores: tuple[ScorePrecision, ...]
    folder: Path | None = None

    def to_json(self) -> str:
        """Everything as JSON text; a proportion also with its share and interval, and no path of this machine."""
        return json.dumps(_plain(self), indent=2, ensure_ascii=False)


def _plain(value: object) -> object:
    """Dataclasses as objects, tuples as lists; what JSON knows as it is."""
    if isinstance(value, Proportion):
        interval = value.interval
        return {"count": value.count, "total": value.total, "share": value.share, "95%": [interval.low, interval.high]}
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if not isinstance(getattr(value, field.name), Path)
        }
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
