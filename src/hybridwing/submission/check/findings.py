"""Findings of a check of a submission, and the report that holds them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

Status = Literal["pass", "warn", "fail", "skipped"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str  # Short, the same for every submission, e.g. ``"requirements"``. There may be several of one name
    # ``"fail"``: the run would end or the scores would be worthless. ``"warn"``: it may go wrong. ``"pass"``.
    # ``"skipped"``: not looked at, and `finding` says why
    status: Status
    finding: str  # What was found
    remedy: str = ""  # What to do; empty for a pass
    place: str = ""  # File, or ``file:line``; empty where no one place is at fault


@dataclass(frozen=True)
class CheckReport:
    """All that was looked at."""

    source: str  # The folder or zip
    checks: tuple[Check, ...]  # In the order they were made
    protection: str = ""  # What held while the submission ran; empty if it did not run

    @property
    def failed(self) -> bool:
        """Whether anything failed."""
        return any(check.status == "fail" for check in self.checks)

    def count(self, status: Status) -> int:
        """Number of checks with this status."""
        return sum(check.status == status for check in self.checks)

    def to_json(self) -> str:
        """The report as JSON."""
        counts = {status: self.count(status) for status in ("pass", "warn", "fail", "skipped")}
        shown = {"source": self.source, "ok": not self.failed, "counts": counts, "protection": self.protection}
        return json.dumps({**shown, "checks": [asdict(check) for check in self.checks]}, indent=2, ensure_ascii=False)


def or_pass(found: list[Check], name: str, finding: str, place: str = "") -> list[Check]:
    """Return the faults, or where there are none one pass that says what was looked at."""
    return found or [Check(name, "pass", finding, place=place)]
