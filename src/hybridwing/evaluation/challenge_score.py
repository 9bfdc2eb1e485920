"""The official score of the 2024 HDR Anomaly Challenge "Hybrid Butterfly Detection", to the last digit.

The rule is that of ``scoring_program/score_combined.py`` in Imageomics/HDR-anomaly-challenge (MIT) run with
scikit-learn 1.9: *Heliconius erato* ("Species A": signal hybrids are ``major``, non-signal hybrids
``minor``) and the ``mimic`` rows are scored separately, each at its own threshold. The official search for that
threshold is quadratic; this one sorts once.

Where only one class is present the numbers are the official ones: ROC areas are NaN, an average precision
without hybrids is 0, and recall and precision with nothing to divide by are 0. `unmeasured` names those that
were not measured. Where the official program stops with an error (no rows of an indicator, a NaN or infinite
score) a `ScoringError` says so.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybridwing.errors import ScoringError, first_few
from hybridwing.evaluation.metrics import average_precision, checked_scores, detection_metrics, ratio, roc_auc

if TYPE_CHECKING:
    import numpy.typing as npt

GROUPS = ("major", "minor", "mimic")
TITLES = {"major": "signal", "minor": "non-signal", "mimic": "mimic"}
"""What the groups are called for people."""
TRUE_NEGATIVE_RATE = 0.95


@dataclass(frozen=True)
class ChallengeScores:
    """Both parts of the official score, by the names that the official program gives its numbers."""

    # *Heliconius erato*: the keys of `mimic` for signal and non-signal rows together, and ``major_recall``,
    # ``minor_recall`` (at the threshold of both together), ``major_prc_auc``, ``minor_prc_auc``, ``major_roc_auc``
    # and ``minor_roc_auc``.
    species_a: dict[str, float]
    # *Heliconius melpomene*: ``threshold_pred``; ``threshold_recall``, the share of the non-hybrids called non-
    # hybrid, rounded to 4 decimals; ``hybrid_recall``, ``hybrid_precision``, ``f1_score`` and ``accuracy`` at that
    # threshold; ``prc_auc``, the average precision; and ``roc_auc``, NaN when one of the classes is absent.
    mimic: dict[str, float]

    @property
    def challenge_score(self) -> float:
        """Harmonic mean of the signal, non-signal and mimic hybrid recalls; 0 if any of them is 0."""
        recalls = [self.species_a["major_recall"], self.species_a["minor_recall"], self.mimic["hybrid_recall"]]
        return float(statistics.harmonic_mean(recalls))

    def leaderboard(self) -> dict[str, float]:
        """The leaderboard record: official names in official order."""
        return {
            "A_score_major_recall": self.species_a["major_recall"],
            "A_score_minor_recall": self.species_a["minor_recall"],
            "A_PRC_AUC": self.species_a["prc_auc"],
            "A_PRC_AUC_major": self.species_a["major_prc_auc"],
            "A_PRC_AUC_minor": self.species_a["minor_prc_auc"],
            "mimic_recall": self.mimic["hybrid_recall"],
            "mimic_PRC_AUC": self.mimic["prc_auc"],
            # A score of nothing is the integer that Python's harmonic mean returns, and JSON shows it.
            "challenge_score": self.challenge_score or 0,
        }

    def to_json(self) -> str:
        """The text of the official ``scores.json``."""
        return json.dumps(self.leaderboard())


def challenge_scores(scores: npt.ArrayLike, labels: npt.ArrayLike, groups: npt.ArrayLike) -> ChallengeScores:
    """Score predictions as the challenge does.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Finite hybrid scores; higher = more likely hybrid.
    labels : array-like of shape (n,)
        1 for a hybrid, 0 for a non-hybrid.
    groups : array-like of str, shape (n,)
        ``"major"``, ``"minor"`` or ``"mimic"`` (the reference tables' ``ssp_indicator``).

    Raises
    ------
    ScoringError
        If the arrays do not fit each other, a group is unknown, or a group has no rows: the official program
        stops with an error there.
    """
    score_array, hybrid = checked_scores(scores, labels)
    group_array = np.asarray(groups)
    if group_array.shape != score_array.shape:
        raise ScoringError(f"{score_array.size} scores need as many groups; got {group_array.shape}.")
    members = {group: np.asarray(group_array == group, dtype=np.bool_) for group in GROUPS}
    known = members["major"] | members["minor"] | members["mimic"]
    if not known.all():
        unknown = sorted({repr(str(group)) for group in group_array[~known][:1000]})
        raise ScoringError(f"Unknown group {first_few(unknown)}: each must be one of {', '.join(GROUPS)}.")
    empty = [group for group in GROUPS if not members[group].any()]
    if empty:
        raise ScoringError(
            f"The score needs rows of {', '.join(GROUPS)}; there are none of {' and '.join(empty)}: "
            "the challenge's score is defined on its reference tables only. To measure scores on a table without these "
            "groups, use detection_metrics(scores, labels) in Python or `hybridwing evaluate` on the command line."
        )
    species_a = ~members["mimic"]
    both = _together(score_array[species_a], hybrid[species_a])
    for group in ("major", "minor"):
        values, labelled = score_array[members[group]], hybrid[members[group]]
        found = int((labelled & (values > both["threshold_pred"])).sum())
        both[f"{group}_recall"] = ratio(found, int(labelled.sum()))
        both[f"{group}_prc_auc"] = average_precision(values, labelled)
        both[f"{group}_roc_auc"] = roc_auc(values, labelled)
    return ChallengeScores(both, _together(score_array[members["mimic"]], hybrid[members["mimic"]]))


def _together(scores: npt.NDArray[np.float64], hybrid: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Scores of rows that share a threshold."""
    metrics = detection_metrics(scores, hybrid, TRUE_NEGATIVE_RATE)
    names = ("hybrid_recall", "hybrid_precision", "f1_score", "accuracy", "prc_auc", "roc_auc")
    return {
        "threshold_recall": round(metrics.true_negative_rate, 4),
        "threshold_pred": metrics.threshold,
        **{name: getattr(metrics, name) for name in names},
    }


def unmeasured(labels: npt.ArrayLike, groups: npt.ArrayLike) -> dict[str, str]:
    """Leaderboard measures that a table cannot give, with what it lacks for them.

    The official program writes 0 there, which reads as if hybrids had been missed. Labels and groups are those of
    `challenge_scores`. Measures go by the names of `ChallengeScores.leaderboard`; there is none for the
    challenge's own tables.

    Examples
    --------
    >>> unmeasured([0, 1, 0, 1, 0, 0], ["major", "major", "minor", "minor", "mimic", "mimic"])["mimic_recall"]
    'no mimic hybrids'
    """
    hybrid, names = np.asarray(labels) == 1, np.asarray(groups).astype(str)
    species_a = names != "mimic"
    hybrids = {group: bool((hybrid & (names == group)).any()) for group in GROUPS}
    others = {group: bool((~hybrid & (names == group)).any()) for group in GROUPS}
    found = {}
    for group, recall, area in (
        ("major", "A_score_major_recall", "A_PRC_AUC_major"),
        ("minor", "A_score_minor_recall", "A_PRC_AUC_minor"),
        ("mimic", "mimic_recall", "mimic_PRC_AUC"),
    ):
        if not hybrids[group]:
            found[recall] = found[area] = f"no {TITLES[group]} hybrids"
        elif not others[group]:
            found[area] = f"no non-hybrids among the {TITLES[group]} images"
    for recalls, members, what in (
        (["A_score_major_recall", "A_score_minor_recall"], species_a, "H. erato"),
        (["mimic_recall"], ~species_a, "H. melpomene"),
    ):
        if not (~hybrid & members).any():
            found.update(dict.fromkeys(recalls, f"no non-hybrids of {what}"))
    if not (hybrid & species_a).any() or not (~hybrid & species_a).any():
        found["A_PRC_AUC"] = "no hybrids or no non-hybrids of H. erato"
    for recall in ("A_score_major_recall", "A_score_minor_recall", "mimic_recall"):
        if recall in found:
            found.setdefault("challenge_score", found[recall])
    return found


@dataclass(frozen=True, eq=False)
class LabelledScores:
    """Predictions beside the truth, in the order of the reference table."""

    scores: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int8]  # 1 for a hybrid
    groups: npt.NDArray[np.str_]
    specimens: npt.NDArray[np.str_]

    def challenge_scores(self) -> ChallengeScores:
        """The official scores of these predictions."""
        return challenge_scores(self.scores, self.labels, self.groups)


