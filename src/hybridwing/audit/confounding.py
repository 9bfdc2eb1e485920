"""How well metadata alone predicts the label: nobody needs a picture for what the record number says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.catalogue.strata import strata_of
from hybridwing.evaluation.intervals import Interval, Proportion, bootstrap_interval, wilson_interval
from hybridwing.evaluation.metrics import detection_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hybridwing.audit.tables import AuditedTable, Group

TRUE_NEGATIVE_RATE = 0.95
FOLDS = 5
RESAMPLES = 300
_PSEUDO_IMAGES = 1.0  # keeps a value of one image from having the rate 0 or 1


@dataclass(frozen=True)
class RuleResult:
    """What "is the image's `column` equal to `value`?" does on one group.

    Attributes
    ----------
    column, value : str
        The value is the one that best tells the labels of the audited catalogue apart (largest recall + TNR); the group
        has no say in it.
    table, group : str
        Where it was measured.
    recall : Proportion
        Hybrids that have the value.
    true_negatives : Proportion
        Non-hybrids that have another.
    """

    column: str
    value: str
    table: str
    group: str
    recall: Proportion
    true_negatives: Proportion

    @property
    def informedness(self) -> float:
        """Recall + TNR - 1, in [-1, 1]; 0 is chance (Youden 1950, Cancer 3, 32-35)."""
        return self.recall.share + self.true_negatives.share - 1


@dataclass(frozen=True)
class Prediction:
    """What the hybrid rate of each value of a column, learned from the catalogue, does as a score.

    Attributes
    ----------
    column, table, group : str
    recall : Proportion
        Hybrids that score above the threshold at a true-negative rate of 95 %, the challenge's. The interval takes the
        threshold as given.
    true_negatives : Proportion
        Non-hybrids at or below it; with few distinct values it is often well above 95 %, and then the recall is low.
    even_recall : float in [0, 1]
        Recall at 95 % exactly, the images that share the threshold's score being called by lot: the height of the ROC
        curve there.
    even_interval : Interval
        Of `even_recall`, at 95 %: stratified bootstrap by specimen; Wilson's where none or all are found.
    roc_auc : float in [0, 1]
        0.5 is chance.
    held_out : bool
        True where the catalogue was scored on itself, each fifth by rates of the other four.
    """

    column: str
    table: str
    group: str
    recall: Proportion
    true_negatives: Proportion
    even_recall: float
    even_interval: Interval
    roc_auc: float
    held_out: bool


def best_value(values: Sequence[str], hybrid: Sequence[bool | None]) -> str | None:
    """The value that tells hybrids from non-hybrids best: largest difference of its shares among the two.

    Returns
    -------
    str or None
        The first by name among equals; None where there are no hybrids, no non-hybrids or but one value.
    """
    hybrids = Counter(value for value, label in zip(values, hybrid, strict=True) if label is True)
    others = Counter(value for value, label in zip(values, hybrid, strict=True) if label is False)
    if not hybrids or not others or len(hybrids | others) < 2:
        return None
    n, m = hybrids.total(), others.total()
    return max(sorted(hybrids | others), key=lambda value: hybrids[value] / n - others[value] / m)


def rule_on(column: str, value: str, group: Group) -> RuleResult:
    """Apply a single-value rule to a group."""
    values = group.table.columns[column]
    hits = sum(values[row] == value for row in group.hybrids)
    alarms = sum(values[row] == value for row in group.non_hybrids)
    return RuleResult(
        column,
        value,
        group.table.name,
        group.name,
        Proportion(hits, len(group.hybrids)),
        Proportion(len(group.non_hybrids) - alarms, len(group.non_hybrids)),
    )


def predict_group(column: str, train: AuditedTable, group: Group, *, seed: int) -> Prediction:
    """Score a group by the hybrid rate that each value has in the catalogue.

    Parameters
    ----------
    column : str
    train : AuditedTable
        Where the rates come from.
    group : Group
        Of another table, or of the same: then each fifth of it, stratified by label, is scored by the other four.
    seed : int
        Deals the fifths.
    """
    own = group.table is train
    scores = _held_out_rates(train, column, seed) if own else _rates(train, column, None, group.table.columns[column])
    rows = np.concatenate([group.hybrids, group.non_hybrids])
    labels = np.arange(len(rows)) < len(group.hybrids)
    metrics = detection_metrics(scores[rows], labels, TRUE_NEGATIVE_RATE)
    even = even_recall(scores[rows], labels)
    called = scores[rows] > metrics.threshold
    return Prediction(
        column,
        group.table.name,
        group.name,
        Proportion(int((called & labels).sum()), len(group.hybrids)),
        Proportion(int((~called & ~labels).sum()), len(group.non_hybrids)),
        even,
        _even_interval(even, scores[rows], labels, group.table.catalogue.specimens[rows], seed),
        metrics.roc_auc,
        own,
    )


def even_recall(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> float:
    """Recall at a true-negative rate of exactly 95 %, by linear interpolation of the ROC curve.

    Parameters
    ----------
    scores : ndarray of shape (n,), float64
    labels : ndarray of shape (n,), bool
        True for a hybrid; both kinds are there.
    """
    values, member = np.unique(-scores, return_inverse=True)
    hits = np.cumsum(np.bincount(member, weights=labels, minlength=len(values)))
    alarms = np.cumsum(np.bincount(member, weights=~labels, minlength=len(values)))
    at = 1 - TRUE_NEGATIVE_RATE
    # interp takes the last of several points above each other, which is the top of a vertical step
    return float(np.interp(at, np.append(0.0, alarms / alarms[-1]), np.append(0.0, hits / hits[-1])))


def _even_interval(
    even: float,
    scores: npt.NDArray[np.float64],
    labels: npt.NDArray[np.bool_],
    specimens: npt.NDArray[np.object_],
    seed: int,
) -> Interval:
    hybrids = int(labels.sum())
    if even in (0.0, 1.0):  # no resample differs, which is not to say that the number is certain
        return wilson_interval(int(even) * hybrids, hybrids)
    return bootstrap_interval(
        lambda drawn: even_recall(scores[drawn], labels[drawn]), labels, specimens, resamples=RESAMPLES, seed=seed
    )


def _rates(
    train: AuditedTable, column: str, rows: npt.NDArray[np.intp] | None, values: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Hybrid rate of each value among some rows of a table, drawn a little towards the rate of all."""
    chosen = range(len(train)) if rows is None else rows.tolist()
    known = [(train.columns[column][row], train.hybrid[row]) for row in chosen if train.hybrid[row] is not None]
    images = Counter(value for value, _ in known)
    hybrids = Counter(value for value, label in known if label)
    overall = hybrids.total() / max(len(known), 1)
    rate = {v: (hybrids[v] + _PSEUDO_IMAGES * overall) / (images[v] + _PSEUDO_IMAGES) for v in images}
    return np.array([rate.get(value, overall) for value in values])


def _held_out_rates(train: AuditedTable, column: str, seed: int) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    fold = np.empty(len(train), dtype=np.intp)
    for rows in strata_of(np.array([str(label) for label in train.hybrid], dtype=object)):
        fold[rng.permutation(rows)] = np.arange(len(rows)) % FOLDS
    scores = np.empty(len(train))
    for number in range(FOLDS):
        out = np.flatnonzero(fold == number)
        scores[out] = _rates(train, column, np.flatnonzero(fold != number), [train.columns[column][row] for row in out])
    return scores
