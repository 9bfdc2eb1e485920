"""All that an audit found, in a form that a page and a program can both read."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridwing.evaluation.intervals import Proportion

if TYPE_CHECKING:
    from hybridwing.audit.confounding import RateScore, RuleResult
    from hybridwing.audit.findings import Finding, Unchecked
    from hybridwing.audit.neighbours import ClassOutlier
    from hybridwing.audit.power import RecallPrecision, ScorePrecision
    from hybridwing.audit.sources import ClassSource


@dataclass(frozen=True)
class AuditReport:
    """All that an audit says of a catalogue."""

    # File name and digest of the catalogue
    source: str
    sha256: str
    references: tuple[tuple[str, str], ...]  # File name and digest of each table it was compared with
    # Counts of the catalogue
    images: int
    specimens: int
    hybrids: int
    seed: int
    findings: tuple[Finding, ...]  # By topic, within a topic the most severe first
    unchecked: tuple[Unchecked, ...]
    rules: tuple[RuleResult, ...]  # Best single-value rule of each metadata column on each group
    # What the hybrid rate of each value of a metadata column predicts on each group
    predictions: tuple[RateScore, ...]
    class_sources: tuple[ClassSource, ...]  # Records of each class, table by table
    # Images unlike their class, the largest excess first; empty without embeddings
    outliers: tuple[ClassOutlier, ...]
    recalls: tuple[RecallPrecision, ...]
    scores: tuple[ScorePrecision, ...]  # How wide intervals must be
    folder: Path | None = None  # Folder of the images that were read

    def to_json(self) -> str:
        """Everything as JSON text; a proportion also with its share and interval, and no path of this machine."""
        return json.dumps(self, default=_as_object, indent=2, ensure_ascii=False)


def _as_object(value: Any) -> dict[str, object]:
    """A dataclass as JSON has it."""
    if isinstance(value, Proportion):
        interval = value.interval
        return {"count": value.count, "total": value.total, "share": value.share, "95%": [interval.low, interval.high]}
    parts = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: part for name, part in parts.items() if not isinstance(part, Path)}