def read_labelled_scores(
    predictions: Path, reference: Path, *, lower_is_hybrid: bool = False, allow_extra: bool = False
) -> LabelledScores:
    """Read what `score_files` scores; parameters and errors are the same."""
    from hybridwing.evaluation.predictions import read_predictions
    from hybridwing.evaluation.reference import read_reference

    table = read_reference(reference)
    scores = read_predictions(predictions).aligned_to(table.filenames, allow_extra=allow_extra)
    return LabelledScores(1 - scores if lower_is_hybrid else scores, table.labels, table.groups, table.specimens)


def score_files(
    predictions: Path | str, reference: Path | str, *, lower_is_hybrid: bool = False, allow_extra: bool = False
) -> ChallengeScores:
    r"""Score a predictions file against a reference table.

    Parameters
    ----------
    predictions : Path or str
        ``filename,score`` a line, no header.
    reference : Path or str
        CSV, separated by commas, semicolons or tabs, with the columns ``filename``, ``hybrid_stat`` (0 or 1) and
        ``ssp_indicator``.
    lower_is_hybrid : bool, default False
        The file holds P(non-hybrid): score ``1 - s`` instead of ``s``.
    allow_extra : bool, default False
        Ignore predictions for files that the reference does not list, as the official program does (the
        reference of the development phase is a part of that of the test phase). Otherwise they are an
        error.

    Raises
    ------
    ScoringError
        If a file cannot be read, or predictions are missing, extra, duplicate, NaN, infinite or unparsable.
        The message names the first few files or lines.

    Examples
    --------
    >>> reference = hw.read_catalogue(collection.ref_val)
    >>> lines = (f"{name},{place / 1000}" for place, name in enumerate(reference.uuids))
    >>> with open("predictions.txt", "w") as file:
    ...     _ = file.write("\n".join(lines))
    >>> 0 <= score_files("predictions.txt", collection.ref_val).challenge_score <= 1
    True
    """
    return read_labelled_scores(
        Path(predictions), Path(reference), lower_is_hybrid=lower_is_hybrid, allow_extra=allow_extra
    ).challenge_scores()
