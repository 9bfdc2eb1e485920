"""What is noted of a submission's scores beside the numbers."""

from __future__ import annotations

import numpy as np

from hybridwing.evaluation.challenge_score import read_labelled_scores
from hybridwing.submission.rehearse.stages import note_spread


def test_scores_that_rank_non_hybrids_first_are_noted(tmp_path):
    rng, reference, right, turned = np.random.default_rng(1), ["filename,hybrid_stat,ssp_indicator"], [], []
    for group in ("major", "minor", "mimic"):
        for number in range(30):
            label, name = int(number < 10), f"{group}{number}.jpg"
            reference.append(f"{name},{label},{group}")
            score = 0.5 * label + 0.4 * float(rng.random()) + 0.01
            right.append(f"{name},{score:.4f}")
            turned.append(f"{name},{1 - score:.4f}")
    for file, lines in (("ref.csv", reference), ("right.txt", right), ("turned.txt", turned)):
        (tmp_path / file).write_text("\n".join(lines) + "\n")

    def noted(predictions: str) -> list[str]:
        return note_spread(read_labelled_scores(tmp_path / predictions, tmp_path / "ref.csv"))

    assert noted("right.txt") == []
    first, *groups = noted("turned.txt")
    assert first.startswith("these scores rank non-hybrids first (ROC AUC 0.00")
    assert first.endswith("1 − score gives a challenge score of 1.000")
    assert len(groups) == 3
