"""What all pages of a desk share: the specimens, the thresholds, and the processes at work."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from hybridwing.app.exports import verdict_of
from hybridwing.app.thresholds import Limit, limits
from hybridwing.app.workers import Worker
from hybridwing.backbones.compute import Compute
from hybridwing.errors import HybridwingError
from hybridwing.report.explained import card_of
from hybridwing.runs.explaining import Explainer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridwing.app.project import Decision, Project, Specimen

VERDICTS = {
    "": "any verdict", "hybrid": "flagged as hybrid", "non-hybrid": "not flagged", "cannot tell": "cannot tell",
    "waiting": "not scored yet", "failed": "could not be read",
}  # fmt: skip
DECISIONS = {
    "": "decided or not", "none": "not decided yet", "hybrid": "decided: hybrid", "non-hybrid": "decided: not",
    "unsure": "decided: unsure",
}  # fmt: skip
ORDERS = {"score": "likeliest hybrids first", "near": "most uncertain first", "blind": "at random, scores hidden"}
TOGETHER = 48
"""Specimens about as uncertain as each other, among which unlike ones come first."""
MOST_SEEN = 50
"""The last so many specimens in the order that the next ones are compared with."""


@dataclass(frozen=True)
class Filter:
    """Which specimens are shown, and in which order."""

    verdict: str = ""  # A key of `VERDICTS`
    decision: str = ""  # A key of `DECISIONS`
    text: str = ""  # Part of a file name, a likely name or the spreadsheet's columns, in any case
    order: str = "score"  # A key of `ORDERS`


class Board:
    """The state that the pages of one desk share."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.scoring, self.learning = Worker("scoring"), Worker("learning")
        self.limits: list[Limit] = []  # The thresholds that the model in use can promise, from low to high
        self._limits_of = 0
        self._explainer: tuple[int, Explainer] | None = None
        self._explained: dict[tuple[int, int], str] = {}
        self._explaining = threading.Lock()
        self.specimens: list[Specimen] = []
        self.decisions: dict[int, Decision] = {}  # The one that stands of each specimen
        self.refresh()

    def refresh(self) -> None:
        """Read the specimens and the thresholds anew."""
        if self._limits_of != self.project.model:
            self._limits_of = self.project.model
            self.limits = limits(self.project.run())
        self.specimens = self.project.specimens()
        self.update()

    def update(self) -> list[Decision]:
        """Read the decisions that came since the last time, of whichever process; return them."""
        last = max((one.id for one in self.decisions.values()), default=0)
        new = self.project.decisions(after=last)
        self.decisions.update(new)
        return list(new.values())

    def shown(self, wanted: Filter, limit: Limit | None, places: Mapping[int, int] | None = None) -> list[Specimen]:
        """The specimens that a filter lets through, in its order.

        `places` is what `uncertain_first` said before, for an order that decisions do not change.
        """
        found = [one for one in self.specimens if self._passes(one, wanted, limit)]
        if wanted.order == "near" and limit is not None:
            known = self.uncertain_first(limit) if places is None else places
            found.sort(key=lambda one: known.get(one.id, len(known)))
        if wanted.order == "blind":
            random.Random(0).shuffle(found)  # noqa: S311 - the same order for everybody
        return found

    def uncertain_first(self, limit: Limit) -> dict[int, int]:
        """Place of each specimen, by its number: the most uncertain come first, and among these the unlike ones."""
        ranked = sorted(
            self.specimens, key=lambda one: abs((one.score if one.score is not None else 9.0) - limit.value)
        )
        return {one.id: place for place, one in enumerate(self._unlike_first(ranked))}

    def _unlike_first(self, ranked: list[Specimen]) -> list[Specimen]:
        """Every `TOGETHER` specimens in a row so that each is as unlike those before it as can be.

        What was decided on counts as seen. Farthest first: Gonzalez (1985), "Clustering to minimize the maximum
        intercluster distance"; for choosing what to label: Sener and Savarese (2018), "Active learning for
        convolutional neural networks: a core-set approach".
        """
        vectors = self.project.vectors()
        seen = [vectors[number] for number, one in self.decisions.items() if one.choice and number in vectors]
        ordered: list[Specimen] = []
        for start in range(0, len(ranked), TOGETHER):
            group = ranked[start : start + TOGETHER]
            left = [one for one in group if one.id in vectors]
            if left:
                looks = np.stack([vectors[one.id] for one in left])
                between = cdist(looks, looks, "sqeuclidean")
                apart = np.full(len(left), np.inf)
                if seen:
                    apart = cdist(looks, np.stack(seen[-MOST_SEEN:]), "sqeuclidean").min(axis=1)
                for _ in left:
                    place = int(apart.argmax())
                    ordered.append(left[place])
                    seen.append(looks[place])
                    apart = np.minimum(apart, between[place])
                    apart[place] = -1.0
            ordered += [one for one in group if one.id not in vectors]
        return ordered

    def scores(self) -> list[float]:
        """Scores of the specimens of which something can be told."""
        return [one.score for one in self.specimens if one.score is not None and not one.reason]

    def measured(self, limit: Limit) -> str:
        """What the decisions that were taken blind say of the threshold; empty where there are none."""
        numbers = self.project.decided_blind()
        known = {one.id: one for one in self.specimens if one.id in numbers}
        counts = {"hybrid": [0, 0], "non-hybrid": [0, 0]}
        for number, one in known.items():
            decision = self.decisions.get(number)
            if decision is not None and decision.choice in counts:
                counts[decision.choice][1] += 1
                counts[decision.choice][0] += verdict_of(one, limit) == "hybrid"
        if not any(total for _, total in counts.values()):
            return ""
        (found, hybrids), (alarms, pure) = counts["hybrid"], counts["non-hybrid"]
        return (
            f"Decided with scores hidden: {hybrids + pure}. The threshold flags {found} of {hybrids} hybrids and "
            f"{alarms} of {pure} others among them."
        )

    def why(self, one: Specimen) -> str:
        """Pictures and words that explain a specimen's score, as HTML; takes seconds the first time.

        Empty where the run says nothing of its training images, or the photograph cannot be read any more.
        """
        model = self.project.model
        with self._explaining:
            if (model, one.id) not in self._explained:
                self._explained[model, one.id] = self._explain(model, one)
            return self._explained[model, one.id]

    def _explain(self, model: int, one: Specimen) -> str:
        try:
            if self._explainer is None or self._explainer[0] != model:
                self._explainer = (model, Explainer(self.project.run(model)))
            knows = self._explainer[1]
            found = knows.explain([one.path], compute=Compute(workers=1))
        except HybridwingError:
            return ""
        card = card_of(found[0], knows)
        figures = "".join(
            f'<figure><img src="{picture.address}" alt="{escape(picture.alternative)}">'
            f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
            for picture in card.pictures[1:]
        )
        compared = found[0].map
        legend = "" if compared is None else " (blue as in {}, orange as in {})".format(*map(escape, compared.parents))
        remark = f"<p>{escape(found[0].remark)}.</p>" if found[0].remark else ""
        return f'<p>{escape(found[0].words)}{legend}</p>{remark}<div class="desk-why">{figures}</div>'

    def _passes(self, one: Specimen, wanted: Filter, limit: Limit | None) -> bool:
        state = "failed" if one.failure else "waiting" if one.score is None else verdict_of(one, limit)
        decision = self.decisions.get(one.id)
        choice = decision.choice if decision else ""
        if wanted.verdict and state != wanted.verdict:
            return False
        if wanted.decision and (choice or "none") != wanted.decision:
            return False
        text = wanted.text.strip().casefold()
        if not text:
            return True
        names = [name for name, _ in one.looks.identities] + list(one.looks.parents)
        return text in " ".join([one.name, *names, *one.facts.values(), decision.note if decision else ""]).casefold()
