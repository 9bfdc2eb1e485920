"""Measure how well metadata alone, such as the record number, predicts the label."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.audit.findings import (
    EvidenceTable,
    Finding,
    Severity,
    clear,
    interval_text,
    listed,
    of_text,
    share_text,
)
from hybridwing.catalogue.metadata import hybrid_rates
from hybridwing.catalogue.strata import strata_of
from hybridwing.evaluation.challenge_score import TRUE_NEGATIVE_RATE
from hybridwing.evaluation.intervals import Interval, Proportion, bootstrap_interval, wilson_interval
from hybridwing.evaluation.metrics import roc_auc

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hybridwing.audit.tables import AuditedTable, Group

FOLDS = 5
RESAMPLES = 300
_SERIOUS, _CAUTION, _LITTLE = 0.5, 0.15, 0.05
"""Distances from chance (recall + TNR - 1, at the unfavourable ends of the intervals) from which on a column is
serious, needs care, and is worth a finding."""
_VALUE_IN_WORDS = {
    "record": "Record {}",
    "side": "The side “{}”",
    "file type": "The file type “{}”",
    "file-name pattern": "The file-name pattern “{}”",
    "specimen-number pattern": "The specimen-number pattern “{}”",
    "white standard": "White standard in the file name: “{}”",
}


@dataclass(frozen=True)
class RuleResult:
    """What the question "is the image's `column` equal to `value`?" finds in one group."""

    column: str  # The value is the one with the largest recall + TNR in the audited catalogue
    value: str
    table: str  # Where the rule was measured
    group: str
    recall: Proportion  # Hybrids that have the value
    true_negatives: Proportion  # Non-hybrids that have another

    @property
    def informedness(self) -> float:
        """Recall + TNR - 1, in [-1, 1]; 0 is chance (Youden 1950, Cancer 3, 32-35)."""
        return self.recall.share + self.true_negatives.share - 1


@dataclass(frozen=True)
class RateScore:
    """What the hybrid rate of each value of a column, learned from the catalogue, gives as a score."""

    column: str
    table: str
    group: str
    recall: float  # At a true-negative rate of exactly 95 %, see `recall_at_rate`
    interval: Interval  # Of `recall`, at 95 %: stratified bootstrap by specimen; Wilson's where none or all are found
    roc_auc: float  # 0.5 is chance
    held_out: bool  # True where the catalogue was scored on itself, each fifth by the rates of the other four


def measure_columns(
    train: AuditedTable, groups: Sequence[Group], *, seed: int
) -> tuple[list[RuleResult], list[RateScore]]:
    """Try every metadata column of the catalogue on every group; a column with one value is left out."""
    rules, scores = [], []
    for column, values in train.columns.items():
        value = best_value(values, train.hybrid)
        if value is not None:
            rules += [rule_on(column, value, group) for group in groups]
            scores += [score_group(column, train, group, seed=seed) for group in groups]
    return rules, scores


def best_value(values: Sequence[str], hybrid: Sequence[bool | None]) -> str | None:
    """The value whose shares among hybrids and non-hybrids differ most; the first by name if several do.

    None where there are no hybrids, no non-hybrids or only one value.
    """
    hybrids = Counter(value for value, label in zip(values, hybrid, strict=True) if label is True)
    others = Counter(value for value, label in zip(values, hybrid, strict=True) if label is False)
    if not hybrids or not others or len(hybrids | others) < 2:
        return None
    n, m = hybrids.total(), others.total()
    return max(sorted(hybrids | others), key=lambda value: hybrids[value] / n - others[value] / m)


def rule_on(column: str, value: str, group: Group) -> RuleResult:
    """Apply a single-value rule to a group."""
    values, n, m = group.table.columns[column], len(group.hybrids), len(group.non_hybrids)
    hits = sum(values[row] == value for row in group.hybrids)
    alarms = sum(values[row] == value for row in group.non_hybrids)
    return RuleResult(column, value, group.table.name, group.name, Proportion(hits, n), Proportion(m - alarms, m))


def score_group(column: str, train: AuditedTable, group: Group, *, seed: int) -> RateScore:
    """Score a group by the hybrid rate that each value has in the catalogue; `seed` deals the fifths."""
    own = group.table is train
    if own:
        scores = _held_out_rates(train, column, seed)
    else:
        scores = hybrid_rates(train.columns[column], train.hybrid, group.table.columns[column])
    rows = np.concatenate([group.hybrids, group.non_hybrids])
    scores, labels = scores[rows], np.arange(len(rows)) < len(group.hybrids)
    recall = recall_at_rate(scores, labels)
    if recall in (0.0, 1.0):  # no resample differs, which does not make the number certain
        interval = wilson_interval(int(recall) * len(group.hybrids), len(group.hybrids))
    else:
        interval = bootstrap_interval(
            lambda drawn: recall_at_rate(scores[drawn], labels[drawn]),
            labels,
            group.table.catalogue.specimens[rows],
            resamples=RESAMPLES,
            seed=seed,
        )
    return RateScore(column, group.table.name, group.name, recall, interval, roc_auc(scores, labels), own)


def recall_at_rate(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> float:
    """Height of the ROC curve at a true-negative rate of exactly 95 %: ties at the threshold are broken at random.

    Both arrays have the shape (n,); a label is True for a hybrid, and both kinds are there.
    """
    from sklearn.metrics import roc_curve

    false_alarms, recall, _ = roc_curve(labels, scores, drop_intermediate=False)
    # Of several points above each other, interp takes the last, which is the top of a vertical step.
    return float(np.interp(1 - TRUE_NEGATIVE_RATE, false_alarms, recall))


def _held_out_rates(train: AuditedTable, column: str, seed: int) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    fold = np.empty(len(train), dtype=np.intp)
    for rows in strata_of(np.array([str(label) for label in train.hybrid], dtype=object)):
        fold[rng.permutation(rows)] = np.arange(len(rows)) % FOLDS
    values, hybrid = np.array(train.columns[column], dtype=object), np.array(train.hybrid, dtype=object)
    scores = np.empty(len(train))
    for number in range(FOLDS):
        out = fold == number
        scores[out] = hybrid_rates(values[~out], hybrid[~out], values[out])
    return scores


def confounding_findings(
    train: AuditedTable, rules: Sequence[RuleResult], scores: Sequence[RateScore]
) -> list[Finding]:
    """A finding for each column that predicts the label, and one for all columns that do not."""
    found, weak = [], []
    for column in dict.fromkeys(rule.column for rule in rules):
        own_rules = [rule for rule in rules if rule.column == column]
        own_scores = [score for score in scores if score.column == column]
        by_rule = [rule.recall.interval.low + rule.true_negatives.interval.low - 1 for rule in own_rules]
        by_rate = [score.interval.low - (1 - TRUE_NEGATIVE_RATE) for score in own_scores]
        strength = max([*by_rule, *by_rate])
        if strength >= _LITTLE:
            found.append((strength, _predictive(train, own_rules, own_scores, strength)))
        else:
            weak.append(max(own_rules, key=lambda rule: rule.informedness))
    findings = [finding for _, finding in sorted(found, key=lambda item: -item[0])]
    return findings + ([_harmless(train, weak)] if weak else [])


def _predictive(
    train: AuditedTable, rules: Sequence[RuleResult], scores: Sequence[RateScore], strength: float
) -> Finding:
    severity: Severity = "serious" if strength >= _SERIOUS else "caution" if strength >= _CAUTION else "note"
    shown = _worth_telling(rules, train)
    worst = shown[0]
    meaning = (
        f"A model can get this far without looking at a wing: whatever else the images with this {worst.column} have "
        "in common (background, ruler, light, camera) stands in for being a hybrid. A recall near these numbers "
        "proves nothing about wing patterns."
    )
    blind = [f"{r.recall.total:,} {r.group}" for r in rules if r.table == worst.table and not r.recall.count]
    if blind:
        meaning += (
            f" It has none of the {listed(blind)} in {worst.table}: a model that learned it ranks them below every "
            "non-hybrid that has it."
        )
    results = [
        f"{of_text(rule.recall)} {rule.group} (recall {rule.recall.share:.3f} at a true-negative rate of "
        f"{rule.true_negatives.share:.3f})"
        for rule in shown
    ]
    return Finding(
        "confounding",
        severity,
        f"{worst.column} predicts label",
        f"{_VALUE_IN_WORDS[worst.column].format(worst.value)} alone, no picture needed, finds in {worst.table} "
        f"{listed(results)}.",
        meaning,
        _remedy(worst.column),
        (
            EvidenceTable(
                f"The rule “{worst.column} is {worst.value}”, chosen on {train.name}; in brackets Wilson's 95 % "
                "intervals.",
                ("measured on", "hybrids with it", "recall", "non-hybrids without it", "true-negative rate"),
                tuple(
                    (
                        f"{rule.group}, {rule.table}" + (" (chosen here)" if rule.table == train.name else ""),
                        of_text(rule.recall),
                        share_text(rule.recall),
                        of_text(rule.true_negatives),
                        share_text(rule.true_negatives),
                    )
                    for rule in rules
                ),
            ),
            EvidenceTable(
                f"Every {worst.column} scored by its hybrid rate in training; ties at the threshold break at random.",
                ("measured on", "recall at 95 % TNR", "ROC AUC"),
                tuple(
                    (
                        f"{one.group}, {one.table}" + (" (each fifth by the other four)" if one.held_out else ""),
                        f"{one.recall:.3f} ({interval_text(one.interval)})",
                        f"{one.roc_auc:.3f}",
                    )
                    for one in scores
                ),
            ),
        ),
    )


def _worth_telling(rules: Sequence[RuleResult], train: AuditedTable) -> list[RuleResult]:
    """Results well above chance, or else the best, on the table with the most hybrids: a reference if there is one."""
    tables = {rule.table for rule in rules if rule.table != train.name} or {train.name}
    sizes = {table: sum(rule.recall.total for rule in rules if rule.table == table) for table in sorted(tables)}
    largest = max(sizes, key=lambda table: sizes[table])
    own = sorted((rule for rule in rules if rule.table == largest), key=lambda rule: -rule.informedness)
    return [rule for rule in own if rule.informedness >= _CAUTION] or own[:1]


def _remedy(column: str) -> str:
    common = "State this rule's numbers beside the model's; a model is only worth what it adds to them."
    if column == "record":
        return (
            "Validate with whole records held out (hybridwing train --split record), balance records when sampling, "
            f"and mask or replace the background. {common}"
        )
    if column == "side":
        return f"Train and test on one side only, or on each apart; drop the rest. {common}"
    return (
        "Never give the model file names, and look at what else these images share. It is often the record or the "
        f"camera, so hold whole records out (hybridwing train --split record). {common}"
    )


def _harmless(train: AuditedTable, weak: Sequence[RuleResult]) -> Finding:
    return clear(
        "confounding",
        "metadata without effect",
        f"{listed([rule.column for rule in weak]).capitalize()} alone {'says' if len(weak) == 1 else 'say'} next to "
        "nothing about the label.",
        f"The best value of each, chosen on {train.name}, is nowhere surely more than {_LITTLE:.2f} above chance "
        "(recall + TNR − 1).",
        (
            EvidenceTable(
                "Best single-value rule of each column, where it does best.",
                ("column", "value", "measured on", "recall", "true-negative rate"),
                tuple(
                    (r.column, r.value, f"{r.group}, {r.table}", share_text(r.recall), share_text(r.true_negatives))
                    for r in weak
                ),
            ),
        ),
    )
